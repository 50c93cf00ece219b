//! What workers report about runs and about themselves.

use serde::{Deserialize, Serialize};

/// How far a run is, from FFmpeg's `-progress`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Progress {
    /// Frames encoded.
    pub frames: u64,
    /// Frames a second, encoder's view.
    pub fps: f32,
    /// Media seconds per wall second; absent before FFmpeg knows.
    pub speed: Option<f32>,
    /// Media time written.
    pub out_time_ms: i64,
    /// Frames dropped to keep the rate.
    pub dropped_frames: u64,
    /// Frames repeated to keep the rate.
    pub duplicated_frames: u64,
    /// Bytes written.
    #[serde(default)]
    pub total_bytes: u64,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum RunEnd {
    /// FFmpeg says it did everything it was asked to do.
    Completed,
    /// FFmpeg gave up.
    Failed {
        /// Its exit code.
        code: i32,
        /// Its last words, for people.
        message: String,
    },
    /// A signal ended it that we did not send.
    Killed {
        /// The signal's number.
        signal: i32,
    },
    /// We ended it on request.
    Cancelled,
    /// It could not be started at all.
    NotStarted {
        /// Why, for people.
        message: String,
    },
}

/// A line of FFmpeg's stderr.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// How serious FFmpeg thinks it is.
    pub level: LogLevel,
    /// The text, at most 1 KiB.
    pub text: String,
}

/// FFmpeg's log levels that we ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Worth knowing.
    Info,
    /// Something is odd.
    Warning,
    /// Something failed.
    Error,
    /// FFmpeg cannot go on.
    Fatal,
}

/// A worker's vital signs, once a second.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Vitals {
    /// Resident memory of the worker and its FFmpeg processes.
    pub rss_bytes: u64,
    /// Processor use of the worker and its FFmpeg processes; 100 is one core.
    pub cpu_percent: f32,
    /// FFmpeg processes alive.
    pub runs: u32,
}
