//! The connections to the database file: one that writes, several that read.
//!
//! Does: hand out a reader or the writer's transaction, change the number of readers, and keep everybody away while the file is swapped.
//! Does not: know any table, or decide how many readers there should be.
//! Invariant: there is one writer, its transactions begin IMMEDIATE, and readers cannot write; so nothing waits for a lock of ours.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::sync::broadcast;

use crate::{
    StoreError,
    telemetry::{Exhaustion, FamilyMeter, PoolReport, Role},
};

mod guard;
mod pool;

pub(crate) use guard::{Change, Reader};
use pool::{Drained, Pool};

/// How the connections are waited for and looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSettings {
    /// How long a caller waits for a connection before that is an error.
    pub acquire_timeout: Duration,
    /// The wait from which on the pool counts as exhausted.
    pub exhausted_after: Duration,
    /// How long a reader that nobody needs stays open.
    pub idle_timeout: Duration,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            acquire_timeout: Duration::from_secs(30),
            exhausted_after: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(300),
        }
    }
}

/// The writer and the readers of one database file.
#[derive(Debug)]
pub(crate) struct Connections {
    path: PathBuf,
    writer: Arc<Pool>,
    readers: Arc<Pool>,
    alarm: broadcast::Sender<Exhaustion>,
}

/// Nobody else has a connection while this lives.
pub(crate) struct Alone {
    _writer: Drained,
    _readers: Drained,
}

impl Connections {
    /// Opens the writer; readers follow when they are needed.
    pub(crate) async fn open(path: &Path, settings: PoolSettings) -> Result<Self, StoreError> {
        let options = base_options(path);
        // The writer first: it creates the file and puts it into WAL mode, which then holds for all.
        let writing = options
            .clone()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal);
        let reading = options.create_if_missing(false).pragma("query_only", "ON");
        let (alarm, _) = broadcast::channel(ALARMS_KEPT);
        let writer = Pool::new(Role::Writer, writing, 1, settings, alarm.clone());
        let readers = Pool::new(Role::Reader, reading, READERS, settings, alarm.clone());
        let connections = Self { path: path.to_owned(), writer, readers, alarm };
        connections.writer.open_one().await.map_err(|error| StoreError::open(path, error))?;
        Ok(connections)
    }

    /// Returns the database file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a connection that cannot write.
    pub(crate) async fn read(&self, meter: Option<Arc<FamilyMeter>>) -> Result<Reader, StoreError> {
        Ok(Reader::new(self.readers.checkout().await?, meter))
    }

    /// Begins a transaction of the only writer; it is rolled back unless it is committed.
    pub(crate) async fn write(&self, meter: Option<Arc<FamilyMeter>>) -> Result<Change, StoreError> {
        Change::begin(self.writer.checkout().await?, meter).await
    }

    /// Returns the writer outside a transaction, for what SQLite allows only there.
    pub(crate) async fn writer(&self) -> Result<Reader, StoreError> {
        Ok(Reader::new(self.writer.checkout().await?, None))
    }

    /// Changes how many readers there may be: more at once, fewer as they come back.
    pub(crate) fn resize(&self, readers: u32) {
        self.readers.resize(readers.max(1));
    }

    /// Takes other settings for whoever waits from now on.
    pub(crate) fn set(&self, settings: PoolSettings) {
        self.writer.set(settings);
        self.readers.set(settings);
    }

    /// Closes readers that were idle for too long.
    pub(crate) fn tidy(&self) {
        self.readers.tidy();
    }

    /// Returns how the readers and the writer are.
    pub(crate) fn reports(&self) -> (PoolReport, PoolReport) {
        (self.readers.report(), self.writer.report())
    }

    /// Tells of every wait that exceeds its threshold from now on.
    pub(crate) fn alarms(&self) -> broadcast::Receiver<Exhaustion> {
        self.alarm.subscribe()
    }

    /// Waits until whoever has a connection gives it back, keeps everybody else waiting, folds the write-ahead log into the file and closes it.
    pub(crate) async fn be_alone(&self) -> Result<Alone, StoreError> {
        let writer = self.writer.drain().await?;
        let readers = self.readers.drain().await?;
        self.fold_log().await?;
        Ok(Alone { _writer: writer, _readers: readers })
    }

    /// Readers that were closed a moment ago may still be on their way out, so this does not rely on being the last connection.
    async fn fold_log(&self) -> Result<(), StoreError> {
        let act = "fold the write-ahead log into the database";
        let mut last = base_options(&self.path).connect().await.map_err(|error| StoreError::query(act, error))?;
        let folded = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut last).await;
        let closed = last.close().await;
        let (busy, ..): (i64, i64, i64) = folded.map_err(|error| StoreError::query(act, error))?;
        closed.map_err(|error| StoreError::query(act, error))?;
        if busy == 0 { Ok(()) } else { Err(StoreError::Busy { act }) }
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

/// Readers until somebody says how many channels there are (BASE of the specification's pool formula).
const READERS: u32 = 10;
/// How long SQLite waits for another program's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Exhaustions that a slow listener may be behind.
const ALARMS_KEPT: usize = 64;
