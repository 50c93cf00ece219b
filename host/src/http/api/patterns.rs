//! `GET /api/v1/patterns`: which known patterns of trouble are there.

use axum::{Json, extract::State};
use exstreamtv_healing::patterns::PatternAnalysis;

use super::page::Page;
use crate::http::HttpState;

/// Lists the known patterns of trouble that are there now, the most serious first, with what they share and the events that prove it
/// (`/logs/{id}`).
#[utoipa::path(get, path = "/patterns", tag = "logs", responses((status = OK, body = Page<PatternAnalysis>)))]
#[tracing::instrument(name = "http.patterns.list", skip_all)]
pub async fn patterns(State(state): State<HttpState>) -> Json<Page<PatternAnalysis>> {
    Json(Page::whole(state.patterns.active()))
}
