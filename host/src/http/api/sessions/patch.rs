//! `PATCH /api/v1/sessions/{id}`.

use axum::{Json, extract::State};
use exstreamtv_model::ThrottleWish;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{no_session, session_id};
use crate::{
    http::{
        HttpState,
        api::merge::merged,
        extract::{JsonBody, PathPart},
        problem::ApiError,
    },
    sessions::view::SessionView,
};

/// The fields of a session that can be set.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionFields {
    /// How fast it wishes to be sent the stream; what it leaves open is the channel's and the configuration's.
    #[serde(default)]
    throttle: ThrottleWish,
}

/// Sets how fast a session is sent its stream, from the next chunk on (JSON Merge Patch, RFC 7396). A player that follows a playlist is
/// never slowed down: it fetches what it wants.
#[utoipa::path(
    patch, path = "/sessions/{id}", tag = "sessions", params(("id" = String, Path)), request_body = SessionFields,
    responses((status = OK, body = SessionView))
)]
#[tracing::instrument(name = "http.sessions.patch", skip_all, fields(session.id = %id))]
pub async fn patch(
    State(state): State<HttpState>,
    PathPart(id): PathPart<String>,
    JsonBody(patch): JsonBody<Value>,
) -> Result<Json<SessionView>, ApiError> {
    let session = session_id(&id)?;
    let before = state.sessions.find(session).ok_or_else(|| no_session(&id))?;
    let Some(throttle) = before.throttle else {
        return Err(ApiError::invalid("/throttle", "only continuous streams have one"));
    };
    let fields: SessionFields = merged(&SessionFields { throttle: throttle.wish }, patch)?;
    fields.throttle.check().map_err(|error| ApiError::invalid("/throttle/target_bitrate_bps", error))?;
    if !state.sessions.set_wish(session, fields.throttle) {
        return Err(no_session(id));
    }
    state.sessions.find(session).map(Json).ok_or_else(|| no_session(id))
}
