//! Whatever comes in, an answer comes out in bounded steps.

use exstreamtv_plugin_sdk::{
    PlanError, Scheduler,
    schedule::{MAX_STATE_BYTES, PlanRequest, PoolItem, Window},
};
use exstreamtv_schedulers::TimeSlots;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::scene::*;

#[test]
fn empty_collections_never_loop_and_say_so() {
    for flex in ["none", "extend", "compress"] {
        for padding in ["none", "filler", "loop", "next"] {
            let modes = json!({ "flex_mode": flex, "padding_mode": padding, "filler": { "collection_id": "clips" }, "breaks": {} });
            let settings =
                json!({ "slots": [with(slot("00:00", 720), modes.clone()), with(slot("12:00", 720), modes)] });
            let answer = plan(&request(settings, Vec::new()));
            assert!(answer.entries.len() <= 24 && answer.entries.iter().all(|entry| entry.item.is_none()));
            assert_eq!(answer.notes.len(), 2, "{:?}", answer.notes);
        }
    }
}

#[test]
fn what_has_no_length_or_no_end_is_refused_or_survived() {
    let all_day = json!({ "slots": [slot("00:00", 1440)] });
    for duration_ms in [0, -1, i64::MIN] {
        let refused = TimeSlots.plan(&request(all_day.clone(), vec![PoolItem { duration_ms, ..episode(1, 1) }]));
        assert!(matches!(refused, Err(PlanError::BadItem { .. })));
    }
    for flex in ["none", "extend", "compress"] {
        let settings = json!({ "slots": [with(slot("00:00", 1440), json!({
            "flex_mode": flex, "breaks": { "every_minutes": 1, "max_breaks": 100 }, "filler": { "collection_id": "clips" },
        }))] });
        let endless = PoolItem { duration_ms: i64::MAX, chapters_ms: vec![i64::MIN, 0, i64::MAX], ..episode(1, 1) };
        let mut request = request(settings, vec![endless.clone()]);
        add_pool(&mut request, "clips", vec![PoolItem { id: exstreamtv_plugin_sdk::MediaId(2), ..endless }]);
        plan(&request);
    }
    let blink = PoolItem { duration_ms: 1, ..episode(1, 1) };
    assert_eq!(TimeSlots.plan(&request(all_day, vec![blink])), Err(PlanError::TooManyEntries));
}

#[test]
fn windows_where_no_clock_goes_are_refused() {
    let request = request(json!({ "slots": [slot("00:00", 1440)] }), episodes(1, 60));
    for (start_ms, stop_ms) in
        [(5, 5), (5, 4), (0, i64::MAX), (i64::MIN, 0), (i64::MIN, i64::MAX), (i64::MAX - 1, i64::MAX)]
    {
        let window = Window { start_ms, stop_ms };
        assert_eq!(
            TimeSlots.plan(&PlanRequest { window, ..request.clone() }),
            Err(PlanError::BadWindow { start_ms, stop_ms })
        );
    }
    plan(&PlanRequest { window: Window { start_ms: -1_000, stop_ms: 0 }, ..request });
}

#[test]
fn a_state_that_makes_no_sense_starts_over_with_a_note() {
    let request = request(json!({ "slots": [slot("00:00", 1440)] }), episodes(9, 60));
    let fresh = plan(&request);
    for state in [json!("rubbish"), json!({}), json!([1]), json!({ "version": 99, "at_ms": 0, "last_start_ms": 0 })] {
        let answer = plan(&PlanRequest { state: Some(state), ..request.clone() });
        assert_eq!((&answer.entries, answer.notes.len()), (&fresh.entries, 1));
    }
    assert_eq!(plan(&PlanRequest { state: Some(Value::Null), ..request.clone() }), fresh);
}

#[test]
fn fifty_groups_with_large_pools_are_remembered_in_64_kib() {
    let pool = |group: i64| -> Vec<PoolItem> {
        let name = |number: i64| format!("{} {number}", "Ä".repeat(500));
        let item = |number: i64| PoolItem {
            title: name(number),
            show: Some(name(group)),
            ..episode(group * 10_000 + number, 7 + number % 5)
        };
        (0..200).map(item).collect()
    };
    let modes = ["ordered", "shuffle", "random"];
    let slot = |group: i64| {
        let start = format!("{:02}:{:02}", group * 28 / 60, group * 28 % 60);
        json!({
            "slot_id": format!("{start} {}", "name".repeat(5)), "start_time": start, "duration_minutes": 28, "flex_mode": "compress",
            "collection_id": format!("collection {group}"), "order_mode": modes[(group % 3) as usize], "padding_mode": "filler",
        })
    };
    let settings = json!({ "slots": (0..50).map(slot).collect::<Vec<_>>(), "filler": { "collection_id": "clips" } });
    let mut request = request(settings, Vec::new());
    (0..50).for_each(|group| add_pool(&mut request, &format!("collection {group}"), pool(group)));
    add_pool(&mut request, "clips", clips(&(5..2_000).map(|second| 5 + second % 60).collect::<Vec<_>>()));
    let mut answer = plan(&request);
    for _ in 0..3 {
        request = following(&request, &answer);
        answer = plan(&request);
    }
    let bytes = answer.state.to_string().len();
    assert!(bytes < MAX_STATE_BYTES, "{bytes}");
    assert_eq!(answer.state["cursors"].as_object().unwrap().len(), 50, "nothing had to be given up");
}

#[test]
fn more_places_than_fit_are_given_up_with_a_note() {
    let slot = |minute: usize| {
        with(
            slot(&format!("{:02}:{:02}", minute / 60, minute % 60), 2),
            json!({ "slot_id": format!("{minute} {}", "x".repeat(200)) }),
        )
    };
    let settings = json!({ "slots": (0..600).map(|index| slot(index * 2)).collect::<Vec<_>>() });
    let answer = plan(&request(settings, episodes(9, 5)));
    assert!(answer.notes.iter().any(|note| note.contains("too many orders")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_state_that_was_tampered_with_is_survived(key in 0_usize..200, value in prop_oneof![
        any::<i64>().prop_map(Value::from), any::<u64>().prop_map(Value::from), Just(Value::Null), Just(json!("x")), Just(json!([])), Just(json!(true)),
    ]) {
        let rerun = |start| with(slot(start, 360), json!({
            "rerun_group": "r", "flex_mode": "extend", "breaks": { "every_minutes": 10 }, "padding_mode": "filler", "lateness": "shift",
        }));
        let settings = json!({ "slots": [rerun("00:00"), rerun("06:00"), rerun("12:00")], "filler": { "collection_id": "clips" } });
        let mut request = request(settings, episodes(5, 50));
        add_pool(&mut request, "clips", clips(&[20, 30, 40, 50]));
        request.window.stop_ms = MONDAY_MS + 7 * HOUR_MS;
        let answer = plan(&request);
        let mut next = following(&request, &answer);
        let mut leaves = Vec::new();
        collect(next.state.as_mut().unwrap(), &mut leaves);
        let count = leaves.len();
        *leaves.swap_remove(key % count) = value;
        plan(&next);
    }
}

/// Collects all values inside `value` that hold no others.
fn collect<'v>(value: &'v mut Value, leaves: &mut Vec<&'v mut Value>) {
    match value {
        Value::Object(members) => members.values_mut().for_each(|member| collect(member, leaves)),
        Value::Array(items) => items.iter_mut().for_each(|item| collect(item, leaves)),
        leaf => leaves.push(leaf),
    }
}
