//! Which clips fill a gap.

use std::collections::HashMap;

use exstreamtv_plugin_sdk::{
    EntryKind,
    schedule::{PlanAnswer, PlanRequest},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::scene::*;

/// Nothing but clips of these lengths for `minutes` from midnight.
fn only_clips(seconds: &[i64], filler: Value, minutes: i64) -> PlanRequest {
    let filler = with(json!({ "collection_id": "clips" }), filler);
    let mut request = between(request(json!({ "filler": filler }), Vec::new()), 0, minutes);
    add_pool(&mut request, "clips", clips(seconds));
    request
}

/// A gap of `seconds` between two slots, filled.
fn gap(seconds: i64, clips_s: &[i64]) -> Vec<String> {
    let start = format!("18:{:02}:{:02}", seconds / 60, seconds % 60);
    let settings = json!({
        "slots": [slot("17:00", 60), with(slot("x", 60), json!({ "start_time": start }))],
        "filler": { "collection_id": "clips" },
    });
    let mut request = between(request(settings, episodes(2, 60)), 18 * 60, 18 * 60 + 20);
    add_pool(&mut request, "clips", clips(clips_s));
    let lines = lines(&plan(&request));
    let end = lines.iter().position(|line| line.starts_with(&start)).unwrap();
    lines[..end].iter().map(|line| line[9..].to_owned()).collect()
}

#[test]
fn the_longest_clips_come_first_and_the_last_ones_fit_best() {
    assert_eq!(
        gap(300, &[20, 45, 90, 100]),
        ["1004 filler", "1003 filler", "1002 filler", "1001 filler", "1002 filler"]
    );
    // 60 and 40 fill 100 seconds; 90 would leave 10 that nothing fills.
    assert_eq!(gap(100, &[40, 60, 90]), ["1002 filler", "1001 filler"]);
    assert_eq!(gap(90, &[40, 60, 90]), ["1003 filler"]);
}

#[test]
fn a_gap_ends_exactly_by_cutting_a_few_seconds_or_showing_the_slate_for_them() {
    assert_eq!(gap(58, &[60]), ["1001 filler"], "two seconds are cut");
    assert_eq!(gap(62, &[60]), ["1001 filler", "slate"], "two seconds are left");
    assert_eq!(gap(40, &[60]), ["1001 filler"], "better most of a clip than nothing");
    assert_eq!(gap(20, &[60]), ["slate"], "better nothing than the first third of a clip");
}

#[test]
fn a_clip_stays_away_while_it_cools_down_and_comes_back_when_it_may() {
    let answer = plan(&only_clips(&[60, 60], json!({ "cooldown_minutes": 10 }), 30));
    let starts = |id| {
        let of = answer.entries.iter().filter(move |entry| entry.item.is_some_and(|item| item.0 == id));
        of.map(|entry| (entry.start_ms - MONDAY_MS) / MINUTE_MS).collect::<Vec<_>>()
    };
    assert_eq!((starts(1_001), starts(1_002)), (vec![0, 11, 22], vec![1, 12, 23]));
}

#[test]
fn a_list_stays_away_after_a_block_of_its_clips() {
    // Gaps of 5 minutes at :25 and :55.
    let settings = json!({
        "slots": [with(slot("00:00", 1440), json!({ "pad_to_minutes": 30 }))],
        "filler": { "collection_id": "clips", "list_cooldown_minutes": 40 },
    });
    let mut request = between(request(settings, episodes(3, 25)), 0, 120);
    add_pool(&mut request, "clips", clips(&[60, 60, 60, 60, 60, 60]));
    let kinds: Vec<_> = plan(&request).entries.iter().map(|entry| entry.kind).collect();
    let block = |filled: bool| if filled { vec![EntryKind::Filler; 5] } else { vec![EntryKind::Slate] };
    let expected =
        [true, false, true, false].map(|filled| [vec![EntryKind::Programme], block(filled)].concat()).concat();
    assert_eq!(kinds, expected);
}

#[test]
fn while_one_list_cools_down_the_schedules_list_is_asked() {
    let settings = json!({
        "slots": [with(slot("00:00", 1440), json!({
            "pad_to_minutes": 30, "padding_mode": "filler",
            "filler": { "collection_id": "own", "list_cooldown_minutes": 40 },
        }))],
        "filler": { "collection_id": "clips" },
    });
    let mut request = between(request(settings, episodes(3, 29)), 0, 120);
    add_pool(&mut request, "own", vec![episode(2_001, 1)]);
    add_pool(&mut request, "clips", clips(&[60]));
    let fillers: Vec<_> =
        plan(&request).entries.iter().filter(|e| e.kind == EntryKind::Filler).map(|e| e.item.unwrap().0).collect();
    assert_eq!(fillers, [2_001, 1_001, 2_001, 1_001]);
}

#[test]
fn clips_take_turns_even_without_a_cooldown() {
    let answer = plan(&only_clips(&[30, 31, 32, 33, 34, 35, 36, 37], json!({}), 60));
    let mut last = HashMap::new();
    for (index, entry) in answer.entries.iter().enumerate() {
        let Some(id) = entry.item else { continue };
        if let Some(before) = last.insert(id, index) {
            assert!(index - before >= 4, "clip {id} at {before} and {index}");
        }
    }
}

/// Asserts that no clip is on again before its cooldown is over.
fn assert_cool(answer: &PlanAnswer, cooldown_ms: i64) {
    let mut stops = HashMap::new();
    for entry in answer.entries.iter().filter(|entry| entry.kind == EntryKind::Filler) {
        if let Some(stop_ms) = stops.insert(entry.item, entry.stop_ms) {
            assert!(entry.start_ms - stop_ms >= cooldown_ms, "{}", line(entry));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn cooldowns_are_never_broken_and_the_slate_is_never_on_twice_in_a_row_within_the_hour(
        seconds in prop::collection::vec(5_i64..400, 1..20), cooldown in 0_i64..40, minutes in 20_i64..90,
    ) {
        let answer = plan(&only_clips(&seconds, json!({ "cooldown_minutes": cooldown }), minutes));
        assert_cool(&answer, cooldown * MINUTE_MS);
        let slates = answer.entries.windows(2).filter(|pair| pair.iter().all(|entry| entry.item.is_none()));
        prop_assert_eq!(slates.filter(|pair| pair[0].stop_ms - pair[0].start_ms < HOUR_MS).count(), 0);
    }
}
