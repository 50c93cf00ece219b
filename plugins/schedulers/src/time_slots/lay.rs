//! What is laid next.
//!
//! Does: choose the item, the clip or the slate that is on from a moment on, and until when.
//! Does not: move anything; what was laid is remembered by the planner.
//! Invariant: an entry lasts at least a millisecond, and ends no later than its slot may.

use std::collections::HashSet;

use exstreamtv_model::{
    EntryKind,
    schedule::{PlanEntry, PoolItem},
};

use super::{
    civil,
    filler::{ClipLog, Gap},
    memory::Open,
    pack::{self, Parcel},
    planner::{Here, Planner},
    rules::{Flex, MINUTE_MS, SlotRule},
    settings::{TimeSlotLateness, TimeSlotPaddingMode},
};
use crate::order::OrderMode;

/// What comes next in a slot.
enum Next<'a> {
    /// An item, now or when clocks show a round time.
    Play { item: &'a PoolItem, start_ms: i64, in_point_ms: i64 },
    /// Nothing fits any more.
    Rest,
    /// There is nothing to play.
    Nothing,
}

impl<'a> Planner<'a> {
    /// Returns the entry that begins at `at_ms`, where a stretch was arrived at before.
    pub(super) fn lay(&mut self, at_ms: i64) -> PlanEntry {
        let Some(here) = self.here() else { return slate("", at_ms, at_ms + 1, "") };
        if let Some(open) = self.memory.open
            && let Some(item) = self.item(here.rule, open.item)
        {
            return self.lay_rest_of(item, open, here, at_ms);
        }
        match self.next(here, at_ms) {
            Next::Play { item, start_ms, in_point_ms } if start_ms <= at_ms => {
                let until_ms = here.until_ms(item, at_ms, in_point_ms);
                let why = if in_point_ms > 0 { ", joined late" } else { "" };
                self.programme(item, in_point_ms, until_ms, here, at_ms, why)
            }
            Next::Play { start_ms, .. } => self.gap(here, at_ms, start_ms.min(here.end_ms)),
            Next::Rest => self.gap(here, at_ms, here.end_ms),
            Next::Nothing => {
                if here.rule.pool.is_some() {
                    self.notes.insert(format!("{}: the collection is empty", here.rule.name));
                }
                self.gap(here, at_ms, here.end_ms)
            }
        }
    }

    /// Returns whether what is left of the stretch is too short for its items.
    pub(super) fn is_rest(&mut self, here: Here<'a>, at_ms: i64) -> bool {
        matches!(self.next(here, at_ms), Next::Rest)
    }

    fn next(&mut self, here: Here<'a>, at_ms: i64) -> Next<'a> {
        let rule = here.rule;
        let is_late = here.late_ms > 0 && !here.begun;
        let ahead = if is_late || rule.flex == Flex::Compress { pack::AHEAD } else { 1 };
        let mut items = self.upcoming(rule, ahead);
        let (mut start_ms, mut in_point_ms) = (self.next_round(rule, at_ms), 0);
        if is_late && let Some(late) = self.make_up(here, &items, at_ms) {
            items.drain(..late.passed);
            (start_ms, in_point_ms) = (late.start_ms, late.in_point_ms);
        }
        let Some(&first) = items.first() else { return Next::Nothing };
        if start_ms >= here.end_ms {
            return Next::Rest;
        }
        let room_ms = here.end_ms.saturating_sub(start_ms);
        let length_ms = rule.length_ms(first, in_point_ms);
        let play = |item| Next::Play { item, start_ms, in_point_ms };
        let fitting = match rule.flex {
            Flex::Cut if rule.padding == TimeSlotPaddingMode::None => Some(first),
            Flex::Cut => (length_ms <= room_ms).then_some(first),
            Flex::Extend { limit_ms } => (length_ms <= room_ms.saturating_add(limit_ms)).then_some(first),
            Flex::Compress if in_point_ms > 0 => (length_ms <= room_ms).then_some(first),
            Flex::Compress => self.packed(rule, &items, room_ms),
        };
        // An item that no airing has room for would keep the slot off the air for ever: it is cut.
        let never_fits = || !here.begun && length_ms > self.longest_room_ms(here);
        fitting.or_else(|| never_fits().then_some(first)).map_or(Next::Rest, play)
    }

    /// Returns the first of those items that leave the least of the room.
    fn packed(&self, rule: &SlotRule, items: &[&'a PoolItem], room_ms: i64) -> Option<&'a PoolItem> {
        // A rerun group goes on together, so nothing is taken out of turn.
        let mut items = if rule.rerun_group.is_some() { items[..1].to_vec() } else { items.to_vec() };
        // In a small collection the next items come round again; a slot is not packed with repeats.
        let mut seen = HashSet::new();
        items.retain(|item| seen.insert(item.id));
        // What was drawn at random was not drawn for this place: what was just on may be among it.
        if rule.order == OrderMode::Random && items.iter().any(|item| Some(item.id) != self.memory.last_item) {
            items.retain(|item| Some(item.id) != self.memory.last_item);
        }
        let pad_ms = rule.pad_to_ms.unwrap_or(1);
        let on_grid = |length_ms: i64| length_ms.saturating_add((pad_ms - length_ms.rem_euclid(pad_ms)) % pad_ms);
        let parcel = |item: &&PoolItem| {
            let content_ms = rule.length_ms(item, 0);
            Parcel { room_ms: on_grid(content_ms), content_ms }
        };
        let parcels: Vec<_> = items.iter().map(parcel).collect();
        // Behind the last item the grid does not matter, so the room is rounded too; then the first one may not fit after all.
        let best = pack::first_of_best(&parcels, on_grid(room_ms)).map(|first| items[first]);
        let fits = |item: &&PoolItem| rule.length_ms(item, 0) <= room_ms;
        best.filter(fits).or_else(|| items.iter().copied().find(fits))
    }

    /// Returns the longest time that the slot, or the hole, has for one item if nothing delays it.
    fn longest_room_ms(&self, here: Here<'_>) -> i64 {
        let Here { stretch, rule, .. } = here;
        let (start_ms, stop_ms) = match stretch.airing {
            Some(airing) => (airing.start_ms, airing.stop_ms),
            None => (stretch.start_ms, stretch.stop_ms),
        };
        let limit_ms = if let Flex::Extend { limit_ms } = rule.flex { limit_ms } else { 0 };
        stop_ms.saturating_sub(self.next_round(rule, start_ms)).saturating_add(limit_ms)
    }

    fn next_round(&self, rule: &SlotRule, at_ms: i64) -> i64 {
        rule.pad_to_ms.map_or(at_ms, |pad_ms| civil::round_from(at_ms, pad_ms, self.rules.zone))
    }

    /// Finds out where a slot would be by now if it had begun on time; `None` if so late that none of the items would be on.
    fn make_up(&self, here: Here<'_>, items: &[&PoolItem], at_ms: i64) -> Option<Late> {
        let rule = here.rule;
        let mut begins_ms = self.next_round(rule, here.stretch.start_ms);
        for (passed, item) in items.iter().enumerate() {
            let ends_ms = begins_ms.saturating_add(rule.length_ms(item, 0));
            let behind_ms = self.next_round(rule, ends_ms);
            match rule.lateness {
                TimeSlotLateness::Shift => return None,
                TimeSlotLateness::Skip if begins_ms >= at_ms => {
                    return Some(Late { passed, start_ms: begins_ms, in_point_ms: 0 });
                }
                // It is joined at once or not at all.
                TimeSlotLateness::JoinLate if at_ms != here.stretch.start_ms.saturating_add(here.late_ms) => {
                    return None;
                }
                TimeSlotLateness::JoinLate if at_ms < behind_ms => {
                    let in_point_ms = at_ms.saturating_sub(begins_ms).max(0);
                    if item.duration_ms - in_point_ms >= JOIN_MS.min(item.duration_ms) {
                        return Some(Late { passed, start_ms: at_ms.max(begins_ms), in_point_ms });
                    }
                    let passed = (passed + 1).min(items.len() - 1);
                    return Some(Late { passed, start_ms: self.next_round(rule, at_ms), in_point_ms: 0 });
                }
                _ => begins_ms = behind_ms,
            }
        }
        None
    }

    /// Goes on with an item that was stopped: with the break, or with its next part.
    fn lay_rest_of(&mut self, item: &'a PoolItem, open: Open, here: Here<'a>, at_ms: i64) -> PlanEntry {
        let breaks = here.rule.breaks.filter(|breaks| breaks.places(item).contains(&open.resume_ms));
        let break_ends_ms =
            breaks.map_or(at_ms, |breaks| open.paused_ms.saturating_add(breaks.length_ms)).min(open.until_ms);
        if at_ms < break_ends_ms
            && let Some(clip) = self.clip(here.rule, at_ms, break_ends_ms, "break")
        {
            return clip;
        }
        self.programme(item, open.resume_ms, open.until_ms, here, at_ms, ", goes on")
    }

    /// Lays an item up to its next break, its end, or the moment at which it must be over.
    fn programme(
        &self,
        item: &PoolItem,
        in_point_ms: i64,
        until_ms: i64,
        here: Here<'a>,
        at_ms: i64,
        why: &str,
    ) -> PlanEntry {
        let end_ms = at_ms.saturating_add(item.duration_ms - in_point_ms);
        let stop_ms = self.next_break(item, in_point_ms, here.rule, at_ms).unwrap_or(end_ms).min(end_ms).min(until_ms);
        let cut = if stop_ms == until_ms && stop_ms < end_ms { ", cut where its slot ends" } else { "" };
        PlanEntry {
            item: Some(item.id),
            start_ms: at_ms,
            stop_ms,
            in_point_ms,
            kind: EntryKind::Programme,
            rule: here.rule.id.clone(),
            why: format!("{why}{cut}"),
        }
    }

    /// Returns when the next break begins for which there is a clip; an item is not stopped for nothing.
    fn next_break(&self, item: &PoolItem, in_point_ms: i64, rule: &SlotRule, at_ms: i64) -> Option<i64> {
        let breaks = rule.breaks?;
        let places = breaks.places(item).into_iter().filter(|place_ms| *place_ms > in_point_ms);
        let moments = places.map(|place_ms| at_ms.saturating_add(place_ms - in_point_ms));
        moments
            .into_iter()
            .find(|&moment_ms| self.clip(rule, moment_ms, moment_ms.saturating_add(breaks.length_ms), "").is_some())
    }

    /// Lays what fills the time until `stop_ms`, or the first of it.
    fn gap(&mut self, here: Here<'a>, at_ms: i64, stop_ms: i64) -> PlanEntry {
        let rule = here.rule;
        let filling = match rule.padding {
            TimeSlotPaddingMode::Filler => None,
            TimeSlotPaddingMode::Loop => self.again(rule, at_ms, stop_ms),
            TimeSlotPaddingMode::None | TimeSlotPaddingMode::Next => self.default_item(rule, at_ms, stop_ms),
        };
        filling
            .or_else(|| self.clip(rule, at_ms, stop_ms, "filler"))
            .unwrap_or_else(|| self.slate_until_clip(rule, at_ms, stop_ms))
    }

    /// Shows what comes next anyway, and cuts it; it comes again in full.
    fn again(&mut self, rule: &'a SlotRule, at_ms: i64, stop_ms: i64) -> Option<PlanEntry> {
        let item = *self.upcoming(rule, 1).first()?;
        let stop_ms = at_ms.saturating_add(item.duration_ms).min(stop_ms);
        let why = format!("{}: fills the rest and comes again in full", rule.name);
        Some(filler(item, rule, at_ms, stop_ms, why))
    }

    /// Shows an item of the default collection, if one fits whole.
    fn default_item(&mut self, rule: &SlotRule, at_ms: i64, stop_ms: i64) -> Option<PlanEntry> {
        let hole = &self.rules.hole;
        if std::ptr::eq(rule, hole) {
            return None;
        }
        let room_ms = stop_ms.saturating_sub(at_ms);
        let item = self.upcoming(hole, pack::AHEAD).into_iter().find(|item| item.duration_ms <= room_ms)?;
        let stop_ms = at_ms.saturating_add(item.duration_ms);
        let (item, kind, rule) = (Some(item.id), EntryKind::Programme, hole.id.clone());
        Some(PlanEntry { item, start_ms: at_ms, stop_ms, in_point_ms: 0, kind, rule, why: String::new() })
    }

    fn clip(&self, rule: &SlotRule, at_ms: i64, stop_ms: i64, why: &str) -> Option<PlanEntry> {
        let empty = ClipLog::default();
        rule.fillers.iter().find_map(|list| {
            let log = self.memory.clips.get(&list.pool).unwrap_or(&empty);
            let gap = Gap { rule: list, log, start_ms: at_ms, stop_ms };
            let (clip, length_ms) = self.clips[list.pool.as_str()].by_length.choose(&gap)?;
            Some(filler(clip, rule, at_ms, at_ms.saturating_add(length_ms), format!("{}: {why}", rule.name)))
        })
    }

    /// Leaves the slate on air until there is a clip again, an hour at most, so that an edit need not wait for long.
    fn slate_until_clip(&self, rule: &SlotRule, at_ms: i64, stop_ms: i64) -> PlanEntry {
        let empty = ClipLog::default();
        let free = rule.fillers.iter().filter_map(|list| {
            let log = self.memory.clips.get(&list.pool).unwrap_or(&empty);
            self.clips[list.pool.as_str()].by_length.free_from(&Gap { rule: list, log, start_ms: at_ms, stop_ms })
        });
        let stop_ms = stop_ms.min(at_ms.saturating_add(60 * MINUTE_MS)).min(free.min().unwrap_or(i64::MAX));
        slate(&rule.id, at_ms, stop_ms, &format!("{}: nothing that fits", rule.name))
    }
}

/// How a slot that began late makes up for it.
struct Late {
    /// How many items were missed altogether.
    passed: usize,
    start_ms: i64,
    in_point_ms: i64,
}

fn filler(item: &PoolItem, rule: &SlotRule, start_ms: i64, stop_ms: i64, why: String) -> PlanEntry {
    let (item, kind, rule) = (Some(item.id), EntryKind::Filler, rule.id.clone());
    PlanEntry { item, start_ms, stop_ms, in_point_ms: 0, kind, rule, why }
}

fn slate(rule: &str, start_ms: i64, stop_ms: i64, why: &str) -> PlanEntry {
    let (kind, rule, why) = (EntryKind::Slate, rule.to_owned(), why.to_owned());
    PlanEntry { item: None, start_ms, stop_ms, in_point_ms: 0, kind, rule, why }
}

/// Less of an item than this is not worth joining it for.
const JOIN_MS: i64 = MINUTE_MS;
