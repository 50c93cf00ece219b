//! The versions of the tables.
//!
//! Does: recognise our own file before anything in it is touched, and bring its tables up to date.
//! Does not: change a file that is foreign or newer than this program.
//! Invariant: migrations are only ever appended; one that was applied never changes.

use std::path::Path;

use chrono::{DateTime, Utc};
use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    migrate::{MigrateError, Migrator},
};

use crate::{
    StoreError,
    connections::{Connections, base_options},
};

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");

/// Refuses a file that is not ours or too new. Reads only.
pub(crate) async fn inspect(path: &Path) -> Result<(), StoreError> {
    if !path.exists() {
        return Ok(());
    }
    let open_error = |error| StoreError::open(path, error);
    let mut connection = base_options(path).connect().await.map_err(open_error)?;
    let verdict = inspect_open(path, &mut connection).await;
    connection.close().await.map_err(open_error)?;
    verdict
}

async fn inspect_open(path: &Path, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let open_error = |error| StoreError::open(path, error);
    let signature = signature(connection).await.map_err(open_error)?;
    if signature.is_blank {
        return Ok(());
    }
    if !signature.is_ours {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    let (found, supported) = (version(connection).await.map_err(open_error)?, newest());
    if found <= supported {
        return Ok(());
    }
    // A newer version may have moved this; the message is good without it too.
    let opened_by = opened_by(connection).await;
    Err(StoreError::NewerSchema { path: path.to_owned(), found, supported, opened_by })
}

/// Whose file it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signature {
    /// We have written it.
    pub(crate) is_ours: bool,
    /// Nobody has: a first start that was killed leaves at most the empty table of migrations.
    pub(crate) is_blank: bool,
}

/// Reads whose file it is.
pub(crate) async fn signature(connection: &mut SqliteConnection) -> Result<Signature, sqlx::Error> {
    let id: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await?;
    let (tables, migrated): (i64, i64) = sqlx::query_as(COUNT_TABLES).fetch_one(&mut *connection).await?;
    let is_ours = id == APPLICATION_ID;
    Ok(Signature { is_ours, is_blank: !is_ours && tables == migrated })
}

/// Reads the number of the newest migration in one of our files.
pub(crate) async fn version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let newest = "SELECT coalesce(max(version), 0) FROM _sqlx_migrations";
    sqlx::query_scalar(newest).fetch_one(connection).await
}

/// Reads which program opened the file last.
pub(crate) async fn opened_by(connection: &mut SqliteConnection) -> Option<String> {
    sqlx::query_scalar("SELECT opened_by FROM installation").fetch_one(connection).await.ok()
}

/// Returns the newest version that this program knows.
pub(crate) fn newest() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// Brings the tables of a file up to date that nobody has open.
pub(crate) async fn migrate_file(path: &Path) -> Result<(), StoreError> {
    let open_error = |error| StoreError::open(path, error);
    let mut connection = base_options(path).connect().await.map_err(open_error)?;
    let migrated = run(&mut connection).await;
    connection.close().await.map_err(open_error)?;
    migrated.map_err(|source| migration_error(path, source))
}

/// Brings the tables up to date and signs the file.
pub(crate) async fn migrate(path: &Path, connections: &Connections, now: DateTime<Utc>) -> Result<(), StoreError> {
    {
        let mut writer = connections.writer().await?;
        run(&mut writer).await.map_err(|source| migration_error(path, source))?;
    }
    let act = "sign the database";
    let mut transaction = connections.write(None).await?;
    sqlx::query(SIGN)
        .bind(now.timestamp_millis())
        .bind(env!("CARGO_PKG_VERSION"))
        .execute(&mut *transaction)
        .await
        .map_err(|error| StoreError::query(act, error))?;
    transaction.commit().await.map_err(|error| StoreError::query(act, error))
}

/// `Migrator::run` borrows in a way that keeps its future from being sent to another thread; this is its own way round that.
async fn run(connection: &mut SqliteConnection) -> Result<(), MigrateError> {
    MIGRATIONS.run_direct(None, connection, false).await
}

fn migration_error(path: &Path, source: MigrateError) -> StoreError {
    match StoreError::query("bring the database up to date", source) {
        StoreError::Query { source, .. } => StoreError::Migrate { path: path.to_owned(), source },
        sorted => sorted,
    }
}

/// "EXTV"; migration 1 writes it into the file's header.
const APPLICATION_ID: i64 = 0x4558_5456;

const COUNT_TABLES: &str = "
SELECT count(*), count(*) FILTER (WHERE name = '_sqlx_migrations')
  FROM sqlite_schema
 WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";

const SIGN: &str = "
INSERT INTO installation (id, created_ms, opened_ms, opened_by)
VALUES (1, ?1, ?1, ?2)
    ON CONFLICT (id) DO UPDATE
   SET opened_ms = excluded.opened_ms, opened_by = excluded.opened_by";
