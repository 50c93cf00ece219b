//! What is remembered from window to window.
//!
//! Does: hold the place on the timeline, in each order, in each rerun round and in each list of clips, and write it down.
//! Does not: decide.
//! Invariant: what is read back makes no difference to what was written; written down it stays below what the host keeps.

use std::collections::BTreeMap;

use exstreamtv_model::{MediaId, schedule::MAX_STATE_BYTES};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{filler::ClipLog, rerun::Round};
use crate::order::Cursor;

/// The state of a channel of time slots.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Memory {
    version: u32,
    /// First millisecond behind the last entry.
    pub(super) at_ms: i64,
    /// Where the last entry began.
    pub(super) last_start_ms: i64,
    /// The last item that was begun.
    #[serde(default)]
    pub(super) last_item: Option<MediaId>,
    /// The stretch on air.
    pub(super) place: Option<Place>,
    /// The item that has more to come.
    pub(super) open: Option<Open>,
    /// Places in the orders, by the rules' names for them.
    #[serde(default)]
    pub(super) cursors: BTreeMap<String, Cursor>,
    /// Rerun groups, by the name of their cursor.
    #[serde(default)]
    pub(super) rounds: BTreeMap<String, Round>,
    /// Clips, by the key of their pool.
    #[serde(default)]
    pub(super) clips: BTreeMap<String, ClipLog>,
}

/// A stretch of the timeline that is on air, perhaps early or late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Where the stretch begins by the rules.
    pub(super) start_ms: i64,
    /// Whose it is.
    pub(super) rule: String,
    /// By how much its end has moved.
    pub(super) shift_ms: i64,
    /// How late it began, where it must make up for that itself.
    pub(super) late_ms: i64,
    /// Whether an item of its own was on.
    pub(super) begun: bool,
}

/// An item that was stopped, for a break or by an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Open {
    pub(super) item: MediaId,
    /// Where in the item it goes on.
    pub(super) resume_ms: i64,
    /// When it was stopped.
    pub(super) paused_ms: i64,
    /// When it must end at the latest.
    pub(super) until_ms: i64,
}

impl Memory {
    /// Reads a state; what cannot be read is no reason to stay off the air.
    pub(super) fn read(state: Option<&Value>, notes: &mut impl Extend<String>) -> Self {
        let Some(state) = state.filter(|state| !state.is_null()) else { return Self::default() };
        match Self::deserialize(state) {
            Ok(memory) if memory.version == VERSION => return memory,
            Ok(memory) => {
                let version = memory.version;
                notes.extend([format!("the previous state is of version {version}: all orders start over")]);
            }
            Err(error) => notes.extend([format!("the previous state cannot be read ({error}): all orders start over")]),
        }
        Self::default()
    }

    /// Writes the state down; places that there is no room for are given up, least needed first.
    pub(super) fn write(mut self, notes: &mut impl Extend<String>) -> Value {
        self.version = VERSION;
        let mut written = self.to_value();
        while written.to_string().len() > MAX_STATE_BYTES {
            // Clips can be spared before places in a series.
            let largest = |sizes: &mut dyn Iterator<Item = (usize, &String)>| sizes.max().map(|(_, key)| key.clone());
            if let Some(key) = largest(&mut self.clips.iter().map(|(key, log)| (log.len(), key))) {
                self.clips.remove(&key);
            } else if let Some(key) = largest(&mut self.rounds.iter().map(|(key, round)| (round.len(), key))) {
                self.rounds.remove(&key);
            } else if let Some((key, _)) = self.cursors.pop_last() {
                notes.extend([format!("there are too many orders to remember: {key:?} starts over next time")]);
            } else {
                break;
            }
            written = self.to_value();
        }
        written
    }

    fn to_value(&self) -> Value {
        // Strings, numbers and lists only: JSON can hold them all. Were it not so, the next window would start over.
        serde_json::to_value(self).unwrap_or(Value::Null)
    }
}

const VERSION: u32 = 1;
