//! Clips between programmes.
//!
//! Does: choose clips that fill a gap to its exact end, and remember which were on.
//! Does not: know why there is a gap.
//! Invariant: no clip and no list is on again before its cooldown is over; what is chosen never runs over the gap.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use exstreamtv_model::{MediaId, schedule::PoolItem};
use serde::{Deserialize, Serialize};

use super::rules::FillerRule;

/// A list of clips by length.
pub(super) struct Clips<'a>(Vec<&'a PoolItem>);

/// What was on of a list, at most [`MAX_LOG`] clips.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WrittenLog", into = "WrittenLog")]
pub(super) struct ClipLog {
    /// How many airings there were.
    aired: u64,
    /// When the last one ended.
    stop_ms: i64,
    /// Each clip's last airing: its number, its end.
    last: HashMap<MediaId, (u64, i64)>,
    /// The same by number.
    by_number: BTreeMap<u64, MediaId>,
}

/// A gap to be filled with the clips of one list.
pub(super) struct Gap<'a> {
    pub(super) rule: &'a FillerRule,
    pub(super) log: &'a ClipLog,
    pub(super) start_ms: i64,
    pub(super) stop_ms: i64,
}

impl<'a> Clips<'a> {
    pub(super) fn new(pool: &'a [PoolItem]) -> Self {
        let mut by_length: Vec<_> = pool.iter().collect();
        // Of clips of one length the first is found first from behind.
        by_length.sort_by_key(|clip| (clip.duration_ms, Reverse(clip.id)));
        by_length.dedup_by_key(|clip| clip.id);
        Self(by_length)
    }

    /// Returns the clip that the gap begins with and how long it is on; it is cut only at the gap's end.
    pub(super) fn choose(&self, gap: &Gap<'_>) -> Option<(&'a PoolItem, i64)> {
        if gap.log.list_free_ms(gap.rule, gap.start_ms) > gap.start_ms {
            return None;
        }
        let rested = |clip: &PoolItem| gap.is_ready(clip.id) && gap.log.is_rested(clip.id, self.0.len());
        let ready = |clip: &PoolItem| gap.is_ready(clip.id);
        let room_ms = gap.stop_ms.saturating_sub(gap.start_ms);
        self.fitting(room_ms, &rested)
            .or_else(|| self.fitting(room_ms, &ready))
            .or_else(|| self.cut(room_ms, &rested))
            .or_else(|| self.cut(room_ms, &ready))
    }

    /// Returns the first moment behind the gap's start at which a clip that fits is ready; none if nothing changes before its end.
    pub(super) fn free_from(&self, gap: &Gap<'_>) -> Option<i64> {
        let free_ms = self.0.iter().map(|clip| (gap.free_ms(clip.id), clip.duration_ms));
        let fits = |&(free_ms, length_ms): &(i64, i64)| length_ms <= gap.stop_ms.saturating_sub(free_ms);
        free_ms.filter(fits).map(|(free_ms, _)| free_ms).min().filter(|free_ms| *free_ms > gap.start_ms)
    }

    fn fitting(&self, room_ms: i64, ready: &impl Fn(&PoolItem) -> bool) -> Option<(&'a PoolItem, i64)> {
        self.last(room_ms, ready).or_else(|| self.last_but_one(room_ms, ready)).or_else(|| self.longest(room_ms, ready))
    }

    /// Finds the clip that ends the gap by itself: exactly, cut by a few seconds, or a few seconds short.
    fn last(&self, room_ms: i64, ready: &impl Fn(&PoolItem) -> bool) -> Option<(&'a PoolItem, i64)> {
        let from = self.up_to(room_ms.saturating_sub(NEAR_MS + 1));
        let near = &self.0[from..self.up_to(room_ms.saturating_add(NEAR_MS))];
        let off = |clip: &&PoolItem| (clip.duration_ms < room_ms, (clip.duration_ms - room_ms).abs(), clip.id);
        let clip = near.iter().copied().filter(|clip| ready(clip)).min_by_key(off)?;
        Some((clip, clip.duration_ms.min(room_ms)))
    }

    /// Finds two clips that end the gap together, and returns the longer one; the other one is the last.
    fn last_but_one(&self, room_ms: i64, ready: &impl Fn(&PoolItem) -> bool) -> Option<(&'a PoolItem, i64)> {
        let longest_ms = self.0.last()?.duration_ms;
        if room_ms > longest_ms.saturating_mul(2).saturating_add(NEAR_MS) {
            return None;
        }
        let fitting: Vec<_> = self.0[..self.up_to(room_ms)].iter().copied().filter(|clip| ready(clip)).collect();
        let (mut best, mut short, mut long) = (None, 0, fitting.len());
        while short + 1 < long {
            let off_ms = fitting[short].duration_ms + fitting[long - 1].duration_ms - room_ms;
            if off_ms.abs() <= NEAR_MS && best.is_none_or(|(best_ms, _)| off_ms.abs() < best_ms) {
                best = Some((off_ms.abs(), fitting[long - 1]));
            }
            if off_ms < 0 { short += 1 } else { long -= 1 }
        }
        best.map(|(_, clip)| (clip, clip.duration_ms))
    }

    /// Finds the longest clip that leaves room for another one, else the longest that fits.
    fn longest(&self, room_ms: i64, ready: &impl Fn(&PoolItem) -> bool) -> Option<(&'a PoolItem, i64)> {
        let shortest_ms = self.0.iter().find(|clip| ready(clip))?.duration_ms;
        let longest_in = |room_ms| self.0[..self.up_to(room_ms)].iter().copied().rfind(|clip| ready(clip));
        let clip = longest_in(room_ms.saturating_sub(shortest_ms)).or_else(|| longest_in(room_ms))?;
        Some((clip, clip.duration_ms))
    }

    /// Finds a clip of which at least half can be shown. Less is worse than none.
    fn cut(&self, room_ms: i64, ready: &impl Fn(&PoolItem) -> bool) -> Option<(&'a PoolItem, i64)> {
        let longer = &self.0[self.up_to(room_ms)..self.up_to(room_ms.saturating_mul(2))];
        // The few seconds that are left behind a clip that fitted well are too short to begin another one.
        let clip = longer.iter().copied().find(|clip| ready(clip)).filter(|_| room_ms > NEAR_MS)?;
        Some((clip, room_ms))
    }

    /// Returns how many clips are at most `length_ms` long.
    fn up_to(&self, length_ms: i64) -> usize {
        self.0.partition_point(|clip| clip.duration_ms <= length_ms)
    }
}

impl Gap<'_> {
    fn is_ready(&self, clip: MediaId) -> bool {
        self.log
            .last
            .get(&clip)
            .is_none_or(|(_, stop_ms)| stop_ms.saturating_add(self.rule.cooldown_ms) <= self.start_ms)
    }

    /// Returns when both the clip and its list may be on.
    fn free_ms(&self, clip: MediaId) -> i64 {
        let list_ms = self.log.list_free_ms(self.rule, self.start_ms);
        let last = self.log.last.get(&clip);
        last.map_or(list_ms, |(_, stop_ms)| stop_ms.saturating_add(self.rule.cooldown_ms).max(list_ms))
    }
}

impl ClipLog {
    /// Notes that `clip` was on until `stop_ms`.
    pub(super) fn air(&mut self, clip: MediaId, stop_ms: i64) {
        self.aired = self.aired.saturating_add(1);
        self.stop_ms = stop_ms;
        if let Some((number, _)) = self.last.insert(clip, (self.aired, stop_ms)) {
            self.by_number.remove(&number);
        }
        self.by_number.insert(self.aired, clip);
        if self.last.len() > MAX_LOG
            && let Some((_, oldest)) = self.by_number.pop_first()
        {
            self.last.remove(&oldest);
        }
    }

    /// Returns how many clips are remembered.
    pub(super) fn len(&self) -> usize {
        self.last.len()
    }

    /// Returns whether a clip was not among the last half list's worth of airings; where possible only such clips are chosen.
    fn is_rested(&self, clip: MediaId, clips: usize) -> bool {
        self.last.get(&clip).is_none_or(|(number, _)| self.aired - number >= clips as u64 / 2)
    }

    /// Returns when the list may be on at `at_ms` or later. A block of clips may go on as long as nothing comes between.
    fn list_free_ms(&self, rule: &FillerRule, at_ms: i64) -> i64 {
        if self.aired == 0 || self.stop_ms == at_ms {
            at_ms
        } else {
            self.stop_ms.saturating_add(rule.list_cooldown_ms).max(at_ms)
        }
    }
}

/// The log as it is written down.
#[derive(Serialize, Deserialize)]
struct WrittenLog {
    aired: u64,
    stop_ms: i64,
    /// Clip, number of its last airing, end of that.
    last: Vec<(i64, u64, i64)>,
}

impl From<WrittenLog> for ClipLog {
    fn from(written: WrittenLog) -> Self {
        let WrittenLog { aired, stop_ms, mut last } = written;
        // A state from outside may say anything; what was on later than last was not on.
        last.retain(|(_, number, _)| *number <= aired);
        last.sort_unstable_by_key(|(_, number, _)| *number);
        let by_number: BTreeMap<_, _> = last.iter().map(|&(id, number, _)| (number, MediaId(id))).collect();
        let known = by_number.iter().map(|(&number, &id)| (id, number));
        let stops: HashMap<_, _> = last.iter().map(|&(_, number, stop_ms)| (number, stop_ms)).collect();
        let last = known.map(|(id, number)| (id, (number, stops[&number]))).collect();
        Self { aired, stop_ms, last, by_number }
    }
}

impl From<ClipLog> for WrittenLog {
    fn from(log: ClipLog) -> Self {
        let ClipLog { aired, stop_ms, last, by_number } = log;
        let entry =
            |(number, id): (u64, MediaId)| (id.0, number, last.get(&id).map_or(stop_ms, |(_, stop_ms)| *stop_ms));
        Self { aired, stop_ms, last: by_number.into_iter().map(entry).collect() }
    }
}

/// So near to a gap's end nobody misses anything: a clip loses at most so much, or the slate is on for so long.
const NEAR_MS: i64 = 3_000;

/// Most clips that are remembered per list.
const MAX_LOG: usize = 500;
