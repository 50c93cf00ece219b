//! Positions: who shares them, what moves them, what they survive.

use std::collections::{BTreeSet, HashMap};

use exstreamtv_plugin_sdk::schedule::PlanRequest;
use serde_json::{Value, json};

use crate::scene::*;

fn daily(slots: Value, pool_size: i64, days: i64) -> PlanRequest {
    let mut request = request(json!({ "slots": slots }), episodes(pool_size, 30));
    request.window.stop_ms = MONDAY_MS + days * 24 * HOUR_MS;
    request
}

#[test]
fn slots_of_a_group_go_on_where_the_other_one_stopped_and_others_have_their_own_place() {
    let group = |start| with(slot(start, 60), json!({ "group": "g" }));
    let shared = plan(&daily(json!([group("08:00"), group("20:00")]), 9, 2));
    assert_eq!(programmes(&shared), [1, 2, 3, 4, 5, 6, 7, 8]);
    let apart = plan(&daily(json!([slot("08:00", 60), slot("20:00", 60)]), 9, 2));
    assert_eq!(programmes(&apart), [1, 2, 1, 2, 3, 4, 3, 4]);
}

#[test]
fn every_order_has_its_character() {
    let order = |mode: &str| {
        let answer = plan(&daily(json!([with(slot("00:00", 1440), json!({ "order_mode": mode }))]), 16, 3));
        programmes(&answer)
    };
    assert_eq!(order("ordered")[..20], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1, 2, 3, 4]);
    let shuffled = order("shuffle");
    assert!(
        shuffled.chunks_exact(16).all(|pass| pass.iter().collect::<BTreeSet<_>>().len() == 16),
        "each once per pass"
    );
    let mut last = HashMap::new();
    for (at, id) in shuffled.iter().enumerate() {
        if let Some(before) = last.insert(id, at) {
            assert!(at - before >= 8, "item {id} at {before} and {at}");
        }
    }
    let random = order("random");
    assert!(random.windows(2).all(|pair| pair[0] != pair[1]), "never twice in a row");
    assert!(random.chunks_exact(16).any(|pass| pass.iter().collect::<BTreeSet<_>>().len() < 16), "no permutation");
}

#[test]
fn a_packed_random_slot_repeats_nothing_at_once_either() {
    let slot = with(slot("00:00", 50), json!({ "order_mode": "random", "flex_mode": "compress" }));
    let mut request = daily(json!([slot]), 0, 60);
    request.pools[0].items = (1..=6).map(|number| episode(number, 10 + number)).collect();
    let shown = programmes(&plan(&request));
    assert!(shown.windows(2).all(|pair| pair[0] != pair[1]), "{shown:?}");
}

#[test]
fn a_place_survives_other_slots_being_added_moved_and_removed() {
    let request = daily(json!([slot("08:00", 60), with(slot("20:00", 60), json!({ "group": "g" }))]), 50, 1);
    let answer = plan(&request);
    let moved = with(slot("09:00", 60), json!({ "slot_id": "08:00" }));
    let mut edited = following(&request, &answer);
    edited.settings = json!({ "slots": [moved, slot("12:00", 60), with(slot("21:00", 30), json!({ "group": "g" }))] });
    assert_eq!(programmes(&plan(&edited)), [3, 4, 1, 2, 3]);
}

#[test]
fn a_place_survives_items_that_come_and_go() {
    let request = daily(json!([slot("08:00", 60)]), 9, 1);
    let answer = plan(&request);
    let mut edited = following(&request, &answer);
    edited.pools[0].items.retain(|item| item.id.0 != 2);
    edited.pools[0].items.insert(0, episode(0, 30));
    assert_eq!(programmes(&plan(&edited)), [3, 4]);
}

#[test]
fn a_disk_that_is_away_for_a_day_does_not_start_a_series_over() {
    let request = daily(json!([slot("08:00", 60)]), 9, 1);
    let first = plan(&request);
    let mut away = following(&request, &first);
    away.pools[0].items.clear();
    away.pools[0].count = 0;
    let empty = plan(&away);
    assert!(empty.entries.iter().all(|entry| entry.item.is_none()));
    assert_eq!(empty.notes, ["08:00: the collection is empty"]);
    let back = PlanRequest { pools: request.pools.clone(), ..following(&away, &empty) };
    assert_eq!(programmes(&plan(&back)), [3, 4]);
}

#[test]
fn behind_a_cut_each_slot_goes_on_from_what_stays_on_air() {
    let request = daily(json!([slot("08:00", 60), slot("20:00", 60)]), 9, 4);
    let answer = plan(&request);
    let cut = answer.entries.iter().position(|entry| entry.start_ms >= MONDAY_MS + 24 * HOUR_MS).unwrap();
    let aired = answer.entries[..cut].to_vec();
    let mut again = request.clone();
    again.window.start_ms = aired.last().unwrap().stop_ms;
    again.aired = aired;
    again.settings = json!({ "slots": [slot("08:00", 60), slot("20:00", 30), slot("22:00", 30)] });
    assert_eq!(programmes(&plan(&again))[..7], [3, 4, 3, 1, 5, 6, 4]);
}

#[test]
fn a_rerun_group_of_longer_slots_shows_the_same_items_in_the_same_order() {
    let rerun = |start, minutes| with(slot(start, minutes), json!({ "rerun_group": "r", "order_mode": "shuffle" }));
    let answer = plan(&daily(json!([rerun("08:00", 60), rerun("20:00", 60)]), 9, 3));
    let shown = programmes(&answer);
    for day in shown.chunks_exact(4) {
        assert_eq!(day[..2], day[2..]);
    }
    assert_eq!(shown.iter().collect::<BTreeSet<_>>().len(), 6, "nothing again on another day");
}

#[test]
fn a_rerun_group_moves_on_only_as_far_as_its_shortest_slot_has_come() {
    let rerun = |start, minutes| with(slot(start, minutes), json!({ "rerun_group": "r" }));
    let answer = plan(&daily(json!([rerun("08:00", 60), rerun("20:00", 30)]), 9, 3));
    assert_eq!(programmes(&answer), [1, 2, 1, 2, 3, 2, 3, 4, 3]);
}

#[test]
fn a_rerun_group_waits_for_the_slot_that_is_on_once_a_week() {
    let sunday = with(slot("20:00", 30), json!({ "rerun_group": "r", "days_of_week": 64 }));
    let monday_and_friday = with(slot("08:00", 30), json!({ "rerun_group": "r", "days_of_week": 17 }));
    let answer = plan(&daily(json!([monday_and_friday, sunday]), 9, 14));
    assert_eq!(programmes(&answer), [1, 1, 1, 2, 2, 2]);
}
