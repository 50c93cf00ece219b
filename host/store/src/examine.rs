//! Looks at a database file that nobody has open: is it ours, whole, and of which version?
//!
//! Does: read it from end to end, count rows.
//! Does not: change anything, or leave files beside it.
//! Invariant: a file that passes can be opened by this program, at most after its tables were brought up to date.

use std::{collections::BTreeMap, path::Path};

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{EngineError, schema};

/// What is in a database file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// The number of its newest migration.
    pub schema_version: i64,
    /// The program that opened it last.
    pub opened_by: Option<String>,
    /// How many rows each table has.
    pub rows: BTreeMap<String, u64>,
}

/// Why a file cannot be used as our database; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum ExamineError {
    /// It is something else.
    #[error("use the file as a database: it is none")]
    NotADatabase,
    /// It is another program's.
    #[error("use the file as a database: it belongs to another program")]
    Foreign,
    /// A newer version of this program has written it.
    #[error(
        "use the database in it: it has schema version {found}, this program knows up to {supported}; install the newer version"
    )]
    NewerSchema {
        /// The file's version.
        found: i64,
        /// The newest version this program knows.
        supported: i64,
    },
    /// It is not whole.
    #[error("use the database in it: it is damaged ({fault})")]
    Damaged {
        /// What SQLite found first.
        fault: String,
    },
    /// It cannot be read.
    #[error("read the database")]
    Read(#[source] EngineError),
}

/// Reads a database file from end to end.
///
/// # Errors
/// Says why it is not a database that this program can open.
#[tracing::instrument(name = "db.file.examine", level = "debug", skip_all, fields(path = %path.display()))]
pub async fn examine(path: &Path) -> Result<Examined, ExamineError> {
    // Immutable: no lock is taken and no log looked for, so nothing is left behind.
    let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
    let mut connection = options.connect().await.map_err(sorted)?;
    let examined = examine_open(&mut connection).await;
    // It was only read, so a failure to close it costs nothing.
    let _ = connection.close().await;
    examined
}

async fn examine_open(connection: &mut SqliteConnection) -> Result<Examined, ExamineError> {
    let signature = schema::signature(connection).await.map_err(sorted)?;
    if !signature.is_ours {
        return Err(ExamineError::Foreign);
    }
    // Only a whole file says its version for sure, but a newer one may use what this SQLite does not know.
    let (found, supported) = (schema::version(connection).await.map_err(sorted)?, schema::newest());
    if found > supported {
        return Err(ExamineError::NewerSchema { found, supported });
    }
    if let Some(fault) = first_fault(connection, "PRAGMA integrity_check(1)").await.map_err(sorted)? {
        return Err(ExamineError::Damaged { fault });
    }
    let opened_by = schema::opened_by(connection).await;
    Ok(Examined { schema_version: found, opened_by, rows: count_rows(connection).await.map_err(sorted)? })
}

/// Returns the first thing that a check of SQLite's finds.
pub(crate) async fn first_fault(
    connection: &mut SqliteConnection,
    check: &'static str,
) -> Result<Option<String>, EngineError> {
    let found: Result<String, sqlx::Error> = sqlx::query_scalar(check).fetch_one(connection).await;
    match found.map_err(EngineError::from) {
        Ok(verdict) if verdict == "ok" => Ok(None),
        Ok(fault) => Ok(Some(fault.lines().next_back().unwrap_or_default().to_owned())),
        Err(error) if error.is_damage() => Ok(Some(error.to_string())),
        Err(error) => Err(error),
    }
}

async fn count_rows(connection: &mut SqliteConnection) -> Result<BTreeMap<String, u64>, sqlx::Error> {
    let names: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(&mut *connection).await?;
    let mut rows = BTreeMap::new();
    for name in names {
        let statement = AssertSqlSafe(format!("SELECT count(*) FROM \"{}\"", name.replace('"', "\"\"")));
        let count: i64 = sqlx::query_scalar(statement).fetch_one(&mut *connection).await?;
        rows.insert(name, count.unsigned_abs());
    }
    Ok(rows)
}

fn sorted(error: impl Into<EngineError>) -> ExamineError {
    let error = error.into();
    match error {
        error if error.is_no_database() => ExamineError::NotADatabase,
        error if error.is_damage() => ExamineError::Damaged { fault: error.to_string() },
        error => ExamineError::Read(error),
    }
}

const TABLES: &str = "
SELECT name
  FROM sqlite_schema
 WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> '_sqlx_migrations'
 ORDER BY name";
