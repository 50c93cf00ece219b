//! The documents of the contract `exstreamtv.scheduler/1`.
//!
//! A scheduler is two functions: from a [`PrepareRequest`] to a [`Preparation`] (are these settings right, and what do they draw from?) and from a
//! [`PlanRequest`] to a [`PlanAnswer`]: no clock, no randomness but the seed, no memory but the state.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{EntryKind, MediaId, MediaKind, collection::MediaQuery};

/// Asks a scheduler what it needs for its settings, before it is ever asked to plan. Answered by [`Preparation`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrepareRequest {
    /// IANA zone of the schedule.
    pub zone: String,
    /// The strategy's own document, as a person wrote it.
    pub settings: serde_json::Value,
}

/// What a scheduler says about its settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Preparation {
    /// What is wrong with the settings; settings with a fault are not stored.
    pub faults: Vec<SettingsFault>,
    /// The pools that a plan will need. Without settings faults the host offers exactly these.
    pub pools: Vec<PoolNeed>,
}

/// One thing that is wrong with settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettingsFault {
    /// Where: "slots[2].start_time"; empty for the whole document.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// A set of items that a plan draws from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PoolNeed {
    /// The strategy's name for it; comes back as [`Pool::key`].
    pub key: String,
    /// Where its items come from.
    pub source: PoolSource,
}

/// Where the items of a pool come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PoolSource {
    /// The collection that the channel itself names.
    Channel,
    /// A collection, by its id or by its name.
    Collection {
        /// Id or name.
        collection_id: String,
    },
    /// All episodes of one series, by its whole title, ignoring case.
    Show {
        /// Its title.
        show: String,
    },
    /// Whatever matches.
    Query {
        /// The conditions.
        query: MediaQuery,
    },
}

/// Asks for the timeline of one channel over a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlanRequest {
    /// Whose timeline it is; names it in notes, and must not change the plan.
    #[serde(default)]
    pub channel: String,
    /// IANA zone of the schedule.
    pub zone: String,
    /// The window to fill, Unix milliseconds; the first entry starts at its start.
    pub window: Window,
    /// The strategy's own document.
    #[serde(default)]
    pub settings: serde_json::Value,
    /// What may be played, one pool per need. A strategy that was never asked for its needs gets the channel's collection as the pool "main".
    pub pools: Vec<Pool>,
    /// What the previous answer said; `None` for the first window and after a change of strategy.
    pub state: Option<serde_json::Value>,
    /// Source of all randomness; a string, because 64-bit numbers do not survive JavaScript.
    #[serde(with = "text_u64")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub seed: u64,
    /// What was put on the timeline after `state` was given and stays there, in time order. Empty in the ordinary case, where the window begins
    /// right behind the previous answer; after an edit the strategy goes on as if `state` had advanced by just these.
    #[serde(default)]
    pub aired: Vec<PlanEntry>,
}

/// The pool of a strategy that plays one collection.
pub const MAIN_POOL: &str = "main";

/// A set of items on offer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pool {
    /// The name that the strategy gave to its need.
    pub key: String,
    /// How many items there are. More than `items` holds: the rest is read with the host's `pool_page` query, as the SDK does.
    pub count: u64,
    /// The items, or the first of them.
    pub items: Vec<PoolItem>,
}

/// Asks the host for more items of a pool, during a call. Answered by [`PoolPage`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PoolPageRequest {
    /// The pool's key.
    pub pool: String,
    /// How many items to skip.
    pub offset: u64,
    /// How many at most; the host gives fewer where it likes, and none only at the end.
    pub limit: u32,
}

/// Some items of a pool.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PoolPage {
    /// The items from `offset` on.
    pub items: Vec<PoolItem>,
}

/// A stretch of time, Unix milliseconds, end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Window {
    /// First millisecond.
    pub start_ms: i64,
    /// First millisecond after it.
    pub stop_ms: i64,
}

/// One thing that may be played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PoolItem {
    /// Which media.
    pub id: MediaId,
    /// Its length; at least 1.
    pub duration_ms: i64,
    /// Its kind.
    pub kind: MediaKind,
    /// Its title.
    pub title: String,
    /// Its series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<String>,
    /// Its season.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub season: Option<u32>,
    /// Its episode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<u32>,
    /// Its place in a manual collection; `None` where the collection has no order of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// Where its chapters begin, inside the item, ascending; places for breaks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chapters_ms: Vec<i64>,
}

/// A timeline for the window: no holes, no overlaps; the last entry may run over the window's end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlanAnswer {
    /// Entries in time order.
    pub entries: Vec<PlanEntry>,
    /// Opaque to the host; comes back with the next request. At most 64 KiB.
    #[serde(default)]
    pub state: serde_json::Value,
    /// Remarks for people.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// One entry of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlanEntry {
    /// What is played; `None` leaves the channel's slate on air.
    pub item: Option<MediaId>,
    /// First millisecond on air.
    pub start_ms: i64,
    /// First millisecond of what follows.
    pub stop_ms: i64,
    /// Where in the item it begins.
    #[serde(default)]
    pub in_point_ms: i64,
    /// What it is to a viewer; an entry without an item is a slate whatever this says.
    #[serde(default = "programme")]
    pub kind: EntryKind,
    /// The slot or source that it comes from, the strategy's own word; comes back in [`PlanRequest::aired`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rule: String,
    /// Which rule chose it, in words for people.
    #[serde(default)]
    pub why: String,
}

fn programme() -> EntryKind {
    EntryKind::Programme
}

impl PlanRequest {
    /// Returns the items of the pool `key`; none if there is no such pool.
    pub fn pool(&self, key: &str) -> &[PoolItem] {
        self.pools.iter().find(|pool| pool.key == key).map_or(&[], |pool| &pool.items)
    }
}

impl Pool {
    /// Returns a pool that holds all its items.
    pub fn whole(key: &str, items: Vec<PoolItem>) -> Self {
        Self { key: key.to_owned(), count: items.len() as u64, items }
    }
}

/// Numbers of 64 bits as text.
mod text_u64 {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| de::Error::custom(format_args!("not an unsigned number: {text:?}")))
    }
}

/// Most bytes of state, written as JSON.
pub const MAX_STATE_BYTES: usize = 64 * 1024;

/// Most entries of one answer: two days of one-second clips fit.
pub const MAX_ENTRIES: usize = 200_000;

/// Why an answer cannot go on air; the host refuses it, whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// There is nothing in it.
    #[error("use an answer without entries")]
    NoEntries,
    /// There is too much in it.
    #[error("use an answer of {count} entries: at most {MAX_ENTRIES} are allowed")]
    TooManyEntries {
        /// How many there are.
        count: usize,
    },
    /// An entry ends where it starts, or before.
    #[error("use entry {index}: it lasts from {start_ms} to {stop_ms} ms, which is no time at all")]
    NoLength {
        /// Which entry.
        index: usize,
        /// Its start.
        start_ms: i64,
        /// Its stop.
        stop_ms: i64,
    },
    /// An entry starts after the one before it stops, or the first one after the window starts.
    #[error("use entry {index}: it starts at {start_ms} ms and leaves a hole after {expected_ms} ms")]
    Gap {
        /// Which entry.
        index: usize,
        /// Where it must start.
        expected_ms: i64,
        /// Where it starts.
        start_ms: i64,
    },
    /// An entry starts before the one before it stops, or the first one before the window starts.
    #[error("use entry {index}: it starts at {start_ms} ms, before {expected_ms} ms where it must")]
    Overlap {
        /// Which entry.
        index: usize,
        /// Where it must start.
        expected_ms: i64,
        /// Where it starts.
        start_ms: i64,
    },
    /// The entries stop before the window does.
    #[error("use an answer that stops at {stop_ms} ms: the window lasts until {window_stop_ms} ms")]
    TooShort {
        /// Where the last entry stops.
        stop_ms: i64,
        /// Where the window stops.
        window_stop_ms: i64,
    },
    /// An entry lies behind the window altogether.
    #[error("use entry {index}: it starts at {start_ms} ms, when the window is over")]
    BehindWindow {
        /// Which entry.
        index: usize,
        /// Where it starts.
        start_ms: i64,
    },
    /// An entry plays what was not offered.
    #[error("use entry {index}: item {item} was not offered")]
    UnknownItem {
        /// Which entry.
        index: usize,
        /// What it plays.
        item: MediaId,
    },
    /// An entry plays a part that its item does not have.
    #[error("use entry {index}: it plays {length_ms} ms from {in_point_ms} ms of an item of {duration_ms} ms")]
    OutsideItem {
        /// Which entry.
        index: usize,
        /// Where in the item it begins.
        in_point_ms: i64,
        /// How long it lasts.
        length_ms: i64,
        /// How long the item is.
        duration_ms: i64,
    },
    /// The state is larger than the host keeps.
    #[error("keep {bytes} bytes of state: at most {MAX_STATE_BYTES} are kept")]
    StateTooLarge {
        /// Its size as JSON.
        bytes: usize,
    },
}

impl PlanAnswer {
    /// Checks the answer against what was asked; every answer from a plugin passes here before it is stored. The request must hold all items.
    ///
    /// # Errors
    /// Names the first fault.
    pub fn check(&self, request: &PlanRequest) -> Result<(), AnswerFault> {
        match self.entries.len() {
            0 => return Err(AnswerFault::NoEntries),
            count if count > MAX_ENTRIES => return Err(AnswerFault::TooManyEntries { count }),
            _ => {}
        }
        let offered = request.pools.iter().flat_map(|pool| &pool.items);
        let durations_ms: HashMap<_, _> = offered.map(|item| (item.id, item.duration_ms)).collect();
        let mut expected_ms = request.window.start_ms;
        for (index, entry) in self.entries.iter().enumerate() {
            entry.check_time(index, expected_ms, request.window)?;
            entry.check_item(index, &durations_ms)?;
            expected_ms = entry.stop_ms;
        }
        if expected_ms < request.window.stop_ms {
            return Err(AnswerFault::TooShort { stop_ms: expected_ms, window_stop_ms: request.window.stop_ms });
        }
        match self.state.to_string().len() {
            bytes if bytes > MAX_STATE_BYTES => Err(AnswerFault::StateTooLarge { bytes }),
            _ => Ok(()),
        }
    }
}

impl PlanEntry {
    fn check_time(&self, index: usize, expected_ms: i64, window: Window) -> Result<(), AnswerFault> {
        let Self { start_ms, stop_ms, .. } = *self;
        if start_ms > expected_ms {
            return Err(AnswerFault::Gap { index, expected_ms, start_ms });
        }
        if start_ms < expected_ms {
            return Err(AnswerFault::Overlap { index, expected_ms, start_ms });
        }
        if start_ms >= window.stop_ms {
            return Err(AnswerFault::BehindWindow { index, start_ms });
        }
        if stop_ms <= start_ms {
            return Err(AnswerFault::NoLength { index, start_ms, stop_ms });
        }
        Ok(())
    }

    fn check_item(&self, index: usize, durations_ms: &HashMap<MediaId, i64>) -> Result<(), AnswerFault> {
        // A plugin's numbers may be anything, so sums must not overflow; a length that does lies outside every item.
        let (in_point_ms, length_ms) = (self.in_point_ms, self.stop_ms.saturating_sub(self.start_ms));
        let Some(item) = self.item else {
            // A slate has no inside to begin in.
            return if in_point_ms == 0 {
                Ok(())
            } else {
                Err(AnswerFault::OutsideItem { index, in_point_ms, length_ms, duration_ms: 0 })
            };
        };
        let duration_ms = *durations_ms.get(&item).ok_or(AnswerFault::UnknownItem { index, item })?;
        let inside = in_point_ms >= 0 && in_point_ms.checked_add(length_ms).is_some_and(|end| end <= duration_ms);
        if inside { Ok(()) } else { Err(AnswerFault::OutsideItem { index, in_point_ms, length_ms, duration_ms }) }
    }
}

#[cfg(test)]
mod tests;
