//! One job about backups, step by step.
//!
//! Does: copy, check, compress, read again; unpack, check, replace; remove what retention chooses.
//! Does not: keep two jobs apart; who calls has the turn.
//! Invariant: a job that fails, or is killed at any moment, leaves every backup and the database as they were.

use std::{
    io,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use exstreamtv_core::backup::{BackupId, BackupKind, Kept};
use exstreamtv_store::{ClosedDatabase, ExamineError, Examined, Store, StoreError, examine};

use super::{
    BackupError, BackupInfo, Fault, Folder, Settings, disk,
    pack::{self, Passed},
    progress::{Progress, Reporter, Step},
};
use crate::lifecycle::Lifecycle;

/// The database that is backed up or replaced.
pub enum Live<'a> {
    /// A server has it open: us.
    Open(&'a Store),
    /// Nobody has it open.
    Closed(&'a ClosedDatabase),
}

/// One job.
pub struct Job {
    settings: Settings,
    folder: Folder,
    reporter: Reporter,
    life: Lifecycle,
}

/// Tells how one job goes on.
#[derive(Clone)]
struct Track {
    reporter: Reporter,
    job: &'static str,
    id: BackupId,
}

impl Live<'_> {
    fn path(&self) -> PathBuf {
        match self {
            Self::Open(store) => store.path(),
            Self::Closed(closed) => closed.path().to_owned(),
        }
    }

    async fn snapshot(&self, into: &Path) -> Result<(), StoreError> {
        match self {
            Self::Open(store) => store.snapshot(into).await,
            Self::Closed(closed) => closed.snapshot(into).await,
        }
    }

    fn staging_place(&self) -> PathBuf {
        match self {
            Self::Open(store) => store.staging_place(),
            Self::Closed(closed) => closed.staging_place(),
        }
    }

    async fn replace(&self, staged: &Path, now: DateTime<Utc>) -> Result<(), StoreError> {
        match self {
            Self::Open(store) => store.replace(staged, now).await,
            Self::Closed(closed) => closed.install(staged, None, now).await,
        }
    }

    /// Returns the most bytes that a copy can have.
    fn bytes(&self) -> u64 {
        let path = self.path();
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let of = |path: &Path| std::fs::metadata(path).map_or(0, |about| about.len());
        of(&path) + of(Path::new(&log))
    }
}

impl Job {
    /// Prepares a job.
    pub fn new(settings: Settings, reporter: Reporter, life: Lifecycle) -> Self {
        let folder = Folder::new(&settings.folder);
        Self { settings, folder, reporter, life }
    }

    /// Makes a backup.
    ///
    /// # Errors
    /// If the disk is full or fails; then nothing was added, and nothing lost.
    pub async fn create(
        &self,
        live: &Live<'_>,
        kind: BackupKind,
        now: DateTime<Utc>,
    ) -> Result<BackupInfo, BackupError> {
        let folder = self.folder.clone();
        let id = self.blocking(move || folder.tidy().and_then(|()| folder.free(BackupId::new(now, kind)))).await?;
        let track = self.track("create", id);
        let made = self.make(live, &track).await;
        if made.is_err() {
            // What is left is only in the way; the next job tries again.
            let folder = self.folder.clone();
            let _ = self.blocking(move || folder.tidy()).await;
        }
        track.end(&made);
        let info = made?;
        tracing::info!(backup.id = info.id, size_bytes = info.size_bytes, "backup made");
        Ok(info)
    }

    async fn make(&self, live: &Live<'_>, track: &Track) -> Result<BackupInfo, BackupError> {
        let needed = live.bytes();
        self.expect_room(self.folder.path(), needed)?;
        let copy = self.folder.partial("copy.db");
        track.step(Step::Snapshot);
        let copied = live.snapshot(&copy).await;
        copied.map_err(|error| self.no_space_or(error, needed))?;
        track.step(Step::Check);
        let examined = examine(&copy).await.map_err(|error| unfit(track.id, error))?;
        let info = BackupInfo::of_file(track.id, self.settings.compress, 0).examined(examined);
        let (folder, track) = (self.folder.clone(), track.clone());
        self.blocking(move || finish(&folder, &copy, info, &track)).await
    }

    /// Reads a backup from end to end, and remembers what came of it.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub async fn verify(&self, id: BackupId) -> Result<BackupInfo, BackupError> {
        let folder = self.folder.clone();
        let info = self.blocking(move || folder.tidy().and_then(|()| folder.find(id))).await?;
        let (track, unpacked) = (self.track("verify", id), self.folder.partial("verify.db"));
        let verified = self.look_into(&info, &unpacked, &track, Step::Verify).await;
        let folder = self.folder.clone();
        let verdict = match &verified {
            Ok(info) => Some(info.clone()),
            Err(BackupError::Unfit { fault, .. }) => {
                Some(BackupInfo { verified: false, fault: Some(fault.to_string()), ..info })
            }
            // Nothing is known of the backup when the disk fails.
            Err(_) => None,
        };
        let noted = self.blocking(move || {
            folder.remove_file(&unpacked)?;
            verdict.map_or(Ok(()), |info| folder.write_sidecar(&info))
        });
        let noted = noted.await;
        track.end(&verified);
        let info = verified?;
        noted?;
        Ok(info)
    }

    /// Puts a backup in the place of the database, after a backup of the present state; returns that one.
    ///
    /// # Errors
    /// If the backup cannot be used, or the disk fails; then the database is as it was before.
    pub async fn restore(&self, live: &Live<'_>, id: BackupId, now: DateTime<Utc>) -> Result<BackupInfo, BackupError> {
        let track = self.track("restore", id);
        let staged = live.staging_place();
        let restored = self.try_restore(live, &staged, &track, now).await;
        // After a success it is gone already.
        let _ = std::fs::remove_file(&staged);
        track.end(&restored);
        let before = restored?;
        tracing::warn!(backup.id = %id, before = before.id, "the database was replaced by a backup");
        Ok(before)
    }

    async fn try_restore(
        &self,
        live: &Live<'_>,
        staged: &Path,
        track: &Track,
        now: DateTime<Utc>,
    ) -> Result<BackupInfo, BackupError> {
        self.stage(track.id, staged, track).await?;
        let before = self.create(live, BackupKind::PreRestore, now).await;
        let before = before.map_err(|error| BackupError::Safety(Box::new(error)))?;
        track.step(Step::Replace);
        live.replace(staged, now).await?;
        Ok(before)
    }

    /// Puts a backup in the place of a damaged database, which is kept under the name `aside`.
    ///
    /// # Errors
    /// If the backup cannot be used, or the disk fails; then the damaged database is where it was.
    pub async fn replace_damaged(
        &self,
        closed: &ClosedDatabase,
        id: BackupId,
        aside: &Path,
        now: DateTime<Utc>,
    ) -> Result<(), BackupError> {
        let (track, staged) = (self.track("restore", id), closed.staging_place());
        self.stage(id, &staged, &track).await?;
        track.step(Step::Replace);
        let installed = closed.install(&staged, Some(aside), now).await.map_err(BackupError::from);
        track.end(&installed);
        installed
    }

    /// Unpacks a backup to where it can be put in place, and makes sure of it.
    async fn stage(&self, id: BackupId, staged: &Path, track: &Track) -> Result<(), BackupError> {
        let folder = self.folder.clone();
        let info = self.blocking(move || folder.find(id)).await?;
        self.look_into(&info, staged, track, Step::Unpack).await?;
        Ok(())
    }

    /// Unpacks a backup, and compares everything with what was written down.
    async fn look_into(
        &self,
        info: &BackupInfo,
        unpacked: &Path,
        track: &Track,
        step: Step,
    ) -> Result<BackupInfo, BackupError> {
        let id = track.id;
        let needed = info.database_bytes.unwrap_or(info.size_bytes);
        self.expect_room(unpacked.parent().unwrap_or(Path::new(".")), needed)?;
        let (file, target) = (self.folder.path().join(&info.file), unpacked.to_owned());
        let (info, track) = (info.clone(), track.clone());
        let info = self.blocking(move || unpack(&file, &target, info, &track, step)).await?;
        let examined = examine(unpacked).await.map_err(|error| unfit(id, error))?;
        if let Some(fault) = other_rows(&info, &examined) {
            return Err(BackupError::Unfit { id, fault });
        }
        Ok(BackupInfo { verified: true, fault: None, ..info.examined(examined) })
    }

    /// Removes a backup.
    ///
    /// # Errors
    /// If there is none of this name, or the disk fails.
    pub async fn remove(&self, id: BackupId) -> Result<(), BackupError> {
        let folder = self.folder.clone();
        self.blocking(move || folder.find(id).and_then(|info| folder.remove(&info))).await?;
        tracing::info!(backup.id = %id, "backup removed");
        Ok(())
    }

    /// Removes what retention chooses.
    ///
    /// # Errors
    /// If the disk fails.
    pub async fn retain(&self, now: DateTime<Utc>) -> Result<(), BackupError> {
        let (folder, rule) = (self.folder.clone(), self.settings.retention);
        let gone = self.blocking(move || {
            let all = folder.list()?;
            let kept: Vec<_> = all.iter().map(|info| Kept { id: info.id(), verified: info.verified }).collect();
            let gone = rule.expired(&kept, now);
            for info in all.iter().filter(|info| gone.contains(&info.id())) {
                folder.remove(info)?;
            }
            Ok(gone)
        });
        for id in gone.await? {
            tracing::info!(backup.id = %id, "old backup removed");
        }
        Ok(())
    }

    fn track(&self, job: &'static str, id: BackupId) -> Track {
        Track { reporter: self.reporter.clone(), job, id }
    }

    /// Says that there is no room before half of the work is done.
    fn expect_room(&self, folder: &Path, needed: u64) -> Result<(), BackupError> {
        match disk::free_bytes(folder) {
            Ok(free) if free < needed => Err(BackupError::NoSpace { folder: folder.to_owned(), needed, free }),
            // A system that does not say will say so when it is full.
            _ => Ok(()),
        }
    }

    fn no_space_or(&self, error: StoreError, needed: u64) -> BackupError {
        match error {
            StoreError::DiskFull { .. } => no_space(self.folder.path(), needed),
            other => BackupError::Store(other),
        }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
    ) -> Result<T, BackupError> {
        self.life.spawn_blocking(work).await.map_err(|_| BackupError::Stopping)?
    }
}

impl Track {
    fn step(&self, step: Step) {
        self.bytes(step, 0, 0);
    }

    fn bytes(&self, step: Step, done_bytes: u64, total_bytes: u64) {
        let (job, backup) = (self.job, self.id.to_string());
        self.reporter.tell(Progress { job, backup, step, done_bytes, total_bytes, error: None });
    }

    /// Tells every few megabytes.
    fn meter(&self, step: Step, total: u64) -> impl FnMut(u64) {
        let (track, mut told) = (self.clone(), 0);
        track.bytes(step, 0, total);
        move |done| {
            if done >= told + TOLD_EVERY || done == total {
                told = done;
                track.bytes(step, done, total);
            }
        }
    }

    fn end<T>(&self, result: &Result<T, BackupError>) {
        let (step, error) = match result {
            Ok(_) => (Step::Done, None),
            Err(error) => (Step::Failed, Some(chain(error))),
        };
        let (job, backup) = (self.job, self.id.to_string());
        self.reporter.tell(Progress { job, backup, step, done_bytes: 0, total_bytes: 0, error });
    }
}

/// Compresses a copy, reads it again, and gives it its name.
fn finish(folder: &Folder, copy: &Path, info: BackupInfo, track: &Track) -> Result<BackupInfo, BackupError> {
    let total = std::fs::metadata(copy).map_or(0, |about| about.len());
    let packed = if info.compressed { folder.partial("packed.db.gz") } else { copy.to_owned() };
    let write_error = |source: io::Error| match disk::is_full(&source) {
        true => no_space(folder.path(), total),
        false => BackupError::Write { path: packed.clone(), source },
    };
    let written = if info.compressed {
        pack::compress(copy, &packed, track.meter(Step::Pack, total)).map_err(write_error)?
    } else {
        std::fs::File::open(copy).and_then(|file| file.sync_all()).map_err(write_error)?;
        pack::hash(copy).map_err(|source| BackupError::Read { path: copy.to_owned(), source })?
    };
    let read_error = |source| BackupError::Read { path: packed.clone(), source };
    let again = pack::unpack(&packed, info.compressed, None, track.meter(Step::Verify, total)).map_err(read_error)?;
    if again != written {
        return Err(BackupError::Unfit { id: track.id, fault: Fault::Changed });
    }
    let file = pack::hash(&packed).map_err(read_error)?;
    let info = BackupInfo { verified: true, ..described(info, file, written) };
    folder.finish(&packed, &info)?;
    folder.remove_file(copy)?;
    Ok(info)
}

/// Unpacks a backup; fails unless it is what was written down.
fn unpack(file: &Path, target: &Path, info: BackupInfo, track: &Track, step: Step) -> Result<BackupInfo, BackupError> {
    let id = track.id;
    let read_error = |source| BackupError::Read { path: file.to_owned(), source };
    let whole = pack::hash(file).map_err(read_error)?;
    let total = info.database_bytes.unwrap_or(0);
    let inside = pack::unpack(file, info.compressed, Some(target), track.meter(step, total));
    let inside = inside.map_err(|source| match source.kind() {
        _ if disk::is_full(&source) => no_space(target.parent().unwrap_or(Path::new(".")), total),
        io::ErrorKind::UnexpectedEof => BackupError::Unfit { id, fault: Fault::Truncated },
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            BackupError::Unfit { id, fault: Fault::Packing(source.to_string()) }
        }
        _ => read_error(source),
    })?;
    let differs = |noted: &Option<String>, found: &str| noted.as_deref().is_some_and(|noted| noted != found);
    if differs(&info.sha256, &whole.sha256) || differs(&info.database_sha256, &inside.sha256) {
        return Err(BackupError::Unfit { id, fault: Fault::Changed });
    }
    Ok(described(info, whole, inside))
}

fn described(info: BackupInfo, file: Passed, inside: Passed) -> BackupInfo {
    BackupInfo {
        size_bytes: file.bytes,
        sha256: Some(file.sha256),
        database_bytes: Some(inside.bytes),
        database_sha256: Some(inside.sha256),
        ..info
    }
}

/// A backup of before this program was updated may lack tables, but those that it had it must have still.
fn other_rows(info: &BackupInfo, examined: &Examined) -> Option<Fault> {
    info.rows.iter().find_map(|(table, expected)| {
        let found = examined.rows.get(table).copied().unwrap_or(0);
        let (table, expected) = (table.clone(), *expected);
        (found != expected).then_some(Fault::Rows { table, found, expected })
    })
}

fn unfit(id: BackupId, error: ExamineError) -> BackupError {
    BackupError::Unfit { id, fault: Fault::Database(error) }
}

fn no_space(folder: &Path, needed: u64) -> BackupError {
    BackupError::NoSpace { folder: folder.to_owned(), needed, free: disk::free_bytes(folder).unwrap_or(0) }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text
}

const TOLD_EVERY: u64 = 4 << 20;
