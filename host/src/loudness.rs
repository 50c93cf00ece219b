//! How loud programmes are, and how much louder each has to be made.
//!
//! Does: have sounds measured that are about to be played, one at a time, keep what was measured, say the gain.
//! Does not: touch a sound; a run is told the gain.
//! Invariant: nobody waits for a measurement: what is not known yet is played as it is, and is known the next time.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use exstreamtv_model::{MediaId, MediaItem, media::Loudness, pick::Downmix};
use exstreamtv_store::{Measured, Store};
use futures::{FutureExt, future::BoxFuture};
use tokio::sync::{mpsc, watch};

use crate::{lifecycle::Lifecycle, worker::Utility};

/// How many measurements may wait; more are asked for again when they are next played.
const MOST_WAITING: usize = 256;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Whether loudness is evened out.
    pub enabled: bool,
    /// How loud programmes shall be, LUFS.
    pub target_lufs: f64,
}

/// One sound of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    media: MediaId,
    mtime_ms: i64,
    path: PathBuf,
    stream: u32,
    downmix: Option<Downmix>,
    channels: u8,
}

/// Measures sounds.
pub trait Meter: Send + Sync {
    /// Returns how loud one is, or why nobody knows.
    fn measure(&self, sound: Sound) -> BoxFuture<'_, Result<Loudness, String>>;
}

impl Meter for Utility {
    fn measure(&self, sound: Sound) -> BoxFuture<'_, Result<Loudness, String>> {
        let Sound { path, stream, downmix, channels, .. } = sound;
        Utility::measure(self, path, stream, downmix, channels).boxed()
    }
}

type Key = (MediaId, String);

/// Knows how loud sounds are. Cheap to clone; all clones share what is known.
#[derive(Clone)]
pub struct LoudnessKeeper {
    known: Arc<Mutex<Known>>,
    wanted: mpsc::Sender<Sound>,
    settings: watch::Receiver<Settings>,
}

#[derive(Default)]
struct Known {
    measured: HashMap<Key, (i64, Loudness)>,
    /// Being measured, or failed since the host started.
    asked: HashSet<(Key, i64)>,
}

impl Sound {
    /// Returns a stream of a file, mixed down to so many channels.
    pub fn of(media: &MediaItem, stream: u32, downmix: Option<Downmix>, channels: u8) -> Self {
        let (path, mtime_ms) = (media.path.clone(), media.mtime_ms);
        Self { media: media.id, mtime_ms, path, stream, downmix, channels }
    }

    fn key(&self) -> Key {
        let downmix = self.downmix.as_ref().and_then(|downmix| serde_json::to_string(downmix).ok()).unwrap_or_default();
        (self.media, format!("{} {} {downmix}", self.stream, self.channels).trim_end().to_owned())
    }
}

impl LoudnessKeeper {
    /// Starts with what is kept, and the task that has the rest measured.
    pub async fn start(
        store: Store,
        meter: Arc<dyn Meter>,
        settings: watch::Receiver<Settings>,
        life: &Lifecycle,
    ) -> Self {
        let kept = store.loudness().list().await.unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "how loud files are has to be measured again");
            vec![]
        });
        let measured = kept.into_iter().map(|one| ((one.media, one.sound), (one.mtime_ms, one.loudness))).collect();
        let known = Arc::new(Mutex::new(Known { measured, asked: HashSet::new() }));
        let (wanted, inbox) = mpsc::channel(MOST_WAITING);
        let keeper = Self { known, wanted, settings };
        life.spawn(keeper.clone().measure_all(inbox, store, meter, life.clone()));
        keeper
    }

    /// Returns by how many decibels a sound has to be made louder, if that is wanted and known; has it measured for the next time where it is not.
    pub fn gain_db(&self, sound: Sound) -> Option<f64> {
        let Settings { enabled, target_lufs } = *self.settings.borrow();
        if !enabled {
            return None;
        }
        let key = sound.key();
        let mut known = self.lock();
        match known.measured.get(&key) {
            Some((mtime_ms, loudness)) if *mtime_ms == sound.mtime_ms => loudness.gain_db(target_lufs),
            _ => {
                if known.asked.insert((key.clone(), sound.mtime_ms)) && self.wanted.try_send(sound.clone()).is_err() {
                    known.asked.remove(&(key, sound.mtime_ms));
                }
                None
            }
        }
    }

    async fn measure_all(self, mut inbox: mpsc::Receiver<Sound>, store: Store, meter: Arc<dyn Meter>, life: Lifecycle) {
        let stopping = life.stopping();
        loop {
            let sound = tokio::select! {
                () = stopping.cancelled() => return,
                sound = inbox.recv() => match sound { Some(sound) => sound, None => return },
            };
            let found = tokio::select! {
                () = stopping.cancelled() => return,
                found = meter.measure(sound.clone()) => found,
            };
            match found {
                Ok(loudness) => self.keep(&store, &sound, loudness).await,
                Err(reason) => tracing::warn!(
                    reason, path = %sound.path.display(), stream = sound.stream,
                    "how loud it is cannot be measured; it is played as it is"
                ),
            }
        }
    }

    async fn keep(&self, store: &Store, sound: &Sound, loudness: Loudness) {
        let (media, key) = sound.key();
        tracing::debug!(path = %sound.path.display(), ?loudness, "measured");
        let one = Measured { media, sound: key.clone(), mtime_ms: sound.mtime_ms, loudness };
        if let Err(error) = store.loudness().keep(&one).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "how loud a file is will be measured again");
        }
        let mut known = self.lock();
        known.asked.remove(&((media, key.clone()), sound.mtime_ms));
        known.measured.insert((media, key), (sound.mtime_ms, loudness));
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
