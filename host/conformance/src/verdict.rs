//! What came of one test.
//!
//! Invariant: every way in which a test can end is a variant with its reason, so that a crash, a hang and a broken rule are told apart.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What came of one test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
#[must_use]
pub enum Verdict {
    /// The rule is kept.
    Passed,
    /// The rule is kept, but somebody should look.
    Warned {
        /// At what.
        what: String,
    },
    /// There was nothing to test.
    Skipped {
        /// Why not.
        why: String,
    },
    /// The rule is broken.
    Failed {
        /// How.
        what: String,
    },
    /// The plugin took its process down by a signal.
    Crashed {
        /// The signal's name.
        signal: String,
        /// The last line that it wrote to standard error.
        last_words: String,
    },
    /// The test was not over in time, and was ended.
    TimedOut {
        /// What was called; empty if that is not known.
        call: String,
        /// How long it was waited for.
        after_ms: u64,
    },
    /// The plugin ended its process.
    Exited {
        /// Its exit code.
        code: i32,
    },
}

impl Verdict {
    /// Returns a broken rule.
    pub fn failed(what: impl fmt::Display) -> Self {
        Self::Failed { what: what.to_string() }
    }

    /// Returns a test that had nothing to test.
    pub fn skipped(why: impl fmt::Display) -> Self {
        Self::Skipped { why: why.to_string() }
    }

    /// Returns whether the plugin is refused for it.
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Passed | Self::Warned { .. } | Self::Skipped { .. } => false,
            Self::Failed { .. } | Self::Crashed { .. } | Self::TimedOut { .. } | Self::Exited { .. } => true,
        }
    }

    /// Returns whether the test's process did not live to its end.
    pub fn is_death(&self) -> bool {
        matches!(self, Self::Crashed { .. } | Self::TimedOut { .. } | Self::Exited { .. })
    }

    /// Returns the verdict in one word of at most five letters.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed => "ok",
            Self::Warned { .. } => "warn",
            Self::Skipped { .. } => "skip",
            Self::Failed { .. } => "FAIL",
            Self::Crashed { .. } => "CRASH",
            Self::TimedOut { .. } => "HANG",
            Self::Exited { .. } => "EXIT",
        }
    }

    /// Returns what happened, in words for people; `None` where there is nothing to say.
    pub fn story(&self) -> Option<String> {
        Some(match self {
            Self::Passed => return None,
            Self::Warned { what } | Self::Failed { what } => what.clone(),
            Self::Skipped { why } => why.clone(),
            Self::Crashed { signal, last_words } if last_words.is_empty() => {
                format!("the plugin crashed with {signal}")
            }
            Self::Crashed { signal, last_words } => {
                format!("the plugin crashed with {signal}, its last words: {last_words}")
            }
            Self::TimedOut { call, after_ms } => {
                let call = if call.is_empty() { "the plugin" } else { call };
                format!("{call} did not end, and was given up after {} s", after_ms / 1_000)
            }
            Self::Exited { code } => format!("the plugin ended the process with exit code {code}"),
        })
    }
}

/// What a check returns: the first thing that ends it early, if any.
pub type Outcome = Result<(), Verdict>;

impl From<Outcome> for Verdict {
    fn from(outcome: Outcome) -> Self {
        outcome.err().unwrap_or(Self::Passed)
    }
}
