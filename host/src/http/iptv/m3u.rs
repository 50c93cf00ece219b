//! `/iptv/channels.m3u`: the lineup.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::{extract::State, http::HeaderMap, response::Response};
use exstreamtv_guide::{M3uEntry, write_m3u};
use exstreamtv_model::Channel;
use serde::Deserialize;

use super::{lineup::logo_url, tagged};
use crate::http::{
    HttpState,
    extract::QueryPart,
    origin::{BaseUrl, Visit},
    problem::ApiError,
};

/// What a client may ask of the lineup. Other keys are passed over: players add their own.
#[derive(Debug, Default, Deserialize)]
pub struct M3uQuery {
    #[serde(default)]
    format: Format,
}

/// To which form of stream the lineup leads.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// Endless transport streams.
    #[default]
    Ts,
    /// HLS playlists.
    Hls,
}

/// Answers with the lineup; `?format=hls` for players in web pages and on Apple's devices.
#[tracing::instrument(name = "http.lineup.get", skip_all, fields(viewer.ip = %visit.viewer.ip))]
pub async fn m3u(
    State(state): State<HttpState>,
    visit: Visit,
    headers: HeaderMap,
    QueryPart(query): QueryPart<M3uQuery>,
) -> Result<Response, ApiError> {
    let mut channels = state.store.channels().list().await?;
    channels.retain(|channel| channel.enabled);
    let text = written(&channels, &visit.base, query.format).map_err(|error| ApiError::Guide(Box::new(error)))?;
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let tag = format!("W/\"{:016x}\"", hasher.finish());
    Ok(tagged(&headers, "audio/x-mpegurl; charset=utf-8", "no-cache", &tag, text))
}

fn written(channels: &[Channel], base: &BaseUrl, format: Format) -> Result<String, std::io::Error> {
    let ending = match format {
        Format::Ts => "ts",
        Format::Hls => "m3u8",
    };
    let stream_url = |channel: &Channel| base.join(&format!("/iptv/channel/{}.{ending}", channel.number));
    let urls: Vec<_> = channels.iter().map(|channel| (stream_url(channel), logo_url(channel, base))).collect();
    let entries = channels.iter().zip(&urls).map(|(channel, (stream_url, logo_url))| M3uEntry {
        channel,
        stream_url,
        logo_url: logo_url.as_deref(),
    });
    let mut out = Vec::new();
    write_m3u(&mut out, &base.join("/iptv/xmltv.xml"), entries)?;
    String::from_utf8(out).map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use axum::{
        body::Body,
        http::{StatusCode, header},
    };

    use crate::http::fakes::{Host, body_text, request};

    #[tokio::test]
    async fn the_lineup_leads_back_to_the_address_it_was_fetched_from() {
        let host = Host::open().await;
        host.channel("5.1", "Five").await;
        host.disabled_channel("6", "Six").await;
        let asked =
            request("GET", "/iptv/channels.m3u?token=x").header("host", "[fd00::5]:8411").body(Body::empty()).unwrap();
        let response = host.send(asked).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "audio/x-mpegurl; charset=utf-8");
        assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let text = body_text(response).await;
        assert!(text.starts_with("#EXTM3U url-tvg=\"http://[fd00::5]:8411/iptv/xmltv.xml\""), "{text}");
        assert!(text.contains("\nhttp://[fd00::5]:8411/iptv/channel/5.1.ts\n"), "{text}");
        assert!(!text.contains("Six"), "a disabled channel is in no lineup");
        let hls = body_text(host.get("/iptv/channels.m3u?format=hls").await).await;
        assert!(hls.contains("/iptv/channel/5.1.m3u8\n"), "{hls}");
    }

    #[tokio::test]
    async fn an_unchanged_lineup_is_not_sent_again() {
        let host = Host::open().await;
        host.channel("5", "Five").await;
        let tag = host.get("/iptv/channels.m3u").await.headers()[header::ETAG].clone();
        let again =
            || request("GET", "/iptv/channels.m3u").header("if-none-match", tag.clone()).body(Body::empty()).unwrap();
        assert_eq!(host.send(again()).await.status(), StatusCode::NOT_MODIFIED);
        host.channel("6", "Six").await;
        assert_eq!(host.send(again()).await.status(), StatusCode::OK);
    }
}
