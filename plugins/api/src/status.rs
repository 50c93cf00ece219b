//! How a call ended, and how important a log line is.
//!
//! Both are numbers and not Rust enums, because a foreign library may return any number.

use std::fmt;

/// How a call ended: `exstreamtv_status`.
///
/// On anything but [`Status::OK`] the bytes in the call's sink are a text for people. A number without a name counts as [`Status::FAILED`].
#[repr(transparent)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub i32);

impl Status {
    /// The sink holds the answer.
    pub const OK: Self = Self(0);
    /// There is no such method, query or extension.
    pub const UNKNOWN_METHOD: Self = Self(1);
    /// The input is not the document that this method takes.
    pub const BAD_INPUT: Self = Self(2);
    /// The input was understood, and there is no answer to it.
    pub const FAILED: Self = Self(3);
    /// The answer would come too late.
    pub const TIMEOUT: Self = Self(4);
    /// The plugin has a bug and noticed.
    pub const PANIC: Self = Self(5);
    /// The sink took no more.
    pub const SINK_REFUSED: Self = Self(6);
    /// The library describes no such id.
    pub const UNKNOWN_ID: Self = Self(7);

    /// Returns the status in words that fit after "it ended with".
    pub fn meaning(self) -> &'static str {
        match self {
            Self::OK => "an answer",
            Self::UNKNOWN_METHOD => "unknown method",
            Self::BAD_INPUT => "bad input",
            Self::FAILED => "a failure",
            Self::TIMEOUT => "a timeout",
            Self::PANIC => "a panic",
            Self::SINK_REFUSED => "an output that was refused",
            Self::UNKNOWN_ID => "unknown id",
            _ => "a status that has no meaning",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.meaning(), self.0)
    }
}

/// How important a log line is: `exstreamtv_log_level`.
#[repr(transparent)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogLevel(pub i32);

impl LogLevel {
    /// Somebody must act.
    pub const ERROR: Self = Self(1);
    /// Something is odd, and the plugin coped.
    pub const WARN: Self = Self(2);
    /// Worth knowing.
    pub const INFO: Self = Self(3);
    /// For the author.
    pub const DEBUG: Self = Self(4);
}
