//! How the time was shared.
//!
//! Does: count entries and airtime per source and compare them with what was wanted.
//! Does not: know why something was chosen; it looks at a timeline, whoever laid it.

use std::fmt;

use exstreamtv_model::schedule::PlanEntry;

use super::settings::{BalanceSchedule, BalanceSource};

/// How a timeline was shared.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// The sources, in the order of the settings.
    pub sources: Vec<SourceShare>,
    /// How long the fallback is on air.
    pub fallback_ms: i64,
    /// How long the slate is on air.
    pub slate_ms: i64,
}

/// A source's share of what all sources have of a timeline. Shares are between 0 and 1.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceShare {
    /// The source.
    pub name: String,
    /// What its weight asks for.
    pub target: f64,
    /// How many items it has.
    pub items: u64,
    /// How long they are on air together.
    pub airtime_ms: i64,
    /// Its share of the items.
    pub by_count: f64,
    /// Its share of the airtime.
    pub by_airtime: f64,
    /// By how much `by_count` misses the target; above 0 where it has too much.
    pub error: f64,
}

/// Returns how `entries` are shared among the sources. The fallback and slates take no share, nor does what another strategy laid.
pub fn distribution(schedule: &BalanceSchedule, entries: &[PlanEntry]) -> Distribution {
    let weights = schedule.sources.iter().fold(0_u32, |sum, source| sum.saturating_add(source.weight));
    let share = |source: &BalanceSource| {
        let target = f64::from(source.weight) / f64::from(weights.max(1));
        let (items, airtime_ms) = airtime(entries, |entry| entry.item.is_some() && entry.rule == source.name);
        SourceShare { name: source.name.clone(), target, items, airtime_ms, by_count: 0.0, by_airtime: 0.0, error: 0.0 }
    };
    let mut sources: Vec<_> = schedule.sources.iter().map(share).collect();
    let items: u64 = sources.iter().map(|share| share.items).sum();
    let airtime_ms = sources.iter().fold(0_i64, |sum, share| sum.saturating_add(share.airtime_ms));
    // Nothing at all is not unfairly shared.
    for share in sources.iter_mut().filter(|_| items > 0) {
        share.by_count = share.items as f64 / items as f64;
        share.by_airtime = share.airtime_ms as f64 / airtime_ms.max(1) as f64;
        share.error = share.by_count - share.target;
    }
    let fallback = schedule.fallback.as_ref().map(|fallback| fallback.name.as_str());
    let (_, fallback_ms) = airtime(entries, |entry| entry.item.is_some() && Some(entry.rule.as_str()) == fallback);
    let (_, slate_ms) = airtime(entries, |entry| entry.item.is_none());
    Distribution { sources, fallback_ms, slate_ms }
}

/// Returns how many of the entries are meant and how long they are together.
fn airtime(entries: &[PlanEntry], is_meant: impl Fn(&PlanEntry) -> bool) -> (u64, i64) {
    entries.iter().filter(|entry| is_meant(entry)).fold((0, 0), |(items, airtime_ms), entry| {
        (items + 1, airtime_ms.saturating_add(entry.stop_ms.saturating_sub(entry.start_ms)))
    })
}

impl Distribution {
    /// Says it in words for people.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks: Vec<_> = self.sources.iter().map(ToString::to_string).collect();
        if self.fallback_ms > 0 {
            remarks.push(format!("the fallback is on for {}, while no source may play", minutes(self.fallback_ms)));
        }
        if self.slate_ms > 0 {
            remarks
                .push(format!("the slate is on for {}: a fallback with items would fill them", minutes(self.slate_ms)));
        }
        remarks
    }
}

impl fmt::Display for SourceShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, items, .. } = self;
        let [target, by_count, by_airtime, error] =
            [self.target, self.by_count, self.by_airtime, self.error].map(|share| share * 100.0);
        write!(
            f,
            "{name} has {by_count:.1} % of the items ({items}) where {target:.1} % are wanted ({error:+.1}), and {by_airtime:.1} % of the time"
        )
    }
}

fn minutes(length_ms: i64) -> String {
    format!("{:.1} minutes", length_ms as f64 / 60_000.0)
}
