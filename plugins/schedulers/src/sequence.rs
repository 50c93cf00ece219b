//! One item after the other.
//!
//! Does: fill a window back to back, each item in full, by name or shuffled, and go on there with the next window.
//! Does not: cut items, leave room between them or know what time of day it is.
//! Invariant: an answer takes a bounded number of steps; every step lays at least one millisecond.

use exstreamtv_model::{
    ItemOrder,
    schedule::{MAX_ENTRIES, PlanAnswer, PlanEntry, PlanRequest, PoolItem, Window},
};
use exstreamtv_plugin_sdk::{PlanError, Scheduler};
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod by_name;
mod shuffle;

use by_name::{ByName, NamePlace};
use shuffle::{Shuffle, ShufflePlace};

/// Plays a collection in order, for ever: by name, or a new permutation for each pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sequence;

impl Scheduler for Sequence {
    fn id(&self) -> &'static str {
        "exstreamtv.sequence"
    }

    fn plan(&self, request: &PlanRequest) -> Result<PlanAnswer, PlanError> {
        check(request)?;
        if request.pool.is_empty() {
            return Ok(nothing_to_play(request));
        }
        let mut notes = Vec::new();
        let memory = recall(request.state.as_ref(), &mut notes);
        match request.order {
            ItemOrder::Name => {
                let place = match memory {
                    Some(Memory::Name(place)) => Some(place),
                    other => start_over(other.is_some(), &mut notes),
                };
                fill(request, ByName::new(request, place, &mut notes), notes)
            }
            ItemOrder::Shuffle { seed } => {
                let place = match memory {
                    Some(Memory::Shuffle(place)) if place.seed == seed => Some(place),
                    other => start_over(other.is_some(), &mut notes),
                };
                fill(request, Shuffle::new(request, seed, place, &mut notes), notes)
            }
        }
    }
}

/// An endless order of the pool's items.
trait Order {
    /// Returns the next item and why it is next.
    fn next(&mut self) -> (&PoolItem, String);

    /// Returns what must be remembered to go on behind the last item.
    fn memory(&self) -> Memory;
}

/// What the sequence remembers between windows.
#[derive(Serialize, Deserialize)]
struct State {
    version: u32,
    #[serde(flatten)]
    memory: Memory,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
enum Memory {
    Name(NamePlace),
    Shuffle(ShufflePlace),
}

const STATE_VERSION: u32 = 1;

fn check(request: &PlanRequest) -> Result<(), PlanError> {
    let Window { start_ms, stop_ms } = request.window;
    if stop_ms <= start_ms {
        return Err(PlanError::BadWindow { start_ms, stop_ms });
    }
    match request.pool.iter().find(|item| item.duration_ms <= 0) {
        Some(item) => Err(PlanError::BadItem { item: item.id, duration_ms: item.duration_ms }),
        None => Ok(()),
    }
}

/// Leaves the slate on air and keeps the place, so that a disk that was away does not restart every series.
fn nothing_to_play(request: &PlanRequest) -> PlanAnswer {
    let Window { start_ms, stop_ms } = request.window;
    let slate = PlanEntry { item: None, start_ms, stop_ms, in_point_ms: 0, why: "nothing to play".into() };
    PlanAnswer {
        entries: vec![slate],
        state: request.state.clone().unwrap_or(Value::Null),
        notes: vec!["the collection is empty".into()],
    }
}

/// Reads the state; what cannot be read is no reason to stay off the air.
fn recall(state: Option<&Value>, notes: &mut Vec<String>) -> Option<Memory> {
    let state = state.filter(|state| !state.is_null())?;
    match State::deserialize(state) {
        Ok(state) if state.version == STATE_VERSION => Some(state.memory),
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

fn start_over<T>(had_another_order: bool, notes: &mut Vec<String>) -> Option<T> {
    if had_another_order {
        notes.push("the order was changed: it starts from its beginning".into());
    }
    None
}

fn fill(request: &PlanRequest, mut order: impl Order, notes: Vec<String>) -> Result<PlanAnswer, PlanError> {
    let Window { start_ms, stop_ms } = request.window;
    let mut entries = Vec::new();
    let mut at_ms = start_ms;
    while at_ms < stop_ms {
        if entries.len() == MAX_ENTRIES {
            return Err(PlanError::TooManyEntries);
        }
        let (item, why) = order.next();
        let end_ms = at_ms.checked_add(item.duration_ms).ok_or(PlanError::BadWindow { start_ms, stop_ms })?;
        entries.push(PlanEntry { item: Some(item.id), start_ms: at_ms, stop_ms: end_ms, in_point_ms: 0, why });
        at_ms = end_ms;
    }
    let state = State { version: STATE_VERSION, memory: order.memory() };
    // Strings, numbers and lists only: JSON can hold them all. Were it not so, the next window would start over.
    Ok(PlanAnswer { entries, state: serde_json::to_value(state).unwrap_or(Value::Null), notes })
}

#[cfg(test)]
mod tests;
