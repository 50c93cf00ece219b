//! What a worker knows about a run that did not end as it should.

use exstreamtv_model::health::LogLevel;
use serde::{Deserialize, Serialize};

/// The most lines of FFmpeg's stderr in a testimony.
pub const MOST_WORDS: usize = 200;

/// The most text of the plan.
pub const MOST_PLAN_BYTES: usize = 16 * 1024;

/// What a worker knows about a run, for people who look for the fault. Times count from the start of the run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Testimony {
    /// FFmpeg's last words, oldest first; at most [`MOST_WORDS`].
    pub words: Vec<Word>,
    /// Lines before them that were not kept.
    pub lines_lost: u64,
    /// How the order was carried out; at most [`MOST_PLAN_BYTES`].
    pub plan: String,
    /// How long FFmpeg lived.
    pub lived_ms: u64,
    /// When it said for the first time that it had encoded a frame.
    pub first_progress_ms: Option<u64>,
    /// When it said last how far it was.
    pub last_progress_ms: Option<u64>,
    /// Its exit code, unless a signal ended it.
    pub exit_code: Option<i32>,
    /// The signal that ended it, whoever sent it.
    pub signal: Option<i32>,
}

/// A line of FFmpeg's stderr and when it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// When.
    pub at_ms: u64,
    /// How serious FFmpeg thinks it is.
    pub level: LogLevel,
    /// The text, at most 1 KiB.
    pub text: String,
}
