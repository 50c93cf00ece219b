//! Which sound and which subtitles of a file are played.
//!
//! Does: ask the pickers in time, remember what they said about each file, and have text read early that is passed on as text.
//! Does not: choose; that is a picker's work.
//! Invariant: [`ChannelPicks::known`] never waits; what is not known by then is played by the built-in choice.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use exstreamtv_library::{SubtitleFile, subtitle_files};
use exstreamtv_model::{
    Channel, MediaId, MediaItem, OutputProfile,
    order::BurnIn,
    pick::{
        AudioAnswer, SubtitleAnswer, SubtitleCandidate, SubtitleDelivery, SubtitleForm, SubtitleSource,
        TrackPreferences,
    },
};
use tokio::time::{Instant, timeout};

pub mod ask;
mod questions;
mod text;

use ask::AskPickers;

use super::cue_files::{CueFiles, TextTrack};
use crate::{lifecycle::Lifecycle, playout::Planned};

/// How many answers are remembered; half an hour of a hundred channels.
const MOST_KNOWN: usize = 1_024;

/// After this long a file is asked about again: subtitles may have come to stand beside it.
const FRESH_FOR: Duration = Duration::from_secs(10 * 60);

/// How long looking for files beside the media may take; a disk behind a dead network takes for ever.
const LOOK_LIMIT: Duration = Duration::from_millis(500);

/// What was decided about a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Picked {
    /// The sound.
    pub audio: AudioAnswer,
    /// The subtitles.
    pub subtitles: SubtitleAnswer,
    /// What becomes part of the picture.
    pub burn_in: Option<BurnIn>,
    /// What is passed on as text beside the picture.
    pub text: Option<TextTrack>,
}

/// Asks pickers. Cheap to clone; all clones share what is known.
#[derive(Clone)]
pub struct Picks {
    pickers: Arc<dyn AskPickers>,
    life: Lifecycle,
    cue_files: Option<CueFiles>,
    known: Arc<Mutex<VecDeque<Known>>>,
}

/// What an answer depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Question {
    media: MediaId,
    mtime_ms: i64,
    original_language: Option<String>,
    wishes: Wishes,
}

/// What a channel wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wishes {
    /// Which tracks.
    pub tracks: TrackPreferences,
    /// How many channels of sound it sends.
    pub audio_channels: u8,
}

impl Default for Wishes {
    fn default() -> Self {
        Self { tracks: TrackPreferences::default(), audio_channels: OutputProfile::default().audio_channels }
    }
}

impl From<&Channel> for Wishes {
    fn from(channel: &Channel) -> Self {
        Self { tracks: channel.tracks.clone(), audio_channels: channel.profile.audio_channels }
    }
}

struct Known {
    question: Question,
    picked: Arc<Picked>,
    since: Instant,
}

impl Picks {
    /// Returns picks that know nothing yet.
    pub fn new(pickers: Arc<dyn AskPickers>, life: Lifecycle) -> Self {
        Self { pickers, life, cue_files: None, known: Arc::default() }
    }

    /// Lets text be read from files; without this, none is.
    #[must_use]
    pub fn with_cue_files(self, cue_files: CueFiles) -> Self {
        Self { cue_files: Some(cue_files), ..self }
    }

    /// Returns where text is read from files.
    pub fn cue_files(&self) -> Option<&CueFiles> {
        self.cue_files.as_ref()
    }

    /// Returns the picks of one channel.
    pub fn of(&self, channel: &Channel) -> ChannelPicks {
        ChannelPicks { picks: self.clone(), wishes: channel.into() }
    }

    /// Asks the pickers; `None` for a file that was never probed.
    pub async fn ask(&self, media: &MediaItem, wishes: &Wishes) -> Option<Picked> {
        let probe = media.probe.as_ref()?;
        let audio =
            self.pickers.pick_audio(questions::audio(probe, media.metadata.original_language.as_deref(), wishes)).await;
        let beside = self.beside(media, wishes).await;
        let question = questions::subtitles(probe, beside, wishes, &audio);
        let offered = question.streams.clone();
        let subtitles = self.pickers.pick_subtitle(question).await;
        let chosen = offered.iter().find(|offered| Some(&offered.source) == subtitles.chosen.as_ref());
        let is_text = chosen.is_some_and(|chosen| chosen.form == SubtitleForm::Text);
        let (burn_in, text) = match (wishes.tracks.subtitles.delivery, chosen) {
            (SubtitleDelivery::WebVtt, Some(chosen)) if is_text => (None, self.text_track(media, &chosen.source).await),
            (_, chosen) => (chosen.and_then(|chosen| burn_in(media, &chosen.source)), None),
        };
        Some(Picked { audio, subtitles, burn_in, text })
    }

    /// Returns the subtitle files beside a medium, as far as they can be found in time.
    async fn beside(&self, media: &MediaItem, wishes: &Wishes) -> Vec<SubtitleCandidate> {
        if !questions::wants_files(wishes) {
            return vec![];
        }
        let path = media.path.clone();
        let look = self.life.spawn_blocking(move || subtitle_files::list(&path));
        match timeout(LOOK_LIMIT, look).await {
            Ok(Ok(Ok(files))) => files.into_iter().map(SubtitleFile::into_candidate).collect(),
            Ok(Ok(Err(error))) => {
                tracing::warn!(media.id = %media.id, %error, "its folder cannot be read; subtitle files beside it are left out");
                vec![]
            }
            Ok(Err(_)) | Err(_) => {
                tracing::warn!(media.id = %media.id, "its folder cannot be read in time; subtitle files beside it are left out");
                vec![]
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one channel plays of each file. Cheap to clone.
#[derive(Clone)]
pub struct ChannelPicks {
    picks: Picks,
    wishes: Wishes,
}

impl ChannelPicks {
    /// Returns what is known about a file.
    pub fn known(&self, media: &MediaItem) -> Option<Arc<Picked>> {
        let question = self.question(media);
        self.picks.lock().iter().find(|known| known.question == question).map(|known| Arc::clone(&known.picked))
    }

    /// Other tracks are wanted from now on.
    pub fn prefer(&mut self, tracks: TrackPreferences) {
        self.wishes.tracks = tracks;
    }

    /// Asks about what is planned and not known, or not for long.
    pub async fn learn(&self, planned: &[Planned]) {
        for media in planned.iter().filter_map(|planned| planned.media.as_ref()) {
            if !self.is_fresh(media)
                && let Some(picked) = self.picks.ask(media, &self.wishes).await
            {
                if let (Some(cue_files), Some(text)) = (&self.picks.cue_files, &picked.text) {
                    cue_files.want(text);
                }
                self.remember(media, picked);
            }
        }
    }

    /// Does the same beside what else happens.
    pub fn learn_later(&self, planned: &[Planned]) {
        let (picks, planned) = (self.clone(), planned.to_vec());
        self.picks.life.spawn(async move { picks.learn(&planned).await });
    }

    fn question(&self, media: &MediaItem) -> Question {
        let original_language = media.metadata.original_language.clone();
        Question { media: media.id, mtime_ms: media.mtime_ms, original_language, wishes: self.wishes.clone() }
    }

    fn is_fresh(&self, media: &MediaItem) -> bool {
        let (question, now) = (self.question(media), Instant::now());
        self.picks.lock().iter().any(|known| known.question == question && now < known.since + FRESH_FOR)
    }

    fn remember(&self, media: &MediaItem, picked: Picked) {
        let question = self.question(media);
        let mut known = self.picks.lock();
        known.retain(|known| known.question != question);
        known.truncate(MOST_KNOWN - 1);
        known.push_front(Known { question, picked: Arc::new(picked), since: Instant::now() });
    }
}

fn burn_in(media: &MediaItem, source: &SubtitleSource) -> Option<BurnIn> {
    match source {
        SubtitleSource::Embedded(stream) => Some(BurnIn::Embedded(*stream)),
        SubtitleSource::Sidecar { name } => {
            media.path.parent().map(|folder| BurnIn::Sidecar { path: folder.join(name) })
        }
    }
}

#[cfg(test)]
mod tests;
