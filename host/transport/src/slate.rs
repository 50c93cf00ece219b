//! The pictures and the sound that cover whatever is missing.
//!
//! Does: take them from a rendered slate.
//! Does not: render, or place anything.
//! Invariant: each group of pictures begins with a keyframe and is decoded as it is shown, so that a slate can be left after any picture;
//! the sound is a loop without a seam, and the silent frame is silent whatever the slate sounds like.

use bytes::Bytes;
use exstreamtv_model::slate::{SILENT_LEAD_FRAMES, SOUND_LOOP_FRAMES, SOUND_SETTLES_FRAMES};

use crate::{AccessUnit, RunDemux, UnitKind, codec::avc1_codec};

/// How many groups of pictures are used in turn: the idr_pic_id of neighbouring keyframes must differ.
const GROUPS: usize = 2;

/// Two groups of pictures, a silent frame, and the sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slate {
    groups: Vec<Vec<Bytes>>,
    silence: Bytes,
    sound: Vec<Bytes>,
}

/// Why a rendered slate cannot be used; fits after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlateError {
    /// There are no two groups of pictures.
    #[error(
        "find two groups of pictures in the rendered slate of {bytes} bytes: FFmpeg must write H.264 with keyframes into MPEG-TS"
    )]
    NoPicture {
        /// Size of what was rendered.
        bytes: usize,
    },
    /// A picture depends on later ones.
    #[error(
        "loop the rendered slate: its pictures are not in the order in which they are shown, so FFmpeg must write no B pictures"
    )]
    Reordered,
    /// There is not enough sound.
    #[error("find {wanted} frames of sound in the rendered slate, which has {found}: FFmpeg must write AAC at 48 kHz")]
    NoSound {
        /// Frames that are needed.
        wanted: usize,
        /// Frames that are there.
        found: usize,
    },
}

impl Slate {
    /// Takes the slate from the transport stream that a worker rendered: whole groups of pictures, and sound after a beginning of silence.
    ///
    /// # Errors
    /// Says what is missing or wrong.
    pub fn from_run(rendered: &[u8]) -> Result<Self, SlateError> {
        let mut demux = RunDemux::new();
        demux.push(rendered);
        demux.finish();
        let (pictures, sounds): (Vec<_>, Vec<_>) =
            std::iter::from_fn(|| demux.pop()).partition(|unit| unit.kind.is_video());
        let (silence, sound) = sound_of(&sounds)?;
        Ok(Self { groups: groups_of(&pictures, rendered.len())?, silence, sound })
    }

    /// Returns picture `number` of group `turn`, both of which go on for ever, or nothing where the group has ended.
    pub fn picture(&self, turn: usize, number: usize) -> Option<Bytes> {
        self.groups[turn % self.groups.len()].get(number).cloned()
    }

    /// Returns the silent frame.
    pub fn silence(&self) -> Bytes {
        self.silence.clone()
    }

    /// Returns the frame of the slate's sound at a place on the channel's grid.
    pub fn sound(&self, place: i64) -> Bytes {
        let length = i64::try_from(self.sound.len()).unwrap_or(1);
        self.sound[usize::try_from(place.rem_euclid(length)).unwrap_or(0)].clone()
    }

    /// Returns the RFC 6381 name of the pictures' codec ("avc1.64001f").
    pub fn video_codec(&self) -> Option<String> {
        avc1_codec(&self.groups[0][0])
    }

    /// Returns about how much memory it takes.
    pub fn size_bytes(&self) -> usize {
        self.groups.iter().flatten().chain(&self.sound).map(Bytes::len).sum()
    }
}

/// Takes the last two groups: rate control has settled. All of a slate's groups have one length, so the last one is whole if the others are.
fn groups_of(pictures: &[AccessUnit], bytes: usize) -> Result<Vec<Vec<Bytes>>, SlateError> {
    let is_key = |at: &usize| pictures[*at].kind == UnitKind::Video { keyframe: true };
    let keys: Vec<usize> = (0..pictures.len()).filter(is_key).collect();
    let last = keys.split_at(keys.len().saturating_sub(GROUPS)).1;
    let &[first, second] = last else { return Err(SlateError::NoPicture { bytes }) };
    let (one, other) = (&pictures[first..second], &pictures[second..]);
    if !pictures[first..].is_sorted_by(|before, after| before.pts < after.pts) {
        return Err(SlateError::Reordered);
    }
    Ok([one, other].map(|group| group.iter().map(copied).collect()).into())
}

fn sound_of(sounds: &[AccessUnit]) -> Result<(Bytes, Vec<Bytes>), SlateError> {
    let begins = SILENT_LEAD_FRAMES + SOUND_SETTLES_FRAMES;
    let wanted = begins + SOUND_LOOP_FRAMES;
    let no_sound = SlateError::NoSound { wanted, found: sounds.len() };
    let looped = sounds.get(begins..wanted).ok_or_else(|| no_sound.clone())?;
    // The first frames hold the encoder's priming.
    let silent = sounds.get(SILENT_LEAD_FRAMES / 2).ok_or(no_sound)?;
    let silence = copied(silent);
    let is_silent = looped.iter().all(|unit| unit.data == silence);
    let sound = if is_silent { vec![silence.clone()] } else { looped.iter().map(copied).collect() };
    Ok((silence, sound))
}

/// Copied, because the slices would keep the whole rendering in memory for the life of the channel.
fn copied(unit: &AccessUnit) -> Bytes {
    Bytes::copy_from_slice(&unit.data)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_no_slate_and_says_so() {
        let error = Slate::from_run(&[]).unwrap_err();
        assert_eq!(error, SlateError::NoSound { wanted: 93, found: 0 });
        assert!(error.to_string().starts_with("find 93 frames of sound in the rendered slate, which has 0"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn arbitrary_bytes_are_no_slate(bytes in prop::collection::vec(any::<u8>(), 0..4_000)) {
            prop_assert!(Slate::from_run(&bytes).is_err());
        }
    }
}
