//! The one reader of languages: for streams, file names, metadata and preferences alike.
//!
//! Does: read ISO 639-1, 639-2/B, 639-2/T and 639-3 codes, BCP 47 tags, English and native names; say how well one language fits another.
//! Does not: guess from sound or pictures.
//! Invariant: a [`Language`] is always a real one; "und", "mul", "zxx" and nonsense are `None`.

mod codes;
mod family;
mod names;
mod variants;
mod wishes;

use std::fmt;

use crate::text::fold;
pub(crate) use wishes::{FARTHEST, Wishes};

/// A language, perhaps with its script and its region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Language {
    base: isolang::Language,
    script: Option<Subtag>,
    region: Option<Subtag>,
}

/// How well an offered language fits a wanted one. The greater the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fit {
    /// The same language in another region or script: pt-PT for pt-BR.
    OtherVariant,
    /// Region or script are not said, or are near: pt for pt-BR, es-419 for es-MX.
    Near,
    /// All that was asked for.
    Exact,
}

/// A script ("Hant") or a region ("BR", "419") in its usual spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Subtag([u8; 4]);

impl Language {
    /// Reads a language as files and people write it; `None` where that says none, or several.
    pub fn parse(text: &str) -> Option<Self> {
        Self::from_tag(text.trim()).or_else(|| names::find(text)).or_else(|| Self::named_in(text))
    }

    /// Reads the language of a stream: its tag says which one, its title may say more.
    ///
    /// Many files write "por" and put "Brazilian" into the title. A title counts on its own only where there is no tag.
    pub fn of_stream(tag: Option<&str>, title: Option<&str>) -> Option<Self> {
        let (tag, title) = (tag.unwrap_or_default().trim(), title.unwrap_or_default());
        match Self::parse(tag) {
            Some(language) => Some(language.refined_by(title)),
            None if codes::is_several_or_none(tag) => None,
            None => Self::named_in(title),
        }
    }

    /// Says how well `offered` fits this wanted language; `None` where it is another language.
    pub fn fit(self, offered: Self) -> Option<Fit> {
        let bases = (self.base == offered.base || family::is_member(offered.base, self.base)).then_some(Fit::Exact);
        // Who wants Bokmål and finds "Norwegian" has probably found it.
        let bases = bases.or_else(|| family::is_member(self.base, offered.base).then_some(Fit::Near))?;
        Some(bases.min(variants::fit(self, offered)))
    }

    /// Returns the ISO 639-3 code.
    pub fn code(self) -> &'static str {
        self.base.to_639_3()
    }

    fn plain(base: isolang::Language) -> Option<Self> {
        use isolang::Language::{Mis, Mul, Und, Zxx};
        let is_one = !matches!(base, Und | Mul | Zxx | Mis);
        is_one.then_some(Self { base, script: None, region: None })
    }

    /// Reads a code or a BCP 47 tag, also with the underscores and encodings of POSIX ("pt_BR.UTF-8").
    fn from_tag(text: &str) -> Option<Self> {
        let text = text.split(['.', '@']).next()?;
        let mut subtags = text.split(['-', '_']);
        let first = codes::find(subtags.next()?)?;
        subtags.try_fold(first, |language, subtag| {
            let is_subtag = (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric());
            is_subtag.then(|| language.with_subtag(subtag))
        })
    }

    /// Unknown subtags say nothing that matters here, and are passed over.
    fn with_subtag(self, subtag: &str) -> Self {
        let extended = || isolang::Language::from_639_3(&subtag.to_ascii_lowercase());
        match subtag.len() {
            3 if family::is_member(extended().unwrap_or_default(), self.base) => {
                Self { base: extended().unwrap_or(self.base), ..self }
            }
            4 if self.script.is_none() => Self { script: Subtag::script(subtag), ..self },
            2 | 3 if self.region.is_none() => Self { region: Subtag::region(subtag), ..self }.with_usual_region(),
            _ => self,
        }
    }

    /// "es-LA" is no Laotian Spanish, and "en-UK" no Ukrainian English.
    fn with_usual_region(self) -> Self {
        let usual = match (self.base, self.region.as_ref().map(Subtag::as_str)) {
            (isolang::Language::Spa, Some("LA")) => Subtag::region("419"),
            (isolang::Language::Eng, Some("UK")) => Subtag::region("GB"),
            _ => self.region,
        };
        Self { region: usual, ..self }
    }

    /// Finds the one language that is named among other words; `None` where there is none, or more than one.
    fn named_in(text: &str) -> Option<Self> {
        let folded = fold(text);
        let words: Vec<&str> = folded.split(' ').take(MAX_TITLE_WORDS).collect();
        let mut found: Option<Self> = None;
        let mut at = 0;
        while at < words.len() {
            let Some((language, length)) = names::at_start(&words[at..]) else {
                at += 1;
                continue;
            };
            if found.is_some_and(|before| before.base != language.base) {
                return None;
            }
            found = found.or(Some(language));
            at += length;
        }
        found.map(|language| language.refined_by(text))
    }

    fn refined_by(self, title: &str) -> Self {
        if self.script.is_some() || self.region.is_some() {
            return self;
        }
        variants::named_in(self, &fold(title))
    }
}

impl fmt::Display for Language {
    /// Writes the English name for people: "Portuguese (BR)".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.to_name())?;
        match (&self.script, &self.region) {
            (None, None) => Ok(()),
            (Some(one), None) | (None, Some(one)) => write!(f, " ({})", one.as_str()),
            (Some(script), Some(region)) => write!(f, " ({}, {})", script.as_str(), region.as_str()),
        }
    }
}

impl Subtag {
    fn script(text: &str) -> Option<Self> {
        let mut bytes: [u8; 4] = text.as_bytes().try_into().ok()?;
        bytes.make_ascii_lowercase();
        bytes[0].make_ascii_uppercase();
        bytes.iter().all(u8::is_ascii_alphabetic).then_some(Self(bytes))
    }

    fn region(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let is_region = match bytes.len() {
            2 => bytes.iter().all(u8::is_ascii_alphabetic),
            3 => bytes.iter().all(u8::is_ascii_digit),
            _ => false,
        };
        let mut padded = [b' '; 4];
        padded.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte.to_ascii_uppercase());
        is_region.then_some(Self(padded))
    }

    fn as_str(&self) -> &str {
        // Only ASCII is ever stored.
        std::str::from_utf8(&self.0).unwrap_or_default().trim_end()
    }
}

/// Names a language for people, stated or not.
pub(crate) fn stated(language: Option<Language>) -> String {
    language.map_or_else(|| "an unstated language".into(), |language| language.to_string())
}

/// A title longer than this is no title.
const MAX_TITLE_WORDS: usize = 64;

#[cfg(test)]
mod tests;
