//! What a viewer's socket says about the way to the viewer.
//!
//! Does: estimate how fast the way is, and say how long to wait so that little of the stream stands in the system's own queue.
//! Does not: ask the system.
//! Invariant: a way that is the bottleneck never runs dry while a viewer waits: a wait ends before three quarters of the queue have gone.

use std::time::Duration;

use super::MAX_WAIT;

/// How much of the stream may stand in the queue, by the way's own speed: what stands there can no longer be skipped.
const QUEUE: Duration = Duration::from_secs(1);
/// What may stand there however slow the way is; less would make it slower.
const MIN_QUEUE_BYTES: f64 = 65_536.0;
/// How quickly old observations are forgotten.
const MEMORY: Duration = Duration::from_millis(700);
/// The shortest wait.
const MIN_WAIT: Duration = Duration::from_millis(10);

/// What the system says about a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketFeedback {
    /// Bytes that were sent and not confirmed (SIOCOUTQ).
    pub queued_bytes: u64,
    /// How fast it delivered lately, where it says so (TCP_INFO).
    pub delivery_bps: Option<u64>,
}

/// Watches one connection.
#[derive(Debug, Default)]
pub(super) struct SocketWatch {
    last: Option<Observed>,
    /// Sent since the last observation.
    sent_bytes: u64,
    /// Measured while the queue held something: then the way is what limits.
    drain_bytes_per_s: Option<f64>,
}

#[derive(Debug, Clone, Copy)]
struct Observed {
    at: Duration,
    queued_bytes: u64,
}

impl SocketWatch {
    /// Returns how long to wait before more is sent, or `None` where more may go at once.
    pub(super) fn wait(&mut self, feedback: SocketFeedback, now: Duration) -> Option<Duration> {
        self.observe(feedback, now);
        let queued = feedback.queued_bytes as f64;
        let rate = self.rate(feedback)?.max(1.0);
        let allowed = (rate * QUEUE.as_secs_f64()).max(MIN_QUEUE_BYTES);
        if queued < allowed {
            return None;
        }
        let excess_s = (queued - allowed * 3.0 / 4.0) / rate;
        Some(Duration::from_secs_f64(excess_s.clamp(MIN_WAIT.as_secs_f64(), MAX_WAIT.as_secs_f64())))
    }

    /// Notes what was sent.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent_bytes += bytes as u64;
    }

    fn observe(&mut self, feedback: SocketFeedback, now: Duration) {
        let fresh = Observed { at: now, queued_bytes: feedback.queued_bytes };
        let Some(last) = self.last.replace(fresh) else { return };
        let gone = (last.queued_bytes + std::mem::take(&mut self.sent_bytes)).saturating_sub(feedback.queued_bytes);
        let span = now.saturating_sub(last.at).as_secs_f64();
        // What drains a queue that runs empty says only that the way is faster than we are.
        if feedback.queued_bytes == 0 {
            self.drain_bytes_per_s = None;
        } else if span > 0.0 {
            let weight = span / (span + MEMORY.as_secs_f64());
            let seen = gone as f64 / span;
            let before = self.drain_bytes_per_s.unwrap_or(seen);
            self.drain_bytes_per_s = Some(before + weight * (seen - before));
        }
    }

    /// Returns the speed of the way, or `None` while it is not what limits.
    fn rate(&self, feedback: SocketFeedback) -> Option<f64> {
        let measured = self.drain_bytes_per_s?;
        // The system measures over single round trips, which is never too little, and stands still when nothing is confirmed.
        let claimed = feedback.delivery_bps.map(|bps| bps as f64 / 8.0).filter(|rate| *rate > 0.0);
        Some(claimed.map_or(measured, |claimed| claimed.min(measured)))
    }
}
