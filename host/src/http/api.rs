//! `/api/v1`: everything that people and programs may ask and change, described by `/api/openapi.json`.
//!
//! Does: put the endpoints together and describe them.
//! Does not: authenticate (the default listens on loopback); let other sites' pages in: there is no CORS, and their changes are refused.
//! Invariant: a route and its description are made from the same list, so neither exists without the other.

mod backups;
mod capacity;
mod channels;
mod collections;
mod database;
mod description;
mod dossiers;
mod error_screen;
mod feeds;
mod hardware;
mod healing;
mod health;
mod incidents;
mod library;
mod logs;
mod merge;
mod now;
mod page;
mod patterns;
mod playout;
mod plugins;
mod portable;
mod restart;
mod schedule;
mod sessions;
mod slates;
mod timeline;
mod webhooks;

use axum::{Json, Router, extract::DefaultBodyLimit, response::IntoResponse, routing::get};
pub use incidents::{AccountView, IncidentView};
pub use now::{OnNow, on_now};
pub use playout::EntryView;
use tower_http::csrf::{CsrfLayer, ProtectionError};
use utoipa::OpenApi;
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

use crate::sessions::news::{LimitHit, StateChange};

use super::{
    App,
    problem::{ApiError, Problem},
};

/// The largest body that is read.
const BODY_LIMIT_BYTES: usize = 1024 * 1024;

/// The largest document that is imported.
const DOCUMENT_LIMIT_BYTES: usize = 64 * 1024 * 1024;

/// Returns the API and its description.
pub fn router() -> Router<App> {
    let (routes, description) = described().split_for_parts();
    let description = description::completed(&description);
    routes
        .route("/api/openapi.json", get(|| async move { Json(description) }))
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .layer(CsrfLayer::new().with_rejection_response(|_: ProtectionError| ApiError::CrossSite.into_response()))
}

fn described() -> OpenApiRouter<App> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(channels::list::list, channels::create::create))
        .routes(routes!(
            channels::get::get,
            channels::replace::replace,
            channels::patch::patch,
            channels::delete::delete
        ))
        .routes(routes!(playout::playout))
        .routes(routes!(timeline::timeline))
        .routes(routes!(restart::restart))
        .routes(routes!(health::one))
        .routes(routes!(health::all))
        .routes(routes!(incidents::incidents))
        .routes(routes!(incidents::incident))
        .routes(routes!(schedule::get::get, schedule::replace::replace, schedule::delete::delete))
        .routes(routes!(schedule::preview::preview))
        .routes(routes!(error_screen::get::get, error_screen::replace::replace, error_screen::delete::delete))
        .routes(routes!(slates::preview::preview))
        .routes(routes!(collections::list::list, collections::create::create))
        .routes(routes!(
            collections::get::get,
            collections::replace::replace,
            collections::patch::patch,
            collections::delete::delete
        ))
        .routes(routes!(collections::items::items))
        .routes(routes!(library::status::status))
        .routes(routes!(library::scan::scan))
        .routes(routes!(library::events::events))
        .routes(routes!(library::media::list))
        .routes(routes!(library::media::get))
        .routes(routes!(library::picks::picks))
        .routes(routes!(plugins::plugins))
        .routes(routes!(now::now))
        .routes(routes!(feeds::feeds))
        .routes(routes!(capacity::capacity))
        .routes(routes!(logs::list::list))
        .routes(routes!(logs::stream::stream))
        .routes(routes!(logs::templates::templates))
        .routes(routes!(logs::counts::counts))
        .routes(routes!(logs::get::get))
        .routes(routes!(logs::context::context))
        .routes(routes!(patterns::patterns))
        .routes(routes!(healing::state::healing))
        .routes(routes!(healing::state::reset))
        .routes(routes!(healing::resolutions::resolutions))
        .routes(routes!(healing::approvals::list))
        .routes(routes!(healing::approvals::approve))
        .routes(routes!(healing::approvals::reject))
        .routes(routes!(patterns::confirm))
        .routes(routes!(patterns::reject))
        .routes(routes!(patterns::reset))
        .routes(routes!(webhooks::plex))
        .routes(routes!(webhooks::jellyfin))
        .routes(routes!(webhooks::emby))
        .routes(routes!(hardware::get))
        .routes(routes!(hardware::detect))
        .routes(routes!(hardware::explain))
        .routes(routes!(dossiers::list))
        .routes(routes!(dossiers::get, dossiers::delete))
        .routes(routes!(database::database))
        .routes(routes!(portable::export))
        .routes(routes!(portable::import).layer(DefaultBodyLimit::max(DOCUMENT_LIMIT_BYTES)))
        .routes(routes!(backups::list, backups::create))
        .routes(routes!(backups::events::events))
        .routes(routes!(backups::get, backups::delete))
        .routes(routes!(backups::verify))
        .routes(routes!(backups::restore))
        .routes(routes!(sessions::list::list))
        .routes(routes!(sessions::totals::totals))
        .routes(routes!(sessions::events::events))
        .routes(routes!(sessions::get::get, sessions::patch::patch, sessions::kill::kill));
    OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", v1)
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "EXStreamTV",
        description = "Channels, collections, the library and what is on air. Errors are RFC 9457 problem documents.",
        license(name = "MIT OR Apache-2.0")
    ),
    components(schemas(Problem, StateChange, LimitHit))
)]
struct Document;

#[cfg(test)]
mod tests {
    use axum::http::{Method, StatusCode};

    use super::super::fakes::{Host, body_json, request};

    #[tokio::test]
    async fn every_described_route_is_served() {
        let host = Host::open().await;
        let description = body_json(host.get("/api/openapi.json").await).await;
        let paths = description["paths"].as_object().unwrap();
        assert!(paths.len() >= 13, "{paths:?}");
        for (path, item) in paths {
            for method in item.as_object().unwrap().keys() {
                let method: Method = method.to_uppercase().parse().unwrap();
                let path = path.replace("{id}", "999");
                let response = host.send(request(method.as_str(), &path).body("{}".into()).unwrap()).await;
                assert_ne!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
                if response.status() == StatusCode::NOT_FOUND {
                    assert_eq!(
                        body_json(response).await["type"],
                        "urn:exstreamtv:problem:not-found",
                        "{method} {path}"
                    );
                }
            }
        }
    }

    #[tokio::test]
    async fn the_description_refers_to_nothing_that_it_does_not_hold() {
        let host = Host::open().await;
        let description = body_json(host.get("/api/openapi.json").await).await;
        let mut open = vec![&description];
        let mut references = 0;
        while let Some(value) = open.pop() {
            if let Some(target) = value.get("$ref").and_then(|target| target.as_str()) {
                assert!(description.pointer(target.trim_start_matches('#')).is_some(), "{target}");
                references += 1;
            }
            match value {
                serde_json::Value::Object(map) => open.extend(map.values()),
                serde_json::Value::Array(list) => open.extend(list),
                _ => {}
            }
        }
        assert!(references > 20, "{references}");
    }

    #[tokio::test]
    async fn every_answer_has_words_and_any_endpoint_may_answer_with_a_problem() {
        let host = Host::open().await;
        let description = body_json(host.get("/api/openapi.json").await).await;
        let items = description["paths"].as_object().unwrap().values();
        let mut names = std::collections::HashSet::new();
        for operation in items.flat_map(|item| item.as_object().unwrap().values()) {
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.values().all(|response| response["description"].is_string()), "{operation}");
            assert!(responses["default"]["content"]["application/problem+json"].is_object(), "{operation}");
            assert!(operation["summary"].is_string(), "{operation}");
            assert!(names.insert(operation["operationId"].to_string()), "{operation}");
        }
        let combined = &description["components"]["schemas"]["ChannelFields"];
        assert!(combined.get("additionalProperties").is_none(), "a channel has an id beside these: {combined}");
    }

    #[tokio::test]
    async fn pages_of_other_sites_can_neither_read_nor_change_anything() {
        let host = Host::open().await;
        let foreign =
            request("POST", "/api/v1/library/scan").header("origin", "https://evil.example").header("host", "tv.lan");
        let response = host.send(foreign.body("".into()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert_eq!(body_json(response).await["type"], "urn:exstreamtv:problem:cross-site");
        assert!(host.scans().is_empty());

        let read = request("GET", "/api/v1/channels").header("origin", "https://evil.example");
        let response = host.send(read.body("".into()).unwrap()).await;
        assert!(!response.headers().contains_key("access-control-allow-origin"));
    }

    #[tokio::test]
    async fn a_body_beyond_the_limit_is_refused() {
        let host = Host::open().await;
        let huge = format!("{{\"name\":\"{}\"}}", "x".repeat(2 * 1024 * 1024));
        let response = host.json("POST", "/api/v1/channels", &huge).await;
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
}
