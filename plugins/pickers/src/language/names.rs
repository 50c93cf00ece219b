//! Names of languages: the English ones of ISO 639-3, native ones, and those that people use besides.

use std::{collections::HashMap, sync::LazyLock};

use super::Language;
use crate::text::{fold, is_unspaced};

/// Returns the language of a name: of a great language however it is written, of a small one by its English name.
pub(super) fn find(name: &str) -> Option<Language> {
    let folded = fold(name);
    if folded.is_empty() {
        return None;
    }
    let small =
        || isolang::Language::from_name(name.trim()).or_else(|| isolang::Language::from_name(&capitalised(&folded)));
    NAMES.get(&folded).copied().or_else(|| small().and_then(Language::plain))
}

/// ISO 639-3 begins every word of a name with a capital.
fn capitalised(folded: &str) -> String {
    let mut after_space = true;
    let raise = |letter: char| {
        let raised = if after_space { letter.to_ascii_uppercase() } else { letter };
        after_space = letter == ' ';
        raised
    };
    folded.chars().map(raise).collect()
}

/// Returns the language that is named by the first words, and by how many of them; the longest name counts.
///
/// Small languages are not looked for among other words: "Even", "Mono" and "Are" are languages too.
pub(super) fn at_start(words: &[&str]) -> Option<(Language, usize)> {
    (1..=words.len().min(MAX_WORDS)).rev().find_map(|length| {
        let name = words[..length].join(" ");
        let language = NAMES.get(&name).filter(|language| is_safe_in_titles(&name, **language))?;
        Some((*language, length))
    })
}

/// Short names are words of many languages, and "Latin" is mostly a script or a part of America.
fn is_safe_in_titles(name: &str, language: Language) -> bool {
    let is_long = name.len() >= 4 || is_unspaced(name);
    is_long && !matches!(language.base, isolang::Language::Lat | isolang::Language::Nau)
}

/// Folded names of the great languages. The small ones would make thousands more, to be folded at every start.
static NAMES: LazyLock<HashMap<String, Language>> = LazyLock::new(|| {
    let common = COMMON.iter().map(|(name, tag)| (*name, Language::from_tag(tag)));
    let great: Vec<_> = two_letter_codes().filter_map(|code| isolang::Language::from_639_1(&code)).collect();
    let english = great.iter().map(|base| (base.to_name(), Language::plain(*base)));
    let native = great.iter().flat_map(|base| native_names(*base).map(|name| (name, Language::plain(*base))));
    let mut names = HashMap::new();
    // A name belongs to the first that has it.
    for (name, language) in common.chain(english).chain(native) {
        if let (folded, Some(language)) = (fold(name), language)
            && !folded.is_empty()
        {
            names.entry(folded).or_insert(language);
        }
    }
    names
});

/// Asking for all of them is a thousand times faster than having the crate list its eight thousand languages.
fn two_letter_codes() -> impl Iterator<Item = String> {
    ('a'..='z').flat_map(|first| ('a'..='z').map(move |second| String::from_iter([first, second])))
}

/// The table holds lists with transliterations: "аҧсшәа (Aṗsšwa), …".
fn native_names(base: isolang::Language) -> impl Iterator<Item = &'static str> {
    base.to_autonym().unwrap_or_default().split(',').map(|name| name.split('(').next().unwrap_or_default())
}

const MAX_WORDS: usize = 3;

/// Names that are common, and that ISO 639-3 does not have or gives to a smaller language.
const COMMON: [(&str, &str); 84] = [
    ("azerbaycanca", "az"),
    ("bahasa indonesia", "id"),
    ("bahasa melayu", "ms"),
    ("bangla", "bn"),
    ("bokmal", "nb"),
    ("brasileiro", "pt-BR"),
    ("brazilian", "pt-BR"),
    ("brazilian portuguese", "pt-BR"),
    ("british english", "en-GB"),
    ("american english", "en-US"),
    ("canadian french", "fr-CA"),
    ("cantonese", "yue"),
    ("castellano", "es-ES"),
    ("castilian", "es-ES"),
    ("castilian spanish", "es-ES"),
    ("central khmer", "km"),
    ("český", "cs"),
    ("česky", "cs"),
    ("chinese simplified", "zh-Hans"),
    ("chinese traditional", "zh-Hant"),
    ("simplified chinese", "zh-Hans"),
    ("traditional chinese", "zh-Hant"),
    ("dari", "prs"),
    ("english", "en"),
    ("euskera", "eu"),
    ("european portuguese", "pt-PT"),
    ("european spanish", "es-ES"),
    ("farsi", "fa"),
    ("filipino", "fil"),
    ("flemish", "nl-BE"),
    ("vlaams", "nl-BE"),
    ("frisian", "fy"),
    ("gaelic", "gd"),
    ("greek", "el"),
    ("ellinika", "el"),
    ("haitian creole", "ht"),
    ("inuit", "iu"),
    ("ivrit", "he"),
    ("kannada", "kn"),
    ("kazakh", "kk"),
    ("kurmanji", "kmr"),
    ("kyrgyz", "ky"),
    ("latin american spanish", "es-419"),
    ("latino", "es-419"),
    ("latin american", "es-419"),
    ("malay", "ms"),
    ("mandarin", "cmn"),
    ("maori", "mi"),
    ("moldavian", "ro"),
    ("moldovan", "ro"),
    ("nepali", "ne"),
    ("nihongo", "ja"),
    ("norwegian bokmal", "nb"),
    ("norwegian nynorsk", "nn"),
    ("nynorsk", "nn"),
    ("occitan", "oc"),
    ("odia", "or"),
    ("pashto", "ps"),
    ("pilipino", "fil"),
    ("portugues do brasil", "pt-BR"),
    ("portugues brasileiro", "pt-BR"),
    ("punjabi", "pa"),
    ("putonghua", "cmn"),
    ("quebecois", "fr-CA"),
    ("russkiy", "ru"),
    ("serbian latin", "sr-Latn"),
    ("serbian cyrillic", "sr-Cyrl"),
    ("shqip", "sq"),
    ("sinhalese", "si"),
    ("slovene", "sl"),
    ("slovensky", "sk"),
    ("sorani", "ckb"),
    ("suomeksi", "fi"),
    ("svenska", "sv"),
    ("taiwanese", "nan"),
    ("tibetan", "bo"),
    ("uyghur", "ug"),
    ("valencian", "ca"),
    ("简体中文", "zh-Hans"),
    ("繁體中文", "zh-Hant"),
    ("粵語", "yue"),
    ("粤语", "yue"),
    ("國語", "cmn"),
    ("普通话", "cmn"),
];
