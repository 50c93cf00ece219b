//! Decides whether and how an item that failed is tried again.
//!
//! Does: count attempts, climb the rungs, keep pauses, the breaker and the budget that all channels share.
//! Does not: start, kill, wait or know what is on air; the conductor asks and tells.
//! Invariants: the first attempt at an item is never a restart; two restarts of one channel are at least `restart_pause_ms` apart once a
//! programme has been shown; all channels together never take more restarts than the budget; no channel is given up for good.

use std::collections::VecDeque;

use exstreamtv_model::{Cause, PlayoutEntryId};

mod breaker;
mod budget;
mod ladder;

pub use breaker::{BreakerRules, BreakerState};
pub use budget::{BudgetRules, RestartBudget};
pub use ladder::{Means, Rung};

use breaker::Breaker;

/// The numbers behind the decisions; milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Least time between two restarts of the channel once it has shown a programme.
    pub restart_pause_ms: i64,
    /// Pauses before the first, second, … restart while somebody waits at a cold tune; the last one repeats.
    pub cold_pauses_ms: Vec<i64>,
    /// Least time between two starts of different items while the breaker is open.
    pub open_pause_ms: i64,
    /// How long a run must have been on air for its item to count as sound again.
    pub sound_after_ms: i64,
    /// When starting is stopped for a while.
    pub breaker: BreakerRules,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            restart_pause_ms: 30_000,
            cold_pauses_ms: vec![0, 1_000, 5_000, 10_000, 30_000],
            open_pause_ms: 10_000,
            sound_after_ms: 60_000,
            breaker: BreakerRules::default(),
        }
    }
}

/// Whether an item may be started now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Start it this way.
    Start(Rung),
    /// Not before this time.
    Wait {
        /// Monotonic milliseconds.
        until_ms: i64,
    },
    /// Not until something changes: there is no more of it, or its source is not there.
    Never,
}

/// Supervises the runs of one channel.
#[derive(Debug)]
pub struct Supervision {
    rules: Rules,
    breaker: Breaker,
    // Two items are in play at any time; a few more keep what a schedule change shuffles around.
    items: Vec<Item>,
    last_restart_ms: Option<i64>,
    last_start_ms: Option<i64>,
    has_shown: bool,
    restarts: u64,
    /// When the last of them were, as many as a minute can hold.
    recent_ms: VecDeque<i64>,
}

#[derive(Debug, Clone)]
struct Item {
    entry: PlayoutEntryId,
    /// Rungs that have been left behind.
    steps: u32,
    failed_ms: Option<i64>,
    shown_ms: Option<i64>,
    cause: Option<Cause>,
    spent: bool,
    /// Somebody wants it started again, this way: no pause holds.
    ordered: Option<Rung>,
    /// What somebody ordered to stand in for it between its attempts, until it fails itself.
    stand_in: Option<Rung>,
}

/// Restarts that are remembered, and what counts as lately.
const RECENT: usize = 64;
const MINUTE_MS: i64 = 60_000;
/// Items that are remembered.
const REMEMBERED: usize = 8;

impl Supervision {
    /// Returns the supervision of a channel that has just been tuned.
    pub fn new(rules: Rules) -> Self {
        let breaker = Breaker::new(rules.breaker);
        Self {
            rules,
            breaker,
            items: vec![],
            last_restart_ms: None,
            last_start_ms: None,
            has_shown: false,
            restarts: 0,
            recent_ms: VecDeque::new(),
        }
    }

    /// Returns whether and how `entry` may be started at `now_ms`, given what else could be played in its place.
    pub fn permit(&self, entry: PlayoutEntryId, means: Means, now_ms: i64, budget: &RestartBudget) -> Permit {
        let Some(item) = self.known(entry) else { return self.permit_first(now_ms) };
        if let Some(rung) = item.ordered.filter(|rung| means.allow(*rung)) {
            return Permit::Start(rung);
        }
        if item.spent {
            return Permit::Never;
        }
        if item.steps == 0 {
            return self.permit_first(now_ms);
        }
        let climbed = match ladder::rung(item.steps, item.cause, means) {
            Some(rung) => self.permit_restart(item, rung, now_ms, budget),
            None => Permit::Never,
        };
        match (climbed, item.stand_in.filter(|rung| means.allow(*rung))) {
            (Permit::Start(rung), _) => Permit::Start(rung),
            // What was ordered to stand in does so until the next attempt is due.
            (_, Some(stand_in)) => Permit::Start(stand_in),
            (permit, None) => permit,
        }
    }

    fn permit_restart(&self, item: &Item, rung: Rung, now_ms: i64, budget: &RestartBudget) -> Permit {
        let until_ms = self.pause_ends_ms(item).max(self.breaker.closed_from_ms()).max(budget.free_from_ms(now_ms));
        if until_ms <= now_ms { Permit::Start(rung) } else { Permit::Wait { until_ms } }
    }

    /// A first attempt is no restart. While the breaker is open it is news all the same, so it may be made, but not in a flurry.
    fn permit_first(&self, now_ms: i64) -> Permit {
        let pause_ms = if self.breaker.is_open(now_ms) { self.rules.open_pause_ms } else { 0 };
        let until_ms = self.last_start_ms.map_or(i64::MIN, |at_ms| at_ms + pause_ms);
        if until_ms <= now_ms { Permit::Start(Rung::First) } else { Permit::Wait { until_ms } }
    }

    fn pause_ends_ms(&self, item: &Item) -> i64 {
        // The next attempt is another one: the card does less, and at last nothing. Budget and breaker hold all the same.
        if item.cause == Some(Cause::HardwareFailed) {
            return i64::MIN;
        }
        if self.has_shown {
            return self.last_restart_ms.map_or(i64::MIN, |at_ms| at_ms + self.rules.restart_pause_ms);
        }
        let pauses = &self.rules.cold_pauses_ms;
        let step = usize::try_from(item.steps.saturating_sub(1)).unwrap_or(usize::MAX);
        let pause_ms = pauses.get(step).or(pauses.last()).copied().unwrap_or(0);
        item.failed_ms.map_or(i64::MIN, |at_ms| at_ms + pause_ms)
    }

    /// `entry` was started on this rung.
    pub fn started(&mut self, entry: PlayoutEntryId, rung: Rung, now_ms: i64, budget: &mut RestartBudget) {
        self.last_start_ms = Some(now_ms);
        self.breaker.tried(now_ms);
        let item = self.item(entry);
        let ordered = item.ordered.take().is_some();
        item.shown_ms = None;
        // What stands in by order starts nothing again that has failed.
        if rung.is_restart() && !ordered && item.stand_in != Some(rung) {
            budget.take(now_ms);
            self.last_restart_ms = Some(now_ms);
            self.restarts += 1;
            self.recent_ms.push_back(now_ms);
            self.recent_ms.drain(..self.recent_ms.len().saturating_sub(RECENT));
        }
    }

    /// A run of `entry` failed.
    pub fn failed(&mut self, entry: PlayoutEntryId, cause: Cause, now_ms: i64) {
        let sound_after_ms = self.rules.sound_after_ms;
        let item = self.item(entry);
        // What went well for a minute begins at the bottom of the ladder again.
        if item.shown_ms.is_some_and(|at_ms| now_ms - at_ms >= sound_after_ms) {
            item.steps = 0;
        }
        item.steps = item.steps.saturating_add(1);
        (item.failed_ms, item.cause, item.shown_ms) = (Some(now_ms), Some(cause), None);
        if !cause.is_final_for_source() {
            self.breaker.failed(now_ms);
        }
    }

    /// What stood in for `entry` is over; the next rung is its turn.
    pub fn stand_in_ended(&mut self, entry: PlayoutEntryId, now_ms: i64) {
        let item = self.item(entry);
        item.steps = item.steps.saturating_add(1);
        item.failed_ms = Some(now_ms);
    }

    /// A frame of `entry` went on air.
    pub fn shown(&mut self, entry: PlayoutEntryId, now_ms: i64) {
        self.has_shown = true;
        let item = self.item(entry);
        let since_ms = *item.shown_ms.get_or_insert(now_ms);
        self.breaker.went_well(since_ms, now_ms);
    }

    /// There is no more of `entry`; `early` says why, if that is less than there should be.
    pub fn spent(&mut self, entry: PlayoutEntryId, early: Option<Cause>) {
        let item = self.item(entry);
        item.spent = true;
        item.cause = early.or(item.cause);
    }

    /// Somebody wants `entry` to be started again, at once and this way.
    pub fn order(&mut self, entry: PlayoutEntryId, rung: Rung) {
        let item = self.item(entry);
        (item.ordered, item.spent) = (Some(rung), false);
        item.stand_in = Some(rung).filter(|rung| rung.is_stand_in());
    }

    /// Nothing stands in for `entry` any more by order.
    pub fn order_back(&mut self, entry: PlayoutEntryId) {
        let item = self.item(entry);
        (item.ordered, item.stand_in) = (None, None);
    }

    /// Whatever was wrong with the source of `entry` has changed: its next attempt is a first one again.
    pub fn forgive(&mut self, entry: PlayoutEntryId) {
        let item = self.item(entry);
        (item.steps, item.spent, item.cause) = (0, false, None);
        item.stand_in = None;
    }

    /// Returns whether there is no more of `entry`.
    pub fn is_spent(&self, entry: PlayoutEntryId) -> bool {
        self.known(entry).is_some_and(|item| item.spent)
    }

    /// Returns why the last attempt at `entry` failed, if it did.
    pub fn cause(&self, entry: PlayoutEntryId) -> Option<Cause> {
        self.known(entry).and_then(|item| item.cause)
    }

    /// Returns how often runs of this channel were started again after a failure.
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// Returns how many of them were in the last minute.
    pub fn restarts_lately(&self, now_ms: i64) -> u32 {
        let recent = self.recent_ms.iter().filter(|at_ms| now_ms - **at_ms < MINUTE_MS);
        u32::try_from(recent.count()).unwrap_or(u32::MAX)
    }

    /// Returns the breaker's state, for people.
    pub fn breaker(&self, now_ms: i64) -> BreakerState {
        self.breaker.state(now_ms)
    }

    fn known(&self, entry: PlayoutEntryId) -> Option<&Item> {
        self.items.iter().find(|item| item.entry == entry)
    }

    fn item(&mut self, entry: PlayoutEntryId) -> &mut Item {
        let position = self.items.iter().position(|item| item.entry == entry).unwrap_or_else(|| {
            if self.items.len() >= REMEMBERED {
                self.items.remove(0);
            }
            self.items.push(Item {
                entry,
                steps: 0,
                failed_ms: None,
                shown_ms: None,
                cause: None,
                spent: false,
                ordered: None,
                stand_in: None,
            });
            self.items.len() - 1
        });
        &mut self.items[position]
    }
}

#[cfg(test)]
mod tests;
