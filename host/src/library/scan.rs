//! One scan of a root or of a folder in it.
//!
//! Does: walk on a blocking thread, compare with what is known, have a few files probed at a time, mark what vanished.
//! Does not: decide when to scan.
//! Invariant: memory does not grow with the library but for eight bytes per vanished file; files are saved as they come,
//! so a scan that is cut short loses nothing that it has done; nothing is marked missing before the walk has ended.

use std::{path::Path, sync::Arc};

use exstreamtv_library::{FoundFile, MediaWalk, WalkProblem};
use exstreamtv_model::MediaId;
use exstreamtv_store::{KnownFile, Store, StoreError};
use futures::{
    StreamExt,
    future::{BoxFuture, FutureExt},
    stream::FuturesUnordered,
};
use tokio::sync::{mpsc, watch};

use super::{
    findings::{Examiner, Outcome, chain},
    known::{KnownFiles, count_present, order},
    prober::Prober,
    queue::Target,
    status::{Notes, ScanStatus},
};
use crate::{clock::Clock, lifecycle::Lifecycle};

/// What every scan works with.
#[derive(Clone)]
pub(super) struct Desk {
    pub store: Store,
    pub prober: Arc<dyn Prober>,
    pub clock: Arc<dyn Clock>,
    pub life: Lifecycle,
    pub probe_concurrency: usize,
}

/// What a scan has to say at its end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ended {
    /// Whether the library is another one now.
    pub changed: bool,
    /// What people should know.
    pub notes: Notes,
}

type Probing = FuturesUnordered<BoxFuture<'static, Result<Outcome, StoreError>>>;

/// A scan under way.
pub(super) struct Scan {
    desk: Desk,
    target: Target,
    status: watch::Sender<ScanStatus>,
    known: KnownFiles,
    examiner: Examiner,
    probing: Probing,
    /// Known files that the walk did not meet.
    unmet: Vec<KnownFile>,
    vanished: Vec<MediaId>,
    root_unreadable: bool,
    ended: Ended,
}

/// How many unmet files are looked for at once.
const UNMET_BATCH: usize = 256;
/// How many found files may wait for the comparison.
const WALK_AHEAD: usize = 256;

impl Scan {
    /// Prepares a scan.
    pub fn new(desk: Desk, target: Target, status: watch::Sender<ScanStatus>) -> Self {
        Self {
            known: KnownFiles::below(desk.store.media(), &target.folder),
            examiner: Examiner::new(desk.clone(), &target.root),
            probing: Probing::new(),
            unmet: Vec::new(),
            vanished: Vec::new(),
            root_unreadable: false,
            ended: Ended::default(),
            desk,
            target,
            status,
        }
    }

    /// Scans; ends early when the host stops.
    pub async fn run(mut self) -> Ended {
        let stopping = self.desk.life.stopping();
        let done = tokio::select! {
            () = stopping.cancelled() => Ok(()),
            done = self.work() => done,
        };
        if let Err(error) = done {
            tracing::error!(root = %self.target.root.display(), error = &error as &dyn std::error::Error, "the scan was given up");
            self.ended.notes.add_first(format!("the scan was given up: {}", chain(&error)));
        }
        self.ended
    }

    async fn work(&mut self) -> Result<(), StoreError> {
        let mut walk = self.start_walk();
        loop {
            tokio::select! {
                Some(outcome) = self.probing.next() => self.count(outcome?),
                found = walk.recv(), if self.probing.len() < self.desk.probe_concurrency => match found {
                    Some(Ok(file)) => self.meet(file).await?,
                    Some(Err(problem)) => self.report(&problem),
                    None => break,
                },
            }
        }
        while let Some(outcome) = self.probing.next().await {
            self.count(outcome?);
        }
        while let Some(known) = self.known.next_up_to(None).await? {
            self.miss(known).await;
        }
        self.look_for_unmet().await;
        self.mark_missing().await
    }

    fn start_walk(&self) -> mpsc::Receiver<Result<FoundFile, WalkProblem>> {
        let (sender, receiver) = mpsc::channel(WALK_AHEAD);
        let folder = self.target.folder.clone();
        self.desk.life.spawn_blocking(move || {
            // Nobody listens any more when the scan was given up.
            MediaWalk::new(&folder, None).try_for_each(|item| sender.blocking_send(item)).ok()
        });
        receiver
    }

    /// Compares a found file with what is known.
    async fn meet(&mut self, file: FoundFile) -> Result<(), StoreError> {
        self.status.send_modify(|status| status.found += 1);
        while let Some(known) = self.known.next_up_to(Some(&file.path)).await? {
            if order(&known.path) == order(&file.path) {
                self.compare(known, file);
                return Ok(());
            }
            self.miss(known).await;
        }
        self.probing.push(self.examiner.clone().probe(file).boxed());
        Ok(())
    }

    fn compare(&mut self, known: KnownFile, file: FoundFile) {
        let is_same = known.size_bytes == file.size_bytes && known.mtime_ms == file.mtime_ms;
        let examiner = self.examiner.clone();
        match is_same {
            false => self.probing.push(examiner.probe(file).boxed()),
            true if known.missing || self.target.care.sidecars => {
                self.probing.push(examiner.refresh(known.id, file).boxed())
            }
            true => self.count(Outcome::Unchanged),
        }
    }

    fn count(&mut self, outcome: Outcome) {
        let (changed, notes) = match outcome {
            Outcome::Unchanged => {
                self.status.send_modify(|status| status.unchanged += 1);
                return;
            }
            Outcome::Probed { path, broken, notes } => {
                self.status.send_modify(|status| {
                    status.probed += 1;
                    status.broken += u64::from(broken);
                    status.current = Some(path);
                });
                (true, notes)
            }
            Outcome::Refreshed { notes } => {
                self.status.send_modify(|status| status.unchanged += 1);
                (true, notes)
            }
            Outcome::PutOff { note } => {
                tracing::debug!(note, "a file is put off");
                self.status.send_modify(|status| status.put_off += 1);
                (false, vec![note])
            }
        };
        self.ended.changed |= changed;
        notes.into_iter().for_each(|note| self.ended.notes.add(note));
    }

    fn report(&mut self, problem: &WalkProblem) {
        tracing::warn!(error = problem as &dyn std::error::Error, "the scan passes something by");
        let is_target_gone =
            matches!(problem, WalkProblem::Root { source, .. } if source.kind() == std::io::ErrorKind::NotFound);
        match problem {
            // A folder that went away since somebody noticed a change in it; its files are looked for one by one.
            WalkProblem::Root { .. } if is_target_gone && self.target.folder != self.target.root => {}
            WalkProblem::Root { .. } => {
                self.root_unreadable = true;
                self.ended.notes.add_first(chain(problem));
            }
            _ => self.ended.notes.add(chain(problem)),
        }
    }

    async fn miss(&mut self, known: KnownFile) {
        if !known.missing {
            self.unmet.push(known);
        }
        if self.unmet.len() >= UNMET_BATCH {
            self.look_for_unmet().await;
        }
    }

    /// A file has vanished when the system says that it is not there; one that cannot be reached is kept.
    async fn look_for_unmet(&mut self) {
        let unmet = std::mem::take(&mut self.unmet);
        let look = move || -> Vec<MediaId> {
            let is_gone = |file: &KnownFile| match std::fs::metadata(&file.path) {
                Ok(_) => false,
                Err(error) => matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory),
            };
            unmet.iter().filter(|file| is_gone(file)).map(|file| file.id).collect()
        };
        if let Ok(gone) = self.desk.life.spawn_blocking(look).await {
            self.vanished.extend(gone);
        }
    }

    /// Marks what vanished, unless it is so much that a disk is more likely missing than the files.
    async fn mark_missing(&mut self) -> Result<(), StoreError> {
        let vanished = std::mem::take(&mut self.vanished);
        if vanished.is_empty() || self.root_unreadable {
            return Ok(());
        }
        let known = count_present(self.desk.store.media(), &self.target.root).await?;
        let is_too_much = vanished.len() as u64 * 5 > known;
        if is_too_much && !self.target.care.believe_removals {
            let note = held_back(vanished.len(), known, &self.target.root);
            tracing::warn!(note, "removals are held back");
            self.ended.notes.add_first(note);
            return Ok(());
        }
        for ids in vanished.chunks(UNMET_BATCH) {
            self.desk.store.media().mark_missing(ids).await?;
            self.status.send_modify(|status| status.missing += ids.len() as u64);
        }
        self.ended.changed = true;
        Ok(())
    }
}

fn held_back(vanished: usize, known: u64, root: &Path) -> String {
    let root = root.display();
    match vanished as u64 == known {
        true => format!(
            "none of the {known} files known in {root} is there any more; all are kept, because a disk may be missing"
        ),
        false => format!(
            "{vanished} of {known} files in {root} are not there any more; all are kept, because a disk may be missing"
        ),
    }
}
