//! Where an edit takes effect: at the end of what is on air.
//!
//! Does: find the moment at which a new plan may begin without tearing a programme apart.
//! Does not: change rows.
//! Invariant: the moment is the end of a row, and it is never before the end of the row on air.

use chrono::{DateTime, Utc};
use exstreamtv_model::{EntryKind, PlayoutEntry};

/// Returns where the programme on air at `now` ends, with its parts behind breaks. `rows` are in time order and hold what was
/// before and what comes after; `None` if none of them is on air.
pub fn next_boundary(rows: &[PlayoutEntry], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let on_air = rows.iter().position(|row| row.covers(now))?;
    let begun = rows[..=on_air].iter().rev().find(|row| row.kind == EntryKind::Programme);
    let mut boundary = rows[on_air].stop;
    let Some(mut part) = begun else { return Some(boundary) };
    for row in rows[on_air + 1..].iter().filter(|row| row.kind == EntryKind::Programme) {
        if !row.resumes(part) {
            break;
        }
        (part, boundary) = (row, row.stop);
    }
    Some(boundary)
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::{ChannelId, MediaId, PlayoutEntryId};

    use super::*;
    use crate::playout::instant;

    /// Rows of a minute each: media and the minute of it at which the row begins; media 0 is a filler, -1 a slate.
    fn rows(parts: &[(i64, i64)]) -> Vec<PlayoutEntry> {
        let row = |(place, (media, minute)): (i64, &(i64, i64))| PlayoutEntry {
            id: PlayoutEntryId(place),
            channel: ChannelId(1),
            start: instant(place * 60_000),
            stop: instant((place + 1) * 60_000),
            media: (*media >= 0).then_some(MediaId(*media)),
            in_point_ms: minute * 60_000,
            kind: match media {
                -1 => EntryKind::Slate,
                0 => EntryKind::Filler,
                _ => EntryKind::Programme,
            },
            title: String::new(),
            rule: String::new(),
            why: String::new(),
        };
        (0..).zip(parts).map(row).collect()
    }

    #[test]
    fn a_programme_keeps_its_parts_behind_breaks() {
        let timeline = rows(&[(1, 0), (0, 0), (0, 0), (1, 1), (0, 0), (1, 2), (0, 0), (1, 0), (-1, 0), (2, 0)]);
        for (minute, boundary) in [(0, 6), (1, 6), (3, 6), (5, 6), (6, 7), (7, 8), (8, 9), (9, 10)] {
            let now = instant(minute * 60_000 + 30_000);
            assert_eq!(next_boundary(&timeline, now), Some(instant(boundary * 60_000)), "in minute {minute}");
        }
        assert_eq!(next_boundary(&timeline, instant(600_000)), None);
    }
}
