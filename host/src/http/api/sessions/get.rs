//! `GET /api/v1/sessions/{id}`.

use axum::{Json, extract::State};

use super::{no_session, session_id};
use crate::{
    http::{HttpState, extract::PathPart, problem::ApiError},
    sessions::view::SessionView,
};

/// Returns one session.
#[utoipa::path(
    get, path = "/sessions/{id}", tag = "sessions", params(("id" = String, Path)),
    responses((status = OK, body = SessionView))
)]
#[tracing::instrument(name = "http.sessions.get", skip_all, fields(session.id = %id))]
pub async fn get(
    State(state): State<HttpState>,
    PathPart(id): PathPart<String>,
) -> Result<Json<SessionView>, ApiError> {
    state.sessions.find(session_id(&id)?).map(Json).ok_or_else(|| no_session(id))
}
