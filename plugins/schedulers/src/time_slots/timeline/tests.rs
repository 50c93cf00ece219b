//! Slots keep to local clocks, wherever and whenever these change. The oracle is jiff, with its own zone data.

use chrono::{DateTime, NaiveDateTime, Timelike};
use jiff::{
    Timestamp,
    civil::DateTime as Civil,
    tz::{AmbiguousOffset, TimeZone},
};

use super::*;
use zones::{ZONES, changes};

#[path = "../../../tests/time_slots/zones.rs"]
mod zones;

/// Returns the oracle's moment of a local time: the first valid one behind a gap, the earlier one in a fold.
fn oracle(zone: &TimeZone, local: NaiveDateTime) -> i64 {
    use chrono::{Datelike, Timelike};
    let civil = Civil::new(
        local.year() as i16,
        local.month() as i8,
        local.day() as i8,
        local.hour() as i8,
        local.minute() as i8,
        local.second() as i8,
        0,
    )
    .unwrap();
    let ambiguous = zone.to_ambiguous_timestamp(civil);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => {
            let before = ambiguous.earlier().unwrap();
            zone.following(before).next().unwrap().timestamp().as_millisecond()
        }
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => {
            ambiguous.earlier().unwrap().as_millisecond()
        }
    }
}

/// Slots around the clock: every quarter of an hour from midnight, each until the next.
fn quarters() -> Vec<SlotHours> {
    let quarter = |index: u32| SlotHours {
        start: NaiveTime::from_hms_opt(index / 4, index % 4 * 15, 0).unwrap(),
        length_ms: QUARTER_MS,
        days: 127,
        priority: 0,
    };
    (0..96).map(quarter).collect()
}

/// Returns when the oracle has slots begin on the days around a change. Of slots that all begin at the end of a gap the last one has the air.
fn expected(zone: &TimeZone, change: Timestamp) -> Vec<(i64, NaiveDateTime)> {
    let day = DateTime::from_timestamp_millis(change.as_millisecond()).unwrap().date_naive();
    let midnight = (day - Days::new(2)).and_time(NaiveTime::MIN);
    let locals = (0..5 * 96).map(|quarter| midnight + TimeDelta::milliseconds(quarter * QUARTER_MS));
    let mut starts: Vec<_> = locals.map(|local| (oracle(zone, local), local)).collect();
    starts.reverse();
    starts.dedup_by_key(|(start_ms, _)| *start_ms);
    starts.reverse();
    starts
}

#[test]
fn around_every_change_each_slot_has_the_air_from_its_local_time_to_the_next_ones_and_no_time_is_left() {
    let quarters = quarters();
    for name in ZONES {
        let (zone, jiff) = (name.parse::<Tz>().unwrap(), TimeZone::get(name).unwrap());
        for change in changes(&jiff) {
            let timeline = Timeline::around(&quarters, zone, change.as_millisecond(), change.as_millisecond());
            for pair in expected(&jiff, change).windows(2) {
                let stretch = timeline.at(pair[0].0);
                assert_eq!((stretch.start_ms, stretch.stop_ms), (pair[0].0, pair[1].0), "{name} {}", pair[0].1);
                let slot = pair[0].1.num_seconds_from_midnight() / 900;
                assert_eq!(stretch.airing.unwrap().slot, slot as usize, "{name} {}", pair[0].1);
                assert_eq!(timeline.at(pair[1].0 - 1), stretch);
            }
        }
    }
}

#[test]
fn a_time_line_is_the_same_wherever_it_is_looked_at_from() {
    let hours = |hour, length: i64, days| SlotHours {
        start: NaiveTime::from_hms_opt(hour, 0, 0).unwrap(),
        length_ms: length * 4 * QUARTER_MS,
        days,
        priority: 0,
    };
    let slots = [hours(22, 8, 0b1_0000), hours(3, 2, 0b10_0001), hours(4, 24, 0b100_0000)];
    let day_ms = 96 * QUARTER_MS;
    let start_ms = 1_774_742_400_000; // 29 March 2026
    let zone = Tz::Europe__Berlin;
    for quarter in 0..7 * 96 {
        let at_ms = start_ms + quarter * QUARTER_MS;
        let near = Timeline::around(&slots, zone, at_ms, at_ms).at(at_ms);
        let far = Timeline::around(&slots, zone, start_ms - 20 * day_ms, start_ms + 40 * day_ms).at(at_ms);
        assert_eq!(near, far);
    }
}

#[test]
fn holes_without_slots_have_no_end() {
    let timeline = Timeline::around(&[], Tz::UTC, 0, 0);
    let forever = Stretch { start_ms: i64::MIN, stop_ms: i64::MAX, airing: None };
    assert_eq!((timeline.at(0), timeline.at(i64::MIN), timeline.at(i64::MAX)), (forever, forever, forever));
    assert_eq!(timeline.behind(forever), forever);
}

const QUARTER_MS: i64 = 15 * 60_000;
