//! The author, at given times.

use std::{sync::atomic::Ordering, time::Duration};

use exstreamtv_model::Channel;

use super::*;
use crate::{
    lifecycle::Lifecycle,
    playout::{
        Playouts,
        house::{House, MINUTE_MS, NOON_MS, minute, named},
    },
};

#[tokio::test]
async fn a_timeline_is_laid_window_by_window_as_if_at_once() {
    let house = House::with(Some("test.count")).await;
    house.extend().await;
    let rows = house.rows().await;
    assert_eq!(minute(&rows[0]), -1);
    assert!(rows.last().unwrap().stop >= house.wall.now() + house.author.horizon);
    for (place, row) in rows.iter().enumerate() {
        assert_eq!((row.why.as_str(), row.rule.as_str()), (format!("number {place}").as_str(), "count"));
    }
    let windows = house.strategies.requests.lock().unwrap().len();
    assert!(windows >= 4, "{windows} windows for a day");
    assert!(house.strategies.requests.lock().unwrap().iter().all(|(_, request)| request.aired.is_empty()));
}

#[tokio::test]
async fn an_edit_takes_effect_behind_what_is_on_air_and_no_series_loses_its_place() {
    for schedule in [None, Some("test.count")] {
        let mut house = House::with(schedule).await;
        house.extend().await;
        let before = house.rows().await;
        house.pass(25);
        house.work(Job::Rebuild(house.channel.id, None)).await;
        assert_eq!(
            house.rows().await.iter().map(|row| &row.title).collect::<Vec<_>>()[..100],
            before.iter().map(|row| &row.title).collect::<Vec<_>>()[..100]
        );
        house.add("f").await;
        house.work(Job::Compare(house.channel.id)).await;
        assert_eq!(house.rows().await[..3], before[..3], "past and on-air rows are the same rows");
        assert_eq!(house.titles(-1..79).await, "abcdefab", "{schedule:?}");
    }
}

#[tokio::test]
async fn when_the_clock_is_set_back_before_the_first_row_the_timeline_begins_again() {
    for schedule in [None, Some("test.count")] {
        let house = House::with(schedule).await;
        house.extend().await;
        house.pass(-60);
        house.extend().await;
        assert_eq!(minute(&house.rows().await[0]), -61, "{schedule:?}");
        assert_eq!(house.titles(-61..-11).await, "abcde", "{schedule:?}");
        let before = house.rows().await;
        house.pass(20);
        house.extend().await;
        assert_eq!(house.rows().await[..before.len()], before, "a clock that goes on changes no row");
    }
}

#[tokio::test]
async fn a_library_that_is_as_it_was_changes_no_row() {
    let house = House::with(Some("test.count")).await;
    house.extend().await;
    let before = house.rows().await;
    house.pass(25);
    house.work(Job::Compare(house.channel.id)).await;
    assert_eq!(house.rows().await[..before.len()], before);
}

#[tokio::test]
async fn a_switch_changes_nothing_before_its_time_and_ends_the_row_on_air_there() {
    let house = House::with(None).await;
    house.extend().await;
    let before = house.rows().await;
    let from = instant(NOON_MS + 23 * MINUTE_MS);
    house.set(Some("test.count"), Some(from)).await;
    house.work(Job::Rebuild(house.channel.id, Some(from))).await;
    let after = house.rows().await;
    assert_eq!(after[..2], before[..2]);
    assert_eq!((after[2].id, after[2].start, after[2].stop), (before[2].id, before[2].start, from));
    assert_eq!((after[3].start, after[3].why.as_str()), (from, "number 0"));
    assert!(after[3..].iter().all(|row| row.rule == "count"));

    // A change of mind: the old schedule goes on where it was cut.
    house.set(None, None).await;
    house.work(Job::Rebuild(house.channel.id, Some(from))).await;
    let again = house.rows().await;
    assert!(again.iter().all(|row| row.rule.is_empty()), "{:#?}", &again[..6]);
    assert_eq!(again[3].title, "d");
}

#[tokio::test]
async fn two_schedules_in_one_window_meet_at_the_border() {
    let house = House::with(None).await;
    let border = instant(NOON_MS + 45 * MINUTE_MS);
    house.set(Some("test.count"), Some(border)).await;
    house.extend().await;
    let rows = house.rows().await;
    let (before, after): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.start < border);
    assert!(before.iter().all(|row| row.rule.is_empty()) && after.iter().all(|row| row.rule == "count"));
    assert_eq!((before.last().unwrap().stop, after[0].start, after[0].why.as_str()), (border, border, "number 0"));

    house.pass(50);
    let count = rows.len();
    house.author.store.schedules().settle(house.wall.now()).await.unwrap();
    house.extend().await;
    assert_eq!(house.rows().await[..count], rows, "coming into force changes no row");
    let channel = house.author.store.channels().find(house.channel.id).await.unwrap().unwrap();
    assert_eq!(channel.schedule, Some(named("test.count")));
}

#[tokio::test]
async fn the_sequence_stands_in_for_a_strategy_that_fails_and_gives_way_when_it_answers_again() {
    let house = House::with(Some("test.count")).await;
    house.break_strategy(true);
    house.extend().await;
    let stood_in = house.rows().await;
    assert!(stood_in.last().unwrap().stop >= house.wall.now() + house.author.horizon, "the channel has its rows");
    assert!(stood_in.iter().all(|row| row.why.contains("test.count did not answer: it fell asleep")));
    let titles: String = stood_in.iter().map(|row| row.title.as_str()).collect();
    assert_eq!(titles, "abcde".repeat(stood_in.len())[..titles.len()], "it goes on from window to window");

    house.pass(15);
    house.work(Job::Retry(house.channel.id)).await;
    assert_eq!(house.rows().await[..stood_in.len()], stood_in, "as long as it fails, nothing is torn up");

    house.break_strategy(false);
    house.work(Job::Retry(house.channel.id)).await;
    let rows = house.rows().await;
    assert_eq!(rows[..2], stood_in[..2], "what was and is on air stays");
    assert!(rows[2..].iter().all(|row| row.rule == "count"));
    assert_eq!(rows[2].why, "number 2", "it was told of what had been laid meanwhile");
    let playout = house.author.store.playout();
    assert_eq!(playout.first_fallback(house.channel.id, house.wall.now()).await.unwrap(), None);
}

#[tokio::test]
async fn a_strategy_that_failed_for_a_while_goes_on_from_its_state() {
    let house = House::with(Some("test.count")).await;
    house.extend().await;
    let laid = house.rows().await.len();
    house.break_strategy(true);
    house.pass(120);
    house.extend().await;
    let stood_in = house.rows().await.len() - laid;
    assert!(stood_in > 0);
    house.break_strategy(false);
    house.work(Job::Retry(house.channel.id)).await;
    let rows = house.rows().await;
    let numbers: Vec<_> = rows.iter().map(|row| row.why.clone()).collect();
    assert_eq!(numbers, (0..rows.len()).map(|number| format!("number {number}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_strategy_that_is_gone_leaves_its_pools_to_the_sequence() {
    let house = House::with(Some("test.count")).await;
    house.extend().await;
    let nothing = Channel { collection: None, ..house.author.store.channels().list().await.unwrap().remove(0) };
    house.author.store.channels().update(&nothing).await.unwrap();
    house.strategies.gone.store(true, Ordering::Relaxed);
    house.pass(25);
    house.work(Job::Rebuild(house.channel.id, None)).await;
    let rows = house.rows().await;
    assert!(rows.len() > 100 && rows.iter().all(|row| row.media.is_some()));
}

#[tokio::test]
async fn an_empty_library_has_no_rows_and_what_comes_is_on_air_at_once() {
    let mut house = House::with(Some("test.count")).await;
    let media = house.author.store.media();
    media.mark_missing(&house.media).await.unwrap();
    house.extend().await;
    assert!(house.rows().await.is_empty());
    house.pass(60);
    house.add("a").await;
    house.work(Job::Compare(house.channel.id)).await;
    assert_eq!(minute(&house.rows().await[0]), 59);
    media.mark_missing(&house.media).await.unwrap();
    house.work(Job::Compare(house.channel.id)).await;
    assert_eq!(house.rows().await.len(), 1, "what is on air stays, and nothing follows");
}

#[tokio::test]
async fn after_a_long_sleep_the_timeline_begins_anew_at_the_next_item() {
    let house = House::with(Some("test.count")).await;
    house.extend().await;
    let laid = house.rows().await.len();
    house.pass(60 * 24 * 30);
    house.extend().await;
    let rows = house.rows().await;
    assert_eq!((minute(&rows[0]), rows[0].why.as_str()), (60 * 24 * 30 - 1, format!("number {laid}").as_str()));
}

#[tokio::test]
async fn a_preview_is_what_the_timeline_would_be_and_stores_nothing() {
    let house = House::with(None).await;
    house.extend().await;
    house.pass(25);
    let (store, id) = (house.author.store.clone(), house.channel.id);
    let before = (house.rows().await, store.playout().checkpoint(id, instant(NOON_MS * 2)).await.unwrap());
    let life = Lifecycle::default();
    let playouts = Playouts {
        ask: house.strategies.clone(),
        ..Playouts::start(store.clone(), house.wall.clone(), house.strategies.clone(), TimeDelta::hours(1), &life)
    };
    let span = TimeDelta::hours(20);
    let tried = playouts.preview(id, Some(named("test.count")), span).await.unwrap().unwrap();
    let own = playouts.preview(id, None, span).await.unwrap().unwrap();
    let after = (house.rows().await, store.playout().checkpoint(id, instant(NOON_MS * 2)).await.unwrap());
    assert_eq!(after, before);

    assert_eq!((tried.from, tried.entries[0].start), (before.0[2].stop, before.0[2].stop));
    assert!(tried.entries.iter().enumerate().all(|(place, row)| row.why == format!("number {place}")));
    assert_eq!((tried.by.as_str(), tried.fallback), ("test.count", None));
    assert_eq!(tried.distribution.len(), 1);
    assert_eq!(tried.distribution[0].count, tried.entries.len() as u64);
    let coming: Vec<_> = before.0[3..].iter().map(|row| row.title.clone()).collect();
    let shown: Vec<_> = own.entries.iter().map(|row| row.title.clone()).collect();
    assert_eq!(shown[..100], coming[..100]);

    let faults = playouts.check(&house.channel, &named("test.lost")).await.unwrap();
    assert!(faults[0].message.contains("no collection with the id or the name \"nowhere\""), "{faults:?}");
    house.strategies.gone.store(true, Ordering::Relaxed);
    let faults = playouts.check(&house.channel, &named("test.count")).await.unwrap();
    assert_eq!(faults[0].path, "strategy");
    life.stop(Duration::from_secs(1)).await;
}
