//! `POST /api/v1/collections`.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};

use super::{CollectionFields, CollectionView};
use crate::http::{HttpState, extract::JsonBody, problem::ApiError};

/// Adds a collection.
#[utoipa::path(
    post, path = "/collections", tag = "collections", request_body = CollectionFields,
    responses((status = CREATED, body = CollectionView, headers(("Location" = String, description = "The new collection"))))
)]
#[tracing::instrument(name = "http.collections.create", skip_all)]
pub async fn create(
    State(state): State<HttpState>,
    JsonBody(fields): JsonBody<CollectionFields>,
) -> Result<impl IntoResponse, ApiError> {
    fields.check(&state.store).await?;
    let collection = state.store.collections().insert(&fields.name, &fields.source).await?;
    tracing::info!(collection.id = %collection.id, "collection added");
    state.playout.compare();
    let place = [(header::LOCATION, format!("/api/v1/collections/{}", collection.id))];
    Ok((StatusCode::CREATED, place, Json(CollectionView::from(collection))))
}
