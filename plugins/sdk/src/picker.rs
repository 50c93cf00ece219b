//! The contract `exstreamtv.picker/1`.
//!
//! Does: say what a picker is, and in which ways it may decline.
//! Does not: check answers; `AudioAnswer::check` and `SubtitleAnswer::check` do, and the host calls them whoever wrote the answer.
//! Invariant: the same request gives the same answer; a picker that knows one method only says so about the other.

use exstreamtv_model::pick::{AudioAnswer, AudioRequest, SubtitleAnswer, SubtitleRequest};
use exstreamtv_plugin_api::{METHOD_PICK_AUDIO, METHOD_PICK_SUBTITLE};

/// Chooses which sound and which subtitles of a file are played. Write one method or both.
///
/// The answer ranks every candidate with a reason, because people ask "why this track?" and get to read it.
pub trait Picker: Send + Sync {
    /// Returns which sound is played, and how its channels become those that the channel sends.
    ///
    /// # Errors
    /// Says why there is no answer; the host then takes the file's default stream.
    fn pick_audio(&self, request: &AudioRequest) -> Result<AudioAnswer, PickError> {
        let _ = request;
        Err(PickError::UnknownMethod { method: METHOD_PICK_AUDIO })
    }

    /// Returns which subtitles are shown.
    ///
    /// # Errors
    /// Says why there is no answer; the host then shows none.
    fn pick_subtitle(&self, request: &SubtitleRequest) -> Result<SubtitleAnswer, PickError> {
        let _ = request;
        Err(PickError::UnknownMethod { method: METHOD_PICK_SUBTITLE })
    }
}

/// Why a picker has no answer; reads well after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PickError {
    /// This picker picks something else.
    #[error("find the method {method:?}: this picker does not have it")]
    UnknownMethod {
        /// Which method.
        method: &'static str,
    },
    /// The preferences cannot be used.
    #[error("use the preferences: {reason}")]
    BadPreferences {
        /// What is wrong with them.
        reason: String,
    },
    /// The answer would come too late.
    #[error("pick in time")]
    Late,
    /// A reason of the strategy's own.
    #[error("pick: {reason}")]
    Declined {
        /// What stands in the way, and what can be done about it.
        reason: String,
    },
}
