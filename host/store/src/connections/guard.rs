//! What repositories hold while they work: a reader, or the writer in a transaction.
//!
//! Does: measure how long it is held, roll back what is not committed.
//! Invariant: a change that is dropped before its commit is undone at once, not when the next writer comes.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use sqlx::{SqlSafeStr, SqliteConnection, sqlite::SqliteTransactionManager};
use sqlx_core::transaction::TransactionManager;
use tokio::time::Instant;

use super::pool::Lent;
use crate::{StoreError, telemetry::FamilyMeter};

/// A connection outside a transaction.
#[derive(Debug)]
pub(crate) struct Reader {
    lent: Lent,
    stopwatch: Stopwatch,
}

/// The writer's connection, in a transaction.
#[derive(Debug)]
pub(crate) struct Change {
    lent: Lent,
    stopwatch: Stopwatch,
    open: bool,
}

#[derive(Debug)]
struct Stopwatch {
    meter: Option<Arc<FamilyMeter>>,
    since: Instant,
}

impl Reader {
    pub(super) fn new(lent: Lent, meter: Option<Arc<FamilyMeter>>) -> Self {
        Self { lent, stopwatch: Stopwatch::start(meter) }
    }
}

impl Change {
    pub(super) async fn begin(lent: Lent, meter: Option<Arc<FamilyMeter>>) -> Result<Self, StoreError> {
        // Open from here on: a begin that is given up half way is undone, too.
        let mut change = Self { lent, stopwatch: Stopwatch::start(meter), open: true };
        let mut begun = SqliteTransactionManager::begin(&mut change, Some(BEGIN.into_sql_str())).await;
        // A full disk makes SQLite roll back by itself; the rollback that follows finds nothing to undo, and the connection counts one too many for ever.
        if matches!(begun, Err(sqlx::Error::InvalidSavePointStatement)) {
            change.lent.replace().await?;
            begun = SqliteTransactionManager::begin(&mut change, Some(BEGIN.into_sql_str())).await;
        }
        begun.map_err(|error| StoreError::query("begin a change of the database", error))?;
        Ok(change)
    }

    /// Makes it last.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        SqliteTransactionManager::commit(&mut self).await?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        if self.open {
            SqliteTransactionManager::start_rollback(self.lent.connection_mut());
        }
        self.stopwatch.stop(true);
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stopwatch.stop(false);
    }
}

impl Stopwatch {
    fn start(meter: Option<Arc<FamilyMeter>>) -> Self {
        Self { meter, since: Instant::now() }
    }

    fn stop(&self, wrote: bool) {
        if let Some(meter) = &self.meter {
            meter.took(self.since.elapsed(), wrote);
        }
    }
}

impl Deref for Reader {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.lent.connection()
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.lent.connection_mut()
    }
}

impl Deref for Change {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.lent.connection()
    }
}

impl DerefMut for Change {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.lent.connection_mut()
    }
}

const BEGIN: &str = "BEGIN IMMEDIATE";
