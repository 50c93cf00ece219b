//! How the time was shared.
//!
//! Does: count entries and airtime per source and compare them with what was wanted.
//! Does not: know why something was chosen; it looks at a timeline, whoever laid it.

use std::fmt;

use exstreamtv_model::schedule::PlanEntry;

use super::settings::BalanceSchedule;

/// A source's share of a timeline. Shares are between 0 and 1.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceShare {
    /// The source.
    pub name: String,
    /// What its weight asks for; 0 for the fallback.
    pub target: f64,
    /// How many items it has.
    pub items: u64,
    /// How long they are on air together.
    pub airtime_ms: i64,
    /// Its share of the items of all sources.
    pub by_count: f64,
    /// Its share of the airtime of all sources.
    pub by_airtime: f64,
    /// By how much `by_count` misses the target; above 0 where it has too much.
    pub error: f64,
}

/// Returns the share of each source of a timeline, the fallback last. Slates and what other strategies laid do not count.
pub fn distribution(schedule: &BalanceSchedule, entries: &[PlanEntry]) -> Vec<SourceShare> {
    let weights: u32 = schedule.sources.iter().fold(0, |sum, source| sum.saturating_add(source.weight));
    let target = |weight: u32| f64::from(weight) / f64::from(weights.max(1));
    let sources = schedule.sources.iter().map(|source| (source.name.as_str(), target(source.weight)));
    let fallback = schedule.fallback.iter().map(|fallback| (fallback.name.as_str(), 0.0));
    let mut shares: Vec<_> = sources.chain(fallback).map(|(name, target)| counted(name, target, entries)).collect();
    let items: u64 = shares.iter().map(|share| share.items).sum();
    let airtime_ms = shares.iter().fold(0_i64, |sum, share| sum.saturating_add(share.airtime_ms));
    if items > 0 {
        for share in &mut shares {
            share.by_count = share.items as f64 / items as f64;
            share.by_airtime = share.airtime_ms as f64 / airtime_ms.max(1) as f64;
            share.error = share.by_count - share.target;
        }
    }
    shares
}

fn counted(name: &str, target: f64, entries: &[PlanEntry]) -> SourceShare {
    let own = entries.iter().filter(|entry| entry.item.is_some() && entry.rule == name);
    let (items, airtime_ms) = own.fold((0, 0_i64), |(items, airtime_ms), entry| {
        (items + 1, airtime_ms.saturating_add(entry.stop_ms.saturating_sub(entry.start_ms)))
    });
    SourceShare { name: name.to_owned(), target, items, airtime_ms, by_count: 0.0, by_airtime: 0.0, error: 0.0 }
}

impl fmt::Display for SourceShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, items, .. } = self;
        let [target, by_count, by_airtime, error] =
            [self.target, self.by_count, self.by_airtime, self.error].map(|share| share * 100.0);
        write!(
            f,
            "{name}: {items} items, {by_count:.1} % of all where {target:.1} % are wanted ({error:+.1}), {by_airtime:.1} % of the time"
        )
    }
}
