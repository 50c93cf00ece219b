//! The document: how it is written, and what is said about mistakes in it.

use exstreamtv_plugin_sdk::{
    PlanError, Scheduler,
    schedule::{PoolSource, Preparation, PrepareRequest},
};
use exstreamtv_schedulers::{
    OrderMode, TimeSlotFlexMode, TimeSlotLateness, TimeSlotPaddingMode, TimeSlotSchedule, TimeSlots,
};
use serde_json::{Value, json};

use crate::scene::*;

fn prepare(settings: Value) -> Preparation {
    TimeSlots.prepare(&PrepareRequest { zone: "Europe/Berlin".into(), settings })
}

/// Returns the only fault of a schedule, and makes sure that it is not planned either.
fn fault(settings: Value) -> (String, String) {
    let preparation = prepare(settings.clone());
    assert_eq!(preparation.faults.len(), 1, "{:?}", preparation.faults);
    let refused = TimeSlots.plan(&request(settings, episodes(1, 30)));
    let fault = preparation.faults.into_iter().next().unwrap();
    assert_eq!(refused, Err(PlanError::BadSettings { fault: fault.clone() }));
    (fault.path, fault.message)
}

/// Asserts where the fault of one slot is, and that its text holds `text`.
#[track_caller]
fn assert_slot_fault(more: Value, path: &str, text: &str) {
    let (found, message) = fault(json!({ "slots": [slot("06:00", 60), with(slot("12:00", 60), more)] }));
    assert_eq!(found, format!("slots[1]{path}"));
    assert!(message.contains(text), "{message}");
}

#[test]
fn a_slot_can_be_written_as_toml_with_only_its_time() {
    let text = r#"
        [[slot]]
        slot_id = "news"
        start_time = "06:00"
        duration_minutes = 180
        collection_id = 5

        [[slot]]
        name = "Films"
        start_time = "20:15:30"
        duration_minutes = 105
        collection_id = "Feature films"
        order_mode = "shuffle"
        padding_mode = "next"
        flex_mode = "compress"
        lateness = "shift"
        days_of_week = 96
    "#;
    let schedule: TimeSlotSchedule = toml::from_str(text).unwrap();
    let [news, films] = &schedule.slots[..] else { panic!("{schedule:?}") };
    assert_eq!((news.order_mode, news.padding_mode), (OrderMode::Ordered, TimeSlotPaddingMode::None));
    assert_eq!((news.flex_mode, news.lateness), (TimeSlotFlexMode::None, TimeSlotLateness::JoinLate));
    assert_eq!((news.days_of_week, news.collection_id.as_deref()), (127, Some("5")));
    assert_eq!((films.id(), films.order_mode, films.lateness), ("Films", OrderMode::Shuffle, TimeSlotLateness::Shift));
    assert_eq!((films.padding_mode, films.flex_mode), (TimeSlotPaddingMode::Next, TimeSlotFlexMode::Compress));
    assert_eq!(prepare(serde_json::to_value(&schedule).unwrap()).faults, []);
    let again: TimeSlotSchedule = serde_json::from_value(serde_json::to_value(&schedule).unwrap()).unwrap();
    assert_eq!(again, schedule);
}

#[test]
fn every_value_of_every_mode_is_read() {
    for (field, values) in [
        ("order_mode", &["ordered", "shuffle", "random"][..]),
        ("padding_mode", &["none", "filler", "loop", "next"]),
        ("flex_mode", &["none", "extend", "compress"]),
        ("lateness", &["join_late", "shift", "skip"]),
    ] {
        for value in values {
            let slot = with(slot("06:00", 60), json!({ field: value }));
            let settings = json!({ "slots": [slot], "filler": { "collection_id": "clips" } });
            assert_eq!(prepare(settings).faults, [], "{field} {value}");
        }
        assert_slot_fault(json!({ field: "sideways" }), &format!(".{field}"), values[1]);
    }
}

#[test]
fn the_pools_are_those_that_the_slots_name() {
    let own = with(slot("06:00", 60), json!({ "collection_id": "Cartoons", "filler": { "collection_id": 7 } }));
    let preparation = prepare(json!({ "slots": [own, slot("08:00", 60)], "filler": { "collection_id": "Clips" } }));
    let named = |name: &str| PoolSource::Collection { collection_id: name.into() };
    let sources: Vec<_> = preparation.pools.iter().map(|need| need.source.clone()).collect();
    assert_eq!(sources, [named("Cartoons"), PoolSource::Channel, named("7"), named("Clips")]);
    let default = prepare(json!({ "slots": [slot("08:00", 60)], "default_collection_id": "All" }));
    assert_eq!(default.pools.len(), 1);
    assert_eq!((default.pools[0].key.as_str(), &default.pools[0].source), ("collection:All", &named("All")));
}

#[test]
fn a_mistake_in_a_slot_is_found_at_its_place_and_explained() {
    for time in ["6:00", "24:00", "06:60", "noon", "06:00:00:00", "06:00:60", "+6:00", ""] {
        assert_slot_fault(json!({ "start_time": time }), ".start_time", "write it like \"06:30\"");
    }
    assert_slot_fault(json!({ "duration_minutes": 0 }), ".duration_minutes", "from 1 minute to a day");
    assert_slot_fault(json!({ "duration_minutes": 1441 }), ".duration_minutes", "1440");
    assert_slot_fault(json!({ "days_of_week": 0 }), ".days_of_week", "64 for Sunday");
    assert_slot_fault(json!({ "days_of_week": 128 }), ".days_of_week", "127 is every day");
    assert_slot_fault(json!({ "padding_mode": "filler" }), ".padding_mode", "filler.collection_id");
    assert_slot_fault(json!({ "flex_mode": "extend", "flex_limit_minutes": 0 }), ".flex_limit_minutes", "1 to 720");
    assert_slot_fault(json!({ "pad_to_minutes": 7 }), ".pad_to_minutes", "do not divide a day");
    assert_slot_fault(json!({ "collection_id": " " }), ".collection_id", "its id or its name");
    assert_slot_fault(json!({ "collection_id": true }), ".collection_id", "its id or its name");
    assert_slot_fault(json!({ "colour": "red" }), ".colour", "unknown field `colour`");
    assert_slot_fault(json!({ "slot_id": "06:00" }), ".slot_id", "slots[0]");
    assert_slot_fault(json!({ "slot_id": "default" }), ".slot_id", "holes");
    assert_slot_fault(json!({ "slot_id": "" }), ".slot_id", "an id or a name");
    assert_slot_fault(json!({ "breaks": {} }), ".breaks", "filler");
}

#[test]
fn a_mistake_in_breaks_is_found() {
    let breaks = |breaks: Value| {
        fault(json!({
            "slots": [with(slot("12:00", 60), json!({ "breaks": breaks, "filler": { "collection_id": "c" } }))],
        }))
    };
    assert_eq!(breaks(json!({ "every_minutes": 0 })).0, "slots[0].breaks.every_minutes");
    assert_eq!(breaks(json!({ "chapters": false })).0, "slots[0].breaks");
    assert_eq!(breaks(json!({ "length_seconds": 0 })).0, "slots[0].breaks.length_seconds");
    assert_eq!(breaks(json!({ "max_breaks": 101 })).0, "slots[0].breaks.max_breaks");
}

#[test]
fn a_slot_that_can_never_be_on_air_is_found() {
    assert_eq!(
        fault(json!({ "slots": [slot("18:00", 60), with(slot("18:00", 30), json!({ "slot_id": "b" }))] })).0,
        "slots[1]"
    );
    let covered = json!({ "slots": [with(slot("12:00", 600), json!({ "priority": 1 })), slot("18:00", 60)] });
    assert_eq!(fault(covered).0, "slots[1]");
    let (path, message) = fault(json!({ "slots": [with(slot("18:10", 15), json!({ "pad_to_minutes": 30 }))] }));
    assert_eq!(path, "slots[0].pad_to_minutes");
    assert!(message.contains("nothing can begin"));
}

#[test]
fn groups_that_do_not_agree_with_themselves_are_found() {
    let two = |first: Value, second: Value| {
        fault(json!({ "slots": [with(slot("06:00", 60), first), with(slot("08:00", 60), second)] })).0
    };
    assert_eq!(two(json!({ "group": "g" }), json!({ "group": "g", "order_mode": "random" })), "slots[1].order_mode");
    assert_eq!(
        two(json!({ "rerun_group": "g" }), json!({ "rerun_group": "g", "collection_id": "x" })),
        "slots[1].collection_id"
    );
    assert_eq!(two(json!({}), json!({ "rerun_group": "g", "group": "h" })), "slots[1].group");
}

#[test]
fn a_schedule_with_nothing_in_it_and_an_unknown_zone_are_faults() {
    assert_eq!(fault(json!({})).0, "slots");
    assert_eq!(fault(json!({ "slots": "all" })).0, "slots");
    let preparation = TimeSlots
        .prepare(&PrepareRequest { zone: "Mars/Olympus".into(), settings: json!({ "slots": [slot("06:00", 1)] }) });
    assert!(preparation.faults[0].message.contains("Mars/Olympus"));
    let mut request = request(json!({ "slots": [slot("06:00", 1)] }), episodes(1, 1));
    request.zone = "Mars/Olympus".into();
    assert_eq!(TimeSlots.plan(&request), Err(PlanError::BadZone { zone: "Mars/Olympus".into() }));
}
