//! Timelines.

use chrono::{DateTime, Utc};
use exstreamtv_model::{ChannelId, MediaId, PlayoutEntry};
use exstreamtv_store::{NewEntry, StoreError, StoreErrorKind};
use proptest::prelude::*;

use crate::fixture::{House, NOBODY, at, checkpoint, entry};

async fn starts(house: &House, channel: ChannelId, from: i64, to: i64) -> Vec<DateTime<Utc>> {
    let rows = house.store.playout().window(channel, at(from), at(to)).await.unwrap();
    rows.iter().map(|row| row.start).collect()
}

#[tokio::test]
async fn a_row_reads_back_as_it_was_written_over_a_restart() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    let media = house.media("/1").await;
    let written = NewEntry { in_point_ms: 42, ..entry(0, 1_000, Some(media)) };
    house.store.playout().append(channel, std::slice::from_ref(&written), &checkpoint(1_000)).await.unwrap();
    let house = house.reopen().await;
    let row = house.store.playout().on_air(channel, at(0)).await.unwrap().unwrap();
    assert_eq!((row.channel, row.start, row.stop), (channel, written.start, written.stop));
    assert_eq!((row.media, row.in_point_ms, row.kind), (Some(media), 42, written.kind));
    assert_eq!((row.title, row.rule, row.why), (written.title, written.rule, written.why));
    assert_eq!(house.store.playout().checkpoint(channel, at(1_000)).await.unwrap(), Some(checkpoint(1_000)));
    assert_eq!(house.store.playout().end(channel).await.unwrap(), Some(at(1_000)));
}

#[tokio::test]
async fn a_window_holds_every_row_that_overlaps_it() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    let rows = [entry(0, 10, None), entry(10, 20, None), entry(20, 30, None)];
    house.store.playout().append(channel, &rows, &checkpoint(30)).await.unwrap();
    for (from, to, expected) in [
        (-5, 0, vec![]),
        (-5, 1, vec![0]),
        (0, 10, vec![0]),
        (9, 11, vec![0, 10]),
        (10, 11, vec![10]),
        (12, 13, vec![10]),
        (29, 99, vec![20]),
        (30, 99, vec![]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(at).collect();
        assert_eq!(starts(&house, channel, from, to).await, expected, "{from}..{to}");
    }
}

#[tokio::test]
async fn what_is_on_air_depends_on_the_moment_alone() {
    let house = House::open().await;
    let (one, two) = (house.channel("1").await.id, house.channel("2").await.id);
    house.channel("3").await;
    let playout = house.store.playout();
    playout.append(one, &[entry(0, 10, None), entry(10, 20, None)], &checkpoint(20)).await.unwrap();
    playout.append(two, &[entry(5, 15, None)], &checkpoint(15)).await.unwrap();
    for (moment, on_one, on_two) in
        [(-1, None, None), (0, Some(0), None), (9, Some(0), Some(5)), (15, Some(10), None), (20, None, None)]
    {
        for _ in 0..2 {
            let start = |row: Option<PlayoutEntry>| row.map(|row| row.start);
            assert_eq!(start(playout.on_air(one, at(moment)).await.unwrap()), on_one.map(at), "{moment}");
            assert_eq!(start(playout.on_air(two, at(moment)).await.unwrap()), on_two.map(at), "{moment}");
            let everywhere = playout.on_air_everywhere(at(moment)).await.unwrap();
            let expected: Vec<_> = [on_one, on_two].into_iter().flatten().map(at).collect();
            assert_eq!(everywhere.iter().map(|row| row.start).collect::<Vec<_>>(), expected, "{moment}");
        }
    }
}

#[tokio::test]
async fn questions_change_nothing() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    let playout = house.store.playout();
    playout.append(channel, &[entry(0, 10, None)], &checkpoint(10)).await.unwrap();
    house.store.close().await;
    let before = std::fs::read(house.database()).unwrap();
    let house = house.reopen().await;
    let playout = house.store.playout();
    for moment in [-1, 0, 5, 10] {
        playout.on_air(channel, at(moment)).await.unwrap();
        playout.window(channel, at(moment), at(moment + 7)).await.unwrap();
        assert_eq!(playout.checkpoint(channel, at(10)).await.unwrap(), Some(checkpoint(10)));
        assert_eq!(playout.end(channel).await.unwrap(), Some(at(10)));
    }
    assert_eq!(starts(&house, channel, 0, 10).await, [at(0)]);
    house.store.close().await;
    let after = std::fs::read(house.database()).unwrap();
    // Opening signs the file with its time, which is the only change.
    let changed_pages = before.chunks(4_096).zip(after.chunks(4_096)).filter(|(a, b)| a != b).count();
    assert!(changed_pages <= 2 && before.len() == after.len(), "{changed_pages} pages changed");
}

#[tokio::test]
async fn rows_that_do_not_continue_the_timeline_are_refused_and_nothing_changes() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    let playout = house.store.playout();
    playout.append(channel, &[entry(0, 10, None)], &checkpoint(10)).await.unwrap();
    let refused = async |rows: &[NewEntry]| playout.append(channel, rows, &checkpoint(99)).await.unwrap_err();
    let early = refused(&[entry(9, 20, None)]).await;
    assert!(matches!(early, StoreError::Overlap { .. }), "{early:?}");
    let late = refused(&[entry(11, 20, None)]).await;
    assert!(matches!(late, StoreError::Gap { .. }), "{late:?}");
    let hole = refused(&[entry(10, 20, None), entry(21, 30, None)]).await;
    assert!(matches!(hole, StoreError::Gap { .. }), "{hole:?}");
    let empty = refused(&[entry(10, 20, None), entry(20, 20, None)]).await;
    assert!(matches!(empty, StoreError::EmptyEntry { .. }), "{empty:?}");
    assert_eq!(empty.kind(), StoreErrorKind::Conflict);
    let ghost = refused(&[entry(10, 20, None), entry(20, 30, Some(MediaId(7)))]).await;
    assert!(matches!(ghost, StoreError::NoSuch { what: "media", id: 7 }), "{ghost:?}");
    assert_eq!(playout.end(channel).await.unwrap(), Some(at(10)));
    assert_eq!(playout.checkpoint(channel, at(10)).await.unwrap(), Some(checkpoint(10)));
    let nobody = playout.append(NOBODY, &[entry(0, 10, None)], &checkpoint(10)).await;
    assert!(matches!(nobody, Err(StoreError::NoSuch { what: "channel", .. })), "{nobody:?}");
}

#[tokio::test]
async fn a_change_of_schedule_never_touches_what_has_begun() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    let playout = house.store.playout();
    let rows = [entry(0, 10, None), entry(10, 20, None), entry(20, 30, None)];
    playout.append(channel, &rows, &checkpoint(30)).await.unwrap();
    let began = playout.window(channel, at(0), at(20)).await.unwrap();
    // At 15 the row 10..20 is on air; it stays, and what follows starts where it stops.
    let cut = playout.replace_from(channel, at(15), &[entry(15, 40, None)], &checkpoint(40)).await;
    assert!(matches!(cut, Err(StoreError::Overlap { .. })), "{cut:?}");
    assert_eq!(starts(&house, channel, 0, 99).await, [at(0), at(10), at(20)]);
    playout.replace_from(channel, at(15), &[entry(20, 25, None), entry(25, 50, None)], &checkpoint(50)).await.unwrap();
    assert_eq!(starts(&house, channel, 0, 99).await, [0, 10, 20, 25].map(at));
    assert_eq!(playout.window(channel, at(0), at(20)).await.unwrap(), began);
    // From a boundary on, the row that starts there is replaced.
    playout.replace_from(channel, at(20), &[entry(20, 60, None)], &checkpoint(60)).await.unwrap();
    assert_eq!(starts(&house, channel, 0, 99).await, [0, 10, 20].map(at));
    let hole = playout.replace_from(channel, at(20), &[entry(21, 60, None)], &checkpoint(60)).await;
    assert!(matches!(hole, Err(StoreError::Gap { .. })), "{hole:?}");
    assert_eq!(playout.end(channel).await.unwrap(), Some(at(60)));
}

#[tokio::test]
async fn old_rows_are_pruned_but_never_one_that_is_still_on() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    let playout = house.store.playout();
    let rows = [entry(0, 10, None), entry(10, 20, None), entry(20, 30, None)];
    playout.append(channel, &rows, &checkpoint(30)).await.unwrap();
    assert_eq!(playout.prune(at(19)).await.unwrap(), 1);
    assert_eq!(starts(&house, channel, 0, 99).await, [at(10), at(20)]);
    assert_eq!(playout.prune(at(30)).await.unwrap(), 2);
    assert_eq!(playout.end(channel).await.unwrap(), None);
    assert_eq!(
        playout.checkpoint(channel, at(30)).await.unwrap(),
        Some(checkpoint(30)),
        "the scheduler's place outlives its rows"
    );
}

#[tokio::test]
async fn two_weeks_of_short_clips_are_one_change_and_one_page_of_the_guide() {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    let other = house.channel("2").await.id;
    let playout = house.store.playout();
    let rows: Vec<_> = (0..14 * 24 * 60).map(|minute| entry(minute * 60_000, (minute + 1) * 60_000, None)).collect();
    let end = rows.len() as i64 * 60_000;
    playout.append(channel, &rows, &checkpoint(end)).await.unwrap();
    playout.append(other, &rows[..10], &checkpoint(600_000)).await.unwrap();
    assert_eq!(playout.window(channel, at(0), at(end)).await.unwrap().len(), rows.len());
    assert_eq!(starts(&house, channel, end - 90_000, end).await, [at(end - 120_000), at(end - 60_000)]);
}

/// One thing that is done to a timeline.
#[derive(Debug, Clone)]
enum Step {
    Append(Vec<i64>),
    AppendAt(i64, i64),
    ReplaceFrom(i64, Vec<i64>),
    Prune(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let lengths = || prop::collection::vec(1_i64..50, 0..5);
    prop_oneof![
        lengths().prop_map(Step::Append),
        (0_i64..300, -5_i64..50).prop_map(|(start, length)| Step::AppendAt(start, length)),
        (0_i64..300, lengths()).prop_map(|(from, lengths)| Step::ReplaceFrom(from, lengths)),
        (0_i64..200).prop_map(Step::Prune),
    ]
}

/// Rows of these lengths, one after the other.
fn rows_from(start: i64, lengths: &[i64]) -> Vec<NewEntry> {
    let stops = lengths.iter().scan(start, |stop, length| {
        *stop += length;
        Some((*stop - length, *stop))
    });
    stops.map(|(start, stop)| entry(start, stop, None)).collect()
}

/// The timeline as a list: what the store must agree with after every step.
fn apply_to_model(model: &mut Vec<(i64, i64)>, step: &Step) -> Vec<NewEntry> {
    let spans = |rows: &[NewEntry]| -> Vec<(i64, i64)> {
        rows.iter().map(|row| ((row.start - at(0)).num_milliseconds(), (row.stop - at(0)).num_milliseconds())).collect()
    };
    let end = |model: &[(i64, i64)]| model.last().map_or(0, |row| row.1);
    match step {
        Step::Append(lengths) => {
            let rows = rows_from(end(model), lengths);
            model.extend(spans(&rows));
            rows
        }
        Step::AppendAt(start, length) => {
            let rows = vec![entry(*start, start + length, None)];
            if *length > 0 && (model.is_empty() || *start == end(model)) {
                model.extend(spans(&rows));
            }
            rows
        }
        Step::ReplaceFrom(from, lengths) => {
            model.retain(|row| row.0 < *from);
            let rows = rows_from(end(model), lengths);
            model.extend(spans(&rows));
            rows
        }
        Step::Prune(before) => {
            model.retain(|row| row.1 > *before);
            Vec::new()
        }
    }
}

async fn check_steps(steps: Vec<Step>) {
    let house = House::open().await;
    let channel = house.channel("1").await.id;
    let playout = house.store.playout();
    let mut model = Vec::new();
    for step in steps {
        let rows = apply_to_model(&mut model, &step);
        // Whether the store refuses a step shows in its rows, which must equal the list's.
        let _outcome = match &step {
            Step::Append(_) | Step::AppendAt(..) => playout.append(channel, &rows, &checkpoint(0)).await.err(),
            Step::ReplaceFrom(from, _) => playout.replace_from(channel, at(*from), &rows, &checkpoint(0)).await.err(),
            Step::Prune(before) => playout.prune(at(*before)).await.err(),
        };
        let stored = playout.window(channel, at(-1), at(1_000_000)).await.unwrap();
        let spans: Vec<_> = stored.iter().map(|row| (row.start, row.stop)).collect();
        assert_eq!(spans, model.iter().map(|row| (at(row.0), at(row.1))).collect::<Vec<_>>(), "after {step:?}");
        assert!(spans.windows(2).all(|pair| pair[0].1 == pair[1].0), "a hole or an overlap after {step:?}");
    }
    for moment in (0..300).step_by(7) {
        let expected = model.iter().find(|row| row.0 <= moment && moment < row.1).map(|row| at(row.0));
        let on_air = playout.on_air(channel, at(moment)).await.unwrap();
        assert_eq!(on_air.map(|row| row.start), expected, "{moment}");
        let overlapping: Vec<_> =
            model.iter().filter(|row| row.0 < moment + 20 && row.1 > moment).map(|row| at(row.0)).collect();
        assert_eq!(starts(&house, channel, moment, moment + 20).await, overlapping, "{moment}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_to_a_timeline_it_has_no_holes_and_reads_the_same_everywhere(steps in prop::collection::vec(step(), 1..10)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check_steps(steps));
    }
}
