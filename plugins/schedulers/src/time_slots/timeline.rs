//! Which slot has which time, by the rules alone.
//!
//! Does: lay the slots of some days on the line of time and settle who wins where they overlap.
//! Does not: know items; a slot that runs over is the planner's affair.
//! Invariant: stretches follow each other without holes or overlaps, from the first moment to the last, and do not depend on which span was asked for.

use std::{cmp::Reverse, collections::BTreeSet};

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use chrono_tz::Tz;

use super::civil;

/// When a slot is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SlotHours {
    pub(super) start: NaiveTime,
    /// How long on local clocks, at most a day.
    pub(super) length_ms: i64,
    /// One bit per day, Monday first.
    pub(super) days: u8,
    pub(super) priority: i32,
}

/// A stretch of time that belongs to one airing of one slot, or to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) start_ms: i64,
    pub(super) stop_ms: i64,
    /// Whose it is; `None` is a hole.
    pub(super) airing: Option<Airing>,
}

/// A slot on one day. Others may win parts of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Airing {
    /// Place in the list of slots.
    pub(super) slot: usize,
    pub(super) start_ms: i64,
    pub(super) stop_ms: i64,
}

/// The stretches around a span of time.
#[derive(Debug)]
pub(super) struct Timeline(Vec<Stretch>);

impl Timeline {
    /// Lays the slots on all time from `from_ms` to `to_ms`, and on as much around it that holes there have their true ends.
    pub(super) fn around(slots: &[SlotHours], zone: Tz, from_ms: i64, to_ms: i64) -> Self {
        let (first, last) = (civil::local(from_ms, zone).date(), civil::local(to_ms, zone).date());
        let first = first.checked_sub_days(MARGIN).unwrap_or(NaiveDate::MIN);
        let last = last.checked_add_days(MARGIN).unwrap_or(NaiveDate::MAX);
        let mut edges = Vec::new();
        for day in first.iter_days().take_while(|day| *day <= last) {
            edges.extend(
                slots.iter().enumerate().filter_map(|(slot, hours)| hours.on(day, slot, zone)).flat_map(edges_of),
            );
        }
        edges.sort_unstable();
        Self(sweep(&edges))
    }

    /// Returns the stretch that holds `at_ms`.
    pub(super) fn at(&self, at_ms: i64) -> Stretch {
        let behind = self.0.partition_point(|stretch| stretch.start_ms <= at_ms);
        // The first stretch begins with time itself.
        self.0[behind.max(1) - 1]
    }

    /// Returns all stretches that were laid.
    pub(super) fn stretches(&self) -> impl Iterator<Item = Stretch> {
        self.0.iter().copied()
    }

    /// Returns the stretch behind `stretch`; the last one is behind itself.
    pub(super) fn behind(&self, stretch: Stretch) -> Stretch {
        self.at(stretch.stop_ms)
    }
}

impl SlotHours {
    fn on(&self, day: NaiveDate, slot: usize, zone: Tz) -> Option<(Rank, Airing)> {
        if self.days & (1 << day.weekday().num_days_from_monday()) == 0 {
            return None;
        }
        let begins = day.and_time(self.start);
        let ends = begins.checked_add_signed(TimeDelta::milliseconds(self.length_ms))?;
        let start_ms = civil::moment(begins, zone).timestamp_millis();
        let stop_ms = civil::moment(ends, zone).timestamp_millis();
        // A slot that lies wholly in a gap begins behind it, and is as long as ever.
        let stop_ms = if stop_ms <= start_ms { start_ms + self.length_ms } else { stop_ms };
        let rank = Rank { priority: self.priority, begins, slot: Reverse(slot) };
        Some((rank, Airing { slot, start_ms, stop_ms }))
    }
}

/// Who wins where slots overlap: the highest priority, then the latest start, then the first in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    priority: i32,
    /// Local time, because two slots may begin at one moment behind a gap.
    begins: NaiveDateTime,
    slot: Reverse<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    at_ms: i64,
    rank: Rank,
    begins: bool,
    start_ms: i64,
    stop_ms: i64,
}

fn edges_of((rank, airing): (Rank, Airing)) -> [Edge; 2] {
    let Airing { start_ms, stop_ms, .. } = airing;
    [(start_ms, true), (stop_ms, false)].map(|(at_ms, begins)| Edge { at_ms, rank, begins, start_ms, stop_ms })
}

/// Goes along the sorted edges with the set of slots that want the time.
fn sweep(edges: &[Edge]) -> Vec<Stretch> {
    let mut stretches = vec![Stretch { start_ms: i64::MIN, stop_ms: i64::MAX, airing: None }];
    let mut wanting = BTreeSet::new();
    for together in edges.chunk_by(|a, b| a.at_ms == b.at_ms) {
        for edge in together {
            let want = (edge.rank, edge.start_ms, edge.stop_ms);
            if edge.begins {
                wanting.insert(want)
            } else {
                wanting.remove(&want)
            };
        }
        let winner = wanting.last();
        let airing = winner.map(|&(rank, start_ms, stop_ms)| Airing { slot: rank.slot.0, start_ms, stop_ms });
        let last = stretches.len() - 1;
        if stretches[last].airing != airing {
            stretches[last].stop_ms = together[0].at_ms;
            stretches.push(Stretch { start_ms: together[0].at_ms, stop_ms: i64::MAX, airing });
        }
    }
    stretches
}

/// More than a week: beyond it the slots repeat, so a hole that long has no end.
const MARGIN: Days = Days::new(9);

#[cfg(test)]
mod tests;
