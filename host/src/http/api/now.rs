//! `GET /api/v1/now`: what is on, on every channel.

use std::collections::HashMap;

use axum::{Json, extract::State};
use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_model::{Channel, ChannelId, ChannelNumber, EntryKind, PlayoutEntry};
use exstreamtv_store::{Store, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use super::playout::EntryView;
use crate::http::{HttpState, problem::ApiError};

/// What is on, on every channel of the lineup.
#[derive(Debug, Serialize, ToSchema)]
pub struct NowView {
    /// The moment this is true for, Unix milliseconds.
    now_ms: i64,
    /// The channels in lineup order.
    items: Vec<OnNowView>,
}

/// What is on, on one channel.
#[derive(Debug, Serialize, ToSchema)]
struct OnNowView {
    /// The channel.
    channel: ChannelId,
    /// Its place in the lineup.
    number: ChannelNumber,
    /// Its name.
    name: String,
    /// What is on air.
    now: Option<EntryView>,
    /// What comes next: the next programme, over fillers.
    next: Option<EntryView>,
}

/// What is on, on one channel.
#[derive(Debug)]
pub struct OnNow {
    /// The channel.
    pub channel: Channel,
    /// What is on air.
    pub now: Option<EntryView>,
    /// What comes next.
    pub next: Option<EntryView>,
}

/// Returns what is on air and what comes next, for every channel of the lineup.
#[utoipa::path(get, path = "/now", tag = "channels", responses((status = OK, body = NowView)))]
#[tracing::instrument(name = "http.now.get", skip_all)]
pub async fn now(State(state): State<HttpState>) -> Result<Json<NowView>, ApiError> {
    let at = state.clock.now();
    let view = |on: OnNow| {
        let Channel { id, number, name, .. } = on.channel;
        OnNowView { channel: id, number, name, now: on.now, next: on.next }
    };
    let items = on_now(&state.store, at).await?.into_iter().map(view).collect();
    Ok(Json(NowView { now_ms: at.timestamp_millis(), items }))
}

/// Returns what is on air at `at` and what comes next, for every channel of the lineup.
///
/// # Errors
/// When the database fails.
pub async fn on_now(store: &Store, at: DateTime<Utc>) -> Result<Vec<OnNow>, StoreError> {
    let on_air = store.playout().on_air_everywhere(at).await?;
    let mut on_air: HashMap<ChannelId, PlayoutEntry> = on_air.into_iter().map(|entry| (entry.channel, entry)).collect();
    let mut all = Vec::new();
    for channel in store.channels().list().await?.into_iter().filter(|channel| channel.enabled) {
        let now = on_air.remove(&channel.id);
        let next = next_programme(store, channel.id, now.as_ref(), at).await?;
        all.push(OnNow { channel, now: now.map(Into::into), next: next.map(Into::into) });
    }
    Ok(all)
}

/// A row that follows is rarely more than a few fillers away; a channel with hours of filler has no next programme.
async fn next_programme(
    store: &Store,
    channel: ChannelId,
    now: Option<&PlayoutEntry>,
    at: DateTime<Utc>,
) -> Result<Option<PlayoutEntry>, StoreError> {
    let from = now.map_or(at, |now| now.stop);
    let rows = store.playout().window(channel, from, from + TimeDelta::minutes(30)).await?;
    let (mut part, mut next) = (now, None);
    for (place, row) in rows.iter().enumerate().filter(|(_, row)| row.kind == EntryKind::Programme) {
        // What goes on behind a break is still the same programme.
        if part.is_some_and(|part| row.resumes(part)) {
            part = Some(row);
        } else {
            next = Some(place);
            break;
        }
    }
    Ok(rows.into_iter().nth(next.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::fakes::{Host, body_json};

    #[tokio::test]
    async fn now_and_next_of_every_channel() {
        let host = Host::open().await;
        let five = host.channel("5", "Five").await;
        host.channel("6", "Empty").await;
        host.timeline(five.id, &[("One", 60), ("Two", 60)]).await;
        let view = body_json(host.get("/api/v1/now").await).await;
        let [first, second] = [&view["items"][0], &view["items"][1]];
        assert_eq!((&first["now"]["title"], &first["next"]["title"]), (&json!("One"), &json!("Two")));
        assert_eq!((&second["name"], &second["now"], &second["next"]), (&json!("Empty"), &json!(null), &json!(null)));
    }
}
