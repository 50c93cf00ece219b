//! Access units: one coded picture or one coded sound frame.
//!
//! Does: name what the stages hand to each other.
//! Does not: decide anything.
//! Invariant: times are 90 kHz ticks that never wrap.

use bytes::Bytes;

use crate::grid::AUDIO_FRAME_TICKS;

/// What an access unit holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitKind {
    /// A picture, H.264 in Annex B form.
    Video {
        /// An IDR picture with its parameter sets before it: decoding can begin here.
        keyframe: bool,
    },
    /// One AAC frame with its ADTS header.
    Audio,
}

impl UnitKind {
    /// Returns whether decoding can begin with this unit.
    pub fn is_keyframe(self) -> bool {
        matches!(self, Self::Video { keyframe: true })
    }

    /// Returns whether it is a picture.
    pub fn is_video(self) -> bool {
        matches!(self, Self::Video { .. })
    }
}

/// One access unit as a run delivers it, on the run's own clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessUnit {
    /// What it holds.
    pub kind: UnitKind,
    /// Presentation time.
    pub pts: i64,
    /// Decoding time.
    pub dts: i64,
    /// The coded bytes.
    pub data: Bytes,
}

/// Where a placed unit came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A run of FFmpeg.
    Run,
    /// The slate, picture or sound.
    Slate,
    /// A silent frame that closes a hole in a run's sound.
    Silence,
}

/// One access unit on the channel's timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedUnit {
    /// What it holds.
    pub kind: UnitKind,
    /// For a picture its place in decoding order, which is its frame index (for a keyframe also that of its presentation); for sound
    /// the picture it is sent with. Units leave in the order of `index`, a picture before its sound.
    pub index: i64,
    /// Presentation time on the channel's clock.
    pub pts: i64,
    /// Decoding time on the channel's clock.
    pub dts: i64,
    /// Where it came from.
    pub origin: Origin,
    /// The coded bytes.
    pub data: Bytes,
}

impl PlacedUnit {
    /// Places audio frame `number` of the absolute grid with picture `index`.
    pub(crate) fn sound(number: i64, index: i64, origin: Origin, data: Bytes) -> Self {
        let pts = number.saturating_mul(AUDIO_FRAME_TICKS);
        Self { kind: UnitKind::Audio, index, pts, dts: pts, origin, data }
    }
}
