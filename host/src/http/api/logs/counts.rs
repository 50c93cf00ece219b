//! `GET /api/v1/logs/counts`.

use axum::{Json, extract::State};

use crate::{http::HttpState, logs::Counts};

/// Returns how much is kept, forgotten and lost.
#[utoipa::path(get, path = "/logs/counts", tag = "logs", responses((status = OK, body = Counts)))]
#[tracing::instrument(name = "http.logs.counts", skip_all)]
pub async fn counts(State(state): State<HttpState>) -> Json<Counts> {
    Json(state.logs.counts())
}
