//! Opens the database at the start of a server: whole, of our version, backed up before its tables change.
//!
//! Does: refuse a damaged database and name the backup that can replace it, or let that replace it where it was told to.
//! Does not: throw a damaged database away; it is kept beside the new one.
//! Invariant: tables are never brought up to date before the old state is safe.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use exstreamtv_core::backup::{BackupId, BackupKind};
use exstreamtv_store::{ClosedDatabase, Condition, PoolSettings, Store, StoreError};

use super::{BackupError, Folder, Job, Live, Settings, name_of_damaged, progress::Reporter};
use crate::lifecycle::Lifecycle;

/// How a database is opened.
pub struct Opening<'a> {
    /// The file.
    pub database: &'a Path,
    /// Where its backups are.
    pub settings: &'a Settings,
    /// How its connections are waited for.
    pub pool: PoolSettings,
    /// Whether a backup may take a damaged one's place.
    pub restore_if_corrupt: bool,
}

/// Why a database cannot be opened; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is damaged, and nobody said that a backup may replace it.
    #[error("use the database {}: it is damaged ({fault}); {}", .path.display(), advice(.offer.as_ref()))]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What SQLite found.
        fault: String,
        /// The newest good backup.
        offer: Option<BackupId>,
    },
    /// It is damaged, and no backup can replace it.
    #[error("replace the damaged database {} by a backup: none of {tried} in {} can be used", .path.display(), .folder.display())]
    NoGood {
        /// Which.
        path: PathBuf,
        /// Where backups are.
        folder: PathBuf,
        /// How many were tried.
        tried: usize,
        /// Why the last one could not be used.
        #[source]
        source: Option<Box<BackupError>>,
    },
    /// The old state cannot be made safe.
    #[error("back up the database {} before its tables are brought up to date; it is as it was", .path.display())]
    Safety {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: BackupError,
    },
    /// It cannot be opened for another reason.
    #[error("use the database {}", .path.display())]
    Store {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: StoreError,
    },
}

impl Opening<'_> {
    /// Opens the database, creating it where there is none.
    ///
    /// # Errors
    /// Says what is wrong and what to do about it; the database is as it was before.
    pub async fn open(&self, now: DateTime<Utc>) -> Result<Store, OpenError> {
        let failed = |source| OpenError::Store { path: self.database.to_owned(), source };
        let closed = ClosedDatabase::lock(self.database).map_err(failed)?;
        match closed.condition().await.map_err(failed)? {
            Condition::Absent if self.is_emptied() => self.replace(&closed, "the file is empty".into(), now).await?,
            Condition::Absent | Condition::Current => {}
            Condition::Older { found, supported } => {
                tracing::info!(found, supported, "the tables of the database are brought up to date");
                let made = self.job().create(&Live::Closed(&closed), BackupKind::PreMigration, now).await;
                made.map_err(|source| OpenError::Safety { path: self.database.to_owned(), source })?;
            }
            Condition::Damaged { fault } => self.replace(&closed, fault, now).await?,
        }
        closed.open(self.pool, now).await.map_err(failed)
    }

    /// A file without a byte in it, where backups say that there was something.
    fn is_emptied(&self) -> bool {
        self.database.exists() && !self.good().is_empty()
    }

    async fn replace(&self, closed: &ClosedDatabase, fault: String, now: DateTime<Utc>) -> Result<(), OpenError> {
        let good = self.good();
        if !self.restore_if_corrupt {
            return Err(OpenError::Damaged { path: self.database.to_owned(), fault, offer: good.first().copied() });
        }
        let aside = name_of_damaged(self.database, now);
        let mut last = None;
        for id in &good {
            match self.job().replace_damaged(closed, *id, &aside, now).await {
                Ok(()) => {
                    tracing::warn!(
                        fault, backup.id = %id, kept = %aside.display(),
                        "the database was damaged and was replaced by a backup"
                    );
                    return Ok(());
                }
                Err(error) => last = Some(Box::new(error)),
            }
        }
        let (path, folder) = (self.database.to_owned(), self.settings.folder.clone());
        Err(OpenError::NoGood { path, folder, tried: good.len(), source: last })
    }

    /// Returns the backups that were found good, newest first.
    fn good(&self) -> Vec<BackupId> {
        let all = Folder::new(&self.settings.folder).list().unwrap_or_default();
        all.iter().filter(|info| info.verified).map(super::BackupInfo::id).collect()
    }

    fn job(&self) -> Job {
        Job::new(self.settings.clone(), Reporter::default(), Lifecycle::default())
    }
}

impl OpenError {
    /// Returns the exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Damaged { .. } | Self::NoGood { .. } => 65,
            Self::Safety { source, .. } => source.code(),
            Self::Store { source, .. } => super::error::code_of(source),
        }
    }
}

fn advice(offer: Option<&BackupId>) -> String {
    match offer {
        Some(id) => format!(
            "the newest good backup is {id}: `exstreamtv serve --restore-if-corrupt` or `exstreamtv backup restore {id}` puts it in place and keeps the damaged file"
        ),
        None => "there is no backup; move the file away to begin anew".into(),
    }
}
