//! The messages. Each variant says when it is legal and what answers it.

use std::path::PathBuf;

use exstreamtv_model::{
    PlayOrder, RunId,
    health::{LogLine, Progress, RunEnd, Vitals},
    media::Loudness,
    pick::Downmix,
};
use serde::{Deserialize, Serialize};

use crate::{CardPart, Cards, Restrictions, Testimony};

/// Version of this protocol; a worker that speaks another one is refused in `Hello`.
pub const PROTOCOL_VERSION: u32 = 2;

/// What the host may ask of a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Names the tools. First command, once; answered by nothing, so that it costs a cold tune nothing.
    Configure {
        /// The ffmpeg binary; from the local configuration alone.
        ffmpeg: PathBuf,
        /// The ffprobe binary.
        ffprobe: PathBuf,
    },
    /// Says what processes may do that are started from now on. Legal always; answered by nothing. A worker that does not know it works without.
    Restrict(Restrictions),
    /// Says which video cards runs may use that are ordered from now on. Legal always; answered by nothing; replaces what was said before.
    Cards(Box<Cards>),
    /// Asks what FFmpeg is there; answered by `Report::Identified`. Legal after `Configure`.
    Identify,
    /// Starts a run; answered by `Report::Started` (which carries the read end of FFmpeg's stdout) or `Report::Ended`.
    Play(Box<PlayOrder>),
    /// Ends a run at once; answered by `Report::Ended`. Unknown runs are ignored: it may have ended meanwhile.
    Cancel {
        /// Which run.
        run: RunId,
    },
    /// Probes a file; answered by `Report::Probed` with the same ticket. Any number may be outstanding, the worker bounds them.
    Probe {
        /// Comes back in the answer.
        ticket: u64,
        /// Absolute path.
        path: PathBuf,
    },
    /// Writes the text subtitles of a file as WebVTT; answered by `Report::Extracted` with the same ticket. Any number may be outstanding.
    Extract {
        /// Comes back in the answer.
        ticket: u64,
        /// Absolute path of the media file, or of a subtitle file.
        path: PathBuf,
        /// Absolute index of the stream in it.
        stream: u32,
        /// Absolute path of what is written; it is there whole or not at all.
        to: PathBuf,
    },
    /// Measures how loud a sound is, from its beginning to its end; answered by `Report::Measured` with the same ticket. Any number may be outstanding;
    /// they share their places with extractions, because both read whole files.
    Measure {
        /// Comes back in the answer.
        ticket: u64,
        /// Absolute path of the media file.
        path: PathBuf,
        /// Absolute index of the stream in it.
        stream: u32,
        /// How it is mixed down before; `None` leaves it to FFmpeg.
        #[serde(default)]
        downmix: Option<Downmix>,
        /// How many channels are left then.
        channels: u8,
    },
    /// Ends every run within `grace_ms`, then the worker. Legal always; answered by end of file.
    Stop {
        /// How long FFmpeg may take to end by itself before it is killed.
        grace_ms: u32,
    },
}

/// What a worker tells its host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum Report {
    /// First report, once.
    Hello {
        /// [`PROTOCOL_VERSION`] of the worker.
        protocol: u32,
        /// The token from the worker's environment, so that nobody else's process is taken for ours.
        token: String,
        /// The worker's own version.
        version: String,
        /// Its process id.
        pid: u32,
    },
    /// Answers `Identify`.
    Identified {
        /// What is there, or why it cannot be used.
        ffmpeg: Result<FfmpegFacts, FfmpegFault>,
    },
    /// FFmpeg runs. The frame carries one descriptor: the read end of its stdout, an MPEG-TS.
    Started {
        /// Which run.
        run: RunId,
        /// FFmpeg's process id, also its process group.
        pid: u32,
        /// The command line, for people and dossiers.
        command_line: Vec<String>,
        /// What a card has to do with it, where the order named one.
        #[serde(default)]
        card: Option<Box<CardPart>>,
    },
    /// How far a run is; about once a second while it runs.
    Progress {
        /// Which run.
        run: RunId,
        /// How far.
        progress: Progress,
    },
    /// FFmpeg said something.
    Log {
        /// Which run.
        run: RunId,
        /// What.
        line: LogLine,
    },
    /// What is known about a run that did not end by itself as it should; comes before its `Ended`, if it comes.
    Testimony {
        /// Which run.
        run: RunId,
        /// What is known.
        testimony: Testimony,
    },
    /// A run is over; its process is reaped. Exactly one for each `Play`.
    Ended {
        /// Which run.
        run: RunId,
        /// How.
        end: RunEnd,
    },
    /// Answers `Probe`.
    Probed {
        /// The ticket of the question.
        ticket: u64,
        /// ffprobe's JSON, verbatim, or why there is none, in words for people.
        result: Result<String, String>,
    },
    /// Answers `Extract`.
    Extracted {
        /// The ticket of the question.
        ticket: u64,
        /// The file is there, or why it is not, in words for people.
        result: Result<(), String>,
    },
    /// Answers `Measure`.
    Measured {
        /// The ticket of the question.
        ticket: u64,
        /// How loud it is, or why nobody knows, in words for people.
        result: Result<Loudness, String>,
    },
    /// Vital signs, every two seconds while something runs.
    Vitals(Vitals),
}

impl Report {
    /// Returns whether the frame of this report carries a descriptor.
    pub fn carries_descriptor(&self) -> bool {
        matches!(self, Self::Started { .. })
    }
}

/// What FFmpeg is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FfmpegFacts {
    /// Version as it says itself ("5.1.9-0+deb12u1").
    pub version: String,
    /// Where it was found.
    pub path: PathBuf,
    /// Version of the kernel's Landlock that isolates it; 0 where nothing does.
    #[serde(default)]
    pub landlock: u32,
}

/// Why FFmpeg cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum FfmpegFault {
    /// There is none at the path.
    #[error("find {tool}: {message}")]
    Missing {
        /// "ffmpeg" or "ffprobe".
        tool: String,
        /// The system's words.
        message: String,
    },
    /// It is older than 5.1.
    #[error("use FFmpeg {version}: it is older than 5.1")]
    TooOld {
        /// Its version.
        version: String,
    },
    /// It lacks an encoder or a filter that we need.
    #[error("use FFmpeg {version}: it lacks {what}")]
    Lacks {
        /// Its version.
        version: String,
        /// What is missing ("encoder libx264").
        what: String,
    },
    /// It ran and said nothing we understand.
    #[error("understand ffmpeg: {message}")]
    Unintelligible {
        /// What it said.
        message: String,
    },
}
