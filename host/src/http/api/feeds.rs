//! `GET /api/v1/feeds`: what is being encoded.

use axum::{Json, extract::State};

use super::page::Page;
use crate::http::{HttpState, state::FeedView};

/// Lists the feeds that exist, with their workers and FFmpeg processes.
#[utoipa::path(get, path = "/feeds", tag = "channels", responses((status = OK, body = Page<FeedView>)))]
#[tracing::instrument(name = "http.feeds.list", skip_all)]
pub async fn feeds(State(state): State<HttpState>) -> Json<Page<FeedView>> {
    Json(Page::whole(state.broadcaster.feeds()))
}

#[cfg(test)]
mod tests {
    use super::super::super::fakes::{Host, body_json};

    #[tokio::test]
    async fn a_feed_shows_its_processes() {
        let host = Host::open().await;
        let channel = host.channel("5", "Five").await;
        host.on_air(channel.id);
        let feeds = body_json(host.get("/api/v1/feeds").await).await;
        assert_eq!(feeds["items"][0]["channel"], channel.id.to_string());
        assert_eq!(feeds["items"][0]["runs"][0]["kind"], "on_air");
    }
}
