//! Why a plugin gave no answer that can be used.

use std::time::Duration;

use exstreamtv_loader::{CallError, CreateError, LoadError};
use serde::{Deserialize, Serialize};

/// Why a plugin gave no answer that can be used; fits after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum CallFault {
    /// It does not know the method.
    #[error("answer: it does not know this method")]
    UnknownMethod,
    /// It understood and has no answer, or did not understand; its own words.
    #[error("answer: {text}")]
    Declined {
        /// What it says.
        text: String,
    },
    /// It did not come back in time, or said that it would not.
    #[error("answer within {} ms", .limit.as_millis())]
    Late {
        /// The time that it had.
        limit: Duration,
    },
    /// It has a bug and noticed.
    #[error("answer: it panicked: {text}")]
    Panicked {
        /// What it says.
        text: String,
    },
    /// Its process ended.
    #[error("answer: its process {how}")]
    Crashed {
        /// "was ended by signal 11 (SIGSEGV)".
        how: String,
    },
    /// Its answer is longer than is read.
    #[error("answer in at most {max_bytes} bytes")]
    TooLong {
        /// The limit.
        max_bytes: usize,
    },
    /// Its answer is no document, or one that breaks the contract.
    #[error("give an answer that can be used: {text}")]
    Invalid {
        /// What is wrong with it.
        text: String,
    },
    /// It cannot be loaded, made or started.
    #[error("start: {text}")]
    NotStarted {
        /// Why.
        text: String,
    },
    /// It is not asked for a while, because it has just failed.
    #[error("be asked: it failed and is started again in a moment")]
    Pausing,
    /// The host is stopping and does not wait any longer.
    #[error("answer: the host is stopping")]
    Stopping,
    /// It is not asked at all, because it failed too often.
    #[error("be asked: it is in quarantine ({reason}); see `exstreamtv plugin quarantine`")]
    Quarantined {
        /// Why.
        reason: String,
    },
}

impl CallFault {
    /// Returns whether this counts towards quarantine: what a well-behaved plugin never does.
    pub fn is_strike(&self) -> bool {
        match self {
            Self::Late { .. }
            | Self::Panicked { .. }
            | Self::Crashed { .. }
            | Self::TooLong { .. }
            | Self::Invalid { .. } => true,
            Self::UnknownMethod
            | Self::Declined { .. }
            | Self::NotStarted { .. }
            | Self::Pausing
            | Self::Stopping
            | Self::Quarantined { .. } => false,
        }
    }

    /// Translates how a call ended that had `limit`.
    pub fn from_call(error: CallError, limit: Duration) -> Self {
        match error {
            CallError::UnknownMethod { .. } => Self::UnknownMethod,
            CallError::BadInput { text } => Self::Declined { text: format!("it cannot read the request: {text}") },
            CallError::Failed { text } => Self::Declined { text },
            CallError::Timeout { .. } => Self::Late { limit },
            CallError::Panic { text } => Self::Panicked { text },
            CallError::TooLong { max_bytes } => Self::TooLong { max_bytes },
        }
    }
}

impl From<LoadError> for CallFault {
    fn from(error: LoadError) -> Self {
        Self::NotStarted { text: chain(&error) }
    }
}

impl From<CreateError> for CallFault {
    fn from(error: CreateError) -> Self {
        Self::NotStarted { text: chain(&error) }
    }
}

/// Returns an error with its causes as one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        // libloading repeats the system's words in its own.
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = next.source();
    }
    text
}
