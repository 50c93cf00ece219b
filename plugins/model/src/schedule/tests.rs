//! An answer that cannot go on air is refused, whatever is wrong with it.

use super::*;

fn item(id: i64, duration_ms: i64) -> PoolItem {
    PoolItem {
        id: MediaId(id),
        duration_ms,
        kind: MediaKind::Clip,
        title: format!("Item {id}"),
        show: None,
        season: None,
        episode: None,
        position: None,
        chapters_ms: Vec::new(),
    }
}

fn request() -> PlanRequest {
    PlanRequest {
        channel: String::new(),
        zone: "Europe/Berlin".into(),
        window: Window { start_ms: 1_000, stop_ms: 3_000 },
        settings: serde_json::Value::Null,
        pools: vec![Pool::whole(MAIN_POOL, vec![item(1, 1_000)]), Pool::whole("filler", vec![item(2, 1_500)])],
        state: None,
        seed: 7,
        aired: Vec::new(),
    }
}

fn entry(item: Option<i64>, start_ms: i64, stop_ms: i64) -> PlanEntry {
    let (rule, why) = (String::new(), String::new());
    PlanEntry { item: item.map(MediaId), start_ms, stop_ms, in_point_ms: 0, kind: EntryKind::Programme, rule, why }
}

fn answer(entries: Vec<PlanEntry>) -> PlanAnswer {
    PlanAnswer { entries, state: serde_json::Value::Null, notes: Vec::new() }
}

fn good() -> PlanAnswer {
    answer(vec![entry(Some(1), 1_000, 2_000), entry(Some(2), 2_000, 3_500)])
}

#[test]
fn an_answer_may_run_over_the_end_of_its_window() {
    assert_eq!(good().check(&request()), Ok(()));
    assert_eq!(answer(vec![entry(None, 1_000, 3_000)]).check(&request()), Ok(()));
}

#[test]
fn an_answer_must_fill_its_window_exactly() {
    let check = |entries| answer(entries).check(&request());
    assert_eq!(check(vec![]), Err(AnswerFault::NoEntries));
    let late = vec![entry(Some(1), 1_001, 2_001)];
    assert_eq!(check(late), Err(AnswerFault::Gap { index: 0, expected_ms: 1_000, start_ms: 1_001 }));
    let early = vec![entry(Some(1), 999, 1_999)];
    assert_eq!(check(early), Err(AnswerFault::Overlap { index: 0, expected_ms: 1_000, start_ms: 999 }));
    let hole = vec![entry(Some(1), 1_000, 2_000), entry(Some(2), 2_001, 3_501)];
    assert_eq!(check(hole), Err(AnswerFault::Gap { index: 1, expected_ms: 2_000, start_ms: 2_001 }));
    let twice = vec![entry(Some(1), 1_000, 2_000), entry(Some(2), 1_500, 3_000)];
    assert_eq!(check(twice), Err(AnswerFault::Overlap { index: 1, expected_ms: 2_000, start_ms: 1_500 }));
    let short = vec![entry(Some(1), 1_000, 2_000)];
    assert_eq!(check(short), Err(AnswerFault::TooShort { stop_ms: 2_000, window_stop_ms: 3_000 }));
    let behind = vec![entry(None, 1_000, 3_000), entry(Some(1), 3_000, 4_000)];
    assert_eq!(check(behind), Err(AnswerFault::BehindWindow { index: 1, start_ms: 3_000 }));
    let nothing = vec![entry(None, 1_000, 1_000)];
    assert_eq!(check(nothing), Err(AnswerFault::NoLength { index: 0, start_ms: 1_000, stop_ms: 1_000 }));
}

#[test]
fn only_offered_items_and_what_is_inside_them_can_be_played() {
    let check = |entry| answer(vec![entry, self::entry(None, 2_000, 3_000)]).check(&request());
    assert_eq!(check(entry(Some(9), 1_000, 2_000)), Err(AnswerFault::UnknownItem { index: 0, item: MediaId(9) }));
    for in_point_ms in [-1, 1, i64::MAX, i64::MIN] {
        let outside = PlanEntry { in_point_ms, ..entry(Some(1), 1_000, 2_000) };
        assert!(matches!(check(outside), Err(AnswerFault::OutsideItem { index: 0, .. })), "{in_point_ms}");
    }
    let inside = PlanEntry { in_point_ms: 500, ..entry(Some(2), 1_000, 2_000) };
    assert_eq!(check(inside), Ok(()));
    let too_long = answer(vec![entry(Some(2), 1_000, i64::MAX)]);
    assert!(matches!(too_long.check(&request()), Err(AnswerFault::OutsideItem { .. })));
}

#[test]
fn state_and_entries_are_bounded() {
    let fat = PlanAnswer { state: "x".repeat(MAX_STATE_BYTES).into(), ..good() };
    assert_eq!(fat.check(&request()), Err(AnswerFault::StateTooLarge { bytes: MAX_STATE_BYTES + 2 }));
    let many = answer(vec![entry(None, 1_000, 2_000); MAX_ENTRIES + 1]);
    assert_eq!(many.check(&request()), Err(AnswerFault::TooManyEntries { count: MAX_ENTRIES + 1 }));
}
