//! `/iptv/channel/hls/{channel}/{file}`: everything that playlists of a channel name, by the channel's id.
//!
//! Does: find out which list or segment is meant.
//! Does not: answer; `playlist`, `segment` and this file's subtitles do.
//! Invariant: a segment, of pictures or of subtitles, is the same for ever; lists start the feed, segments never do.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use exstreamtv_model::{Channel, ChannelId};

use super::{
    lineup::{channel_id, numbered},
    playlist::{self, List},
    segment,
};
use crate::http::{HttpState, extract::PathPart, problem::ApiError, state::TuneError};

/// Answers with a list or a segment.
#[tracing::instrument(name = "http.hls.get", level = "debug", skip_all, fields(channel.id = %channel, file = %file))]
pub async fn file(
    State(state): State<HttpState>,
    method: Method,
    headers: HeaderMap,
    PathPart((channel, file)): PathPart<(String, String)>,
) -> Result<Response, ApiError> {
    let none = || ApiError::NotFound { what: "segment", id: format!("{channel}/{file}") };
    let id = channel_id(&channel).ok_or_else(none)?;
    let list = match file.as_str() {
        "video.m3u8" => Some(List::Variant),
        "subtitles.m3u8" => Some(List::Subtitles),
        _ => None,
    };
    if let Some(list) = list {
        return playlist::list(&state, &watchable(&state, id).await?, list, &method, &headers).await;
    }
    let sequence = |ending| numbered(&file, ending).and_then(|stem| stem.parse().ok());
    let found = match (sequence("ts"), sequence("vtt")) {
        (Some(sequence), _) => segment::media(&state, id, sequence)?,
        (_, Some(sequence)) => subtitles(&state, id, sequence).await,
        (None, None) => None,
    };
    found.ok_or_else(none)
}

async fn watchable(state: &HttpState, id: ChannelId) -> Result<Channel, ApiError> {
    let channel = state.store.channels().find(id).await?.ok_or_else(|| ApiError::no_channel(id))?;
    if channel.enabled { Ok(channel) } else { Err(TuneError::Disabled.into()) }
}

/// Returns the subtitles of a segment that is still kept.
async fn subtitles(state: &HttpState, channel: ChannelId, sequence: u64) -> Option<Response> {
    let text = state.broadcaster.captions(channel, sequence).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/vtt; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static(segment::FOR_EVER)),
    ];
    Some((headers, text).into_response())
}

#[cfg(test)]
mod tests {
    use axum::{
        body::Body,
        http::{StatusCode, header},
    };

    use crate::http::fakes::{Host, body_text, request};

    #[tokio::test]
    async fn subtitles_are_text_that_caches_may_keep() {
        let host = Host::open().await;
        let channel = host.channel("5", "Five").await;
        let path = format!("/iptv/channel/hls/{}/7.vtt", channel.id);
        let response = host.get(&path).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/vtt; charset=utf-8");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "public, max-age=600, immutable");
        assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert_eq!(body_text(response).await, "WEBVTT\n");
        let zipped = request("GET", &path).header("accept-encoding", "gzip").body(Body::empty()).unwrap();
        assert_eq!(host.send(zipped).await.headers()[header::CONTENT_ENCODING], "gzip");
        assert_eq!(host.tunes(), 0, "a segment never starts a feed");
    }

    #[tokio::test]
    async fn subtitles_that_are_not_there_are_not_pinned_by_caches() {
        let host = Host::open().await;
        let channel = host.channel("5", "Five").await;
        for path in [format!("{}/8.vtt", channel.id), format!("{}/07.vtt", channel.id), "99/7.vtt".into()] {
            let response = host.get(&format!("/iptv/channel/hls/{path}")).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        }
    }

    #[tokio::test]
    async fn lists_of_channels_that_cannot_be_watched_are_refused() {
        let host = Host::open().await;
        let off = host.disabled_channel("6", "Off").await.id;
        for list in ["video.m3u8", "subtitles.m3u8"] {
            let missing = host.get(&format!("/iptv/channel/hls/99/{list}")).await;
            assert_eq!(missing.status(), StatusCode::NOT_FOUND);
            let refused = host.get(&format!("/iptv/channel/hls/{off}/{list}")).await;
            assert!(!refused.status().is_success(), "{}", refused.status());
        }
        assert_eq!(host.tunes(), 0);
    }
}
