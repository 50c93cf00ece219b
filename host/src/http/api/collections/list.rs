//! `GET /api/v1/collections`.

use axum::{Json, extract::State};
use exstreamtv_model::CollectionId;

use super::CollectionView;
use crate::http::{
    HttpState,
    api::page::{Page, PageQuery},
    extract::QueryPart,
    problem::ApiError,
};

/// Lists the collections by id.
#[utoipa::path(
    get, path = "/collections", tag = "collections", params(PageQuery), responses((status = OK, body = Page<CollectionView>))
)]
#[tracing::instrument(name = "http.collections.list", skip_all)]
pub async fn list(
    State(state): State<HttpState>,
    QueryPart(query): QueryPart<PageQuery>,
) -> Result<Json<Page<CollectionView>>, ApiError> {
    let after: Option<CollectionId> = query.after.as_deref().map(str::parse).transpose().map_err(|_| {
        ApiError::BadParameter { parameter: "after".to_owned(), detail: "it is no cursor of this list".to_owned() }
    })?;
    let mut collections = state.store.collections().list().await?;
    collections.sort_by_key(|collection| collection.id);
    collections.retain(|collection| after.is_none_or(|after| collection.id > after));
    let page = Page::cut(collections, query.limit(), |collection| collection.id.to_string());
    Ok(Json(page.map(CollectionView::from)))
}
