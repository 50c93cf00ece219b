//! `GET /api/v1/collections/{id}/items`.

use axum::{Json, extract::State};
use exstreamtv_model::CollectionId;

use super::no_collection;
use crate::http::{
    HttpState,
    api::{
        library::media::MediaSummary,
        page::{Page, PageQuery},
    },
    extract::{PathPart, QueryPart},
    problem::ApiError,
};

/// Lists what a collection holds at this moment, in its order; only what can be played.
#[utoipa::path(
    get, path = "/collections/{id}/items", tag = "collections", params(("id" = CollectionId, Path), PageQuery),
    responses((status = OK, body = Page<MediaSummary>))
)]
#[tracing::instrument(name = "http.collections.items", skip_all, fields(collection.id = %id))]
pub async fn items(
    State(state): State<HttpState>,
    PathPart(id): PathPart<CollectionId>,
    QueryPart(query): QueryPart<PageQuery>,
) -> Result<Json<Page<MediaSummary>>, ApiError> {
    // An item may stand in a manual list twice, so the cursor is a position and not an id.
    let skip: usize = query.after.as_deref().map_or(Ok(0), str::parse).map_err(|_| ApiError::BadParameter {
        parameter: "after".to_owned(),
        detail: "it is no cursor of this list".to_owned(),
    })?;
    state.store.collections().find(id).await?.ok_or_else(|| no_collection(id))?;
    let pool = state.store.collections().pool(id).await?;
    let on_page: Vec<_> = pool.iter().skip(skip).take(query.limit()).map(|item| item.id).collect();
    let end = skip.saturating_add(on_page.len());
    let items = state.store.media().find_many(&on_page).await?;
    let next = (end < pool.len()).then(|| end.to_string());
    Ok(Json(Page { items: items.into_iter().map(MediaSummary::from).collect(), next }))
}
