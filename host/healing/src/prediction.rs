//! How likely something runs dry.
//!
//! Does: estimate drift and noise of a level from what was measured of it, and the odds that it is at its end within a time.
//! Does not: measure, or say what is to be done.
//! Invariant: every probability is between 0 and 1, and no more measurements make a level that does not fall more alarming.
//!
//! The level is a random walk with drift. From `n` increments of one second with mean m and variance s² it is at zero within T seconds with
//! the probability of first passage (the inverse Gaussian distribution; Karlin, Taylor: "A First Course in Stochastic Processes", 7.5):
//! P = Φ((-L - mT) / (s√T)) + exp(-2mL / s²) · Φ((-L + mT) / (s√T)).
//! That the drift is itself an estimate, with variance s²/n, widens the spread over T to s²·T·(1 + T/n).

use std::{collections::VecDeque, f64::consts::SQRT_2};

use libm::erfc;

/// Increments from which drift and noise are estimated.
const WINDOW: usize = 60;

/// Levels beyond this are as good as it, and reckoned without losing everything else.
const LARGEST: f64 = 1e18;

/// Fewer than this say nothing.
const LEAST: usize = 10;

/// What is to be expected of a level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlook {
    /// The odds that it is at its end within the horizon.
    pub probability: f64,
    /// When it is at its end if it goes on like this, seconds; `None` where it does not fall.
    pub time_to_end_s: Option<f64>,
}

/// A level that must not reach zero, measured about once a second.
#[derive(Debug, Clone, Default)]
pub struct Level {
    last: Option<(i64, f64)>,
    /// Increments per second, and over how long.
    increments: VecDeque<(f64, f64)>,
}

impl Level {
    /// Takes a measurement at a monotonic time; one that is no number is none.
    pub fn measure(&mut self, at_ms: i64, level: f64) {
        if !level.is_finite() {
            return;
        }
        let level = level.clamp(-LARGEST, LARGEST);
        if let Some((before_ms, before)) = self.last {
            let seconds = (at_ms - before_ms) as f64 / 1_000.0;
            if seconds <= 0.0 {
                return;
            }
            if self.increments.len() == WINDOW {
                self.increments.pop_front();
            }
            self.increments.push_back(((level - before) / seconds, seconds));
        }
        self.last = Some((at_ms, level));
    }

    /// Forgets how it went, because it goes otherwise from now on.
    pub fn restart(&mut self) {
        *self = Self::default();
    }

    /// Returns what is to be expected within `horizon_s`, or nothing while too little is known.
    pub fn outlook(&self, horizon_s: f64) -> Option<Outlook> {
        let (_, level) = self.last?;
        let count = self.increments.len();
        if count < LEAST {
            return None;
        }
        let seconds: f64 = self.increments.iter().map(|(_, seconds)| seconds).sum();
        let drift = self.increments.iter().map(|(rate, seconds)| rate * seconds).sum::<f64>() / seconds;
        let spread = self.increments.iter().map(|(rate, seconds)| (rate - drift).powi(2) * seconds).sum::<f64>();
        let variance = spread / (count - 1) as f64;
        let time_to_end_s = (drift < 0.0).then(|| (level / -drift).max(0.0));
        Some(Outlook { probability: first_passage(level, drift, variance, seconds, horizon_s), time_to_end_s })
    }
}

/// Returns the odds that a walk is at zero within `horizon` seconds, where its drift was estimated over `known` seconds.
fn first_passage(level: f64, drift: f64, variance: f64, known: f64, horizon: f64) -> f64 {
    if level <= 0.0 {
        return 1.0;
    }
    let spread = (variance * horizon * (1.0 + horizon / known.max(1.0))).sqrt();
    if spread <= f64::EPSILON * level {
        return if level + drift * horizon <= 0.0 { 1.0 } else { 0.0 };
    }
    let below = normal((-level - drift * horizon) / spread);
    // The exponent is of the walk over the widened spread, so that both terms tell of the same walk.
    let exponent = -2.0 * drift * horizon * level / (spread * spread);
    let returned = if exponent > 500.0 { 0.0 } else { exponent.exp() * normal((-level + drift * horizon) / spread) };
    (below + returned).clamp(0.0, 1.0)
}

/// The normal distribution function.
fn normal(x: f64) -> f64 {
    0.5 * erfc(-x / SQRT_2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A small generator, so that the same walks are walked every time.
    struct Dice(u64);

    impl Dice {
        fn uniform(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
        }

        fn normal(&mut self) -> f64 {
            (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
        }
    }

    const HORIZON_S: usize = 60;

    /// Walks for a minute that is seen and a minute that is not; returns what was predicted and whether the level came to its end.
    fn walk(dice: &mut Dice) -> Option<(f64, bool)> {
        let (drift, noise) = ((dice.uniform() - 0.7) * 0.2, 0.05 + dice.uniform() * 0.4);
        let mut level = 4.0 + dice.uniform() * 8.0;
        let mut known = Level::default();
        for second in 0..60 {
            known.measure(second * 1_000, level);
            level += drift + noise * dice.normal();
            if level <= 0.0 {
                return None;
            }
        }
        let predicted = known.outlook(HORIZON_S as f64)?.probability;
        let ended = (0..HORIZON_S).any(|_| {
            level += drift + noise * dice.normal();
            level <= 0.0
        });
        Some((predicted, ended))
    }

    #[test]
    fn what_is_predicted_with_a_probability_happens_as_often() {
        let mut dice = Dice(1);
        let mut bins = [(0_u32, 0.0_f64, 0_u32); 10];
        for (predicted, ended) in (0..20_000).filter_map(|_| walk(&mut dice)) {
            let (count, sum, happened) = &mut bins[((predicted * 10.0) as usize).min(9)];
            (*count, *sum, *happened) = (*count + 1, *sum + predicted, *happened + u32::from(ended));
        }
        for (count, sum, happened) in bins {
            assert!(count > 200, "{bins:?}");
            let (predicted, seen) = (sum / f64::from(count), f64::from(happened) / f64::from(count));
            assert!((predicted - seen).abs() < 0.10, "predicted {predicted:.2}, seen {seen:.2} of {count}");
        }
    }

    #[test]
    fn a_level_that_falls_steadily_says_when_it_is_over() {
        let mut level = Level::default();
        (0..30).for_each(|second| level.measure(second * 1_000, 10.0 - second as f64 * 0.1));
        let outlook = level.outlook(60.0).unwrap();
        assert_eq!(outlook.probability, 0.0, "there are 71 seconds left");
        assert!((outlook.time_to_end_s.unwrap() - 71.0).abs() < 0.1);
        assert!(level.outlook(80.0).unwrap().probability > 0.99);
    }

    #[test]
    fn a_level_that_stands_or_rises_has_no_end_and_little_is_known_at_first() {
        let mut level = Level::default();
        for second in 0..40 {
            level.measure(second * 1_000, 5.0);
            assert_eq!(level.outlook(60.0).is_some(), second >= 10);
        }
        assert_eq!(level.outlook(60.0), Some(Outlook { probability: 0.0, time_to_end_s: None }));
        level.restart();
        assert_eq!(level.outlook(60.0), None);
    }

    proptest! {
        #[test]
        fn any_measurements_give_a_probability(measured in prop::collection::vec((0_i64..5_000, any::<f64>()), 0..200), horizon in 1.0..1e6) {
            let mut level = Level::default();
            let mut now = 0;
            for (later, value) in measured {
                now += later;
                level.measure(now, value);
                if let Some(outlook) = level.outlook(horizon) {
                    prop_assert!((0.0..=1.0).contains(&outlook.probability), "{:?}", outlook);
                    prop_assert!(outlook.time_to_end_s.is_none_or(|end| end >= 0.0));
                }
            }
        }
    }
}
