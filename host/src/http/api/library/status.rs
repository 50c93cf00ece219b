//! `GET /api/v1/library`.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{HttpState, problem::ApiError, state::LibraryStatus};

/// The library as a whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct LibraryView {
    /// Where the scan is.
    scan: LibraryStatus,
    /// How many files are in which state.
    files: FileCounts,
}

/// How many files are in which state.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileCounts {
    /// Playable.
    ready: u64,
    /// Listed with a reason, never played.
    broken: u64,
    /// Vanished.
    missing: u64,
}

/// Returns where the scan is and how many files there are.
#[utoipa::path(get, path = "/library", tag = "library", responses((status = OK, body = LibraryView)))]
#[tracing::instrument(name = "http.library.status", skip_all)]
pub async fn status(State(state): State<HttpState>) -> Result<Json<LibraryView>, ApiError> {
    let counts = state.store.media().counts().await?;
    let scan = state.library.watch().borrow().clone();
    let files = FileCounts { ready: counts.ready, broken: counts.broken, missing: counts.missing };
    Ok(Json(LibraryView { scan, files }))
}
