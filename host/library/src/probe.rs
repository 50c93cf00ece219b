//! Reads ffprobe's JSON (`-show_format -show_streams -show_chapters`).
//!
//! Does: find streams, chapters and the length that a schedule may count on; say in plain words why a file cannot be scheduled.
//! Does not: run ffprobe. A header that lies about its length is found out at play, when what was produced drives the channel.
//! Invariant: any JSON is read or refused, never asserted; a probe that is returned has a length and something to see or hear.

mod json;
mod length;
mod stream;

use exstreamtv_model::{
    MediaProbe,
    media::{Chapter, Stream, StreamKind},
};
use serde_json::Value;

use self::json::{integer, list, seconds_ms, tag, text};

/// Why a file cannot be scheduled, in words that follow "it cannot be played:".
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It has no bytes.
    #[error("the file is empty")]
    EmptyFile,
    /// What came from ffprobe is no JSON.
    #[error("ffprobe gave an answer that cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// There is nothing in it that FFmpeg knows.
    #[error("it holds no pictures and no sound")]
    NoStreams,
    /// It is a picture, or sound files' cover art without the sound.
    #[error("it is a still picture")]
    OnlyPictures,
    /// It holds subtitles, fonts or data.
    #[error("it holds only text or data, no pictures and no sound")]
    OnlyText,
    /// It holds pictures or sound in no known coding, or damaged beyond reading.
    #[error("FFmpeg cannot tell how its pictures or its sound are coded; the file may be cut off or protected")]
    UnknownCoding,
    /// Nothing says how long it is.
    #[error("it has no duration")]
    NoDuration,
    /// It is over before anybody could see it.
    #[error("it is only {duration_ms} ms long")]
    TooShort {
        /// Its length.
        duration_ms: i64,
    },
    /// Its header is damaged.
    #[error("it claims to be {days} days long; its header is damaged")]
    TooLong {
        /// Its claim.
        days: i64,
    },
}

/// Shortest item that may be scheduled: anything shorter makes a channel of nothing but joins.
pub const MIN_DURATION_MS: i64 = 200;
const MAX_DURATION_MS: i64 = 14 * 24 * 3600 * 1000;
const MAX_STREAMS: usize = 128;
const MAX_CHAPTERS: usize = 1_000;

/// Reads what ffprobe said about one file.
///
/// # Errors
/// Says why the file cannot be scheduled; the words go into the library as they are.
pub fn parse_probe(answer: &str) -> Result<MediaProbe, ProbeError> {
    let answer: Value = serde_json::from_str(answer).map_err(ProbeError::Unreadable)?;
    let format = answer.get("format").unwrap_or(&Value::Null);
    let raw = list(&answer, "streams");
    let file_start_ms = json::seconds_ms(format, "start_time").unwrap_or(0);
    let streams: Vec<Stream> =
        raw.iter().take(MAX_STREAMS).enumerate().map(|(at, raw)| stream::read(at, raw, file_start_ms)).collect();
    let container = text(format, "format_name").unwrap_or_default();
    check_content(&container, raw, &streams)?;
    let duration_ms = length::duration_ms(format, raw, &streams)?;
    match duration_ms {
        ..MIN_DURATION_MS => return Err(ProbeError::TooShort { duration_ms }),
        MIN_DURATION_MS..=MAX_DURATION_MS => {}
        _ => return Err(ProbeError::TooLong { days: duration_ms / (24 * 3600 * 1000) }),
    }
    let bitrate_bps = integer(format, "bit_rate").and_then(|rate| u64::try_from(rate).ok()).filter(|rate| *rate > 0);
    Ok(MediaProbe { container, duration_ms, bitrate_bps, streams, chapters: chapters(&answer) })
}

/// Returns whether a stream can be played: pictures that move, or sound, in a known coding.
fn is_playable(stream: &Stream) -> bool {
    match &stream.kind {
        StreamKind::Video(_) => !stream.disposition.attached_pic && !stream.codec.is_empty(),
        StreamKind::Audio(_) => !stream.codec.is_empty(),
        StreamKind::Subtitle | StreamKind::Attachment | StreamKind::Data => false,
    }
}

fn check_content(container: &str, raw: &[Value], streams: &[Stream]) -> Result<(), ProbeError> {
    let is_image_file = container == "image2" || (container.ends_with("_pipe") && !container.contains(','));
    if streams.is_empty() {
        return Err(ProbeError::NoStreams);
    }
    if streams.iter().any(is_playable) {
        return if is_image_file { Err(ProbeError::OnlyPictures) } else { Ok(()) };
    }
    let has = |kind: &str| raw.iter().any(|stream| text(stream, "codec_type").as_deref() == Some(kind));
    let has_art = streams.iter().any(|stream| stream.disposition.attached_pic);
    Err(match (has("audio"), has("video")) {
        (true, _) => ProbeError::UnknownCoding,
        (false, true) if has_art => ProbeError::OnlyPictures,
        (false, true) => ProbeError::UnknownCoding,
        (false, false) => ProbeError::OnlyText,
    })
}

fn chapters(answer: &Value) -> Vec<Chapter> {
    let read = |raw: &Value| {
        let (start_ms, end_ms) = (seconds_ms(raw, "start_time")?, seconds_ms(raw, "end_time")?);
        (0 <= start_ms && start_ms < end_ms).then(|| Chapter { start_ms, end_ms, title: tag(raw, "title") })
    };
    let mut chapters: Vec<Chapter> = list(answer, "chapters").iter().take(MAX_CHAPTERS).filter_map(read).collect();
    chapters.sort_by_key(|chapter| chapter.start_ms);
    chapters
}
