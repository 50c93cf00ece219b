//! AAC in ADTS form: finding frames.
//!
//! Does: split the payload of a PES packet into AAC frames.
//! Does not: decode, or join a frame that two PES packets share (FFmpeg writes whole frames).
//! Invariant: every frame it yields is complete, 48 kHz and 1024 samples long, so 1920 ticks.

use bytes::Bytes;

const HEADER_BYTES: usize = 7;
/// What ADTS calls 48 kHz.
const RATE_48_KHZ: u8 = 3;

/// Splits a payload into frames.
pub(crate) struct Frames {
    data: Bytes,
    /// Bytes that belong to no usable frame, so far.
    pub(crate) damaged_bytes: usize,
}

impl Frames {
    pub(crate) fn new(data: Bytes) -> Self {
        Self { data, damaged_bytes: 0 }
    }
}

impl Iterator for Frames {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        while !self.data.is_empty() {
            match frame_bytes(&self.data) {
                Some(length) if length <= self.data.len() => return Some(self.data.split_to(length)),
                _ => self.skip_to_next_header(),
            }
        }
        None
    }
}

impl Frames {
    fn skip_to_next_header(&mut self) {
        let rest = self.data.get(1..).unwrap_or_default();
        let skipped = 1 + rest.windows(2).position(is_header).unwrap_or(rest.len());
        self.damaged_bytes += skipped;
        let _ = self.data.split_to(skipped.min(self.data.len()));
    }
}

/// Returns the length that the header at the front gives its frame, or `None` if it is no header of ours.
fn frame_bytes(data: &[u8]) -> Option<usize> {
    let header = data.get(..HEADER_BYTES)?;
    let ours = is_header(header) && header[2] >> 2 & 0x0F == RATE_48_KHZ && header[6] & 3 == 0;
    let length = usize::from(header[3] & 3) << 11 | usize::from(header[4]) << 3 | usize::from(header[5] >> 5);
    (ours && length > HEADER_BYTES).then_some(length)
}

fn is_header(bytes: &[u8]) -> bool {
    bytes[0] == 0xFF && bytes[1] & 0xF6 == 0xF0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(fill: u8, payload_bytes: usize) -> Vec<u8> {
        let length = payload_bytes + HEADER_BYTES;
        let mut frame =
            vec![0xFF, 0xF1, 0x4C, 0x80 | (length >> 11) as u8, (length >> 3) as u8, (length << 5) as u8 | 0x1F, 0xFC];
        frame.resize(length, fill);
        frame
    }

    #[test]
    fn several_frames_of_one_packet_are_told_apart() {
        let data = [frame(1, 10), frame(2, 300), frame(3, 1)].concat();
        let frames: Vec<_> = Frames::new(data.into()).collect();
        assert_eq!(frames, [frame(1, 10), frame(2, 300), frame(3, 1)]);
    }

    #[test]
    fn garbage_and_halves_are_skipped_and_counted() {
        let data = [vec![0x12, 0xFF, 0x00], frame(1, 20), frame(2, 20)[..12].to_vec()].concat();
        let mut frames = Frames::new(data.into());
        assert_eq!(frames.next(), Some(frame(1, 20).into()));
        assert_eq!(frames.next(), None);
        assert_eq!(frames.damaged_bytes, 3 + 12);
    }

    #[test]
    fn another_sample_rate_is_no_frame_of_ours() {
        let mut other = frame(1, 20);
        other[2] = 0x50; // 44.1 kHz
        assert_eq!(Frames::new(other.into()).next(), None);
    }
}
