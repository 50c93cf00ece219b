//! `GET /api/v1/sessions`.

use axum::{Json, extract::State};
use exstreamtv_model::ChannelId;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    http::{
        HttpState,
        api::page::{Page, clamp},
        extract::QueryPart,
        problem::ApiError,
    },
    sessions::view::{KindView, SessionView, StateView},
};

/// Which sessions, and which part of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SessionQuery {
    /// Only sessions on this channel.
    channel: Option<ChannelId>,
    /// Only sessions in this state.
    #[param(inline)]
    state: Option<StateView>,
    /// Only sessions of this kind.
    #[param(inline)]
    kind: Option<KindView>,
    /// `next` of the page before; absent for the first page.
    after: Option<u64>,
    /// Items on the page, 1 to 500; 100 if absent.
    limit: Option<u32>,
}

/// Lists sessions in the order of their beginning; those that are over stay until the next clean-up.
#[utoipa::path(get, path = "/sessions", tag = "sessions", params(SessionQuery), responses((status = OK, body = Page<SessionView>)))]
#[tracing::instrument(name = "http.sessions.list", skip_all)]
pub async fn list(
    State(state): State<HttpState>,
    QueryPart(query): QueryPart<SessionQuery>,
) -> Result<Json<Page<SessionView>>, ApiError> {
    let mut sessions = state.sessions.list();
    sessions.retain(|session| {
        query.channel.is_none_or(|channel| session.channel_id == channel)
            && query.state.is_none_or(|state| session.state == state)
            && query.kind.is_none_or(|kind| session.kind == kind)
            && query.after.is_none_or(|after| session.serial > after)
    });
    Ok(Json(Page::cut(sessions, clamp(query.limit) as usize, |session| session.serial.to_string())))
}
