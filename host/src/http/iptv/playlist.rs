//! The media playlists of a channel: its pictures, and its subtitles where they are passed on as text.
//!
//! Does: hand out the feed's playlist with addresses that every player resolves.
//! Does not: list or cut segments; the feed does. Without subtitles there is no master playlist: with one variant it would only cost a request.
//! Invariant: segment addresses are relative and never climb (`..`), so they hold behind any proxy prefix and in VLC. Both lists have the same
//! numbers, lengths and dates, because they are one text.

use axum::{
    http::{HeaderMap, HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use exstreamtv_model::{Channel, ChannelId};

use super::{
    master, tagged,
    ts::{named, unmeasured},
};
use crate::http::{HttpState, problem::ApiError};

pub(super) const KIND: &str = "application/vnd.apple.mpegurl";

/// Which list of segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// The only one, at the channel's own address.
    Only,
    /// The variant that a master playlist names.
    Variant,
    /// The subtitles that a master playlist names.
    Subtitles,
}

impl List {
    fn tag(self) -> &'static str {
        match self {
            Self::Only => "",
            Self::Variant => "v-",
            Self::Subtitles => "s-",
        }
    }

    /// Returns a segment's address, given its file name among media.
    fn address(self, file: &str, channel: ChannelId) -> String {
        match self {
            // By id, because a number may be given to another channel while players and caches still know the old segments.
            Self::Only => format!("hls/{channel}/{file}"),
            Self::Variant => file.to_owned(),
            Self::Subtitles => file.replace(".ts", ".vtt"),
        }
    }
}

/// Answers the channel's own address, as soon as the feed has its first segment.
pub async fn answer(
    state: &HttpState,
    channel: &Channel,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    match master::passes_text(channel) {
        true => master::answer(state, channel, method, headers).await,
        false => list(state, channel, List::Only, method, headers).await,
    }
}

/// Answers with a list of segments as soon as there is one.
pub async fn list(
    state: &HttpState,
    channel: &Channel,
    list: List,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    if method == Method::HEAD {
        let head = [(header::CONTENT_TYPE, HeaderValue::from_static(KIND))];
        return Ok((head, unmeasured()).into_response());
    }
    let playlist = state.broadcaster.playlist(channel.id).await.map_err(named(channel))?;
    // Weak, because the compressed form has the same tag.
    let tag = format!("W/\"{}-{}{}\"", channel.id, list.tag(), playlist.version);
    Ok(tagged(headers, KIND, "max-age=1", &tag, addressed(&playlist.text, list, channel.id)))
}

/// Gives each segment its address: `seg/7.ts` becomes `hls/3/7.ts`.
fn addressed(text: &str, list: List, channel: ChannelId) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for line in text.lines() {
        match line.strip_prefix("seg/") {
            Some(file) => out.push_str(&list.address(file, channel)),
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use axum::{
        body::Body,
        http::{StatusCode, header},
    };

    use crate::http::fakes::{Host, body_bytes, body_text, request};

    #[tokio::test]
    async fn the_playlist_leads_to_its_segments() {
        let host = Host::open().await;
        let channel = host.channel("5", "Five").await;
        let response = host.get("/iptv/channel/5.m3u8").await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/vnd.apple.mpegurl");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "max-age=1");
        assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let text = body_text(response).await;
        let segment = text.lines().find(|line| !line.starts_with('#')).unwrap();
        assert_eq!(segment, format!("hls/{}/7.ts", channel.id));

        let response = host.get(&format!("/iptv/channel/{segment}")).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "video/mp2t");
        assert_eq!(response.headers()[header::CONTENT_LENGTH], "376");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "public, max-age=600, immutable");
        assert_eq!(body_bytes(response).await.len(), 376);
    }

    #[tokio::test]
    async fn an_unchanged_playlist_is_not_sent_again() {
        let host = Host::open().await;
        host.channel("5", "Five").await;
        let tag = host.get("/iptv/channel/5.m3u8").await.headers()[header::ETAG].clone();
        let again = request("GET", "/iptv/channel/5.m3u8").header("if-none-match", tag.clone());
        let response = host.send(again.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(response.headers()[header::ETAG], tag);
    }

    #[tokio::test]
    async fn playlists_are_compressed_and_media_never_is() {
        let host = Host::open().await;
        let channel = host.channel("5", "Five").await;
        let zipped = |path: String| {
            host.send(request("GET", &path).header("accept-encoding", "gzip").body(Body::empty()).unwrap())
        };
        let response = zipped("/iptv/channel/5.m3u8".into()).await;
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
        let mut text = String::new();
        flate2::read::GzDecoder::new(&body_bytes(response).await[..]).read_to_string(&mut text).unwrap();
        assert!(text.starts_with("#EXTM3U"), "{text}");
        for path in [format!("/iptv/hls/{}/7.ts", channel.id), "/iptv/channel/5.ts".into()] {
            assert!(!zipped(path).await.headers().contains_key(header::CONTENT_ENCODING));
        }
    }
}
