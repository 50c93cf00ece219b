//! `GET /api/v1/channels/{id}/timeline`: what was really aired.

use axum::{Json, extract::State};
use exstreamtv_model::{AiredRow, Cause, ChannelId, EntryKind, MediaId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    page::{Page, clamp},
    playout::WindowQuery,
};
use crate::http::{
    HttpState,
    extract::{PathPart, QueryPart},
    problem::ApiError,
};

/// A stretch of one programme, filler or slate that was sent to viewers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AiredView {
    /// First moment, Unix milliseconds.
    pub start_ms: i64,
    /// First moment of what followed, Unix milliseconds. The newest stretch of a channel that is on air still grows.
    pub stop_ms: i64,
    /// Programme, filler or slate.
    pub kind: EntryKind,
    /// Which file was shown; absent for the slate.
    pub media: Option<MediaId>,
    /// Where in the file the stretch began.
    pub in_point_ms: i64,
    /// Title of what was shown, or of what the slate stood in for.
    pub title: String,
    /// Why the slate was shown.
    pub cause: Option<Cause>,
    /// The code that viewers saw.
    #[schema(value_type = Option<String>)]
    pub code: Option<&'static str>,
}

impl From<AiredRow> for AiredView {
    fn from(row: AiredRow) -> Self {
        Self {
            start_ms: row.start.timestamp_millis(),
            stop_ms: row.stop.timestamp_millis(),
            kind: row.kind,
            media: row.media,
            in_point_ms: row.in_point_ms,
            title: row.title,
            cause: row.cause,
            code: row.cause.map(Cause::code),
        }
    }
}

/// Returns what was sent between two moments: the as-run log, kept for 31 days. Where nobody watched there is nothing. `next` is the `from` of
/// the next page. Without `from`, the last 24 hours.
#[utoipa::path(
    get, path = "/channels/{id}/timeline", tag = "channels", params(("id" = ChannelId, Path), WindowQuery),
    responses((status = OK, body = Page<AiredView>))
)]
#[tracing::instrument(name = "http.channels.timeline", skip_all, fields(channel.id = %id))]
pub async fn timeline(
    State(state): State<HttpState>,
    PathPart(id): PathPart<ChannelId>,
    QueryPart(query): QueryPart<WindowQuery>,
) -> Result<Json<Page<AiredView>>, ApiError> {
    state.store.channels().find(id).await?.ok_or_else(|| ApiError::no_channel(id))?;
    let (from, to) = query.past(state.clock.now())?;
    let limit = clamp(query.limit());
    let rows = state.store.chronicle().aired(id, from, to, limit + 1).await?;
    let page = Page::cut(rows, limit as usize, |last| last.stop.to_rfc3339());
    Ok(Json(page.map(AiredView::from)))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use chrono::TimeDelta;
    use exstreamtv_model::{AiredRow, Cause, EntryKind};
    use serde_json::json;

    use super::super::super::fakes::{Host, body_json};

    #[tokio::test]
    async fn what_was_aired_comes_in_pages_by_time_with_the_reason_of_slates() {
        let host = Host::open().await;
        let channel = host.channel("5", "Five").await.id;
        for (n, cause) in [None, Some(Cause::SourceMissing), None].into_iter().enumerate() {
            let start = host.now() - TimeDelta::seconds(60 - 20 * n as i64);
            let kind = if cause.is_some() { EntryKind::Slate } else { EntryKind::Programme };
            let (stop, title) = (start + TimeDelta::seconds(20), format!("Part {n}"));
            let row = AiredRow { channel, start, stop, kind, media: None, in_point_ms: 0, title, cause };
            host.store.chronicle().air(&row).await.unwrap();
        }
        let address = format!("/api/v1/channels/{channel}/timeline");
        let page = body_json(host.get(&format!("{address}?limit=2")).await).await;
        let slate = &page["items"][1];
        assert_eq!((&slate["kind"], &slate["cause"]), (&json!("slate"), &json!("source_missing")));
        assert_eq!((&slate["code"], &slate["title"]), (&json!("EX-11"), &json!("Part 1")));
        let next = page["next"].as_str().unwrap().replace('+', "%2B");
        let page = body_json(host.get(&format!("{address}?from={next}")).await).await;
        assert_eq!((&page["items"][0]["title"], &page["items"][1]), (&json!("Part 2"), &json!(null)));
        assert_eq!(host.get("/api/v1/channels/99/timeline").await.status(), StatusCode::NOT_FOUND);
    }
}
