//! `DELETE /api/v1/sessions/{id}`.

use axum::{extract::State, http::StatusCode};

use super::{no_session, session_id};
use crate::http::{HttpState, extract::PathPart, problem::ApiError};

/// Ends a session: a connection is closed, and a player's token is refused (410) from now on. The client may begin another one.
#[utoipa::path(
    delete, path = "/sessions/{id}", tag = "sessions", params(("id" = String, Path)),
    responses((status = NO_CONTENT, description = "It is over"))
)]
#[tracing::instrument(name = "http.sessions.kill", skip_all, fields(session.id = %id))]
pub async fn kill(State(state): State<HttpState>, PathPart(id): PathPart<String>) -> Result<StatusCode, ApiError> {
    if !state.sessions.kill(session_id(&id)?) {
        return Err(no_session(id));
    }
    tracing::info!("somebody ended a session");
    Ok(StatusCode::NO_CONTENT)
}
