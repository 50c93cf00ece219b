//! A day or a week in slots.
//!
//! Does: fill civil time slot by slot: items in order, cut, extended or packed; gaps with clips; holes with a default.
//! Does not: keep anything but its state; the window's size makes no difference to the plan.
//! Invariant: an answer takes a bounded number of steps, and empty collections leave the slate on air.

use chrono::TimeDelta;
use chrono_tz::Tz;
use exstreamtv_model::schedule::{PlanAnswer, PlanRequest, Preparation, PrepareRequest, SettingsFault, Window};
use exstreamtv_plugin_sdk::{PlanError, Scheduler};
use serde_json::Value;

mod breaks;
mod civil;
mod faults;
mod filler;
mod lay;
mod memory;
mod pack;
mod planner;
mod query;
mod rerun;
mod rules;
mod settings;
mod timeline;

pub use query::{OnAir, item_at, next_slot, slot_on_air};
pub use settings::{
    TimeSlot, TimeSlotBreaks, TimeSlotFiller, TimeSlotFlexMode, TimeSlotLateness, TimeSlotPaddingMode, TimeSlotSchedule,
};

use planner::Planner;
use rules::Rules;

/// Plays what belongs to the hour, by a [`TimeSlotSchedule`].
#[derive(Debug, Clone, Copy, Default)]
pub struct TimeSlots;

impl TimeSlots {
    /// The name by which channels ask for it.
    pub const ID: &'static str = "exstreamtv.time-slots";
}

impl Scheduler for TimeSlots {
    fn prepare(&self, request: &PrepareRequest) -> Preparation {
        let zone = request.zone.parse::<Tz>();
        let mut faults = Vec::new();
        if zone.is_err() {
            let message =
                format!("{:?} is no time zone of the IANA database: write it like \"Europe/Berlin\"", request.zone);
            faults.push(SettingsFault { path: String::new(), message });
        }
        match read(&request.settings) {
            Ok(schedule) => {
                faults.extend(faults::find(&schedule));
                let pools = Rules::new(&schedule, zone.unwrap_or(Tz::UTC)).pools();
                Preparation { faults, pools }
            }
            Err(fault) => {
                faults.push(fault);
                Preparation { faults, pools: Vec::new() }
            }
        }
    }

    fn plan(&self, request: &PlanRequest) -> Result<PlanAnswer, PlanError> {
        crate::check(request.window, request.pools.iter().flat_map(|pool| &pool.items))?;
        check_span(request.window)?;
        let zone = request.zone.parse().map_err(|_| PlanError::BadZone { zone: request.zone.clone() })?;
        let schedule = read(&request.settings).map_err(|fault| PlanError::BadSettings { fault })?;
        if let Some(fault) = faults::find(&schedule).into_iter().next() {
            return Err(PlanError::BadSettings { fault });
        }
        let rules = Rules::new(&schedule, zone);
        Planner::new(request, &rules).run(&request.aired, request.window)
    }
}

/// Reads the settings; none at all are an empty document.
fn read(settings: &Value) -> Result<TimeSlotSchedule, SettingsFault> {
    if settings.is_null() { Ok(TimeSlotSchedule::default()) } else { crate::settings::read(settings) }
}

/// Refuses windows for which calendars would be turned over for hours.
fn check_span(Window { start_ms, stop_ms }: Window) -> Result<(), PlanError> {
    let too_long = stop_ms.checked_sub(start_ms).is_none_or(|length_ms| length_ms > MAX_WINDOW.num_milliseconds());
    if too_long || start_ms < -planner::LAST_MS || stop_ms > planner::LAST_MS {
        return Err(PlanError::BadWindow { start_ms, stop_ms });
    }
    Ok(())
}

/// Longer than any guide.
const MAX_WINDOW: TimeDelta = TimeDelta::days(400);
