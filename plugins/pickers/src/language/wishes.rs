//! The languages that somebody wants, the most wanted first.

use super::{Fit, Language};

/// Wanted languages in order; what could not be read is kept to be told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wishes {
    languages: Vec<Language>,
    unread: Vec<String>,
}

impl Wishes {
    /// Reads languages as people write them; one that is wanted twice counts where it stands first.
    pub(crate) fn read<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut wishes = Self::default();
        for text in texts {
            match Language::parse(text) {
                Some(language) if wishes.languages.contains(&language) => {}
                Some(language) => wishes.languages.push(language),
                None => wishes.unread.push(text.to_owned()),
            }
        }
        wishes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.languages.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Language> {
        self.languages.iter()
    }

    pub(crate) fn unread(&self) -> &[String] {
        &self.unread
    }

    /// Returns which wish a language fulfils, and how well.
    pub(crate) fn fit(&self, language: Option<Language>) -> Option<(usize, Fit)> {
        let language = language?;
        self.languages.iter().enumerate().find_map(|(place, wish)| wish.fit(language).map(|fit| (place, fit)))
    }

    /// Says in words for people which wish a language fulfils; `None` where it fulfils none.
    pub(crate) fn praise(&self, language: Option<Language>) -> Option<String> {
        let (offered, (place, fit)) = (language?, self.fit(language)?);
        Some(match (place, fit) {
            (0, Fit::Exact) => format!("the language that is wanted most, {offered}"),
            (_, Fit::Exact) => format!("{offered} is the most wanted language that is there"),
            _ => format!("{offered} is the nearest to the wanted {}", self.languages[place]),
        })
    }

    /// Returns how far a language is from what is wanted most; `None` where it is not wanted at all.
    pub(crate) fn distance(&self, language: Option<Language>) -> Option<u32> {
        let (place, fit) = self.fit(language)?;
        let variant = match fit {
            Fit::Exact => 0,
            Fit::Near => 1,
            Fit::OtherVariant => 2,
        };
        Some(u32::try_from(place).unwrap_or(u32::MAX).saturating_mul(3).saturating_add(variant).min(FARTHEST))
    }
}

/// The greatest distance of something that is wanted.
pub(crate) const FARTHEST: u32 = u32::MAX - 2;
