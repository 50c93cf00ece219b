//! What must be on air when.
//!
//! Does: turn a picture's time in the stream into a moment of the wall clock, and compare what it shows with a timeline.
//! Does not: ask the host anything.
//! Invariant: the channel clock is the wall clock, so the comparison needs no knowledge of delays: it is exact to one frame.

mod as_run;

pub use as_run::denials;

use crate::{
    api::Row,
    picture::{Mark, Shown},
    ts::{TICKS_PER_SECOND, WRAP_TICKS},
};

/// Frames by which every picture is shown after its place on the grid, so that B-frames can be reordered.
const REORDER_FRAMES: i64 = 2;

/// The clock of a channel.
#[derive(Debug, Clone, Copy)]
pub struct ChannelClock {
    /// Frames a second, numerator and denominator.
    pub frame_rate: (u32, u32),
    /// `[playout] stream_clock_offset_s`.
    pub offset_s: i64,
    /// Any moment within half a day of the capture, Unix milliseconds.
    pub near_ms: i64,
}

impl ChannelClock {
    /// Returns the length of a frame in milliseconds.
    pub fn frame_ms(&self) -> f64 {
        1000.0 * f64::from(self.frame_rate.1) / f64::from(self.frame_rate.0)
    }

    /// Returns the wall clock at which the picture with this PTS is on air, Unix milliseconds.
    pub fn wall_ms(&self, pts: i64) -> f64 {
        let frame_ticks = TICKS_PER_SECOND as f64 * f64::from(self.frame_rate.1) / f64::from(self.frame_rate.0);
        let ticks = pts - self.offset_s * TICKS_PER_SECOND - (REORDER_FRAMES as f64 * frame_ticks).round() as i64;
        let near = self.near_ms * (TICKS_PER_SECOND / 1000);
        let ahead = (ticks - near + WRAP_TICKS / 2).rem_euclid(WRAP_TICKS) - WRAP_TICKS / 2;
        (near + ahead) as f64 * 1000.0 / TICKS_PER_SECOND as f64
    }
}

/// Compares every picture with the timeline and returns what does not fit, in words.
///
/// `code_of` names the clip of a row; rows without one (slates, damaged clips) are not compared. A picture within one frame
/// of a boundary may belong to either side.
pub fn contradictions(
    shown: &[Shown],
    clock: &ChannelClock,
    rows: &[Row],
    code_of: impl Fn(&Row) -> Option<u8>,
) -> Vec<String> {
    shown.iter().filter_map(|picture| contradiction(picture, clock, rows, &code_of)).collect()
}

fn contradiction(
    picture: &Shown,
    clock: &ChannelClock,
    rows: &[Row],
    code_of: &impl Fn(&Row) -> Option<u8>,
) -> Option<String> {
    let wall_ms = clock.wall_ms(picture.pts);
    let slack_ms = 1.5 * clock.frame_ms();
    let candidates: Vec<_> = rows
        .iter()
        .filter(|row| wall_ms > row.start_ms as f64 - slack_ms && wall_ms < row.stop_ms as f64 + slack_ms)
        .collect();
    let fits = |row: &&Row| match code_of(row) {
        Some(code) => is_at(picture.mark, code, row.in_point_ms as f64 + wall_ms - row.start_ms as f64, slack_ms),
        None => true,
    };
    if candidates.iter().any(fits) {
        return None;
    }
    let titles: Vec<_> = candidates.iter().map(|row| &row.title).collect();
    Some(format!("at {wall_ms:.0} the timeline has {titles:?}, the picture shows {:?}", picture.mark))
}

/// Returns whether the mark is that of `code` around `position_ms` of the clip.
fn is_at(mark: Option<Mark>, code: u8, position_ms: f64, slack_ms: f64) -> bool {
    let second = |ms: f64| (ms.max(0.0) / 1000.0) as i64 % 16;
    let seconds = [second(position_ms - slack_ms), second(position_ms + slack_ms)];
    mark.is_some_and(|mark| mark.clip == code && seconds.contains(&i64::from(mark.second)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCK: ChannelClock = ChannelClock { frame_rate: (25, 1), offset_s: 0, near_ms: 1_800_000_000_000 };

    fn row(start_ms: i64, stop_ms: i64, title: &str) -> Row {
        Row { start_ms, stop_ms, media: None, in_point_ms: 0, title: title.into() }
    }

    fn picture(wall_ms: i64, clip: u8, second: u8) -> Shown {
        let pts = wall_ms * 90 + 2 * 3600;
        Shown { pts: pts.rem_euclid(WRAP_TICKS), mark: Some(Mark { clip, second }), flash: false }
    }

    #[test]
    fn the_clock_finds_the_wall_from_thirty_three_bits() {
        for wall_ms in [1_800_000_000_000_i64, 1_800_000_123_440, 1_799_990_000_000] {
            assert!((CLOCK.wall_ms((wall_ms * 90 + 7200).rem_euclid(WRAP_TICKS)) - wall_ms as f64).abs() < 0.02);
        }
    }

    #[test]
    fn a_wrong_clip_and_a_wrong_second_are_contradictions_and_the_edge_of_a_row_is_not() {
        let start = CLOCK.near_ms;
        let rows = [row(start, start + 5000, "1"), row(start + 5000, start + 9000, "2")];
        let found = |picture| contradictions(&[picture], &CLOCK, &rows, |row| row.title.parse().ok()).len();
        assert_eq!(found(picture(start + 2500, 1, 2)), 0);
        assert_eq!(found(picture(start + 2500, 2, 2)), 1);
        assert_eq!(found(picture(start + 2500, 1, 3)), 1);
        assert_eq!(found(picture(start + 5000 + 40, 1, 5)), 0);
        assert_eq!(found(picture(start + 5000 + 400, 1, 5)), 1);
        assert_eq!(found(picture(start + 20_000, 1, 0)), 1, "a moment without a row");
    }
}
