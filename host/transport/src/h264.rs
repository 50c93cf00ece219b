//! H.264 in Annex B form: finding NAL units.
//!
//! Does: say whether an access unit is a keyframe, and find its sequence parameter set.
//! Does not: parse slices or rewrite anything.
//! Invariant: linear in the bytes looked at; looks no further than the first slice to classify a picture.

const SLICE: u8 = 1;
const SLICE_IDR: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;

/// Returns whether decoding can begin with this access unit, or `None` if it holds no slice at all.
pub(crate) fn keyframe(unit: &[u8]) -> Option<bool> {
    let (mut sps, mut pps) = (false, false);
    for nal in NalUnits::new(unit) {
        match unit[nal] & 0x1F {
            SPS => sps = true,
            PPS => pps = true,
            SLICE_IDR => return Some(sps && pps),
            // Data partitions (2 to 4) are slices too.
            SLICE..SLICE_IDR => return Some(false),
            _ => {}
        }
    }
    None
}

/// Returns the first sequence parameter set from its header byte on; what follows it is not cut off.
pub(crate) fn sequence_parameters(unit: &[u8]) -> Option<&[u8]> {
    NalUnits::new(unit).find(|nal| unit[*nal] & 0x1F == SPS).map(|nal| &unit[nal..])
}

/// Offsets of the header bytes of an access unit's NAL units.
struct NalUnits<'a> {
    unit: &'a [u8],
    at: usize,
}

impl<'a> NalUnits<'a> {
    fn new(unit: &'a [u8]) -> Self {
        Self { unit, at: 0 }
    }
}

impl Iterator for NalUnits<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let found = self.unit.get(self.at..)?.windows(4).position(|bytes| bytes[..3] == [0, 0, 1])?;
        self.at += found + 3;
        Some(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyframe_is_an_idr_slice_after_both_parameter_sets() {
        assert_eq!(keyframe(b"\0\0\0\x01\x09\xF0\0\0\x01\x67s\0\0\x01\x68p\0\0\x01\x65idr"), Some(true));
        assert_eq!(keyframe(b"\0\0\x01\x67s\0\0\x01\x65idr\0\0\x01\x68p"), Some(false));
        assert_eq!(keyframe(b"\0\0\0\x01\x09\xF0\0\0\x01\x41p\0\0\x01\x67s"), Some(false));
    }

    #[test]
    fn what_holds_no_slice_is_no_picture() {
        for bytes in [&b""[..], b"\0\0\x01", b"\0\0\x01\x09", b"\0\0\0\0\0\0", b"\x41\x41\x41\x41\x41"] {
            assert_eq!(keyframe(bytes), None);
        }
    }

    #[test]
    fn the_parameter_set_is_found_behind_the_delimiter() {
        let unit = b"\0\0\0\x01\x09\xF0\0\0\x01\x67\x64\x00\x1F";
        assert_eq!(sequence_parameters(unit), Some(&b"\x67\x64\x00\x1F"[..]));
    }
}
