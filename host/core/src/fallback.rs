//! The built-in choice of streams, used where no picker plugin answers.
//!
//! Does: choose the picture and the sound of a file from what probing found.
//! Does not: know a viewer's preferences; that is a picker's work.
//! Invariant: only stream indices that the probe lists are returned.

use exstreamtv_model::media::{AudioStream, MediaProbe, Stream};

/// Which streams of a file are played, by absolute index; `None` where the file has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamChoice {
    /// The picture.
    pub video: Option<u32>,
    /// The sound.
    pub audio: Option<u32>,
}

/// Chooses the author's default picture and the author's default sound, never a commentary while there is anything else.
pub fn choose_streams(probe: &MediaProbe) -> StreamChoice {
    let video = probe.video().filter(|(stream, _)| !stream.codec.is_empty()).min_by_key(|(stream, video)| {
        (!stream.disposition.default, std::cmp::Reverse(u64::from(video.width) * u64::from(video.height)), stream.index)
    });
    let audio =
        probe.audio().filter(|(stream, _)| !stream.codec.is_empty()).min_by_key(|(stream, audio)| rank(stream, audio));
    StreamChoice { video: video.map(|(stream, _)| stream.index), audio: audio.map(|(stream, _)| stream.index) }
}

/// Smaller is better: dispositions first, then more channels, then file order.
fn rank(stream: &Stream, audio: &AudioStream) -> (bool, bool, bool, std::cmp::Reverse<u8>, u32) {
    let flags = stream.disposition;
    let for_few = flags.visual_impaired || flags.hearing_impaired;
    (flags.comment, for_few, !flags.default, std::cmp::Reverse(audio.channels), stream.index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use exstreamtv_model::media::{Disposition, StreamKind};

    fn sound(index: u32, channels: u8, disposition: Disposition) -> Stream {
        let kind = StreamKind::Audio(AudioStream { channels, layout: None, sample_rate_hz: 48_000 });
        Stream { index, codec: "aac".into(), profile: None, language: None, title: None, disposition, kind }
    }

    fn probe(streams: Vec<Stream>) -> MediaProbe {
        MediaProbe { container: "mov".into(), duration_ms: 1, bitrate_bps: None, streams, chapters: vec![] }
    }

    #[test]
    fn a_commentary_marked_default_still_loses_to_the_film() {
        let comment = Disposition { comment: true, default: true, ..Default::default() };
        let file = probe(vec![sound(0, 2, comment), sound(4, 2, Disposition::default())]);
        assert_eq!(choose_streams(&file).audio, Some(4));
    }

    #[test]
    fn without_flags_more_channels_win_and_nothing_is_chosen_from_nothing() {
        let file = probe(vec![sound(1, 2, Disposition::default()), sound(2, 6, Disposition::default())]);
        assert_eq!(choose_streams(&file).audio, Some(2));
        assert_eq!(choose_streams(&probe(vec![])), StreamChoice { video: None, audio: None });
    }
}
