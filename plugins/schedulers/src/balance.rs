//! Several sources share a channel's time by weight.
//!
//! Does: fill a window back to back, each item in full, so that every source gets its share, rests when it must, and is not on too often in a row.
//! Does not: know what time of day it is; a rest is counted from entry to entry.
//! Invariant: an answer takes a bounded number of steps, whatever rests; windows of any size give the same timeline as one large window.

use exstreamtv_model::{
    EntryKind,
    schedule::{MAX_ENTRIES, PlanAnswer, PlanEntry, PlanRequest, Preparation, PrepareRequest, Window},
};
use exstreamtv_plugin_sdk::{PlanError, Scheduler};
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod distribution;
mod rota;
mod selection;
mod settings;

pub use distribution::{Distribution, SourceShare, distribution};
use rota::{Next, Rota, RotaState};
pub use settings::{AllResting, BalanceMode, BalanceSchedule, BalanceSource, FallbackSource};

/// Shares a channel's time among sources by weight.
#[derive(Debug, Clone, Copy, Default)]
pub struct Balance;

impl Balance {
    /// The name by which channels ask for it.
    pub const ID: &str = "exstreamtv.balance";
}

impl Scheduler for Balance {
    fn prepare(&self, request: &PrepareRequest) -> Preparation {
        let schedule: BalanceSchedule = match crate::settings::read(&request.settings) {
            Ok(schedule) => schedule,
            Err(fault) => return Preparation { faults: vec![fault], pools: Vec::new() },
        };
        match schedule.faults() {
            faults if faults.is_empty() => Preparation { faults, pools: schedule.needs() },
            faults => Preparation { faults, pools: Vec::new() },
        }
    }

    fn plan(&self, request: &PlanRequest) -> Result<PlanAnswer, PlanError> {
        let schedule = read(request)?;
        crate::check(request.window, request.pools.iter().flat_map(|pool| &pool.items))?;
        let mut notes = Vec::new();
        let state = recall(request.state.as_ref(), &mut notes);
        let begin_ms = request.aired.first().map_or(request.window.start_ms, |entry| entry.start_ms);
        let mut rota = Rota::new(&schedule, request, state, begin_ms);
        notes.extend(rota.empty().map(|name| format!("{name} has nothing to play")));
        for entry in &request.aired {
            if !rota.fold(entry) {
                let name = &entry.rule;
                notes.push(format!("an item of {name} is gone: its order goes on from where it was planned to"));
            }
        }
        let entries = fill(request.window, &mut rota)?;
        notes.extend(distribution(&schedule, &entries).remarks());
        let state = State { version: STATE_VERSION, rota: rota.state() };
        // Strings, numbers and lists only: JSON can hold them all. Were it not so, the next window would start over.
        Ok(PlanAnswer { entries, state: serde_json::to_value(state).unwrap_or(Value::Null), notes })
    }
}

/// What is remembered between windows.
#[derive(Serialize, Deserialize)]
struct State {
    version: u32,
    rota: RotaState,
}

const STATE_VERSION: u32 = 1;

fn read(request: &PlanRequest) -> Result<BalanceSchedule, PlanError> {
    let schedule: BalanceSchedule =
        crate::settings::read(&request.settings).map_err(|fault| PlanError::BadSettings { fault })?;
    match schedule.faults().into_iter().next() {
        Some(fault) => Err(PlanError::BadSettings { fault }),
        None => Ok(schedule),
    }
}

/// Reads the state; what cannot be read is no reason to stay off the air.
fn recall(state: Option<&Value>, notes: &mut Vec<String>) -> RotaState {
    let Some(state) = state.filter(|state| !state.is_null()) else { return RotaState::default() };
    match State::deserialize(state) {
        Ok(state) if state.version == STATE_VERSION => state.rota,
        Ok(state) => {
            notes.push(format!("the previous state is of version {}: every source starts over", state.version));
            RotaState::default()
        }
        Err(error) => {
            notes.push(format!("the previous state cannot be read ({error}): every source starts over"));
            RotaState::default()
        }
    }
}

fn fill(window: Window, rota: &mut Rota<'_>) -> Result<Vec<PlanEntry>, PlanError> {
    let Window { start_ms, stop_ms } = window;
    let mut entries = Vec::new();
    let mut at_ms = start_ms;
    while at_ms < stop_ms {
        if entries.len() == MAX_ENTRIES {
            return Err(PlanError::TooManyEntries);
        }
        let entry = match rota.next(at_ms) {
            Next::Item(item, source, why) => {
                let end_ms = at_ms.checked_add(item.duration_ms).ok_or(PlanError::BadWindow { start_ms, stop_ms })?;
                let rule = source.to_owned();
                PlanEntry { item: Some(item.id), kind: EntryKind::Programme, rule, ..slate(at_ms, end_ms, why) }
            }
            Next::Rest { until_ms, source } => slate(at_ms, until_ms, format!("every source rests; {source} is next")),
            Next::Nothing => slate(at_ms, stop_ms, "nothing to play".into()),
        };
        at_ms = entry.stop_ms;
        entries.push(entry);
    }
    Ok(entries)
}

fn slate(start_ms: i64, stop_ms: i64, why: String) -> PlanEntry {
    PlanEntry { item: None, start_ms, stop_ms, in_point_ms: 0, kind: EntryKind::Slate, rule: String::new(), why }
}

#[cfg(test)]
mod tests;
