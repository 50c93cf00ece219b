//! Where the time goes between somebody's wish for a channel and its first picture.
//!
//! Does: note each step of a cold beginning once, and say all of them when the first picture is on air.
//! Does not: measure anything after that.

use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

/// Milliseconds since the feed began; each step includes those before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct TuneTimes {
    /// The worker was told what to play: schedule and pickers had answered.
    pub ordered_ms: Option<u64>,
    /// The worker had started FFmpeg.
    pub started_ms: Option<u64>,
    /// FFmpeg gave its first byte: it had opened and analysed the file, and set up filters and encoders.
    pub first_byte_ms: Option<u64>,
    /// The first whole picture was there.
    pub first_picture_ms: Option<u64>,
    /// It was sent to whoever watches.
    pub on_air_ms: Option<u64>,
}

/// A step of the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TuneStep {
    /// See [`TuneTimes::ordered_ms`].
    Ordered,
    /// See [`TuneTimes::started_ms`].
    Started,
    /// See [`TuneTimes::first_byte_ms`].
    FirstByte,
    /// See [`TuneTimes::first_picture_ms`].
    FirstPicture,
    /// See [`TuneTimes::on_air_ms`].
    OnAir,
}

/// Notes the steps.
#[derive(Debug)]
pub struct TuneClock {
    began: Instant,
    times: TuneTimes,
}

impl TuneClock {
    /// Starts at `began`.
    pub fn new(began: Instant) -> Self {
        Self { began, times: TuneTimes::default() }
    }

    /// Returns what is known so far.
    pub fn times(&self) -> TuneTimes {
        self.times
    }

    /// Notes a step at `now`, the first time that it happens; the last one is said.
    pub fn note(&mut self, step: TuneStep, now: Instant) {
        if self.times.on_air_ms.is_some() {
            return;
        }
        let at = match step {
            TuneStep::Ordered => &mut self.times.ordered_ms,
            TuneStep::Started => &mut self.times.started_ms,
            TuneStep::FirstByte => &mut self.times.first_byte_ms,
            TuneStep::FirstPicture => &mut self.times.first_picture_ms,
            TuneStep::OnAir => &mut self.times.on_air_ms,
        };
        let since_ms = u64::try_from(now.duration_since(self.began).as_millis()).unwrap_or(u64::MAX);
        at.get_or_insert(since_ms);
        if step == TuneStep::OnAir {
            self.say();
        }
    }

    fn say(&self) {
        let TuneTimes { ordered_ms, started_ms, first_byte_ms, first_picture_ms, on_air_ms } = self.times;
        tracing::info!(ordered_ms, started_ms, first_byte_ms, first_picture_ms, on_air_ms, "first picture");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_step_counts_once_and_nothing_after_the_last() {
        let mut clock = TuneClock::new(Instant::now());
        for step in [TuneStep::Ordered, TuneStep::Started, TuneStep::FirstByte, TuneStep::Ordered] {
            tokio::time::advance(Duration::from_millis(10)).await;
            clock.note(step, Instant::now());
        }
        tokio::time::advance(Duration::from_millis(5)).await;
        clock.note(TuneStep::FirstPicture, Instant::now());
        clock.note(TuneStep::OnAir, Instant::now());
        let known = TuneTimes {
            ordered_ms: Some(10),
            started_ms: Some(20),
            first_byte_ms: Some(30),
            first_picture_ms: Some(45),
            on_air_ms: Some(45),
        };
        assert_eq!(clock.times(), known);
        tokio::time::advance(Duration::from_millis(5)).await;
        clock.note(TuneStep::Started, Instant::now());
        assert_eq!(clock.times(), known);
    }
}
