//! `GET /api/v1/channels/{id}/error-screen`.

use axum::{Json, extract::State};
use exstreamtv_model::{ChannelId, slate::ScreenChanges};

use crate::http::{HttpState, extract::PathPart, problem::ApiError};

/// Returns what the channel's slates are like where not as the configuration says.
#[utoipa::path(
    get, path = "/channels/{id}/error-screen", tag = "slates", params(("id" = ChannelId, Path)),
    responses((status = OK, body = ScreenChanges))
)]
#[tracing::instrument(name = "http.error_screen.get", skip_all, fields(channel.id = %id))]
pub async fn get(
    State(state): State<HttpState>,
    PathPart(id): PathPart<ChannelId>,
) -> Result<Json<ScreenChanges>, ApiError> {
    state.store.channels().find(id).await?.ok_or_else(|| ApiError::no_channel(id))?;
    Ok(Json(state.store.screens().find(id).await?))
}
