//! One segment of pictures and sound: `/iptv/channel/hls/{channel}/{session}/{sequence}.ts`.
//!
//! Invariant: the address means the same bytes for ever, so caches may keep them; an address without bytes is never cached.

use std::convert::Infallible;

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use exstreamtv_model::ChannelId;
use tokio::time::Instant;

use crate::{
    http::{HttpState, problem::ApiError, state::SegmentMedia},
    sessions::{HlsVisit, Piece},
};

/// How long caches may keep a segment: as long as anybody asks for it.
pub(super) const FOR_EVER: &str = "public, max-age=600, immutable";

/// Returns a segment that is still kept; never starts a feed. What is sent counts for the session, if there is one.
pub fn media(
    state: &HttpState,
    channel: ChannelId,
    sequence: u64,
    visit: Option<HlsVisit>,
) -> Result<Option<Response>, ApiError> {
    let Some(segment) = state.broadcaster.segment(channel, sequence)? else { return Ok(None) };
    let length_bytes: usize = segment.data.iter().map(Bytes::len).sum();
    // The pieces are the ring's own: sending them one by one copies nothing.
    let body = Body::from_stream(futures::stream::iter(counted(segment, visit).map(Ok::<_, Infallible>)));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("video/mp2t")),
        (header::CONTENT_LENGTH, HeaderValue::from(length_bytes)),
        (header::CACHE_CONTROL, HeaderValue::from_static(FOR_EVER)),
    ];
    Ok(Some((headers, body).into_response()))
}

/// Counts each piece as it is taken; the last one completes the segment.
fn counted(segment: SegmentMedia, visit: Option<HlsVisit>) -> impl Iterator<Item = Bytes> + Send {
    let SegmentMedia { data, duration_ms, end_ms } = segment;
    let last = data.len().saturating_sub(1);
    data.into_iter().enumerate().map(move |(index, data)| {
        if let Some(visit) = &visit {
            let done = index == last;
            let (stream_ms, position_ms) =
                (if done { duration_ms } else { 0 }, end_ms - if done { 0 } else { duration_ms });
            visit.meter.sent(Piece { bytes: data.len(), stream_ms, position_ms }, Instant::now());
        }
        data
    })
}

#[cfg(test)]
mod tests {
    use axum::{
        body::Body,
        http::{StatusCode, header},
    };

    use crate::http::fakes::{Host, request};

    #[tokio::test]
    async fn a_segment_that_is_not_there_is_not_pinned_by_caches() {
        let host = Host::open().await;
        let channel = host.channel("5", "Five").await;
        for path in [format!("{}/8.ts", channel.id), format!("{}/07.ts", channel.id), "99/7.ts".into(), "x/7.ts".into()]
        {
            let response = host.get(&format!("/iptv/hls/{path}")).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
            assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        }
        assert_eq!(host.tunes(), 0, "a segment never starts a feed");
    }

    #[tokio::test]
    async fn a_web_player_may_ask_first_and_read_the_length() {
        let host = Host::open().await;
        let channel = host.channel("5", "Five").await;
        let asked = request("OPTIONS", &format!("/iptv/hls/{}/7.ts", channel.id))
            .header("origin", "https://player.example")
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "range");
        let response = host.send(asked.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let response = host.get(&format!("/iptv/hls/{}/7.ts", channel.id)).await;
        let exposed = response.headers()[header::ACCESS_CONTROL_EXPOSE_HEADERS].to_str().unwrap().to_lowercase();
        assert!(exposed.contains("content-length") && exposed.contains("date"), "{exposed}");
    }
}
