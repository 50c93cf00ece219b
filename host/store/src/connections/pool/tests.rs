//! Growing, shrinking and running out, with work in flight.

use std::time::Duration;

use tokio::task::JoinSet;

use super::*;
use crate::connections::Connections;

async fn connections(settings: PoolSettings) -> (tempfile::TempDir, Arc<Connections>) {
    let folder = tempfile::tempdir().unwrap();
    let opened = Connections::open(&folder.path().join("pool.db"), settings).await.unwrap();
    (folder, Arc::new(opened))
}

fn hasty() -> PoolSettings {
    let (acquire_timeout, exhausted_after) = (Duration::from_millis(40), Duration::from_millis(10));
    PoolSettings { acquire_timeout, exhausted_after, ..PoolSettings::default() }
}

async fn ask(connections: Arc<Connections>) -> Result<i64, StoreError> {
    let mut reader = connections.read(None).await?;
    let slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT count(*) FROM n";
    let answer: Result<i64, sqlx::Error> = sqlx::query_scalar(slow).fetch_one(&mut *reader).await;
    answer.map_err(|error| StoreError::query("ask", error))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_follows_the_channels_there_and_back_and_no_question_fails() {
    let (_folder, connections) = connections(PoolSettings::default()).await;
    let mut asked = JoinSet::new();
    let sizes = [10, 12, 17, 35, 95, 100, 100];
    for size in sizes.into_iter().chain(sizes.into_iter().rev()) {
        connections.resize(size);
        assert_eq!(connections.reports().0.size, size, "at once");
        for _ in 0..2 * size {
            asked.spawn(ask(Arc::clone(&connections)));
        }
        // Half of them are still under way when the next size comes.
        for _ in 0..size {
            assert_eq!(asked.join_next().await.unwrap().unwrap().unwrap(), 2_000);
        }
    }
    let answers = asked.join_all().await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(2_000))), "{answers:?}");
    let (readers, _) = connections.reports();
    assert_eq!((readers.size, readers.in_use, readers.waiting, readers.timeouts), (10, 0, 0, 0));
    assert!(readers.idle <= 10, "{readers:?}");
    assert_eq!(readers.checked_in, readers.checked_out);
    assert_eq!(readers.created, u64::from(readers.idle) + readers.recycled, "{readers:?}");
}

#[tokio::test]
async fn a_shrink_cuts_nobody_and_takes_effect_as_connections_come_back() {
    let (_folder, connections) = connections(hasty()).await;
    connections.resize(3);
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(connections.read(None).await.unwrap());
    }
    connections.resize(1);
    let one: i64 = sqlx::query_scalar("SELECT 1").fetch_one(&mut *held[0]).await.unwrap();
    assert_eq!((one, connections.reports().0.in_use), (1, 3));
    held.truncate(1);
    let refused = connections.read(None).await;
    assert!(matches!(refused, Err(StoreError::Exhausted { size: 1, .. })), "one place, and it is taken: {refused:?}");
    held.clear();
    let _again = connections.read(None).await.unwrap();
    let readers = connections.reports().0;
    assert_eq!((readers.in_use, readers.idle, readers.recycled), (1, 0, 2));
}

#[tokio::test]
async fn growing_forgives_what_a_shrink_is_still_owed() {
    let (_folder, connections) = connections(hasty()).await;
    connections.resize(2);
    let both = (connections.read(None).await.unwrap(), connections.read(None).await.unwrap());
    connections.resize(1);
    connections.resize(3);
    let third = connections.read(None).await.unwrap();
    assert!(connections.read(None).await.is_err(), "three places, and they are taken");
    drop((both, third));
    let three = [connections.read(None).await, connections.read(None).await, connections.read(None).await];
    assert!(three.iter().all(Result::is_ok), "{three:?}");
}

#[tokio::test]
async fn whoever_waits_too_long_is_told_of_and_gives_up_with_the_numbers() {
    let (_folder, connections) = connections(hasty()).await;
    let mut alarms = connections.alarms();
    let change = connections.write(None).await.unwrap();
    let error = connections.write(None).await.unwrap_err();
    assert!(
        error.to_string().starts_with("get a database connection: all 1 that write are in use, waited "),
        "{error}"
    );
    let news = alarms.recv().await.unwrap();
    assert_eq!((news.role, news.size, news.in_use, news.waiting), (Role::Writer, 1, 1, 1));
    drop(change);
    connections.write(None).await.unwrap();
    let (_, writer) = connections.reports();
    assert_eq!((writer.exhausted, writer.timeouts, writer.waiting, writer.wait.count), (1, 1, 0, 3));
}

#[tokio::test]
async fn readers_that_nobody_needs_are_closed() {
    let (_folder, connections) = connections(PoolSettings { idle_timeout: Duration::ZERO, ..hasty() }).await;
    let pair = (connections.read(None).await.unwrap(), connections.read(None).await.unwrap());
    drop(pair);
    assert_eq!(connections.reports().0.idle, 2);
    connections.tidy();
    let (readers, writer) = connections.reports();
    assert_eq!((readers.idle, readers.recycled, writer.idle), (0, 2, 1), "the writer stays");
}

#[tokio::test]
async fn a_drained_pool_keeps_everybody_waiting_and_takes_a_new_size_afterwards() {
    let (_folder, connections) = connections(PoolSettings::default()).await;
    drop(connections.read(None).await.unwrap());
    let alone = connections.be_alone().await.unwrap();
    assert!(connections.be_alone().await.is_err(), "one at a time");
    let log = std::fs::metadata(crate::swap::beside(connections.path(), "-wal"));
    assert_eq!(log.map_or(0, |log| log.len()), 0, "what was written is in the file");
    connections.resize(20);
    let mut waiting = std::pin::pin!(connections.read(None));
    assert!(is_pending(&mut waiting).await);
    drop(alone);
    waiting.await.unwrap();
    let (readers, writer) = connections.reports();
    assert_eq!((readers.size, readers.invalidated, writer.invalidated), (20, 1, 1));
}

async fn is_pending<F: Future>(future: &mut std::pin::Pin<&mut F>) -> bool {
    std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

#[tokio::test]
async fn a_full_disk_costs_the_change_that_met_it_and_no_other() {
    let (_folder, connections) = connections(PoolSettings::default()).await;
    let mut change = connections.write(None).await.unwrap();
    sqlx::raw_sql("CREATE TABLE letters (text BLOB)").execute(&mut *change).await.unwrap();
    change.commit().await.unwrap();
    for _ in 0..3 {
        // A file that may not grow is to SQLite what a full disk is.
        let mut writer = connections.writer().await.unwrap();
        sqlx::raw_sql("PRAGMA max_page_count = 1").execute(&mut *writer).await.unwrap();
        drop(writer);
        let mut change = connections.write(None).await.unwrap();
        let full = sqlx::query("INSERT INTO letters VALUES (zeroblob(1000000))").execute(&mut *change).await;
        assert!(full.unwrap_err().to_string().contains("full"));
        drop(change);
        let mut change = connections.write(None).await.unwrap();
        sqlx::raw_sql("PRAGMA max_page_count = 1000000").execute(&mut *change).await.unwrap();
        sqlx::query("INSERT INTO letters VALUES (x'00')").execute(&mut *change).await.unwrap();
        change.commit().await.unwrap();
    }
    let mut reader = connections.read(None).await.unwrap();
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM letters").fetch_one(&mut *reader).await.unwrap();
    assert_eq!(kept, 3);
}
