//! A feed's frames against the clocks.
//!
//! Does: say which frame is live, how far the feed may go, and which frame belongs to a wall time.
//! Does not: read a clock; moments are arguments.
//! Invariant: frames follow the monotonic clock alone, so what viewers get never jumps; when the wall clock is set, or the machine slept, it is
//! the schedule that moves against the frames.

use chrono::{DateTime, Utc};
use exstreamtv_transport::FrameGrid;
use tokio::time::Instant;

/// A difference that is no drift: somebody set the clock, or the machine slept.
const STEP_MS: i64 = 2_000;

/// The clocks of one feed.
#[derive(Debug, Clone, Copy)]
pub struct StreamTime {
    grid: FrameGrid,
    started_wall_ms: i64,
    started: Instant,
    /// What the wall clock was set forward by since the feed began.
    offset_ms: i64,
}

impl StreamTime {
    /// Returns the time of a feed that begins at this moment.
    pub fn new(grid: FrameGrid, wall: DateTime<Utc>, now: Instant) -> Self {
        Self { grid, started_wall_ms: wall.timestamp_millis(), started: now, offset_ms: 0 }
    }

    /// Returns the grid of frames.
    pub fn grid(&self) -> &FrameGrid {
        &self.grid
    }

    /// Returns the frame that is live.
    pub fn live(&self, now: Instant) -> i64 {
        self.grid.index_at(self.started_wall_ms + millis(now.duration_since(self.started)))
    }

    /// Returns when a frame is on air by the wall clock as it is set now, Unix milliseconds.
    pub fn wall_ms(&self, index: i64) -> i64 {
        self.grid.wall_ms(index) + self.offset_ms
    }

    /// Returns the first frame at or after a wall time.
    pub fn index_from(&self, wall_ms: i64) -> i64 {
        self.grid.index_from(wall_ms - self.offset_ms)
    }

    /// Returns a wall time on the stream's own clock, which subtitles and playlists use.
    pub fn stream_ms(&self, wall_ms: i64) -> i64 {
        wall_ms - self.offset_ms
    }

    /// Compares with the wall clock; returns by how much it was set, if it was.
    pub fn follow(&mut self, wall: DateTime<Utc>, now: Instant) -> Option<i64> {
        let expected_ms = self.started_wall_ms + millis(now.duration_since(self.started)) + self.offset_ms;
        let step_ms = wall.timestamp_millis() - expected_ms;
        if step_ms.abs() < STEP_MS {
            return None;
        }
        self.offset_ms += step_ms;
        Some(step_ms)
    }
}

/// Returns a length in whole milliseconds.
pub fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use exstreamtv_model::OutputProfile;

    use super::*;
    use crate::playout::instant;

    const NOON_MS: i64 = 1_800_000_000_000;
    const HOUR_MS: i64 = 3_600_000;

    #[tokio::test]
    async fn when_the_clock_is_set_the_schedule_moves_and_the_frames_do_not() {
        let start = Instant::now();
        let mut time = StreamTime::new(FrameGrid::new(&OutputProfile::default()), instant(NOON_MS), start);
        let later = start + Duration::from_secs(10);
        let live = time.live(later);
        assert_eq!(time.index_from(NOON_MS + 10_000), live);

        assert_eq!(time.follow(instant(NOON_MS + 10_000 + HOUR_MS), later), Some(HOUR_MS));
        assert_eq!(time.live(later), live);
        assert_eq!(time.index_from(NOON_MS + 10_000 + HOUR_MS), live);
        assert_eq!(time.wall_ms(live), NOON_MS + 10_000 + HOUR_MS);
        assert_eq!(time.stream_ms(time.wall_ms(live)), NOON_MS + 10_000);

        assert_eq!(time.follow(instant(NOON_MS + 20_000 + HOUR_MS), later + Duration::from_secs(10)), None);
        assert_eq!(time.follow(instant(NOON_MS + 20_000), later + Duration::from_secs(10)), Some(-HOUR_MS));
    }

    #[tokio::test]
    async fn drift_is_no_step() {
        let start = Instant::now();
        let mut time = StreamTime::new(FrameGrid::new(&OutputProfile::default()), instant(NOON_MS), start);
        assert_eq!(time.follow(instant(NOON_MS + 1_999), start), None);
        assert_eq!(time.wall_ms(0), 0);
    }
}
