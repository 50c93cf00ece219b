//! What this machine's video cards can do, as the host knows it.
//!
//! Does: have a worker find out, keep the latest answer, say which cards are used.
//! Does not: run FFmpeg or open a device; the worker's `detect` does, and keeps its answers on disk.
//! Invariant: what is shown was found out by a worker of this installation, with this configuration's FFmpeg and profiles.

mod desk;
mod explain;
mod profiles;
mod view;

use std::{collections::BTreeMap, path::PathBuf, process::Stdio, sync::Arc, time::Duration};

use exstreamtv_hardware::{Capabilities, Detection, Profiles, choose, profiles::SOFTWARE};
use exstreamtv_worker_protocol::{Cards, ProfileText};
use tokio::{process::Command, sync::watch};
use tokio_util::sync::CancellationToken;

pub use desk::{Seat, SharedDesk};
pub use explain::{Explanation, order_for};
pub use profiles::{FolderError, read_profiles};
pub use view::HardwareView;

/// How long finding out may take: dozens of runs of FFmpeg for each card, each bounded.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// What is asked with, and what is wished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The worker program.
    pub worker: PathBuf,
    /// ffmpeg.
    pub ffmpeg: PathBuf,
    /// ffprobe.
    pub ffprobe: PathBuf,
    /// A folder with profiles, if there may be one.
    pub profiles: Option<PathBuf>,
    /// Quirks that are switched off.
    pub disabled_quirks: Vec<String>,
    /// Where answers are kept.
    pub cache: PathBuf,
    /// "auto", "software", or the id of a profile or a card.
    pub accel: String,
    /// Which of several cards; empty takes any.
    pub device: String,
    /// Cards of single channels, by the channels' numbers.
    pub channels: BTreeMap<String, String>,
}

/// Why nothing is known; fits after "failed to".
#[derive(Debug, Clone, thiserror::Error)]
pub enum DetectError {
    /// The worker cannot be started or waited for.
    #[error("start the worker {}: {cause}", .path.display())]
    Start {
        /// Which program.
        path: PathBuf,
        /// Why.
        cause: Arc<std::io::Error>,
    },
    /// It gave up.
    #[error("find out what the video cards can do: {message}")]
    GaveUp {
        /// Its exit code.
        code: Option<i32>,
        /// Its last words.
        message: String,
    },
    /// It takes too long.
    #[error("find out what the video cards can do: there was no answer within {} s", PATIENCE.as_secs())]
    TimedOut,
    /// It said something else than a worker of this version says.
    #[error("understand what the worker found out")]
    Unintelligible(#[source] Arc<serde_json::Error>),
}

impl DetectError {
    /// Returns the exit code.
    pub fn code(&self) -> u8 {
        match self {
            // The worker's codes are ours.
            Self::GaveUp { code: Some(code), .. } => u8::try_from(*code).ok().filter(|code| *code >= 64).unwrap_or(70),
            Self::Start { .. } | Self::GaveUp { .. } | Self::TimedOut | Self::Unintelligible(_) => 70,
        }
    }
}

/// What is known about this machine's video cards. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hardware {
    settings: Arc<Settings>,
    latest: watch::Sender<Option<Arc<Detection>>>,
    /// What workers have to know to plan with cards.
    cards: watch::Sender<Option<Arc<Cards>>>,
    desk: SharedDesk,
}

impl Hardware {
    /// Knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        let (latest, cards) = (watch::channel(None).0, watch::channel(None).0);
        Self { settings: Arc::new(settings), latest, cards, desk: SharedDesk::default() }
    }

    /// Finds out, or takes what a worker has found out before and nothing has changed since; with [`Ask::Again`] it finds out anew.
    ///
    /// # Errors
    /// The worker cannot be started, gives up or takes too long.
    pub async fn detect(&self, ask: Ask) -> Result<Arc<Detection>, DetectError> {
        let mut command = self.command(ask);
        let path = self.settings.worker.clone();
        let output = tokio::time::timeout(PATIENCE, command.output()).await.map_err(|_| DetectError::TimedOut)?;
        let output = output.map_err(|cause| DetectError::Start { path, cause: Arc::new(cause) })?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            let last = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("the worker did not say why");
            let message = last.trim_start_matches("exstreamtv-worker: failed to ").to_owned();
            return Err(DetectError::GaveUp { code: output.status.code(), message });
        }
        let found: Detection =
            serde_json::from_slice(&output.stdout).map_err(|error| DetectError::Unintelligible(Arc::new(error)))?;
        let found = Arc::new(found);
        self.put_to_use(&found);
        self.latest.send_replace(Some(Arc::clone(&found)));
        Ok(found)
    }

    /// Returns who decides which card takes part in a run.
    pub fn desk(&self) -> &SharedDesk {
        &self.desk
    }

    /// Returns what workers have to know to plan with cards, as it changes.
    pub fn cards(&self) -> watch::Receiver<Option<Arc<Cards>>> {
        self.cards.subscribe()
    }

    /// Returns which card a channel wishes for, where it does.
    pub fn wish_of(&self, number: &str) -> Option<&str> {
        self.settings.channels.get(number).map(String::as_str)
    }

    /// Runs that are ordered from now on may use what was found. Profiles were checked when the server started; should they have been broken since, no
    /// card is used.
    fn put_to_use(&self, found: &Detection) {
        let Settings { profiles: folder, disabled_quirks, accel, device, .. } = self.settings.as_ref();
        let texts = folder.as_deref().map(read_profiles).transpose().unwrap_or_default().unwrap_or_default();
        let Ok(profiles) = Profiles::with(&texts) else { return self.desk.use_cards(Vec::new()) };
        let chosen = choose(found, accel, device).cards;
        let used: Vec<Capabilities> = chosen.into_iter().filter(|card| card.profile != SOFTWARE).cloned().collect();
        let known = used.iter().filter_map(|card| Some((profiles.get(&card.profile)?.clone(), card.clone())));
        self.desk.use_cards(known.collect());
        let profiles = texts.into_iter().map(|source| ProfileText { name: source.name, text: source.text }).collect();
        let found = serde_json::to_value(&used).unwrap_or_default();
        let cards = Cards { profiles, found, disabled_quirks: disabled_quirks.clone() };
        self.cards.send_replace(Some(Arc::new(cards)));
    }

    /// Returns the latest answer, if there is one.
    pub fn latest(&self) -> Option<Arc<Detection>> {
        self.latest.borrow().clone()
    }

    /// Returns the means to wait for the next answer.
    pub fn watch(&self) -> watch::Receiver<Option<Arc<Detection>>> {
        self.latest.subscribe()
    }

    /// Returns what is known as people see it.
    pub fn view(&self) -> HardwareView {
        HardwareView {
            standing: self.desk.standing(),
            ..HardwareView::of(self.latest().as_deref(), &self.settings.accel, &self.settings.device)
        }
    }

    /// Finds out in the background, so that nobody has to wait for it later.
    pub async fn look_around(self, stopping: CancellationToken) {
        let found = tokio::select! {
            found = self.detect(Ask::IfChanged) => found,
            // The worker is killed with what it runs.
            () = stopping.cancelled() => return,
        };
        match found {
            Ok(_) => {
                let view = self.view();
                tracing::info!(used = view.used.join(", "), "video cards looked at");
                if let Some(remark) = view.remark {
                    tracing::warn!("{remark}");
                }
            }
            Err(error) => tracing::warn!(%error, "nobody knows what the video cards can do; software is used"),
        }
    }

    fn command(&self, ask: Ask) -> Command {
        let Settings { worker, ffmpeg, profiles, cache, .. } = self.settings.as_ref();
        let mut command = Command::new(worker);
        command.arg("detect").arg("--json").arg("--ffmpeg").arg(ffmpeg).arg("--cache").arg(cache);
        if let Some(folder) = profiles {
            command.arg("--profiles").arg(folder);
        }
        for id in &self.settings.disabled_quirks {
            command.arg("--disable-quirk").arg(id);
        }
        if ask == Ask::Again {
            command.arg("--refresh");
        }
        command.stdin(Stdio::null()).process_group(0).kill_on_drop(true);
        command
    }
}

/// How to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// What was found out before is good enough, unless something has changed.
    IfChanged,
    /// Anew.
    Again,
}

#[cfg(test)]
mod tests;
