//! `PUT /api/v1/channels/{id}/error-screen`.

use axum::{Json, extract::State};
use exstreamtv_model::{ChannelId, slate::ScreenChanges};

use super::{refused, set};
use crate::http::{
    HttpState,
    extract::{JsonBody, PathPart},
    problem::ApiError,
};

/// Says what the channel's slates are like; keys that are left out are as the configuration says. A slate that is on air follows.
#[utoipa::path(
    put, path = "/channels/{id}/error-screen", tag = "slates", params(("id" = ChannelId, Path)), request_body = ScreenChanges,
    responses((status = OK, body = ScreenChanges))
)]
#[tracing::instrument(name = "http.error_screen.replace", skip_all, fields(channel.id = %id))]
pub async fn replace(
    State(state): State<HttpState>,
    PathPart(id): PathPart<ChannelId>,
    JsonBody(changes): JsonBody<ScreenChanges>,
) -> Result<Json<ScreenChanges>, ApiError> {
    changes.check().map_err(|error| refused(&error, ""))?;
    set(&state, id, &changes).await?;
    Ok(Json(changes))
}
