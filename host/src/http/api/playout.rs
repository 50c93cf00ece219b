//! `GET /api/v1/channels/{id}/playout`: a channel's timeline.

use axum::{Json, extract::State};
use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_model::{ChannelId, EntryKind, MediaId, PlayoutEntry, PlayoutEntryId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::page::{Page, clamp};
use crate::http::{
    HttpState,
    extract::{PathPart, QueryPart},
    problem::ApiError,
};

/// One row of a timeline.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EntryView {
    /// Identity of the row.
    pub id: PlayoutEntryId,
    /// First moment on air, Unix milliseconds.
    pub start_ms: i64,
    /// First moment of what follows, Unix milliseconds.
    pub stop_ms: i64,
    /// What is played; absent where the slate is on air.
    pub media: Option<MediaId>,
    /// Where in the media it begins.
    pub in_point_ms: i64,
    /// Programme, filler or nothing to play.
    pub kind: EntryKind,
    /// What the guide calls it.
    pub title: String,
    /// The slot or source that it comes from; empty where the strategy names none.
    pub rule: String,
    /// Why it was chosen, in words.
    pub why: String,
}

impl From<PlayoutEntry> for EntryView {
    fn from(entry: PlayoutEntry) -> Self {
        let PlayoutEntry { id, start, stop, media, in_point_ms, kind, title, rule, why, channel: _ } = entry;
        let (start_ms, stop_ms) = (start.timestamp_millis(), stop.timestamp_millis());
        Self { id, start_ms, stop_ms, media, in_point_ms, kind, title, rule, why }
    }
}

/// Which part of the timeline.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WindowQuery {
    /// From when on, RFC 3339 in UTC or with an offset; now if absent.
    from: Option<DateTime<Utc>>,
    /// Up to when, at most 31 days later; 24 hours after `from` if absent.
    to: Option<DateTime<Utc>>,
    /// Rows on the page, 1 to 500; 100 if absent.
    limit: Option<u32>,
}

/// Returns the rows on air between two moments. `next` is the `from` of the next page.
#[utoipa::path(
    get, path = "/channels/{id}/playout", tag = "channels", params(("id" = ChannelId, Path), WindowQuery),
    responses((status = OK, body = Page<EntryView>))
)]
#[tracing::instrument(name = "http.channels.playout", skip_all, fields(channel.id = %id))]
pub async fn playout(
    State(state): State<HttpState>,
    PathPart(id): PathPart<ChannelId>,
    QueryPart(query): QueryPart<WindowQuery>,
) -> Result<Json<Page<EntryView>>, ApiError> {
    state.store.channels().find(id).await?.ok_or_else(|| ApiError::no_channel(id))?;
    let (from, to) = window(&query, state.clock.now())?;
    let entries = state.store.playout().window(id, from, to).await?;
    let page = Page::cut(entries, clamp(query.limit) as usize, |last| last.stop.to_rfc3339());
    Ok(Json(page.map(EntryView::from)))
}

impl WindowQuery {
    /// Returns how many rows the page may hold, as the client said it.
    pub fn limit(&self) -> Option<u32> {
        self.limit
    }

    /// Returns the window of a question about the past: the last 24 hours, if the client does not say.
    ///
    /// # Errors
    /// If the window is empty or too long.
    pub fn past(&self, now: DateTime<Utc>) -> Result<(DateTime<Utc>, DateTime<Utc>), ApiError> {
        let until_now = Self { from: self.from.or(Some(now - TimeDelta::days(1))), ..Self::default() };
        // What is on air was sent some seconds ahead of the clock.
        let to = self.to.or_else(|| self.from.is_none().then(|| now + TimeDelta::minutes(1)));
        window(&Self { to, ..until_now }, now)
    }
}

fn window(query: &WindowQuery, now: DateTime<Utc>) -> Result<(DateTime<Utc>, DateTime<Utc>), ApiError> {
    let wrong =
        |detail: &str| ApiError::BadParameter { parameter: "from and to".to_owned(), detail: detail.to_owned() };
    let from = query.from.unwrap_or(now);
    let to = match query.to {
        Some(to) => to,
        None => from.checked_add_signed(TimeDelta::days(1)).ok_or_else(|| wrong("they are too far away"))?,
    };
    match to - from {
        span if span <= TimeDelta::zero() => Err(wrong("to must be later than from")),
        span if span > TimeDelta::days(31) => Err(wrong("they may be 31 days apart")),
        _ => Ok((from, to)),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use super::super::super::fakes::{Host, body_json};

    #[tokio::test]
    async fn the_timeline_comes_in_pages_by_time() {
        let host = Host::open().await;
        let channel = host.channel("5", "Five").await;
        host.timeline(channel.id, &[("One", 60), ("Two", 60), ("Three", 60)]).await;
        let address = format!("/api/v1/channels/{}/playout", channel.id);
        let page = body_json(host.get(&format!("{address}?limit=2")).await).await;
        assert_eq!((&page["items"][0]["title"], &page["items"][1]["title"]), (&json!("One"), &json!("Two")));
        assert_eq!(page["items"][0]["stop_ms"], page["items"][1]["start_ms"]);
        let next = page["next"].as_str().unwrap().replace('+', "%2B");
        let page = body_json(host.get(&format!("{address}?limit=2&from={next}")).await).await;
        assert_eq!((&page["items"][0]["title"], &page["next"]), (&json!("Three"), &json!(null)));
    }

    #[tokio::test]
    async fn impossible_windows_are_refused() {
        let host = Host::open().await;
        let channel = host.channel("5", "Five").await;
        for query in [
            "from=yesterday",
            "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
            "from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z",
            "from=%2B262142-12-31T23:00:00Z",
            "form=2026-01-01T00:00:00Z",
        ] {
            let response = host.get(&format!("/api/v1/channels/{}/playout?{query}", channel.id)).await;
            assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{query}");
        }
        assert_eq!(host.get("/api/v1/channels/99/playout").await.status(), StatusCode::NOT_FOUND);
    }
}
