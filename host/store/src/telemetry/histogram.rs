//! How often something took how long.
//!
//! Invariant: a time lands in the first bucket whose bound it does not exceed; nothing is ever forgotten.

use std::{
    array,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// The bounds of the buckets; what took longer is counted beyond them.
const BOUNDS_US: [u64; 14] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000];

/// How often something took how long.
#[derive(Debug)]
pub(super) struct Histogram {
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
    max_us: AtomicU64,
}

/// A histogram at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistogramReport {
    /// Upper bound in microseconds, and how many took no longer; cumulative, as Prometheus wants them.
    pub buckets: Vec<(u64, u64)>,
    /// How many there were.
    pub count: u64,
    /// What they took together, in microseconds.
    pub sum_us: u64,
    /// What the longest took, in microseconds.
    pub max_us: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: array::from_fn(|_| AtomicU64::new(0)), sum_us: AtomicU64::new(0), max_us: AtomicU64::new(0) }
    }
}

impl Histogram {
    pub(super) fn record(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.buckets[BOUNDS_US.partition_point(|bound| *bound < us)].fetch_add(1, Relaxed);
        self.sum_us.fetch_add(us, Relaxed);
        self.max_us.fetch_max(us, Relaxed);
    }

    pub(super) fn report(&self) -> HistogramReport {
        let mut count = 0;
        let mut cumulative = |bucket: &AtomicU64| {
            count += bucket.load(Relaxed);
            count
        };
        let totals: Vec<_> = self.buckets.iter().map(&mut cumulative).collect();
        let buckets = BOUNDS_US.into_iter().zip(totals).collect();
        HistogramReport { buckets, count, sum_us: self.sum_us.load(Relaxed), max_us: self.max_us.load(Relaxed) }
    }
}

impl HistogramReport {
    /// Returns a bound that at least `share` of all did not exceed; the longest where it lies beyond every bound.
    pub fn quantile_us(&self, share: f64) -> u64 {
        let enough = |seen: u64| seen as f64 >= self.count as f64 * share;
        let within = self.buckets.iter().find(|(_, seen)| enough(*seen));
        within.map_or(self.max_us, |(bound, _)| (*bound).min(self.max_us))
    }

    /// Returns the mean in microseconds; 0 where there was nothing.
    pub fn mean_us(&self) -> u64 {
        self.sum_us.checked_div(self.count).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_land_in_the_first_bucket_that_holds_them() {
        let histogram = Histogram::default();
        for us in [1, 100, 101, 5_000_000, 7_000_000] {
            histogram.record(Duration::from_micros(us));
        }
        let report = histogram.report();
        assert_eq!((report.count, report.sum_us, report.max_us), (5, 12_000_202, 7_000_000));
        assert_eq!(report.buckets[..3], [(100, 2), (250, 3), (500, 3)]);
        assert_eq!(report.buckets.last(), Some(&(5_000_000, 4)));
        assert_eq!((report.quantile_us(0.4), report.quantile_us(0.5), report.quantile_us(1.0)), (100, 250, 7_000_000));
        assert_eq!(report.mean_us(), 2_400_040);
    }

    #[test]
    fn an_empty_one_has_no_times() {
        let report = Histogram::default().report();
        assert_eq!((report.count, report.quantile_us(0.99), report.mean_us()), (0, 0, 0));
    }
}
