//! `PUT /api/v1/channels/{id}`.

use axum::{Json, extract::State};
use exstreamtv_model::ChannelId;

use super::{ChannelFields, ChannelView};
use crate::http::{
    HttpState,
    extract::{JsonBody, PathPart},
    problem::ApiError,
};

/// Sets every field of a channel; an absent one takes its default. What is on air stays until its end.
#[utoipa::path(
    put, path = "/channels/{id}", tag = "channels", params(("id" = ChannelId, Path)), request_body = ChannelFields,
    responses((status = OK, body = ChannelView))
)]
#[tracing::instrument(name = "http.channels.replace", skip_all, fields(channel.id = %id))]
pub async fn replace(
    State(state): State<HttpState>,
    PathPart(id): PathPart<ChannelId>,
    JsonBody(fields): JsonBody<ChannelFields>,
) -> Result<Json<ChannelView>, ApiError> {
    save(&state, id, fields).await.map(Json)
}

/// Checks and saves a channel's fields and tells the playout.
pub async fn save(state: &HttpState, id: ChannelId, fields: ChannelFields) -> Result<ChannelView, ApiError> {
    fields.check(state).await?;
    let before = state.store.channels().find(id).await?.ok_or_else(|| ApiError::no_channel(id))?;
    let channel = fields.into_channel(id);
    if !state.store.channels().update(&channel).await? {
        return Err(ApiError::no_channel(id));
    }
    if channel.schedule != before.schedule {
        // One that still waited is forgotten.
        state.store.schedules().set(id, channel.schedule.as_ref(), None).await?;
    }
    tracing::info!(channel.id = %id, "channel changed");
    state.playout.rebuild(id);
    Ok(channel.into())
}
