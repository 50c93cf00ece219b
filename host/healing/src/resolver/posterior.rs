//! How likely a deed helps: what the specification says, corrected by what came of it.
//!
//! Does: keep a Beta distribution for each issue, deed and circumstance, and say its mean.
//! Does not: choose.
//! Invariants: a mean is between 0 and 1; one more failure never makes it larger, one more success never smaller; at most [`MOST`] are kept.
//!
//! Before anybody tried, the mean is the specification's confidence `p`, worth [`PRIOR_WEIGHT`] outcomes. Each newer outcome makes all older ones
//! weigh [`NEXT_OLDER`], and all of them halve in [`HALF_LIFE_MS`]: what failed all night is given another chance the next day.

use std::collections::BTreeMap;

use exstreamtv_model::incident::{Action, IssueType, Risk};
use serde::{Deserialize, Serialize};

use super::deed::Deed;

/// How many outcomes the specification's word is worth.
pub const PRIOR_WEIGHT: f64 = 3.0;
/// What outcomes weigh after one more.
pub const NEXT_OLDER: f64 = 0.9;
/// After this time they weigh half.
pub const HALF_LIFE_MS: i64 = 6 * 3_600_000;
/// The most that are kept; those with the least to say go first.
pub const MOST: usize = 512;

/// What was tried against what, under which circumstances.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Trial {
    /// What was wrong.
    pub issue: IssueType,
    /// What was done.
    pub deed: Deed,
    /// The circumstances in one word.
    pub context: String,
}

/// What came of it so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = TrialRecord))]
pub struct Record {
    /// What the successes weigh.
    pub helped: f64,
    /// What the failures weigh.
    pub failed: f64,
    /// How often it was tried in all.
    pub tries: u32,
    /// How often it helped in all.
    pub successes: u32,
    /// When it was tried last, Unix milliseconds.
    pub at_ms: i64,
}

/// Everything that was learnt.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Posteriors {
    records: BTreeMap<Trial, Record>,
}

impl Record {
    fn weight_at(&self, now_ms: i64) -> f64 {
        let age = now_ms.saturating_sub(self.at_ms).max(0) as f64;
        libm::exp2(-age / HALF_LIFE_MS as f64)
    }

    /// Returns the mean of the distribution that begins at `prior`.
    pub fn mean(&self, prior: f64, now_ms: i64) -> f64 {
        let weight = self.weight_at(now_ms);
        let (helped, failed) = (self.helped * weight, self.failed * weight);
        (PRIOR_WEIGHT * prior + helped) / (PRIOR_WEIGHT + helped + failed)
    }

    fn learn(&mut self, helped: bool, now_ms: i64) {
        let keep = self.weight_at(now_ms) * NEXT_OLDER;
        (self.helped, self.failed) = (self.helped * keep, self.failed * keep);
        *(if helped { &mut self.helped } else { &mut self.failed }) += 1.0;
        self.tries = self.tries.saturating_add(1);
        self.successes = self.successes.saturating_add(u32::from(helped));
        self.at_ms = now_ms;
    }
}

impl Posteriors {
    /// Returns what was learnt before.
    pub fn of(records: impl IntoIterator<Item = (Trial, Record)>) -> Self {
        Self { records: records.into_iter().take(MOST).collect() }
    }

    /// Returns how likely a deed helps, given what is said of its action.
    pub fn mean(&self, trial: &Trial, proposed: f64, now_ms: i64) -> f64 {
        let prior = prior(trial.issue, trial.deed, proposed);
        self.records.get(trial).copied().unwrap_or_default().mean(prior, now_ms)
    }

    /// Returns what is known of a trial.
    pub fn record(&self, trial: &Trial) -> Option<Record> {
        self.records.get(trial).copied()
    }

    /// Learns what came of a deed, and returns the record as it is now.
    pub fn learn(&mut self, trial: Trial, helped: bool, now_ms: i64) -> Record {
        if self.records.len() >= MOST && !self.records.contains_key(&trial) {
            let weight = |record: &Record| (record.helped + record.failed) * record.weight_at(now_ms);
            let least = self.records.iter().min_by(|one, other| weight(one.1).total_cmp(&weight(other.1)));
            let least = least.map(|(trial, _)| trial.clone());
            if let Some(least) = least {
                self.records.remove(&least);
            }
        }
        let record = self.records.entry(trial).or_default();
        record.learn(helped, now_ms);
        *record
    }

    /// Returns everything that was learnt.
    pub fn iter(&self) -> impl Iterator<Item = (&Trial, &Record)> {
        self.records.iter()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.records.clear();
    }
}

/// Returns what is believed before anybody tried: the specification's figure where it has one, else what was proposed.
pub fn prior(issue: IssueType, deed: Deed, proposed: f64) -> f64 {
    let of_action = specified(issue, deed.action()).unwrap_or(proposed);
    of_action.clamp(0.0, 1.0) * f64::from(deed.share_per_mille()) / 1_000.0
}

/// Returns what the specification thinks of an action against an issue.
fn specified(issue: IssueType, action: Action) -> Option<f64> {
    primary(issue).filter(|(primary, ..)| *primary == action).map(|(.., confidence)| confidence)
}

/// Returns the specification's row (6.4): the primary strategy, its risk and its confidence.
pub fn primary(issue: IssueType) -> Option<(Action, Risk, f64)> {
    let row = match issue {
        IssueType::FfmpegHang => (Action::Restart, Risk::Medium, 0.90),
        IssueType::FfmpegCrash => (Action::Restart, Risk::Medium, 0.85),
        IssueType::UrlExpired => (Action::Refresh, Risk::Safe, 0.95),
        IssueType::DbPoolExhausted => (Action::Expand, Risk::Low, 0.80),
        IssueType::AuthFailed => (Action::Refresh, Risk::Safe, 0.90),
        IssueType::MemoryPressure => (Action::Reduce, Risk::Medium, 0.70),
        IssueType::SourceUnavailable => (Action::Fallback, Risk::Safe, 0.95),
        _ => return None,
    };
    Some(row)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trial(deed: Deed) -> Trial {
        Trial { issue: IssueType::FfmpegHang, deed, context: "ffmpeg_hung".into() }
    }

    #[test]
    fn before_anybody_tried_it_is_the_specifications_word() {
        let learnt = Posteriors::default();
        assert_eq!(learnt.mean(&trial(Deed::RestartRun), 0.1, 0), 0.90);
        // Where the specification says nothing, whoever proposes it is believed.
        assert!((learnt.mean(&trial(Deed::PlayFiller), 0.6, 0) - 0.54).abs() < 1e-9);
    }

    #[test]
    fn what_keeps_failing_falls_behind_the_next_best_within_five_tries_and_has_another_chance_days_later() {
        let mut learnt = Posteriors::default();
        let rival = learnt.mean(&trial(Deed::PlayFiller), 0.6, 0);
        let tries = (1..=5).find(|n| {
            learnt.learn(trial(Deed::RestartRun), false, n * 60_000);
            learnt.mean(&trial(Deed::RestartRun), 0.9, n * 60_000) < rival
        });
        assert!(tries.is_some(), "it is still preferred after five failures");
        assert!(learnt.mean(&trial(Deed::RestartRun), 0.9, 48 * 3_600_000) > 0.85);
    }

    #[test]
    fn circumstances_are_learnt_apart() {
        let mut learnt = Posteriors::default();
        learnt.learn(trial(Deed::RestartRun), false, 0);
        let other = Trial { context: "worker_hung".into(), ..trial(Deed::RestartRun) };
        assert_eq!(learnt.mean(&other, 0.9, 0), 0.90);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut learnt = Posteriors::default();
        for n in 0..2 * MOST {
            let of = Trial { context: n.to_string(), ..trial(Deed::RestartRun) };
            learnt.learn(of, true, i64::try_from(n).unwrap());
        }
        assert_eq!(learnt.iter().count(), MOST);
    }

    proptest! {
        #[test]
        fn a_mean_is_a_probability_and_moves_with_what_happens(
            outcomes in prop::collection::vec((any::<bool>(), 0_i64..10_000_000), 0..60), prior in 0.0..1.0,
        ) {
            let (mut record, mut now_ms) = (Record::default(), 0);
            for (helped, pause_ms) in outcomes {
                now_ms += pause_ms;
                let before = record.mean(prior, now_ms);
                let mut better = record;
                better.learn(true, now_ms);
                let mut worse = record;
                worse.learn(false, now_ms);
                let (up, down) = (better.mean(prior, now_ms), worse.mean(prior, now_ms));
                prop_assert!(down <= before + 1e-9 && before <= up + 1e-9, "{down} {before} {up}");
                prop_assert!((0.0..=1.0).contains(&before) && (0.0..=1.0).contains(&up) && (0.0..=1.0).contains(&down));
                record = if helped { better } else { worse };
            }
        }
    }
}
