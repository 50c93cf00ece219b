//! `PUT /api/v1/collections/{id}`.

use axum::{Json, extract::State};
use exstreamtv_model::CollectionId;

use super::{CollectionFields, CollectionView, save};
use crate::http::{
    HttpState,
    extract::{JsonBody, PathPart},
    problem::ApiError,
};

/// Sets every field of a collection.
#[utoipa::path(
    put, path = "/collections/{id}", tag = "collections", params(("id" = CollectionId, Path)),
    request_body = CollectionFields, responses((status = OK, body = CollectionView))
)]
#[tracing::instrument(name = "http.collections.replace", skip_all, fields(collection.id = %id))]
pub async fn replace(
    State(state): State<HttpState>,
    PathPart(id): PathPart<CollectionId>,
    JsonBody(fields): JsonBody<CollectionFields>,
) -> Result<Json<CollectionView>, ApiError> {
    save(&state, id, fields).await.map(Json)
}
