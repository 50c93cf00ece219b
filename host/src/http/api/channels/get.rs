//! `GET /api/v1/channels/{id}`.

use axum::{Json, extract::State};
use exstreamtv_model::ChannelId;

use super::ChannelView;
use crate::http::{HttpState, extract::PathPart, problem::ApiError};

/// Returns one channel.
#[utoipa::path(
    get, path = "/channels/{id}", tag = "channels", params(("id" = ChannelId, Path)),
    responses((status = OK, body = ChannelView))
)]
#[tracing::instrument(name = "http.channels.get", skip_all, fields(channel.id = %id))]
pub async fn get(
    State(state): State<HttpState>,
    PathPart(id): PathPart<ChannelId>,
) -> Result<Json<ChannelView>, ApiError> {
    let channel = state.store.channels().find(id).await?.ok_or_else(|| ApiError::no_channel(id))?;
    Ok(Json(channel.into()))
}
