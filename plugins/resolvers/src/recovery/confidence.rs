//! How likely an action helps: what the table says, corrected by what came of it.
//!
//! Does: fold the outcomes of one action against one issue into a probability.
//! Does not: count outcomes of other issues; what helps against a crash need not help against an expired address.
//! Invariant: always between 0 and 1; one more failure never makes it larger, one more success never smaller.
//!
//! The chance that an action helps has a Beta distribution whose mean, before anybody tried, is the table's confidence `p`, worth
//! [`PRIOR_WEIGHT`] = 3 outcomes. Each outcome then counts with a weight, and the confidence is the mean of what results:
//!
//! ```text
//! confidence = (3 p + sum of the weights that helped) / (3 + sum of all weights)
//! weight     = 0.9^n / 2^(age / 6 h)       n: newer outcomes of the same issue and action
//! ```
//!
//! Both parts make newer outcomes weigh more. The first one bounds the sum by 10, so that hundreds of old successes do not hide what fails now. The
//! second one forgets: what failed all night is given another chance the next day, though nobody tried it meanwhile. Between two halvings the weight
//! falls in a straight line, because every machine computes a line alike, but not every one an exponential.

use std::fmt;

use exstreamtv_plugin_sdk::incident::{Outcome, ProposeRequest};

use super::ladder::Step;

/// How many outcomes the table's word is worth.
const PRIOR_WEIGHT: f64 = 3.0;

/// What an outcome weighs beside the next newer one.
const NEXT_OLDER: f64 = 0.9;

/// After this time an outcome weighs half.
const HALF_LIFE_MS: i64 = 6 * 3_600_000;

/// What helps less often than this, in thousandths, stands behind the call for a person.
pub(super) const HOPELESS: u16 = 300;

/// How likely a step helps, and what that rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Confidence {
    per_mille: u16,
    record: Record,
}

/// How often a step was tried, and how often it helped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Record {
    tried: usize,
    helped: usize,
}

impl Confidence {
    /// Learns from the request's history.
    pub(super) fn learnt(step: &Step, request: &ProposeRequest) -> Self {
        let same = |outcome: &&Outcome| outcome.issue == request.incident.issue && outcome.action == step.action;
        let prior = f64::from(step.per_mille) / 1_000.0;
        let (mut helped, mut all) = (PRIOR_WEIGHT * prior, PRIOR_WEIGHT);
        let (mut record, mut place) = (Record::default(), 1.0);
        for outcome in request.history.iter().rev().filter(same) {
            let weight = place * freshness(request.now_ms.saturating_sub(outcome.at_ms));
            all += weight;
            record.tried += 1;
            if outcome.helped {
                helped += weight;
                record.helped += 1;
            }
            place *= NEXT_OLDER;
        }
        Self { per_mille: per_mille(helped / all), record }
    }

    /// Returns it in thousandths, which is as exact as anybody can read it.
    pub(super) fn per_mille(&self) -> u16 {
        self.per_mille
    }

    /// Returns it as a probability.
    pub(super) fn value(&self) -> f64 {
        f64::from(self.per_mille) / 1_000.0
    }

    /// Returns what it was learnt from; `None` where it is the table's word alone.
    pub(super) fn record(&self) -> Option<Record> {
        (self.record.tried > 0).then_some(self.record)
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it helped {} of {} times, the newest counting most", self.helped, self.tried)
    }
}

/// Returns what is left of an outcome's weight: half after each half-life, and in a straight line between.
fn freshness(age_ms: i64) -> f64 {
    let age_ms = age_ms.max(0);
    let (halvings, rest_ms) = (age_ms / HALF_LIFE_MS, age_ms % HALF_LIFE_MS);
    // After sixty halvings nothing is left that a sum would feel.
    let whole = i32::try_from(halvings.min(60)).map_or(0.0, |halvings| 0.5_f64.powi(halvings));
    whole * (1.0 - rest_ms as f64 / (2 * HALF_LIFE_MS) as f64)
}

fn per_mille(share: f64) -> u16 {
    // A share of 0 to 1, so it fits.
    (share * 1_000.0).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn an_outcome_weighs_half_after_each_six_hours_and_never_more_than_one() {
        let at = [-5 * HOUR_MS, 0, 3 * HOUR_MS, 6 * HOUR_MS, 12 * HOUR_MS].map(freshness);
        assert_eq!(at, [1.0, 1.0, 0.75, 0.5, 0.25]);
        assert!(freshness(i64::MAX) < 1e-15);
    }
}
