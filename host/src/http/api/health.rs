//! `GET /api/v1/channels/{id}/health` and `/api/v1/channel-health`: how channels do.

use axum::{Json, extract::State};
use exstreamtv_model::ChannelId;

use super::page::Page;
use crate::{
    http::{HttpState, extract::PathPart, problem::ApiError},
    monitor::ChannelHealth,
};

/// Returns how a channel does, and what is to be expected of it; there is nothing to say of one that is not on air.
#[utoipa::path(
    get, path = "/channels/{id}/health", tag = "channels", params(("id" = String, Path)),
    responses((status = OK, body = ChannelHealth))
)]
#[tracing::instrument(name = "http.channels.health", skip_all, fields(channel.id = %id))]
pub async fn one(
    State(state): State<HttpState>,
    PathPart(id): PathPart<ChannelId>,
) -> Result<Json<ChannelHealth>, ApiError> {
    state.store.channels().find(id).await?.ok_or_else(|| ApiError::no_channel(id))?;
    let health = state.monitors.find(id);
    health
        .map(Json)
        .ok_or_else(|| ApiError::NotFound { what: "the health of a channel that is not on air,", id: id.to_string() })
}

/// Lists how every channel on air does.
#[utoipa::path(get, path = "/channel-health", tag = "channels", responses((status = OK, body = Page<ChannelHealth>)))]
#[tracing::instrument(name = "http.channel_health.list", skip_all)]
pub async fn all(State(state): State<HttpState>) -> Json<Page<ChannelHealth>> {
    Json(Page::whole(state.monitors.all()))
}
