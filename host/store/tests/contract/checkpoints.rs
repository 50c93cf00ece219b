//! What schedulers remembered at the end of each window.

use exstreamtv_store::{Checkpoint, StoreError};
use serde_json::json;

use crate::fixture::{House, at, checkpoint, entry};

#[tokio::test]
async fn the_newest_checkpoint_at_or_before_a_moment_is_found() {
    let house = House::open().await;
    let (channel, other) = (house.channel("1").await.id, house.channel("2").await.id);
    let playout = house.store.playout();
    playout.append(channel, &[entry(0, 10, None)], &checkpoint(10)).await.unwrap();
    playout.append(channel, &[entry(10, 30, None)], &checkpoint(30)).await.unwrap();
    playout.append(other, &[entry(0, 15, None)], &checkpoint(15)).await.unwrap();
    for (moment, found) in [(9, None), (10, Some(10)), (29, Some(10)), (30, Some(30)), (999, Some(30))] {
        assert_eq!(playout.checkpoint(channel, at(moment)).await.unwrap(), found.map(checkpoint), "{moment}");
    }
}

#[tokio::test]
async fn an_edit_forgets_what_was_remembered_after_it_and_nothing_else() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    let playout = house.store.playout();
    for (from, to) in [(0, 10), (10, 20), (20, 30)] {
        playout.append(channel, &[entry(from, to, None)], &checkpoint(to)).await.unwrap();
    }
    let edited = Checkpoint { state: json!("edited"), ..checkpoint(25) };
    playout.replace_from(channel, at(20), &[entry(20, 25, None)], &edited).await.unwrap();
    assert_eq!(playout.checkpoint(channel, at(24)).await.unwrap(), Some(checkpoint(20)));
    assert_eq!(playout.checkpoint(channel, at(99)).await.unwrap(), Some(edited));
    playout.remove_from(channel, at(10)).await.unwrap();
    assert_eq!(playout.checkpoint(channel, at(99)).await.unwrap(), Some(checkpoint(10)));
    assert_eq!(playout.end(channel).await.unwrap(), Some(at(10)));
}

#[tokio::test]
async fn a_refused_edit_leaves_rows_and_checkpoints_alone() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    let playout = house.store.playout();
    playout.append(channel, &[entry(0, 10, None), entry(10, 20, None)], &checkpoint(20)).await.unwrap();
    let hole = playout.switch_at(channel, at(5), &[entry(6, 20, None)], &checkpoint(20)).await;
    assert!(matches!(hole, Err(StoreError::Gap { .. })), "{hole:?}");
    let hole = playout.replace_from(channel, at(10), &[entry(11, 20, None)], &checkpoint(99)).await;
    assert!(matches!(hole, Err(StoreError::Gap { .. })), "{hole:?}");
    let rows = playout.window(channel, at(0), at(99)).await.unwrap();
    assert_eq!(rows.iter().map(|row| (row.start, row.stop)).collect::<Vec<_>>(), [(at(0), at(10)), (at(10), at(20))]);
    assert_eq!(playout.checkpoint(channel, at(99)).await.unwrap(), Some(checkpoint(20)));
}

#[tokio::test]
async fn a_switch_ends_the_row_on_air_at_its_time_and_keeps_everything_before() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    let playout = house.store.playout();
    let rows = [entry(0, 10, None), entry(10, 20, None), entry(20, 30, None)];
    playout.append(channel, &rows, &checkpoint(30)).await.unwrap();
    let before = playout.window(channel, at(0), at(20)).await.unwrap();
    playout.switch_at(channel, at(17), &[entry(17, 40, None)], &checkpoint(40)).await.unwrap();
    let after = playout.window(channel, at(0), at(99)).await.unwrap();
    assert_eq!(after[0], before[0]);
    assert_eq!((after[1].id, after[1].start, after[1].stop), (before[1].id, at(10), at(17)));
    assert_eq!((after[2].start, after[2].stop, after.len()), (at(17), at(40), 3));
    // At a boundary there is nothing to shorten.
    playout.switch_at(channel, at(17), &[entry(17, 50, None)], &checkpoint(50)).await.unwrap();
    assert_eq!(playout.window(channel, at(0), at(17)).await.unwrap(), after[..2]);
    playout.stop_at(channel, at(12)).await.unwrap();
    assert_eq!(playout.end(channel).await.unwrap(), Some(at(12)));
}

#[tokio::test]
async fn windows_of_the_fallback_are_known_until_a_strategy_replaces_them() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    let playout = house.store.playout();
    playout.append(channel, &[entry(0, 10, None)], &checkpoint(10)).await.unwrap();
    let stood_in = |upto| Checkpoint { since: at(10), fallback: Some(json!({"at": upto})), ..checkpoint(upto) };
    for (from, to) in [(10, 20), (20, 30)] {
        playout.append(channel, &[entry(from, to, None)], &stood_in(to)).await.unwrap();
    }
    assert_eq!(playout.first_fallback(channel, at(0)).await.unwrap(), Some(stood_in(20)));
    assert_eq!(playout.first_fallback(channel, at(20)).await.unwrap(), Some(stood_in(30)));
    playout.replace_from(channel, at(10), &[entry(10, 30, None)], &checkpoint(30)).await.unwrap();
    assert_eq!(playout.first_fallback(channel, at(0)).await.unwrap(), None);
}

#[tokio::test]
async fn checkpoints_go_with_their_rows_but_the_newest_one_stays() {
    let house = House::open().await;
    let (channel, other) = (house.channel("1").await.id, house.channel("2").await.id);
    let playout = house.store.playout();
    for (from, to) in [(0, 10), (10, 20), (20, 30)] {
        playout.append(channel, &[entry(from, to, None)], &checkpoint(to)).await.unwrap();
    }
    playout.append(other, &[entry(0, 10, None)], &checkpoint(10)).await.unwrap();
    playout.prune(at(20)).await.unwrap();
    assert_eq!(playout.checkpoint(channel, at(29)).await.unwrap(), None);
    playout.prune(at(99)).await.unwrap();
    assert_eq!(playout.checkpoint(channel, at(99)).await.unwrap(), Some(checkpoint(30)));
    assert_eq!(playout.checkpoint(other, at(99)).await.unwrap(), Some(checkpoint(10)));
}

#[tokio::test]
async fn old_rows_of_one_channel_are_forgotten_without_its_place() {
    let house = House::open().await;
    let (channel, other) = (house.channel("1").await.id, house.channel("2").await.id);
    let playout = house.store.playout();
    for id in [channel, other] {
        playout.append(id, &[entry(0, 10, None)], &checkpoint(10)).await.unwrap();
    }
    playout.forget(channel, at(10)).await.unwrap();
    assert_eq!(playout.end(channel).await.unwrap(), None);
    assert_eq!(playout.checkpoint(channel, at(10)).await.unwrap(), Some(checkpoint(10)));
    assert_eq!(playout.end(other).await.unwrap(), Some(at(10)));
    playout.append(channel, &[entry(500, 510, None)], &checkpoint(510)).await.unwrap();
}

#[tokio::test]
async fn a_strategy_remembers_until_another_one_has_been_on() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    let playout = house.store.playout();
    let by = |strategy: &str, upto| Checkpoint { strategy: strategy.into(), ..checkpoint(upto) };
    let takes_over = |strategy: &str, start, upto| Checkpoint {
        upto: at(start),
        since: at(start),
        state: serde_json::Value::Null,
        ..by(strategy, upto)
    };
    for (strategy, from, to) in [("a", 0, 10), ("a", 10, 20), ("b", 20, 30)] {
        playout.append(channel, &[entry(from, to, None)], &by(strategy, to)).await.unwrap();
    }
    for (strategy, moment, remembered) in [
        ("a", 0, Some(takes_over("a", 0, 10))),
        ("a", 9, Some(takes_over("a", 0, 10))),
        ("a", 15, Some(by("a", 10))),
        ("a", 20, Some(by("a", 20))),
        ("a", 21, None),
        ("b", 19, None),
        ("b", 20, Some(takes_over("b", 20, 30))),
        ("b", 29, Some(takes_over("b", 20, 30))),
        ("b", 31, Some(by("b", 30))),
        ("a", 31, None),
    ] {
        assert_eq!(playout.memory(channel, at(moment), strategy).await.unwrap(), remembered, "{strategy} at {moment}");
    }
    // "b" never was on: what takes over at 20 is another one, and "a" has its place.
    playout.replace_from(channel, at(20), &[entry(20, 30, None)], &by("a", 30)).await.unwrap();
    assert_eq!(playout.memory(channel, at(25), "a").await.unwrap(), Some(by("a", 20)));
    assert_eq!(playout.memory(channel, at(25), "b").await.unwrap(), None);
}
