//! From a row of the timeline to an order for the worker.
//!
//! Does: say what a run plays, from where, for how many frames, with its keyframes on the channel's clock.
//! Does not: send it.
//! Invariant: pure; the same row and frames give the same order.

use exstreamtv_core::fallback::choose_streams;
use exstreamtv_model::{Channel, FrameRate, PlayOrder, RunId, media::VideoStream, order::Source};
use exstreamtv_transport::FrameGrid;

use crate::playout::Planned;

/// Returns what the worker must do to play `planned` from frame `first` to `end`, at the wall-clock position.
pub fn order(
    grid: &FrameGrid,
    channel: &Channel,
    planned: &Planned,
    run: RunId,
    first: i64,
    end: i64,
) -> Option<PlayOrder> {
    let media = planned.media.as_ref()?;
    let probe = media.probe.clone()?;
    let streams = choose_streams(&probe);
    let into_ms = (grid.wall_ms(first) - planned.entry.start.timestamp_millis()).max(0);
    let picture = probe.video().find(|(stream, _)| Some(stream.index) == streams.video).map(|(_, video)| video);
    let at_ms = planned.entry.in_point_ms + into_ms;
    let source = Source::File {
        path: media.path.clone(),
        in_point_ms: picture.map_or(at_ms, |picture| on_a_frame(at_ms, picture, channel.profile.frame_rate)),
        video: streams.video,
        audio: streams.audio,
        downmix: None,
        subtitles: None,
        probe,
    };
    let frames = u32::try_from(end - first).ok()?;
    let to_key = (grid.gop_start(first) - first).rem_euclid(grid.gop_frames());
    let keyframe_offset = u32::try_from(to_key).ok()?;
    Some(PlayOrder { run, source, profile: channel.profile.clone(), frames, keyframe_offset })
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
    use exstreamtv_model::media::{Color, FieldOrder};

    use super::*;

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
}
