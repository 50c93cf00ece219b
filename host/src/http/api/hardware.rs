//! `GET /api/v1/hardware`, `POST /api/v1/hardware/detect`: what this machine's video cards can do, and why not; `GET /api/v1/hardware/explain`:
//! what they would do with a file.

use axum::{Json, extract::State};
use exstreamtv_model::{ChannelId, MediaId};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    hardware::{Ask, Explanation, HardwareView, order_for},
    http::{ApiError, HttpState, extract::QueryPart},
};

/// Returns every card with what it decodes, filters and encodes, a reason for each "no", and which cards are used.
#[utoipa::path(get, path = "/hardware", tag = "hardware", responses((status = OK, body = HardwareView)))]
#[tracing::instrument(name = "http.hardware.get", skip_all)]
pub async fn get(State(state): State<HttpState>) -> Json<HardwareView> {
    Json(state.hardware.view())
}

/// Finds out anew, whatever is known, and returns the answer. Takes some seconds for each card.
#[utoipa::path(post, path = "/hardware/detect", tag = "hardware", responses((status = OK, body = HardwareView)))]
#[tracing::instrument(name = "http.hardware.detect", skip_all)]
pub async fn detect(State(state): State<HttpState>) -> Result<Json<HardwareView>, ApiError> {
    state.hardware.detect(Ask::Again).await?;
    Ok(Json(state.hardware.view()))
}

/// What is to be explained.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainQuery {
    /// Which file of the library.
    media: MediaId,
    /// On which channel.
    channel: ChannelId,
}

/// Explains how a channel would play a file: which card does what, step by step, and why.
#[utoipa::path(
    get, path = "/hardware/explain", tag = "hardware", params(ExplainQuery), responses((status = OK, body = Explanation))
)]
#[tracing::instrument(name = "http.hardware.explain", skip_all)]
pub async fn explain(
    State(state): State<HttpState>,
    QueryPart(ExplainQuery { media, channel }): QueryPart<ExplainQuery>,
) -> Result<Json<Explanation>, ApiError> {
    let none = |what, id: String| ApiError::NotFound { what, id };
    let found = state.store.channels().find(channel).await?;
    let channel = found.ok_or_else(|| none("channel", channel.to_string()))?;
    let found = state.store.media().find(media).await?;
    let media = found.ok_or_else(|| none("media", media.to_string()))?;
    let probe = media.probe.ok_or(ApiError::NotPlayable { id: media.id })?;
    let order = order_for(media.path, probe, channel.profile);
    let wish = state.hardware.wish_of(&channel.number.to_string());
    Ok(Json(state.hardware.explain(order, wish).await?))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::super::super::fakes::{Host, body_json};

    #[tokio::test]
    async fn nothing_is_known_before_a_worker_has_looked_and_a_failure_is_a_problem() {
        let host = Host::open().await;
        let view = body_json(host.get("/api/v1/hardware").await).await;
        assert_eq!((view["known"].as_bool(), view["accel"].as_str()), (Some(false), Some("auto")));
        let refused = host.json("POST", "/api/v1/hardware/detect", "").await;
        assert_eq!(refused.status(), StatusCode::BAD_GATEWAY);
        assert_eq!(body_json(refused).await["type"], "urn:exstreamtv:problem:hardware-unknown");
    }

    #[tokio::test]
    async fn what_a_worker_finds_is_shown() {
        let host = Host::open().await;
        host.pretend_hardware(
            r#"{"ffmpeg":"6.1","platform":"linux-x86_64","kernel":"6.1","cards":[{"id":"software","profile":"software",
            "title":"Software","device":"","name":null,"driver":null,"unusable":null,"decoders":[],"ops":[],
            "encoders":[{"codec":"h264","depth":8,"rate":"vbr","verdict":"yes","entry":0}],"facts":{},"session_limits":{}}],
            "absent":[]}"#,
        );
        let view = body_json(host.json("POST", "/api/v1/hardware/detect", "").await).await;
        assert_eq!(view["used"], serde_json::json!(["software"]));
        assert_eq!(view["found"]["cards"][0]["encoders"][0]["verdict"], "yes");
        assert_eq!(body_json(host.get("/api/v1/hardware").await).await, view);
    }
}
