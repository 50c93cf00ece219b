//! Databases of older programs.

use std::path::Path;

use exstreamtv_store::{PoolSelection, Store};
use sqlx::{ConnectOptions, Connection, SqliteConnection, migrate::Migrator, sqlite::SqliteConnectOptions};

use crate::fixture::at;

/// What the first version wrote: a channel with one row and its place, and a file with chapters.
const OF_THE_FIRST_VERSION: &str = r#"
INSERT INTO media (id, path, size_bytes, mtime_ms, state, scanned_ms, probe, metadata, duration_ms, kind, title, search_fold)
VALUES (1, CAST('/m/a.mkv' AS BLOB), 1, 1, 'ready', 0, '{"chapters":[{"start_ms":0},{"start_ms":700}]}', '{}', 1000, 'clip', 'a', 'a'),
       (2, CAST('/m/b.mkv' AS BLOB), 1, 1, 'ready', 0, '{"chapters":[]}', '{}', 1000, 'clip', 'b', 'b');
INSERT INTO collections (id, name, source, folder) VALUES (1, 'all', 'folder', CAST('/m' AS BLOB));
INSERT INTO channels (id, number, name, group_title, zone, profile, collection_id, item_order, enabled)
VALUES (1, '5', 'Five', '', 'UTC', '{}', 1, '{"by":"name"}', 1);
INSERT INTO playout (channel_id, start_ms, stop_ms, media_id, in_point_ms, kind, title, why)
VALUES (1, 1800000000000, 1800000001000, 1, 0, 'programme', 'a', 'by name');
INSERT INTO playout_cursor (channel_id, state, seed, upto_ms) VALUES (1, '{"at":1}', '18446744073709551615', 1800000001000);
"#;

/// Opens a file as the program of `version` left it.
async fn migrated(path: &Path, version: &str) -> SqliteConnection {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite");
    let some = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(all).unwrap().map(|entry| entry.unwrap()) {
        if entry.file_name().to_str().unwrap() <= version {
            std::fs::copy(entry.path(), some.path().join(entry.file_name())).unwrap();
        }
    }
    let mut connection = SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap();
    Migrator::new(some.path()).await.unwrap().run(&mut connection).await.unwrap();
    connection
}

#[tokio::test]
async fn a_database_of_the_first_version_keeps_its_timeline_and_the_scheduler_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exstreamtv.db");
    let mut old = migrated(&path, "0002").await;
    sqlx::raw_sql(OF_THE_FIRST_VERSION).execute(&mut old).await.unwrap();
    old.close().await.unwrap();

    let store = Store::open(&path, at(0)).await.unwrap();
    let channel = store.channels().list().await.unwrap().remove(0);
    assert_eq!((channel.schedule, channel.tracks), (None, Default::default()));
    let row = store.playout().on_air(channel.id, at(0)).await.unwrap().unwrap();
    assert_eq!((row.title.as_str(), row.rule.as_str()), ("a", ""));
    let memory = store.playout().memory(channel.id, at(1_000), "exstreamtv.sequence").await.unwrap().unwrap();
    assert_eq!((memory.state, memory.seed, memory.since), (serde_json::json!({"at": 1}), u64::MAX, at(1_000)));
    assert!(memory.fallback.is_none() && memory.needs.is_empty());
    let pool = store.pools().whole(&PoolSelection::Collection(channel.collection.unwrap())).await.unwrap();
    assert_eq!(pool.iter().map(|item| item.chapters_ms.as_slice()).collect::<Vec<_>>(), [&[700][..], &[]]);
}
