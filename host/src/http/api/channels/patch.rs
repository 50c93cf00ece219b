//! `PATCH /api/v1/channels/{id}`.

use axum::{Json, extract::State};
use exstreamtv_model::ChannelId;
use serde_json::Value;

use super::{ChannelFields, ChannelView, replace::save};
use crate::http::{
    HttpState,
    api::merge::merged,
    extract::{JsonBody, PathPart},
    problem::ApiError,
};

/// Sets some fields of a channel (JSON Merge Patch, RFC 7396). What is on air stays until its end.
#[utoipa::path(
    patch, path = "/channels/{id}", tag = "channels", params(("id" = ChannelId, Path)),
    request_body(content = Object, description = "Any of the fields of ChannelFields"),
    responses((status = OK, body = ChannelView))
)]
#[tracing::instrument(name = "http.channels.patch", skip_all, fields(channel.id = %id))]
pub async fn patch(
    State(state): State<HttpState>,
    PathPart(id): PathPart<ChannelId>,
    JsonBody(patch): JsonBody<Value>,
) -> Result<Json<ChannelView>, ApiError> {
    let channel = state.store.channels().find(id).await?.ok_or_else(|| ApiError::no_channel(id))?;
    let fields: ChannelFields = merged(&ChannelView::from(channel).fields, patch)?;
    save(&state, id, fields).await.map(Json)
}
