//! `POST /api/v1/channels`.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};

use super::{ChannelFields, ChannelView};
use crate::http::{HttpState, extract::JsonBody, problem::ApiError};

/// Adds a channel; its timeline is planned at once.
#[utoipa::path(
    post, path = "/channels", tag = "channels", request_body = ChannelFields,
    responses((status = CREATED, body = ChannelView, headers(("Location" = String, description = "The new channel"))))
)]
#[tracing::instrument(name = "http.channels.create", skip_all)]
pub async fn create(
    State(state): State<HttpState>,
    JsonBody(fields): JsonBody<ChannelFields>,
) -> Result<impl IntoResponse, ApiError> {
    fields.check(&state).await?;
    let channel = state.store.channels().insert(&fields.into_new()).await?;
    tracing::info!(channel.id = %channel.id, "channel added");
    state.playout.rebuild(channel.id);
    let place = [(header::LOCATION, format!("/api/v1/channels/{}", channel.id))];
    Ok((StatusCode::CREATED, place, Json(ChannelView::from(channel))))
}
