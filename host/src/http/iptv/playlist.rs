//! The media playlists of a channel: its pictures, and its subtitles where they are passed on as text.
//!
//! Does: hand out the feed's playlist with addresses that every player resolves.
//! Does not: list or cut segments; the feed does. Sessions are in the list's own address, and segments are relative to it: the text is the
//! same for all.
//! Invariant: segment addresses are relative and never climb (`..`), so they hold behind any proxy prefix and in VLC. Both lists have the same
//! numbers, lengths and dates, because they are one text.

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use exstreamtv_model::Channel;

use super::{
    tagged,
    ts::{named, unmeasured},
};
use crate::http::{HttpState, problem::ApiError};

pub(super) const KIND: &str = "application/vnd.apple.mpegurl";

/// Which list of segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// The variant that a master playlist names.
    Variant,
    /// The subtitles that a master playlist names.
    Subtitles,
}

impl List {
    fn tag(self) -> &'static str {
        match self {
            Self::Variant => "v-",
            Self::Subtitles => "s-",
        }
    }

    /// Returns a segment's address, given its file name among media and where segments are, seen from the list.
    fn address(self, file: &str, folder: &str) -> String {
        match self {
            Self::Variant => format!("{folder}{file}"),
            Self::Subtitles => format!("{folder}{}", file.replace(".ts", ".vtt")),
        }
    }
}

/// Answers the question for a playlist's head: whoever asks it does not watch.
pub fn head() -> Response {
    let head = [(header::CONTENT_TYPE, HeaderValue::from_static(KIND))];
    (head, unmeasured()).into_response()
}

/// Answers with a list of segments as soon as there is one; `folder` is where they are, seen from the list.
pub async fn list(
    state: &HttpState,
    channel: &Channel,
    list: List,
    folder: &str,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let playlist = state.broadcaster.playlist(channel.id).await.map_err(named(channel))?;
    // Weak, because the compressed form has the same tag.
    let tag = format!("W/\"{}-{}{}{folder}\"", channel.id, list.tag(), playlist.version);
    Ok(tagged(headers, KIND, "max-age=1", &tag, addressed(&playlist.text, list, folder)))
}

/// Gives each segment its address: `seg/7.ts` becomes `7.ts`.
fn addressed(text: &str, list: List, folder: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for line in text.lines() {
        match line.strip_prefix("seg/") {
            Some(file) => out.push_str(&list.address(file, folder)),
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

    /// Returns the list that the channel's own address leads to.
    async fn variant(host: &Host) -> String {
        let master = body_text(host.get("/iptv/channel/5.m3u8").await).await;
        format!("/iptv/channel/{}", segments(&master)[0])
    }

    fn segments(list: &str) -> Vec<&str> {
        list.lines().filter(|line| !line.starts_with('#')).collect()
    }

    #[tokio::test]
    async fn the_playlist_leads_to_its_segments() {
        let host = Host::open().await;
        host.channel("5", "Five").await;
        let list = variant(&host).await;
        let response = host.get(&list).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/vnd.apple.mpegurl");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "max-age=1");
        assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert_eq!(segments(&body_text(response).await), ["7.ts"]);

        let response = host.get(&list.replace("video.m3u8", "7.ts")).await;
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
        let list = variant(&host).await;
        let tag = host.get(&list).await.headers()[header::ETAG].clone();
        let again = request("GET", &list).header("if-none-match", tag.clone());
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
