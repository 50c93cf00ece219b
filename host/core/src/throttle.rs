//! Decides when a viewer of the continuous stream gets the next bytes.
//!
//! Does: turn what is there to send, the moment and the socket's own words into send, wait or skip.
//! Does not: send, sleep or ask a socket; that is `host::feed`.
//! Invariants: a viewer for whom there is something is never told to wait for more than [`MAX_WAIT`]; after a wait at least
//! [`QUANTUM`]'s worth may go, so nobody spins; a skip happens only between chunks, and only to a later keyframe.
//!
//! Pacing by the stream's own clock needs nothing here: the feed itself goes at the speed of its clock, and a viewer is never ahead
//! of it. What this machine adds is the cap, and what becomes of those whom the cap or their network holds back.

use std::time::Duration;

use exstreamtv_model::ThrottleMode;

mod bucket;
mod cap;
mod lag;
mod socket;
#[cfg(test)]
mod tests;

use bucket::Bucket;
pub use cap::{effective_bps, mean_bps, peak_bps};
use lag::Lag;
pub use socket::SocketFeedback;
use socket::SocketWatch;

/// The longest wait while there is something to send.
pub const MAX_WAIT: Duration = Duration::from_millis(100);
/// What a wait is for: as much as the target bit rate sends in this time.
pub const QUANTUM: Duration = Duration::from_millis(50);
/// What a joiner of a capped stream gets at once: the ring's backlog at the cap, and a long GOP more.
const JOIN_BURST: Duration = Duration::from_secs(12);
/// For how long a burst goes at twice the target bit rate.
const BURST: Duration = Duration::from_secs(10);
/// How much of the doubled rate may go in one piece.
const BURST_PIECE: Duration = Duration::from_millis(100);
/// Packets stay whole as long as a piece holds one.
const PACKET_BYTES: usize = 188;

/// How one viewer is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// In which way.
    pub mode: ThrottleMode,
    /// The target bit rate in force.
    pub target_bps: u64,
    /// Whether a viewer who falls behind skips to a keyframe; else it falls behind until the ring lets go of it.
    pub may_skip: bool,
}

/// What there is to send, and how things are.
#[derive(Debug, Clone, Copy)]
pub struct Offer {
    /// Monotonic time since any fixed moment.
    pub now: Duration,
    /// What is left of the chunk.
    pub bytes: usize,
    /// Nothing of the chunk has been sent yet.
    pub whole: bool,
    /// How much stream there is beyond this chunk, milliseconds of the stream's clock.
    pub lag_ms: i64,
    /// There is a keyframe further on.
    pub can_skip: bool,
    /// What the viewer's socket says, where it can be asked.
    pub socket: Option<SocketFeedback>,
}

/// What to do with an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Send this many bytes now, at least one and at most what was offered.
    Send(usize),
    /// Ask again at this time.
    WaitUntil(Duration),
    /// Go on at the newest keyframe, and offer the chunk there.
    SkipToKeyframe,
}

/// Decides for one viewer.
#[derive(Debug)]
pub struct Throttle {
    terms: Terms,
    sustained: Bucket,
    /// Limits the burst itself.
    peak: Option<Bucket>,
    lag: Lag,
    socket: SocketWatch,
}

impl Throttle {
    /// Returns the throttle of a viewer who joins now; his buckets are full.
    pub fn new(terms: Terms, now: Duration) -> Self {
        let (sustained, peak) = buckets(terms, now);
        Self { terms, sustained, peak, lag: Lag::default(), socket: SocketWatch::default() }
    }

    /// Treats the viewer otherwise from now on. He has had his burst, so the new buckets are empty.
    pub fn change(&mut self, terms: Terms, now: Duration) {
        if terms == self.terms {
            return;
        }
        let (mut sustained, mut peak) = buckets(terms, now);
        sustained.drain(now);
        peak.iter_mut().for_each(|peak| peak.drain(now));
        (self.terms, self.sustained, self.peak) = (terms, sustained, peak);
    }

    /// Returns how the viewer is treated.
    pub fn terms(&self) -> Terms {
        self.terms
    }

    /// Returns what to do now. Bytes that a verdict sends count as sent.
    pub fn offer(&mut self, offer: Offer) -> Verdict {
        debug_assert!(offer.bytes > 0, "nothing is offered");
        self.lag.observe(offer.lag_ms);
        let verdict = match self.terms.mode {
            ThrottleMode::Disabled => Verdict::Send(offer.bytes),
            ThrottleMode::Realtime | ThrottleMode::Burst => self.capped(offer),
            ThrottleMode::Adaptive => self.adapted(offer),
        };
        debug_assert!(!matches!(verdict, Verdict::Send(bytes) if bytes == 0 || bytes > offer.bytes));
        debug_assert!(!matches!(verdict, Verdict::WaitUntil(at) if at <= offer.now || at > offer.now + MAX_WAIT));
        verdict
    }

    fn capped(&mut self, offer: Offer) -> Verdict {
        let credit = self.credit_bytes(offer.now);
        if credit >= offer.bytes {
            return self.send(offer.bytes, offer.now);
        }
        // From here on it is the cap that holds the viewer back.
        if self.skips(offer) {
            return Verdict::SkipToKeyframe;
        }
        let quantum = self.sustained.bytes_in(QUANTUM).max(1);
        if credit >= quantum {
            let whole_packets = credit - credit % PACKET_BYTES;
            return self.send(if whole_packets > 0 { whole_packets } else { credit }, offer.now);
        }
        let buckets = [Some(&self.sustained), self.peak.as_ref()];
        let ready = buckets.into_iter().flatten().map(|bucket| bucket.ready_at(quantum)).max().unwrap_or_default();
        Verdict::WaitUntil(bounded(ready, offer.now))
    }

    fn adapted(&mut self, offer: Offer) -> Verdict {
        if self.skips(offer) {
            return Verdict::SkipToKeyframe;
        }
        let Some(feedback) = offer.socket else { return Verdict::Send(offer.bytes) };
        match self.socket.wait(feedback, offer.now) {
            Some(wait) => Verdict::WaitUntil(bounded(offer.now + wait, offer.now)),
            None => {
                self.socket.sent(offer.bytes);
                Verdict::Send(offer.bytes)
            }
        }
    }

    fn skips(&self, offer: Offer) -> bool {
        self.terms.may_skip && offer.whole && offer.can_skip && self.lag.is_too_long(offer.lag_ms)
    }

    fn credit_bytes(&self, now: Duration) -> usize {
        let sustained = self.sustained.credit_bytes(now);
        self.peak.as_ref().map_or(sustained, |peak| sustained.min(peak.credit_bytes(now)))
    }

    fn send(&mut self, bytes: usize, now: Duration) -> Verdict {
        self.sustained.take(bytes, now);
        self.peak.iter_mut().for_each(|peak| peak.take(bytes, now));
        Verdict::Send(bytes)
    }
}

fn buckets(terms: Terms, now: Duration) -> (Bucket, Option<Bucket>) {
    match terms.mode {
        ThrottleMode::Burst => {
            let peak = Bucket::full(terms.target_bps.saturating_mul(2), BURST_PIECE, now);
            (Bucket::full(terms.target_bps, BURST, now), Some(peak))
        }
        _ => (Bucket::full(terms.target_bps, JOIN_BURST, now), None),
    }
}

/// Time is short of a quantum by rounding at most; a wait always ends later than now.
fn bounded(ready: Duration, now: Duration) -> Duration {
    ready.clamp(now + Duration::from_millis(1), now + MAX_WAIT)
}
