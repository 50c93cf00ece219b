//! `GET /api/v1/channels`.

use axum::{Json, extract::State};
use exstreamtv_model::ChannelNumber;

use super::ChannelView;
use crate::http::{
    HttpState,
    api::page::{Page, PageQuery},
    extract::QueryPart,
    problem::ApiError,
};

/// Lists the channels in lineup order, disabled ones too.
#[utoipa::path(get, path = "/channels", tag = "channels", params(PageQuery), responses((status = OK, body = Page<ChannelView>)))]
#[tracing::instrument(name = "http.channels.list", skip_all)]
pub async fn list(
    State(state): State<HttpState>,
    QueryPart(query): QueryPart<PageQuery>,
) -> Result<Json<Page<ChannelView>>, ApiError> {
    let after: Option<ChannelNumber> =
        query.after.as_deref().map(str::parse).transpose().map_err(|error| ApiError::BadParameter {
            parameter: "after".to_owned(),
            detail: format!("it is no cursor of this list ({error})"),
        })?;
    let mut channels = state.store.channels().list().await?;
    // The number is the cursor: it survives the deletion of the channel that had it.
    channels.retain(|channel| after.as_ref().is_none_or(|after| channel.number > *after));
    let page = Page::cut(channels, query.limit(), |channel| channel.number.to_string());
    Ok(Json(page.map(ChannelView::from)))
}
