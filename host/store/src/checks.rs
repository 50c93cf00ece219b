//! How the database itself is.
//!
//! Does: take the time of a read and of a write, look for damage, fold the write-ahead log into the file.
//! Does not: decide when; the host does, in idle time.
//! Invariant: a check changes no row but its own.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::{
    StoreError,
    access::Access,
    cell::{RowOf, read_error},
    examine::first_fault,
};

/// Looks after the database file.
#[derive(Debug, Clone)]
pub struct Checks {
    connections: Access,
}

/// How long the simplest question and the simplest change took, with the wait for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// A question.
    pub read: Duration,
    /// A change, up to its commit.
    pub write: Duration,
}

/// What the last integrity check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastCheck {
    /// When it ended; `None` before the first one.
    pub at: Option<DateTime<Utc>>,
    /// What was wrong.
    pub fault: Option<String>,
}

/// What a checkpoint did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpointed {
    /// Whether readers kept it from doing everything.
    pub hindered: bool,
    /// Pages in the log.
    pub pages: u64,
    /// How many of them are in the file now.
    pub folded: u64,
}

impl Checks {
    pub(crate) fn new(connections: Access) -> Self {
        Self { connections }
    }

    /// Asks the simplest question and makes the smallest change.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.checks.probe", level = "debug", skip_all)]
    pub async fn probe(&self, now: DateTime<Utc>) -> Result<Probe, StoreError> {
        let began = Instant::now();
        self.last().await?;
        let read = began.elapsed();
        let began = Instant::now();
        self.note("UPDATE database_checks SET probed_ms = ?1", now, None).await?;
        Ok(Probe { read, write: began.elapsed() })
    }

    /// Returns what the last check found.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    pub async fn last(&self) -> Result<LastCheck, StoreError> {
        let (at_ms, fault): (i64, Option<String>) = sqlx::query_as("SELECT checked_ms, fault FROM database_checks")
            .fetch_one(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read the last check", TABLE, error))?;
        let at = RowOf { table: TABLE, id: 1 }.instant("checked_ms", at_ms)?;
        Ok(LastCheck { at: Some(at).filter(|_| at_ms > 0), fault })
    }

    /// Returns when the database was made.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    pub async fn created(&self) -> Result<DateTime<Utc>, StoreError> {
        let created_ms: i64 = sqlx::query_scalar("SELECT created_ms FROM installation")
            .fetch_one(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read when the database was made", "installation", error))?;
        RowOf { table: "installation", id: 1 }.instant("created_ms", created_ms)
    }

    /// Looks at every page of the file and remembers what it found; takes as long as reading all of it.
    ///
    /// # Errors
    /// Fails when the database does; damage is no failure but what it returns.
    #[tracing::instrument(name = "db.checks.quick_check", level = "debug", skip_all)]
    pub async fn quick_check(&self, now: DateTime<Utc>) -> Result<LastCheck, StoreError> {
        let fault = {
            let mut reader = self.connections.read().await?;
            first_fault(&mut reader, "PRAGMA quick_check(1)").await
        };
        let fault = fault.map_err(|error| StoreError::query("look for damage", error))?;
        self.note("UPDATE database_checks SET checked_ms = ?1, fault = ?2", now, fault.as_deref()).await?;
        Ok(LastCheck { at: Some(now), fault })
    }

    /// Folds what it can of the write-ahead log into the file; waits for nobody.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.checks.checkpoint", level = "debug", skip_all)]
    pub async fn checkpoint(&self) -> Result<Checkpointed, StoreError> {
        let mut writer = self.connections.writer().await?;
        let (busy, pages, folded): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)")
            .fetch_one(&mut *writer)
            .await
            .map_err(|error| StoreError::query("fold the write-ahead log into the database", error))?;
        // SQLite says -1 where there is no log yet.
        let count = |pages| u64::try_from(pages).unwrap_or(0);
        Ok(Checkpointed { hindered: busy != 0 || folded < pages, pages: count(pages), folded: count(folded) })
    }

    async fn note(&self, statement: &'static str, at: DateTime<Utc>, fault: Option<&str>) -> Result<(), StoreError> {
        let failed = |error| StoreError::query("note a check of the database", error);
        let mut transaction = self.connections.write().await?;
        let noted = sqlx::query(statement).bind(at.timestamp_millis()).bind(fault);
        noted.execute(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }
}

const TABLE: &str = "database_checks";
