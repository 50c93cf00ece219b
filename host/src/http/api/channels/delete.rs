//! `DELETE /api/v1/channels/{id}`.

use axum::{extract::State, http::StatusCode};
use exstreamtv_model::ChannelId;

use crate::http::{HttpState, extract::PathPart, problem::ApiError};

/// Removes a channel and its timeline; who watches it is sent away.
#[utoipa::path(
    delete, path = "/channels/{id}", tag = "channels", params(("id" = ChannelId, Path)),
    responses((status = NO_CONTENT, description = "It is gone"))
)]
#[tracing::instrument(name = "http.channels.delete", skip_all, fields(channel.id = %id))]
pub async fn delete(State(state): State<HttpState>, PathPart(id): PathPart<ChannelId>) -> Result<StatusCode, ApiError> {
    if !state.store.channels().delete(id).await? {
        return Err(ApiError::no_channel(id));
    }
    tracing::info!(channel.id = %id, "channel removed");
    state.playout.rebuild(id);
    Ok(StatusCode::NO_CONTENT)
}
