//! Windows of any size give the same plan, and a plan goes on behind what stays on air.

use exstreamtv_plugin_sdk::{
    plan_in_windows,
    schedule::{PlanRequest, PoolItem, Window},
};
use exstreamtv_schedulers::TimeSlots;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::scene::*;

fn slot_of(index: usize) -> impl Strategy<Value = Value> {
    let modes = (
        prop::sample::select(vec!["ordered", "shuffle", "random"]),
        prop::sample::select(vec!["none", "filler", "loop", "next"]),
        prop::sample::select(vec!["none", "extend", "compress"]),
        prop::sample::select(vec!["join_late", "shift", "skip"]),
    );
    let time = (0_u32..24 * 12, 1_u32..24 * 12, prop_oneof![Just(127_u8), 1_u8..128], -1_i32..2);
    let pad = prop::sample::select(vec![Value::Null, json!(0), json!(15), json!(60)]);
    let breaks = prop::sample::select(vec![
        Value::Null,
        json!({ "every_minutes": 7, "min_programme_minutes": 5, "tail_guard_minutes": 1 }),
        json!({ "every_minutes": 11, "length_seconds": 45, "max_breaks": 9 }),
    ]);
    let group = prop::sample::select(vec!["", "", "group", "rerun"]);
    (modes, time, pad, breaks, group).prop_map(move |((order, padding, flex, lateness), (start, length, days, priority), pad, breaks, group)| {
        let start = format!("{:02}:{:02}:{:02}", start / 12, start % 12 * 5, index);
        // Slots that share a place must agree on the order.
        let order = if group.is_empty() { order } else { "shuffle" };
        let mut slot = json!({
            "slot_id": format!("slot {index}"), "start_time": start, "duration_minutes": length * 5, "days_of_week": days,
            "priority": priority, "order_mode": order, "padding_mode": padding, "flex_mode": flex, "flex_limit_minutes": 20,
            "lateness": lateness, "pad_to_minutes": pad, "breaks": breaks,
            "collection_id": if group.is_empty() && index % 2 == 1 { json!("other") } else { Value::Null },
        });
        match group {
            "group" => slot["group"] = json!("g"),
            "rerun" => slot["rerun_group"] = json!("r"),
            _ => {}
        }
        slot
    })
}

fn pool(first: i64) -> impl Strategy<Value = Vec<PoolItem>> {
    let minutes = prop_oneof![4 => 3_i64..70, 1 => 70_i64..200];
    prop::collection::vec((minutes, 0_i64..60_000), 0..14).prop_map(move |lengths| {
        let item = |(number, (minutes, more_ms)): (i64, (i64, i64))| PoolItem {
            duration_ms: minutes * MINUTE_MS + more_ms,
            chapters_ms: if number % 3 == 0 { vec![0, 6 * MINUTE_MS, 17 * MINUTE_MS] } else { Vec::new() },
            ..episode(number, 1)
        };
        (first..).zip(lengths).map(item).collect()
    })
}

prop_compose! {
    fn channel()(
        slots in (slot_of(0), slot_of(1), slot_of(2), slot_of(3), 1_usize..5).prop_map(|(a, b, c, d, count)| [a, b, c, d][..count].to_vec()),
        main in pool(1), other in pool(501), clip_s in prop::collection::vec(8_i64..200, 0..9),
        default in any::<bool>(), cooldown in 0_u32..20, list_cooldown in prop::sample::select(vec![0_u32, 0, 25]),
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago"]),
        // Around changes of clocks in March, April, October and November 2026, and around an ordinary week.
        day in prop::sample::select(vec![0_i64, 82, 89, 243, 272, 293, 299]), offset in 0_i64..2 * 1440, seed in any::<u64>(),
    ) -> PlanRequest {
        let mut settings = json!({
            "slots": slots,
            "filler": { "collection_id": "clips", "cooldown_minutes": cooldown, "list_cooldown_minutes": list_cooldown },
        });
        if default {
            settings["default_collection_id"] = json!("other");
            settings["default_order_mode"] = json!("random");
        }
        let mut request = request(settings, main);
        // Slots without a collection of their own play the default one then.
        add_pool(&mut request, "other", other);
        add_pool(&mut request, "clips", clips(&clip_s));
        let start_ms = MONDAY_MS + day * 24 * HOUR_MS + offset * MINUTE_MS;
        PlanRequest { zone: zone.into(), seed, window: Window { start_ms, stop_ms: start_ms + 40 * HOUR_MS }, ..request }
    }
}

#[test]
fn windows_of_a_minute_give_the_same_plan_as_one_large_window() {
    let slot = |start, flex| {
        with(
            slot(start, 70),
            json!({
                "flex_mode": flex, "padding_mode": "filler", "lateness": "shift", "rerun_group": "r", "order_mode": "random",
                "breaks": { "every_minutes": 10, "length_seconds": 100 },
            }),
        )
    };
    let settings = json!({ "slots": [slot("00:00", "extend"), slot("01:10", "compress")], "filler": { "collection_id": "clips", "cooldown_minutes": 9 } });
    let mut request = between(request(settings, episodes(5, 31)), 10, 200);
    add_pool(&mut request, "clips", clips(&[20, 25, 30, 40, 50]));
    assert_eq!(plan_in_windows(&TimeSlots, &request, MINUTE_MS).unwrap(), plan(&request).entries);
}

/// Most faults of drawn schedules are slots that are never on air; they are another test's affair.
fn is_sound(request: &PlanRequest) -> bool {
    use exstreamtv_plugin_sdk::{Scheduler, schedule::PrepareRequest};
    let asked = PrepareRequest { zone: request.zone.clone(), settings: request.settings.clone() };
    TimeSlots.prepare(&asked).faults.is_empty()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_global_rejects: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn windows_of_any_size_give_the_same_plan_as_one_large_window(request in channel(), step in 50_i64..720) {
        prop_assume!(is_sound(&request));
        let whole = plan(&request);
        let in_steps = plan_in_windows(&TimeSlots, &request, step * MINUTE_MS).unwrap();
        for (one, other) in whole.entries.iter().zip(&in_steps) {
            prop_assert_eq!(one, other);
        }
        prop_assert_eq!(whole.entries.len(), in_steps.len());
    }

    #[test]
    fn a_plan_goes_on_behind_entries_that_come_back_as_if_it_had_just_laid_them(request in channel(), first in 1_i64..1_440, cut in any::<prop::sample::Index>()) {
        prop_assume!(is_sound(&request));
        let whole = plan(&request);
        // A state somewhere before the cut, and what was laid between the two.
        let mut early = request.clone();
        early.window.stop_ms = early.window.start_ms + first * MINUTE_MS;
        let early = plan(&early);
        let kept = early.entries.len();
        let cut = kept + cut.index(whole.entries.len() - kept);
        prop_assume!(cut < whole.entries.len());
        let window = Window { start_ms: whole.entries[cut].start_ms, stop_ms: request.window.stop_ms };
        let aired = whole.entries[kept..cut].to_vec();
        let again = plan(&PlanRequest { window, aired, state: Some(early.state), ..request });
        for (one, other) in whole.entries[cut..].iter().zip(&again.entries) {
            prop_assert_eq!(one, other);
        }
    }
}
