//! `/iptv`: what players fetch: lists, guide, streams.
//!
//! Does: put the routes together, let players on other sites' pages in (CORS), and compress playlists and subtitles.
//! Does not: compress media, nor cut or pace it; the feeds do.
//! Invariant: nothing here changes anything, so every page may read it.

mod artwork;
mod audience;
mod guide;
mod guide_build;
mod guide_cache;
mod hls;
mod lineup;
mod m3u;
mod master;
mod playlist;
mod segment;
mod ts;
mod tune;

use axum::{
    Router,
    extract::FromRef,
    http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Version, header},
    response::{IntoResponse, Response},
    routing::get,
};
pub use guide_cache::GuideCache;
use tower_http::{
    compression::CompressionLayer,
    cors::{Any, CorsLayer},
};

use super::App;

/// Returns the routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/iptv/channels.m3u", get(m3u::m3u))
        .route("/iptv/xmltv.xml", get(guide::xml))
        .route("/iptv/xmltv.xml.gz", get(guide::gz))
        .route("/iptv/channel/{file}", get(tune::tune))
        .route("/iptv/channel/hls/{channel}/{file}", get(hls::file))
        .route("/iptv/channel/hls/{channel}/{session}/{file}", get(hls::file_of_session))
        .route("/iptv/hls/{channel}/{file}", get(hls::file))
        .route("/iptv/hls/{channel}/{session}/{file}", get(hls::file_of_session))
        .route("/iptv/artwork/{media}", get(artwork::artwork))
        .route("/auto/{tuner}", get(tune::auto))
        // Before the layers, so that CORS sees the questions that browsers ask first.
        .method_not_allowed_fallback(super::no_such_method)
        .layer(CompressionLayer::new().compress_when(is_text))
        .layer(cors())
}

fn cors() -> CorsLayer {
    CorsLayer::new().allow_origin(Any).allow_methods([Method::GET, Method::HEAD]).allow_headers(Any).expose_headers([
        header::CONTENT_LENGTH,
        header::DATE,
        header::ETAG,
    ])
}

/// The guide compresses itself, and media is compressed already.
fn is_text(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.contains("mpegurl") || kind.starts_with("text/vtt")
}

/// Returns whether the client has this version already. Tags are compared weakly, as RFC 9110 wants for `If-None-Match`.
fn unchanged(headers: &HeaderMap, tag: &str) -> bool {
    let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let wanted = weak(tag);
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|given| given.trim() == "*" || weak(given) == wanted)
}

/// Answers with a text that changes now and then, or with 304 to a client that has it.
fn tagged(request: &HeaderMap, kind: &'static str, cache: &'static str, tag: &str, text: String) -> Response {
    let mut response = match unchanged(request, tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

impl FromRef<App> for std::sync::Arc<GuideCache> {
    fn from_ref(app: &App) -> Self {
        app.guides.clone()
    }
}
