//! Tests of what titles and dispositions say.

use super::*;

fn sound(title: &str) -> Option<Special> {
    special_sound(Disposition::default(), Some(title))
}

fn subtitles(title: &str) -> (bool, bool, bool) {
    let found = subtitle_traits(Disposition::default(), Some(title));
    (found.forced, found.sdh, found.commentary)
}

#[test]
fn commentaries_are_known_in_many_languages() {
    for title in [
        "Commentary",
        "Director's Commentary",
        "Audio commentary with cast & crew",
        "Audiokommentar von Regisseur X",
        "Commentaire audio",
        "Comentarios del director",
        "Commento del regista",
        "Comentário do diretor",
        "Commentaar van de regisseur",
        "Komentarz reżysera",
        "Комментарии режиссёра",
        "オーディオコメンタリー",
        "Regissörens kommentar",
    ] {
        assert_eq!(sound(title), Some(Special::Commentary), "{title}");
    }
}

#[test]
fn descriptions_for_the_blind_are_known_in_many_languages() {
    for title in [
        "Audio Description",
        "English [AD]",
        "English - AD",
        "Descriptive Audio",
        "Described Video",
        "DVS",
        "Hörfilmfassung",
        "Deutsch (Audiodeskription)",
        "Audiodescription (malvoyants)",
        "Audiodescripción",
        "Audiodescrizione per non vedenti",
        "Audiodescrição",
        "Audiodescriptie",
        "Audiodeskrypcja",
        "Тифлокомментарий",
        "音声解説",
        "Descriptive audio commentary",
    ] {
        assert_eq!(sound(title), Some(Special::AudioDescription), "{title}");
    }
}

#[test]
fn subtitles_for_the_deaf_and_forced_ones_are_known_in_many_languages() {
    for title in [
        "SDH",
        "English (SDH)",
        "English [CC]",
        "Closed Captions",
        "Hard of Hearing",
        "Deutsch für Hörgeschädigte",
        "Français pour sourds et malentendants",
        "Español para sordos",
        "Italiano per non udenti",
        "Português para surdos",
        "Nederlands voor doven en slechthorenden",
        "Polskie dla niesłyszących",
        "Русские для глухих",
        "聴覚障害者用字幕",
    ] {
        assert_eq!(subtitles(title), (false, true, false), "{title}");
    }
    for title in [
        "Forced",
        "English Forced",
        "Signs & Songs",
        "Foreign parts only",
        "Deutsch (erzwungen)",
        "Français forcés",
        "Forzados",
        "Sottotitoli forzati",
        "Legendas forçadas",
        "Geforceerd",
        "Wymuszone",
        "Форсированные",
        "強制字幕",
    ] {
        assert_eq!(subtitles(title), (true, false, false), "{title}");
    }
}

#[test]
fn words_that_only_hold_such_a_word_say_nothing() {
    for title in [
        "Soccer",
        "Director's Cut",
        "Dublin",
        "Ad-free cut",
        "Accent",
        "Designs",
        "Reinforced concrete",
        "Enforced silence",
        "Commentry, Allier",
        "Deafening silence",
        "Blind Date",
        "Original",
        "Stereo",
        "",
        "Non-SDH",
        "not forced",
        "Unforced",
    ] {
        assert_eq!(sound(title), None, "{title}");
        assert_eq!(subtitles(title), (false, false, false), "{title}");
    }
}

#[test]
fn dispositions_are_believed_before_titles() {
    let comment = Disposition { comment: true, ..Default::default() };
    let blind = Disposition { visual_impaired: true, ..Default::default() };
    let deaf = Disposition { hearing_impaired: true, ..Default::default() };
    assert_eq!(special_sound(comment, Some("Audio Description")), Some(Special::Commentary));
    assert_eq!(special_sound(blind, Some("Commentary")), Some(Special::AudioDescription));
    assert_eq!(special_sound(deaf, None), Some(Special::HearingImpaired));
    let forced = Disposition { forced: true, ..Default::default() };
    let expected = SubtitleTraits { forced: true, sdh: false, commentary: false };
    assert_eq!(subtitle_traits(forced, Some("SDH Commentary")), expected);
    assert!(subtitle_traits(deaf, Some("English")).sdh);
}
