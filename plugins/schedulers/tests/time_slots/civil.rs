//! Slots keep to local clocks, wherever and whenever these change. The oracle is jiff, with its own zone data.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use exstreamtv_plugin_sdk::schedule::{PlanRequest, Window};
use exstreamtv_schedulers::{TimeSlotSchedule, slot_on_air};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;

use crate::{
    scene::*,
    zones::{ZONES, changes},
};

#[test]
fn the_zones_are_many_and_they_do_change() {
    let zone = |name: &&str| TimeZone::get(name).unwrap();
    assert!(ZONES.len() >= 40);
    let changes: usize = ZONES.iter().map(zone).map(|zone| changes(&zone).len()).sum();
    assert!(changes > 350, "{changes}");
}

#[test]
fn a_slot_that_lies_in_a_gap_is_not_lost_where_nothing_else_wants_the_time() {
    let schedule: TimeSlotSchedule = serde_json::from_value(json!({ "slots": [slot("02:15", 30)] })).unwrap();
    let at = |text: &str| -> DateTime<Utc> { text.parse().unwrap() };
    let on_air = slot_on_air(&schedule, Tz::Europe__Berlin, at("2026-03-29T01:10:00Z")).unwrap();
    assert_eq!((on_air.start, on_air.stop), (at("2026-03-29T01:00:00Z"), at("2026-03-29T01:30:00Z")));
    assert_eq!(slot_on_air(&schedule, Tz::Europe__Berlin, at("2026-10-25T01:20:00Z")), None, "not twice in autumn");
    assert!(slot_on_air(&schedule, Tz::Europe__Berlin, at("2026-10-25T00:20:00Z")).is_some());
}

#[test]
fn a_night_slot_ends_on_local_time_and_is_an_hour_shorter_or_longer_when_clocks_change() {
    let schedule: TimeSlotSchedule = serde_json::from_value(json!({ "slots": [slot("22:00", 480)] })).unwrap();
    let hours = |text: &str| {
        let on_air = slot_on_air(&schedule, Tz::Europe__Berlin, text.parse().unwrap()).unwrap();
        (on_air.stop - on_air.start).num_hours()
    };
    assert_eq!(["2026-03-28T23:00:00Z", "2026-10-24T23:00:00Z", "2026-06-01T23:00:00Z"].map(hours), [7, 9, 8]);
}

/// A day and a half around a change, padded to 30 minutes.
fn padded(name: &str, change: Timestamp) -> PlanRequest {
    let settings =
        json!({ "slots": [with(slot("00:00", 1440), json!({ "pad_to_minutes": 30, "padding_mode": "next" }))] });
    let start_ms = change.as_millisecond() - 18 * HOUR_MS;
    let window = Window { start_ms, stop_ms: start_ms + 36 * HOUR_MS };
    PlanRequest { zone: name.into(), window, ..request(settings, episodes(5, 22)) }
}

#[test]
fn around_every_change_items_begin_on_the_half_hour_of_local_clocks() {
    for name in ZONES {
        let jiff = TimeZone::get(name).unwrap();
        for change in changes(&jiff) {
            let request = padded(name, change);
            let answer = plan(&request);
            let starts = answer.entries.iter().filter(|entry| entry.item.is_some()).map(|entry| entry.start_ms);
            let mut count = 0;
            for start_ms in starts {
                let local = jiff.to_datetime(Timestamp::from_millisecond(start_ms).unwrap());
                assert!(local.minute() % 30 == 0 && local.second() == 0, "{name} {local}");
                count += 1;
            }
            assert!((70..=73).contains(&count), "{name} {change} {count}");
        }
    }
}
