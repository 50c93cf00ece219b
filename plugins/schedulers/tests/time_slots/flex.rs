//! What becomes of an item that does not fit at the end of its slot.

use exstreamtv_plugin_sdk::schedule::PlanRequest;
use serde_json::{Value, json};

use crate::scene::*;

/// One slot from 18:00 to 19:00, then a hole; planned from 18:00 to 20:00.
fn an_hour(more: Value, minutes: &[i64]) -> PlanRequest {
    let pool = (1..).zip(minutes).map(|(number, minutes)| episode(number, *minutes)).collect();
    let request = request(json!({ "slots": [with(slot("18:00", 60), more)] }), pool);
    between(request, 18 * 60, 20 * 60)
}

#[test]
fn without_flex_an_item_is_cut_at_the_slots_end_and_never_late() {
    let answer = plan(&an_hour(json!({}), &[25, 25, 25]));
    assert_eq!(lines(&answer), ["18:00:00 1", "18:25:00 2", "18:50:00 3", "19:00:00 slate"]);
    assert!(answer.entries[2].why.contains("cut where its slot ends"), "{}", answer.entries[2].why);
}

#[test]
fn with_extend_an_item_runs_over_up_to_the_limit() {
    let extend = |limit| json!({ "flex_mode": "extend", "flex_limit_minutes": limit });
    assert_eq!(lines(&plan(&an_hour(extend(15), &[25, 25, 25])))[2..], ["18:50:00 3", "19:15:00 slate"]);
    assert_eq!(lines(&plan(&an_hour(extend(14), &[25, 25, 25])))[2..], ["18:50:00 slate", "19:00:00 slate"]);
}

#[test]
fn an_item_longer_than_its_slot_is_cut_whatever_the_mode_or_it_would_never_be_on() {
    for flex in ["none", "extend", "compress"] {
        for padding in ["none", "loop", "next"] {
            let request = an_hour(json!({ "flex_mode": flex, "padding_mode": padding }), &[90, 30]);
            let answer = plan(&request);
            if flex == "compress" {
                assert_eq!(lines(&answer)[0], "18:00:00 2", "packing finds what fits");
            } else {
                assert_eq!(lines(&answer)[..2], ["18:00:00 1", "19:00:00 slate"], "{flex} {padding}");
            }
        }
    }
    let packed = plan(&an_hour(json!({ "flex_mode": "compress" }), &[90]));
    assert_eq!(lines(&packed), ["18:00:00 1", "19:00:00 slate"]);
}

#[test]
fn compress_chooses_among_the_next_items_those_that_leave_the_least_rest() {
    let compress = json!({ "flex_mode": "compress" });
    let answer = plan(&an_hour(compress.clone(), &[40, 25, 35, 50]));
    assert_eq!(lines(&answer), ["18:00:00 2", "18:25:00 3", "19:00:00 slate"]);
    let tied = plan(&an_hour(compress.clone(), &[20, 20, 20, 60]));
    assert_eq!(programmes(&tied), [1, 2, 3], "of sets that are as good, the one in order");
    let tight = plan(&an_hour(compress, &[45, 50, 55]));
    assert_eq!(lines(&tight)[..2], ["18:00:00 3", "18:55:00 slate"]);
}

#[test]
fn what_compress_passed_over_is_first_in_the_next_slot() {
    let settings = json!({ "slots": [
        with(slot("18:00", 60), json!({ "flex_mode": "compress", "group": "films" })),
        with(slot("19:00", 60), json!({ "flex_mode": "compress", "group": "films" })),
    ] });
    let pool = [40, 25, 35, 20].iter().zip(1..).map(|(minutes, number)| episode(number, *minutes)).collect();
    let answer = plan(&between(request(settings, pool), 18 * 60, 20 * 60));
    assert_eq!(lines(&answer), ["18:00:00 1", "18:40:00 4", "19:00:00 2", "19:25:00 3"]);
}

#[test]
fn compress_keeps_to_the_grid() {
    let request = an_hour(json!({ "flex_mode": "compress", "pad_to_minutes": 30 }), &[40, 22, 28]);
    assert_eq!(
        lines(&plan(&request)),
        ["18:00:00 2", "18:22:00 slate", "18:30:00 3", "18:58:00 slate", "19:00:00 slate"]
    );
}
