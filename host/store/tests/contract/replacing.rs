//! Copies of the database, and others in its place.

use std::fs;

use exstreamtv_store::{ClosedDatabase, Condition, ExamineError, Store, StoreError, StoreErrorKind, examine};

use crate::fixture::{House, at, new_channel};

#[tokio::test]
async fn a_snapshot_is_one_whole_file_of_our_version() {
    let house = House::open().await;
    house.channel("1").await;
    let copy = house.folder.path().join("it's a copy.db");
    house.store.snapshot(&copy).await.unwrap();
    let examined = examine(&copy).await.unwrap();
    assert_eq!((examined.rows["channels"], examined.rows["media"]), (1, 0));
    assert_eq!(examined.opened_by.as_deref(), Some(env!("CARGO_PKG_VERSION")));
    assert!(examined.schema_version >= 8);
    let names: Vec<_> = fs::read_dir(house.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().starts_with("it's a copy.db-")), "{names:?}");
    let again = house.store.snapshot(&copy).await.unwrap_err();
    assert!(again.to_string().contains("copy the database"), "nothing is overwritten: {again}");
}

#[tokio::test]
async fn another_state_takes_the_place_of_the_present_one_for_everybody_at_once() {
    let house = House::open().await;
    house.channel("1").await;
    let staged = house.store.staging_place();
    house.store.snapshot(&staged).await.unwrap();
    let count = house.store.channel_count();
    house.channel("2").await;
    assert_eq!(*count.borrow(), 2);
    let repository = house.store.channels();
    let (replaced, read) = tokio::join!(house.store.replace(&staged, at(1)), async {
        // Whoever comes meanwhile waits, and finds one state or the other.
        let mut seen = Vec::new();
        for _ in 0..50 {
            seen.push(repository.list().await.unwrap().len());
        }
        seen
    });
    replaced.unwrap();
    assert!(read.iter().all(|channels| [1, 2].contains(channels)) && read.is_sorted_by(|a, b| a >= b), "{read:?}");
    assert_eq!(repository.list().await.unwrap().len(), 1);
    assert_eq!(*count.borrow(), 1);
    let usage = house.store.usage();
    assert!(usage.readers.invalidated >= 1 && usage.writer.invalidated == 1, "{usage:?}");
    house.channel("3").await;
    let house = house.reopen().await;
    assert_eq!(house.store.channels().list().await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_and_nothing_changes() {
    let house = House::open().await;
    house.channel("1").await;
    let good = house.folder.path().join("good.db");
    house.store.snapshot(&good).await.unwrap();
    let staged = house.store.staging_place();
    let spoil = async |sql: &'static str| {
        fs::copy(&good, &staged).unwrap();
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&staged);
        let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
        sqlx::query(sql).execute(&mut connection).await.unwrap();
        sqlx::Connection::close(connection).await.unwrap();
    };
    spoil("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9001, 'x', TRUE, x'00', 0)").await;
    assert!(matches!(examine(&staged).await, Err(ExamineError::NewerSchema { found: 9001, .. })));
    assert!(house.store.replace(&staged, at(1)).await.is_err());
    spoil("PRAGMA application_id = 7").await;
    assert!(matches!(examine(&staged).await, Err(ExamineError::Foreign)));
    fs::write(&staged, "this is a letter, not a database".repeat(100)).unwrap();
    assert!(matches!(examine(&staged).await, Err(ExamineError::NotADatabase)));
    assert!(house.store.replace(&staged, at(1)).await.is_err());
    let mut bytes = fs::read(&good).unwrap();
    bytes[4096 * 2..4096 * 4].fill(0xA5);
    fs::write(&staged, bytes).unwrap();
    assert!(matches!(examine(&staged).await, Err(ExamineError::Damaged { .. })));
    let refused = house.store.replace(&staged, at(1)).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Damaged, "{refused:?}");
    assert_eq!(house.store.channels().list().await.unwrap().len(), 1);
    house.channel("2").await;
}

#[tokio::test]
async fn an_older_one_is_brought_up_to_date_before_it_is_put_in_place() {
    let house = House::open().await;
    let staged = house.store.staging_place();
    house.store.snapshot(&staged).await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&staged);
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let older = format!("{}DELETE FROM _sqlx_migrations WHERE version >= 8", drop_newer().join("; ") + ";");
    sqlx::raw_sql(sqlx::AssertSqlSafe(older)).execute(&mut connection).await.unwrap();
    sqlx::Connection::close(connection).await.unwrap();
    assert_eq!(examine(&staged).await.unwrap().schema_version, 7);
    house.store.replace(&staged, at(1)).await.unwrap();
    house.store.checks().probe(at(2)).await.unwrap();
}

#[tokio::test]
async fn a_closed_file_tells_how_it_is() {
    let house = House::open().await;
    let path = house.database();
    assert_eq!(ClosedDatabase::lock(&path).unwrap_err().kind(), StoreErrorKind::Locked);
    house.store.close().await;
    let closed = ClosedDatabase::lock(&path).unwrap();
    assert_eq!(closed.condition().await.unwrap(), Condition::Current);
    for statement in drop_newer() {
        house.tamper(statement).await;
    }
    house.tamper("DELETE FROM _sqlx_migrations WHERE version >= 8").await;
    assert!(matches!(closed.condition().await.unwrap(), Condition::Older { found: 7, .. }));
    fs::write(&path, [0x11; 9_000]).unwrap();
    assert!(matches!(closed.condition().await.unwrap(), Condition::Damaged { .. }));
    fs::write(&path, []).unwrap();
    assert_eq!(closed.condition().await.unwrap(), Condition::Absent);
    closed.open(Default::default(), at(0)).await.unwrap();
}

#[tokio::test]
async fn a_host_that_died_with_changes_in_its_log_loses_none_of_them_to_a_restore() {
    let house = House::open().await;
    house.channel("1").await;
    let copy = house.folder.path().join("copy.db");
    house.store.snapshot(&copy).await.unwrap();
    // As kill -9 leaves it: the changes are in the log.
    let (crashed, database) = (tempfile::tempdir().unwrap(), house.database());
    house.channel("2").await;
    let path = crashed.path().join("exstreamtv.db");
    fs::copy(&database, &path).unwrap();
    fs::copy(database.with_extension("db-wal"), path.with_extension("db-wal")).unwrap();
    let closed = ClosedDatabase::lock(&path).unwrap();
    assert_eq!(closed.condition().await.unwrap(), Condition::Current);
    let safe = crashed.path().join("safe.db");
    closed.snapshot(&safe).await.unwrap();
    assert_eq!(examine(&safe).await.unwrap().rows["channels"], 2, "what is in the log is in the copy");
    fs::rename(&copy, closed.staging_place()).unwrap();
    closed.install(&closed.staging_place(), None, at(1)).await.unwrap();
    let store = closed.open(Default::default(), at(2)).await.unwrap();
    assert_eq!(store.channels().list().await.unwrap().len(), 1, "and the old log is not played into the new file");
}

#[tokio::test]
async fn where_a_host_can_be_reached_is_written_down_while_it_lives() {
    let house = House::open().await;
    assert_eq!(exstreamtv_store::address_of_holder(&house.database()), None);
    house.store.announce("http://127.0.0.1:8411").unwrap();
    assert_eq!(exstreamtv_store::address_of_holder(&house.database()).as_deref(), Some("http://127.0.0.1:8411"));
    let second = Store::open(&house.database(), at(0)).await.unwrap_err();
    assert!(matches!(second, StoreError::OtherInstance { pid: Some(_), .. }), "{second:?}");
    house.store.close().await;
    assert_eq!(exstreamtv_store::address_of_holder(&house.database()), None);
    assert!(house.store.channels().insert(&new_channel("1")).await.is_err());
}

/// Returns the statements that take away what migrations from the eighth on have made.
fn drop_newer() -> Vec<&'static str> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/sqlite");
    let mut statements = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let version: u32 = path.file_name().unwrap().to_str().unwrap().split('_').next().unwrap().parse().unwrap();
        let text = if version >= 8 { fs::read_to_string(&path).unwrap() } else { String::new() };
        let names = text.lines().filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split([' ', '(']).next());
        statements.extend(names.map(|name| &*Box::leak(format!("DROP TABLE {name}").into_boxed_str())));
    }
    statements
}
