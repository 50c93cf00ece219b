//! The cues of subtitles that are text, read from media once and kept.
//!
//! Does: let the utility worker write them as WebVTT, keep that on disk and what was read in memory.
//! Does not: choose subtitles, or say when a cue is on air.
//! Invariant: a track is extracted once at a time however many ask; what failed rests before it is tried again, and is told once each time.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use exstreamtv_transport::webvtt::{self, Cue};
use futures::{FutureExt, future::BoxFuture};
use tokio::{sync::watch, time::Instant};

use crate::{lifecycle::Lifecycle, worker::Utility};

/// How long a failed extraction rests.
const RETRY: Duration = Duration::from_secs(10 * 60);

/// How many tracks are kept in memory; every channel on air needs two or three.
const MOST_KNOWN: usize = 128;

/// How many files are kept on disk; a film's has a hundred KiB.
const MOST_FILES: usize = 500;

/// Changes when files are written differently, so that old ones are not used any more.
const RECIPE: &str = "1";

/// Subtitles that are text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextTrack {
    /// The file that holds them.
    pub path: PathBuf,
    /// Absolute index of their stream in it.
    pub stream: u32,
    /// What they are called in the cache; changes when the file does.
    pub name: String,
}

/// Writes text subtitles as WebVTT; what is asked for is there whole or not at all.
pub trait ExtractText: Send + Sync {
    /// Writes one stream of `path` to `to`.
    fn extract(&self, path: PathBuf, stream: u32, to: PathBuf) -> BoxFuture<'_, Result<(), String>>;
}

impl ExtractText for Utility {
    fn extract(&self, path: PathBuf, stream: u32, to: PathBuf) -> BoxFuture<'_, Result<(), String>> {
        Utility::extract(self, path, stream, to).boxed()
    }
}

/// Knows the cues of tracks. Cheap to clone; all clones share what is known.
#[derive(Clone)]
pub struct CueFiles {
    folder: PathBuf,
    tool: Arc<dyn ExtractText>,
    life: Lifecycle,
    known: Arc<Mutex<VecDeque<Known>>>,
}

struct Known {
    name: String,
    state: watch::Receiver<State>,
}

#[derive(Clone)]
enum State {
    Busy,
    Ready(Arc<[Cue]>),
    Failed { at: Instant },
}

impl CueFiles {
    /// Keeps files in `folder`, which is made when needed.
    pub fn new(folder: PathBuf, tool: Arc<dyn ExtractText>, life: Lifecycle) -> Self {
        Self { folder, tool, life, known: Arc::default() }
    }

    /// A track will be on air soon.
    pub fn want(&self, track: &TextTrack) {
        drop(self.state(track));
    }

    /// Returns the cues of a track as soon as they are read; `None` if they cannot be.
    pub async fn cues(&self, track: &TextTrack) -> Option<Arc<[Cue]>> {
        let mut state = self.state(track);
        // The sender is gone only when the host stops.
        let settled = state.wait_for(|state| !matches!(state, State::Busy)).await.ok()?;
        match &*settled {
            State::Ready(cues) => Some(Arc::clone(cues)),
            State::Busy | State::Failed { .. } => None,
        }
    }

    /// Returns what is known about a track, and sets out to know it.
    fn state(&self, track: &TextTrack) -> watch::Receiver<State> {
        let mut known = self.lock();
        let rests = |state: &State| !matches!(state, State::Failed { at } if at.elapsed() >= RETRY);
        if let Some(found) = known.iter().find(|known| known.name == track.name && rests(&known.state.borrow())) {
            return found.state.clone();
        }
        let (tell, state) = watch::channel(State::Busy);
        known.retain(|known| known.name != track.name);
        known.truncate(MOST_KNOWN - 1);
        known.push_front(Known { name: track.name.clone(), state: state.clone() });
        drop(known);
        let (files, track) = (self.clone(), track.clone());
        self.life.spawn(async move {
            let stopping = files.life.stopping();
            tokio::select! {
                () = stopping.cancelled() => {}
                state = files.find_out(&track) => { tell.send_replace(state); }
            }
        });
        state
    }

    async fn find_out(&self, track: &TextTrack) -> State {
        let file = self.folder.join(format!("{}-{RECIPE}.vtt", track.name));
        match self.read_or_extract(track, &file).await {
            Ok(cues) => State::Ready(cues.into()),
            Err(reason) => {
                tracing::warn!(
                    reason,
                    path = %track.path.display(),
                    stream = track.stream,
                    "its subtitles cannot be passed on as text; it is shown without them"
                );
                State::Failed { at: Instant::now() }
            }
        }
    }

    async fn read_or_extract(&self, track: &TextTrack, file: &Path) -> Result<Vec<Cue>, String> {
        if let Ok(cues) = self.blocking(file, read).await {
            return Ok(cues);
        }
        self.blocking(file, |file| make_room(file.parent().unwrap_or(Path::new(".")))).await?;
        self.tool.extract(track.path.clone(), track.stream, file.to_owned()).await?;
        self.blocking(file, read).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        file: &Path,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, String> {
        let file = file.to_owned();
        let done = self.life.spawn_blocking(move || work(&file)).await.map_err(|error| error.to_string())?;
        done.map_err(|error| format!("the cache of subtitles cannot be used: {error}"))
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(file: &Path) -> io::Result<Vec<Cue>> {
    Ok(webvtt::cues(&std::fs::read(file)?))
}

/// Makes the folder, and room for one more file in it: the oldest go.
fn make_room(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut files: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let made = entry.metadata().and_then(|about| about.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        files.push((made, entry.path()));
    }
    files.sort();
    let too_many = (files.len() + 1).saturating_sub(MOST_FILES);
    files.into_iter().take(too_many).try_for_each(|(_, file)| std::fs::remove_file(file))
}

#[cfg(test)]
pub(super) mod tests;
