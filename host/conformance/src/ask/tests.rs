//! Questions are ones that a host could ask, and judgements are the host's.

use serde_json::json;

use super::*;
use crate::contract::Contract;

fn all(occasion: Occasion) -> Vec<Ask> {
    let methods = Contract::ALL.into_iter().flat_map(Contract::methods);
    methods.map(|method| Ask::on(*method, occasion, &Value::Null, &Preparation::default())).collect()
}

#[test]
fn every_question_is_one_that_a_host_could_ask() {
    let occasions = [Occasion::Ordinary, Occasion::LeapDay].into_iter().chain((0..200).map(Occasion::Random));
    for occasion in occasions {
        for ask in all(occasion) {
            assert_eq!(Ask::read(ask.method(), &ask.bytes()), Some(ask), "{occasion:?}");
        }
    }
}

#[test]
fn the_same_seed_asks_the_same() {
    assert_eq!(all(Occasion::Random(7)), all(Occasion::Random(7)));
    assert_ne!(all(Occasion::Random(7)), all(Occasion::Random(8)));
}

#[test]
fn a_large_pool_is_sent_in_part_and_read_by_pages_to_its_end() {
    let ask = Ask::on(Method::Plan, Occasion::Large, &Value::Null, &Preparation::default());
    let sent: PlanRequest = serde_json::from_slice(&ask.bytes()).unwrap();
    assert_eq!((sent.pools[0].items.len(), sent.pools[0].count), (SENT_ITEMS, 100_000));
    let page = |offset| {
        let query = PoolPageRequest { pool: sent.pools[0].key.clone(), offset, limit: 5_000 };
        let page = ask.page(&serde_json::to_vec(&query).unwrap()).unwrap();
        serde_json::from_slice::<PoolPage>(&page).unwrap().items
    };
    assert_eq!(page(2_000)[0], ask.pools()[0].items[2_000]);
    assert_eq!((page(99_990).len(), page(100_000).len(), page(u64::MAX).len()), (10, 0, 0));
    assert!(ask.page(b"{\"pool\": \"another\", \"offset\": 0, \"limit\": 1}").is_none());
}

#[test]
fn needs_become_pools_with_their_own_items() {
    let needs = json!({"faults": [], "pools": [
        {"key": "a", "source": {"type": "show", "show": "X"}},
        {"key": "b", "source": {"type": "collection", "collection_id": "7"}},
    ]});
    let needs = serde_json::from_value(needs).unwrap();
    let ask = Ask::on(Method::Plan, Occasion::Ordinary, &Value::Null, &needs);
    assert_eq!(ask.pools().iter().map(|pool| pool.key.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert!(ask.pools()[0].items.iter().all(|item| item.show.as_deref() == Some("X")));
    assert_ne!(ask.pools()[0].items[0].id, ask.pools()[1].items[0].id);
}

#[test]
fn weeks_with_changing_clocks_hold_the_change() {
    use chrono::{DateTime, Offset, TimeZone, Utc};
    for week in dst_weeks() {
        let Ask::Plan(request) = week.ask(&Value::Null, &Preparation::default()) else { panic!("not a plan") };
        let zone: chrono_tz::Tz = week.zone.parse().unwrap();
        let offset =
            |ms| zone.offset_from_utc_datetime(&DateTime::<Utc>::from_timestamp_millis(ms).unwrap().naive_utc()).fix();
        assert_ne!(offset(request.window.start_ms), offset(request.window.stop_ms), "{week:?}");
    }
}

#[test]
fn an_answer_is_judged_as_the_host_does_and_misspelt_members_are_named() {
    let ask = Ask::on(Method::Propose, Occasion::Ordinary, &Value::Null, &Preparation::default());
    let judge = |answer: Value| ask.judge(answer.to_string().as_bytes());
    let proposal = json!({"action": "ESCALATE", "risk": "LOW", "confidence": 0.5, "why": "because"});
    assert!(judge(json!({"proposals": [proposal]})).is_ok());
    let misspelt = json!({"proposals": [], "remarks": ["x"]});
    assert!(matches!(judge(misspelt), Err(Breach::UnknownMember { path }) if path == "remarks"));
    assert!(matches!(ask.judge(b"{"), Err(Breach::NotJson(_))));
    assert!(matches!(judge(json!({"proposals": [{}]})), Err(Breach::NotTheDocument(_))));
    let unsure = json!({"action": "ESCALATE", "risk": "LOW", "confidence": 2, "why": "because"});
    assert!(matches!(judge(json!({"proposals": [unsure]})), Err(Breach::Proposal(_))));
}

#[test]
fn a_preparation_must_tell_its_pools_apart() {
    let ask = Ask::on(Method::Prepare, Occasion::Ordinary, &Value::Null, &Preparation::default());
    let need = json!({"key": "a", "source": {"type": "channel"}});
    let twice = json!({"faults": [], "pools": [need, need]}).to_string();
    assert!(matches!(ask.judge(twice.as_bytes()), Err(Breach::PoolKey { key }) if key == "a"));
}

#[test]
fn an_item_with_two_lengths_is_no_question_of_a_host() {
    let Ask::Plan(mut request) = Ask::on(Method::Plan, Occasion::Ordinary, &Value::Null, &Preparation::default())
    else {
        panic!("not a plan")
    };
    let mut item = request.pools[0].items[0].clone();
    request.pools.push(Pool::whole("again", vec![item.clone()]));
    let possible = |request: &PlanRequest| Ask::read(Method::Plan, &serde_json::to_vec(request).unwrap()).is_some();
    assert!(possible(&request));
    item.duration_ms += 1;
    request.pools[1] = Pool::whole("again", vec![item]);
    assert!(!possible(&request));
}
