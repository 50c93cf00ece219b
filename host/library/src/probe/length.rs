//! Decides how long a file is.
//!
//! Does: weigh the container's length against the lengths of what can be played.
//! Does not: measure; that would mean reading the whole file.
//! Invariant: subtitles and data never make a file longer: nobody would see them on an ended picture.

use exstreamtv_model::media::Stream;
use serde_json::Value;

use super::{
    ProbeError, is_playable,
    json::{seconds_ms, tag},
};

/// Returns the length of the longest playable stream as far as it is known, else the container's.
pub(super) fn duration_ms(format: &Value, raw: &[Value], streams: &[Stream]) -> Result<i64, ProbeError> {
    let (playable, others): (Vec<_>, Vec<_>) = raw.iter().zip(streams).partition(|(_, stream)| is_playable(stream));
    let measured: Vec<Option<Length>> = playable.iter().map(|(raw, _)| Length::of(raw)).collect();
    let longest = measured.iter().flatten().max_by_key(|length| length.ms).copied();
    let container_ms = seconds_ms(format, "duration").filter(|ms| *ms > 0);
    match (longest, container_ms) {
        (None, None) => Err(ProbeError::NoDuration),
        (Some(longest), None) => Ok(longest.ms),
        (None, Some(container_ms)) => Ok(container_ms),
        // A stream that keeps its length to itself may be the long one.
        (Some(longest), Some(container_ms)) if measured.contains(&None) => Ok(longest.ms.max(container_ms)),
        (Some(longest), Some(container_ms)) => {
            let other_is_long =
                others.iter().filter_map(|(raw, _)| Length::of(raw)).any(|other| agree(other.ms, container_ms));
            let trusted = longest.from_header || other_is_long || agree(longest.ms, container_ms);
            Ok(if trusted { longest.ms } else { container_ms })
        }
    }
}

/// A stream's own length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Length {
    ms: i64,
    /// From the stream's header, not from a tag that an editor may have left behind.
    from_header: bool,
}

impl Length {
    fn of(raw: &Value) -> Option<Self> {
        let header = seconds_ms(raw, "duration").map(|ms| Self { ms, from_header: true });
        let tagged = || tag(raw, "DURATION").and_then(|text| clock_ms(&text)).map(|ms| Self { ms, from_header: false });
        header.or_else(tagged).filter(|length| length.ms > 0)
    }
}

/// Returns whether two lengths differ by less than a fifth.
fn agree(one_ms: i64, other_ms: i64) -> bool {
    one_ms.abs_diff(other_ms).saturating_mul(5) < one_ms.max(other_ms).unsigned_abs()
}

/// Reads "01:02:03.456789000".
fn clock_ms(text: &str) -> Option<i64> {
    let mut parts = text.trim().split(':');
    let (hours, minutes, seconds) =
        (parts.next()?.parse::<u32>().ok()?, parts.next()?.parse::<u32>().ok()?, parts.next()?);
    let seconds = seconds.parse::<f64>().ok().filter(|seconds| (0.0..61.0).contains(seconds))?;
    let whole_s = i64::from(hours) * 3600 + i64::from(minutes) * 60;
    (parts.next().is_none() && minutes < 60).then(|| whole_s * 1000 + (seconds * 1000.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_texts_are_lengths() {
        assert_eq!(clock_ms("01:02:03.456789000"), Some(3_723_457));
        for text in ["", "1", "1:2", "a:b:c", "00:61:00", "00:00:-1", "1:2:3:4", "00:00:nan"] {
            assert_eq!(clock_ms(text), None, "{text}");
        }
    }
}
