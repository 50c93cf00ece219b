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
    pub async fn probe(self, file: FoundFile) -> Result<Outcome, StoreError> {
        let answer = match file.size_bytes {
            0 => Ok(Err(ProbeError::EmptyFile.to_string())),
            _ => self.ask(&file).await,
        };
        let read = match answer {
            Ok(read) => read,
            Err(note) => return Ok(Outcome::PutOff { note }),
        };
        let Description { metadata, problems } = self.describe(&file.path).await;
        let (state, probe) = match read {
            Ok(probe) => (MediaState::Ready, Some(probe)),
            Err(reason) => (MediaState::Broken { reason }, None),
        };
        let broken = probe.is_none();
        let FoundFile { path, size_bytes, mtime_ms } = file;
        let media = ScannedMedia { path, size_bytes, mtime_ms, state, probe, metadata };
        self.save(&media).await?;
        Ok(Outcome::Probed { path: media.path, broken, notes: problems.iter().map(chain).collect() })
    }

    /// Asks the prober; the outer error is a reason to try again later, the inner one a reason never to schedule the file.
    async fn ask(&self, file: &FoundFile) -> Result<Result<MediaProbe, String>, String> {
        let answer = self.desk.prober.probe(file.path.clone()).await;
        let path = file.path.clone();
        let stamp =
            self.desk.life.spawn_blocking(move || std::fs::metadata(path).map(|now| (now.len(), mtime_ms(&now))).ok());
        match stamp.await.ok().flatten() {
            Some(now) if now == (file.size_bytes, file.mtime_ms) => {}
            Some(_) => {
                return Err(format!("{} is still being written; the next scan looks at it", file.path.display()));
            }
            None => return Err(format!("{} went away while it was looked at", file.path.display())),
        }
        match answer {
            Ok(json) => Ok(parse_probe(&json).map_err(|error| error.to_string())),
            Err(ProbeFailure::Broken { reason }) => Ok(Err(reason)),
            Err(error @ ProbeFailure::Unavailable { .. }) => {
                Err(format!("{} was not looked at: failed to {error}", file.path.display()))
            }
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
