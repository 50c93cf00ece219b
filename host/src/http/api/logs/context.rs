//! `GET /api/v1/logs/{id}/context`.

use std::sync::Arc;

use axum::{Json, extract::State};
use chrono::TimeDelta;
use exstreamtv_healing::{LogEvent, buffer::Window};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    super::page::{Page, clamp},
    get::find,
};
use crate::http::{
    HttpState,
    extract::{PathPart, QueryPart},
    problem::ApiError,
};

/// The longest time on either side.
const MOST_S: u32 = 3_600;

/// How much around the event.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct WindowQuery {
    /// Seconds before it, 0 to 3600.
    before_s: u32,
    /// Seconds after it, 0 to 3600.
    after_s: u32,
    /// The most events on either side, 1 to 500; 100 if absent.
    limit: Option<u32>,
}

impl Default for WindowQuery {
    fn default() -> Self {
        Self { before_s: 60, after_s: 30, limit: None }
    }
}

/// Lists what was said around an event by or about the same channel or session, and by the machine; the oldest first.
#[utoipa::path(
    get, path = "/logs/{id}/context", tag = "logs", params(("id" = String, Path), WindowQuery),
    responses((status = OK, body = Page<LogEvent>))
)]
#[tracing::instrument(name = "http.logs.context", skip_all)]
pub async fn context(
    State(state): State<HttpState>,
    PathPart(id): PathPart<String>,
    QueryPart(query): QueryPart<WindowQuery>,
) -> Result<Json<Page<Arc<LogEvent>>>, ApiError> {
    let side = |parameter: &'static str, seconds: u32| match seconds {
        0..=MOST_S => Ok(TimeDelta::seconds(seconds.into())),
        _ => Err(ApiError::BadParameter { parameter: parameter.into(), detail: format!("it is 0 to {MOST_S}") }),
    };
    let window = Window {
        before: side("before_s", query.before_s)?,
        after: side("after_s", query.after_s)?,
        most: clamp(query.limit) as usize,
    };
    let centre = find(&state, &id)?;
    Ok(Json(Page::whole(state.logs.context(centre.event_id, window))))
}
