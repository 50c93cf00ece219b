//! `DELETE /api/v1/channels/{id}/error-screen`.

use axum::{extract::State, http::StatusCode};
use exstreamtv_model::{ChannelId, slate::ScreenChanges};

use super::set;
use crate::http::{HttpState, extract::PathPart, problem::ApiError};

/// Lets the channel's slates be as the configuration says.
#[utoipa::path(
    delete, path = "/channels/{id}/error-screen", tag = "slates", params(("id" = ChannelId, Path)),
    responses((status = NO_CONTENT, description = "It has no wishes of its own any more"))
)]
#[tracing::instrument(name = "http.error_screen.delete", skip_all, fields(channel.id = %id))]
pub async fn delete(State(state): State<HttpState>, PathPart(id): PathPart<ChannelId>) -> Result<StatusCode, ApiError> {
    set(&state, id, &ScreenChanges::default()).await?;
    Ok(StatusCode::NO_CONTENT)
}
