//! `/api/v1/channels/{id}/schedule`: what fills a channel's time, now and from a chosen time on.
//!
//! Does: name the documents, and turn what is wrong with settings into a problem that points at each mistake.
//! Does not: plan; the playout does, and nothing changes before the chosen time.

pub mod delete;
pub mod get;
pub mod preview;
pub mod replace;

use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_model::{Channel, ChannelId, Schedule, schedule::SettingsFault};
use exstreamtv_store::{Store, StoreError, WaitingSchedule};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::{HttpState, problem::ApiError};

/// The schedules of a channel.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScheduleView {
    /// The schedule in force; absent where the channel plays its collection in its order.
    schedule: Option<Schedule>,
    /// What takes over later.
    waiting: Option<WaitingView>,
}

/// A schedule that takes over later.
#[derive(Debug, Serialize, ToSchema)]
struct WaitingView {
    /// From when on, RFC 3339.
    from: DateTime<Utc>,
    /// The schedule; absent where the channel goes back to its collection in its order.
    schedule: Option<Schedule>,
}

/// A new schedule.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleChange {
    /// The scheduler plugin's id: "exstreamtv.time-slots".
    strategy: String,
    /// Its own document.
    #[serde(default)]
    settings: serde_json::Value,
    /// From when on, RFC 3339; without it, from the end of what is on air.
    #[serde(default)]
    from: Option<DateTime<Utc>>,
}

impl ScheduleView {
    async fn read(store: &Store, channel: Channel) -> Result<Self, StoreError> {
        let waiting = store.schedules().waiting(channel.id).await?;
        let waiting = waiting.map(|WaitingSchedule { from, schedule }| WaitingView { from, schedule });
        Ok(Self { schedule: channel.schedule, waiting })
    }
}

/// Checks a schedule; `place` is the JSON pointer to it.
///
/// # Errors
/// Points at each mistake.
pub async fn check(state: &HttpState, channel: &Channel, schedule: &Schedule, place: &str) -> Result<(), ApiError> {
    let faults = state.playout.check(channel, schedule).await?;
    let pointed = |fault: SettingsFault| (format!("{place}{}", pointer(&fault.path)), fault.message);
    match faults.is_empty() {
        true => Ok(()),
        false => Err(ApiError::Faults(faults.into_iter().map(pointed).collect())),
    }
}

/// Writes "settings.slots\[2\].start_time" as a JSON pointer.
fn pointer(path: &str) -> String {
    let parts = path.split(['.', '[']).map(|part| part.trim_end_matches(']')).filter(|part| !part.is_empty());
    parts.map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect()
}

/// Returns the time that a client chose, as soon as feeds can follow.
fn chosen_time(from: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, ApiError> {
    match from {
        Some(from) if from < now - TOLERANCE => Err(ApiError::invalid("/from", "it lies in the past")),
        chosen => Ok(chosen.map(|from| from.max(now + LEAD))),
    }
}

/// Stores a schedule and tells the playout from where on it holds.
async fn set(
    state: &HttpState,
    id: ChannelId,
    schedule: Option<&Schedule>,
    from: Option<DateTime<Utc>>,
) -> Result<(), ApiError> {
    let before = state.store.schedules().waiting(id).await?;
    if !state.store.schedules().set(id, schedule, from).await? {
        return Err(ApiError::no_channel(id));
    }
    tracing::info!(channel.id = %id, strategy = schedule.map(|schedule| schedule.strategy.as_str()), ?from, "schedule changed");
    match (from, before) {
        (None, _) => state.playout.rebuild(id),
        // What waited before has rows already; they go, too.
        (Some(from), Some(before)) => state.playout.switch(id, from.min(before.from)),
        (Some(from), None) => state.playout.switch(id, from),
    }
    Ok(())
}

/// A chosen time that the network made late is not in the past.
const TOLERANCE: TimeDelta = TimeDelta::minutes(1);
/// Feeds are some seconds ahead of the clock.
const LEAD: TimeDelta = TimeDelta::seconds(10);

#[cfg(test)]
mod tests;
