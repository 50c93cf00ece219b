//! How fast a viewer is sent a channel.
//!
//! Does: name the modes, and what a channel or a session may wish.
//! Does not: decide when a byte is sent; that is `exstreamtv_core::throttle`.

use serde::{Deserialize, Serialize};

/// How a viewer is sent a channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ThrottleMode {
    /// By the stream's own clock; the target bit rate is a cap.
    #[default]
    Realtime,
    /// At twice the target bit rate until a bucket is empty, then at the target bit rate.
    Burst,
    /// As fast as the viewer's connection takes it, with little of it waiting in the system.
    Adaptive,
    /// As fast as there is something to send.
    Disabled,
}

/// What a channel or a session wishes otherwise than the configuration says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ThrottleWish {
    /// The mode, if another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<ThrottleMode>,
    /// The target bit rate, if another one. Unlike the configuration's it is taken at its word, even where the channel sends more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_bitrate_bps: Option<u32>,
}

/// Why a throttle cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("send at {bps} b/s: it must be from {MIN_TARGET_BPS} to {MAX_TARGET_BPS}")]
pub struct ThrottleError {
    /// The rate that was asked for.
    pub bps: u32,
}

/// The least target bit rate: a picture and its sound need about that.
pub const MIN_TARGET_BPS: u32 = 64_000;
/// The greatest target bit rate.
pub const MAX_TARGET_BPS: u32 = 1_000_000_000;

impl ThrottleMode {
    /// Returns its word in documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Realtime => "realtime",
            Self::Burst => "burst",
            Self::Adaptive => "adaptive",
            Self::Disabled => "disabled",
        }
    }

    /// Returns the mode of this word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Realtime, Self::Burst, Self::Adaptive, Self::Disabled].into_iter().find(|mode| mode.word() == word)
    }
}

impl ThrottleWish {
    /// Checks what types alone cannot.
    ///
    /// # Errors
    /// If the target bit rate is out of bounds.
    pub fn check(&self) -> Result<(), ThrottleError> {
        match self.target_bitrate_bps {
            Some(bps) if !(MIN_TARGET_BPS..=MAX_TARGET_BPS).contains(&bps) => Err(ThrottleError { bps }),
            _ => Ok(()),
        }
    }

    /// Returns this wish with what it leaves open taken from another.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            mode: self.mode.or(other.mode),
            target_bitrate_bps: self.target_bitrate_bps.or(other.target_bitrate_bps),
        }
    }

    /// Returns whether it wishes nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_leaves_open_what_it_does_not_name() {
        let session: ThrottleWish = serde_json::from_str(r#"{"mode":"burst"}"#).unwrap();
        let channel: ThrottleWish = serde_json::from_str(r#"{"mode":"disabled","target_bitrate_bps":500000}"#).unwrap();
        let both = session.or(channel);
        assert_eq!((both.mode, both.target_bitrate_bps), (Some(ThrottleMode::Burst), Some(500_000)));
        assert!(ThrottleWish::default().is_empty() && !both.is_empty());
        assert_eq!(serde_json::to_string(&ThrottleWish::default()).unwrap(), "{}");
    }

    #[test]
    fn a_rate_that_no_picture_fits_in_is_refused() {
        let wish = |bps| ThrottleWish { mode: None, target_bitrate_bps: Some(bps) };
        assert_eq!(wish(64_000).check(), Ok(()));
        assert_eq!(wish(63_999).check(), Err(ThrottleError { bps: 63_999 }));
        assert!(wish(1_000_000_001).check().is_err());
        assert!(serde_json::from_str::<ThrottleWish>(r#"{"mode":"fast"}"#).is_err());
    }

    #[test]
    fn the_words_are_those_of_documents() {
        for mode in [ThrottleMode::Realtime, ThrottleMode::Burst, ThrottleMode::Adaptive, ThrottleMode::Disabled] {
            assert_eq!(serde_json::to_value(mode).unwrap(), mode.word());
            assert_eq!(ThrottleMode::of_word(mode.word()), Some(mode));
        }
        assert_eq!(ThrottleMode::of_word("Burst"), None);
    }
}
