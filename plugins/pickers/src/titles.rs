//! What kind of track a stream is: by its dispositions, and where those are silent by the words of its title.
//!
//! Does: know commentary, descriptions of the picture, subtitles for the deaf and forced subtitles in eleven languages.
//! Does not: look inside words: "Soccer" holds "cc", "Director's Cut" has a director, "Dublin" begins with a dub.
//! Invariant: a disposition that is set is believed; a title only speaks where no such disposition does.

mod terms;

use exstreamtv_model::media::Disposition;

use crate::text::{fold, is_unspaced};
use terms::Terms;

/// A track that is not the plain sound of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Special {
    /// People talk about the film.
    Commentary,
    /// The picture is described for the blind.
    AudioDescription,
    /// Speech is raised above everything else for the hard of hearing.
    HearingImpaired,
}

/// Returns what is special about a sound track.
pub fn special_sound(flags: Disposition, title: Option<&str>) -> Option<Special> {
    match flags {
        Disposition { comment: true, .. } => return Some(Special::Commentary),
        Disposition { visual_impaired: true, .. } => return Some(Special::AudioDescription),
        Disposition { hearing_impaired: true, .. } => return Some(Special::HearingImpaired),
        _ => {}
    }
    let title = Title::read(title?);
    // "Descriptive audio commentary" describes; it does not talk about the film.
    let kinds = [
        (&terms::AUDIO_DESCRIPTION, Special::AudioDescription),
        (&terms::COMMENTARY, Special::Commentary),
        (&terms::HEARING_IMPAIRED, Special::HearingImpaired),
    ];
    let by_words = kinds.into_iter().find(|(terms, _)| title.says(terms)).map(|(_, kind)| kind);
    by_words.or_else(|| title.has_ad_mark.then_some(Special::AudioDescription))
}

/// What is special about subtitles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SubtitleTraits {
    /// They hold only what must be shown, such as signs and foreign speech.
    pub forced: bool,
    /// They also write down sounds, for the deaf and hard of hearing.
    pub sdh: bool,
    /// They write down a commentary, not the film.
    pub commentary: bool,
}

/// Returns what is special about subtitles.
pub fn subtitle_traits(flags: Disposition, title: Option<&str>) -> SubtitleTraits {
    let by_flags = SubtitleTraits { forced: flags.forced, sdh: flags.hearing_impaired, commentary: flags.comment };
    if by_flags != SubtitleTraits::default() {
        return by_flags;
    }
    let title = Title::read(title.unwrap_or_default());
    SubtitleTraits {
        forced: title.says(&terms::FORCED),
        sdh: title.says(&terms::HEARING_IMPAIRED),
        commentary: title.says(&terms::COMMENTARY),
    }
}

/// A title, taken apart into words.
struct Title {
    folded: String,
    /// "AD" in capitals as a word of its own; in small letters it would be anything.
    has_ad_mark: bool,
}

impl Title {
    fn read(title: &str) -> Self {
        let mut words = title.split(|letter: char| !letter.is_alphanumeric());
        Self { folded: fold(title), has_ad_mark: words.any(|word| word == "AD") }
    }

    fn says(&self, terms: &Terms) -> bool {
        terms.iter().any(|term| self.holds(term))
    }

    /// A term counts as whole words, and not where it is denied: "Non-SDH".
    fn holds(&self, term: &str) -> bool {
        if is_unspaced(term) {
            return self.folded.contains(term);
        }
        let words: Vec<&str> = self.folded.split(' ').collect();
        let wanted: Vec<&str> = term.split(' ').collect();
        let denied = |at: usize| at > 0 && terms::DENIALS.contains(&words[at - 1]);
        (0..words.len()).any(|at| words[at..].starts_with(&wanted) && !denied(at))
    }
}

#[cfg(test)]
mod tests;
