//! `/`: the page for people, drawn by the server.
//!
//! Does: gather what the page shows, and serve its style, script and icon.
//! Does not: change anything; the full web interface is a later issue.
//! Invariant: every text from outside is escaped by [`view`], and the policy lets nothing run but our own script.

mod view;

use axum::{
    Router,
    extract::State,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
    routing::get,
};
use view::View;

use super::{App, HttpState, api::on_now, health, origin::Visit, problem::ApiError};

/// Logos may lie anywhere; everything else is ours.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' http: https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Returns the routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/", get(page))
        .route("/assets/page.css", get(|| asset("text/css; charset=utf-8", include_str!("page/page.css"))))
        .route("/assets/page.js", get(|| asset("text/javascript; charset=utf-8", include_str!("page/page.js"))))
        .route("/favicon.svg", get(|| asset("image/svg+xml", include_str!("page/favicon.svg"))))
}

async fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    // Short, because the names do not change with a new version of the program.
    let policy = (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'");
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=300"), policy], text)
}

#[tracing::instrument(name = "http.page.get", skip_all)]
async fn page(State(state): State<HttpState>, visit: Visit) -> Result<Response, ApiError> {
    let now = state.clock.now();
    // Bound first: a borrowed watch must not wait for the database.
    let scan = state.library.watch().borrow().clone();
    let view = View {
        base: visit.base,
        now,
        channels: on_now(&state.store, now).await?,
        feeds: state.broadcaster.feeds(),
        scan,
        files: state.store.media().counts().await?,
        parts: health::ask(state.health.as_ref()),
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (HeaderName::from_static("x-frame-options"), "DENY"),
    ];
    Ok((headers, view.to_string()).into_response())
}

#[cfg(test)]
mod tests {
    use axum::{
        body::Body,
        http::{StatusCode, header},
    };

    use super::super::fakes::{Host, Part, body_text, request};

    #[tokio::test]
    async fn the_page_shows_what_is_on_and_what_to_paste() {
        let host = Host::open().await;
        let channel = host.channel("5.1", "Five").await;
        host.timeline(channel.id, &[("One", 60), ("Two", 60)]).await;
        let asked = request("GET", "/").header("host", "tv.lan:8411").body(Body::empty()).unwrap();
        let response = host.send(asked).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        let page = body_text(response).await;
        for part in [
            "Five",
            "One",
            "Two",
            "<progress max=\"60000\" value=\"0\"",
            "http://tv.lan:8411/iptv/channels.m3u",
            "http://tv.lan:8411/iptv/xmltv.xml",
            "http://tv.lan:8411/iptv/channel/5.1.ts",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }

    #[tokio::test]
    async fn names_are_text_and_never_markup() {
        let host = Host::open().await;
        let channel = host.channel("5", "<script>alert('x')</script>\"&").await;
        host.timeline(channel.id, &[("\"><img src=x onerror=alert(1)>", 60)]).await;
        host.break_part(Part::Fails("<b>down</b>"));
        let response = host.get("/").await;
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let page = body_text(response).await;
        for markup in ["<script>alert", "<img src=x", "<b>down", "\"&</"] {
            assert!(!page.contains(markup), "{markup} in {page}");
        }
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"), "{page}");
    }

    #[tokio::test]
    async fn an_empty_house_has_a_page_too() {
        let host = Host::open().await;
        let page = body_text(host.get("/").await).await;
        assert!(page.contains("There is no channel yet"), "{page}");
    }

    #[tokio::test]
    async fn what_the_page_needs_is_served() {
        let host = Host::open().await;
        for (path, kind) in [
            ("/assets/page.css", "text/css"),
            ("/assets/page.js", "text/javascript"),
            ("/favicon.svg", "image/svg+xml"),
        ] {
            let response = host.get(path).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert!(response.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with(kind));
        }
    }
}
