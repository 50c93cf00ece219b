//! `GET /api/v1/channels/{id}/schedule`.

use axum::{Json, extract::State};
use exstreamtv_model::ChannelId;

use super::ScheduleView;
use crate::http::{HttpState, extract::PathPart, problem::ApiError};

/// Returns the schedule in force, and the one that waits.
#[utoipa::path(
    get, path = "/channels/{id}/schedule", tag = "schedule", params(("id" = ChannelId, Path)),
    responses((status = OK, body = ScheduleView))
)]
#[tracing::instrument(name = "http.schedule.get", skip_all, fields(channel.id = %id))]
pub async fn get(
    State(state): State<HttpState>,
    PathPart(id): PathPart<ChannelId>,
) -> Result<Json<ScheduleView>, ApiError> {
    let channel = state.store.channels().find(id).await?.ok_or_else(|| ApiError::no_channel(id))?;
    Ok(Json(ScheduleView::read(&state.store, channel).await?))
}
