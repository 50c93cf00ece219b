//! What unit tests of several files need: a store in a folder of its own, and SQLite's plan for a statement.

use chrono::DateTime;
use sqlx::{AssertSqlSafe, Row};
use tempfile::TempDir;

use crate::{
    Store,
    connections::{Connections, PoolSettings},
    schema,
};

/// Opens a store in a folder that goes away with it.
pub(crate) async fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("exstreamtv.db"), DateTime::UNIX_EPOCH).await.unwrap();
    (folder, store)
}

/// Asserts that SQLite finds the rows of `sql` by the index search `by`, and reads no table from end to end.
pub(crate) async fn assert_indexed(sql: &'static str, by: &str) {
    let steps = query_plan(sql).await;
    let searched = steps.iter().any(|step| step.starts_with("SEARCH") && step.contains(by));
    let walked = steps.iter().any(|step| step.starts_with("SCAN media") || step.starts_with("SCAN playout"));
    assert!(searched && !walked, "{sql}\n{steps:#?}");
}

/// Asserts that the index gives the rows in the wanted order, so that a page costs the same wherever it lies.
pub(crate) async fn assert_paged(sql: &'static str, by: &str) {
    assert_indexed(sql, by).await;
    let steps = query_plan(sql).await;
    assert!(!steps.iter().any(|step| step.contains("B-TREE FOR ORDER BY")), "{sql}\n{steps:#?}");
}

async fn query_plan(sql: &'static str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exstreamtv.db");
    let connections = Connections::open(&path, PoolSettings::default()).await.unwrap();
    schema::migrate(&path, &connections, DateTime::UNIX_EPOCH).await.unwrap();
    let mut reader = connections.read(None).await.unwrap();
    let explain = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")));
    let rows = explain.fetch_all(&mut *reader).await.unwrap();
    rows.iter().map(|row| row.get("detail")).collect()
}
