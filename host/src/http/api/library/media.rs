//! `GET /api/v1/library/media` and `GET /api/v1/library/media/{id}`.

use std::path::PathBuf;

use axum::{Json, extract::State};
use exstreamtv_model::{MediaId, MediaItem, MediaKind, MediaProbe, MediaState, Metadata};
use exstreamtv_store::{MediaFilter, MediaStateFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::{
    HttpState,
    api::page::{Page, clamp},
    extract::{PathPart, QueryPart},
    problem::ApiError,
};

/// A media file in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct MediaSummary {
    /// Stable identity.
    id: MediaId,
    /// Where the file is.
    #[schema(value_type = String)]
    path: PathBuf,
    /// Whether it can be played.
    state: FileState,
    /// Why not, in words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Its length, if it can be played.
    duration_ms: Option<i64>,
    /// What sort of programme it is.
    kind: MediaKind,
    /// Title of the film or of the episode.
    title: String,
    /// Title of the series.
    show: Option<String>,
    /// "S01E02", if season and episode are known.
    onscreen: Option<String>,
}

/// A media file with everything that is known about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MediaView {
    /// What lists show.
    #[serde(flatten)]
    summary: MediaSummary,
    /// Size when it was probed.
    size_bytes: u64,
    /// Modification time when it was probed, Unix milliseconds.
    mtime_ms: i64,
    /// What its name, its folder and its sidecar say.
    metadata: Metadata,
    /// What probing found; absent for broken files.
    probe: Option<MediaProbe>,
}

/// Whether a file can be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// Probed and playable.
    Ready,
    /// Listed with its reason, never played.
    Broken,
    /// Was there, is not there now.
    Missing,
}

impl From<MediaItem> for MediaSummary {
    fn from(item: MediaItem) -> Self {
        let duration_ms = item.playable_ms();
        let (state, reason) = match item.state {
            MediaState::Ready => (FileState::Ready, None),
            MediaState::Broken { reason } => (FileState::Broken, Some(reason)),
            MediaState::Missing => (FileState::Missing, None),
        };
        let onscreen = item.metadata.onscreen();
        let Metadata { kind, title, show, .. } = item.metadata;
        Self { id: item.id, path: item.path, state, reason, duration_ms, kind, title, show, onscreen }
    }
}

impl From<MediaItem> for MediaView {
    fn from(item: MediaItem) -> Self {
        let (metadata, probe) = (item.metadata.clone(), item.probe.clone());
        let (size_bytes, mtime_ms) = (item.size_bytes, item.mtime_ms);
        Self { summary: item.into(), size_bytes, mtime_ms, metadata, probe }
    }
}

impl From<FileState> for MediaStateFilter {
    fn from(state: FileState) -> Self {
        match state {
            FileState::Ready => Self::Ready,
            FileState::Broken => Self::Broken,
            FileState::Missing => Self::Missing,
        }
    }
}

/// Which files, and which part of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MediaQuery {
    /// Only files in this state.
    #[param(inline)]
    state: Option<FileState>,
    /// Only files whose title or series holds this text, ignoring case.
    text: Option<String>,
    /// `next` of the page before; absent for the first page.
    after: Option<MediaId>,
    /// Items on the page, 1 to 500; 100 if absent.
    limit: Option<u32>,
}

/// Lists media files by id.
#[utoipa::path(get, path = "/library/media", tag = "media", params(MediaQuery), responses((status = OK, body = Page<MediaSummary>)))]
#[tracing::instrument(name = "http.media.list", skip_all)]
pub async fn list(
    State(state): State<HttpState>,
    QueryPart(query): QueryPart<MediaQuery>,
) -> Result<Json<Page<MediaSummary>>, ApiError> {
    let limit = clamp(query.limit);
    let filter = MediaFilter { state: query.state.map(Into::into), text: query.text };
    // One more than the page holds tells whether there is a next page.
    let items = state.store.media().page(query.after, limit + 1, &filter).await?;
    let page = Page::cut(items, limit as usize, |item| item.id.to_string());
    Ok(Json(page.map(MediaSummary::from)))
}

/// Returns one media file with its streams and metadata.
#[utoipa::path(
    get, path = "/library/media/{id}", tag = "media", params(("id" = MediaId, Path)),
    responses((status = OK, body = MediaView))
)]
#[tracing::instrument(name = "http.media.get", skip_all, fields(media.id = %id))]
pub async fn get(State(state): State<HttpState>, PathPart(id): PathPart<MediaId>) -> Result<Json<MediaView>, ApiError> {
    let none = || ApiError::NotFound { what: "media", id: id.to_string() };
    let item = state.store.media().find(id).await?.ok_or_else(none)?;
    Ok(Json(item.into()))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use super::super::super::super::fakes::{Host, body_json};

    #[tokio::test]
    async fn files_come_in_pages_and_can_be_filtered() {
        let host = Host::open().await;
        for title in ["Alpha", "Beta", "Gamma"] {
            host.media(&format!("/tv/{title}.mkv"), title).await;
        }
        host.broken_media("/tv/bad.mkv", "no video in it").await;

        let page = body_json(host.get("/api/v1/library/media?limit=2&state=ready").await).await;
        assert_eq!((&page["items"][0]["title"], &page["items"][1]["title"]), (&json!("Alpha"), &json!("Beta")));
        let after = page["next"].as_str().unwrap();
        let page = body_json(host.get(&format!("/api/v1/library/media?limit=2&state=ready&after={after}")).await).await;
        assert_eq!((page["items"].as_array().unwrap().len(), &page["next"]), (1, &json!(null)));
        let broken = body_json(host.get("/api/v1/library/media?state=broken").await).await;
        assert_eq!(broken["items"][0]["reason"], "no video in it");
        let found = body_json(host.get("/api/v1/library/media?text=beT").await).await;
        assert_eq!(found["items"][0]["title"], "Beta");
        assert_eq!(host.get("/api/v1/library/media?state=lost").await.status(), StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn one_file_shows_its_streams() {
        let host = Host::open().await;
        let id = host.media("/tv/a.mkv", "A").await;
        let item = body_json(host.get(&format!("/api/v1/library/media/{id}")).await).await;
        assert_eq!(item["probe"]["duration_ms"], 60_000);
        assert_eq!(host.get("/api/v1/library/media/999").await.status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn the_library_counts_its_files() {
        let host = Host::open().await;
        host.media("/tv/a.mkv", "A").await;
        host.broken_media("/tv/bad.mkv", "x").await;
        let library = body_json(host.get("/api/v1/library").await).await;
        assert_eq!(library["files"], json!({"ready": 1, "broken": 1, "missing": 0}));
        assert_eq!(library["scan"]["roots"][0], "/tv");
    }
}
