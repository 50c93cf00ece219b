//! `exstreamtv.audio-picker`: which sound of a file is played.
//!
//! Does: rank by language, kind of track, layout, codec and the author's choice, in this order; plan the downmix of the chosen one.
//! Does not: play a stream whose codec FFmpeg does not know.
//! Invariant: a commentary or a description is never played while there is anything else, unless somebody wants it.

mod codec;
mod explain;

use exstreamtv_model::pick::{
    AudioAnswer, AudioCandidate, AudioPreferences, AudioRequest, LayoutPreference, RankedAudio, StreamRef, Wish,
};
use exstreamtv_plugin_sdk::{PickError, Picker};

use crate::{
    downmix,
    language::{FARTHEST, Language, Wishes},
    ranking::{Ranking, Standing, Verdict, by_wish},
    titles::{Special, special_sound},
};

/// Chooses the sound.
#[derive(Debug, Clone, Copy, Default)]
pub struct AudioPicker;

impl AudioPicker {
    /// The id under which it is exported.
    pub const ID: &'static str = "exstreamtv.audio-picker";
}

impl Picker for AudioPicker {
    fn pick_audio(&self, request: &AudioRequest) -> Result<AudioAnswer, PickError> {
        if let Some(twice) = first_repeated(&request.streams) {
            let reason = format!("stream {twice} is offered twice; offer each stream of the file once");
            return Err(PickError::Declined { reason });
        }
        Ok(pick(request))
    }
}

/// What is known about one candidate.
struct Track<'a> {
    stream: &'a AudioCandidate,
    language: Option<Language>,
    special: Option<Special>,
}

/// What is wanted, read once.
struct Wants<'a> {
    preferences: &'a AudioPreferences,
    languages: Wishes,
    /// Whether the original language is wanted and only the file can say which one that is.
    original_by_flag: bool,
    output_channels: u8,
}

/// Criteria by falling importance; the places of [`Standing::scores`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Criterion {
    /// A special track that is only played when there is nothing else.
    Avoided,
    Language,
    /// A special track that is wanted before others of its language.
    Wanted,
    Layout,
    /// The preferred codecs.
    Codec,
    /// The author's default.
    Author,
    /// Nearness to the channels that are sent.
    Channels,
    Quality,
}

const CRITERIA: [Criterion; 8] = [
    Criterion::Avoided,
    Criterion::Language,
    Criterion::Wanted,
    Criterion::Layout,
    Criterion::Codec,
    Criterion::Author,
    Criterion::Channels,
    Criterion::Quality,
];

fn pick(request: &AudioRequest) -> AudioAnswer {
    let wants = Wants::read(request);
    let tracks: Vec<Track<'_>> = request.streams.iter().map(Track::read).collect();
    let anchor = anchor(&tracks, &wants);
    let standings = tracks.iter().enumerate().map(|(place, track)| Standing {
        place,
        excluded: track.unplayable(),
        scores: CRITERIA.map(|criterion| wants.score(criterion, track, anchor)),
    });
    let ranking = Ranking::new(standings.collect());
    let best = ranking.best().map(|best| &tracks[best.place]);
    let downmix = best.and_then(|best| {
        let layout = best.stream.layout.as_deref();
        downmix::plan(layout, best.stream.channels, wants.output_channels, wants.preferences.lfe)
    });
    AudioAnswer {
        chosen: best.map(|best| best.stream_ref()),
        why: explain::answer(best, &wants, downmix.as_ref()),
        ranked: rank(&ranking, &tracks, &wants),
        downmix,
    }
}

fn rank(ranking: &Ranking<8>, tracks: &[Track<'_>], wants: &Wants<'_>) -> Vec<RankedAudio> {
    let choice = |place: usize| explain::choice(&tracks[place], wants);
    let rejection = |criterion: Option<usize>, place: usize, best: usize| {
        explain::rejection(criterion.map(|at| CRITERIA[at]), &tracks[place], &tracks[best], wants)
    };
    let ranked = |Verdict { place, chosen, reason }| RankedAudio { stream: tracks[place].stream_ref(), chosen, reason };
    ranking.verdicts(choice, rejection).map(ranked).collect()
}

/// Returns the language that counts where no preferred one is there: that of the author's default, else of the first stream.
///
/// It is a language and not a stream, so that the other preferences still choose among the streams of that language.
fn anchor(tracks: &[Track<'_>], wants: &Wants<'_>) -> Option<Language> {
    let playable = || tracks.iter().filter(|track| track.unplayable().is_none() && !wants.avoids(track));
    playable().find(|track| track.stream.disposition.default).or_else(|| playable().next())?.language
}

impl<'a> Track<'a> {
    fn read(stream: &'a AudioCandidate) -> Self {
        let title = stream.title.as_deref();
        Self {
            stream,
            language: Language::of_stream(stream.language.as_deref(), title),
            special: special_sound(stream.disposition, title),
        }
    }

    fn stream_ref(&self) -> StreamRef {
        StreamRef { absolute: self.stream.absolute, relative: self.stream.relative }
    }

    fn unplayable(&self) -> Option<String> {
        match self.stream {
            AudioCandidate { codec, .. } if codec.is_empty() => Some("FFmpeg does not know its codec".into()),
            AudioCandidate { channels: 0, .. } => Some("it has no channels".into()),
            _ => None,
        }
    }
}

impl<'a> Wants<'a> {
    fn read(request: &'a AudioRequest) -> Self {
        let preferences = &request.preferences;
        // The original may be unreadable or "und", which is no mistake of the user's; it is then left to the file's flags.
        let original = request.original_language.as_deref().filter(|_| preferences.original_language);
        let original = original.filter(|original| Language::parse(original).is_some());
        Self {
            preferences,
            languages: Wishes::read(original.into_iter().chain(preferences.languages.iter().map(String::as_str))),
            original_by_flag: preferences.original_language && original.is_none(),
            output_channels: request.output_channels,
        }
    }

    fn score(&self, criterion: Criterion, track: &Track<'_>, anchor: Option<Language>) -> u32 {
        let stream = track.stream;
        match criterion {
            Criterion::Avoided => u32::from(self.avoids(track)),
            Criterion::Language => self.distance(track, anchor),
            Criterion::Wanted => self.wanted(track),
            Criterion::Layout => u32::from(!self.has_preferred_layout(stream.channels)),
            Criterion::Codec => codec::place(stream, &self.preferences.codecs),
            Criterion::Author => u32::from(!stream.disposition.default),
            Criterion::Channels => self.distance_of_channels(stream.channels),
            Criterion::Quality => codec::quality(stream),
        }
    }

    fn distance(&self, track: &Track<'_>, anchor: Option<Language>) -> u32 {
        if self.original_by_flag && track.stream.disposition.original {
            return 0;
        }
        let behind_original = u32::from(self.original_by_flag);
        match self.languages.distance(track.language) {
            Some(distance) => distance.saturating_add(behind_original).min(FARTHEST),
            None if track.language == anchor => FARTHEST + 1,
            None => FARTHEST + 2,
        }
    }

    fn wish(&self, special: Special) -> Wish {
        match special {
            Special::Commentary => self.preferences.commentary,
            Special::AudioDescription => self.preferences.audio_description,
            // Nobody can ask for it, and it does not sound as it was meant to.
            Special::HearingImpaired => Wish::Avoid,
        }
    }

    fn avoids(&self, track: &Track<'_>) -> bool {
        track.special.is_some_and(|special| self.wish(special) == Wish::Avoid)
    }

    fn wanted(&self, track: &Track<'_>) -> u32 {
        track.special.map_or(1, |special| by_wish(self.wish(special), true))
    }

    fn has_preferred_layout(&self, channels: u8) -> bool {
        match self.preferences.layout {
            LayoutPreference::Any => true,
            LayoutPreference::Stereo => channels <= 2,
            LayoutPreference::Surround => channels > 2,
        }
    }

    /// As many channels as are sent is best. More can be mixed down; fewer leave loudspeakers silent.
    fn distance_of_channels(&self, channels: u8) -> u32 {
        let (has, sent) = (u32::from(channels), u32::from(self.output_channels));
        if has >= sent { has - sent } else { 256 + sent - has }
    }
}

fn first_repeated(streams: &[AudioCandidate]) -> Option<u32> {
    let mut seen = std::collections::HashSet::new();
    streams.iter().map(|stream| stream.absolute).find(|absolute| !seen.insert(*absolute))
}

#[cfg(test)]
mod tests;
