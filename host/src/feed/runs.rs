//! The runs of one feed: their pipes, how far they are, how they ended.
//!
//! Does: keep what belongs to each FFmpeg process until its last byte is read and its end is known.
//! Does not: decide which run is on air; the conductor does.
//! Invariant: a run is over when its pipe is at its end *and* its end is reported; only then is its outcome known.

use std::{collections::VecDeque, io, os::fd::OwnedFd};

use exstreamtv_core::{Outcome, diagnosis};
use exstreamtv_hardware::desk::{Blamed, Failing};
use exstreamtv_model::{
    Cause, PlayoutEntryId, RunId,
    health::{Progress, RunEnd},
};
use exstreamtv_transport::RunDemux;
use exstreamtv_worker_protocol::CardPart;
use tokio::{io::AsyncReadExt, net::unix::pipe, time::Instant};

use super::{
    air_log::Shown,
    cue_files::TextTrack,
    view::{RunCard, RunKind, RunView},
};
use crate::hardware::Seat;

/// Bytes taken from a pipe at once; also what may wait in memory beyond the horizon.
const READ_BYTES: usize = 64 * 1024;

/// Errors that are remembered to tell why a run failed.
const LAST_WORDS: usize = 20;

/// One run.
#[derive(Debug)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// Which row of the timeline it plays.
    pub entry: PlayoutEntryId,
    /// What it shows.
    pub shown: Shown,
    /// First frame of its part of the timeline.
    pub first: i64,
    /// First frame that is no longer its own.
    pub end: i64,
    /// Its subtitles, where they are passed on as text, and when its file's beginning would have been on air, Unix milliseconds.
    pub text: Option<(TextTrack, i64)>,
    /// What it has of a video card.
    pub seat: Option<Seat>,
    /// What the card has to do with it, as the worker planned it.
    pub part: Option<Box<CardPart>>,
    /// FFmpeg's process id.
    pub pid: Option<u32>,
    /// How far it is.
    pub progress: Option<Progress>,
    /// Taken apart, as far as it has been read.
    pub demux: RunDemux,
    /// Whether its first frame has been sent.
    pub joined: bool,
    /// Whether everything that was read has been taken over.
    pub drained: bool,
    pipe: Option<pipe::Receiver>,
    buffer: Vec<u8>,
    end_of_pipe: Option<Instant>,
    ended: Option<RunEnd>,
    words: VecDeque<String>,
}

impl Run {
    /// Returns a run that has been ordered.
    pub fn ordered(entry: PlayoutEntryId, shown: Shown, end: i64) -> Self {
        Self {
            id: shown.run,
            entry,
            first: shown.first,
            shown,
            end,
            text: None,
            seat: None,
            part: None,
            pid: None,
            progress: None,
            demux: RunDemux::new(),
            joined: false,
            drained: true,
            pipe: None,
            buffer: Vec::new(),
            end_of_pipe: None,
            ended: None,
            words: VecDeque::new(),
        }
    }

    /// FFmpeg lives, and this is its output.
    pub fn started(&mut self, pid: u32, pipe: Option<OwnedFd>) {
        self.pid = Some(pid);
        match pipe.map(pipe::Receiver::from_owned_fd) {
            Some(Ok(reader)) => self.pipe = Some(reader),
            Some(Err(error)) => {
                tracing::warn!(run.id = %self.id, %error, "a worker handed over something that is no pipe")
            }
            None => tracing::warn!(run.id = %self.id, "a worker started a run without handing over its pipe"),
        }
    }

    /// FFmpeg complains.
    pub fn said(&mut self, line: &str) {
        if self.words.len() == LAST_WORDS {
            self.words.pop_front();
        }
        self.words.push_back(line.to_owned());
    }

    /// Returns the errors that FFmpeg named last.
    pub fn last_words(&self) -> String {
        self.words.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// FFmpeg is gone.
    pub fn ended(&mut self, end: RunEnd, now: Instant) {
        if self.pipe.is_none() {
            self.end_of_pipe.get_or_insert(now);
        }
        self.ended = Some(end);
    }

    /// Returns whether there is a pipe to read.
    pub fn is_readable(&self) -> bool {
        self.pipe.is_some()
    }

    /// Reads what the pipe holds into the demultiplexer; may be dropped at any await.
    pub async fn read(&mut self) -> io::Result<usize> {
        let Some(pipe) = &mut self.pipe else { return std::future::pending().await };
        self.buffer.resize(READ_BYTES, 0);
        let length = pipe.read(&mut self.buffer).await?;
        self.demux.push(&self.buffer[..length]);
        self.drained = false;
        Ok(length)
    }

    /// The pipe is at its end, or broken.
    pub fn close_pipe(&mut self, now: Instant) {
        if self.pipe.take().is_some() || self.end_of_pipe.is_none() {
            self.demux.finish();
            self.drained = false;
            self.end_of_pipe = Some(now);
        }
    }

    /// Returns whether the pipe is at its end.
    pub fn is_read(&self) -> bool {
        self.end_of_pipe.is_some()
    }

    /// Returns how the run ended once that is known, when the stream has come to frame `reached`; a worker that never says is not waited
    /// for beyond a second.
    pub fn outcome(&self, reached: i64, second: i64, now: Instant) -> Option<Outcome> {
        let read_at = self.end_of_pipe?;
        match &self.ended {
            Some(end @ (RunEnd::Completed | RunEnd::Cancelled)) => {
                Some(self.completed(end, reached + second < self.end))
            }
            Some(_) => Some(Outcome::Failed(self.cause())),
            None => (now.duration_since(read_at).as_millis() > 1_000).then_some(Outcome::Failed(Cause::WorkerHung)),
        }
    }

    /// FFmpeg calls it a success when a disk goes away in the middle.
    fn completed(&self, end: &RunEnd, is_early: bool) -> Outcome {
        match is_early.then(|| diagnosis::of_end(end, &self.last_words())) {
            Some(cause @ Cause::SourceUnreachable) => Outcome::Failed(cause),
            early => Outcome::Completed { early },
        }
    }

    /// Returns whether the run broke before anybody wanted its first byte.
    pub fn broke_early(&self) -> bool {
        matches!(self.ended, Some(RunEnd::Failed { .. } | RunEnd::Killed { .. } | RunEnd::NotStarted { .. }))
    }

    /// Returns why the run broke; one that was only prepared breaks with its pipe unread.
    pub fn cause(&self) -> Cause {
        self.ended.as_ref().map_or(Cause::FfmpegCrashed, |end| diagnosis::of_end(end, &self.last_words()))
    }

    /// Returns what the run's end says about why it broke, for people.
    pub fn complaint(&self) -> String {
        match &self.ended {
            Some(RunEnd::Failed { code, message }) => format!("FFmpeg ended with code {code}: {message}"),
            Some(RunEnd::Killed { signal }) => format!("FFmpeg was killed by signal {signal}"),
            Some(RunEnd::NotStarted { message }) => format!("FFmpeg could not be started: {message}"),
            Some(RunEnd::Completed | RunEnd::Cancelled) if self.words.is_empty() => {
                "FFmpeg says that it played everything, but there was less than there should be".into()
            }
            Some(RunEnd::Completed | RunEnd::Cancelled) => format!("FFmpeg ended early: {}", self.last_words()),
            None => "its end was never reported".into(),
        }
    }

    /// Returns what the card has to do with a run that failed, or that went otherwise than planned.
    pub fn blame_card(&self, completed: bool) -> Option<Blamed> {
        let seat = self.seat.as_ref().filter(|seat| seat.card.is_some())?;
        let words = match &self.ended {
            Some(RunEnd::Failed { message, .. } | RunEnd::NotStarted { message }) => {
                format!("{}\n{message}", self.last_words())
            }
            _ => self.last_words(),
        };
        seat.failed(Failing { words: &words, gave: self.demux.stats().pictures > 0, completed })
    }

    /// Returns the run as the API shows it.
    pub fn view(&self, on_air: Option<RunId>) -> RunView {
        let kind = if on_air == Some(self.id) { RunKind::OnAir } else { RunKind::Prepared };
        let card = self.seat.as_ref().map(|seat| RunCard::of(seat, self.part.as_deref()));
        let title = self.shown.title.to_string();
        RunView { run: self.id, pid: self.pid, kind, title, progress: self.progress, card }
    }
}
