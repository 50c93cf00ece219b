//! `GET /api/v1/collections/{id}`.

use axum::{Json, extract::State};
use exstreamtv_model::CollectionId;

use super::{CollectionView, no_collection};
use crate::http::{HttpState, extract::PathPart, problem::ApiError};

/// Returns one collection.
#[utoipa::path(
    get, path = "/collections/{id}", tag = "collections", params(("id" = CollectionId, Path)),
    responses((status = OK, body = CollectionView))
)]
#[tracing::instrument(name = "http.collections.get", skip_all, fields(collection.id = %id))]
pub async fn get(
    State(state): State<HttpState>,
    PathPart(id): PathPart<CollectionId>,
) -> Result<Json<CollectionView>, ApiError> {
    let collection = state.store.collections().find(id).await?.ok_or_else(|| no_collection(id))?;
    Ok(Json(collection.into()))
}
