//! What is wrong with a schedule.
//!
//! Does: find every fault, say where it is and what would be right.
//! Does not: know which collections there are; the host does.
//! Invariant: a schedule without faults can be planned, and each of its slots is on air at some time.

use std::collections::{HashMap, HashSet};

use chrono::Timelike;
use chrono_tz::Tz;
use exstreamtv_model::schedule::SettingsFault;

use super::{
    civil,
    rules::{HOLE, Rules, start_time},
    settings::{EVERY_DAY, TimeSlot, TimeSlotBreaks, TimeSlotFlexMode, TimeSlotPaddingMode, TimeSlotSchedule},
    timeline::Timeline,
};

/// Returns what is wrong with the schedule; nothing if it can be used.
pub(super) fn find(schedule: &TimeSlotSchedule) -> Vec<SettingsFault> {
    let mut faults = Faults(Vec::new());
    faults.check_whole(schedule);
    for (index, slot) in schedule.slots.iter().enumerate() {
        let path = format!("slots[{index}]");
        faults.check_time(&path, slot);
        faults.check_mode(&path, slot, schedule);
        if let Some(breaks) = &slot.breaks {
            faults.check_breaks(&path, breaks);
        }
    }
    faults.check_ids(schedule);
    if faults.0.is_empty() {
        // What follows is only true of slots that are right by themselves.
        faults.check_groups(schedule);
        faults.check_reach(schedule);
    }
    faults.0
}

struct Faults(Vec<SettingsFault>);

impl Faults {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(SettingsFault { path: path.into(), message: message.into() });
    }

    fn check_whole(&mut self, schedule: &TimeSlotSchedule) {
        if schedule.slots.is_empty() && schedule.default_collection_id.is_none() && schedule.filler.is_none() {
            self.add("slots", "there is nothing to put on air: add a slot, or name a default_collection_id");
        }
        if schedule.slots.len() > MAX_SLOTS {
            let count = schedule.slots.len();
            self.add(
                "slots",
                format!(
                    "{count} slots are too many: at most {MAX_SLOTS} are possible; one slot may be on several days"
                ),
            );
        }
        self.check_pad("pad_to_minutes", schedule.pad_to_minutes);
        self.check_collection("default_collection_id", schedule.default_collection_id.as_deref());
        let filler = schedule.filler.as_ref().map(|filler| filler.collection_id.as_str());
        self.check_collection("filler.collection_id", filler);
    }

    fn check_time(&mut self, path: &str, slot: &TimeSlot) {
        if start_time(&slot.start_time).is_none() {
            let text = &slot.start_time;
            self.add(
                format!("{path}.start_time"),
                format!("{text:?} is no time of day: write it like \"06:30\" or \"18:00:30\""),
            );
        }
        if !(1..=DAY_MINUTES).contains(&slot.duration_minutes) {
            let minutes = slot.duration_minutes;
            self.add(
                format!("{path}.duration_minutes"),
                format!(
                    "{minutes} minutes are not possible: a slot lasts from 1 minute to a day, {DAY_MINUTES} minutes"
                ),
            );
        }
        if !(1..=EVERY_DAY).contains(&slot.days_of_week) {
            let days = slot.days_of_week;
            self.add(
                format!("{path}.days_of_week"),
                format!(
                    "{days} names no days: add up 1 for Monday, 2, 4, 8, 16, 32, and 64 for Sunday; 127 is every day"
                ),
            );
        }
    }

    fn check_mode(&mut self, path: &str, slot: &TimeSlot, schedule: &TimeSlotSchedule) {
        let has_filler = slot.filler.is_some() || schedule.filler.is_some();
        if slot.padding_mode == TimeSlotPaddingMode::Filler && !has_filler {
            self.add(
                format!("{path}.padding_mode"),
                "there is no filler: name one for this slot or for the schedule, as filler.collection_id",
            );
        }
        if slot.breaks.is_some() && !has_filler {
            self.add(
                format!("{path}.breaks"),
                "there is nothing to show in breaks: name a filler for this slot or for the schedule",
            );
        }
        if slot.flex_mode == TimeSlotFlexMode::Extend && !(1..=MAX_FLEX_MINUTES).contains(&slot.flex_limit_minutes) {
            self.add(
                format!("{path}.flex_limit_minutes"),
                format!("a slot with flex_mode \"extend\" may run over by 1 to {MAX_FLEX_MINUTES} minutes"),
            );
        }
        self.check_pad(&format!("{path}.pad_to_minutes"), slot.pad_to_minutes);
        self.check_collection(&format!("{path}.collection_id"), slot.collection_id.as_deref());
        let filler = slot.filler.as_ref().map(|filler| filler.collection_id.as_str());
        self.check_collection(&format!("{path}.filler.collection_id"), filler);
    }

    fn check_breaks(&mut self, path: &str, breaks: &TimeSlotBreaks) {
        if !breaks.chapters && breaks.every_minutes.is_none() {
            self.add(
                format!("{path}.breaks"),
                "nothing says where breaks are: switch chapters on, or set every_minutes",
            );
        }
        if breaks.every_minutes == Some(0) {
            self.add(
                format!("{path}.breaks.every_minutes"),
                "breaks after every 0 minutes leave no programme: set at least 1",
            );
        }
        if !(1..=MAX_BREAK_SECONDS).contains(&breaks.length_seconds) {
            self.add(
                format!("{path}.breaks.length_seconds"),
                format!("a break lasts from 1 to {MAX_BREAK_SECONDS} seconds"),
            );
        }
        if breaks.max_breaks > MAX_BREAKS {
            self.add(
                format!("{path}.breaks.max_breaks"),
                format!("at most {MAX_BREAKS} breaks are possible; 0 is none"),
            );
        }
    }

    fn check_pad(&mut self, path: &str, minutes: Option<u32>) {
        let Some(minutes) = minutes.filter(|minutes| *minutes > 0) else { return };
        if !DAY_MINUTES.is_multiple_of(minutes) {
            self.add(path, format!("{minutes} minutes do not divide a day: use 5, 10, 15, 30 or 60, or 0 for none"));
        }
    }

    fn check_collection(&mut self, path: &str, collection: Option<&str>) {
        if collection.is_some_and(|collection| collection.trim().is_empty()) {
            self.add(path, "the collection has no name: write its id or its name, or leave the line out");
        }
    }

    fn check_ids(&mut self, schedule: &TimeSlotSchedule) {
        let mut seen = HashMap::new();
        for (index, slot) in schedule.slots.iter().enumerate() {
            let (path, id) = (format!("slots[{index}].slot_id"), slot.id());
            if id.is_empty() {
                self.add(path, "give the slot an id or a name: what it has played is remembered under it");
            } else if id == HOLE {
                self.add(path, format!("{HOLE:?} is what holes between slots are called: use another id"));
            } else if let Some(first) = seen.insert(id, index) {
                self.add(path, format!("slots[{first}] is called {id:?} too: each slot needs an id of its own"));
            }
        }
    }

    fn check_groups(&mut self, schedule: &TimeSlotSchedule) {
        let rules = Rules::new(schedule, Tz::UTC);
        let mut orders = HashMap::new();
        let mut reruns = HashMap::new();
        for (index, rule) in rules.slots.iter().enumerate() {
            let path = format!("slots[{index}]");
            if *orders.entry(&rule.cursor).or_insert(rule.order) != rule.order {
                self.add(
                    format!("{path}.order_mode"),
                    "slots of one group that share a collection must have the same order_mode",
                );
            }
            let Some(group) = &rule.rerun_group else { continue };
            if reruns.entry(group).or_insert(&rule.pool) != &&rule.pool {
                self.add(
                    format!("{path}.collection_id"),
                    format!("the slots of rerun group {group:?} must have the same collection"),
                );
            }
            if schedule.slots[index].group.is_some() {
                self.add(format!("{path}.group"), "a slot is either in a group or in a rerun_group");
            }
        }
    }

    /// Finds slots that others always cover, and slots without a moment at which something may begin.
    fn check_reach(&mut self, schedule: &TimeSlotSchedule) {
        // Without changes of clocks all weeks are the same.
        let rules = Rules::new(schedule, Tz::UTC);
        let timeline = Timeline::around(&rules.hours, Tz::UTC, 0, 0);
        let seen: HashSet<_> =
            timeline.stretches().filter_map(|stretch| stretch.airing).map(|airing| airing.slot).collect();
        for (index, rule) in rules.slots.iter().enumerate() {
            let hours = rules.hours[index];
            if !seen.contains(&index) {
                let message = "it is never on air: other slots with a higher priority or a later start cover all of it";
                self.add(format!("slots[{index}]"), message);
            }
            let start_ms = i64::from(hours.start.num_seconds_from_midnight()) * 1_000;
            let first_ms = rule.pad_to_ms.map_or(start_ms, |pad_ms| civil::round_from(start_ms, pad_ms, Tz::UTC));
            if first_ms >= start_ms + hours.length_ms {
                let message =
                    "nothing can begin in it: the slot is over before clocks show the next multiple of pad_to_minutes";
                self.add(format!("slots[{index}].pad_to_minutes"), message);
            }
        }
    }
}

const DAY_MINUTES: u32 = 24 * 60;
/// A week of slots of a quarter of an hour.
const MAX_SLOTS: usize = 672;
const MAX_FLEX_MINUTES: u32 = 12 * 60;
const MAX_BREAK_SECONDS: u32 = 30 * 60;
const MAX_BREAKS: u32 = 100;
