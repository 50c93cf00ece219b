//! What fills the rest of a slot, and the holes between slots.

use exstreamtv_plugin_sdk::schedule::PlanRequest;
use serde_json::{Value, json};

use crate::scene::*;

/// Slots from 18:00 to 19:00 and from 19:00 to 20:00; the second one plays "news". Planned for both.
fn two_hours(first: Value, schedule: Value) -> PlanRequest {
    let second = with(slot("19:00", 60), json!({ "collection_id": "news" }));
    let settings = with(json!({ "slots": [with(slot("18:00", 60), first), second] }), schedule);
    let mut request = between(request(settings, episodes(9, 25)), 18 * 60, 20 * 60);
    let news = (101..=103).map(|number| episode(number, 20)).collect();
    add_pool(&mut request, "news", news);
    add_pool(&mut request, "clips", clips(&[60, 120, 240]));
    add_pool(&mut request, "shorts", vec![episode(201, 7), episode(202, 4), episode(203, 30)]);
    request
}

#[test]
fn filler_fills_the_rest_exactly_and_the_next_slot_is_on_time() {
    let answer =
        plan(&two_hours(json!({ "padding_mode": "filler", "filler": { "collection_id": "clips" } }), json!({})));
    let lines = lines(&answer);
    assert_eq!(lines[..2], ["18:00:00 1", "18:25:00 2"]);
    let clips = lines.iter().skip(2).take_while(|line| line.ends_with("filler")).count();
    assert!(clips >= 3);
    assert_eq!(lines[2 + clips..], ["19:00:00 101", "19:20:00 102", "19:40:00 103"]);
}

#[test]
fn loop_shows_the_collection_again_and_what_is_cut_comes_again_in_full() {
    let request = two_hours(json!({ "padding_mode": "loop" }), json!({}));
    let answer = plan(&request);
    assert_eq!(lines(&answer)[..4], ["18:00:00 1", "18:25:00 2", "18:50:00 3 filler", "19:00:00 101"]);
    let tomorrow = PlanRequest { state: Some(answer.state), ..between(request, (24 + 20) * 60, (24 + 20) * 60 + 1) };
    assert_eq!(lines(&plan(&tomorrow)), ["20:00:00 slate"]);
    let monday = plan(&between(two_hours(json!({ "padding_mode": "loop" }), json!({})), 18 * 60, (24 + 19) * 60));
    let tuesday: Vec<_> = programmes(&monday).into_iter().filter(|id| *id < 100).collect();
    assert_eq!(tuesday, [1, 2, 3, 4]);
}

#[test]
fn next_begins_the_next_slot_early_and_that_one_ends_on_time() {
    let answer = plan(&two_hours(json!({ "padding_mode": "next" }), json!({})));
    assert_eq!(
        lines(&answer),
        ["18:00:00 1", "18:25:00 2", "18:50:00 101", "19:10:00 102", "19:30:00 103", "19:50:00 101"]
    );
    assert_eq!(answer.entries.last().unwrap().stop_ms, MONDAY_MS + 20 * HOUR_MS);
    assert!(answer.entries[2].rule == "19:00");
}

#[test]
fn without_padding_the_rest_is_treated_as_a_hole() {
    let extend = json!({ "flex_mode": "extend", "flex_limit_minutes": 1 });
    let slate = plan(&two_hours(extend.clone(), json!({})));
    assert_eq!(lines(&slate)[2..4], ["18:50:00 slate", "19:00:00 101"]);
    let clips = plan(&two_hours(extend.clone(), json!({ "filler": { "collection_id": "clips" } })));
    assert!(lines(&clips)[2].ends_with("filler"));
    let shorts = plan(&two_hours(
        extend,
        json!({ "default_collection_id": "shorts", "slots": [
        with(slot("18:00", 60), json!({ "flex_mode": "extend", "flex_limit_minutes": 1, "collection_id": "news" })),
    ] }),
    ));
    assert!(lines(&shorts)[0].ends_with("101"));
}

#[test]
fn holes_play_the_default_collection_else_filler_else_the_slate() {
    let hole = |schedule| {
        let settings =
            with(json!({ "slots": [with(slot("19:00", 60), json!({ "collection_id": "news" }))] }), schedule);
        let mut request = two_hours(json!({}), json!({}));
        request.settings = settings;
        lines(&plan(&request))
    };
    assert_eq!(hole(json!({}))[..2], ["18:00:00 slate", "19:00:00 101"]);
    let filler = json!({ "filler": { "collection_id": "clips" } });
    assert!(hole(filler.clone())[0].ends_with("filler"));
    let default = json!({ "default_collection_id": "shorts" });
    let shown = hole(default.clone());
    assert_eq!(shown[..2], ["18:00:00 201", "18:07:00 202"]);
    assert!(shown.iter().all(|line| !line.ends_with("slate")), "{shown:?}");
    assert!(shown.contains(&"19:00:00 101".to_owned()));
    // The default collection comes before the filler.
    assert_eq!(hole(with(default, filler))[0], "18:00:00 201");
}

#[test]
fn a_rest_plays_items_of_the_default_collection_that_fit_whole() {
    let mut request = two_hours(json!({}), json!({ "default_collection_id": "shorts" }));
    let first = json!({ "flex_mode": "extend", "flex_limit_minutes": 1, "collection_id": "films" });
    request.settings["slots"][0] = with(slot("18:00", 60), first);
    add_pool(&mut request, "films", episodes(3, 25));
    let lines = lines(&plan(&request));
    assert_eq!(
        lines[..6],
        ["18:00:00 1", "18:25:00 2", "18:50:00 201", "18:57:00 slate", "19:00:00 101", "19:20:00 102"]
    );
}

#[test]
fn a_pad_of_the_slot_overrides_that_of_the_schedule() {
    let pad = |slot_pad: Value| {
        let settings = json!({ "pad_to_minutes": 30, "slots": [with(slot("18:00", 60), slot_pad)] });
        lines(&plan(&between(request(settings, episodes(9, 20)), 18 * 60, 19 * 60)))
    };
    assert_eq!(pad(json!({})), ["18:00:00 1", "18:20:00 slate", "18:30:00 2", "18:50:00 slate"]);
    assert_eq!(pad(json!({ "pad_to_minutes": 15 }))[..2], ["18:00:00 1", "18:20:00 slate"]);
    assert_eq!(pad(json!({ "pad_to_minutes": 0 })), ["18:00:00 1", "18:20:00 2", "18:40:00 3"]);
}
