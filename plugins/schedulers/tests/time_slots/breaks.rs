//! Breaks inside items.

use exstreamtv_plugin_sdk::{
    EntryKind,
    schedule::{PlanRequest, PoolItem},
};
use serde_json::{Value, json};

use crate::scene::*;

fn broken(breaks: Value, pool: Vec<PoolItem>) -> PlanRequest {
    let slot = with(slot("18:00", 120), json!({ "breaks": breaks, "filler": { "collection_id": "clips" } }));
    let mut request = between(request(json!({ "slots": [slot] }), pool), 18 * 60, 19 * 60);
    add_pool(&mut request, "clips", clips(&[30, 60, 60, 60, 60]));
    request
}

/// Returns where in item 1 its parts begin, in minutes, and asserts that they follow each other.
fn parts(request: &PlanRequest) -> Vec<i64> {
    let answer = plan(request);
    let parts = answer.entries.iter().filter(|e| e.kind == EntryKind::Programme).take_while(|e| e.item.unwrap().0 == 1);
    let parts: Vec<_> = parts.collect();
    for pair in parts.windows(2) {
        assert_eq!(
            pair[1].in_point_ms,
            pair[0].in_point_ms + pair[0].stop_ms - pair[0].start_ms,
            "resumes where it stopped"
        );
    }
    parts.iter().map(|part| part.in_point_ms / MINUTE_MS).collect()
}

#[test]
fn an_item_stops_at_an_interval_and_resumes_exactly_where_it_stopped() {
    let request = broken(json!({ "every_minutes": 12, "length_seconds": 120 }), vec![episode(1, 45), episode(2, 10)]);
    assert_eq!(parts(&request), [0, 12, 24, 36]);
    let answer = plan(&request);
    assert_eq!(lines(&answer)[..4], ["18:00:00 1", "18:12:00 1002 filler", "18:13:00 1003 filler", "18:14:00 1+12:00"]);
    let last = answer.entries.iter().rfind(|entry| entry.item.unwrap().0 == 1).unwrap();
    assert_eq!(last.stop_ms, MONDAY_MS + (18 * 60 + 45 + 6) * MINUTE_MS, "45 minutes and three breaks");
}

#[test]
fn an_item_with_chapters_stops_at_chapters() {
    let chapters_ms = [0, 9, 21, 33, 44].map(|minute| minute * MINUTE_MS).to_vec();
    let pool = || vec![PoolItem { chapters_ms: chapters_ms.clone(), ..episode(1, 45) }, episode(2, 10)];
    assert_eq!(parts(&broken(json!({ "every_minutes": 10 }), pool())), [0, 9, 21, 33]);
    assert_eq!(parts(&broken(json!({ "every_minutes": 10, "chapters": false }), pool())), [0, 10, 20, 30, 40]);
    assert_eq!(parts(&broken(json!({ "max_breaks": 1 }), pool())), [0, 21], "the middle one");
    assert_eq!(parts(&broken(json!({ "tail_guard_minutes": 13 }), pool())), [0, 21], "neither end");
    assert_eq!(parts(&broken(json!({ "min_programme_minutes": 46 }), pool())), [0]);
    assert_eq!(parts(&broken(json!({ "max_breaks": 0 }), pool())), [0]);
}

#[test]
fn an_item_is_not_stopped_when_there_is_nothing_to_show() {
    let mut request = broken(json!({ "every_minutes": 10 }), vec![episode(1, 45), episode(2, 10)]);
    request.pools[1].items.clear();
    request.pools[1].count = 0;
    assert_eq!(parts(&request), [0]);
}

#[test]
fn breaks_count_when_a_slot_is_filled() {
    let settings = json!({ "slots": [with(slot("18:00", 60), json!({
        "breaks": { "every_minutes": 10, "length_seconds": 60 }, "padding_mode": "filler", "filler": { "collection_id": "clips" },
    }))] });
    // 28 minutes and two breaks are half an hour; without breaks two of them would fit as well, but a third of the rest would be wrong.
    let mut request = between(request(settings, episodes(5, 28)), 18 * 60, 19 * 60);
    add_pool(&mut request, "clips", clips(&[60, 60, 60, 60, 60, 60]));
    let answer = plan(&request);
    assert_eq!(programmes(&answer), [1, 2]);
    assert_eq!(answer.entries.last().unwrap().stop_ms, MONDAY_MS + 19 * HOUR_MS);
    assert!(answer.entries.last().unwrap().item.unwrap().0 == 2, "{:?}", lines(&answer));
}

#[test]
fn an_item_that_is_cut_is_cut_inside_a_break_too() {
    let settings = json!({ "slots": [with(slot("18:00", 31), json!({
        "breaks": { "every_minutes": 30, "length_seconds": 120 }, "filler": { "collection_id": "clips" },
    }))] });
    let mut request = between(request(settings, episodes(2, 90)), 18 * 60, 19 * 60);
    add_pool(&mut request, "clips", clips(&[120, 60]));
    assert_eq!(lines(&plan(&request)), ["18:00:00 1", "18:30:00 1002 filler", "18:31:00 slate"]);
}
