//! `DELETE /api/v1/channels/{id}/schedule`.

use axum::{extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use exstreamtv_model::ChannelId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{chosen_time, set};
use crate::http::{
    HttpState,
    extract::{PathPart, QueryPart},
    problem::ApiError,
};

/// From when on.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FromQuery {
    /// From when on, RFC 3339; without it, from the end of what is on air.
    from: Option<DateTime<Utc>>,
}

/// Lets a channel play its collection in its order again. A schedule that still waited is forgotten.
#[utoipa::path(
    delete, path = "/channels/{id}/schedule", tag = "schedule", params(("id" = ChannelId, Path), FromQuery),
    responses((status = NO_CONTENT, description = "It has no schedule any more, or will have none from then on"))
)]
#[tracing::instrument(name = "http.schedule.delete", skip_all, fields(channel.id = %id))]
pub async fn delete(
    State(state): State<HttpState>,
    PathPart(id): PathPart<ChannelId>,
    QueryPart(query): QueryPart<FromQuery>,
) -> Result<StatusCode, ApiError> {
    let from = chosen_time(query.from, state.clock.now())?;
    set(&state, id, None, from).await?;
    Ok(StatusCode::NO_CONTENT)
}
