//! What the healer did and learnt.

use exstreamtv_model::ChannelId;
use exstreamtv_store::{ApprovalRow, PosteriorRow, ResolutionRow, StoreErrorKind};
use serde_json::json;

use crate::fixture::House;

fn learnt(deed: &str, failed: f64) -> PosteriorRow {
    PosteriorRow {
        issue: "FFMPEG_HANG".into(),
        deed: deed.into(),
        context: "ffmpeg_hung".into(),
        helped: 0.5,
        failed,
        tries: 3,
        successes: 1,
        at_ms: 9,
    }
}

fn question(id: i64, state: &str, asked_ms: i64) -> ApprovalRow {
    ApprovalRow { id, state: state.into(), asked_ms, document: json!({"id": id, "why": "because"}) }
}

fn done(id: i64, channel: Option<i64>, ended_ms: i64) -> ResolutionRow {
    ResolutionRow {
        id,
        channel: channel.map(ChannelId),
        automatic: channel.is_some(),
        outcome: "healed".into(),
        began_ms: ended_ms - 5,
        ended_ms,
        document: json!({"steps": [1, 2]}),
    }
}

#[tokio::test]
async fn what_was_learnt_is_replaced_and_outlives_a_restart_until_it_is_forgotten() {
    let house = House::open().await;
    let healing = house.store.healing();
    healing.learn(&learnt("restart_run", 1.0)).await.unwrap();
    healing.learn(&learnt("play_filler", 0.0)).await.unwrap();
    healing.learn(&learnt("restart_run", 1.9)).await.unwrap();
    let house = house.reopen().await;
    let healing = house.store.healing();
    assert_eq!(healing.posteriors().await.unwrap(), [learnt("play_filler", 0.0), learnt("restart_run", 1.9)]);
    assert_eq!(healing.unlearn().await.unwrap(), 2);
    assert_eq!(healing.posteriors().await.unwrap(), []);
}

#[tokio::test]
async fn a_question_changes_its_state_and_is_found_by_it() {
    let house = House::open().await;
    let healing = house.store.healing();
    for row in [question(1, "pending", 10), question(2, "pending", 20), question(1, "approved", 10)] {
        healing.ask(&row).await.unwrap();
    }
    assert_eq!(healing.approvals(Some("pending"), None, 10).await.unwrap(), [question(2, "pending", 20)]);
    assert_eq!(healing.approvals(None, Some(2), 10).await.unwrap(), [question(1, "approved", 10)]);
    assert_eq!(healing.approvals(None, None, 1).await.unwrap(), [question(2, "pending", 20)]);
}

#[tokio::test]
async fn what_was_done_is_listed_newest_first_by_channel_and_an_id_is_used_once() {
    let house = House::open().await;
    let healing = house.store.healing();
    assert_eq!(healing.last_id().await.unwrap(), 0);
    for row in [done(3, Some(7), 30), done(4, None, 40), done(6, Some(7), 60)] {
        healing.resolve(&row).await.unwrap();
    }
    healing.ask(&question(5, "pending", 10)).await.unwrap();
    assert_eq!(healing.last_id().await.unwrap(), 6);
    assert_eq!(healing.resolutions(None, Some(6), 9).await.unwrap(), [done(4, None, 40), done(3, Some(7), 30)]);
    let of_one = healing.resolutions(Some(ChannelId(7)), None, 9).await.unwrap();
    assert_eq!(of_one, [done(6, Some(7), 60), done(3, Some(7), 30)]);
    let twice = healing.resolve(&done(3, None, 70)).await.unwrap_err();
    assert_eq!(twice.kind(), StoreErrorKind::Engine, "{twice:?}");
}

#[tokio::test]
async fn what_is_old_is_forgotten_but_for_questions_that_are_open_and_what_was_learnt() {
    let house = House::open().await;
    let healing = house.store.healing();
    healing.learn(&learnt("restart_run", 1.0)).await.unwrap();
    for row in [question(1, "pending", 10), question(2, "rejected", 10), question(3, "rejected", 99)] {
        healing.ask(&row).await.unwrap();
    }
    healing.resolve(&done(4, None, 10)).await.unwrap();
    healing.resolve(&done(5, None, 90)).await.unwrap();
    assert_eq!(healing.forget(50).await.unwrap(), 2);
    let left: Vec<_> = healing.approvals(None, None, 9).await.unwrap().iter().map(|row| row.id).collect();
    assert_eq!(left, [3, 1]);
    assert_eq!(healing.resolutions(None, None, 9).await.unwrap(), [done(5, None, 90)]);
    assert_eq!(healing.posteriors().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_document_that_cannot_be_read_names_its_row() {
    let house = House::open().await;
    house.store.healing().ask(&question(1, "pending", 10)).await.unwrap();
    house.tamper("UPDATE healing_approvals SET document = 'no JSON'").await;
    let error = house.store.healing().approvals(None, None, 9).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Damaged, "{error:?}");
    assert!(error.to_string().contains("healing_approvals"), "{error}");
}
