//! The bit rate of what a session got, over the seconds of the stream.
//!
//! By the stream's clock and not by ours: a burst of six seconds in a moment is six seconds at the stream's rate.

/// Over how much stream the mean is taken.
const MEMORY_MS: f64 = 5_000.0;

/// An exponentially weighted mean.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Rate {
    bps: Option<f64>,
    /// Bytes of which the length is not known yet: sound alone, a piece of a chunk.
    pending_bytes: u64,
}

impl Rate {
    /// Takes bytes that are this much stream.
    pub(super) fn add(&mut self, bytes: u64, stream_ms: i64) {
        self.pending_bytes += bytes;
        if stream_ms <= 0 {
            return;
        }
        let (bits, ms) = (std::mem::take(&mut self.pending_bytes) as f64 * 8.0, stream_ms as f64);
        let seen = bits * 1_000.0 / ms;
        let before = self.bps.unwrap_or(seen);
        self.bps = Some(before + (1.0 - (-ms / MEMORY_MS).exp()) * (seen - before));
    }

    /// Returns it, 0 before anything was taken.
    pub(super) fn bps(&self) -> u64 {
        self.bps.unwrap_or(0.0).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_the_streams_however_it_is_cut() {
        for (bytes, ms) in [(250, 1), (50_000, 200), (1_500_000, 6_000)] {
            let mut rate = Rate::default();
            (0..20_000 / ms).for_each(|_| rate.add(bytes, ms));
            assert!((1_990_000..2_010_000).contains(&rate.bps()), "{} at {ms} ms", rate.bps());
        }
    }

    #[test]
    fn a_new_rate_is_believed_after_some_seconds_of_stream() {
        let mut rate = Rate::default();
        (0..50).for_each(|_| rate.add(50_000, 200));
        (0..50).for_each(|_| rate.add(100_000, 200));
        assert!((3_600_000..4_000_000).contains(&rate.bps()), "{}", rate.bps());
        rate.add(10_000, 0);
        assert_eq!(rate.pending_bytes, 10_000, "what has no length waits for what has");
    }
}
