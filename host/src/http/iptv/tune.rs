//! `/iptv/channel/{number}.ts`, `/iptv/channel/{number}.m3u8` and `/auto/v{number}`.
//!
//! Does: find out which channel a player means and in which form it wants it.
//! Does not: answer; `ts` and `playlist` do.

use axum::{
    extract::State,
    http::{HeaderMap, Method, Uri},
    response::Response,
};

use super::{audience, lineup::by_number, master, playlist, ts};
use crate::http::{
    HttpState,
    extract::PathPart,
    origin::{Visit, Wire},
    problem::ApiError,
};

/// Answers `/iptv/channel/{number}.ts` and `/iptv/channel/{number}.m3u8`.
#[tracing::instrument(name = "http.channel.tune", skip_all, fields(file = %file, viewer.ip = %visit.viewer.ip))]
pub async fn tune(
    State(state): State<HttpState>,
    visit: Visit,
    wire: Wire,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    PathPart(file): PathPart<String>,
) -> Result<Response, ApiError> {
    if let Some(number) = file.strip_suffix(".ts") {
        let channel = by_number(&state.store, number).await?;
        let wants = audience::TsWants::read(visit.viewer, wire, &uri)?;
        return ts::answer(&state, &channel, wants, &method).await;
    }
    let number = file.strip_suffix(".m3u8").ok_or_else(|| ApiError::NotFound { what: "stream", id: file.clone() })?;
    let channel = by_number(&state.store, number).await?;
    match method {
        Method::HEAD => Ok(playlist::head()),
        _ => master::answer(&state, &channel, visit.viewer, &headers).await,
    }
}

/// Answers `/auto/v{number}`, the address that tuners in the network have: always a transport stream.
#[tracing::instrument(name = "http.channel.auto", skip_all, fields(tuner = %tuner, viewer.ip = %visit.viewer.ip))]
pub async fn auto(
    State(state): State<HttpState>,
    visit: Visit,
    wire: Wire,
    method: Method,
    uri: Uri,
    PathPart(tuner): PathPart<String>,
) -> Result<Response, ApiError> {
    let number = tuner.strip_prefix('v').ok_or_else(|| ApiError::no_channel(&tuner))?;
    let channel = by_number(&state.store, number).await?;
    ts::answer(&state, &channel, audience::TsWants::read(visit.viewer, wire, &uri)?, &method).await
}
