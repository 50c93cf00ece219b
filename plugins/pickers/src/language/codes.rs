//! Codes of languages: ISO 639-1, 639-2/B, 639-2/T, 639-3, and those that were withdrawn but live on in files.

use super::Language;

/// Returns the language of a code of two or three letters, or of a well-known private one.
pub(super) fn find(code: &str) -> Option<Language> {
    // No code is longer, and most of what comes here is a name or a title.
    if code.len() > 4 {
        return None;
    }
    let code = code.to_ascii_lowercase();
    if let Some((_, tag)) = PRIVATE.iter().find(|(private, _)| *private == code) {
        return Language::from_tag(tag);
    }
    let code = OTHER.iter().find(|(other, _)| *other == code).map_or(code.as_str(), |(_, code)| code);
    isolang::Language::from_639_1(code).or_else(|| isolang::Language::from_639_3(code)).and_then(Language::plain)
}

/// Returns whether the code says that no language will do: there are several, or nobody speaks.
pub(super) fn is_several_or_none(code: &str) -> bool {
    ["mul", "zxx"].iter().any(|known| code.eq_ignore_ascii_case(known))
}

/// Codes that name the same language as another: the bibliographic ones of ISO 639-2, withdrawn ones, and common mistakes.
const OTHER: [(&str, &str); 33] = [
    ("alb", "sqi"),
    ("arm", "hye"),
    ("baq", "eus"),
    ("bur", "mya"),
    ("chi", "zho"),
    ("cze", "ces"),
    ("dut", "nld"),
    ("fre", "fra"),
    ("geo", "kat"),
    ("ger", "deu"),
    ("gre", "ell"),
    ("ice", "isl"),
    ("mac", "mkd"),
    ("mao", "mri"),
    ("may", "msa"),
    ("per", "fas"),
    ("rum", "ron"),
    ("slo", "slk"),
    ("tib", "bod"),
    ("wel", "cym"),
    // Withdrawn.
    ("in", "ind"),
    ("iw", "heb"),
    ("ji", "yid"),
    ("jw", "jav"),
    ("mo", "ron"),
    ("mol", "ron"),
    ("scc", "srp"),
    ("scr", "hrv"),
    // Countries in place of languages, where no language has that code.
    ("cn", "zho"),
    ("cz", "ces"),
    ("dk", "dan"),
    ("gr", "ell"),
    ("jp", "jpn"),
];

/// Codes of Windows and of subtitle sites. `cht` is Cholón in ISO 639-3, whose last speakers died before there was television.
const PRIVATE: [(&str, &str); 10] = [
    ("chs", "zh-Hans"),
    ("cht", "zh-Hant"),
    ("pb", "pt-BR"),
    ("pob", "pt-BR"),
    ("ptb", "pt-BR"),
    ("ptbr", "pt-BR"),
    ("ptg", "pt-PT"),
    ("ua", "uk"),
    ("zhs", "zh-Hans"),
    ("zht", "zh-Hant"),
];
