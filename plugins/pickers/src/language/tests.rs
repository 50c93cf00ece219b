//! Tests of the language reader, rule by rule.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> String {
    Language::parse(text).map_or_else(|| "-".into(), |language| language.to_string())
}

#[test]
fn all_spellings_of_a_language_are_one() {
    for spellings in [
        &["ja", "jpn", "JPN", "Japanese", "japanese", "日本語", "jp", "ja-JP", "Nihongo"][..],
        &["de", "ger", "deu", "German", "Deutsch", "DEUTSCH", "de-DE", "de_DE.UTF-8", "German "],
        &["fr", "fre", "fra", "French", "français", "Francais", "FRANÇAIS", "fr-FR"],
        &["es", "spa", "Spanish", "español", "Espanol"],
        &["pt", "por", "Portuguese", "português", "pt-BR", "pt_PT", "pob"],
        &["zh", "chi", "zho", "Chinese", "中文", "zh-Hans-CN", "chs"],
        &["cs", "cze", "ces", "Czech", "čeština", "cz", "Český"],
        &["el", "gre", "ell", "Greek", "Ελληνικά", "Modern Greek", "gr"],
        &["nl", "dut", "nld", "Dutch", "Nederlands", "Flemish"],
        &["ru", "rus", "Russian", "русский", "Русский"],
        &["he", "iw", "heb", "Hebrew", "עברית"],
        &["ro", "rum", "ron", "mo", "mol", "Romanian", "română"],
        &["fa", "per", "fas", "Persian", "Farsi", "فارسی"],
        &["ko", "kor", "Korean", "한국어"],
        &["hi", "hin", "Hindi", "हिन्दी"],
        &["tr", "tur", "Turkish", "Türkçe", "TÜRKÇE"],
    ] {
        let bases: Vec<_> = spellings.iter().map(|spelling| Language::parse(spelling).map(Language::code)).collect();
        assert!(bases.iter().all(|base| base.is_some() && *base == bases[0]), "{spellings:?} became {bases:?}");
    }
}

#[test]
fn every_language_is_found_by_each_of_its_codes_and_by_its_english_name() {
    for base in isolang::languages().filter(|base| Language::plain(*base).is_some()) {
        let found = |text: &str| Language::parse(text).map(|language| language.base);
        if base.to_639_3() != "cht" {
            assert_eq!(found(base.to_639_3()), Some(base), "{base:?}");
        }
        let Some(code) = base.to_639_1() else { continue };
        assert_eq!(found(code), Some(base), "{code}");
        assert_eq!(found(base.to_name()), Some(base), "{}", base.to_name());
        let native = base.to_autonym().filter(|name| !name.contains([',', '(']));
        assert!(native.is_none_or(|name| found(name).is_some()), "{native:?}");
    }
}

#[test]
fn small_languages_are_known_by_their_codes_and_english_names() {
    for (text, code) in
        [("Filipino", "fil"), ("haw", "haw"), ("hawaiian", "haw"), ("Mandarin Chinese", "cmn"), ("Klingon", "tlh")]
    {
        assert_eq!(Language::parse(text).map(Language::code), Some(code), "{text}");
    }
}

#[test]
fn what_names_no_language_or_several_is_none() {
    for text in [
        "",
        " ",
        "und",
        "UND",
        "mul",
        "zxx",
        "mis",
        "qaa",
        "xx",
        "Undetermined",
        "Unknown",
        "English/French",
        "??",
        "-",
    ] {
        assert_eq!(read(text), "-", "{text:?}");
    }
}

#[test]
fn variants_are_read_from_tags_and_from_words() {
    for (text, meant) in [
        ("pt-BR", "Portuguese (BR)"),
        ("pt_br", "Portuguese (BR)"),
        ("pob", "Portuguese (BR)"),
        ("Portuguese (Brazil)", "Portuguese (BR)"),
        ("Português do Brasil", "Portuguese (BR)"),
        ("zh-Hant-TW", "Chinese (Hant, TW)"),
        ("Chinese (Simplified)", "Chinese (Hans)"),
        ("es-419", "Spanish (419)"),
        ("es-LA", "Spanish (419)"),
        ("Spanish (Latin America)", "Spanish (419)"),
        ("en-UK", "English (GB)"),
        ("zh-yue", "Yue Chinese"),
        ("sr-Latn", "Serbian (Latn)"),
        ("de-1996", "German"),
        ("English (US)", "English (US)"),
    ] {
        assert_eq!(read(text), meant, "{text}");
    }
}

#[test]
fn a_region_that_was_asked_for_comes_first_and_no_region_takes_all() {
    let fit = |wanted: &str, offered: &str| Language::parse(wanted).unwrap().fit(Language::parse(offered).unwrap());
    for (wanted, offered, expected) in [
        ("pt-BR", "pt-BR", Some(Fit::Exact)),
        ("pt-BR", "por", Some(Fit::Near)),
        ("pt-BR", "pt-PT", Some(Fit::OtherVariant)),
        ("pt", "pt-BR", Some(Fit::Exact)),
        ("pt", "pt-PT", Some(Fit::Exact)),
        ("es-MX", "es-419", Some(Fit::Near)),
        ("es-ES", "es-419", Some(Fit::OtherVariant)),
        ("zh-TW", "zh-Hant", Some(Fit::Near)),
        ("zh-Hant", "zh-TW", Some(Fit::Exact)),
        ("zh-TW", "zh-CN", Some(Fit::OtherVariant)),
        ("no", "nob", Some(Fit::Exact)),
        ("nb", "nor", Some(Fit::Near)),
        ("nb", "nn", None),
        ("zh", "yue", Some(Fit::Exact)),
        ("yue", "cmn", None),
        ("pt", "es", None),
        ("hr", "sr", None),
    ] {
        assert_eq!(fit(wanted, offered), expected, "{offered} for {wanted}");
    }
}

#[test]
fn a_title_refines_a_tag_and_stands_in_for_a_missing_one() {
    let read = |tag, title| Language::of_stream(tag, title).map_or_else(|| "-".into(), |found| found.to_string());
    for (tag, title, meant) in [
        (Some("por"), Some("Brazilian"), "Portuguese (BR)"),
        (Some("spa"), Some("Latino 5.1"), "Spanish (419)"),
        (Some("chi"), Some("繁體中文"), "Chinese (Hant)"),
        (Some("pt-PT"), Some("Brazilian"), "Portuguese (PT)"),
        (Some("eng"), Some("Deutsch"), "English"),
        (Some("und"), Some("English SDH"), "English"),
        (Some("qaa"), Some("Deutsch"), "German"),
        (None, Some("Signs & Songs (English)"), "English"),
        (None, Some("English / German"), "-"),
        (None, Some("Mono mix, even better"), "-"),
        (Some("mul"), Some("English"), "-"),
        (Some("zxx"), Some("English intertitles"), "-"),
        (None, Some("Director's Cut"), "-"),
        (None, None, "-"),
        (Some(""), Some(""), "-"),
    ] {
        assert_eq!(read(tag, title), meant, "{tag:?} {title:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}", tag in "[a-zA-Z]{0,4}[-_]?[a-zA-Z0-9]{0,9}[-_.]?\\PC{0,3}") {
        for text in [&text, &tag] {
            let found = Language::parse(text);
            let again = Language::of_stream(Some(text), Some(text));
            prop_assert!(found.is_none_or(|language| !language.to_string().is_empty() && language.fit(language) == Some(Fit::Exact)));
            prop_assert!(again.is_none_or(|language| Language::parse(language.code()).is_some()));
        }
    }
}
