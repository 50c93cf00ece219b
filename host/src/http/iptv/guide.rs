//! `/iptv/xmltv.xml` and its twin `/iptv/xmltv.xml.gz`.
//!
//! Does: answer from the cache, or write the guide while it is sent; keep the last good one for when writing fails.
//! Does not: know XMLTV; `guide_build` and the guide crate do.
//! Invariant: a guide that could not be written to its end is neither kept nor ended properly, so no client takes half of it for a whole.

use std::{io::Read, sync::Arc};

use async_stream::try_stream;
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use flate2::read::GzDecoder;
use futures::{Stream, StreamExt};
use serde::Deserialize;

use super::{
    guide_build::{Build, Wanted},
    guide_cache::{GuideCache, Kept, Stamp},
    ts::unmeasured,
    unchanged,
};
use crate::http::{HttpState, extract::QueryPart, origin::Visit, problem::ApiError};

/// What a client may ask of the guide. Other keys are passed over: players add their own.
#[derive(Debug, Default, Deserialize)]
pub struct GuideQuery {
    /// Days from now on, 1 to 14.
    days: Option<u32>,
}

/// In which form the guide leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Plain text.
    Plain,
    /// Compressed on the way.
    Encoded,
    /// A compressed file.
    File,
}

/// Answers `/iptv/xmltv.xml`.
#[tracing::instrument(name = "http.guide.get", skip_all, fields(viewer.ip = %visit.viewer.ip))]
pub async fn xml(
    State(state): State<HttpState>,
    State(cache): State<Arc<GuideCache>>,
    visit: Visit,
    method: Method,
    headers: HeaderMap,
    QueryPart(query): QueryPart<GuideQuery>,
) -> Result<Response, ApiError> {
    let form = if takes_gzip(&headers) { Form::Encoded } else { Form::Plain };
    Request { state, cache, visit, method, headers, form, days: query.days }.answer().await
}

/// Answers `/iptv/xmltv.xml.gz`.
#[tracing::instrument(name = "http.guide.gz", skip_all, fields(viewer.ip = %visit.viewer.ip))]
pub async fn gz(
    State(state): State<HttpState>,
    State(cache): State<Arc<GuideCache>>,
    visit: Visit,
    method: Method,
    headers: HeaderMap,
    QueryPart(query): QueryPart<GuideQuery>,
) -> Result<Response, ApiError> {
    Request { state, cache, visit, method, headers, form: Form::File, days: query.days }.answer().await
}

struct Request {
    state: HttpState,
    cache: Arc<GuideCache>,
    visit: Visit,
    method: Method,
    headers: HeaderMap,
    form: Form,
    days: Option<u32>,
}

impl Request {
    async fn answer(self) -> Result<Response, ApiError> {
        let days = self.days.unwrap_or(self.state.settings.borrow().guide_days).clamp(1, 14);
        let now = self.state.clock.now();
        let stamp = Stamp::new(self.visit.base.clone(), days, self.state.playout.version(), now);
        let kept = self.cache.find(&stamp);
        let tag = self.cache.tag(&stamp, self.form != Form::Plain);
        let since = kept.as_ref().is_some_and(|kept| not_modified_since(&self.headers, kept));
        if unchanged(&self.headers, &tag) || since {
            return Ok(self.respond(&tag, kept.as_ref(), StatusCode::NOT_MODIFIED, Body::empty()));
        }
        if self.method == Method::HEAD {
            return Ok(self.respond(&tag, kept.as_ref(), StatusCode::OK, unmeasured()));
        }
        match kept {
            Some(kept) => Ok(self.send(&kept)),
            None => self.write(stamp, &tag).await,
        }
    }

    /// Writes a new guide. Nothing is sent before its first piece is there, so a failing database still gives a status of its own.
    async fn write(self, stamp: Stamp, tag: &str) -> Result<Response, ApiError> {
        let build = Build {
            store: self.state.store.clone(),
            cache: Arc::clone(&self.cache),
            stamp: stamp.clone(),
            started: self.state.clock.now(),
            wanted: if self.form == Form::Plain { Wanted::Plain } else { Wanted::Gzip },
        };
        let mut pieces = Box::pin(build.pieces());
        match pieces.next().await {
            Some(Ok(first)) => {
                let pieces = futures::stream::once(async { Ok(first) }).chain(pieces);
                Ok(self.respond(tag, None, StatusCode::OK, Body::from_stream(pieces)))
            }
            Some(Err(error)) => match self.cache.last_good(&stamp) {
                Some(kept) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "sending an old guide, because a new one failed"
                    );
                    Ok(self.send(&kept))
                }
                None => Err(ApiError::Guide(Box::new(error))),
            },
            None => Err(ApiError::Guide("the guide ended before it began".into())),
        }
    }

    fn send(&self, kept: &Kept) -> Response {
        let body = match self.form {
            Form::Plain => Body::from_stream(unpacked(kept.gzip.clone())),
            Form::Encoded | Form::File => Body::from(kept.gzip.clone()),
        };
        let tag = self.cache.tag(&kept.stamp, self.form != Form::Plain);
        self.respond(&tag, Some(kept), StatusCode::OK, body)
    }

    fn respond(&self, tag: &str, kept: Option<&Kept>, status: StatusCode, body: Body) -> Response {
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        let kind = if self.form == Form::File { "application/gzip" } else { "application/xml; charset=utf-8" };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if self.form == Form::Encoded && status == StatusCode::OK {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if self.form != Form::File {
            headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        let modified = kept.map_or_else(|| self.state.clock.now(), |kept| kept.modified);
        let modified = modified.format(HTTP_DATE).to_string();
        for (name, value) in [(header::ETAG, tag), (header::LAST_MODIFIED, modified.as_str())] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// Unpacks a kept guide piece by piece, so that it never lies in memory as a whole.
fn unpacked(gzip: Bytes) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    try_stream! {
        let mut reader = GzDecoder::new(std::io::Cursor::new(gzip));
        loop {
            let mut piece = vec![0; 64 * 1024];
            let length = reader.read(&mut piece)?;
            if length == 0 {
                return;
            }
            piece.truncate(length);
            yield Bytes::from(piece);
        }
    }
}

const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

fn not_modified_since(headers: &HeaderMap, kept: &Kept) -> bool {
    // `If-None-Match` is the better question; with it this one is not looked at.
    let asked = headers.get(header::IF_MODIFIED_SINCE).filter(|_| !headers.contains_key(header::IF_NONE_MATCH));
    let asked = asked.and_then(|value| value.to_str().ok());
    let since = asked.and_then(|text| chrono::NaiveDateTime::parse_from_str(text, HTTP_DATE).ok());
    since.is_some_and(|since| kept.modified.timestamp() <= since.and_utc().timestamp())
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let mut codings = lines.flat_map(|line| line.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()) == Some(0.0);
        matches!(name.trim(), "gzip" | "x-gzip" | "*") && !refused
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use axum::{
        body::Body,
        http::{StatusCode, header},
        response::Response,
    };

    use crate::http::fakes::{Host, body_bytes, body_text, request};

    async fn ask(host: &Host, path: &str, headers: &[(&str, &str)]) -> Response {
        let asked = headers.iter().fold(request("GET", path), |asked, (name, value)| asked.header(*name, *value));
        host.send(asked.body(Body::empty()).unwrap()).await
    }

    fn unzipped(bytes: &[u8]) -> String {
        let mut text = String::new();
        flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
        text
    }

    async fn host_with_guide() -> Host {
        let host = Host::open().await;
        let channel = host.channel("5", "Five & <Six>").await;
        host.timeline(channel.id, &[("One", 60), ("Two & <b>", 60)]).await;
        host
    }

    #[tokio::test]
    async fn every_form_holds_the_same_guide() {
        let host = host_with_guide().await;
        let first = ask(&host, "/iptv/xmltv.xml", &[("host", "tv.lan")]).await;
        assert_eq!(first.headers()[header::CONTENT_TYPE], "application/xml; charset=utf-8");
        assert_eq!(first.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let plain = body_text(first).await;
        assert!(plain.contains("Two &amp; &lt;b&gt;") && plain.trim_end().ends_with("</tv>"), "{plain}");

        let kept = body_text(ask(&host, "/iptv/xmltv.xml", &[("host", "tv.lan")]).await).await;
        assert_eq!(kept, plain, "the second one comes from the cache");
        let encoded = ask(&host, "/iptv/xmltv.xml", &[("host", "tv.lan"), ("accept-encoding", "br, gzip")]).await;
        assert_eq!(encoded.headers()[header::CONTENT_ENCODING], "gzip");
        assert_eq!(unzipped(&body_bytes(encoded).await), plain);
        let file = ask(&host, "/iptv/xmltv.xml.gz", &[("host", "tv.lan"), ("accept-encoding", "gzip")]).await;
        assert_eq!(file.headers()[header::CONTENT_TYPE], "application/gzip");
        assert!(!file.headers().contains_key(header::CONTENT_ENCODING));
        assert_eq!(unzipped(&body_bytes(file).await), plain);
    }

    #[tokio::test]
    async fn a_client_that_has_the_guide_is_told_so_until_a_timeline_changes() {
        let host = host_with_guide().await;
        let first = ask(&host, "/iptv/xmltv.xml", &[]).await;
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        let modified = first.headers()[header::LAST_MODIFIED].to_str().unwrap().to_owned();
        body_bytes(first).await;
        assert_eq!(ask(&host, "/iptv/xmltv.xml", &[("if-none-match", &tag)]).await.status(), StatusCode::NOT_MODIFIED);
        let since = ask(&host, "/iptv/xmltv.xml", &[("if-modified-since", &modified)]).await;
        assert_eq!(since.status(), StatusCode::NOT_MODIFIED);
        let gz = ask(&host, "/iptv/xmltv.xml.gz", &[("if-none-match", &tag)]).await;
        assert_eq!(gz.status(), StatusCode::OK, "other bytes, other tag");
        host.bump_version();
        assert_eq!(ask(&host, "/iptv/xmltv.xml", &[("if-none-match", &tag)]).await.status(), StatusCode::OK);
        host.pass_hours(1);
        let later = ask(&host, "/iptv/xmltv.xml", &[("if-modified-since", &modified)]).await;
        assert_eq!(later.status(), StatusCode::OK, "the window moves with the hour");
    }

    #[tokio::test]
    async fn when_the_database_fails_the_last_good_guide_is_sent() {
        let host = host_with_guide().await;
        let good = body_text(ask(&host, "/iptv/xmltv.xml", &[]).await).await;
        host.bump_version();
        host.store.close().await;
        let old = ask(&host, "/iptv/xmltv.xml", &[]).await;
        assert_eq!(old.status(), StatusCode::OK);
        assert_eq!(body_text(old).await, good);
        let other = ask(&host, "/iptv/xmltv.xml?days=3", &[]).await;
        assert_eq!(other.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(other.headers()[header::CONTENT_TYPE], "application/problem+json");
    }

    #[tokio::test]
    async fn a_guide_that_nobody_read_to_its_end_is_not_kept() {
        let host = host_with_guide().await;
        drop(ask(&host, "/iptv/xmltv.xml", &[]).await);
        let whole = body_text(ask(&host, "/iptv/xmltv.xml", &[]).await).await;
        assert!(whole.trim_end().ends_with("</tv>"));
    }

    #[tokio::test]
    async fn a_guide_that_breaks_off_does_not_look_whole() {
        let host = host_with_guide().await;
        let response = ask(&host, "/iptv/xmltv.xml", &[]).await;
        host.store.close().await;
        assert!(axum::body::to_bytes(response.into_body(), 1_000_000).await.is_err());
        let next = ask(&host, "/iptv/xmltv.xml", &[]).await;
        assert_eq!(next.status(), StatusCode::INTERNAL_SERVER_ERROR, "and nothing of it is kept");
    }

    #[tokio::test]
    async fn the_query_may_hold_what_players_add() {
        let host = host_with_guide().await;
        assert_eq!(ask(&host, "/iptv/xmltv.xml?days=99&token=x", &[]).await.status(), StatusCode::OK);
        assert_eq!(ask(&host, "/iptv/xmltv.xml?days=x", &[]).await.status(), StatusCode::BAD_REQUEST);
    }
}
