//! The connections to the database file: one that writes, several that read.
//!
//! Does: hand out a reader or the writer's transaction, and sort the errors of getting one.
//! Does not: know any table.
//! Invariant: there is one writer, its transactions begin IMMEDIATE, and readers cannot write; so nothing waits for a lock of ours.

use std::{path::Path, time::Duration};

use sqlx::{
    Sqlite, SqlitePool, Transaction,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::StoreError;

/// The writer and the readers of one database file.
#[derive(Debug)]
pub(crate) struct Connections {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Connections {
    /// Opens the writer and one reader; more readers follow when they are needed.
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = base_options(path);
        // The writer first: it creates the file and puts it into WAL mode, which then holds for all.
        let writing = options
            .clone()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal);
        let writer = pool(1).connect_with(writing).await.map_err(|error| StoreError::open(path, error))?;
        let reading = options.create_if_missing(false).pragma("query_only", "ON");
        let readers = pool(READERS).connect_lazy_with(reading);
        Ok(Self { writer, readers })
    }

    /// Returns a connection that cannot write.
    pub(crate) async fn read(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        self.readers.acquire().await.map_err(|error| StoreError::query("get a database connection", error))
    }

    /// Begins a transaction of the only writer; it is rolled back unless it is committed.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        let begun = self.writer.begin_with("BEGIN IMMEDIATE").await;
        begun.map_err(|error| StoreError::query("begin a change of the database", error))
    }

    /// Returns the writer's pool, for migrations only.
    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    /// Closes the readers, then the writer, whose last act is to fold the write-ahead log into the file.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Returns the options that hold for every connection; they change nothing in the file.
pub(crate) fn base_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).foreign_keys(true).busy_timeout(BUSY_TIMEOUT)
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A connection to a file does not go stale.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Readers of a small installation (BASE of the specification's pool formula).
const READERS: u32 = 10;
/// How long SQLite waits for another program's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for a connection before that is an error.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
