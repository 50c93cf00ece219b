//! What a channel sends: the parameters that never change while it is on air.

use serde::{Deserialize, Serialize};

/// What a channel sends. Every run, slate and silent frame of the channel has exactly these parameters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct OutputProfile {
    /// Picture width in square pixels; even.
    pub width: u32,
    /// Picture height; even.
    pub height: u32,
    /// Constant frame rate.
    pub frame_rate: FrameRate,
    /// Video codec.
    pub video_codec: VideoCodec,
    /// Mean video bit rate.
    pub video_bitrate_bps: u32,
    /// Distance of the channel's keyframes, which lie on the channel's clock; also the length of an HLS segment.
    pub gop_ms: u32,
    /// Audio codec.
    pub audio_codec: AudioCodec,
    /// Mean audio bit rate.
    pub audio_bitrate_bps: u32,
    /// Audio channels: 1 or 2 in this version.
    pub audio_channels: u8,
}

/// Samples a second of every channel: the only rate at which audio frames lie on whole 90 kHz ticks.
pub const SAMPLE_RATE_HZ: u32 = 48_000;

/// Video codecs that a channel can send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum VideoCodec {
    /// H.264 / AVC.
    H264,
}

/// Audio codecs that a channel can send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AudioCodec {
    /// AAC-LC in ADTS.
    Aac,
}

impl Default for OutputProfile {
    fn default() -> Self {
        Self {
            width: 1280,
            height: 720,
            frame_rate: FrameRate::new(30, 1),
            video_codec: VideoCodec::H264,
            video_bitrate_bps: 2_500_000,
            gop_ms: 2_000,
            audio_codec: AudioCodec::Aac,
            audio_bitrate_bps: 192_000,
            audio_channels: 2,
        }
    }
}

/// Why a profile cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Width or height is odd, too small or too large.
    #[error("use a picture of {width}x{height}: both must be even, from 64 to 7680")]
    Size {
        /// The width that was asked for.
        width: u32,
        /// The height that was asked for.
        height: u32,
    },
    /// The frame rate is not one that television uses.
    #[error("use {num}/{den} frames a second: it must be from 10 to 60")]
    Rate {
        /// Numerator.
        num: u32,
        /// Denominator.
        den: u32,
    },
    /// A bit rate is out of bounds.
    #[error("use {bps} b/s for {what}: it must be from {min} to {max}")]
    Bitrate {
        /// "video" or "audio".
        what: &'static str,
        /// The rate that was asked for.
        bps: u32,
        /// Least.
        min: u32,
        /// Most.
        max: u32,
    },
    /// The keyframe distance is out of bounds or no whole number of frames.
    #[error("put keyframes {gop_ms} ms apart: it must be from 500 to 6000 and a whole number of frames")]
    Gop {
        /// The distance that was asked for.
        gop_ms: u32,
    },
    /// More channels than this version sends.
    #[error("send {channels} audio channels: it must be 1 or 2")]
    Channels {
        /// The count that was asked for.
        channels: u8,
    },
}

impl OutputProfile {
    /// Checks the profile; every profile from outside passes here once.
    ///
    /// # Errors
    /// Names the first value that cannot be sent.
    pub fn check(&self) -> Result<(), ProfileError> {
        let side_ok = |side: u32| side.is_multiple_of(2) && (64..=7680).contains(&side);
        if !side_ok(self.width) || !side_ok(self.height) {
            return Err(ProfileError::Size { width: self.width, height: self.height });
        }
        let FrameRate { num, den } = self.frame_rate;
        if den == 0 || num < den.saturating_mul(10) || num > den.saturating_mul(60) {
            return Err(ProfileError::Rate { num, den });
        }
        let bitrate = |what, bps, min, max| {
            if (min..=max).contains(&bps) { Ok(()) } else { Err(ProfileError::Bitrate { what, bps, min, max }) }
        };
        bitrate("video", self.video_bitrate_bps, 100_000, 50_000_000)?;
        bitrate("audio", self.audio_bitrate_bps, 32_000, 512_000)?;
        if !(500..=6_000).contains(&self.gop_ms) || self.gop_frames() == 0 {
            return Err(ProfileError::Gop { gop_ms: self.gop_ms });
        }
        if !(1..=2).contains(&self.audio_channels) {
            return Err(ProfileError::Channels { channels: self.audio_channels });
        }
        Ok(())
    }

    /// Returns the keyframe distance in frames, rounded to the nearest.
    pub fn gop_frames(&self) -> u32 {
        let FrameRate { num, den } = self.frame_rate;
        let thousandths = u64::from(self.gop_ms) * u64::from(num);
        let frame = 1000 * u64::from(den.max(1));
        u32::try_from((thousandths + frame / 2) / frame).unwrap_or(u32::MAX)
    }
}

/// Frames a second as an exact fraction: 30/1, 30000/1001.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FrameRate {
    /// Frames in `den` seconds.
    pub num: u32,
    /// Seconds.
    pub den: u32,
}

impl FrameRate {
    /// Returns the rate `num`/`den`.
    pub const fn new(num: u32, den: u32) -> Self {
        Self { num, den }
    }

    /// Returns the rate as a floating number, for display and comparison only.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den.max(1))
    }
}

impl std::fmt::Display for FrameRate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.den == 1 { write!(f, "{}", self.num) } else { write!(f, "{}/{}", self.num, self.den) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_profile_can_be_sent() {
        let profile = OutputProfile::default();
        assert_eq!(profile.check(), Ok(()));
        assert_eq!(profile.gop_frames(), 60);
    }

    #[test]
    fn impossible_profiles_name_what_is_wrong() {
        let odd = OutputProfile { width: 1281, ..Default::default() };
        assert!(matches!(odd.check(), Err(ProfileError::Size { width: 1281, .. })));
        let still = OutputProfile { frame_rate: FrameRate::new(1, 0), ..Default::default() };
        assert!(matches!(still.check(), Err(ProfileError::Rate { .. })));
        let loud = OutputProfile { audio_channels: 6, ..Default::default() };
        assert!(matches!(loud.check(), Err(ProfileError::Channels { channels: 6 })));
    }
}
