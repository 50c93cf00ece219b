//! `PUT /api/v1/channels/{id}/schedule`.

use axum::{Json, extract::State};
use exstreamtv_model::{ChannelId, Schedule};

use super::{ScheduleChange, ScheduleView, check, chosen_time, set};
use crate::http::{
    HttpState,
    extract::{JsonBody, PathPart},
    problem::ApiError,
};

/// Gives a channel another schedule, from the end of what is on air or from a chosen time on. Nothing changes before; a row that is
/// on air at the chosen time ends there. A schedule that still waited is forgotten.
#[utoipa::path(
    put, path = "/channels/{id}/schedule", tag = "schedule", params(("id" = ChannelId, Path)), request_body = ScheduleChange,
    responses((status = OK, body = ScheduleView))
)]
#[tracing::instrument(name = "http.schedule.replace", skip_all, fields(channel.id = %id))]
pub async fn replace(
    State(state): State<HttpState>,
    PathPart(id): PathPart<ChannelId>,
    JsonBody(change): JsonBody<ScheduleChange>,
) -> Result<Json<ScheduleView>, ApiError> {
    let channel = state.store.channels().find(id).await?.ok_or_else(|| ApiError::no_channel(id))?;
    let ScheduleChange { strategy, settings, from } = change;
    let schedule = Schedule { strategy, settings };
    let from = chosen_time(from, state.clock.now())?;
    check(&state, &channel, &schedule, "").await?;
    set(&state, id, Some(&schedule), from).await?;
    let channel = state.store.channels().find(id).await?.ok_or_else(|| ApiError::no_channel(id))?;
    Ok(Json(ScheduleView::read(&state.store, channel).await?))
}
