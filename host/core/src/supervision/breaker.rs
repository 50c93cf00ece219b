//! Stops starting for a while after too many failures.
//!
//! Invariant: whatever happens, a probe is allowed `open_ms` after the last failure at the latest.

use std::collections::VecDeque;

/// When the breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerRules {
    /// This many failures …
    pub failures: usize,
    /// … within this time open it …
    pub window_ms: i64,
    /// … for this long; then one probe decides.
    pub open_ms: i64,
    /// How long a probe must be on air to close it.
    pub well_after_ms: i64,
}

impl Default for BreakerRules {
    fn default() -> Self {
        Self { failures: 5, window_ms: 300_000, open_ms: 120_000, well_after_ms: 10_000 }
    }
}

/// How the breaker stands, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Attempts are free.
    Closed,
    /// No attempt before this time.
    Open {
        /// Monotonic milliseconds.
        until_ms: i64,
    },
    /// The one attempt that decides is due, or under way.
    Probing,
}

#[derive(Debug)]
pub(super) struct Breaker {
    rules: BreakerRules,
    failures_ms: VecDeque<i64>,
    open_until_ms: Option<i64>,
    probing: bool,
}

impl Breaker {
    pub(super) fn new(rules: BreakerRules) -> Self {
        Self { rules, failures_ms: VecDeque::new(), open_until_ms: None, probing: false }
    }

    pub(super) fn failed(&mut self, now_ms: i64) {
        self.failures_ms.push_back(now_ms);
        while self.failures_ms.front().is_some_and(|at_ms| now_ms - at_ms >= self.rules.window_ms) {
            self.failures_ms.pop_front();
        }
        if self.probing || self.failures_ms.len() >= self.rules.failures {
            self.open_until_ms = Some(now_ms + self.rules.open_ms);
            self.probing = false;
            self.failures_ms.clear();
        }
    }

    /// Something is started; past the open time it is the probe.
    pub(super) fn tried(&mut self, now_ms: i64) {
        self.probing |= self.open_until_ms.is_some_and(|until_ms| until_ms <= now_ms);
    }

    /// What is on air since `since_ms` still is.
    pub(super) fn went_well(&mut self, since_ms: i64, now_ms: i64) {
        if now_ms - since_ms >= self.rules.well_after_ms {
            (self.open_until_ms, self.probing) = (None, false);
        }
    }

    pub(super) fn is_open(&self, now_ms: i64) -> bool {
        self.open_until_ms.is_some_and(|until_ms| now_ms < until_ms)
    }

    /// Returns when it lets attempts pass.
    pub(super) fn closed_from_ms(&self) -> i64 {
        self.open_until_ms.unwrap_or(i64::MIN)
    }

    pub(super) fn state(&self, now_ms: i64) -> BreakerState {
        match self.open_until_ms {
            None => BreakerState::Closed,
            Some(until_ms) if now_ms < until_ms => BreakerState::Open { until_ms },
            Some(_) => BreakerState::Probing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        Breaker::new(BreakerRules::default())
    }

    fn fail(breaker: &mut Breaker, times_ms: &[i64]) {
        times_ms.iter().for_each(|at_ms| breaker.failed(*at_ms));
    }

    #[test]
    fn five_failures_in_five_minutes_open_it_for_two_and_one_probe_decides() {
        let mut breaker = breaker();
        fail(&mut breaker, &[0, 10_000, 20_000, 30_000]);
        assert_eq!(breaker.state(30_000), BreakerState::Closed);
        breaker.failed(299_999);
        assert_eq!(breaker.state(300_000), BreakerState::Open { until_ms: 419_999 });
        assert_eq!(breaker.state(419_999), BreakerState::Probing);
        breaker.tried(420_000);
        breaker.failed(421_000);
        assert_eq!(breaker.state(421_000), BreakerState::Open { until_ms: 541_000 });
        breaker.tried(541_000);
        breaker.went_well(542_000, 551_999);
        assert_eq!(breaker.state(551_999), BreakerState::Probing);
        breaker.went_well(542_000, 552_000);
        assert_eq!(breaker.state(552_000), BreakerState::Closed);
    }

    #[test]
    fn failures_that_are_far_apart_open_nothing() {
        let mut breaker = breaker();
        fail(&mut breaker, &(0..100).map(|n| n * 75_000).collect::<Vec<_>>());
        assert_eq!(breaker.state(7_500_000), BreakerState::Closed);
    }
}
