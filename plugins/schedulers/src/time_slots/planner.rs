//! The walk along the timeline.
//!
//! Does: find out which stretch is on air at each step, have an entry laid, and remember what was laid.
//! Does not: choose what is laid; `lay` does.
//! Invariant: what is remembered follows from the entries alone, whoever laid them; so windows of any size give the same plan, and a
//! plan goes on behind entries that come back as if it had just laid them.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use exstreamtv_model::{
    EntryKind, MediaId,
    schedule::{MAX_ENTRIES, PlanAnswer, PlanEntry, PlanRequest, PoolItem, Window},
};
use exstreamtv_plugin_sdk::PlanError;

use super::{
    filler::Clips,
    memory::{Memory, Open, Place},
    pack,
    rules::{Flex, MINUTE_MS, Rules, SlotRule},
    settings::{TimeSlotLateness, TimeSlotPaddingMode},
    timeline::{Stretch, Timeline},
};
use crate::order::{Order, OrderMode, Sorted};

/// A plan that is being made.
pub(super) struct Planner<'a> {
    pub(super) rules: &'a Rules,
    timeline: Timeline,
    pools: HashMap<&'a str, &'a [PoolItem]>,
    seed: u64,
    orders: HashMap<&'a str, Order<'a>>,
    /// Pools that were sorted already; many slots may go through one pool.
    sorted: HashMap<&'a str, Arc<Sorted>>,
    pub(super) clips: HashMap<&'a str, ClipList<'a>>,
    pub(super) memory: Memory,
    pub(super) notes: BTreeSet<String>,
}

/// A list of clips, by length and by id.
pub(super) struct ClipList<'a> {
    pub(super) by_length: Clips<'a>,
    ids: HashSet<MediaId>,
}

/// What is on air: a stretch, perhaps early or late.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) stretch: Stretch,
    pub(super) rule: &'a SlotRule,
    /// Where it ends; later than the stretch if it was shifted.
    pub(super) end_ms: i64,
    /// How late it began and still is.
    pub(super) late_ms: i64,
    /// Whether an item of its own was on.
    pub(super) begun: bool,
}

impl<'a> Planner<'a> {
    pub(super) fn new(request: &'a PlanRequest, rules: &'a Rules) -> Self {
        let mut notes = BTreeSet::new();
        let memory = Memory::read(request.state.as_ref(), &mut notes);
        let pools: HashMap<_, _> = request.pools.iter().map(|pool| (pool.key.as_str(), &pool.items[..])).collect();
        let list = |pool: &'a str| {
            let items = pools.get(pool).copied().unwrap_or_default();
            (pool, ClipList { by_length: Clips::new(items), ids: items.iter().map(|clip| clip.id).collect() })
        };
        let clips = rules.filler_pools().map(list).collect();
        let Window { start_ms, stop_ms } = request.window;
        // A stretch that began more than a week ago has no beginning that anybody waits for.
        let place_ms = memory.place.as_ref().map_or(start_ms, |place| place.start_ms);
        let aired_ms = request.aired.first().map_or(start_ms, |entry| entry.start_ms);
        let from_ms = place_ms.min(aired_ms).clamp(start_ms.saturating_sub(WEEK_MS), start_ms);
        let timeline = Timeline::around(&rules.hours, rules.zone, from_ms, stop_ms);
        Self {
            rules,
            timeline,
            pools,
            seed: request.seed,
            orders: HashMap::new(),
            sorted: HashMap::new(),
            clips,
            memory,
            notes,
        }
    }

    /// Folds what was aired, fills the window and writes the state down.
    pub(super) fn run(mut self, aired: &[PlanEntry], window: Window) -> Result<PlanAnswer, PlanError> {
        for entry in aired {
            self.arrive(entry.start_ms);
            self.air(entry);
        }
        let mut entries = Vec::new();
        let mut at_ms = window.start_ms;
        while at_ms < window.stop_ms {
            if entries.len() == MAX_ENTRIES {
                return Err(PlanError::TooManyEntries);
            }
            let entry = self.step(at_ms);
            at_ms = entry.stop_ms;
            if at_ms > LAST_MS {
                return Err(PlanError::BadWindow { start_ms: window.start_ms, stop_ms: window.stop_ms });
            }
            entries.push(entry);
        }
        let cursors = self.orders.iter().filter_map(|(key, order)| Some(((*key).to_owned(), order.cursor()?)));
        self.memory.cursors.extend(cursors);
        let state = self.memory.write(&mut self.notes);
        Ok(PlanAnswer { entries, state, notes: self.notes.into_iter().collect() })
    }

    fn step(&mut self, at_ms: i64) -> PlanEntry {
        self.arrive(at_ms);
        let mut entry = self.lay(at_ms);
        self.air(&entry);
        if entry.kind == EntryKind::Programme
            && let Some(rule) = self.rules.by_id(&entry.rule)
        {
            // Which order it was is known best when it has moved.
            let order = self.order(rule).map(|order| order.why()).unwrap_or_default();
            entry.why = format!("{}: {order}{}", rule.name, entry.why);
        }
        entry
    }

    /// Finds out what is on air at `at_ms`, where the last entry stopped.
    fn arrive(&mut self, at_ms: i64) {
        if self.memory.at_ms != at_ms {
            (self.memory.place, self.memory.open) = (None, None);
        }
        self.settle(at_ms);
        self.begin_early(at_ms);
    }

    fn settle(&mut self, at_ms: i64) {
        let Some(here) = self.stay() else {
            self.memory.open = None;
            return self.enter(self.timeline.at(at_ms), None, at_ms);
        };
        if let Some(open) = self.memory.open {
            let item = self.item(here.rule, open.item);
            if at_ms < open.until_ms && item.is_some_and(|item| (1..item.duration_ms).contains(&open.resume_ms)) {
                return;
            }
            self.memory.open = None;
        }
        if at_ms < here.end_ms {
            return self.go_on_rerun(here);
        }
        let mut next = self.timeline.behind(here.stretch);
        // What should be over by now is not begun any more.
        while next.stop_ms <= at_ms {
            next = self.timeline.behind(next);
        }
        self.enter(next, Some(next.start_ms), at_ms);
    }

    /// Returns the stretch that the memory says is on air, if the schedule still has it.
    fn stay(&self) -> Option<Here<'a>> {
        let here = self.here()?;
        let place = self.memory.place.as_ref()?;
        let same = here.stretch.start_ms == place.start_ms && here.rule.id == place.rule;
        // What is on began while it was on air; else the schedule was another one then.
        (same && self.memory.last_start_ms < here.end_ms).then_some(here)
    }

    /// Begins a stretch at `at_ms`; it is late if it was `due_ms` before.
    fn enter(&mut self, stretch: Stretch, due_ms: Option<i64>, at_ms: i64) {
        let rule = self.rules.of(stretch.airing);
        let late_ms =
            due_ms.filter(|_| stretch.airing.is_some()).map_or(0, |due_ms| at_ms.saturating_sub(due_ms).max(0));
        let (shift_ms, late_ms) = if rule.lateness == TimeSlotLateness::Shift { (late_ms, 0) } else { (0, late_ms) };
        self.memory.place =
            Some(Place { start_ms: stretch.start_ms, rule: rule.id.clone(), shift_ms, late_ms, begun: false });
        if let Some(here) = self.here() {
            self.go_on_rerun(here);
        }
    }

    /// Lets following slots begin while the one on air has nothing that fits and leaves the rest to the next one.
    fn begin_early(&mut self, at_ms: i64) {
        // Every step adds a stretch to the room, so it ends as soon as there is room enough; the bound is for slots that are all too small.
        for _ in 0..MAX_EARLY {
            let Some(here) = self.here() else { return };
            let leaves = here.rule.padding == TimeSlotPaddingMode::Next && here.stretch.stop_ms < i64::MAX;
            if !leaves || self.memory.open.is_some() || !self.is_rest(here, at_ms) {
                return;
            }
            self.enter(self.timeline.behind(here.stretch), None, at_ms);
        }
    }

    fn go_on_rerun(&mut self, here: Here<'a>) {
        if let (Some(group), Some(airing)) = (&here.rule.rerun_group, here.stretch.airing) {
            let members = self.rules.rerun_members(group);
            self.memory.rounds.entry(here.rule.cursor.clone()).or_default().enter(
                &here.rule.id,
                airing.start_ms,
                members,
            );
        }
    }

    /// Remembers that `entry` was laid.
    fn air(&mut self, entry: &PlanEntry) {
        (self.memory.at_ms, self.memory.last_start_ms) = (entry.stop_ms, entry.start_ms);
        let (Some(id), Some(rule)) = (entry.item, self.rules.by_id(&entry.rule)) else { return };
        if entry.kind == EntryKind::Filler {
            let list = rule.fillers.iter().find(|list| self.clips[list.pool.as_str()].ids.contains(&id));
            if let Some(list) = list {
                self.memory.clips.entry(list.pool.clone()).or_default().air(id, entry.stop_ms);
            }
            return;
        }
        self.memory.last_item = Some(id);
        let open = self.memory.open.take();
        let goes_on = open.filter(|open| open.item == id && open.resume_ms == entry.in_point_ms);
        let here = self.here().filter(|here| std::ptr::eq(here.rule, rule));
        let until_ms = match (goes_on, here, self.item(rule, id)) {
            (Some(open), ..) => Some(open.until_ms),
            (None, Some(here), Some(item)) => Some(here.until_ms(item, entry.start_ms, entry.in_point_ms)),
            _ => None,
        };
        if goes_on.is_none() {
            self.take(rule, id);
        }
        if here.is_some() {
            self.memory.place.iter_mut().for_each(|place| place.begun = true);
            self.memory.open =
                self.item(rule, id).zip(until_ms).and_then(|(item, until_ms)| rest_of(item, entry, until_ms));
        }
    }

    fn take(&mut self, rule: &'a SlotRule, id: MediaId) {
        if rule.rerun_group.is_some() && self.memory.rounds.entry(rule.cursor.clone()).or_default().show(id) {
            return;
        }
        let Some(order) = self.order(rule) else { return };
        // A packed slot takes items out of turn; those before them are owed. At random nothing is.
        let packed = rule.flex == Flex::Compress && rule.rerun_group.is_none() && rule.order != OrderMode::Random;
        let reach = if packed { pack::AHEAD } else { 1 };
        match order.peek(reach).iter().position(|item| item.id == id) {
            Some(ahead) => drop(order.take(ahead)),
            None => drop(order.aired(id)),
        }
    }

    /// Returns what is on air; `None` only before the first stretch was entered.
    pub(super) fn here(&self) -> Option<Here<'a>> {
        let place = self.memory.place.as_ref()?;
        let stretch = self.timeline.at(place.start_ms);
        let end_ms = stretch.stop_ms.saturating_add(place.shift_ms);
        let rule = self.rules.of(stretch.airing);
        Some(Here { stretch, rule, end_ms, late_ms: place.late_ms, begun: place.begun })
    }

    /// Returns the next items of a rule, at most `count`.
    pub(super) fn upcoming(&mut self, rule: &'a SlotRule, count: usize) -> Vec<&'a PoolItem> {
        let round = rule.rerun_group.as_ref().and_then(|_| self.memory.rounds.get(&rule.cursor));
        let listed = round.map_or(&[][..], |round| round.upcoming()).iter();
        let mut items: Vec<_> = listed.filter_map(|id| self.item(rule, *id)).take(count).collect();
        if let Some(order) = self.order(rule) {
            items.extend(order.peek(count - items.len()));
        }
        items
    }

    fn order(&mut self, rule: &'a SlotRule) -> Option<&mut Order<'a>> {
        let items = self.pool(rule);
        if items.is_empty() {
            return None;
        }
        let cursor = self.memory.cursors.get(&rule.cursor);
        Some(self.orders.entry(&rule.cursor).or_insert_with(|| match (rule.order, &rule.pool) {
            (OrderMode::Ordered, Some(pool)) => {
                let sorted = self.sorted.entry(pool.as_str()).or_insert_with(|| Arc::new(Sorted::of(items)));
                Order::sorted(items, Arc::clone(sorted), cursor)
            }
            (mode, _) => Order::new(items, mode, seed_of(self.seed, &rule.cursor), cursor),
        }))
    }

    pub(super) fn item(&self, rule: &SlotRule, id: MediaId) -> Option<&'a PoolItem> {
        self.pool(rule).iter().find(|item| item.id == id)
    }

    fn pool(&self, rule: &SlotRule) -> &'a [PoolItem] {
        rule.pool.as_ref().and_then(|key| self.pools.get(key.as_str())).copied().unwrap_or_default()
    }
}

impl Here<'_> {
    /// Returns when `item` must end at the latest, if it begins at `start_ms`.
    pub(super) fn until_ms(&self, item: &PoolItem, start_ms: i64, in_point_ms: i64) -> i64 {
        let over_ms = start_ms.saturating_add(self.rule.length_ms(item, in_point_ms)).saturating_sub(self.end_ms);
        match self.rule.flex {
            Flex::Extend { limit_ms } if (1..=limit_ms).contains(&over_ms) => self.end_ms.saturating_add(limit_ms),
            _ => self.end_ms,
        }
    }
}

impl SlotRule {
    /// Returns how long `item` takes in this slot, with its breaks, from `in_point_ms` on.
    pub(super) fn length_ms(&self, item: &PoolItem, in_point_ms: i64) -> i64 {
        let plain_ms = item.duration_ms - in_point_ms;
        self.breaks.map_or(plain_ms, |breaks| breaks.length_ms(item, in_point_ms))
    }
}

/// Returns what is left of `item` behind `entry`, if it may go on.
fn rest_of(item: &PoolItem, entry: &PlanEntry, until_ms: i64) -> Option<Open> {
    let resume_ms = entry.in_point_ms.saturating_add(entry.stop_ms - entry.start_ms);
    let open = Open { item: item.id, resume_ms, paused_ms: entry.stop_ms, until_ms };
    (resume_ms < item.duration_ms && entry.stop_ms < until_ms).then_some(open)
}

/// Returns the seed of one order: orders of one channel have nothing to do with each other. FNV-1a, because it is the same everywhere.
fn seed_of(seed: u64, cursor: &str) -> u64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    cursor.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, fold)
}

const WEEK_MS: i64 = 7 * 24 * 60 * MINUTE_MS;

/// The end of the year 9999: no channel is planned so far, and no calendar goes much further.
pub(super) const LAST_MS: i64 = 253_402_300_799_000;

const MAX_EARLY: usize = 2_000;
