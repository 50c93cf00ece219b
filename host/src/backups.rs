//! Backups of the database: made by themselves and on request, verified, restored.
//!
//! Does: let one job at a time run to its end, tell its progress, make backups when they are due, remove what retention chooses.
//! Does not: know how a database is copied or swapped (the store does), or which backups go (`exstreamtv_core::backup` does).
//! Invariant: whatever is listed is whole: a backup gets its name only after it was written, synced and read again.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::TimeDelta;
use exstreamtv_core::backup::{BackupId, BackupKind, Retention};
use exstreamtv_store::Store;
use futures::{FutureExt, future::BoxFuture};
use tokio::sync::{Mutex, OwnedMutexGuard, broadcast, watch};

use crate::{clock::Clock, lifecycle::Lifecycle};

mod disk;
mod error;
mod folder;
mod info;
mod job;
mod keeper;
pub mod opening;
mod pack;
pub mod progress;

pub use disk::free_bytes;
pub use error::{BackupError, Fault, code_of};
pub use folder::Folder;
pub use info::BackupInfo;
pub use job::{Job, Live};
use progress::{Progress, Reporter};

/// What backups go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether they are made by themselves.
    pub enabled: bool,
    /// Where they are kept.
    pub folder: PathBuf,
    /// How much time lies between two of them.
    pub interval: TimeDelta,
    /// What is kept.
    pub retention: Retention,
    /// Whether they are compressed.
    pub compress: bool,
}

/// The backups of a running server; clones share one.
#[derive(Clone)]
pub struct Backups {
    store: Store,
    clock: Arc<dyn Clock>,
    life: Lifecycle,
    settings: watch::Receiver<Settings>,
    turn: Arc<Mutex<()>>,
    reporter: Reporter,
    restored: watch::Sender<u64>,
}

impl Backups {
    /// Starts looking after backups.
    pub fn start(store: Store, clock: Arc<dyn Clock>, settings: watch::Receiver<Settings>, life: &Lifecycle) -> Self {
        let backups = Self {
            store,
            clock,
            life: life.clone(),
            settings,
            turn: Arc::default(),
            reporter: Reporter::default(),
            restored: watch::Sender::new(0),
        };
        life.spawn(keeper::keep(backups.clone()));
        backups
    }

    /// Returns every backup, newest first.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub async fn list(&self) -> Result<Vec<BackupInfo>, BackupError> {
        let folder = self.folder();
        self.blocking(move || folder.list()).await
    }

    /// Returns one backup.
    ///
    /// # Errors
    /// If there is none of this name, or the folder cannot be read.
    pub async fn find(&self, id: BackupId) -> Result<BackupInfo, BackupError> {
        let folder = self.folder();
        self.blocking(move || folder.find(id)).await
    }

    /// Makes a backup.
    ///
    /// # Errors
    /// If the disk is full or fails; then nothing was added, and nothing lost.
    pub async fn create(&self, kind: BackupKind) -> Result<BackupInfo, BackupError> {
        self.run(move |backups, job| {
            let work = async move {
                let made = job.create(&Live::Open(&backups.store), kind, backups.clock.now()).await;
                backups.retain(&job).await;
                made
            };
            work.boxed()
        })
        .await
    }

    /// Reads a backup from end to end, and remembers what came of it.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub async fn verify(&self, id: BackupId) -> Result<BackupInfo, BackupError> {
        self.run(move |_, job| async move { job.verify(id).await }.boxed()).await
    }

    /// Puts a backup in the place of the database, after a backup of the present state; returns that one. Channels on air go on.
    ///
    /// # Errors
    /// If the backup cannot be used, or the disk fails; then the database is as it was before.
    pub async fn restore(&self, id: BackupId) -> Result<BackupInfo, BackupError> {
        self.run(move |backups, job| {
            let work = async move {
                let before = job.restore(&Live::Open(&backups.store), id, backups.clock.now()).await?;
                backups.restored.send_modify(|count| *count += 1);
                backups.retain(&job).await;
                Ok(before)
            };
            work.boxed()
        })
        .await
    }

    /// Removes a backup.
    ///
    /// # Errors
    /// If there is none of this name, or the disk fails.
    pub async fn remove(&self, id: BackupId) -> Result<(), BackupError> {
        self.run(move |_, job| async move { job.remove(id).await }.boxed()).await
    }

    /// Tells how jobs go on.
    pub fn progress(&self) -> broadcast::Receiver<Progress> {
        self.reporter.subscribe()
    }

    /// Changes after each restore: whatever was read from the database before is old.
    pub fn restored(&self) -> watch::Receiver<u64> {
        self.restored.subscribe()
    }

    /// Returns what backups go by at the moment.
    pub fn settings(&self) -> Settings {
        self.settings.borrow().clone()
    }

    fn folder(&self) -> Folder {
        Folder::new(&self.settings.borrow().folder)
    }

    /// Runs a job in its turn and to its end, whether or not anybody still waits for it.
    async fn run<T, W>(&self, work: W) -> Result<T, BackupError>
    where
        T: Send + 'static,
        W: FnOnce(Self, Job) -> BoxFuture<'static, Result<T, BackupError>> + Send + 'static,
    {
        let turn = self.turn().await?;
        let job = Job::new(self.settings(), self.reporter.clone(), self.life.clone());
        let backups = self.clone();
        let running = self.life.spawn(async move {
            let done = work(backups, job).await;
            drop(turn);
            done
        });
        running.await.map_err(|_| BackupError::Stopping)?
    }

    async fn turn(&self) -> Result<OwnedMutexGuard<()>, BackupError> {
        let stopping = self.life.stopping();
        tokio::select! {
            biased;
            () = stopping.cancelled() => Err(BackupError::Stopping),
            turn = Arc::clone(&self.turn).lock_owned() => Ok(turn),
        }
    }

    /// A backup that cannot be removed is no reason to call a new one a failure.
    async fn retain(&self, job: &Job) {
        if let Err(error) = job.retain(self.clock.now()).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "old backups could not be removed");
        }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
    ) -> Result<T, BackupError> {
        self.life.spawn_blocking(work).await.map_err(|_| BackupError::Stopping)?
    }
}

/// Returns the name under which a damaged database is kept.
pub fn name_of_damaged(database: &Path, now: chrono::DateTime<chrono::Utc>) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(format!(".damaged-{}", now.format("%Y%m%d_%H%M%S")));
    name.into()
}

#[cfg(test)]
mod tests;
