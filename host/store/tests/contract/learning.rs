//! What was learnt.

use exstreamtv_model::ChannelId;
use exstreamtv_store::{Going, LearningRows, PatternRow, StoreErrorKind, TemplateRow, WindowRow};
use serde_json::json;

use crate::fixture::{House, at};

fn template(id: i64, count: u64) -> TemplateRow {
    let (source, level, text) = ("PLEX".to_owned(), "ERROR".to_owned(), format!("line {id} of <*>"));
    TemplateRow { id, source, level, text, count, first: at(id), last: at(id + 10) }
}

fn window(channel: i64, ms: i64, before_incident: bool) -> WindowRow {
    WindowRow { channel: ChannelId(channel), at: at(ms), before_incident, weight: 8, items: json!(["o1", "g2"]) }
}

fn pattern(id: i64, standing: &str) -> PatternRow {
    PatternRow { id, standing: standing.to_owned(), document: json!({"id": id, "p": 1e-9}) }
}

fn going(templates_that_stay: &[i64], patterns: &[i64]) -> Going {
    Going {
        templates_that_stay: templates_that_stay.to_vec(),
        patterns: patterns.to_vec(),
        windows_of_channel: 2,
        windows: 5,
    }
}

#[tokio::test]
async fn what_was_learnt_is_there_after_a_restart_and_changes_are_written_over_it() {
    let house = House::open().await;
    assert_eq!(house.store.learning().read().await.unwrap(), LearningRows::default());
    let mut rows = LearningRows {
        looks: 3,
        last_template: 7,
        templates: vec![template(1, 5), template(2, 6)],
        windows: vec![window(1, 5, true), window(9, 6, false)],
        patterns: vec![pattern(1, "proposed"), pattern(2, "proposed")],
    };
    house.store.learning().write(&rows, &going(&[1, 2], &[])).await.unwrap();
    let house = house.reopen().await;
    assert_eq!(house.store.learning().read().await.unwrap(), rows);
    let changed = LearningRows {
        looks: 4,
        last_template: 8,
        templates: vec![template(2, 9)],
        windows: vec![window(1, 7, true)],
        patterns: vec![pattern(2, "confirmed")],
    };
    house.store.learning().write(&changed, &going(&[2], &[1])).await.unwrap();
    rows.windows.extend(changed.windows.clone());
    let expected = LearningRows { windows: rows.windows, ..changed };
    assert_eq!(house.store.learning().read().await.unwrap(), expected);
}

#[tokio::test]
async fn only_so_many_windows_stay_the_newest() {
    let house = House::open().await;
    let windows = (0..12).map(|n| window(n % 4, n, n % 3 == 0)).collect();
    let rows = LearningRows { windows, ..LearningRows::default() };
    house.store.learning().write(&rows, &going(&[], &[])).await.unwrap();
    let kept = house.store.learning().read().await.unwrap().windows;
    assert_eq!(kept.iter().map(|window| window.at).collect::<Vec<_>>(), (7..12).map(at).collect::<Vec<_>>());
    let more = LearningRows { windows: (20..24).map(|n| window(1, n, false)).collect(), ..LearningRows::default() };
    house.store.learning().write(&more, &going(&[], &[])).await.unwrap();
    let kept = house.store.learning().read().await.unwrap().windows;
    assert_eq!(kept.iter().filter(|window| window.channel == ChannelId(1) && !window.before_incident).count(), 2);
}

#[tokio::test]
async fn a_reset_forgets_windows_and_patterns_and_keeps_what_lines_are_called() {
    let house = House::open().await;
    let rows = LearningRows {
        looks: 3,
        last_template: 7,
        templates: vec![template(1, 5)],
        windows: vec![window(1, 5, true)],
        patterns: vec![pattern(1, "rejected")],
    };
    house.store.learning().write(&rows, &going(&[1], &[])).await.unwrap();
    house.store.learning().reset().await.unwrap();
    let expected = LearningRows { last_template: 7, templates: rows.templates, ..LearningRows::default() };
    assert_eq!(house.store.learning().read().await.unwrap(), expected);
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_a_bad_write_changes_nothing() {
    let house = House::open().await;
    let rows = LearningRows { patterns: vec![pattern(1, "proposed")], ..LearningRows::default() };
    house.store.learning().write(&rows, &going(&[], &[])).await.unwrap();
    let bad = WindowRow { weight: 0, ..window(1, 1, true) };
    let refused = LearningRows { looks: 9, windows: vec![window(1, 1, true), bad], ..LearningRows::default() };
    house.store.learning().write(&refused, &going(&[], &[1])).await.unwrap_err();
    assert_eq!(house.store.learning().read().await.unwrap(), rows);
    house.tamper("UPDATE learnt_patterns SET document = '{'").await;
    let error = house.store.learning().read().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Damaged);
    assert!(error.to_string().contains("learnt_patterns"), "{error}");
}
