//! `POST /api/v1/channels/{id}/schedule/preview`.

use axum::{Json, extract::State};
use chrono::TimeDelta;
use exstreamtv_model::{ChannelId, EntryKind, MediaId, Schedule};
use exstreamtv_store::NewEntry;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::check;
use crate::{
    http::{
        HttpState,
        extract::{JsonBody, PathPart, QueryPart},
        problem::ApiError,
    },
    playout::preview::{Preview, Share},
};

/// The most rows of an answer: two days of clips of 17 seconds.
const MAX_ROWS: usize = 10_000;

/// How much to try.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HoursQuery {
    /// Hours, 1 to 336; 48 if absent.
    hours: Option<u32>,
}

/// What a schedule would put on air.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewView {
    /// First moment that it shows, Unix milliseconds: the end of what is on air.
    from_ms: i64,
    /// First moment that it does not show, Unix milliseconds.
    to_ms: i64,
    /// Which strategy made it.
    by: String,
    /// Why it was not the one that was asked; absent where it was.
    fallback: Option<String>,
    /// The strategy's remarks.
    notes: Vec<String>,
    /// Who gets how much time.
    distribution: Vec<ShareView>,
    /// The rows, at most 10,000.
    entries: Vec<PreviewEntry>,
    /// How many more rows there are.
    left_out: usize,
}

/// How much of a preview one rule fills.
#[derive(Debug, Serialize, ToSchema)]
struct ShareView {
    /// The slot or source; empty where the strategy names none.
    rule: String,
    /// What its rows are to a viewer.
    kind: EntryKind,
    /// How many rows.
    count: u64,
    /// How long they are on air together.
    airtime_ms: i64,
    /// Their part of the whole time, 0 to 1.
    share: f64,
}

/// A row that is not stored.
#[derive(Debug, Serialize, ToSchema)]
struct PreviewEntry {
    /// First moment on air, Unix milliseconds.
    start_ms: i64,
    /// First moment of what follows, Unix milliseconds.
    stop_ms: i64,
    /// What is played; absent where the slate is on air.
    media: Option<MediaId>,
    /// Where in the media it begins.
    in_point_ms: i64,
    /// Programme, filler or nothing to play.
    kind: EntryKind,
    /// What the guide calls it.
    title: String,
    /// The slot or source that it comes from.
    rule: String,
    /// Why it was chosen, in words.
    why: String,
}

/// Plans a channel's time from the end of what is on air, by the schedule in the body or, without one, by its own. Nothing is stored.
#[utoipa::path(
    post, path = "/channels/{id}/schedule/preview", tag = "schedule", params(("id" = ChannelId, Path), HoursQuery),
    request_body(content = Schedule, description = "A schedule that is not stored; may be left out"),
    responses((status = OK, body = PreviewView))
)]
#[tracing::instrument(name = "http.schedule.preview", skip_all, fields(channel.id = %id))]
pub async fn preview(
    State(state): State<HttpState>,
    PathPart(id): PathPart<ChannelId>,
    QueryPart(query): QueryPart<HoursQuery>,
    schedule: Option<JsonBody<Schedule>>,
) -> Result<Json<PreviewView>, ApiError> {
    let channel = state.store.channels().find(id).await?.ok_or_else(|| ApiError::no_channel(id))?;
    let hours = query.hours.unwrap_or(48);
    if !(1..=336).contains(&hours) {
        let detail = "it must be from 1 to 336".to_owned();
        return Err(ApiError::BadParameter { parameter: "hours".to_owned(), detail });
    }
    let schedule = schedule.map(|JsonBody(schedule)| schedule);
    if let Some(schedule) = &schedule {
        check(&state, &channel, schedule, "").await?;
    }
    let preview = state.playout.preview(id, schedule, TimeDelta::hours(hours.into())).await?;
    Ok(Json(preview.ok_or_else(|| ApiError::no_channel(id))?.into()))
}

impl From<Preview> for PreviewView {
    fn from(preview: Preview) -> Self {
        let Preview { from, to, entries, notes, distribution, by, fallback } = preview;
        let whole_ms: i64 = distribution.iter().map(|share| share.airtime_ms).sum();
        let share = |Share { rule, kind, count, airtime_ms }: Share| {
            let share = airtime_ms as f64 / whole_ms.max(1) as f64;
            ShareView { rule, kind, count, airtime_ms, share }
        };
        Self {
            from_ms: from.timestamp_millis(),
            to_ms: to.timestamp_millis(),
            by,
            fallback,
            notes,
            distribution: distribution.into_iter().map(share).collect(),
            left_out: entries.len().saturating_sub(MAX_ROWS),
            entries: entries.into_iter().take(MAX_ROWS).map(PreviewEntry::from).collect(),
        }
    }
}

impl From<NewEntry> for PreviewEntry {
    fn from(entry: NewEntry) -> Self {
        let NewEntry { start, stop, media, in_point_ms, kind, title, rule, why } = entry;
        let (start_ms, stop_ms) = (start.timestamp_millis(), stop.timestamp_millis());
        Self { start_ms, stop_ms, media, in_point_ms, kind, title, rule, why }
    }
}
