//! Channels to ask about: requests, items, and answers in words.

use chrono::{DateTime, Utc};
use exstreamtv_plugin_sdk::{
    EntryKind, MediaId, MediaKind, Scheduler,
    schedule::{MAIN_POOL, PlanAnswer, PlanEntry, PlanRequest, Pool, PoolItem, Window},
};
use exstreamtv_schedulers::TimeSlots;
use serde_json::{Value, json};

pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Monday, 5 January 2026, 00:00 UTC.
pub(crate) const MONDAY_MS: i64 = 1_767_571_200_000;

pub(crate) fn episode(number: i64, minutes: i64) -> PoolItem {
    PoolItem {
        id: MediaId(number),
        duration_ms: minutes * MINUTE_MS,
        kind: MediaKind::Episode,
        title: format!("Episode {number}"),
        show: Some("A series".into()),
        season: Some(1),
        episode: u32::try_from(number).ok(),
        position: None,
        chapters_ms: Vec::new(),
    }
}

/// Episodes 1 to `count`, all of the same length.
pub(crate) fn episodes(count: i64, minutes: i64) -> Vec<PoolItem> {
    (1..=count).map(|number| episode(number, minutes)).collect()
}

/// Clips 1001 and on, of these lengths.
pub(crate) fn clips(seconds: &[i64]) -> Vec<PoolItem> {
    let clip = |(number, seconds): (i64, &i64)| PoolItem {
        duration_ms: seconds * 1_000,
        kind: MediaKind::Clip,
        show: None,
        ..episode(number, 1)
    };
    (1_001..).zip(seconds).map(clip).collect()
}

/// A slot that begins at `start` and plays the channel's own collection.
pub(crate) fn slot(start: &str, minutes: u32) -> Value {
    json!({ "slot_id": start, "start_time": start, "duration_minutes": minutes })
}

/// Returns `value` with the members of `more` put in.
pub(crate) fn with(mut value: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("not an object: {more}") };
    value.as_object_mut().unwrap().extend(more);
    value
}

/// A day from Monday's midnight, in UTC.
pub(crate) fn request(settings: Value, pool: Vec<PoolItem>) -> PlanRequest {
    PlanRequest {
        channel: "5".into(),
        zone: "UTC".into(),
        window: Window { start_ms: MONDAY_MS, stop_ms: MONDAY_MS + 24 * HOUR_MS },
        settings,
        pools: vec![Pool::whole(MAIN_POOL, pool)],
        state: None,
        seed: 7,
        aired: Vec::new(),
    }
}

/// The same from one moment of Monday to another, in minutes.
pub(crate) fn between(request: PlanRequest, from: i64, to: i64) -> PlanRequest {
    let window = Window { start_ms: MONDAY_MS + from * MINUTE_MS, stop_ms: MONDAY_MS + to * MINUTE_MS };
    PlanRequest { window, ..request }
}

pub(crate) fn add_pool(request: &mut PlanRequest, collection: &str, items: Vec<PoolItem>) {
    request.pools.push(Pool::whole(&format!("collection:{collection}"), items));
}

/// Asks, and checks the answer as the host does.
pub(crate) fn plan(request: &PlanRequest) -> PlanAnswer {
    let answer = TimeSlots.plan(request).unwrap();
    answer.check(request).unwrap();
    answer
}

/// Asks for the time behind `answer`, as long as the window before.
pub(crate) fn following(request: &PlanRequest, answer: &PlanAnswer) -> PlanRequest {
    let start_ms = answer.entries.last().unwrap().stop_ms;
    let length_ms = request.window.stop_ms - request.window.start_ms;
    let window = Window { start_ms, stop_ms: start_ms + length_ms };
    PlanRequest { window, state: Some(answer.state.clone()), aired: Vec::new(), ..request.clone() }
}

/// Writes entries as "18:00:00 3+5:00 Programme": when, item and in-point in minutes and seconds, kind.
pub(crate) fn lines(answer: &PlanAnswer) -> Vec<String> {
    answer.entries.iter().map(line).collect()
}

pub(crate) fn line(entry: &PlanEntry) -> String {
    let time = utc(entry.start_ms).format("%H:%M:%S");
    let seconds = entry.in_point_ms / 1_000;
    let from = if seconds == 0 { String::new() } else { format!("+{}:{:02}", seconds / 60, seconds % 60) };
    match (entry.item, entry.kind) {
        (None, _) => format!("{time} slate"),
        (Some(id), EntryKind::Programme) => format!("{time} {id}{from}"),
        (Some(id), kind) => format!("{time} {id}{from} {}", format!("{kind:?}").to_lowercase()),
    }
}

pub(crate) fn utc(at_ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at_ms).unwrap()
}

/// Returns the items that begin, in order, without fillers.
pub(crate) fn programmes(answer: &PlanAnswer) -> Vec<i64> {
    let begins = answer.entries.iter().filter(|entry| entry.kind == EntryKind::Programme && entry.in_point_ms == 0);
    begins.map(|entry| entry.item.unwrap().0).collect()
}
