//! The facts that issue 3 asks to reproduce.

use exstreamtv_plugin_sdk::{EntryKind, schedule::PlanRequest};
use serde_json::json;

use crate::scene::*;

fn padded(minutes: i64, count: i64) -> PlanRequest {
    let settings = json!({ "slots": [with(slot("00:00", 1440), json!({ "pad_to_minutes": 30 }))] });
    request(settings, episodes(count, minutes))
}

#[test]
fn one_episode_padded_to_30_minutes_begins_on_every_half_hour_with_a_gap_between() {
    let answer = plan(&padded(25, 1));
    let starts: Vec<_> =
        answer.entries.iter().filter(|entry| entry.item.is_some()).map(|entry| entry.start_ms).collect();
    assert_eq!(starts.len(), 48);
    assert!(starts.iter().all(|start_ms| start_ms % (30 * MINUTE_MS) == 0));
    let gaps: Vec<_> = answer.entries.iter().filter(|entry| entry.item.is_none()).collect();
    assert_eq!(gaps.len(), 48);
    assert!(gaps.iter().all(|gap| gap.stop_ms - gap.start_ms == 5 * MINUTE_MS));
}

#[test]
fn one_episode_padded_to_30_minutes_has_filler_between_where_there_is_some() {
    let mut request = padded(25, 1);
    request.settings = with(request.settings, json!({ "filler": { "collection_id": "clips" } }));
    add_pool(&mut request, "clips", clips(&[60, 120, 180]));
    let answer = plan(&request);
    let programmes = answer.entries.iter().filter(|entry| entry.kind == EntryKind::Programme);
    assert!(programmes.clone().all(|entry| entry.start_ms % (30 * MINUTE_MS) == 0));
    assert_eq!(programmes.count(), 48);
    let fillers = answer.entries.iter().filter(|entry| entry.kind == EntryKind::Filler);
    assert_eq!(fillers.map(|entry| entry.stop_ms - entry.start_ms).sum::<i64>(), 48 * 5 * MINUTE_MS);
}

#[test]
fn after_the_highest_of_five_ordered_episodes_comes_the_lowest() {
    let answer = plan(&between(request(json!({ "slots": [slot("00:00", 1440)] }), episodes(5, 60)), 0, 720));
    assert_eq!(programmes(&answer), [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2]);
}

#[test]
fn episodes_of_22_minutes_in_a_pad_of_30_leave_gaps_but_never_two_in_a_row() {
    let answer = plan(&padded(22, 7));
    let is_gap = |index: usize| answer.entries[index].item.is_none();
    let total_ms: i64 = answer.entries.iter().filter(|e| e.item.is_none()).map(|e| e.stop_ms - e.start_ms).sum();
    assert!(total_ms > 0);
    assert!((1..answer.entries.len()).all(|index| !(is_gap(index) && is_gap(index - 1))));
}

#[test]
fn the_same_seed_gives_the_same_plan_and_another_seed_another_one() {
    for order in ["shuffle", "random"] {
        let settings = json!({ "slots": [with(slot("00:00", 1440), json!({ "order_mode": order }))] });
        let first = request(settings, episodes(30, 25));
        assert_eq!(plan(&first), plan(&first));
        assert_ne!(plan(&first).entries, plan(&PlanRequest { seed: 8, ..first.clone() }).entries, "{order}");
    }
}

#[test]
fn a_rerun_group_shows_the_same_episode_in_all_its_slots_before_moving_on() {
    let rerun = |start| with(slot(start, 30), json!({ "rerun_group": "daily" }));
    let settings = json!({ "slots": [rerun("08:00"), rerun("14:00"), rerun("20:00")] });
    let mut request = request(settings, episodes(4, 30));
    request.window.stop_ms += 5 * 24 * HOUR_MS;
    assert_eq!(programmes(&plan(&request)), [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 1, 1, 1, 2, 2, 2]);
}
