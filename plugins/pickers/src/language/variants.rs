//! Regions and scripts of one language: which fits which, and what titles call them.

use super::{Fit, Language, Subtag};
use crate::text::is_unspaced;

/// Says how well script and region of `offered` fit those of `wanted`; the languages themselves are the same.
pub(super) fn fit(wanted: Language, offered: Language) -> Fit {
    let scripts = match (script_of(wanted), script_of(offered)) {
        (None, _) => Fit::Exact,
        (Some(_), None) => Fit::Near,
        (Some(wanted), Some(offered)) if wanted == offered => Fit::Exact,
        (Some(_), Some(_)) => return Fit::OtherVariant,
    };
    scripts.min(fit_of_regions(wanted, offered))
}

fn fit_of_regions(wanted: Language, offered: Language) -> Fit {
    let (Some(wanted_region), Some(region)) = (wanted.region, offered.region) else {
        return if wanted.region.is_none() { Fit::Exact } else { Fit::Near };
    };
    let is_american = |region: Subtag| LATIN_AMERICA.contains(&region.as_str());
    let same_script = script_of(wanted).is_some() && script_of(wanted) == script_of(offered);
    match () {
        () if region == wanted_region => Fit::Exact,
        () if same_script || (is_american(region) && is_american(wanted_region)) => Fit::Near,
        () => Fit::OtherVariant,
    }
}

/// Chinese writes its region and means its script.
fn script_of(language: Language) -> Option<Subtag> {
    let is_chinese = matches!(language.base, isolang::Language::Zho | isolang::Language::Cmn);
    let meant = match language.region.as_ref().map(Subtag::as_str) {
        Some("TW" | "HK" | "MO") if is_chinese => Subtag::script("Hant"),
        Some("CN" | "SG") if is_chinese => Subtag::script("Hans"),
        _ => None,
    };
    language.script.or(meant)
}

/// Adds the variant that a folded title names; no other than one of this language is looked for.
pub(super) fn named_in(language: Language, title: &str) -> Language {
    let padded = format!(" {title} ");
    let names = |name: &str| {
        if is_unspaced(name) { title.contains(name) } else { padded.contains(&format!(" {name} ")) }
    };
    let own = WORDS.iter().filter(|(code, ..)| isolang::Language::from_639_1(code) == Some(language.base));
    match own.into_iter().find(|(_, words, _)| words.iter().any(|word| names(word))) {
        Some((_, _, subtag)) => language.with_subtag(subtag),
        None => language,
    }
}

const LATIN_AMERICA: [&str; 20] = [
    "419", "AR", "BO", "CL", "CO", "CR", "CU", "DO", "EC", "GT", "HN", "MX", "NI", "PA", "PE", "PR", "PY", "SV", "UY",
    "VE",
];

/// What titles call a variant, folded.
const WORDS: [(&str, &[&str], &str); 18] = [
    ("pt", &["brazil", "brasil", "brazilian", "brasileiro", "brasileira", "br", "pt br"], "BR"),
    ("pt", &["portugal", "european", "europeu", "iberian"], "PT"),
    ("es", &["latin america", "latin american", "latinoamerica", "latinoamericano", "latino", "latam", "419"], "419"),
    ("es", &["mexico", "mexican", "mexicano"], "MX"),
    ("es", &["spain", "espana", "castilian", "castellano", "european", "iberian"], "ES"),
    ("fr", &["canada", "canadian", "canadien", "quebec", "quebecois", "vfq"], "CA"),
    ("fr", &["france", "vff", "parisian", "european"], "FR"),
    ("en", &["british", "uk", "gb", "united kingdom"], "GB"),
    ("en", &["american", "us", "usa", "united states"], "US"),
    ("en", &["australia", "australian"], "AU"),
    ("de", &["austria", "osterreich", "austrian"], "AT"),
    ("de", &["switzerland", "schweiz", "swiss"], "CH"),
    ("nl", &["flemish", "vlaams", "belgium", "belgie"], "BE"),
    ("zh", &["simplified", "简体", "简中", "chs", "mainland"], "Hans"),
    ("zh", &["traditional", "繁體", "繁体", "繁中", "cht", "taiwan", "hong kong"], "Hant"),
    ("sr", &["latin", "latinica"], "Latn"),
    ("sr", &["cyrillic", "cirilica", "ћирилица"], "Cyrl"),
    ("zh", &["cantonese", "粵語", "粤语"], "yue"),
];
