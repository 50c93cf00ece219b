//! Names of codecs as RFC 6381 writes them.
//!
//! Does: read profile, constraints and level from a sequence parameter set.
//! Does not: parse the rest of it.
//! Invariant: the name is made of the stream's own bytes, never of what we meant to encode.

use crate::h264;

/// AAC-LC, which is what every channel sends.
pub const AAC_CODEC: &str = "mp4a.40.2";

/// Returns the name of the H.264 in an access unit ("avc1.64001f"), if it holds a sequence parameter set.
pub fn avc1_codec(access_unit: &[u8]) -> Option<String> {
    let [_, profile, constraints, level, ..] = h264::sequence_parameters(access_unit)? else { return None };
    Some(format!("avc1.{profile:02x}{constraints:02x}{level:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_that_of_the_parameter_set() {
        assert_eq!(avc1_codec(b"\0\0\0\x01\x09\xF0\0\0\x01\x67\x64\x00\x1F\xAC").as_deref(), Some("avc1.64001f"));
        assert_eq!(avc1_codec(b"\0\0\x01\x67\x64\x00"), None);
        assert_eq!(avc1_codec(b"\0\0\x01\x65\x64\x00\x1F"), None);
    }
}
