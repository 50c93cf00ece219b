//! Words by which titles tell what kind of track a stream is.
//!
//! English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Russian, Japanese and Swedish, written as people do and folded once.

use std::sync::LazyLock;

use crate::text::fold;

/// Terms as they are compared.
pub(super) type Terms = LazyLock<Vec<String>>;

fn folded(terms: &[&str]) -> Vec<String> {
    terms.iter().map(|term| fold(term)).collect()
}

/// Words that deny the one that follows.
pub(super) const DENIALS: [&str; 10] = ["non", "not", "no", "without", "ohne", "sans", "sin", "senza", "sem", "без"];

/// People talk about the film.
pub(super) static COMMENTARY: Terms = LazyLock::new(|| {
    folded(&[
        "commentary",
        "commentaries",
        "commentator",
        "comments",
        "audiokommentar",
        "kommentar",
        "filmkommentar",
        "kommentarer",
        "commentaire",
        "commentaires",
        "comentario",
        "comentarios",
        "audiocomentario",
        "comentário",
        "comentários",
        "commento",
        "commenti",
        "commentaar",
        "audiocommentaar",
        "komentarz",
        "komentarze",
        "komentarzem",
        "комментарий",
        "комментарии",
        "комментарием",
        "комментариями",
        "コメンタリー",
    ])
});

/// The picture is described.
pub(super) static AUDIO_DESCRIPTION: Terms = LazyLock::new(|| {
    folded(&[
        "audio description",
        "audiodescription",
        "audio described",
        "descriptive",
        "descriptive video",
        "described video",
        "dvs",
        "visually impaired",
        "visual impaired",
        "for the blind",
        "audiodeskription",
        "hörfilm",
        "hörfilmfassung",
        "bildbeschreibung",
        "für blinde",
        "für sehbehinderte",
        "sehgeschädigte",
        "malvoyants",
        "pour aveugles",
        "audiodescripción",
        "audio descripción",
        "para ciegos",
        "audiodescrizione",
        "audio descrizione",
        "non vedenti",
        "ipovedenti",
        "audiodescrição",
        "audio descrição",
        "para cegos",
        "audiodescriptie",
        "audio descriptie",
        "slechtzienden",
        "audiodeskrypcja",
        "niewidomych",
        "niedowidzących",
        "аудиодескрипция",
        "тифлокомментарий",
        "тифлокомментарии",
        "для слепых",
        "слабовидящих",
        "syntolkning",
        "syntolkad",
        "音声解説",
        "音声ガイド",
        "視覚障害",
    ])
});

/// Subtitles, or sound, for the deaf and hard of hearing.
pub(super) static HEARING_IMPAIRED: Terms = LazyLock::new(|| {
    folded(&[
        "sdh",
        "cc",
        "hoh",
        "sdhh",
        "closed caption",
        "closed captions",
        "closed captioned",
        "captions",
        "hearing impaired",
        "hard of hearing",
        "for the deaf",
        "deaf",
        "hörgeschädigte",
        "hörgeschädigten",
        "gehörlose",
        "gehörlosen",
        "schwerhörige",
        "malentendants",
        "malentendant",
        "sourds",
        "sme",
        "sordos",
        "para sordos",
        "hipoacúsicos",
        "non udenti",
        "sordi",
        "surdos",
        "ensurdecidos",
        "doven",
        "slechthorenden",
        "niesłyszących",
        "niedosłyszących",
        "для глухих",
        "слабослышащих",
        "hörselskadade",
        "聴覚障害",
        "聴覚障がい",
        "バリアフリー",
    ])
});

/// Only what must be shown.
pub(super) static FORCED: Terms = LazyLock::new(|| {
    folded(&[
        "forced",
        "signs",
        "signs and songs",
        "foreign parts",
        "foreign parts only",
        "foreign only",
        "foreign dialogue",
        "non english parts",
        "erzwungen",
        "erzwungene",
        "zwangsuntertitel",
        "forcé",
        "forcés",
        "forzado",
        "forzados",
        "forzato",
        "forzati",
        "forçado",
        "forçados",
        "forçada",
        "forçadas",
        "geforceerd",
        "geforceerde",
        "gedwongen",
        "wymuszone",
        "wymuszony",
        "форсированные",
        "форсированный",
        "форсир",
        "форс",
        "надписи",
        "tvingade",
        "強制",
    ])
});
