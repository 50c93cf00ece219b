//! The shipped schedulers.
//!
//! Does: fill a channel's time from what it may play.
//! Does not: read a clock, a file, the environment or a random number that is not in the request.
//! Invariant: the same request gives the same answer, on any machine and in any version.

use exstreamtv_model::schedule::{PoolItem, Window};
use exstreamtv_plugin_sdk::PlanError;

mod balance;
mod order;
mod sequence;
mod settings;
mod time_slots;

pub use balance::{
    AllResting, Balance, BalanceMode, BalanceSchedule, BalanceSource, Distribution, FallbackSource, SourceShare,
    distribution,
};
pub use order::OrderMode;
pub use sequence::{Sequence, SequenceSchedule};
pub use time_slots::{
    OnAir, TimeSlot, TimeSlotBreaks, TimeSlotFiller, TimeSlotFlexMode, TimeSlotLateness, TimeSlotPaddingMode,
    TimeSlotSchedule, TimeSlots, item_at, next_slot, slot_on_air,
};

/// Refuses a window or an item without length before anything is laid.
fn check<'i>(window: Window, items: impl IntoIterator<Item = &'i PoolItem>) -> Result<(), PlanError> {
    let Window { start_ms, stop_ms } = window;
    if stop_ms <= start_ms {
        return Err(PlanError::BadWindow { start_ms, stop_ms });
    }
    match items.into_iter().find(|item| item.duration_ms <= 0) {
        Some(item) => Err(PlanError::BadItem { item: item.id, duration_ms: item.duration_ms }),
        None => Ok(()),
    }
}
