//! What a slot does when the one before it ran over.

use serde_json::json;

use crate::scene::*;

/// Films of 70 minutes from 18:00 to 19:00 run over by 10; behind them news of 20 minutes for an hour, then sports.
fn late(lateness: &str) -> Vec<String> {
    let settings = json!({ "slots": [
        with(slot("18:00", 60), json!({ "flex_mode": "extend" })),
        with(slot("19:00", 60), json!({ "collection_id": "news", "lateness": lateness })),
        with(slot("20:00", 60), json!({ "collection_id": "sports" })),
    ] });
    let mut request = between(request(settings, episodes(2, 70)), 18 * 60, 21 * 60);
    add_pool(&mut request, "news", (101..=105).map(|number| episode(number, 20)).collect());
    add_pool(&mut request, "sports", (201..=205).map(|number| episode(number, 60)).collect());
    lines(&plan(&request))
}

#[test]
fn a_slot_that_joins_late_shows_the_rest_of_its_first_item_and_ends_on_time() {
    assert_eq!(late("join_late"), ["18:00:00 1", "19:10:00 101+10:00", "19:20:00 102", "19:40:00 103", "20:00:00 201"]);
}

#[test]
fn a_slot_that_shifts_shows_everything_and_ends_late() {
    let lines = late("shift");
    assert_eq!(lines[..5], ["18:00:00 1", "19:10:00 101", "19:30:00 102", "19:50:00 103", "20:10:00 201+10:00"]);
    assert_eq!(lines.len(), 5);
}

#[test]
fn a_slot_that_skips_passes_over_what_was_missed_and_is_on_time_with_the_next_item() {
    assert_eq!(late("skip"), ["18:00:00 1", "19:10:00 slate", "19:20:00 102", "19:40:00 103", "20:00:00 201"]);
}

#[test]
fn a_shift_goes_on_through_slots_that_shift_too() {
    let shift = |start, collection| with(slot(start, 60), json!({ "collection_id": collection, "lateness": "shift" }));
    let settings = json!({ "slots": [
        with(slot("18:00", 60), json!({ "flex_mode": "extend" })), shift("19:00", "news"), shift("20:00", "news"),
    ] });
    let mut request = between(request(settings, episodes(2, 70)), 18 * 60, 22 * 60);
    add_pool(&mut request, "news", (101..=109).map(|number| episode(number, 30)).collect());
    let answer = plan(&request);
    assert_eq!(lines(&answer)[1..], ["19:10:00 101", "19:40:00 102", "20:10:00 101", "20:40:00 102", "21:10:00 slate"]);
}

#[test]
fn a_slot_that_is_over_before_the_late_one_ends_is_not_begun() {
    let settings = json!({ "slots": [
        with(slot("18:00", 60), json!({ "flex_mode": "extend", "flex_limit_minutes": 60 })),
        with(slot("19:00", 15), json!({ "collection_id": "news", "lateness": "shift" })),
        with(slot("19:15", 60), json!({ "collection_id": "sports", "lateness": "shift" })),
    ] });
    let mut request = between(request(settings, episodes(2, 90)), 18 * 60, 21 * 60);
    add_pool(&mut request, "news", vec![episode(101, 15)]);
    add_pool(&mut request, "sports", vec![episode(201, 60)]);
    assert_eq!(lines(&plan(&request)), ["18:00:00 1", "19:30:00 201", "20:30:00 slate"]);
}

#[test]
fn a_channel_that_begins_in_the_middle_of_a_slot_is_not_late() {
    for lateness in ["join_late", "shift", "skip"] {
        let settings = json!({ "slots": [with(slot("18:00", 60), json!({ "lateness": lateness }))] });
        let request = between(request(settings, episodes(5, 20)), 18 * 60 + 30, 19 * 60);
        assert_eq!(lines(&plan(&request)), ["18:30:00 1", "18:50:00 2"], "{lateness}");
    }
}

#[test]
fn a_lateness_of_several_items_passes_over_all_of_them() {
    let run = |lateness: &str| {
        let settings = json!({ "slots": [
            with(slot("18:00", 60), json!({ "flex_mode": "extend", "flex_limit_minutes": 60 })),
            with(slot("19:00", 120), json!({ "collection_id": "news", "lateness": lateness })),
        ] });
        let mut request = between(request(settings, episodes(2, 105)), 18 * 60, 20 * 60);
        add_pool(&mut request, "news", (101..=109).map(|number| episode(number, 20)).collect());
        lines(&plan(&request))
    };
    assert_eq!(run("join_late"), ["18:00:00 1", "19:45:00 103+5:00"]);
    assert_eq!(run("skip"), ["18:00:00 1", "19:45:00 slate"]);
}
