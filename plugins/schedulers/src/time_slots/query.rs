//! Questions about a schedule.
//!
//! Does: say which slot is on air at a moment, which one is next, and what is on.
//! Does not: change anything; the same question has the same answer however often it is asked.
//! Invariant: the planner sees the same slots at the same times.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use exstreamtv_model::schedule::{PlanEntry, PlanRequest, Window};
use exstreamtv_plugin_sdk::{PlanError, Scheduler};

use super::{
    TimeSlots,
    rules::Rules,
    settings::{TimeSlot, TimeSlotSchedule},
    timeline::{Stretch, Timeline},
};

/// A slot, and from when to when it has the air by the rules alone, before anything runs over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OnAir<'a> {
    /// Which slot.
    pub slot: &'a TimeSlot,
    /// First moment; later than the slot begins where another one had the air before.
    pub start: DateTime<Utc>,
    /// First moment behind it.
    pub stop: DateTime<Utc>,
}

/// Returns the slot on air at `at`, or `None` where the schedule has a hole.
pub fn slot_on_air(schedule: &TimeSlotSchedule, zone: Tz, at: DateTime<Utc>) -> Option<OnAir<'_>> {
    let at_ms = at.timestamp_millis();
    OnAir::of(schedule, timeline(schedule, zone, at_ms).at(at_ms))
}

/// Returns the slot that is on air next after `at`, when what is on then is over; `None` if there never is one.
pub fn next_slot(schedule: &TimeSlotSchedule, zone: Tz, at: DateTime<Utc>) -> Option<OnAir<'_>> {
    let at_ms = at.timestamp_millis();
    let timeline = timeline(schedule, zone, at_ms);
    let mut later = timeline.stretches().filter(|stretch| stretch.start_ms > at_ms);
    later.find_map(|stretch| OnAir::of(schedule, stretch))
}

/// Returns the entry on air at `at`, if the request's window were planned so far; `None` if `at` is before it.
///
/// # Errors
/// Says why there is no plan.
pub fn item_at(request: &PlanRequest, at: DateTime<Utc>) -> Result<Option<PlanEntry>, PlanError> {
    let at_ms = at.timestamp_millis();
    let start_ms = request.window.start_ms;
    if at_ms < start_ms {
        return Ok(None);
    }
    let window = Window { start_ms, stop_ms: at_ms.saturating_add(1) };
    let answer = TimeSlots.plan(&PlanRequest { window, ..request.clone() })?;
    Ok(answer.entries.into_iter().next_back())
}

impl<'a> OnAir<'a> {
    fn of(schedule: &'a TimeSlotSchedule, stretch: Stretch) -> Option<Self> {
        let slot = schedule.slots.get(stretch.airing?.slot)?;
        let moment = DateTime::from_timestamp_millis;
        Some(Self { slot, start: moment(stretch.start_ms)?, stop: moment(stretch.stop_ms)? })
    }
}

fn timeline(schedule: &TimeSlotSchedule, zone: Tz, at_ms: i64) -> Timeline {
    Timeline::around(&Rules::new(schedule, zone).hours, zone, at_ms, at_ms)
}
