//! What an order promises to a scheduler.

use std::collections::{BTreeSet, HashMap};

use exstreamtv_model::MediaKind;
use proptest::prelude::*;

use super::*;

const MODES: [OrderMode; 3] = [OrderMode::Ordered, OrderMode::Shuffle, OrderMode::Random];

fn item(id: i64) -> PoolItem {
    PoolItem {
        id: MediaId(id),
        duration_ms: 60_000,
        kind: MediaKind::Movie,
        title: format!("Film {id}"),
        show: None,
        season: None,
        episode: None,
        position: None,
        chapters_ms: Vec::new(),
    }
}

fn pool(count: i64) -> Vec<PoolItem> {
    (1..=count).map(item).collect()
}

fn ids<'i>(items: impl IntoIterator<Item = &'i PoolItem>) -> Vec<i64> {
    items.into_iter().map(|item| item.id.0).collect()
}

fn take(order: &mut Order<'_>, count: usize) -> Vec<i64> {
    (0..count).map(|_| order.next().unwrap().id.0).collect()
}

/// Writes a cursor down and reads it again, as the host does.
fn stored(order: &Order<'_>) -> Cursor {
    let text = serde_json::to_string(&order.cursor().unwrap()).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn looking_ahead_moves_nothing() {
    let pool = pool(7);
    for mode in MODES {
        let mut order = Order::new(&pool, mode, 3, None);
        let shown = ids(order.peek(20));
        assert_eq!(ids(order.peek(20)), shown);
        assert_eq!(order.cursor(), None);
        assert_eq!(take(&mut order, 20), shown);
    }
}

#[test]
fn after_the_highest_comes_the_lowest() {
    let pool = pool(5);
    let mut order = Order::new(&pool, OrderMode::Ordered, 0, None);
    assert_eq!(take(&mut order, 7), [1, 2, 3, 4, 5, 1, 2]);
}

#[test]
fn what_was_passed_over_is_still_owed() {
    let pool = pool(6);
    let mut order = Order::new(&pool, OrderMode::Ordered, 0, None);
    assert_eq!(order.take(2).unwrap().id.0, 3);
    assert_eq!(ids(order.peek(4)), [1, 2, 4, 5]);
    assert_eq!(order.take(1).unwrap().id.0, 2);
    let mut resumed = Order::new(&pool, OrderMode::Ordered, 0, Some(&stored(&order)));
    assert_eq!(take(&mut resumed, 5), [1, 4, 5, 6, 1]);
}

#[test]
fn an_ordered_sequence_goes_on_behind_what_was_on() {
    let pool = pool(6);
    let mut order = Order::new(&pool, OrderMode::Ordered, 0, None);
    assert!(order.aired(MediaId(4)));
    assert_eq!(ids(order.peek(3)), [5, 6, 1]);
    assert!(!order.aired(MediaId(77)));
    assert_eq!(ids(order.peek(3)), [5, 6, 1]);
}

#[test]
fn an_item_that_was_on_is_out_of_its_pass_of_a_shuffle() {
    let pool = pool(200);
    for ahead in [0, 5, 150] {
        let mut order = Order::new(&pool, OrderMode::Shuffle, 9, None);
        let planned = ids(order.peek(200));
        assert!(order.aired(MediaId(planned[ahead])));
        let left = take(&mut order, 20);
        assert!(!left.contains(&planned[ahead]));
        // Near ones are taken out of turn, behind a far one the shuffle goes on.
        let next = if ahead < MAX_WAITING { planned[usize::from(ahead == 0)] } else { planned[ahead + 1] };
        assert_eq!(left[0], next);
    }
}

#[test]
fn what_was_on_is_not_drawn_next() {
    let pool = pool(3);
    for id in 1..=3 {
        for seed in 0..20 {
            let mut order = Order::new(&pool, OrderMode::Random, seed, None);
            assert!(order.aired(MediaId(id)));
            assert_ne!(order.next().unwrap().id.0, id);
        }
    }
}

#[test]
fn weights_are_what_the_draw_goes_by() {
    let pool = pool(4);
    let weight = |item: &PoolItem| [0, 1, 2, 3][usize::try_from(item.id.0 - 1).unwrap()];
    let mut order = Order::weighted(&pool, OrderMode::Random, 1, None, weight);
    let drawn = take(&mut order, 6_000);
    let count = |id| drawn.iter().filter(|drawn| **drawn == id).count();
    assert_eq!(count(1), 0);
    // Without repeats, an item of weight w of 6 is on in proportion to w * (6 - w): 5, 8, 9 of 22.
    for (id, share) in [(2, 5), (3, 8), (4, 9)] {
        let expected = 6_000 * share / 22;
        assert!(count(id).abs_diff(expected) < 200, "item {id}: {} of {expected}", count(id));
    }
    let mut alone = Order::weighted(&pool, OrderMode::Random, 1, None, |item| u32::from(item.id.0 == 2));
    assert_eq!(take(&mut alone, 3), [2, 2, 2]);
    let mut weightless = Order::weighted(&pool, OrderMode::Random, 1, None, |_| 0);
    assert_eq!(take(&mut weightless, 100).into_iter().collect::<BTreeSet<_>>().len(), 4);
}

#[test]
fn an_empty_pool_shows_nothing_and_keeps_the_place() {
    let pool = pool(5);
    for mode in MODES {
        let mut order = Order::new(&pool, mode, 1, None);
        take(&mut order, 3);
        let cursor = stored(&order);
        let rest = take(&mut order, 4);
        let mut empty = Order::new(&[], mode, 1, Some(&cursor));
        assert_eq!((empty.next(), empty.peek(9).len(), empty.aired(MediaId(1))), (None, 0, false));
        let mut back = Order::new(&pool, mode, 1, empty.cursor().as_ref());
        assert_eq!(take(&mut back, 4), rest);
    }
}

#[test]
fn a_cursor_of_another_mode_or_seed_counts_as_none() {
    let pool = pool(9);
    for mode in MODES {
        let mut order = Order::new(&pool, mode, 1, None);
        let start = ids(order.peek(9));
        take(&mut order, 4);
        let cursor = stored(&order);
        for other in MODES {
            assert_eq!(cursor.fits(other, 1), other == mode);
        }
        assert_eq!(cursor.fits(mode, 2), mode == OrderMode::Ordered);
        let other = MODES.into_iter().find(|other| *other != mode).unwrap();
        let mut foreign = Order::new(&pool, other, 1, None);
        take(&mut foreign, 2);
        let mut fresh = Order::new(&pool, mode, 1, Some(&stored(&foreign)));
        assert_eq!(ids(fresh.peek(9)), start);
    }
}

#[test]
fn a_cursor_is_small_however_large_the_pool() {
    let far = i64::MAX - 10_000;
    let long =
        "A series whose name is longer than most names that people give to series, and then some more ".repeat(4);
    let pool: Vec<_> = (far..far + 10_000).map(|id| PoolItem { show: Some(long.clone()), ..item(id) }).collect();
    for mode in MODES {
        let mut order = Order::new(&pool, mode, u64::MAX, None);
        take(&mut order, 12_000);
        for _ in 0..100 {
            order.take(7);
        }
        let bytes = serde_json::to_string(&stored(&order)).unwrap().len();
        assert!(bytes <= 1_200, "{mode:?}: {bytes} bytes");
    }
}

#[test]
fn numbers_in_names_sort_as_numbers() {
    let names = ["", " a", "2", "02", "10", "Part 1", "part 02 x", "part 2 y", "part 10", "part ii", "parts", "Ä"];
    let mut pool: Vec<_> = (0_i64..).zip(names).map(|(id, name)| PoolItem { title: name.into(), ..item(id) }).collect();
    pool.reverse();
    let mut order = Order::new(&pool, OrderMode::Ordered, 0, None);
    let sorted: Vec<_> = order.peek(names.len()).iter().map(|item| item.title.clone()).collect();
    assert_eq!(sorted, names);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn an_order_that_is_stored_and_taken_up_again_goes_on_as_if_it_were_not(
        count in 1_i64..30, seed in any::<u64>(), taken in prop::collection::vec(0_usize..4, 1..60), mode in 0_usize..3,
    ) {
        let pool = pool(count);
        let mode = MODES[mode];
        let mut whole = Order::new(&pool, mode, seed, None);
        let mut cursor = None;
        for ahead in taken {
            let mut order = Order::new(&pool, mode, seed, cursor.as_ref());
            let (a, b) = (whole.take(ahead).unwrap(), order.take(ahead).unwrap());
            prop_assert_eq!((a.id, whole.why()), (b.id, order.why()));
            cursor = Some(stored(&order));
            prop_assert_eq!(&cursor, &whole.cursor());
        }
    }

    #[test]
    fn folding_what_was_on_equals_having_laid_it(count in 1_i64..30, seed in any::<u64>(), laid in 1_usize..40, mode in 0_usize..3) {
        let pool = pool(count);
        let mut order = Order::new(&pool, MODES[mode], seed, None);
        let mut folded = Order::new(&pool, MODES[mode], seed, None);
        for _ in 0..laid {
            prop_assert!(folded.aired(order.next().unwrap().id));
        }
        prop_assert_eq!(folded.cursor(), order.cursor());
    }

    #[test]
    fn at_random_nothing_is_on_twice_in_a_row(count in 2_i64..10, seed in any::<u64>()) {
        let pool = pool(count);
        let drawn = take(&mut Order::new(&pool, OrderMode::Random, seed, None), 200);
        prop_assert!(drawn.windows(2).all(|pair| pair[0] != pair[1]));
        if count < 6 {
            prop_assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), pool.len());
        }
    }

    #[test]
    fn an_edit_of_the_pool_moves_no_other_item_of_a_pass(count in 2_i64..60, seed in any::<u64>(), at in 0_usize..100, gone in 1_i64..60) {
        let before = pool(count);
        let mut order = Order::new(&before, OrderMode::Shuffle, seed, None);
        let at = at % before.len() + 1;
        take(&mut order, at);
        let cursor = stored(&order);
        let rest = take(&mut order, before.len() - at);
        let after: Vec<_> = pool(count + 5).into_iter().filter(|item| item.id.0 != gone).collect();
        let mut edited = Order::new(&after, OrderMode::Shuffle, seed, Some(&cursor));
        let edited: Vec<_> = take(&mut edited, rest.len()).into_iter().filter(|id| *id <= count).collect();
        let rest: Vec<_> = rest.into_iter().filter(|id| *id != gone).collect();
        let common = rest.len().min(edited.len());
        prop_assert_eq!(&rest[..common], &edited[..common]);
    }

    #[test]
    fn shuffles_use_the_whole_pool_evenly(count in 2_i64..40, seed in any::<u64>()) {
        let pool = pool(count);
        let aired = take(&mut Order::new(&pool, OrderMode::Shuffle, seed, None), pool.len() * 6);
        let mut last = HashMap::new();
        for (at, id) in aired.iter().enumerate() {
            if let Some(before) = last.insert(id, at) {
                prop_assert!(at - before > pool.len() / 2, "item {} at {} and {}", id, before, at);
            }
        }
        for pass in aired.chunks(pool.len()) {
            prop_assert_eq!(pass.iter().collect::<BTreeSet<_>>().len(), pool.len());
        }
    }
}
