//! Notices changes in folders as they happen.
//!
//! Does: watch roots through the system, name the folders in which something changed, wait until it is quiet there.
//! Does not: say what changed (a scan finds out), or guarantee anything: network folders stay silent, and rescans make up for it.
//! Invariant: at most [`MAX_WAITING`] folders wait; more of them count as "everything changed".

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{sync::mpsc, time::Instant};

use crate::lifecycle::Lifecycle;

/// What the system told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Something changed at these paths.
    At(Vec<PathBuf>),
    /// The system lost count.
    Somewhere,
}

/// Roots that are watched. Watching ends when this is dropped.
#[derive(Debug)]
pub(super) struct Watched {
    watcher: Option<RecommendedWatcher>,
}

const MAX_WAITING: usize = 64;
const EVENTS_AHEAD: usize = 1024;

/// Watches `roots`; returns the stream of changes and, root by root, why one cannot be watched.
pub(super) async fn watch(
    life: &Lifecycle,
    roots: Vec<PathBuf>,
) -> (Watched, mpsc::Receiver<Change>, Vec<(PathBuf, notify::Error)>) {
    let (sender, receiver) = mpsc::channel(EVENTS_AHEAD);
    // Watching a tree lists every folder in it.
    let work = move || start(&roots, sender);
    let (watched, failures) = life.spawn_blocking(work).await.unwrap_or((Watched { watcher: None }, Vec::new()));
    (watched, receiver, failures)
}

fn start(roots: &[PathBuf], sender: mpsc::Sender<Change>) -> (Watched, Vec<(PathBuf, notify::Error)>) {
    let tell = move |event: notify::Result<Event>| {
        let Some(change) = change(event) else { return };
        // A full channel is being emptied; the folders in it are rescanned, and so is what comes too fast, at the next rescan.
        let _ = sender.try_send(change).or_else(|_| sender.try_send(Change::Somewhere));
    };
    let mut watcher = match notify::recommended_watcher(tell) {
        Ok(watcher) => watcher,
        Err(error) => {
            let first = roots.first().map(|root| (root.clone(), error));
            return (Watched { watcher: None }, first.into_iter().collect());
        }
    };
    let watch = |root: &PathBuf| Some((root.clone(), watcher.watch(root, RecursiveMode::Recursive).err()?));
    let failures = roots.iter().filter_map(watch).collect();
    (Watched { watcher: Some(watcher) }, failures)
}

/// Returns what an event means to us; reading a file means nothing.
fn change(event: notify::Result<Event>) -> Option<Change> {
    match event {
        Ok(event) if event.need_rescan() => Some(Change::Somewhere),
        Ok(Event { kind: EventKind::Access(_) | EventKind::Other, .. }) => None,
        Ok(event) => Some(Change::At(event.paths)),
        Err(error) => Some(if error.paths.is_empty() { Change::Somewhere } else { Change::At(error.paths) }),
    }
}

/// Changes that wait for quiet. Time comes as an argument.
#[derive(Debug, Default)]
pub(super) struct Settling {
    folders: BTreeSet<PathBuf>,
    everything: bool,
    first: Option<Instant>,
    last: Option<Instant>,
}

/// What has settled.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// Look at these folders; they may be gone.
    Folders(Vec<PathBuf>),
    /// Look at everything.
    Everything,
}

/// So long it must have been quiet.
const QUIET: Duration = Duration::from_secs(2);
/// So long quiet is waited for, when somebody copies without a pause.
const PATIENCE: Duration = Duration::from_secs(30);

impl Settling {
    /// Remembers a change.
    pub fn add(&mut self, change: Change, now: Instant) {
        self.first.get_or_insert(now);
        self.last = Some(now);
        match change {
            Change::Somewhere => self.everything = true,
            // A file speaks for its folder; so does a folder, of which only the name may be new.
            Change::At(paths) => self.folders.extend(paths.iter().filter_map(|path| path.parent()).map(Path::to_owned)),
        }
        if self.folders.len() > MAX_WAITING {
            self.everything = true;
            self.folders.clear();
        }
    }

    /// Returns when [`Self::take`] has something; `None` while nothing waits.
    pub fn deadline(&self) -> Option<Instant> {
        Some((self.last? + QUIET).min(self.first? + PATIENCE))
    }

    /// Takes what has settled.
    pub fn take(&mut self, now: Instant) -> Option<Settled> {
        self.deadline().filter(|deadline| *deadline <= now)?;
        let settled = std::mem::take(self);
        Some(match settled.everything {
            true => Settled::Everything,
            false => Settled::Folders(settled.folders.into_iter().collect()),
        })
    }
}

impl Watched {
    /// Returns whether anything is watched at all.
    pub fn is_active(&self) -> bool {
        self.watcher.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Change {
        Change::At(vec![path.into()])
    }

    #[tokio::test(start_paused = true)]
    async fn changes_settle_after_a_moment_of_quiet() {
        let (start, mut settling) = (Instant::now(), Settling::default());
        assert_eq!((settling.deadline(), settling.take(start)), (None, None));
        settling.add(at("/a/x.mkv"), start);
        settling.add(at("/a/y.mkv"), start + QUIET / 2);
        settling.add(at("/b/z.mkv"), start + QUIET / 2);
        assert_eq!(settling.take(start + QUIET), None);
        let folders = Settled::Folders(vec!["/a".into(), "/b".into()]);
        assert_eq!(settling.take(start + QUIET * 3 / 2), Some(folders));
        assert_eq!(settling.deadline(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_copy_without_a_pause_is_looked_at_in_between() {
        let (start, mut settling) = (Instant::now(), Settling::default());
        for second in 0..PATIENCE.as_secs() {
            let now = start + Duration::from_secs(second);
            settling.add(at("/a/x.mkv"), now);
            assert_eq!(settling.take(now), None);
        }
        assert!(settling.take(start + PATIENCE).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn too_many_folders_are_everything() {
        let (start, mut settling) = (Instant::now(), Settling::default());
        (0..=MAX_WAITING).for_each(|number| settling.add(at(&format!("/a/{number}/x.mkv")), start));
        assert_eq!(settling.take(start + QUIET), Some(Settled::Everything));
    }
}
