//! Writes dossiers, one after the other, and throws the oldest ones away.
//!
//! Does: own the folder; everything that changes it goes through here.
//! Does not: make anybody wait who reports a failure.
//! Invariant: what cannot be written is given up; the next one is tried anew.

use std::{mem, path::PathBuf};

use tokio::sync::{mpsc, oneshot, watch};

use super::{
    DossierError, DossierId, Failure,
    folder::{self, Draft},
    shelf::{Limits, Shelf},
};
use crate::lifecycle::Lifecycle;

/// What the clerk can be asked for.
#[derive(Debug)]
pub enum Job {
    /// Write this failure down, in place of what was known before.
    Write(DossierId, Box<Failure>),
    /// Throw a dossier away; answered by whether it was there.
    Remove(DossierId, oneshot::Sender<bool>),
    /// Say when everything before this is done.
    Settle(oneshot::Sender<()>),
}

/// The one who writes.
pub struct Clerk {
    desk: Option<Desk>,
    limits: watch::Receiver<Limits>,
    life: Lifecycle,
}

/// What goes to the blocking pool and comes back.
struct Desk {
    folder: PathBuf,
    /// What is there; read with the first job.
    shelf: Option<Shelf>,
    /// Whether the last attempt failed: a disk that is full is told once.
    failing: bool,
}

impl Clerk {
    /// Returns a clerk for this folder.
    pub fn new(folder: PathBuf, limits: watch::Receiver<Limits>, life: Lifecycle) -> Self {
        Self { desk: Some(Desk { folder, shelf: None, failing: false }), limits, life }
    }

    /// Works until the host ends; what has come in by then is still written.
    pub async fn run(mut self, mut inbox: mpsc::Receiver<Job>) {
        let stopping = self.life.stopping();
        loop {
            let job = tokio::select! {
                biased;
                job = inbox.recv() => job,
                () = stopping.cancelled() => return,
            };
            match job {
                Some(job) => self.work(job).await,
                None => return,
            }
        }
    }

    /// On the blocking pool: the disk may be slow.
    async fn work(&mut self, job: Job) {
        let Some(mut desk) = self.desk.take() else { return };
        let limits = *self.limits.borrow();
        let worked = self.life.spawn_blocking(move || {
            desk.work(job, limits);
            desk
        });
        self.desk = worked.await.ok();
    }
}

impl Desk {
    fn work(&mut self, job: Job, limits: Limits) {
        let mut shelf = self.shelf.take().unwrap_or_else(|| folder::shelf(&self.folder));
        match job {
            Job::Write(id, failure) => {
                let written = self.write(&mut shelf, &id, &failure, limits);
                self.tell(&id, written);
            }
            Job::Remove(id, done) => {
                // Whoever asked may be gone.
                _ = done.send(shelf.remove(&id) && folder::remove(&self.folder, &id).is_ok());
            }
            Job::Settle(done) => _ = done.send(()),
        }
        self.shelf = Some(shelf);
    }

    fn write(&self, shelf: &mut Shelf, id: &DossierId, failure: &Failure, limits: Limits) -> Result<(), DossierError> {
        if limits.kept == 0 {
            self.discard(shelf.clear(limits));
            return Ok(());
        }
        let draft = Draft::of(id, failure);
        let bytes = match draft.write(&self.folder) {
            Ok(bytes) => bytes,
            Err(error) => self.write_into_room(shelf, &draft, error)?,
        };
        self.discard(shelf.put(id.clone(), bytes, limits));
        Ok(())
    }

    /// Where the disk is full the newest failure is worth more than the oldest.
    fn write_into_room(&self, shelf: &mut Shelf, draft: &Draft, error: DossierError) -> Result<u64, DossierError> {
        let room = error.is_disk_full().then(|| shelf.oldest()).flatten();
        match room {
            Some(oldest) => {
                self.discard(vec![oldest]);
                draft.write(&self.folder)
            }
            None => Err(error),
        }
    }

    fn discard(&self, gone: Vec<DossierId>) {
        for id in gone {
            if let Err(error) = folder::remove(&self.folder, &id) {
                tracing::debug!(dossier.id = %id, error = &error as &dyn std::error::Error, "an old dossier stays");
            }
        }
    }

    fn tell(&mut self, id: &DossierId, written: Result<(), DossierError>) {
        let failed_before = mem::replace(&mut self.failing, written.is_err());
        match written {
            Ok(()) => tracing::debug!(dossier.id = %id, "a failure is on file"),
            Err(error) if failed_before => {
                tracing::debug!(dossier.id = %id, error = &error as &dyn std::error::Error, "a dossier is not written");
            }
            Err(error) => {
                tracing::warn!(dossier.id = %id, error = &error as &dyn std::error::Error, "dossiers cannot be written");
            }
        }
    }
}
