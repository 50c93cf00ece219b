//! Opening the database: what is refused, and in which words.

use std::fs;

use exstreamtv_store::{Store, StoreError, StoreErrorKind};

use crate::fixture::{House, at};

#[tokio::test]
async fn folders_above_the_database_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/exstreamtv.db");
    let store = Store::open(&path, at(0)).await.unwrap();
    store.close().await;
    assert!(path.exists());
}

#[tokio::test]
async fn a_closed_database_is_one_file_with_everything_in_it() {
    let house = House::open().await;
    house.channel("1").await;
    house.store.close().await;
    let wal = house.folder.path().join("exstreamtv.db-wal");
    assert!(!wal.exists());
    let closed = house.store.channels().list().await;
    assert!(closed.is_err());
}

#[tokio::test]
async fn a_second_host_on_the_same_data_is_refused_until_the_first_ends() {
    let house = House::open().await;
    let second = Store::open(&house.database(), at(0)).await.unwrap_err();
    assert_eq!(second.kind(), StoreErrorKind::Locked);
    let holder = format!("another exstreamtv (process {}) has it open", std::process::id());
    assert!(second.to_string().contains(&holder), "{second}");
    house.store.close().await;
    Store::open(&house.database(), at(0)).await.unwrap();
}

#[tokio::test]
async fn a_host_that_died_leaves_no_lock_behind() {
    let House { store, folder } = House::open().await;
    drop(store);
    Store::open(&folder.path().join("exstreamtv.db"), at(0)).await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused_and_left_alone() {
    let house = House::open().await;
    house.store.close().await;
    house
        .tamper(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9001, 'the future', TRUE, x'00', 0)",
        )
        .await;
    house.tamper("UPDATE installation SET opened_by = '9.0.1'").await;
    let before = fs::read(house.database()).unwrap();
    let error = Store::open(&house.database(), at(0)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Newer);
    let text = error.to_string();
    assert!(text.contains("schema version 9001 (written by exstreamtv 9.0.1)"), "{text}");
    assert_eq!(fs::read(house.database()).unwrap(), before);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exstreamtv.db");
    let text = "this is a letter, not a database\n".repeat(100);
    fs::write(&path, &text).unwrap();
    let error = Store::open(&path, at(0)).await.unwrap_err();
    assert!(matches!(error, StoreError::NotADatabase { .. }), "{error:?}");
    assert_eq!(error.kind(), StoreErrorKind::Damaged);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn the_database_of_another_program_is_refused_and_left_alone() {
    use sqlx::{ConnectOptions, Connection};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("library.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut other = options.connect().await.unwrap();
    sqlx::query("CREATE TABLE metadata_items (id INTEGER)").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let before = fs::read(&path).unwrap();
    let error = Store::open(&path, at(0)).await.unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let error = Store::open("/dev/null/x/exstreamtv.db".as_ref(), at(0)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Place);
    assert_eq!(error.to_string(), "create the data folder /dev/null/x; choose another with --data-dir");
}

#[tokio::test]
async fn a_folder_in_place_of_the_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exstreamtv.db");
    fs::create_dir(&path).unwrap();
    let error = Store::open(&path, at(0)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Place);
    assert!(error.to_string().contains("exstreamtv.db"), "{error}");
}

#[tokio::test]
async fn a_first_start_that_was_killed_is_taken_up_again() {
    use sqlx::{ConnectOptions, Connection};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exstreamtv.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut killed = options.connect().await.unwrap();
    let table = "CREATE TABLE _sqlx_migrations (
                     version BIGINT PRIMARY KEY, description TEXT NOT NULL,
                     installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL,
                     checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)";
    sqlx::query(table).execute(&mut killed).await.unwrap();
    killed.close().await.unwrap();
    Store::open(&path, at(0)).await.unwrap();
}
