//! One item after the other.
//!
//! Does: fill a window back to back, each item in full, by name or shuffled, and go on there with the next window.
//! Does not: cut items, leave room between them or know what time of day it is.
//! Invariant: an answer takes a bounded number of steps; every step lays at least one millisecond.

use exstreamtv_model::{
    EntryKind, ItemOrder,
    schedule::{
        MAIN_POOL, MAX_ENTRIES, PlanAnswer, PlanEntry, PlanRequest, PoolNeed, PoolSource, Preparation, PrepareRequest,
        SettingsFault, Window,
    },
};
use exstreamtv_plugin_sdk::{PlanError, Scheduler};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::order::{Cursor, Order, OrderMode};

/// Plays the channel's collection in order, for ever: by name, or a new permutation for each pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sequence;

impl Sequence {
    /// The name by which channels ask for it.
    pub const ID: &str = "exstreamtv.sequence";
}

/// The settings of [`Sequence`]; none at all play by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SequenceSchedule {
    /// In which order the collection is played.
    #[serde(default = "by_name")]
    pub order: ItemOrder,
}

fn by_name() -> ItemOrder {
    ItemOrder::Name
}

impl Scheduler for Sequence {
    fn prepare(&self, request: &PrepareRequest) -> Preparation {
        let main = PoolNeed { key: MAIN_POOL.to_owned(), source: PoolSource::Channel };
        Preparation { faults: settings(&request.settings).err().into_iter().collect(), pools: vec![main] }
    }

    fn plan(&self, request: &PlanRequest) -> Result<PlanAnswer, PlanError> {
        let SequenceSchedule { order } =
            settings(&request.settings).map_err(|fault| PlanError::BadSettings { fault })?;
        let items = request.pool(MAIN_POOL);
        crate::check(request.window, items)?;
        if items.is_empty() {
            return Ok(nothing_to_play(request));
        }
        let (mode, seed) = match order {
            ItemOrder::Name => (OrderMode::Ordered, 0),
            ItemOrder::Shuffle { seed } => (OrderMode::Shuffle, u64::from(seed)),
        };
        let mut notes = Vec::new();
        let cursor = recall(request.state.as_ref(), &mut notes);
        if cursor.as_ref().is_some_and(|cursor| !cursor.fits(mode, seed)) {
            notes.push("the order was changed: it starts from its beginning".into());
        }
        let mut order = Order::new(items, mode, seed, cursor.as_ref());
        fold(request, &mut order, &mut notes);
        fill(request, order, notes)
    }
}

/// What the sequence remembers between windows.
#[derive(Serialize, Deserialize)]
struct State {
    version: u32,
    cursor: Option<Cursor>,
}

const STATE_VERSION: u32 = 2;

fn settings(settings: &Value) -> Result<SequenceSchedule, SettingsFault> {
    match settings {
        Value::Null => Ok(SequenceSchedule { order: ItemOrder::Name }),
        settings => crate::settings::read(settings),
    }
}

/// Leaves the slate on air and keeps the place, so that a disk that was away does not restart every series.
fn nothing_to_play(request: &PlanRequest) -> PlanAnswer {
    let Window { start_ms, stop_ms } = request.window;
    let slate = PlanEntry {
        item: None,
        start_ms,
        stop_ms,
        in_point_ms: 0,
        kind: EntryKind::Slate,
        rule: String::new(),
        why: "nothing to play".into(),
    };
    PlanAnswer {
        entries: vec![slate],
        state: request.state.clone().unwrap_or(Value::Null),
        notes: vec!["the collection is empty".into()],
    }
}

/// Reads the state; what cannot be read is no reason to stay off the air.
fn recall(state: Option<&Value>, notes: &mut Vec<String>) -> Option<Cursor> {
    let state = state.filter(|state| !state.is_null())?;
    match State::deserialize(state) {
        Ok(state) if state.version == STATE_VERSION => state.cursor,
        Ok(state) => {
            notes.push(format!("the previous state is of version {}: the order starts over", state.version));
            None
        }
        Err(error) => {
            notes.push(format!("the previous state cannot be read ({error}): the order starts over"));
            None
        }
    }
}

/// Goes behind what stayed on air after an edit.
fn fold(request: &PlanRequest, order: &mut Order<'_>, notes: &mut Vec<String>) {
    // What has a rule was laid by another strategy and says nothing about this order.
    for id in request.aired.iter().filter(|entry| entry.rule.is_empty()).filter_map(|entry| entry.item) {
        if !order.aired(id) {
            notes.push(format!("item {id} is gone: the order goes on from where it was planned to"));
        }
    }
}

fn fill(request: &PlanRequest, mut order: Order<'_>, notes: Vec<String>) -> Result<PlanAnswer, PlanError> {
    let Window { start_ms, stop_ms } = request.window;
    let mut entries = Vec::new();
    let mut at_ms = start_ms;
    while at_ms < stop_ms {
        if entries.len() == MAX_ENTRIES {
            return Err(PlanError::TooManyEntries);
        }
        let item = order.next().ok_or(PlanError::EmptyPool)?;
        let end_ms = at_ms.checked_add(item.duration_ms).ok_or(PlanError::BadWindow { start_ms, stop_ms })?;
        entries.push(PlanEntry {
            item: Some(item.id),
            start_ms: at_ms,
            stop_ms: end_ms,
            in_point_ms: 0,
            kind: EntryKind::Programme,
            rule: String::new(),
            why: order.why(),
        });
        at_ms = end_ms;
    }
    let state = State { version: STATE_VERSION, cursor: order.cursor() };
    // Strings, numbers and lists only: JSON can hold them all. Were it not so, the next window would start over.
    Ok(PlanAnswer { entries, state: serde_json::to_value(state).unwrap_or(Value::Null), notes })
}

#[cfg(test)]
mod tests;
