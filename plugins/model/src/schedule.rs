//! The documents of the contract `exstreamtv.scheduler/1`.
//!
//! A scheduler is a function from a [`PlanRequest`] to a [`PlanAnswer`]: no clock, no randomness but the seed, no memory but the state.

use serde::{Deserialize, Serialize};

use crate::{ItemOrder, MediaId, MediaKind};

/// Asks for the timeline of one channel over a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanRequest {
    /// IANA zone of the schedule.
    pub zone: String,
    /// The window to fill, Unix milliseconds; the first entry starts at its start.
    pub window: Window,
    /// What may be played.
    pub pool: Vec<PoolItem>,
    /// How the built-in sequence orders the pool.
    pub order: ItemOrder,
    /// What the previous answer said; `None` for the first window and after a change of strategy.
    pub state: Option<serde_json::Value>,
    /// Source of all randomness.
    pub seed: u64,
}

/// A stretch of time, Unix milliseconds, end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First millisecond.
    pub start_ms: i64,
    /// First millisecond after it.
    pub stop_ms: i64,
}

/// One thing that may be played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    pub show: Option<String>,
    /// Its season.
    pub season: Option<u32>,
    /// Its episode.
    pub episode: Option<u32>,
    /// Its place in a manual collection; `None` where the collection has no order of its own.
    pub position: Option<u32>,
}

/// A timeline for the window: no holes, no overlaps; the last entry may run over the window's end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanAnswer {
    /// Entries in time order.
    pub entries: Vec<PlanEntry>,
    /// Opaque to the host; comes back with the next request. At most 64 KiB.
    pub state: serde_json::Value,
    /// Remarks for people.
    pub notes: Vec<String>,
}

/// One entry of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEntry {
    /// What is played; `None` leaves the channel's slate on air.
    pub item: Option<MediaId>,
    /// First millisecond on air.
    pub start_ms: i64,
    /// First millisecond of what follows.
    pub stop_ms: i64,
    /// Where in the item it begins.
    pub in_point_ms: i64,
    /// Which rule chose it.
    pub why: String,
}
