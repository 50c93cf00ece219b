//! `GET /api/v1/sessions/totals`.

use axum::{Json, extract::State};
use exstreamtv_model::ChannelId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::HttpState;

/// What was sent ever, and who is there.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionTotals {
    /// Sessions ever, those of channels that are gone too.
    sessions: u64,
    /// Bytes ever.
    bytes: u64,
    /// Sessions now.
    live: usize,
    /// The same by channel.
    channels: Vec<ChannelTotals>,
}

/// What was sent on one channel ever, and who is there.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChannelTotals {
    /// Which channel; it may be gone.
    channel_id: ChannelId,
    /// Sessions ever.
    sessions: u64,
    /// Bytes ever.
    bytes: u64,
    /// Sessions now.
    live: usize,
}

/// Returns how many sessions there were and how much they got, ever: restarts of the server do not count.
#[utoipa::path(get, path = "/sessions/totals", tag = "sessions", responses((status = OK, body = SessionTotals)))]
#[tracing::instrument(name = "http.sessions.totals", skip_all)]
pub async fn totals(State(state): State<HttpState>) -> Json<SessionTotals> {
    let of_channel = |(channel_id, (totals, live))| {
        let exstreamtv_core::session::Totals { sessions, bytes } = totals;
        ChannelTotals { channel_id, sessions, bytes, live }
    };
    let channels: Vec<_> = state.sessions.summary().channels.into_iter().map(of_channel).collect();
    Json(SessionTotals {
        sessions: channels.iter().map(|channel| channel.sessions).sum(),
        bytes: channels.iter().map(|channel| channel.bytes).sum(),
        live: channels.iter().map(|channel| channel.live).sum(),
        channels,
    })
}
