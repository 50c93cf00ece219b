//! The HTTP side of the host: what players, people and programs may ask.
//!
//! Does: put the routes together and give each answer the headers that all have.
//! Does not: know how feeds, timelines or scans work; it asks them through the ports in [`state`].
//! Invariant: every error is a problem document with a status of its own.

mod api;
mod extract;
#[cfg(test)]
pub(crate) mod fakes;
mod health;
mod iptv;
mod metrics;
pub mod origin;
mod page;
pub mod problem;
pub mod serve;
pub mod state;

use std::sync::Arc;

pub(crate) use api::{AccountView, IncidentView};
use axum::{
    Router,
    extract::FromRef,
    http::{HeaderValue, Method, Uri, header},
};
pub use origin::{BaseUrl, Peer, TrustedProxies};
use problem::ApiError;
pub use serve::serve;
pub use state::{HttpSettings, HttpState};
use tower_http::set_header::SetResponseHeaderLayer;

/// What handlers share: the ports, and the guides that were written already.
#[derive(Clone)]
struct App {
    state: HttpState,
    guides: Arc<iptv::GuideCache>,
}

impl FromRef<App> for HttpState {
    fn from_ref(app: &App) -> Self {
        app.state.clone()
    }
}

/// Returns every route of the host.
pub fn router(state: HttpState) -> Router {
    let guides = Arc::new(iptv::GuideCache::new(state.clock.now()));
    Router::new()
        .merge(iptv::router())
        .merge(api::router())
        .merge(health::router())
        .merge(metrics::router())
        .merge(page::router())
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(always(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(always(header::REFERRER_POLICY, "no-referrer"))
        .with_state(App { state, guides })
}

fn always(name: header::HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

async fn no_such_path(uri: Uri) -> ApiError {
    ApiError::NoSuchPath { path: uri.path().to_owned() }
}

async fn no_such_method(method: Method) -> ApiError {
    ApiError::NoSuchMethod { method: method.to_string() }
}

#[cfg(test)]
mod tests {
    use axum::http::{StatusCode, header};

    use super::fakes::{Host, body_json};

    #[tokio::test]
    async fn even_a_path_that_leads_nowhere_answers_with_a_problem() {
        let host = Host::open().await;
        for (method, path, status) in [
            ("GET", "/nothing", StatusCode::NOT_FOUND),
            ("GET", "/api/v1/nothing", StatusCode::NOT_FOUND),
            ("DELETE", "/iptv/channels.m3u", StatusCode::METHOD_NOT_ALLOWED),
            ("POST", "/api/v1/now", StatusCode::METHOD_NOT_ALLOWED),
        ] {
            let response = host.json(method, path, "").await;
            assert_eq!(response.status(), status, "{method} {path}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json", "{method} {path}");
            assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(body_json(response).await["status"], status.as_u16());
        }
    }
}
