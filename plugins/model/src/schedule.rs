//! The documents of the contract `exstreamtv.scheduler/1`.
//!
//! A scheduler is a function from a [`PlanRequest`] to a [`PlanAnswer`]: no clock, no randomness but the seed, no memory but the state.

use std::collections::HashMap;

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
    /// What is on air right before the window where the timeline was cut there, so that `state` is ahead of it; else `None`.
    #[serde(default)]
    pub after: Option<MediaId>,
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
    /// Checks the answer against what was asked; every answer from a plugin passes here before it is stored.
    ///
    /// # Errors
    /// Names the first fault.
    pub fn check(&self, request: &PlanRequest) -> Result<(), AnswerFault> {
        match self.entries.len() {
            0 => return Err(AnswerFault::NoEntries),
            count if count > MAX_ENTRIES => return Err(AnswerFault::TooManyEntries { count }),
            _ => {}
        }
        let durations_ms: HashMap<_, _> = request.pool.iter().map(|item| (item.id, item.duration_ms)).collect();
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
