//! What the sequence promises to a viewer.

use std::collections::{BTreeSet, HashMap};

use exstreamtv_model::{
    MediaId, MediaKind,
    schedule::{MAX_STATE_BYTES, Pool, PoolItem},
};
use exstreamtv_plugin_sdk::plan_in_windows;
use proptest::prelude::*;

use super::*;

const HOUR_MS: i64 = 3_600_000;
const START_MS: i64 = 1_800_000_000_000;

fn film(id: i64, title: &str) -> PoolItem {
    PoolItem {
        id: MediaId(id),
        duration_ms: HOUR_MS,
        kind: MediaKind::Movie,
        title: title.into(),
        show: None,
        season: None,
        episode: None,
        position: None,
        chapters_ms: Vec::new(),
    }
}

fn episode(id: i64, show: &str, season: u32, episode: u32) -> PoolItem {
    let title = format!("Title {id}");
    PoolItem {
        kind: MediaKind::Episode,
        show: Some(show.into()),
        season: Some(season),
        episode: Some(episode),
        ..film(id, &title)
    }
}

fn films(count: i64) -> Vec<PoolItem> {
    (1..=count).map(|id| film(id, &format!("Film {id}"))).collect()
}

fn main(items: Vec<PoolItem>) -> Vec<Pool> {
    vec![Pool::whole(MAIN_POOL, items)]
}

fn request(pool: Vec<PoolItem>, order: ItemOrder, hours: i64) -> PlanRequest {
    PlanRequest {
        channel: "5".into(),
        zone: "Europe/Berlin".into(),
        window: Window { start_ms: START_MS, stop_ms: START_MS + hours * HOUR_MS },
        settings: serde_json::to_value(SequenceSchedule { order }).unwrap(),
        pools: main(pool),
        state: None,
        seed: 99,
        aired: Vec::new(),
    }
}

fn by_name(pool: Vec<PoolItem>, hours: i64) -> PlanRequest {
    request(pool, ItemOrder::Name, hours)
}

fn shuffled(pool: Vec<PoolItem>, hours: i64) -> PlanRequest {
    request(pool, ItemOrder::Shuffle { seed: 7 }, hours)
}

/// The request for the hours behind an answer.
fn following(request: &PlanRequest, answer: &PlanAnswer, hours: i64) -> PlanRequest {
    let start_ms = answer.entries.last().unwrap().stop_ms;
    let window = Window { start_ms, stop_ms: start_ms + hours * HOUR_MS };
    PlanRequest { window, state: Some(answer.state.clone()), ..request.clone() }
}

fn plan(request: &PlanRequest) -> PlanAnswer {
    let answer = Sequence.plan(request).unwrap();
    assert_eq!(answer.check(request), Ok(()));
    answer
}

fn ids(answer: &PlanAnswer) -> Vec<i64> {
    answer.entries.iter().map(|entry| entry.item.unwrap().0).collect()
}

#[test]
fn a_person_would_sort_it_like_this() {
    let pool = vec![
        episode(1, "Zoo", 1, 10),
        episode(2, "zoo", 1, 9),
        episode(3, "Zoo", 0, 1),
        episode(4, "Zoo", 2, 1),
        film(5, "Part 10"),
        film(6, "part 2"),
        PoolItem { season: None, episode: None, ..episode(7, "Zoo", 0, 0) },
        film(8, "Part 2"),
    ];
    assert_eq!(ids(&plan(&by_name(pool, 8))), [6, 8, 5, 2, 1, 4, 3, 7]);
}

#[test]
fn the_place_in_a_list_wins_over_every_name() {
    let at = |position, item| PoolItem { position: Some(position), ..item };
    let pool = vec![at(2, film(1, "A")), at(0, film(2, "C")), at(1, film(3, "B")), at(3, film(2, "C"))];
    let request = by_name(pool, 6);
    assert_eq!(ids(&plan(&request)), [2, 3, 1, 2, 2, 3]);
    // The second airing of item 2 is remembered as the second.
    let until_repeat =
        plan(&PlanRequest { window: Window { stop_ms: START_MS + 4 * HOUR_MS, ..request.window }, ..request.clone() });
    assert_eq!(ids(&plan(&following(&request, &until_repeat, 2))), [2, 3]);
}

#[test]
fn items_follow_each_other_in_full_and_the_last_may_run_over_the_end() {
    let mut pool = films(3);
    pool[1].duration_ms = 1_234_567;
    let answer = plan(&by_name(pool, 4));
    let lengths: Vec<_> = answer.entries.iter().map(|entry| entry.stop_ms - entry.start_ms).collect();
    assert_eq!(lengths, [HOUR_MS, 1_234_567, HOUR_MS, HOUR_MS, 1_234_567, HOUR_MS]);
    assert_eq!(ids(&answer), [1, 2, 3, 1, 2, 3]);
    assert!(answer.entries[5].start_ms < START_MS + 4 * HOUR_MS);
}

#[test]
fn asking_twice_gives_the_same_answer_and_moves_nothing() {
    for request in [by_name(films(9), 30), shuffled(films(9), 30)] {
        let answer = plan(&request);
        assert_eq!(plan(&request), answer);
        let next = following(&request, &answer, 5);
        assert_eq!(plan(&next), plan(&next));
    }
}

#[test]
fn the_order_of_the_pool_and_the_size_of_the_windows_do_not_matter() {
    let backwards = |pool: Vec<PoolItem>| pool.into_iter().rev().collect::<Vec<_>>();
    for (forth, back) in [
        (by_name(films(9), 50), by_name(backwards(films(9)), 50)),
        (shuffled(films(9), 50), shuffled(backwards(films(9)), 50)),
    ] {
        let whole = plan(&forth).entries;
        assert_eq!(plan(&back).entries, whole);
        for step_ms in [1, HOUR_MS, 7 * HOUR_MS + 1] {
            assert_eq!(plan_in_windows(&Sequence, &forth, step_ms).unwrap(), whole);
        }
    }
}

#[test]
fn a_shuffle_is_the_same_on_every_machine_and_in_every_version() {
    // Written down once; a change here changes what every channel of every user plays.
    assert_eq!(ids(&plan(&shuffled(films(8), 16))), GOLDEN_SHUFFLE);
    let other = request(films(8), ItemOrder::Shuffle { seed: 8 }, 16);
    assert_ne!(ids(&plan(&other)), GOLDEN_SHUFFLE);
}

// Also computed by an independent ChaCha8 and shuffle, written in Python.
const GOLDEN_SHUFFLE: [i64; 16] = [5, 3, 8, 6, 1, 2, 7, 4, 3, 5, 6, 1, 2, 8, 4, 7];

#[test]
fn each_pass_of_a_shuffle_is_another_one() {
    let answer = plan(&shuffled(films(10), 100));
    let passes: BTreeSet<Vec<i64>> = ids(&answer).chunks(10).map(<[i64]>::to_vec).collect();
    assert_eq!(passes.len(), 10);
    assert!(answer.entries[0].why.contains("seed 7, pass 1"));
    assert!(answer.entries[99].why.contains("pass 10"));
}

#[test]
fn an_added_item_comes_in_its_turn_and_moves_no_other() {
    let request = by_name(vec![film(1, "A"), film(3, "C"), film(5, "E")], 2);
    let answer = plan(&request);
    assert_eq!(ids(&answer), [1, 3]);
    let pool = vec![film(1, "A"), film(2, "B"), film(3, "C"), film(4, "D"), film(5, "E")];
    let grown = PlanRequest { pools: main(pool), ..following(&request, &answer, 5) };
    assert_eq!(ids(&plan(&grown)), [4, 5, 1, 2, 3]);
}

#[test]
fn a_removed_item_leaves_its_place_and_a_renamed_one_takes_it_along() {
    let request = by_name(vec![film(1, "A"), film(2, "B"), film(3, "C")], 2);
    let answer = plan(&request);
    assert_eq!(ids(&answer), [1, 2]);
    let without = PlanRequest { pools: main(vec![film(1, "A"), film(3, "C")]), ..following(&request, &answer, 2) };
    assert_eq!(ids(&plan(&without)), [3, 1]);
    let renamed = vec![film(1, "A"), film(2, "Z"), film(3, "C")];
    let renamed = PlanRequest { pools: main(renamed), ..following(&request, &answer, 2) };
    assert_eq!(ids(&plan(&renamed)), [1, 3]);
}

#[test]
fn edits_of_the_pool_do_not_reshuffle_what_is_left_of_a_pass() {
    let request = shuffled(films(20), 8);
    let answer = plan(&request);
    let rest = ids(&plan(&following(&request, &answer, 12)));
    let mut pool = films(22);
    pool.retain(|item| item.id.0 != rest[3]);
    let edited = ids(&plan(&PlanRequest { pools: main(pool), ..following(&request, &answer, 12) }));
    let kept = |ids: &[i64]| ids.iter().copied().filter(|id| *id <= 20 && *id != rest[3]).collect::<Vec<_>>();
    let (before, after) = (kept(&rest), kept(&edited));
    let common = before.len().min(after.len());
    assert!(common >= 9);
    assert_eq!(before[..common], after[..common]);
}

#[test]
fn an_empty_collection_shows_the_slate_and_keeps_its_place() {
    let request = by_name(films(5), 2);
    let answer = plan(&request);
    let away = PlanRequest { pools: main(Vec::new()), ..following(&request, &answer, 3) };
    let slate = plan(&away);
    assert_eq!(slate.entries.len(), 1);
    assert_eq!((slate.entries[0].item, slate.entries[0].stop_ms), (None, away.window.stop_ms));
    assert_eq!(ids(&plan(&following(&request, &slate, 2))), [3, 4]);
}

#[test]
fn what_has_no_length_is_refused_before_anything_is_laid() {
    for duration_ms in [0, -1, i64::MIN] {
        let mut pool = films(3);
        pool[2].duration_ms = duration_ms;
        let refused = Sequence.plan(&by_name(pool, 1));
        assert_eq!(refused, Err(PlanError::BadItem { item: MediaId(3), duration_ms }));
    }
    let empty = PlanRequest { window: Window { start_ms: 5, stop_ms: 5 }, ..by_name(films(1), 1) };
    assert_eq!(Sequence.plan(&empty), Err(PlanError::BadWindow { start_ms: 5, stop_ms: 5 }));
}

#[test]
fn a_plan_ends_in_bounded_steps_whatever_the_lengths_are() {
    let blink = PoolItem { duration_ms: 1, ..film(1, "Blink") };
    assert_eq!(Sequence.plan(&by_name(vec![blink], 1)), Err(PlanError::TooManyEntries));
    for order in [ItemOrder::Name, ItemOrder::Shuffle { seed: 0 }] {
        let endless = PoolItem { duration_ms: i64::MAX, ..film(1, "Endless") };
        assert!(matches!(Sequence.plan(&request(vec![endless], order, 1)), Err(PlanError::BadWindow { .. })));
    }
}

#[test]
fn a_state_that_makes_no_sense_starts_over_with_a_note() {
    let start = ids(&plan(&by_name(films(3), 2)));
    let other_order = plan(&shuffled(films(3), 2)).state;
    for state in [
        serde_json::json!("rubbish"),
        serde_json::json!({ "version": 1 }),
        serde_json::json!({ "version": 1, "by": "name", "name": 7 }),
        serde_json::json!({ "version": 99, "by": "name", "position": null, "name": "", "season": null, "episode": null, "title": "", "id": "1" }),
        other_order,
    ] {
        let answer = plan(&PlanRequest { state: Some(state.clone()), ..by_name(films(3), 2) });
        assert_eq!(ids(&answer), start, "{state}");
        assert_eq!(answer.notes.len(), 1, "{state}");
    }
    let fresh = plan(&PlanRequest { state: Some(Value::Null), ..by_name(films(3), 2) });
    assert_eq!((ids(&fresh), fresh.notes.len()), (start, 0));
}

/// The request for the hours behind the first entries of an answer, as after an edit: with the state from before that answer.
fn behind(request: &PlanRequest, answer: &PlanAnswer, kept: usize, hours: i64) -> PlanRequest {
    let start_ms = answer.entries[kept].start_ms;
    let window = Window { start_ms, stop_ms: start_ms + hours * HOUR_MS };
    PlanRequest { window, aired: answer.entries[..kept].to_vec(), ..request.clone() }
}

#[test]
fn behind_a_cut_the_order_goes_on_from_what_is_on_air() {
    for request in [by_name(films(5), 9), shuffled(films(5), 9)] {
        let before = plan(&request);
        let second = following(&request, &before, 9);
        let whole = plan(&second);
        for kept in 0..9 {
            let again = plan(&behind(&second, &whole, kept, 9 - i64::try_from(kept).unwrap()));
            assert_eq!(again.entries, whole.entries[kept..]);
            assert_eq!((again.state, again.notes), (whole.state.clone(), vec![]));
        }
    }
}

#[test]
fn what_was_on_air_but_is_gone_is_passed_with_a_note() {
    let request = by_name(films(5), 5);
    let answer = plan(&request);
    let cut = PlanRequest { pools: main(films(5).split_off(2)), ..behind(&request, &answer, 3, 3) };
    let again = plan(&cut);
    assert_eq!((ids(&again), again.notes.len()), (vec![4, 5, 3], 2));
}

#[test]
fn what_another_strategy_laid_does_not_move_the_order() {
    let request = by_name(films(5), 5);
    let mut cut = behind(&request, &plan(&request), 3, 3);
    cut.aired.iter_mut().for_each(|entry| entry.rule = "evening".into());
    assert_eq!(ids(&plan(&cut)), [1, 2, 3]);
}

#[test]
fn settings_are_checked_and_the_channels_collection_is_asked_for() {
    let prepare = |settings| Sequence.prepare(&PrepareRequest { zone: "UTC".into(), settings });
    for right in [Value::Null, serde_json::json!({}), serde_json::json!({ "order": { "by": "shuffle", "seed": 4 } })] {
        let preparation = prepare(right);
        assert_eq!(preparation.faults, []);
        assert_eq!(preparation.pools, [PoolNeed { key: MAIN_POOL.into(), source: PoolSource::Channel }]);
    }
    for wrong in [serde_json::json!({ "order": { "by": "size" } }), serde_json::json!({ "oder": { "by": "name" } })] {
        assert_eq!(prepare(wrong.clone()).faults.len(), 1, "{wrong}");
        let planned = Sequence.plan(&PlanRequest { settings: wrong, ..by_name(films(1), 1) });
        assert!(matches!(planned, Err(PlanError::BadSettings { .. })));
    }
}

#[test]
fn the_memory_of_a_large_pool_is_small() {
    let far = i64::MAX - 5_000;
    let pool = (far..far + 5_000).map(|id| PoolItem { duration_ms: 60_000, ..film(id, &"Ä".repeat(5_000)) });
    let pool: Vec<_> = pool.collect();
    for order in [ItemOrder::Name, ItemOrder::Shuffle { seed: 3 }] {
        let answer = plan(&request(pool.clone(), order, 95));
        assert!(answer.state.to_string().len() < MAX_STATE_BYTES);
    }
}

/// Asserts that no item is on again before half the pool was on since.
fn assert_apart(ids: &[i64], pool: usize) {
    let mut last = HashMap::new();
    for (at, id) in ids.iter().enumerate() {
        if let Some(before) = last.insert(id, at) {
            assert!(at - before > pool / 2, "item {id} at {before} and {at} of {ids:?}");
        }
    }
}

fn pool() -> impl Strategy<Value = Vec<PoolItem>> {
    let item = (1_i64..HOUR_MS, "[a-c ]{0,3}[0-9]{0,3}", prop::option::of("[A-C][0-9]"), 0_u32..3, 0_u32..4);
    prop::collection::vec(item, 1..25).prop_map(|items| {
        let numbered = (1..).zip(items);
        let items = numbered.map(|(id, (duration_ms, title, show, season, number))| PoolItem {
            duration_ms: duration_ms + 60_000,
            show,
            season: Some(season),
            episode: Some(number),
            ..film(id, &title)
        });
        items.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_offered_the_answer_can_go_on_air(pool in pool(), seed in any::<u32>(), name in any::<bool>(), hours in 1_i64..60) {
        let order = if name { ItemOrder::Name } else { ItemOrder::Shuffle { seed } };
        let request = request(pool, order, hours);
        let in_steps = plan_in_windows(&Sequence, &request, 5 * HOUR_MS).unwrap();
        prop_assert_eq!(plan(&request).entries, in_steps);
    }

    #[test]
    fn a_pass_holds_every_item_once_and_repeats_nothing_within_half_a_cycle(count in 1_i64..40, seed in any::<u32>(), step in 1_i64..50) {
        let request = request(films(count), ItemOrder::Shuffle { seed }, count * 5);
        let entries = plan_in_windows(&Sequence, &request, step * HOUR_MS).unwrap();
        let ids: Vec<i64> = entries.iter().map(|entry| entry.item.unwrap().0).collect();
        let pool = usize::try_from(count).unwrap();
        for pass in ids.chunks(pool) {
            prop_assert_eq!(pass.iter().collect::<BTreeSet<_>>().len(), pass.len());
        }
        assert_apart(&ids, pool);
    }

    #[test]
    fn any_state_is_survived(text in "\\PC{0,40}", number in any::<i64>(), pass in any::<u64>(), flip in any::<bool>()) {
        let place = |mode: &str| serde_json::json!({
            "mode": mode, "seed": 7, "pass": pass, "halves": [[pass, flip], [number.unsigned_abs(), !flip], [0, flip]], "last": number.to_string(),
            "drawn": pass, "name": text, "title": text, "id": number.to_string(), "waiting": ["1", "1", number.to_string()],
        });
        let states = [place("shuffle"), place("ordered"), place("random"), serde_json::json!(text)];
        for state in states.map(|cursor| serde_json::json!({ "version": STATE_VERSION, "cursor": cursor })) {
            plan(&PlanRequest { state: Some(state.clone()), ..by_name(films(3), 5) });
            plan(&PlanRequest { state: Some(state), ..shuffled(films(3), 5) });
        }
    }
}
