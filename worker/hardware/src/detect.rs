//! Finds out what this machine's cards can do, one question at a time.
//!
//! Does: say what to ask next (run FFmpeg, read a file), and what the answers mean.
//! Does not: run, read or wait; whoever asks does.
//! Invariant: every question is bounded in time; the same answers give the same verdicts, and no answer makes it panic.

mod card;
mod clip;
mod decode;
mod device;
mod encode;
mod filter;
mod ladder;
mod lists;
mod slots;
mod survey;
mod verdict;

use std::collections::BTreeMap;

pub use clip::Clip;
pub use device::{Access, Found, Group, Node, System};
pub use ladder::Ladder;
pub use lists::{Build, Gpu, Help, gpu_list, help};
pub use survey::Survey;
pub use verdict::{frames_encoded, judge};

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Runs FFmpeg.
    Run(Run),
    /// Reads a small file of the system.
    Read {
        /// Absolute.
        path: String,
    },
}

/// A run of FFmpeg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What it is about, for logs: "cuda:0 decode hevc 10".
    pub about: String,
    /// Arguments; [`CLIP`] stands for the clip's path.
    pub args: Vec<String>,
    /// What its environment has beside the usual.
    pub env: BTreeMap<String, String>,
    /// After so long it is killed, with all that it started.
    pub timeout_ms: u64,
    /// What it decodes.
    pub clip: Option<Clip>,
    /// Name of what must not be tried twice at once on this machine.
    pub exclusive: Option<String>,
}

/// Stands for the clip's path among the arguments of a [`Run`].
pub const CLIP: &str = "{clip}";

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// FFmpeg ended.
    Ran {
        /// Its exit code; none if a signal ended it.
        exit: Option<i32>,
        /// What it wrote.
        stdout: String,
        /// What it said.
        stderr: String,
    },
    /// It did not end in time and was killed.
    TimedOut,
    /// It could not be started.
    NotStarted {
        /// Why, in words for people.
        message: String,
    },
    /// The clip could not be made.
    NoClip {
        /// Why, in words for people.
        message: String,
    },
    /// What is in the file; `None` where it cannot be read.
    File(Option<String>),
}

/// How long a question about FFmpeg's build may take.
const LIST_TIMEOUT_MS: u64 = 10_000;

impl Run {
    /// Returns a question about FFmpeg's build.
    fn list(args: &[&str]) -> Self {
        let args: Vec<String> = ["-hide_banner"].iter().chain(args).map(|arg| (*arg).to_owned()).collect();
        let about = args[1..].join(" ");
        Self { about, args, env: BTreeMap::new(), timeout_ms: LIST_TIMEOUT_MS, clip: None, exclusive: None }
    }

    /// Returns the arguments with the clip's path among them.
    pub fn args_with(&self, clip: &str) -> Vec<String> {
        self.args.iter().map(|arg| if arg == CLIP { clip.to_owned() } else { arg.clone() }).collect()
    }
}
