//! `PATCH /api/v1/collections/{id}`.

use axum::{Json, extract::State};
use exstreamtv_model::{CollectionId, CollectionSource};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{CollectionFields, CollectionView, no_collection, save};
use crate::http::{
    HttpState,
    extract::{JsonBody, PathPart},
    problem::ApiError,
};

/// The fields to set. A source is replaced as a whole: half a folder and half a query make no sense.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectionPatch {
    /// New name.
    name: Option<String>,
    /// New source.
    source: Option<CollectionSource>,
}

/// Sets some fields of a collection.
#[utoipa::path(
    patch, path = "/collections/{id}", tag = "collections", params(("id" = CollectionId, Path)),
    request_body = CollectionPatch, responses((status = OK, body = CollectionView))
)]
#[tracing::instrument(name = "http.collections.patch", skip_all, fields(collection.id = %id))]
pub async fn patch(
    State(state): State<HttpState>,
    PathPart(id): PathPart<CollectionId>,
    JsonBody(patch): JsonBody<CollectionPatch>,
) -> Result<Json<CollectionView>, ApiError> {
    let now = state.store.collections().find(id).await?.ok_or_else(|| no_collection(id))?;
    let fields = CollectionFields { name: patch.name.unwrap_or(now.name), source: patch.source.unwrap_or(now.source) };
    save(&state, id, fields).await.map(Json)
}
