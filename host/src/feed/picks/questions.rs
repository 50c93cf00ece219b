//! From what is known about a file to the questions for pickers.
//!
//! Invariant: every candidate is named by the place that probing found it at, and only those are offered that FFmpeg can decode.

use exstreamtv_model::{
    MediaProbe,
    media::{Stream, StreamKind},
    pick::{
        AudioAnswer, AudioCandidate, AudioRequest, StreamRef, SubtitleCandidate, SubtitleForm, SubtitleMode,
        SubtitleRequest, SubtitleSource,
    },
};

use super::Wishes;

/// Returns the question for the sound.
pub fn audio(probe: &MediaProbe, original_language: Option<&str>, wishes: &Wishes) -> AudioRequest {
    let candidate = |(relative, stream): (u32, &Stream)| {
        let StreamKind::Audio(sound) = &stream.kind else { return None };
        Some(AudioCandidate {
            absolute: stream.index,
            relative,
            codec: stream.codec.clone(),
            profile: stream.profile.clone(),
            channels: sound.channels,
            layout: sound.layout.clone(),
            language: stream.language.clone(),
            title: stream.title.clone(),
            disposition: stream.disposition,
        })
    };
    AudioRequest {
        streams: (0..).zip(probe.audio().map(|(stream, _)| stream)).filter_map(candidate).collect(),
        preferences: wishes.tracks.audio.clone(),
        original_language: original_language.map(str::to_owned),
        output_channels: wishes.audio_channels,
    }
}

/// Returns whether files beside the media matter at all.
pub fn wants_files(wishes: &Wishes) -> bool {
    let subtitles = &wishes.tracks.subtitles;
    subtitles.sidecars && subtitles.mode != SubtitleMode::Off
}

/// Returns the question for the subtitles, with those of the file before those beside it.
pub fn subtitles(
    probe: &MediaProbe,
    beside: Vec<SubtitleCandidate>,
    wishes: &Wishes,
    audio: &AudioAnswer,
) -> SubtitleRequest {
    let embedded = probe.streams.iter().filter(|stream| stream.kind == StreamKind::Subtitle);
    let candidate = |(relative, stream): (u32, &Stream)| {
        Some(SubtitleCandidate {
            source: SubtitleSource::Embedded(StreamRef { absolute: stream.index, relative }),
            codec: stream.codec.clone(),
            form: SubtitleForm::of_codec(&stream.codec)?,
            language: stream.language.clone(),
            title: stream.title.clone(),
            disposition: stream.disposition,
        })
    };
    let heard = audio.chosen.and_then(|chosen| probe.streams.iter().find(|stream| stream.index == chosen.absolute));
    SubtitleRequest {
        streams: (0..).zip(embedded).filter_map(candidate).chain(beside).collect(),
        preferences: wishes.tracks.subtitles.clone(),
        audio_language: heard.and_then(|stream| stream.language.clone()),
    }
}
