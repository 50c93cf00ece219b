//! `GET /api/v1/logs/{id}`.

use std::sync::Arc;

use axum::{Json, extract::State};
use exstreamtv_healing::{EventId, LogEvent};

use crate::http::{HttpState, extract::PathPart, problem::ApiError};

/// Returns one event, while it is kept.
#[utoipa::path(get, path = "/logs/{id}", tag = "logs", params(("id" = String, Path)), responses((status = OK, body = LogEvent)))]
#[tracing::instrument(name = "http.logs.get", skip_all)]
pub async fn get(
    State(state): State<HttpState>,
    PathPart(id): PathPart<String>,
) -> Result<Json<Arc<LogEvent>>, ApiError> {
    find(&state, &id).map(Json)
}

/// Finds an event by what a client calls it.
pub(super) fn find(state: &HttpState, id: &str) -> Result<Arc<LogEvent>, ApiError> {
    let found = id.parse::<EventId>().ok().and_then(|id| state.logs.find(id));
    found.ok_or_else(|| ApiError::NotFound { what: "event", id: id.to_owned() })
}
