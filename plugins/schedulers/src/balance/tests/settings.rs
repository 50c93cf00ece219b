//! Settings are checked before they are stored.

use std::collections::BTreeMap;

use exstreamtv_model::schedule::PoolSource;
use serde_json::json;

use super::{super::settings::MAX_SOURCES, *};

#[test]
fn each_mistake_in_the_settings_is_named_with_its_place() {
    let faults = |settings: Value| -> BTreeMap<String, String> {
        let preparation = Balance.prepare(&PrepareRequest { zone: "UTC".into(), settings: settings.clone() });
        assert!(preparation.pools.is_empty(), "{settings}");
        preparation.faults.into_iter().map(|fault| (fault.path, fault.message)).collect()
    };
    let good = json!({ "name": "a", "collection_id": "1" });
    let with = |key: &str, value: Value| {
        let mut source = good.clone();
        source[key] = value;
        json!({ "sources": [good_other(), source] })
    };
    for (settings, path, words) in [
        (Value::Null, "", "null"),
        (json!({ "sources": [] }), "sources", "at least one"),
        (json!({ "sources": [{ "name": "a", "weight": 0, "show": "x" }] }), "sources", "every weight is 0"),
        (json!({ "sources": vec![good.clone(); 41] }), "sources", "at most 40"),
        (with("weight", json!(1_001)), "sources[1].weight", "at most 1000"),
        (with("weight", json!(-1)), "sources[1].weight", "-1"),
        (with("weigth", json!(1)), "sources[1].weigth", "weight"),
        (with("cooldown_minutes", json!(10_081)), "sources[1].cooldown_minutes", "a week"),
        (with("max_consecutive", json!(0)), "sources[1].max_consecutive", "1 or more"),
        (with("order_mode", json!("sorted")), "sources[1].order_mode", "shuffle"),
        (with("show", json!("Zoo")), "sources[1]", "only one"),
        (with("collection_id", json!(" ")), "sources[1].collection_id", "empty"),
        (with("collection_id", Value::Null), "sources[1]", "give collection_id"),
        (with("name", json!("")), "sources[1].name", "empty"),
        (with("name", json!("b")), "sources[1].name", "another source"),
        (with("name", json!("x".repeat(61))), "sources[1].name", "at most 60"),
        (json!({ "sources": [good], "mode": "fair" }), "mode", "balanced"),
        (json!({ "sources": [good], "fallback": { "weight": 1, "show": "x" } }), "fallback.weight", "weight"),
        (json!({ "sources": [good], "fallback": {} }), "fallback", "give collection_id"),
        (json!({ "sources": [good], "fallback": { "name": "a", "show": "x" } }), "fallback.name", "another source"),
    ] {
        let faults = faults(settings.clone());
        assert!(faults.get(path).is_some_and(|message| message.contains(words)), "{settings}: {faults:?}");
        let planned = Balance.plan(&PlanRequest { settings, ..request(&spec(), Vec::new(), 1) });
        assert!(matches!(planned, Err(PlanError::BadSettings { .. })));
    }
}

fn good_other() -> Value {
    json!({ "name": "b", "collection_id": "2" })
}

#[test]
fn each_source_asks_for_its_own_items() {
    let settings = json!({
        "sources": [
            { "name": "a", "collection_id": "12" },
            { "name": "b", "show": "Zoo", "order_mode": "random" },
            { "name": "c", "query": { "genre": "news" }, "weight": 9, "cooldown_minutes": 5, "max_consecutive": 2 },
            { "name": "off", "weight": 0, "show": "Nobody" },
        ],
        "fallback": { "collection_id": "clips" },
    });
    let preparation = Balance.prepare(&PrepareRequest { zone: "UTC".into(), settings });
    assert_eq!(preparation.faults, []);
    let keys: Vec<_> = preparation.pools.iter().map(|need| need.key.as_str()).collect();
    assert_eq!(keys, ["a", "b", "c", "fallback"]);
    assert_eq!(preparation.pools[0].source, PoolSource::Collection { collection_id: "12".into() });
    assert_eq!(preparation.pools[1].source, PoolSource::Show { show: "Zoo".into() });
}

#[test]
fn the_places_of_as_many_sources_as_possible_fit_into_the_state() {
    let sources = (0..MAX_SOURCES).map(|number| source(&format!("{number:0>60}"), 1));
    let schedule = BalanceSchedule { fallback: fallback(), ..schedule(sources.collect()) };
    let mut pools = stocked(&schedule);
    let named = |text: &str| text.repeat(100);
    for item in pools.iter_mut().flat_map(|pool| &mut pool.items) {
        (item.title, item.show, item.id) = (named("映"), Some(named("画")), MediaId(i64::MAX - item.id.0));
    }
    let answer = plan(&request(&schedule, pools, 100 * 30));
    assert!(answer.state.to_string().len() < exstreamtv_model::schedule::MAX_STATE_BYTES * 3 / 4);
}
