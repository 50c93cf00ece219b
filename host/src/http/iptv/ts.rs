//! The endless transport stream over one HTTP response.
//!
//! Does: answer as players of live streams expect.
//! Does not: end: not at programme ends, not at errors of a source; only the client, a deleted channel or the host's end does.
//! Invariant: `HEAD` starts no feed; the answer has no length and offers no ranges.

use std::convert::Infallible;

use axum::{
    body::Body,
    http::{HeaderName, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use exstreamtv_model::Channel;
use futures::StreamExt;

use super::audience::{self, TsWants};
use crate::http::{HttpState, problem::ApiError, state::TuneError};

/// A `Range` header is ignored: players send one to probe, and a live stream has no second byte 0.
pub async fn answer(
    state: &HttpState,
    channel: &Channel,
    wants: TsWants,
    method: &Method,
) -> Result<Response, ApiError> {
    let body = if method == Method::HEAD {
        unmeasured()
    } else {
        let about = audience::about_ts(channel, wants.viewer);
        let ticket = state.sessions.admit(about, wants.throttle, wants.wire.0)?;
        let stream = state.broadcaster.tune_ts(channel.id, ticket).await.map_err(named(channel))?;
        Body::from_stream(stream.map(Ok::<_, Infallible>))
    };
    let headers = [
        (header::CONTENT_TYPE, "video/mp2t"),
        (header::CACHE_CONTROL, "no-store"),
        // nginx would collect the stream in its buffers.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((StatusCode::OK, headers, body).into_response())
}

/// The body of an answer to `HEAD`: a plain empty one would be announced as zero bytes long.
pub fn unmeasured() -> Body {
    Body::from_stream(futures::stream::empty::<Result<Bytes, Infallible>>())
}

/// A channel that vanished between its look-up and its feed is simply not there.
pub fn named(channel: &Channel) -> impl FnOnce(TuneError) -> ApiError + '_ {
    move |error| match error {
        TuneError::NoSuchChannel => ApiError::no_channel(&channel.number),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        body::Body,
        http::{StatusCode, header},
    };
    use futures::StreamExt;

    use crate::http::{
        fakes::{Host, body_json, request},
        state::TuneError,
    };

    #[tokio::test]
    async fn a_channel_is_an_endless_answer_without_length_or_ranges() {
        let host = Host::open().await;
        let channel = host.channel("5.1", "Five").await;
        let asked = request("GET", "/iptv/channel/5.1.ts").header("range", "bytes=0-").header("user-agent", "VLC/3");
        let response = host.send(asked.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        let headers = response.headers().clone();
        assert_eq!(headers[header::CONTENT_TYPE], "video/mp2t");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        for absent in [header::CONTENT_LENGTH, header::ACCEPT_RANGES, header::CONTENT_RANGE, header::CONTENT_ENCODING] {
            assert!(!headers.contains_key(&absent), "{absent}");
        }
        let mut body = response.into_body().into_data_stream();
        assert_eq!(body.next().await.unwrap().unwrap().len(), 188);
        assert_eq!(host.viewers(channel.id), 1);
        assert_eq!(host.last_agent().as_deref(), Some("VLC/3"));
        drop(body);
        assert_eq!(host.viewers(channel.id), 0, "dropping the body ends the session");
    }

    #[tokio::test]
    async fn head_tells_the_type_and_starts_nothing() {
        let host = Host::open().await;
        host.channel("5", "Five").await;
        for (path, kind) in [
            ("/iptv/channel/5.ts", "video/mp2t"),
            ("/auto/v5", "video/mp2t"),
            ("/iptv/channel/5.m3u8", "application/vnd.apple.mpegurl"),
        ] {
            let response = host.send(request("HEAD", path).body(Body::empty()).unwrap()).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], kind);
            assert!(!response.headers().contains_key(header::CONTENT_LENGTH), "{path}");
        }
        assert_eq!(host.tunes(), 0);
        let missing = host.send(request("HEAD", "/iptv/channel/6.ts").body(Body::empty()).unwrap()).await;
        assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn a_channel_that_cannot_be_watched_says_why() {
        let host = Host::open().await;
        host.channel("5", "Five").await;
        host.disabled_channel("6", "Six").await;
        for path in ["/iptv/channel/7.ts", "/iptv/channel/x.ts", "/iptv/channel/5", "/iptv/channel/6.ts", "/auto/5"] {
            let response = host.get(path).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        }
        for path in ["/iptv/channel/5.ts?throttle=fast", "/iptv/channel/5.ts?target_bitrate_bps=1"] {
            assert_eq!(host.get(path).await.status(), StatusCode::BAD_REQUEST, "{path}");
        }
        host.refuse_tuning(TuneError::Busy { retry_after_s: 9 });
        for path in ["/iptv/channel/5.ts", "/iptv/channel/5.m3u8", "/auto/v5"] {
            let response = host.get(path).await;
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
            assert_eq!(response.headers()[header::RETRY_AFTER], "9");
            assert_eq!(body_json(response).await["type"], "urn:exstreamtv:problem:busy");
        }
    }
}
