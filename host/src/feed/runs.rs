//! The runs of one feed: their pipes, how far they are, how they ended.
//!
//! Does: keep what belongs to each FFmpeg process until its last byte is read and its end is known.
//! Does not: decide which run is on air; the conductor does.
//! Invariant: a run is over when its pipe is at its end *and* its end is reported; only then is its outcome known.

use std::{io, os::fd::OwnedFd};

use exstreamtv_core::Outcome;
use exstreamtv_model::{
    Cause, RunId,
    health::{Progress, RunEnd},
};
use exstreamtv_transport::RunDemux;
use tokio::{io::AsyncReadExt, net::unix::pipe, time::Instant};

use super::{
    cue_files::TextTrack,
    view::{RunKind, RunView},
};

/// Bytes taken from a pipe at once; also what may wait in memory beyond the horizon.
const READ_BYTES: usize = 64 * 1024;

/// One run.
#[derive(Debug)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// What it plays, for people.
    pub title: String,
    /// First frame of its part of the timeline.
    pub first: i64,
    /// First frame that is no longer its own.
    pub end: i64,
    /// Its subtitles, where they are passed on as text, and when its file's beginning would have been on air, Unix milliseconds.
    pub text: Option<(TextTrack, i64)>,
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
}

impl Run {
    /// Returns a run that has been ordered.
    pub fn ordered(id: RunId, title: String, first: i64, end: i64) -> Self {
        Self {
            id,
            title,
            first,
            end,
            text: None,
            pid: None,
            progress: None,
            demux: RunDemux::new(),
            joined: false,
            drained: true,
            pipe: None,
            buffer: Vec::new(),
            end_of_pipe: None,
            ended: None,
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

    /// Returns how the run ended once that is known; a worker that never says is not waited for beyond a second.
    pub fn outcome(&self, now: Instant) -> Option<Outcome> {
        let read_at = self.end_of_pipe?;
        match &self.ended {
            Some(RunEnd::Completed | RunEnd::Cancelled) => Some(Outcome::Completed),
            Some(RunEnd::Failed { .. } | RunEnd::Killed { .. } | RunEnd::NotStarted { .. }) => Some(Outcome::Failed),
            None => (now.duration_since(read_at).as_millis() > 1_000).then_some(Outcome::Failed),
        }
    }

    /// Returns whether the run broke before anybody wanted its first byte.
    pub fn broke_early(&self) -> bool {
        matches!(self.ended, Some(RunEnd::Failed { .. } | RunEnd::Killed { .. } | RunEnd::NotStarted { .. }))
    }

    /// Returns what the run's end says about why it broke, for people.
    pub fn complaint(&self) -> String {
        match &self.ended {
            Some(RunEnd::Failed { code, message }) => format!("FFmpeg ended with code {code}: {message}"),
            Some(RunEnd::Killed { signal }) => format!("FFmpeg was killed by signal {signal}"),
            Some(RunEnd::NotStarted { message }) => format!("FFmpeg could not be started: {message}"),
            Some(RunEnd::Completed | RunEnd::Cancelled) => "it is complete".into(),
            None => "its end was never reported".into(),
        }
    }

    /// Returns the most likely cause of a broken run: the little that its last words say for sure.
    pub fn suspected(&self) -> Cause {
        match &self.ended {
            Some(RunEnd::NotStarted { .. }) => Cause::FfmpegMissing,
            Some(RunEnd::Failed { message, .. }) if message.contains("No such file") => Cause::SourceMissing,
            Some(RunEnd::Failed { message, .. }) if message.contains("Permission denied") => Cause::SourceForbidden,
            Some(RunEnd::Failed { message, .. }) if message.contains("Invalid data found") => Cause::SourceDamaged,
            _ => Cause::FfmpegCrashed,
        }
    }

    /// Returns the run as the API shows it.
    pub fn view(&self, on_air: Option<RunId>) -> RunView {
        let kind = if on_air == Some(self.id) { RunKind::OnAir } else { RunKind::Prepared };
        RunView { run: self.id, pid: self.pid, kind, title: self.title.clone(), progress: self.progress }
    }
}
