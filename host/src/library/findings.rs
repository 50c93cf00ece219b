//! Deals with one file that a walk found.
//!
//! Does: probe what is new or changed, describe it, save it; read sidecars anew when asked.
//! Does not: walk, or decide what is missing.
//! Invariant: a file that changes while it is looked at, or that nobody could look at, is not saved: the next scan finds it again.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use exstreamtv_library::{Describer, Description, FoundFile, ProbeError, parse_probe, walk::mtime_ms};
use exstreamtv_model::{MediaId, MediaItem, MediaProbe, MediaState};
use exstreamtv_store::{ScannedMedia, StoreError};

use super::{prober::ProbeFailure, scan::Desk};

/// What became of one file.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It was probed and saved.
    Probed { path: PathBuf, broken: bool, notes: Vec<String> },
    /// It is as it was.
    Unchanged,
    /// It is as it was, but what is said about it has changed, or it has come back.
    Refreshed { notes: Vec<String> },
    /// It was left alone for now.
    PutOff { note: String },
}

/// What looking into a file has shown.
enum Verdict {
    Playable(Box<MediaProbe>),
    /// It is never scheduled as it is, for this reason.
    Broken(String),
    /// The system does not let us read it now.
    Unreadable(String),
    /// Nothing can be said yet, for this reason.
    Later(String),
}

impl Verdict {
    fn of(answer: Result<String, ProbeFailure>, file: &FoundFile) -> Self {
        match answer.map(|json| parse_probe(&json)) {
            Ok(Ok(probe)) => Self::Playable(Box::new(probe)),
            Ok(Err(error)) => Self::Broken(error.to_string()),
            Err(ProbeFailure::Broken { reason }) => Self::Broken(reason),
            Err(error @ ProbeFailure::Unavailable { .. }) => {
                Self::Later(format!("{} was not looked at: failed to {error}", file.path.display()))
            }
        }
    }

    fn went_away(file: &FoundFile) -> Self {
        Self::Later(format!("{} went away while it was looked at", file.path.display()))
    }
}

/// A modification time that no file has.
const NEVER_MS: i64 = i64::MIN;

/// Looks into files for one scan.
#[derive(Clone)]
pub(super) struct Examiner {
    desk: Desk,
    describer: Arc<Mutex<Describer>>,
}

impl Examiner {
    /// Looks into files below `root`.
    pub fn new(desk: Desk, root: &Path) -> Self {
        Self { desk, describer: Arc::new(Mutex::new(Describer::new(root))) }
    }

    /// Probes a new or changed file.
    pub async fn probe(self, mut file: FoundFile) -> Result<Outcome, StoreError> {
        let (state, probe) = match self.judge(&file).await {
            Verdict::Playable(probe) => (MediaState::Ready, Some(*probe)),
            Verdict::Broken(reason) => (MediaState::Broken { reason }, None),
            Verdict::Unreadable(reason) => {
                // Who may read a file is no part of its time: with another one it is looked at again by every scan.
                file.mtime_ms = NEVER_MS;
                (MediaState::Broken { reason }, None)
            }
            Verdict::Later(note) => return Ok(Outcome::PutOff { note }),
        };
        let Description { metadata, problems } = self.describe(&file.path).await;
        let broken = probe.is_none();
        let FoundFile { path, size_bytes, mtime_ms } = file;
        let media = ScannedMedia { path, size_bytes, mtime_ms, state, probe, metadata };
        self.save(&media).await?;
        Ok(Outcome::Probed { path: media.path, broken, notes: problems.iter().map(chain).collect() })
    }

    async fn judge(&self, file: &FoundFile) -> Verdict {
        if file.size_bytes == 0 {
            return Verdict::Broken(ProbeError::EmptyFile.to_string());
        }
        let path = file.path.clone();
        if let Ok(Err(error)) = self.desk.life.spawn_blocking(move || std::fs::File::open(path)).await {
            return match error.kind() {
                std::io::ErrorKind::NotFound => Verdict::went_away(file),
                _ => Verdict::Unreadable(format!("it may not be read by the server: {error}")),
            };
        }
        let answer = self.desk.prober.probe(file.path.clone()).await;
        let path = file.path.clone();
        let stamp = move || std::fs::metadata(path).map(|now| (now.len(), mtime_ms(&now))).ok();
        match self.desk.life.spawn_blocking(stamp).await.ok().flatten() {
            Some(now) if now == (file.size_bytes, file.mtime_ms) => Verdict::of(answer, file),
            Some(_) => {
                Verdict::Later(format!("{} is still being written; the next scan looks at it", file.path.display()))
            }
            None => Verdict::went_away(file),
        }
    }

    /// Reads the sidecars of an unchanged file anew; revives it if it was missing.
    pub async fn refresh(self, id: MediaId, file: FoundFile) -> Result<Outcome, StoreError> {
        let Some(known) = self.desk.store.media().find(id).await? else { return self.probe(file).await };
        let state = match (&known.state, &known.probe) {
            (MediaState::Missing, Some(_)) => MediaState::Ready,
            // Why it was broken is forgotten, or it is another program's row.
            (MediaState::Missing | MediaState::Ready, None) => return self.probe(file).await,
            (state, _) => state.clone(),
        };
        let Description { metadata, problems } = self.describe(&file.path).await;
        if state == known.state && metadata == known.metadata {
            return Ok(Outcome::Unchanged);
        }
        let MediaItem { path, size_bytes, mtime_ms, probe, .. } = known;
        self.save(&ScannedMedia { path, size_bytes, mtime_ms, state, probe, metadata }).await?;
        Ok(Outcome::Refreshed { notes: problems.iter().map(chain).collect() })
    }

    async fn save(&self, media: &ScannedMedia) -> Result<MediaId, StoreError> {
        self.desk.store.media().upsert(media, self.desk.clock.now()).await
    }

    async fn describe(&self, path: &Path) -> Description {
        let (describer, owned) = (Arc::clone(&self.describer), path.to_owned());
        // A describer holds nothing that a panic could leave half done: its folders are lists.
        let work = move || describer.lock().unwrap_or_else(PoisonError::into_inner).describe(&owned);
        let by_name = |_| Description {
            metadata: exstreamtv_library::metadata_from_path(Path::new(""), path),
            problems: Vec::new(),
        };
        self.desk.life.spawn_blocking(work).await.unwrap_or_else(by_name)
    }
}

/// Writes an error and its causes on one line.
pub(super) fn chain(error: &(impl std::error::Error + 'static)) -> String {
    let error: &dyn std::error::Error = error;
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(format!("failed to {error}"), |text, cause| format!("{text}: {cause}"))
}
