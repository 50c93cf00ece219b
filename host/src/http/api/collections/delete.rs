//! `DELETE /api/v1/collections/{id}`.

use axum::{extract::State, http::StatusCode};
use exstreamtv_model::CollectionId;

use super::no_collection;
use crate::http::{HttpState, extract::PathPart, problem::ApiError};

/// Removes a collection that no channel plays.
#[utoipa::path(
    delete, path = "/collections/{id}", tag = "collections", params(("id" = CollectionId, Path)),
    responses((status = NO_CONTENT, description = "It is gone"), (status = CONFLICT, description = "A channel plays it"))
)]
#[tracing::instrument(name = "http.collections.delete", skip_all, fields(collection.id = %id))]
pub async fn delete(
    State(state): State<HttpState>,
    PathPart(id): PathPart<CollectionId>,
) -> Result<StatusCode, ApiError> {
    if !state.store.collections().delete(id).await? {
        return Err(no_collection(id));
    }
    tracing::info!(collection.id = %id, "collection removed");
    state.playout.compare();
    Ok(StatusCode::NO_CONTENT)
}
