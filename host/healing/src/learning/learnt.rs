//! A learnt pattern: what it is, how sure it is, who confirmed it.
//!
//! Does: keep the figures of a sequence, count what it foretells, change its state.
//! Does not: find sequences or look for them.
//! Invariants: what a person decided stays decided; evidence alone confirms only by incidents that were foretold after the proposal, never by those
//! that it was found with.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_model::{Cause, ChannelId};
use serde::{Deserialize, Serialize};

use super::{
    mine::Statistics,
    window::{Item, Whose},
};
use crate::{event::LogSource, templates::TemplateId};

/// Incidents that are remembered of a pattern.
const MOST_SAMPLES: usize = 8;
/// Incidents that a pattern must have foretold for evidence to confirm it, and on how many occasions.
const ENOUGH_TRUE: u32 = 5;
const ENOUGH_OCCASIONS: u32 = 3;
/// The share of its predictions that must come true, as the lower end of a 95 % interval.
const GOOD: f64 = 0.5;
/// A pattern is given up when the upper end is below this.
const BAD: f64 = 0.2;
/// A proposal that nothing was heard of for so long is given up.
const PATIENCE: TimeDelta = TimeDelta::days(30);

/// Names a learnt pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LearntId(pub i64);

/// What is thought of a learnt pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It was found; nobody has decided.
    Proposed,
    /// It is looked for like the known ones.
    Confirmed,
    /// A person says that it means nothing.
    Rejected,
    /// It foretold nothing, or was not heard of any more.
    Expired,
}

/// Who decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Decider {
    /// Somebody.
    Person,
    /// Incidents that it foretold, or did not.
    Evidence,
}

/// One line of a sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Whose line, as the channel sees it.
    pub whose: Whose,
    /// Which.
    pub template: TemplateId,
    /// Who says it.
    pub source: LogSource,
    /// What it says, `<*>` where it differs.
    pub text: String,
}

impl Step {
    /// Returns the kind of line.
    pub fn item(&self) -> Item {
        Item { whose: self.whose, template: self.template }
    }
}

/// An incident that it preceded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Where.
    pub channel: ChannelId,
    /// When.
    pub at: DateTime<Utc>,
    /// What went wrong.
    pub cause: Cause,
    /// Servers and disks through which other channels' lines belong to it.
    pub shared: Vec<String>,
}

/// What became of predictions since the proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Record {
    /// Incidents that came.
    pub came_true: u32,
    /// On how many separate occasions.
    pub occasions: u32,
    /// Incidents that did not come.
    pub did_not: u32,
}

/// A learnt pattern.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Learnt {
    /// Identity.
    pub id: LearntId,
    /// The sequence.
    pub steps: Vec<Step>,
    /// What is thought of it.
    pub standing: Standing,
    /// What was counted when it was looked at last.
    pub statistics: Statistics,
    /// What went wrong after it, and how often.
    pub leads_to: BTreeMap<Cause, u32>,
    /// The newest incidents that it preceded, the newest first.
    pub samples: VecDeque<Sample>,
    /// What became of its predictions.
    pub record: Record,
    /// When it was proposed.
    pub proposed: DateTime<Utc>,
    /// When it was decided, and by whom.
    pub decided: Option<(DateTime<Utc>, Decider)>,
    /// When it was seen last.
    pub seen: DateTime<Utc>,
    /// When the last occasion began on which it came true.
    pub last_occasion: Option<DateTime<Utc>>,
}

impl Learnt {
    /// Returns the sequence.
    pub fn items(&self) -> Vec<Item> {
        self.steps.iter().map(Step::item).collect()
    }

    /// Returns the odds that an incident follows: the mean of a Beta distribution over what it was found with and what it foretold since, starting
    /// from one of each (Laplace's rule of succession).
    pub fn probability(&self) -> f64 {
        let Statistics { support, confidence, .. } = self.statistics;
        let support = f64::from(support);
        let against = if confidence > 0.0 { support / confidence - support } else { support };
        let (hits, misses) = (f64::from(self.record.came_true), f64::from(self.record.did_not));
        (support + hits + 1.0) / (support + against + hits + misses + 2.0)
    }

    /// Remembers an incident that it preceded.
    pub fn remember(&mut self, sample: Sample) {
        *self.leads_to.entry(sample.cause).or_default() += 1;
        self.seen = self.seen.max(sample.at);
        self.samples.truncate(MOST_SAMPLES - 1);
        self.samples.push_front(sample);
    }

    /// Returns what it leads to most often.
    pub fn likeliest(&self) -> Option<Cause> {
        self.leads_to.iter().max_by_key(|(_, times)| **times).map(|(cause, _)| *cause)
    }

    /// Counts a prediction that came true; those within `occasion` of each other are of one occasion.
    pub(super) fn came_true(&mut self, at: DateTime<Utc>, occasion: TimeDelta) {
        self.record.came_true += 1;
        if self.last_occasion.is_none_or(|last| at - last >= occasion) {
            self.last_occasion = Some(at);
            self.record.occasions += 1;
        }
    }

    /// Counts a prediction that did not come true.
    pub(super) fn did_not_come_true(&mut self) {
        self.record.did_not += 1;
    }

    /// Lets evidence decide; returns the new standing if there is one. What a person decided stays.
    pub(super) fn weigh(&mut self, now: DateTime<Utc>) -> Option<Standing> {
        let Record { came_true, occasions, did_not } = self.record;
        let (low, high) = wilson(came_true, came_true + did_not);
        let by_person = self.decided.is_some_and(|(_, by)| by == Decider::Person);
        let becomes = match self.standing {
            Standing::Rejected | Standing::Expired => None,
            Standing::Confirmed if by_person => None,
            _ if high < BAD => Some(Standing::Expired),
            _ if now - self.seen > PATIENCE => Some(Standing::Expired),
            Standing::Proposed if came_true >= ENOUGH_TRUE && occasions >= ENOUGH_OCCASIONS && low >= GOOD => {
                Some(Standing::Confirmed)
            }
            Standing::Proposed | Standing::Confirmed => None,
        }?;
        (self.standing, self.decided) = (becomes, Some((now, Decider::Evidence)));
        Some(becomes)
    }
}

/// The 95 % score interval of a share (E. B. Wilson: "Probable inference, the law of succession, and statistical inference", JASA 22, 1927).
fn wilson(hits: u32, of: u32) -> (f64, f64) {
    const Z: f64 = 1.96;
    if of == 0 {
        return (0.0, 1.0);
    }
    let n = f64::from(of);
    let share = f64::from(hits) / n;
    let middle = share + Z * Z / (2.0 * n);
    let reach = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let whole = 1.0 + Z * Z / n;
    ((middle - reach) / whole, (middle + reach) / whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::at;

    fn learnt() -> Learnt {
        let statistics = Statistics {
            support: 8,
            incidents: 10,
            quiet: 50,
            quiet_with: 2,
            confidence: 0.8,
            lift: 4.8,
            p: 1e-9,
            p_adjusted: 1e-3,
        };
        Learnt {
            id: LearntId(1),
            steps: Vec::new(),
            standing: Standing::Proposed,
            statistics,
            leads_to: BTreeMap::new(),
            samples: VecDeque::new(),
            record: Record::default(),
            proposed: at(0),
            decided: None,
            seen: at(0),
            last_occasion: None,
        }
    }

    #[test]
    fn enough_incidents_that_it_foretold_on_separate_occasions_confirm_it() {
        let hour = TimeDelta::hours(1);
        let mut pattern = learnt();
        for n in 0..9 {
            pattern.came_true(at(n), hour);
            assert_eq!(pattern.weigh(at(n)), None, "all on one occasion");
        }
        pattern.came_true(at(4_000), hour);
        assert_eq!(pattern.weigh(at(4_000)), None);
        pattern.came_true(at(8_000), hour);
        assert_eq!(pattern.weigh(at(8_000)), Some(Standing::Confirmed));
        assert_eq!(pattern.decided, Some((at(8_000), Decider::Evidence)));
    }

    #[test]
    fn one_that_foretells_nothing_or_is_never_heard_again_is_given_up_unless_a_person_confirmed_it() {
        let mut pattern = learnt();
        let given_up = (1..100).find(|n| {
            pattern.did_not_come_true();
            pattern.weigh(at(*n)) == Some(Standing::Expired)
        });
        assert_eq!(given_up, Some(16), "the upper end of 0 in 16 is below a fifth");
        let mut pattern = learnt();
        let month = 31 * 86_400;
        assert_eq!(pattern.weigh(at(month)), Some(Standing::Expired));
        let mut pattern = Learnt {
            standing: Standing::Confirmed,
            decided: Some((at(0), Decider::Person)),
            record: Record { did_not: 99, ..Record::default() },
            ..learnt()
        };
        assert_eq!(pattern.weigh(at(month)), None);
    }

    #[test]
    fn the_probability_follows_what_comes_true() {
        let mut pattern = learnt();
        assert!((pattern.probability() - 9.0 / 12.0).abs() < 1e-12);
        (0..8).for_each(|_| pattern.did_not_come_true());
        assert!((pattern.probability() - 9.0 / 20.0).abs() < 1e-12);
    }
}
