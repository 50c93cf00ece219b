//! What the settings mean.
//!
//! Does: turn the document into rules, with every default in its place, and name the pools that the rules draw from.
//! Does not: judge; `faults` has done so before.
//! Invariant: nobody behind this file reads the document.

use chrono::NaiveTime;
use chrono_tz::Tz;
use exstreamtv_model::schedule::{MAIN_POOL, PoolNeed, PoolSource};

use super::{
    settings::{
        EVERY_DAY, TimeSlot, TimeSlotBreaks, TimeSlotFiller, TimeSlotFlexMode, TimeSlotLateness, TimeSlotPaddingMode,
        TimeSlotSchedule,
    },
    timeline::{Airing, SlotHours},
};
use crate::order::OrderMode;

/// A schedule as the planner uses it.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) zone: Tz,
    pub(super) slots: Vec<SlotRule>,
    /// When each slot is on, in the same order.
    pub(super) hours: Vec<SlotHours>,
    /// What holes play.
    pub(super) hole: SlotRule,
}

/// What is on in a slot, or in a hole.
#[derive(Debug)]
pub(super) struct SlotRule {
    pub(super) id: String,
    pub(super) name: String,
    /// Key of the pool; `None`: nothing to play.
    pub(super) pool: Option<String>,
    pub(super) order: OrderMode,
    /// Under which name the place in the order is remembered.
    pub(super) cursor: String,
    pub(super) padding: TimeSlotPaddingMode,
    pub(super) flex: Flex,
    pub(super) lateness: TimeSlotLateness,
    /// Items begin when local clocks show a multiple of this.
    pub(super) pad_to_ms: Option<i64>,
    /// Where clips come from, best first.
    pub(super) fillers: Vec<FillerRule>,
    pub(super) breaks: Option<BreakRule>,
    pub(super) rerun_group: Option<String>,
}

/// What becomes of an item that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flex {
    Cut,
    Extend { limit_ms: i64 },
    Compress,
}

/// A list of clips.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FillerRule {
    pub(super) pool: String,
    pub(super) cooldown_ms: i64,
    pub(super) list_cooldown_ms: i64,
}

/// Where items have breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BreakRule {
    pub(super) chapters: bool,
    pub(super) every_ms: Option<i64>,
    pub(super) min_programme_ms: i64,
    pub(super) max_breaks: usize,
    pub(super) guard_ms: i64,
    pub(super) length_ms: i64,
}

impl Rules {
    /// Reads a document in which no fault was found.
    pub(super) fn new(schedule: &TimeSlotSchedule, zone: Tz) -> Self {
        Self {
            zone,
            slots: schedule.slots.iter().map(|slot| SlotRule::of_slot(slot, schedule)).collect(),
            hours: schedule.slots.iter().map(hours).collect(),
            hole: SlotRule::of_holes(schedule),
        }
    }

    /// Returns the rule for a stretch of an airing, or of a hole.
    pub(super) fn of(&self, airing: Option<Airing>) -> &SlotRule {
        airing.map_or(&self.hole, |airing| &self.slots[airing.slot])
    }

    /// Returns the rule that signs its entries with `id`.
    pub(super) fn by_id(&self, id: &str) -> Option<&SlotRule> {
        self.all().find(|rule| rule.id == id)
    }

    /// Returns the ids of the slots in a rerun group.
    pub(super) fn rerun_members(&self, group: &str) -> impl Iterator<Item = &str> {
        let members = self.slots.iter().filter(move |slot| slot.rerun_group.as_deref() == Some(group));
        members.map(|slot| slot.id.as_str())
    }

    /// Returns the keys of all lists of clips; one may come more than once.
    pub(super) fn filler_pools(&self) -> impl Iterator<Item = &str> {
        self.all().flat_map(|rule| &rule.fillers).map(|list| list.pool.as_str())
    }

    /// Returns what the rules draw from, each pool once.
    pub(super) fn pools(&self) -> Vec<PoolNeed> {
        let mut needs: Vec<PoolNeed> = Vec::new();
        for key in self.all().filter_map(|rule| rule.pool.as_deref()).chain(self.filler_pools()) {
            if needs.iter().all(|need| need.key != key) {
                needs.push(PoolNeed { key: key.to_owned(), source: source(key) });
            }
        }
        needs
    }

    fn all(&self) -> impl Iterator<Item = &SlotRule> {
        self.slots.iter().chain([&self.hole])
    }
}

impl SlotRule {
    fn of_slot(slot: &TimeSlot, schedule: &TimeSlotSchedule) -> Self {
        let collection = slot.collection_id.as_ref().or(schedule.default_collection_id.as_ref());
        let pool = collection.map_or(MAIN_POOL.to_owned(), |collection| key(collection));
        let id = slot.id();
        let cursor = match (&slot.rerun_group, &slot.group) {
            (Some(group), _) => format!("rerun/{group}/{pool}"),
            (None, Some(group)) => format!("group/{group}/{pool}"),
            (None, None) => format!("slot/{id}/{pool}"),
        };
        let flex = match slot.flex_mode {
            TimeSlotFlexMode::None => Flex::Cut,
            TimeSlotFlexMode::Extend => Flex::Extend { limit_ms: minutes_ms(slot.flex_limit_minutes) },
            TimeSlotFlexMode::Compress => Flex::Compress,
        };
        Self {
            id: id.to_owned(),
            name: slot.display_name().to_owned(),
            pool: Some(pool),
            order: slot.order_mode,
            cursor,
            padding: slot.padding_mode,
            flex,
            lateness: slot.lateness,
            pad_to_ms: pad_to_ms(slot.pad_to_minutes.or(schedule.pad_to_minutes)),
            fillers: fillers([slot.filler.as_ref(), schedule.filler.as_ref()]),
            breaks: slot.breaks.as_ref().map(BreakRule::new),
            rerun_group: slot.rerun_group.clone(),
        }
    }

    /// Holes are packed; what is cut at their end comes again in full.
    fn of_holes(schedule: &TimeSlotSchedule) -> Self {
        let has_filler = schedule.filler.is_some();
        let pool = schedule.default_collection_id.as_deref().map(key);
        Self {
            id: HOLE.to_owned(),
            name: "the default collection".to_owned(),
            cursor: format!("{HOLE}/{}", pool.as_deref().unwrap_or_default()),
            pool,
            order: schedule.default_order_mode,
            padding: if has_filler { TimeSlotPaddingMode::Filler } else { TimeSlotPaddingMode::Loop },
            flex: Flex::Compress,
            lateness: TimeSlotLateness::JoinLate,
            pad_to_ms: pad_to_ms(schedule.pad_to_minutes),
            fillers: fillers([None, schedule.filler.as_ref()]),
            breaks: None,
            rerun_group: None,
        }
    }
}

impl BreakRule {
    fn new(breaks: &TimeSlotBreaks) -> Self {
        Self {
            chapters: breaks.chapters,
            every_ms: breaks.every_minutes.map(minutes_ms),
            min_programme_ms: minutes_ms(breaks.min_programme_minutes),
            max_breaks: breaks.max_breaks as usize,
            guard_ms: minutes_ms(breaks.tail_guard_minutes),
            length_ms: i64::from(breaks.length_seconds) * 1_000,
        }
    }
}

/// Reads "HH:MM" or "HH:MM:SS".
pub(super) fn start_time(text: &str) -> Option<NaiveTime> {
    // chrono also reads "7:5" and signs; a schedule says what it means.
    let digits = text.split(':').all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()));
    let format = if text.len() == 5 { "%H:%M" } else { "%H:%M:%S" };
    // A leap second is no time to begin.
    NaiveTime::parse_from_str(text, format).ok().filter(|_| digits && !text.ends_with(":60"))
}

fn hours(slot: &TimeSlot) -> SlotHours {
    SlotHours {
        start: start_time(&slot.start_time).unwrap_or(NaiveTime::MIN),
        length_ms: minutes_ms(slot.duration_minutes),
        days: slot.days_of_week & EVERY_DAY,
        priority: slot.priority,
    }
}

fn fillers(lists: [Option<&TimeSlotFiller>; 2]) -> Vec<FillerRule> {
    let rule = |list: &TimeSlotFiller| FillerRule {
        pool: key(&list.collection_id),
        cooldown_ms: minutes_ms(list.cooldown_minutes),
        list_cooldown_ms: minutes_ms(list.list_cooldown_minutes),
    };
    let mut rules: Vec<_> = lists.into_iter().flatten().map(rule).collect();
    // A list that is named twice keeps what the slot says of it.
    rules.dedup_by(|second, first| second.pool == first.pool);
    rules
}

fn pad_to_ms(minutes: Option<u32>) -> Option<i64> {
    minutes.filter(|minutes| *minutes > 0).map(minutes_ms)
}

fn minutes_ms(minutes: u32) -> i64 {
    i64::from(minutes) * MINUTE_MS
}

/// Returns the key of a collection's pool; no collection's key is that of the channel's own pool.
fn key(collection: &str) -> String {
    format!("{KEY_OF_COLLECTION}{collection}")
}

fn source(key: &str) -> PoolSource {
    match key.strip_prefix(KEY_OF_COLLECTION) {
        Some(collection) => PoolSource::Collection { collection_id: collection.to_owned() },
        None => PoolSource::Channel,
    }
}

const KEY_OF_COLLECTION: &str = "collection:";

/// With this the entries of holes are signed; no slot may have it as its id.
pub(super) const HOLE: &str = "default";

pub(super) const MINUTE_MS: i64 = 60_000;
