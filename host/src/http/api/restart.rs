//! `POST /api/v1/channels/{id}/restart`: a fresh FFmpeg for a channel on air.

use axum::{Json, extract::State, http::StatusCode};
use exstreamtv_model::ChannelId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{HttpState, extract::PathPart, problem::ApiError};

/// What came of the order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Restart {
    /// Whether the channel is on air; nothing runs for one that nobody watches.
    pub on_air: bool,
}

/// Starts what is on air again, at once and whatever was tried before. Viewers keep their connections.
#[utoipa::path(
    post, path = "/channels/{id}/restart", tag = "channels", params(("id" = ChannelId, Path)),
    responses((status = ACCEPTED, body = Restart))
)]
#[tracing::instrument(name = "http.channels.restart", skip_all, fields(channel.id = %id))]
pub async fn restart(
    State(state): State<HttpState>,
    PathPart(id): PathPart<ChannelId>,
) -> Result<(StatusCode, Json<Restart>), ApiError> {
    state.store.channels().find(id).await?.ok_or_else(|| ApiError::no_channel(id))?;
    let on_air = state.broadcaster.restart(id);
    tracing::info!(on_air, "a restart was ordered");
    Ok((StatusCode::ACCEPTED, Json(Restart { on_air })))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::super::super::fakes::{Host, body_json};

    #[tokio::test]
    async fn a_restart_is_accepted_and_says_whether_there_was_something_to_restart() {
        let host = Host::open().await;
        let channel = host.channel("5", "Five").await.id;
        let address = format!("/api/v1/channels/{channel}/restart");
        let idle = host.json("POST", &address, "").await;
        assert_eq!(idle.status(), StatusCode::ACCEPTED);
        assert_eq!(body_json(idle).await["on_air"], false);
        host.on_air(channel);
        assert_eq!(body_json(host.json("POST", &address, "").await).await["on_air"], true);
        assert_eq!(host.json("POST", "/api/v1/channels/99/restart", "").await.status(), StatusCode::NOT_FOUND);
    }
}
