//! Reads one stream of ffprobe's JSON.
//!
//! Does: turn pictures, sound and the rest into the model's streams.
//! Does not: refuse a file; a stream that cannot be used becomes `Data`, so that nobody chooses it.

use exstreamtv_model::{
    FrameRate,
    media::{AudioStream, Color, Disposition, FieldOrder, Stream, StreamKind, VideoStream},
};
use serde_json::Value;

use super::json::{fraction, integer, list, seconds_ms, tag, text};

/// Reads the stream at place `at` of the list.
pub(super) fn read(at: usize, raw: &Value, file_start_ms: i64) -> Stream {
    let index = integer(raw, "index").and_then(|index| u32::try_from(index).ok());
    Stream {
        index: index.unwrap_or(u32::try_from(at).unwrap_or(u32::MAX)),
        codec: text(raw, "codec_name").filter(|codec| codec != "unknown" && codec != "none").unwrap_or_default(),
        profile: text(raw, "profile").filter(|profile| profile != "unknown"),
        language: tag(raw, "language"),
        title: tag(raw, "title"),
        disposition: disposition(raw),
        kind: kind(raw, file_start_ms),
    }
}

fn kind(raw: &Value, file_start_ms: i64) -> StreamKind {
    match text(raw, "codec_type").as_deref() {
        Some("video") => video(raw, file_start_ms).map_or(StreamKind::Data, StreamKind::Video),
        Some("audio") => audio(raw).map_or(StreamKind::Data, StreamKind::Audio),
        Some("subtitle") => StreamKind::Subtitle,
        Some("attachment") => StreamKind::Attachment,
        _ => StreamKind::Data,
    }
}

/// Returns `None` for pictures without a size: FFmpeg has not found a single one.
fn video(raw: &Value, file_start_ms: i64) -> Option<VideoStream> {
    let side = |key: &str| {
        integer(raw, key).and_then(|side| u32::try_from(side).ok()).filter(|side| (1..=65_536).contains(side))
    };
    Some(VideoStream {
        width: side("width")?,
        height: side("height")?,
        sample_aspect: fraction(raw, "sample_aspect_ratio").filter(|aspect| is_shape(*aspect)).unwrap_or((1, 1)),
        rotation_degrees: rotation_degrees(raw),
        frame_rate: frame_rate(raw, "avg_frame_rate").or_else(|| frame_rate(raw, "r_frame_rate")),
        first_picture_ms: first_picture_ms(raw, file_start_ms),
        pixel_format: text(raw, "pix_fmt").filter(|format| format != "unknown"),
        field_order: field_order(raw),
        color: color(raw),
    })
}

/// Returns `None` for sound without channels or rate: FFmpeg has not found a single frame.
fn audio(raw: &Value) -> Option<AudioStream> {
    let channels = integer(raw, "channels").filter(|channels| *channels > 0)?;
    let sample_rate_hz =
        integer(raw, "sample_rate").and_then(|rate| u32::try_from(rate).ok()).filter(|rate| *rate > 0)?;
    Some(AudioStream {
        channels: u8::try_from(channels).unwrap_or(u8::MAX),
        layout: text(raw, "channel_layout").filter(|layout| layout != "unknown"),
        sample_rate_hz,
    })
}

/// A sample more than sixteen times as wide as high (or the reverse) is a damaged header.
fn is_shape((num, den): (u32, u32)) -> bool {
    u64::from(num) <= 16 * u64::from(den) && u64::from(den) <= 16 * u64::from(num)
}

fn frame_rate(raw: &Value, key: &str) -> Option<FrameRate> {
    let (num, den) = fraction(raw, key)?;
    // Streams without a clock of their own say 90000/1 or 1000/1.
    let plausible = u64::from(num) <= 480 * u64::from(den);
    plausible.then(|| FrameRate::new(num, den))
}

/// A start that is hours off its file's is a broken time stamp, not a late picture.
fn first_picture_ms(raw: &Value, file_start_ms: i64) -> i64 {
    let late_ms = seconds_ms(raw, "start_time").map_or(0, |start_ms| start_ms - file_start_ms);
    if (0..=60_000).contains(&late_ms) { late_ms } else { 0 }
}

fn field_order(raw: &Value) -> FieldOrder {
    match text(raw, "field_order").as_deref() {
        Some("progressive") => FieldOrder::Progressive,
        // The first letter is the field that is coded first, the second the one that is shown first.
        Some("tt" | "bt") => FieldOrder::TopFirst,
        Some("bb" | "tb") => FieldOrder::BottomFirst,
        _ => FieldOrder::Unknown,
    }
}

fn color(raw: &Value) -> Color {
    let known =
        |key: &str| text(raw, key).filter(|name| name != "unknown" && name != "reserved" && name != "unspecified");
    Color {
        range: known("color_range"),
        space: known("color_space"),
        transfer: known("color_transfer"),
        primaries: known("color_primaries"),
    }
}

/// Returns the clockwise rotation for display, to the nearest quarter turn.
fn rotation_degrees(raw: &Value) -> u16 {
    // The display matrix counts counter-clockwise, the older tag clockwise.
    let matrix = list(raw, "side_data_list").iter().find_map(|side| integer(side, "rotation")).map(i64::wrapping_neg);
    let clockwise = matrix.or_else(|| tag(raw, "rotate")?.parse::<i64>().ok()).unwrap_or(0);
    match clockwise.rem_euclid(360) {
        45..135 => 90,
        135..225 => 180,
        225..315 => 270,
        _ => 0,
    }
}

fn disposition(raw: &Value) -> Disposition {
    let flags = raw.get("disposition").unwrap_or(&Value::Null);
    let set =
        |key: &str| integer(flags, key).is_some_and(|flag| flag != 0) || flags.get(key) == Some(&Value::Bool(true));
    Disposition {
        default: set("default"),
        forced: set("forced"),
        original: set("original"),
        comment: set("comment"),
        hearing_impaired: set("hearing_impaired"),
        visual_impaired: set("visual_impaired"),
        attached_pic: set("attached_pic"),
    }
}
