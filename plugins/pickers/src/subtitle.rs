//! `exstreamtv.subtitle-picker`: which subtitles are shown.
//!
//! Does: the specification's priorities: a preferred language in the preferred form, a preferred language in any form, the author's default,
//! the first. Also forced ones alone, and subtitles only where the sound is foreign.
//! Does not: show forced subtitles for full ones, or a commentary's subtitles for the film's, while there are others.
//! Invariant: in the modes that show forced subtitles alone, nothing in a language that nobody named is ever shown.

mod explain;

use exstreamtv_model::pick::{
    FormPreference, RankedSubtitle, SubtitleAnswer, SubtitleCandidate, SubtitleForm, SubtitleMode, SubtitlePreferences,
    SubtitleRequest, SubtitleSource, Wish,
};
use exstreamtv_plugin_sdk::{PickError, Picker};

use crate::{
    language::{Language, Wishes},
    ranking::{Ranking, Standing, Verdict, by_wish},
    titles::{SubtitleTraits, subtitle_traits},
};

/// Chooses the subtitles.
#[derive(Debug, Clone, Copy, Default)]
pub struct SubtitlePicker;

impl SubtitlePicker {
    /// The id under which it is exported.
    pub const ID: &'static str = "exstreamtv.subtitle-picker";
}

impl Picker for SubtitlePicker {
    fn pick_subtitle(&self, request: &SubtitleRequest) -> Result<SubtitleAnswer, PickError> {
        if let Some(twice) = first_repeated(&request.streams) {
            let reason = format!("{} is offered twice; offer each once", explain::source(twice));
            return Err(PickError::Declined { reason });
        }
        Ok(pick(request))
    }
}

/// What is known about one candidate.
struct Track<'a> {
    candidate: &'a SubtitleCandidate,
    language: Option<Language>,
    traits: SubtitleTraits,
}

/// What is shown, once the sound is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Showing {
    Nothing,
    Full,
    ForcedOnly,
}

/// What is wanted, read once.
struct Wants<'a> {
    preferences: &'a SubtitlePreferences,
    audio: Option<Language>,
    showing: Showing,
    /// Languages that count: the preferred ones, and before them that of the sound where only forced ones are shown.
    languages: Wishes,
}

/// Criteria by falling importance; the places of [`Standing::scores`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Criterion {
    /// Subtitles of a commentary.
    Commentary,
    /// In a preferred language, else the author's default, else any.
    Priority,
    /// Forced ones are no full subtitles.
    Full,
    Language,
    Form,
    Sdh,
    /// The author's default.
    Author,
}

const CRITERIA: [Criterion; 7] = [
    Criterion::Commentary,
    Criterion::Priority,
    Criterion::Full,
    Criterion::Language,
    Criterion::Form,
    Criterion::Sdh,
    Criterion::Author,
];

fn pick(request: &SubtitleRequest) -> SubtitleAnswer {
    let wants = Wants::read(request);
    let tracks: Vec<Track<'_>> = request.streams.iter().map(Track::read).collect();
    let standings = tracks.iter().enumerate().map(|(place, track)| Standing {
        place,
        excluded: wants.exclusion(track),
        scores: CRITERIA.map(|criterion| wants.score(criterion, track)),
    });
    let ranking = Ranking::new(standings.collect());
    let best = ranking.best().map(|best| &tracks[best.place]);
    SubtitleAnswer {
        chosen: best.map(|best| best.candidate.source.clone()),
        why: explain::answer(best, &wants),
        ranked: rank(&ranking, &tracks, &wants),
    }
}

fn rank(ranking: &Ranking<7>, tracks: &[Track<'_>], wants: &Wants<'_>) -> Vec<RankedSubtitle> {
    let choice = |place: usize| explain::choice(&tracks[place], wants);
    let rejection = |criterion: Option<usize>, place: usize, best: usize| {
        explain::rejection(criterion.map(|at| CRITERIA[at]), &tracks[place], &tracks[best], wants)
    };
    let ranked = |Verdict { place, chosen, reason }| RankedSubtitle {
        source: tracks[place].candidate.source.clone(),
        chosen,
        reason,
    };
    ranking.verdicts(choice, rejection).map(ranked).collect()
}

impl<'a> Track<'a> {
    fn read(candidate: &'a SubtitleCandidate) -> Self {
        let title = candidate.title.as_deref();
        Self {
            candidate,
            language: Language::of_stream(candidate.language.as_deref(), title),
            traits: subtitle_traits(candidate.disposition, title),
        }
    }
}

impl<'a> Wants<'a> {
    fn read(request: &'a SubtitleRequest) -> Self {
        let preferences = &request.preferences;
        let audio = request.audio_language.as_deref().and_then(Language::parse);
        let preferred = Wishes::read(preferences.languages.iter().map(String::as_str));
        let showing = showing(preferences.mode, &preferred, audio);
        let own = request.audio_language.as_deref().filter(|_| showing == Showing::ForcedOnly && audio.is_some());
        let languages = match own {
            Some(own) => Wishes::read([own].into_iter().chain(preferences.languages.iter().map(String::as_str))),
            None => preferred,
        };
        Self { preferences, audio, showing, languages }
    }

    /// Says why a candidate cannot be chosen at all.
    fn exclusion(&self, track: &Track<'_>) -> Option<String> {
        let is_beside = matches!(track.candidate.source, SubtitleSource::Sidecar { .. });
        let reason = match self.showing {
            _ if track.candidate.codec.is_empty() => "FFmpeg does not know its codec",
            Showing::Nothing => "subtitles are off",
            _ if is_beside && !self.preferences.sidecars => "files beside the media are not used",
            Showing::ForcedOnly if !track.traits.forced => "only forced subtitles are shown, and these are not",
            Showing::ForcedOnly if self.languages.fit(track.language).is_none() => {
                "it is forced, but neither in the language of the sound nor in a preferred one"
            }
            _ => return None,
        };
        Some(reason.into())
    }

    fn score(&self, criterion: Criterion, track: &Track<'_>) -> u32 {
        let priority = self.priority(track);
        match criterion {
            Criterion::Commentary => u32::from(track.traits.commentary),
            Criterion::Priority => priority,
            Criterion::Full => u32::from(track.traits.forced),
            Criterion::Language => self.languages.distance(track.language).unwrap_or(0),
            // The last priority is the first that is there, whatever its form.
            Criterion::Form if priority == FIRST => 0,
            Criterion::Form => u32::from(!self.has_preferred_form(track.candidate.form)),
            Criterion::Sdh if priority == FIRST && self.preferences.sdh == Wish::Prefer => 0,
            Criterion::Sdh => by_wish(self.preferences.sdh, track.traits.sdh),
            Criterion::Author => u32::from(!track.candidate.disposition.default),
        }
    }

    /// Where no language is preferred, every one is right.
    fn priority(&self, track: &Track<'_>) -> u32 {
        match self.languages.fit(track.language) {
            Some(_) => LANGUAGE,
            None if self.languages.is_empty() => LANGUAGE,
            None if track.candidate.disposition.default => DEFAULT,
            None => FIRST,
        }
    }

    fn has_preferred_form(&self, form: SubtitleForm) -> bool {
        match self.preferences.form {
            FormPreference::Any => true,
            FormPreference::Text => form == SubtitleForm::Text,
            FormPreference::Image => form == SubtitleForm::Image,
        }
    }
}

/// A sound whose language nobody stated may be foreign, so subtitles are shown with it.
/// Where no language is preferred, no sound differs from it, and forced subtitles must do.
fn showing(mode: SubtitleMode, preferred: &Wishes, audio: Option<Language>) -> Showing {
    match mode {
        SubtitleMode::Off => Showing::Nothing,
        SubtitleMode::Preferred => Showing::Full,
        SubtitleMode::ForcedOnly => Showing::ForcedOnly,
        SubtitleMode::WhenAudioDiffers if preferred.is_empty() || preferred.fit(audio).is_some() => Showing::ForcedOnly,
        SubtitleMode::WhenAudioDiffers => Showing::Full,
    }
}

fn first_repeated(streams: &[SubtitleCandidate]) -> Option<&SubtitleSource> {
    let sources: Vec<&SubtitleSource> = streams.iter().map(|candidate| &candidate.source).collect();
    sources.iter().enumerate().find(|(at, source)| sources[..*at].contains(source)).map(|(_, source)| *source)
}

/// Priorities of the specification; the first two of them differ by [`Criterion::Form`].
const LANGUAGE: u32 = 0;
const DEFAULT: u32 = 1;
const FIRST: u32 = 2;

#[cfg(test)]
mod tests;
