//! `GET /api/v1/logs/templates`.

use axum::{Json, extract::State};
use exstreamtv_healing::Template;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    super::page::{Page, clamp},
    wanted::named,
};
use crate::http::{HttpState, extract::QueryPart, problem::ApiError};

/// Which templates.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct TemplateQuery {
    /// Said by: APPLICATION, FFMPEG, PLEX, JELLYFIN or SYSTEM.
    source: Option<String>,
    /// At least as serious at worst.
    level: Option<String>,
    /// The most that are listed, 1 to 500; 100 if absent.
    limit: Option<u32>,
}

/// Lists lines that say the same, folded: their common words with `<*>` where they differ, how often and when; the one heard last first.
#[utoipa::path(get, path = "/logs/templates", tag = "logs", params(TemplateQuery), responses((status = OK, body = Page<Template>)))]
#[tracing::instrument(name = "http.logs.templates", skip_all)]
pub async fn templates(
    State(state): State<HttpState>,
    QueryPart(query): QueryPart<TemplateQuery>,
) -> Result<Json<Page<Template>>, ApiError> {
    let source = query.source.as_deref().map(|word| named("source", word)).transpose()?;
    let level = query.level.as_deref().map(|word| named("level", word)).transpose()?;
    Ok(Json(Page::whole(state.logs.templates(source, level, clamp(query.limit) as usize))))
}
