//! The database file while nobody has it open: we hold its lock.
//!
//! Does: tell how it is, copy it, put another in its place, open it.
//! Does not: choose among backups; the host does.
//! Invariant: while this value lives, no other host has the file open.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sqlx::{ConnectOptions, Connection};

use crate::{
    EngineError, PoolSettings, Store, StoreError,
    connections::{Connections, base_options},
    examine::{examine, first_fault},
    instance_lock::InstanceLock,
    schema, snapshot, swap,
};

/// The database file while nobody has it open.
#[derive(Debug)]
pub struct ClosedDatabase {
    path: PathBuf,
    lock: InstanceLock,
}

/// How a database file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// There is none yet, or an empty file.
    Absent,
    /// It can be opened as it is.
    Current,
    /// Its tables must be brought up to date first.
    Older {
        /// Its version.
        found: i64,
        /// The version that this program brings it to.
        supported: i64,
    },
    /// It is not whole.
    Damaged {
        /// What SQLite found first.
        fault: String,
    },
}

impl ClosedDatabase {
    /// Takes the lock of the file at `path`, creating the folders above it; tidies up what a swap that was killed left.
    ///
    /// # Errors
    /// Names who has the file open, or what is wrong with the folder.
    pub fn lock(path: &Path) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .map_err(|source| StoreError::CreateFolder { path: folder.to_owned(), source })?;
        }
        let lock = InstanceLock::acquire(path)?;
        swap::clean_up(path).map_err(|source| StoreError::Replace { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), lock })
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks at the whole file.
    ///
    /// # Errors
    /// If it is another program's or a newer version's, or cannot be read; it is left as it was.
    pub async fn condition(&self) -> Result<Condition, StoreError> {
        condition_of(&self.path).await
    }

    /// Copies the database to `into`, which must not exist.
    ///
    /// # Errors
    /// Fails when the database or the disk does.
    pub async fn snapshot(&self, into: &Path) -> Result<(), StoreError> {
        snapshot::snapshot(&self.path, into).await
    }

    /// Returns where a file is to be prepared that is to be put in place.
    pub fn staging_place(&self) -> PathBuf {
        swap::staging_place(&self.path)
    }

    /// Puts a staged file in place after its tables were brought up to date; a damaged old one is kept under the name `aside`.
    ///
    /// # Errors
    /// If the staged file cannot be used; then the old one is in its place as before.
    #[tracing::instrument(name = "db.file.install", skip_all, fields(path = %self.path.display()))]
    pub async fn install(&self, staged: &Path, aside: Option<&Path>, now: DateTime<Utc>) -> Result<(), StoreError> {
        prepare(staged).await?;
        if aside.is_none() {
            self.fold_log().await?;
        }
        let replaced = swap::put_in_place(&self.path, staged).map_err(|source| self.not_replaced(source))?;
        if let Err(error) = self.try_out(now).await {
            replaced.undo().map_err(|source| self.not_replaced(source))?;
            return Err(StoreError::Unusable(Box::new(error)));
        }
        let done = match aside {
            Some(name) => replaced.set_aside(name),
            None => replaced.forget(),
        };
        done.map_err(|source| self.not_replaced(source))
    }

    /// A host that was killed leaves changes in the log that belong into the file.
    async fn fold_log(&self) -> Result<(), StoreError> {
        if self.path.exists() {
            Connections::open(&self.path, PoolSettings::default()).await?.close().await;
        }
        Ok(())
    }

    async fn try_out(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let connections = Connections::open(&self.path, PoolSettings::default()).await?;
        let migrated = schema::migrate(&self.path, &connections, now).await;
        connections.close().await;
        migrated
    }

    fn not_replaced(&self, source: std::io::Error) -> StoreError {
        StoreError::Replace { path: self.path.clone(), source }
    }

    /// Opens the database, creating it where there is none; brings its tables up to date.
    ///
    /// # Errors
    /// Says what is wrong with the path, the file or its version, and what to do about it; such a file is left as it was.
    pub async fn open(self, settings: PoolSettings, now: DateTime<Utc>) -> Result<Store, StoreError> {
        schema::inspect(&self.path).await?;
        let connections = Connections::open(&self.path, settings).await?;
        schema::migrate(&self.path, &connections, now).await?;
        Store::opened(connections, self.lock).await
    }
}

/// Looks at the whole file, whoever has it open.
///
/// # Errors
/// If it is another program's or a newer version's, or cannot be read; it is left as it was.
#[tracing::instrument(name = "db.file.condition", level = "debug", skip_all, fields(path = %path.display()))]
pub async fn condition_of(path: &Path) -> Result<Condition, StoreError> {
    if path.metadata().map_or(0, |about| about.len()) == 0 {
        return Ok(Condition::Absent);
    }
    match schema::inspect(path).await {
        Err(StoreError::NotADatabase { .. }) => return Ok(Condition::Damaged { fault: "it is no database".into() }),
        Err(StoreError::Corrupt { source, .. }) => return Ok(Condition::Damaged { fault: source.to_string() }),
        Err(error) => return Err(error),
        Ok(()) => {}
    }
    look_inside(path).await.map_err(|error| StoreError::open(path, error))
}

async fn look_inside(path: &Path) -> Result<Condition, EngineError> {
    let mut connection = base_options(path).connect().await?;
    let fault = first_fault(&mut connection, "PRAGMA quick_check(1)").await;
    let version = schema::version(&mut connection).await;
    connection.close().await?;
    if let Some(fault) = fault? {
        return Ok(Condition::Damaged { fault });
    }
    // A first start that was killed has no version yet.
    let (found, supported) = (version.unwrap_or(0), schema::newest());
    let older = found > 0 && found < supported;
    Ok(if older { Condition::Older { found, supported } } else { Condition::Current })
}

/// Brings the tables of a staged file up to date, and looks at all of it once more: from here on nothing about it can surprise.
pub(crate) async fn prepare(staged: &Path) -> Result<(), StoreError> {
    schema::migrate_file(staged).await?;
    examine(staged).await?;
    Ok(())
}
