//! The picture and the silence that cover whatever is missing.
//!
//! Does: take them from a rendered slate.
//! Does not: render, or place anything.
//! Invariant: every picture is a keyframe and the sound is one steady frame, so a slate can be cut and repeated anywhere.

use bytes::Bytes;

use crate::{RunDemux, UnitKind, codec::avc1_codec};

/// One or two keyframes and one silent frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slate {
    pictures: Vec<Bytes>,
    silence: Bytes,
}

/// Why a rendered slate cannot be used; fits after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlateError {
    /// There is no picture.
    #[error("find a picture in the rendered slate of {bytes} bytes: FFmpeg must write H.264 into MPEG-TS")]
    NoPicture {
        /// Size of what was rendered.
        bytes: usize,
    },
    /// A picture depends on others.
    #[error(
        "loop the rendered slate: its last pictures are no keyframes, so FFmpeg must be told to write nothing else"
    )]
    NotAllKeyframes,
    /// There is no sound.
    #[error("find sound in the rendered slate of {bytes} bytes: FFmpeg must write AAC at 48 kHz")]
    NoSound {
        /// Size of what was rendered.
        bytes: usize,
    },
}

impl Slate {
    /// Takes the slate from the transport stream that a worker rendered: a second or so, every picture a keyframe, silent.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn from_run(rendered: &[u8]) -> Result<Self, SlateError> {
        let mut demux = RunDemux::new();
        demux.push(rendered);
        demux.finish();
        let (pictures, sounds): (Vec<_>, Vec<_>) =
            std::iter::from_fn(|| demux.pop()).partition(|unit| unit.kind.is_video());

        // The last two: rate control has settled, and their idr_pic_id differ, as those of neighbours must.
        let last = pictures.split_at(pictures.len().saturating_sub(2)).1;
        if last.is_empty() {
            return Err(SlateError::NoPicture { bytes: rendered.len() });
        }
        if last.iter().any(|picture| picture.kind != UnitKind::Video { keyframe: true }) {
            return Err(SlateError::NotAllKeyframes);
        }
        // One from the middle: the first frames hold the encoder's priming.
        let silence = sounds.get(sounds.len() / 2).ok_or(SlateError::NoSound { bytes: rendered.len() })?;
        Ok(Self {
            // Copied, because the slices would keep the whole rendering in memory for the life of the channel.
            pictures: last.iter().map(|picture| Bytes::copy_from_slice(&picture.data)).collect(),
            silence: Bytes::copy_from_slice(&silence.data),
        })
    }

    /// Returns the `turn`-th picture of an endless loop.
    pub fn picture(&self, turn: usize) -> Bytes {
        self.pictures[turn % self.pictures.len()].clone()
    }

    /// Returns the silent frame.
    pub fn silence(&self) -> Bytes {
        self.silence.clone()
    }

    /// Returns the RFC 6381 name of the pictures' codec ("avc1.64001f").
    pub fn video_codec(&self) -> Option<String> {
        avc1_codec(&self.pictures[0])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_no_slate_and_says_so() {
        let error = Slate::from_run(&[]).unwrap_err();
        assert_eq!(error, SlateError::NoPicture { bytes: 0 });
        assert!(error.to_string().starts_with("find a picture in the rendered slate of 0 bytes"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn arbitrary_bytes_are_no_slate(bytes in prop::collection::vec(any::<u8>(), 0..4_000)) {
            prop_assert!(Slate::from_run(&bytes).is_err());
        }
    }
}
