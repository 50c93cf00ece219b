//! A bucket of tokens that fills at a bit rate.
//!
//! Invariant: kept as one moment, "everything sent is paid for until then", so nothing drifts: the error of a piece is below a nanosecond.

use std::time::Duration;

const BIT_NANOS: u128 = 8_000_000_000;

/// A bucket; its content is time, which the rate turns into bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    rate_bps: u64,
    depth: Duration,
    /// What has been sent takes until then at the rate; earlier than now by `depth` at most counts.
    paid_until: Duration,
}

impl Bucket {
    /// Returns a full one.
    pub(super) fn full(rate_bps: u64, depth: Duration, now: Duration) -> Self {
        Self { rate_bps: rate_bps.max(1), depth, paid_until: now }
    }

    /// Takes everything out.
    pub(super) fn drain(&mut self, now: Duration) {
        self.paid_until = now + self.depth;
    }

    /// Returns how many bytes may go now.
    pub(super) fn credit_bytes(&self, now: Duration) -> usize {
        let owed = self.paid_until.saturating_sub(now);
        self.bytes_in(self.depth.saturating_sub(owed))
    }

    /// Returns how many bytes the rate sends in this time.
    pub(super) fn bytes_in(&self, time: Duration) -> usize {
        usize::try_from(time.as_nanos() * u128::from(self.rate_bps) / BIT_NANOS).unwrap_or(usize::MAX)
    }

    /// Takes bytes out; no more than there are.
    pub(super) fn take(&mut self, bytes: usize, now: Duration) {
        self.paid_until = self.paid_until.max(now) + self.time_of(bytes);
    }

    /// Returns when this many bytes may go.
    pub(super) fn ready_at(&self, bytes: usize) -> Duration {
        (self.paid_until + self.time_of(bytes)).saturating_sub(self.depth)
    }

    fn time_of(&self, bytes: usize) -> Duration {
        let nanos = (bytes as u128 * BIT_NANOS).div_ceil(u128::from(self.rate_bps));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX / 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_full_bucket_gives_its_depth_and_then_what_flows_in() {
        let mut bucket = Bucket::full(8_000, 2 * SECOND, SECOND);
        assert_eq!(bucket.credit_bytes(SECOND), 2_000);
        bucket.take(2_000, SECOND);
        assert_eq!((bucket.credit_bytes(SECOND), bucket.ready_at(500)), (0, SECOND * 3 / 2));
        assert_eq!(bucket.credit_bytes(SECOND * 3 / 2), 500);
        assert_eq!(bucket.credit_bytes(60 * SECOND), 2_000, "no more than its depth");
    }

    #[test]
    fn a_drained_bucket_has_nothing() {
        let mut bucket = Bucket::full(8_000, 2 * SECOND, SECOND);
        bucket.drain(5 * SECOND);
        assert_eq!((bucket.credit_bytes(5 * SECOND), bucket.credit_bytes(6 * SECOND)), (0, 1_000));
    }
}
