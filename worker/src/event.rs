//! What happens to a worker, and what it does about it: the words between the loop and the machine.

use std::path::PathBuf;

use exstreamtv_model::{
    PlayOrder, RunId,
    health::{LogLine, Progress, Vitals},
    media::Loudness,
};
use exstreamtv_pipeline::Abilities;
use exstreamtv_worker_protocol::{CardPart, Cards, Command, Report, Restrictions, Testimony};

use crate::{identify::Identity, loudness::Measurement};

/// Where the tools are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    /// The ffmpeg binary.
    pub ffmpeg: PathBuf,
    /// The ffprobe binary.
    pub ffprobe: PathBuf,
}

/// Subtitles to be written as WebVTT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extraction {
    /// The question's ticket.
    pub ticket: u64,
    /// The file that holds them.
    pub path: PathBuf,
    /// Absolute index of their stream.
    pub stream: u32,
    /// What is written.
    pub to: PathBuf,
}

/// Something for which a whole file is read.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// Subtitles are written.
    Subtitles(Extraction),
    /// Sound is measured.
    Loudness(Measurement),
}

/// What happens to a worker.
#[derive(Debug)]
pub enum Event {
    /// The host asks for something.
    Command(Command),
    /// The host is gone or cannot be understood any more.
    HostGone,
    /// FFmpeg was started.
    Started {
        /// For which run.
        run: RunId,
        /// Its process id.
        pid: u32,
        /// Its command line.
        command_line: Vec<String>,
        /// What a card has to do with it.
        card: Option<Box<CardPart>>,
    },
    /// FFmpeg could not be started.
    NotStarted {
        /// For which run.
        run: RunId,
        /// Why, for people.
        message: String,
    },
    /// FFmpeg says how far it is.
    Progress {
        /// In which run.
        run: RunId,
        /// How far.
        progress: Progress,
    },
    /// FFmpeg says something.
    Line {
        /// In which run.
        run: RunId,
        /// What.
        line: LogLine,
    },
    /// FFmpeg ended and was reaped.
    Exited {
        /// In which run.
        run: RunId,
        /// How.
        exit: Exit,
    },
    /// The tools answered.
    Identified(Identity),
    /// ffprobe answered.
    Probed {
        /// Which question.
        ticket: u64,
        /// What.
        result: Result<String, String>,
    },
    /// Subtitles were written, or not.
    Extracted {
        /// Which question.
        ticket: u64,
        /// What came of it.
        result: Result<(), String>,
    },
    /// A sound was measured, or not.
    Heard {
        /// Which question.
        ticket: u64,
        /// How loud it is.
        result: Result<Loudness, String>,
    },
    /// Vital signs were measured.
    Measured(Vitals),
    /// The time of [`crate::machine::Machine::deadline`] has come.
    Tick,
}

/// How a process ended.
#[derive(Debug, Clone, Default)]
pub struct Exit {
    /// Exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Its last errors.
    pub last_words: String,
    /// Everything that is known about it, for people who look for a fault.
    pub testimony: Testimony,
}

/// What must be done.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// Tell the host.
    Send(Report),
    /// Start FFmpeg; answered by `Event::Started` or `Event::NotStarted`.
    Start {
        /// The ffmpeg binary.
        ffmpeg: PathBuf,
        /// What to play.
        order: Box<PlayOrder>,
        /// What FFmpeg can do.
        abilities: Abilities,
    },
    /// Plan with these video cards from now on.
    UseCards(Box<Cards>),
    /// Ask a run to end.
    Terminate(RunId),
    /// Kill a run.
    Kill(RunId),
    /// The run is over; nothing of it is needed any more.
    Forget(RunId),
    /// Ask the tools what they are; answered by `Event::Identified`.
    Identify(Tools),
    /// Ask ffprobe; answered by `Event::Probed`.
    Probe {
        /// The ffprobe binary.
        ffprobe: PathBuf,
        /// The question's ticket.
        ticket: u64,
        /// The file.
        path: PathBuf,
    },
    /// Let FFmpeg read a whole file; answered by `Event::Extracted` or `Event::Heard`.
    Read {
        /// The ffmpeg binary.
        ffmpeg: PathBuf,
        /// For what.
        reading: Reading,
    },
    /// Whatever is started from now on may do this.
    Restrict(Restrictions),
    /// Measure vital signs; answered by `Event::Measured`.
    Measure,
    /// End now. Whatever still runs is killed.
    Exit,
}
