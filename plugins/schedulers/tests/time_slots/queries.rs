//! Which slot has the air, by the rules.

use chrono_tz::Tz;
use exstreamtv_schedulers::{TimeSlotSchedule, item_at, next_slot, slot_on_air};
use serde_json::{Value, json};

use crate::scene::*;

fn schedule(slots: Value) -> TimeSlotSchedule {
    serde_json::from_value(json!({ "slots": slots })).unwrap()
}

/// Returns which slot is on air and which is next, at a day (0 is Monday) and time, in UTC.
fn ask(slots: &Value, day: i64, time: &str) -> (Option<String>, Option<String>) {
    let (hours, minutes) = time.split_once(':').unwrap();
    let minutes = hours.parse::<i64>().unwrap() * 60 + minutes.parse::<i64>().unwrap();
    let at = utc(MONDAY_MS + day * 24 * HOUR_MS + minutes * MINUTE_MS);
    let schedule = schedule(slots.clone());
    let on_air = slot_on_air(&schedule, Tz::UTC, at);
    if let Some(on_air) = on_air {
        assert!(on_air.start <= at && at < on_air.stop);
    }
    let next = next_slot(&schedule, Tz::UTC, at);
    assert!(next.is_none_or(|next| next.start > at));
    (on_air.map(|found| found.slot.id().to_owned()), next.map(|found| found.slot.id().to_owned()))
}

fn on_air(slots: &Value, day: i64, time: &str) -> Option<String> {
    ask(slots, day, time).0
}

#[test]
fn a_slot_over_midnight_belongs_to_the_day_on_which_it_began() {
    let friday_night = json!([with(slot("22:00", 480), json!({ "slot_id": "late", "days_of_week": 16 }))]);
    assert_eq!(on_air(&friday_night, 4, "22:00").as_deref(), Some("late"));
    assert_eq!(on_air(&friday_night, 5, "02:00").as_deref(), Some("late"), "Saturday at two");
    assert_eq!(on_air(&friday_night, 5, "05:59").as_deref(), Some("late"));
    assert_eq!(on_air(&friday_night, 5, "06:00"), None);
    assert_eq!(on_air(&friday_night, 4, "02:00"), None, "that would be Thursday's");
    assert_eq!(on_air(&friday_night, 5, "22:00"), None);
}

#[test]
fn a_slot_of_24_hours_is_always_on_air() {
    let all_day = json!([with(slot("06:00", 1440), json!({ "slot_id": "all" }))]);
    for time in ["00:00", "05:59", "06:00", "23:59"] {
        assert_eq!(ask(&all_day, 2, time), (Some("all".into()), Some("all".into())), "{time}");
    }
}

#[test]
fn every_bit_of_the_mask_is_its_day() {
    for day in 0..7 {
        let slots = json!([with(slot("12:00", 60), json!({ "days_of_week": 1 << day }))]);
        for other in 0..7 {
            assert_eq!(on_air(&slots, other, "12:30").is_some(), other == day);
        }
    }
}

#[test]
fn where_slots_overlap_the_later_start_wins_and_the_first_one_comes_back() {
    let slots = json!([slot("18:00", 240), slot("19:00", 60)]);
    let names = ["18:30", "19:00", "19:59", "20:00"].map(|time| on_air(&slots, 0, time).unwrap());
    assert_eq!(names, ["18:00", "19:00", "19:00", "18:00"]);
}

#[test]
fn where_slots_overlap_a_priority_wins_over_the_later_start() {
    let slots = json!([with(slot("18:00", 240), json!({ "priority": 1 })), slot("19:00", 300)]);
    assert_eq!(on_air(&slots, 0, "19:30").as_deref(), Some("18:00"));
    assert_eq!(on_air(&slots, 0, "22:30").as_deref(), Some("19:00"));
    assert_eq!(on_air(&slots, 1, "00:00"), None);
}

#[test]
fn of_two_slots_that_begin_together_the_first_in_the_list_wins() {
    let slots = json!([
        with(slot("18:00", 60), json!({ "slot_id": "a" })),
        with(slot("18:00", 120), json!({ "slot_id": "b" }))
    ]);
    assert_eq!(on_air(&slots, 0, "18:30").as_deref(), Some("a"));
    assert_eq!(on_air(&slots, 0, "19:30").as_deref(), Some("b"));
}

#[test]
fn the_next_slot_is_found_a_week_ahead_and_behind_a_hole() {
    let weekly = json!([with(slot("12:00", 60), json!({ "slot_id": "w", "days_of_week": 1 }))]);
    assert_eq!(ask(&weekly, 0, "12:00"), (Some("w".into()), Some("w".into())));
    assert_eq!(ask(&weekly, 1, "00:00"), (None, Some("w".into())));
    assert_eq!(ask(&json!([]), 0, "00:00"), (None, None));
}

#[test]
fn asking_twice_what_is_on_gives_the_same_answer() {
    let request =
        request(json!({ "slots": [with(slot("00:00", 1440), json!({ "order_mode": "random" }))] }), episodes(9, 25));
    let planned = plan(&request);
    for entry in &planned.entries {
        let at = utc(entry.start_ms + 1);
        let found = item_at(&request, at).unwrap().unwrap();
        assert_eq!((&found, item_at(&request, at).unwrap()), (entry, Some(entry.clone())));
    }
    assert_eq!(item_at(&request, utc(MONDAY_MS - 1)).unwrap(), None);
}
