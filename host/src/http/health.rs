//! `/health/live` and `/health/ready`: for service managers, load balancers and people.
//!
//! Does: say whether the process answers, and whether each part of it does its work.
//! Does not: mend anything.
//! Invariant: a part that cannot even be asked counts as broken.

use std::panic::{AssertUnwindSafe, catch_unwind};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;

use super::{
    App, HttpState,
    state::{HealthPort, PartHealth},
};

/// Returns the routes.
pub fn router() -> Router<App> {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready))
}

/// The process answers, or it would not have got here.
async fn live() -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], Json(serde_json::json!({ "live": true })))
}

/// How every part is; a problem document with the parts as an extension when one of them fails.
#[derive(Debug, Serialize)]
struct Readiness {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    ready: bool,
    parts: Vec<PartHealth>,
}

#[tracing::instrument(name = "http.health.ready", level = "debug", skip_all)]
async fn ready(State(state): State<HttpState>) -> Response {
    let parts = ask(state.health.as_ref());
    let broken: Vec<_> = parts.iter().filter(|part| !part.ok).map(|part| part.name.as_str()).collect();
    let no_store = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if broken.is_empty() {
        let body = Readiness { kind: None, title: "Ready", status: 200, detail: None, ready: true, parts };
        return ([no_store], Json(body)).into_response();
    }
    let detail = Some(format!("Not working: {}.", broken.join(", ")));
    let kind = Some("urn:exstreamtv:problem:not-ready");
    let body = Readiness { kind, title: "Service Unavailable", status: 503, detail, ready: false, parts };
    let headers = [
        no_store,
        (header::RETRY_AFTER, HeaderValue::from_static("5")),
        (header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json")),
    ];
    (StatusCode::SERVICE_UNAVAILABLE, headers, Json(body)).into_response()
}

/// Asks every part; a check that panics is itself a broken part.
pub fn ask(health: &dyn HealthPort) -> Vec<PartHealth> {
    catch_unwind(AssertUnwindSafe(|| health.parts())).unwrap_or_else(|_| {
        vec![PartHealth {
            name: "health".into(),
            ok: false,
            detail: "the health check itself failed; see the log".into(),
        }]
    })
}

#[cfg(test)]
mod tests {
    use axum::http::{StatusCode, header};

    use super::super::fakes::{Host, Part, body_json};

    #[tokio::test]
    async fn readiness_lists_every_part() {
        let host = Host::open().await;
        let response = host.get("/health/ready").await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(body_json(response).await["parts"][0]["name"], "database");
        assert_eq!(host.get("/health/live").await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn one_broken_part_makes_the_whole_unready_but_alive() {
        let host = Host::open().await;
        host.break_part(Part::Fails("ffmpeg is missing"));
        let response = host.get("/health/ready").await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "5");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(body_json(response).await["parts"][0]["detail"], "ffmpeg is missing");
        assert_eq!(host.get("/health/live").await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn a_check_that_panics_is_itself_unhealthy() {
        let host = Host::open().await;
        host.break_part(Part::Panics);
        let response = host.get("/health/ready").await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(body_json(response).await["parts"][0]["name"], "health");
    }
}
