//! A stream with the time at which each byte came.
//!
//! Does: read from anything, then find when a picture was complete.
//! Does not: decode while it reads, so that the measurement costs nothing.
//! Invariant: times count from the moment that the caller calls the beginning.

use std::{
    io::Read,
    time::{Duration, Instant},
};

use crate::{
    ts::{AccessUnit, Follower, Report},
    viewer::Capture,
};

/// A recorded stream.
pub struct Recording {
    /// What came.
    pub bytes: Vec<u8>,
    arrivals: Vec<(Duration, usize)>,
}

impl Recording {
    /// Reads until the stream's own clock has gone on by `seconds`, or the stream ends.
    pub fn of(mut stream: impl Read, since: Instant, seconds: f64) -> Self {
        let (mut buffer, mut clock) = (vec![0; 64 * 1024], Follower::default());
        let mut recording = Self { bytes: Vec::new(), arrivals: Vec::new() };
        while clock.seconds() < seconds {
            let Ok(count @ 1..) = stream.read(&mut buffer) else { break };
            clock.push(&buffer[..count]);
            recording.bytes.extend_from_slice(&buffer[..count]);
            recording.arrivals.push((since.elapsed(), recording.bytes.len()));
        }
        recording
    }

    /// Returns when this many bytes had come.
    pub fn arrival(&self, bytes: usize) -> Option<Duration> {
        self.arrivals.iter().find(|(_, sum)| *sum >= bytes).map(|(at, _)| *at)
    }

    /// Returns when the first picture of a programme was complete; slates do not count.
    pub fn first_programme_picture(&self) -> Option<Duration> {
        let capture = Capture::new(self.bytes.clone());
        let report = capture.check((30, 1));
        let first = capture.watch(&report).into_iter().find(|picture| picture.mark.is_some())?;
        self.complete(report.video.iter().find(|unit| unit.pts == first.pts)?)
    }

    /// Returns when the first keyframe was complete.
    pub fn first_keyframe(&self, report: &Report) -> Option<Duration> {
        self.complete(report.video.iter().find(|unit| unit.idr)?)
    }

    /// Returns when the first group of pictures was complete, as a segment needs it.
    pub fn first_group(&self, report: &Report) -> Option<Duration> {
        self.arrival(report.video.iter().filter(|unit| unit.idr).nth(1)?.start)
    }

    /// Returns the longest time without a byte after `from`.
    pub fn longest_silence(&self, from: Duration) -> Duration {
        let late: Vec<_> = self.arrivals.iter().map(|(at, _)| *at).filter(|at| *at >= from).collect();
        late.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
    }

    fn complete(&self, unit: &AccessUnit) -> Option<Duration> {
        self.arrival(unit.end)
    }
}
