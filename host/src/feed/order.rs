//! From a row of the timeline to an order for the worker.
//!
//! Does: say what a run plays, from where, for how many frames, with its keyframes on the channel's clock.
//! Does not: send it, or ask a picker; what one said comes as an argument.
//! Invariant: pure; the same row, frames and picks give the same order.

use exstreamtv_core::fallback::choose_streams;
use exstreamtv_model::{Channel, FrameRate, PlayOrder, RunId, media::VideoStream, order::Source};
use exstreamtv_transport::FrameGrid;

use super::picks::Picked;
use crate::playout::Planned;

/// A run as the conductor wants it.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Its name.
    pub run: RunId,
    /// First frame.
    pub first: i64,
    /// First frame of what follows.
    pub end: i64,
    /// When its first frame is on air, Unix milliseconds.
    pub first_ms: i64,
}

/// Returns what the worker must do to play `planned` as it is wanted, at the wall-clock position; the built-in choice plays where no picker
/// has answered yet.
pub fn order(
    grid: &FrameGrid,
    channel: &Channel,
    planned: &Planned,
    picked: Option<&Picked>,
    Wanted { run, first, end, first_ms }: Wanted,
) -> Option<PlayOrder> {
    let media = planned.media.as_ref()?;
    let probe = media.probe.clone()?;
    let streams = choose_streams(&probe);
    let into_ms = (first_ms - planned.entry.start.timestamp_millis()).max(0);
    let picture = probe.video().find(|(stream, _)| Some(stream.index) == streams.video).map(|(_, video)| video);
    let at_ms = planned.entry.in_point_ms + into_ms;
    let source = Source::File {
        path: media.path.clone(),
        in_point_ms: picture.map_or(at_ms, |picture| on_a_frame(at_ms, picture, channel.profile.frame_rate)),
        video: streams.video,
        audio: picked.map_or(streams.audio, |picked| picked.audio.chosen.map(|stream| stream.absolute)),
        downmix: picked.and_then(|picked| picked.audio.downmix.clone()),
        subtitles: picked.and_then(|picked| picked.burn_in.clone()),
        probe,
    };
    let frames = u32::try_from(end - first).ok()?;
    let to_key = (grid.gop_start(first) - first).rem_euclid(grid.gop_frames());
    let keyframe_offset = u32::try_from(to_key).ok()?;
    Some(PlayOrder {
        run,
        source,
        profile: channel.profile.clone(),
        frames,
        keyframe_offset,
        card: None,
        gain_db: None,
        watermark: None,
    })
}

/// Returns the start of the source frame nearest to `at_ms`, counting only those that the channel shows where the source has
/// more. A run that begins between two frames would show every picture up to half a frame too early or too late against its sound.
fn on_a_frame(at_ms: i64, picture: &VideoStream, channel: FrameRate) -> i64 {
    let Some(source) = picture.frame_rate.filter(|rate| rate.num > 0 && rate.den > 0) else { return at_ms };
    let FrameRate { num, den } = if source.as_f64() > channel.as_f64() { channel } else { source };
    let (num, den) = (i128::from(num), 1_000 * i128::from(den));
    let since_first_ms = i128::from(at_ms - picture.first_picture_ms);
    let nearest = (2 * since_first_ms * num + den).div_euclid(2 * den);
    let starts_ms = |frame: i128| (frame * den).div_euclid(num) + i128::from(picture.first_picture_ms);
    let start_ms = if starts_ms(nearest) < 0 { starts_ms(nearest + 1) } else { starts_ms(nearest) };
    // FFmpeg drops the frames that begin before the in-point, and milliseconds are rounded.
    i64::try_from(start_ms).map_or(at_ms, |start_ms| (start_ms - 1).max(0))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use exstreamtv_model::{
        ChannelId, EntryKind, ItemOrder, MediaId, MediaItem, MediaProbe, MediaState, OutputProfile, PlayoutEntry,
        PlayoutEntryId,
        media::{AudioStream, Color, Disposition, FieldOrder, Stream, StreamKind},
        order::BurnIn,
        pick::{AudioAnswer, Downmix, StreamRef, SubtitleAnswer},
    };

    use super::*;
    use crate::playout::instant;

    fn picture(num: u32, den: u32, first_picture_ms: i64) -> VideoStream {
        VideoStream {
            width: 2,
            height: 2,
            sample_aspect: (1, 1),
            rotation_degrees: 0,
            frame_rate: Some(FrameRate::new(num, den)),
            first_picture_ms,
            pixel_format: None,
            field_order: FieldOrder::default(),
            color: Color::default(),
        }
    }

    const CHANNEL: FrameRate = FrameRate::new(25, 1);

    #[test]
    fn runs_begin_on_a_frame_of_their_source() {
        assert_eq!(on_a_frame(27, &picture(25, 1, 0), CHANNEL), 39);
        assert_eq!(on_a_frame(13, &picture(25, 1, 0), CHANNEL), 0);
        assert_eq!(on_a_frame(0, &picture(25, 1, 21), CHANNEL), 20);
        assert_eq!(on_a_frame(1_000, &picture(24_000, 1_001, 0), CHANNEL), 1_000);
        assert_eq!(on_a_frame(21, &picture(50, 1, 0), CHANNEL), 39);
        assert_eq!(on_a_frame(19, &picture(50, 1, 0), CHANNEL), 0);
        assert_eq!(on_a_frame(0, &picture(25, 1, 500), CHANNEL), 19);
        assert_eq!(on_a_frame(27, &picture(0, 0, 0), CHANNEL), 27);
    }

    fn stream(index: u32, kind: StreamKind) -> Stream {
        let disposition = Disposition::default();
        Stream { index, codec: "x".into(), profile: None, language: None, title: None, disposition, kind }
    }

    fn film() -> Planned {
        let sound = |channels| StreamKind::Audio(AudioStream { channels, layout: None, sample_rate_hz: 48_000 });
        let streams = vec![
            stream(0, StreamKind::Video(picture(25, 1, 0))),
            stream(1, sound(6)),
            stream(2, sound(2)),
            stream(3, StreamKind::Subtitle),
        ];
        let probe =
            MediaProbe { container: "m".into(), duration_ms: 60_000, bitrate_bps: None, streams, chapters: vec![] };
        let media = MediaItem {
            id: MediaId(1),
            path: "/m/a.mkv".into(),
            size_bytes: 1,
            mtime_ms: 1,
            state: MediaState::Ready,
            probe: Some(probe),
            metadata: Default::default(),
        };
        let entry = PlayoutEntry {
            id: PlayoutEntryId(1),
            channel: ChannelId(1),
            start: instant(0),
            stop: instant(60_000),
            media: Some(MediaId(1)),
            in_point_ms: 0,
            kind: EntryKind::Programme,
            title: String::new(),
            rule: String::new(),
            why: String::new(),
        };
        Planned { entry, media: Some(Arc::new(media)) }
    }

    fn ordered(picked: Option<&Picked>) -> Source {
        let channel = Channel {
            id: ChannelId(1),
            number: "1".parse().unwrap(),
            name: String::new(),
            group: String::new(),
            logo: None,
            zone: chrono_tz::UTC,
            profile: OutputProfile::default(),
            collection: None,
            order: ItemOrder::Name,
            schedule: None,
            tracks: Default::default(),
            throttle: Default::default(),
            enabled: true,
        };
        let wanted = Wanted { run: RunId(1), first: 0, end: 30, first_ms: 0 };
        order(&FrameGrid::new(&channel.profile), &channel, &film(), picked, wanted).unwrap().source
    }

    #[test]
    fn what_was_picked_is_played() {
        let downmix = Downmix { from: "5.1".into(), to: "stereo".into(), rows: vec![] };
        let chosen = |absolute| Some(StreamRef { absolute, relative: 0 });
        let burn_in = BurnIn::Embedded(StreamRef { absolute: 3, relative: 0 });
        let picked = Picked {
            audio: AudioAnswer {
                chosen: chosen(2),
                why: String::new(),
                ranked: vec![],
                downmix: Some(downmix.clone()),
            },
            subtitles: SubtitleAnswer { chosen: None, why: String::new(), ranked: vec![] },
            burn_in: Some(burn_in.clone()),
            text: None,
        };
        let Source::File { video, audio, downmix: mixed, subtitles, .. } = ordered(Some(&picked)) else { panic!() };
        assert_eq!((video, audio, mixed, subtitles), (Some(0), Some(2), Some(downmix), Some(burn_in)));
        let silent = Picked { audio: AudioAnswer { chosen: None, ..picked.audio.clone() }, ..picked };
        assert!(matches!(ordered(Some(&silent)), Source::File { audio: None, .. }));
    }

    #[test]
    fn the_built_in_choice_plays_where_nothing_was_picked_yet() {
        let Source::File { audio, downmix, subtitles, .. } = ordered(None) else { panic!() };
        assert_eq!((audio, downmix, subtitles), (Some(1), None, None));
    }
}
