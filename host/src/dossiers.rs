//! What is known about every failure, in a folder for each.
//!
//! Does: take failures without making anybody wait, write them down, keep the newest, show them.
//! Does not: find out what went wrong (the caller names the cause), or try anything again.
//! Invariant: a disk that is full, slow or gone costs dossiers and nothing else; never more is kept than the limits allow.

use std::{
    fmt,
    path::PathBuf,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use exstreamtv_model::{
    Cause, ChannelId, PlayOrder, RunId,
    health::{Progress, RunEnd, Vitals},
};
use exstreamtv_worker_protocol::Testimony;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};
use utoipa::ToSchema;

use crate::lifecycle::Lifecycle;

pub mod archive;
pub mod casebook;
mod clerk;
pub mod folder;
pub mod shelf;

pub use casebook::Casebook;
use clerk::{Clerk, Job};
pub use folder::{Dossier, DossierError, Summary};
pub use shelf::Limits;

/// Failures that wait to be written; more at once are counted and dropped.
const WAITING: usize = 64;

/// A run that failed, and everything that is known about it.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Whose run.
    pub channel: ChannelId,
    /// Which run.
    pub run: RunId,
    /// When it was noticed, Unix milliseconds.
    pub at_ms: i64,
    /// What went wrong, in one word.
    pub cause: Cause,
    /// What was seen, for people.
    pub why: String,
    /// What was to be played, with the probe.
    pub order: Option<Arc<PlayOrder>>,
    /// How FFmpeg was called.
    pub command_line: Vec<String>,
    /// How it ended, once that is known.
    pub end: Option<RunEnd>,
    /// When what happened.
    pub timings: Timings,
    /// How far it was.
    pub progress: Option<Progress>,
    /// What the worker used when it was last measured.
    pub vitals: Option<Vitals>,
    /// What the worker says about it, once it has.
    pub testimony: Option<Testimony>,
}

/// When what happened to a run, Unix milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Timings {
    /// The worker was told.
    pub ordered_ms: Option<i64>,
    /// FFmpeg ran.
    pub started_ms: Option<i64>,
    /// The first byte came.
    pub first_byte_ms: Option<i64>,
    /// FFmpeg said last how far it was.
    pub last_progress_ms: Option<i64>,
    /// FFmpeg was gone.
    pub ended_ms: Option<i64>,
}

/// Names a dossier; sorts by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
pub struct DossierId(String);

/// Text that names no dossier.
#[derive(Debug, thiserror::Error)]
#[error("read {0:?} as the name of a dossier")]
pub struct NoDossierId(String);

impl DossierId {
    /// Names the dossier of a run; `serial` tells those of one moment apart.
    pub fn new(at_ms: i64, serial: u64, channel: ChannelId, run: RunId) -> Self {
        Self(format!("{:014}-{:06}-{channel}-{run}", at_ms.max(0), serial % 1_000_000))
    }
}

impl fmt::Display for DossierId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An id is the name of a folder: nothing but digits and dashes leads nowhere else.
impl FromStr for DossierId {
    type Err = NoDossierId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let whole = text.split('-').filter(|part| !part.is_empty()).count() == 4;
        if plain && whole && text.len() <= 80 { Ok(Self(text.to_owned())) } else { Err(NoDossierId(text.to_owned())) }
    }
}

impl TryFrom<String> for DossierId {
    type Error = NoDossierId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<DossierId> for String {
    fn from(id: DossierId) -> Self {
        id.0
    }
}

/// The dossiers of this host. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Dossiers {
    folder: PathBuf,
    jobs: mpsc::Sender<Job>,
    serial: Arc<AtomicU64>,
    dropped: Arc<AtomicU64>,
    life: Lifecycle,
}

impl Dossiers {
    /// Keeps dossiers in `folder`, which need not be there.
    pub fn start(folder: PathBuf, limits: watch::Receiver<Limits>, life: &Lifecycle) -> Self {
        let (jobs, inbox) = mpsc::channel(WAITING);
        life.spawn(Clerk::new(folder.clone(), limits, life.clone()).run(inbox));
        Self { folder, jobs, serial: Arc::default(), dropped: Arc::default(), life: life.clone() }
    }

    /// Files a failure. Never waits and never fails: what cannot be written is missing, and counted.
    pub fn file(&self, failure: Failure) -> DossierId {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let id = DossierId::new(failure.at_ms, serial, failure.channel, failure.run);
        self.amend(&id, failure);
        id
    }

    /// Files what has become known about a failure since; the dossier becomes what `failure` says.
    pub fn amend(&self, id: &DossierId, failure: Failure) {
        if self.jobs.try_send(Job::Write(id.clone(), Box::new(failure))).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(dossier.id = %id, "too many failures at once; a dossier is not written");
        }
    }

    /// Returns how many dossiers were not written because too many came at once.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Returns a book for the runs of a channel; `now_ms` is the wall time of this moment.
    pub fn casebook(&self, channel: ChannelId, now_ms: i64) -> Casebook {
        Casebook::new(self.clone(), channel, now_ms)
    }

    /// Returns the dossiers of one channel or of all, newest first.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub async fn list(&self, channel: Option<ChannelId>) -> Result<Vec<Summary>, DossierError> {
        let folder = self.folder.clone();
        self.blocking(move || folder::list(&folder, channel)).await
    }

    /// Returns a dossier, or `None` if there is none with this name.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn find(&self, id: DossierId) -> Result<Option<Dossier>, DossierError> {
        let folder = self.folder.clone();
        self.blocking(move || folder::read(&folder, &id)).await
    }

    /// Returns a dossier as one file, or `None` if there is none with this name.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn archive(&self, id: DossierId) -> Result<Option<Vec<u8>>, DossierError> {
        let folder = self.folder.clone();
        self.blocking(move || archive::pack(&folder, &id)).await
    }

    /// Removes a dossier; returns whether it was there.
    pub async fn remove(&self, id: DossierId) -> bool {
        let (done, removed) = oneshot::channel();
        let sent = self.jobs.send(Job::Remove(id, done)).await;
        sent.is_ok() && removed.await.unwrap_or(false)
    }

    /// Waits until everything that was filed before is written, or given up.
    pub async fn settled(&self) {
        let (done, settled) = oneshot::channel();
        if self.jobs.send(Job::Settle(done)).await.is_ok() {
            // A clerk that is gone has nothing left to write.
            _ = settled.await;
        }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, DossierError> + Send + 'static,
    ) -> Result<T, DossierError> {
        self.life.spawn_blocking(work).await.map_err(|_| DossierError::Stopping)?
    }
}

#[cfg(test)]
mod tests;
