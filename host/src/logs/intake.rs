//! Where everybody says what he has to say.
//!
//! Does: hold what was said until it is collected.
//! Does not: read or change it.
//! Invariant: saying something takes no lock and waits for nobody; what does not fit is counted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_queue::ArrayQueue;
use exstreamtv_healing::{Draft, LogLevel, LogSource, classify};
use exstreamtv_model::{ChannelId, RunId, health};
use tokio::sync::Notify;

use crate::clock::{Clock, SystemClock};

/// What may wait: a fifth of a second of a flood.
const PLACES: usize = 16_384;

/// What was said and not yet collected.
pub struct Intake {
    waiting: ArrayQueue<Draft>,
    lost: AtomicU64,
    filled: Notify,
    /// Before anybody collects, and where nobody does, nothing is kept.
    open: AtomicBool,
}

impl Default for Intake {
    fn default() -> Self {
        Self {
            waiting: ArrayQueue::new(PLACES),
            lost: AtomicU64::new(0),
            filled: Notify::new(),
            open: AtomicBool::new(false),
        }
    }
}

impl Intake {
    /// Returns whether anybody collects.
    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// Says something.
    pub fn say(&self, draft: Draft) {
        if !self.is_open() {
            return;
        }
        if self.waiting.push(draft).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        self.filled.notify_one();
    }

    /// Passes on a line of FFmpeg.
    pub fn ffmpeg_says(&self, channel: ChannelId, run: RunId, pid: Option<u32>, line: &health::LogLine) {
        if self.is_open() {
            self.say(of_ffmpeg(channel, run, pid, line));
        }
    }

    pub(super) fn open(&self) {
        self.open.store(true, Ordering::Relaxed);
    }

    pub(super) fn take(&self) -> Option<Draft> {
        self.waiting.pop()
    }

    /// Waits until there is something, or was.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// Lines that tell of a failure are at least as serious as it is.
fn of_ffmpeg(channel: ChannelId, run: RunId, pid: Option<u32>, line: &health::LogLine) -> Draft {
    let said = match line.level {
        health::LogLevel::Info => LogLevel::Info,
        health::LogLevel::Warning => LogLevel::Warning,
        health::LogLevel::Error => LogLevel::Error,
        health::LogLevel::Fatal => LogLevel::Critical,
    };
    let kind = classify(&line.text).filter(|_| said >= LogLevel::Warning);
    let level = kind.map_or(said, |kind| said.max(kind.severity));
    let mut draft = Draft::new(SystemClock.now(), LogSource::Ffmpeg, level, line.text.as_str());
    draft.component = component(&line.text);
    (draft.channel_id, draft.ffmpeg_pid) = (Some(channel), pid);
    draft.parsed_data.insert("run.id".into(), run.to_string().into());
    if let Some(kind) = kind {
        draft.tags.push(kind.error.tag());
        draft.parsed_data.insert("recoverable".into(), kind.recoverable.into());
        draft.parsed_data.insert("probable_cause".into(), kind.probable_cause.into());
        draft.parsed_data.insert("advice".into(), kind.advice.into());
    }
    draft
}

/// FFmpeg's lines begin with the part that says it, without spaces: "matroska,webm: File ended prematurely".
fn component(text: &str) -> Option<String> {
    let (part, _) = text.split_once(": ")?;
    let is_part = !part.is_empty() && part.len() <= 60 && !part.contains([' ', '/', '\'']);
    is_part.then(|| part.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(level: health::LogLevel, text: &str) -> health::LogLine {
        health::LogLine { level, text: text.into() }
    }

    #[test]
    fn a_line_of_ffmpeg_says_who_and_what_kind_of_failure() {
        let line = line(health::LogLevel::Warning, "matroska,webm: File ended prematurely");
        let draft = of_ffmpeg(ChannelId(3), RunId(7), Some(99), &line);
        assert_eq!((draft.source, draft.level), (LogSource::Ffmpeg, LogLevel::Error));
        assert_eq!((draft.channel_id, draft.ffmpeg_pid), (Some(ChannelId(3)), Some(99)));
        assert_eq!(
            (draft.component.as_deref(), draft.tags.as_slice()),
            (Some("matroska,webm"), ["invalid_data".to_owned()].as_slice())
        );
        assert_eq!(draft.parsed_data["run.id"], "7");
    }

    #[test]
    fn news_of_ffmpeg_are_no_failures() {
        let draft = of_ffmpeg(ChannelId(3), RunId(7), None, &line(health::LogLevel::Info, "The film 'Timed out' : x"));
        assert_eq!((draft.level, draft.component, draft.tags.len()), (LogLevel::Info, None, 0));
    }

    #[test]
    fn what_nobody_collects_is_not_kept_and_what_does_not_fit_is_counted() {
        let intake = Intake::default();
        let draft = || Draft::new(SystemClock.now(), LogSource::System, LogLevel::Info, "x");
        intake.say(draft());
        assert!(intake.take().is_none());
        intake.open();
        (0..PLACES + 5).for_each(|_| intake.say(draft()));
        assert_eq!(intake.lost(), 5);
    }
}
