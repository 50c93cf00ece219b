//! Packetised elementary streams.
//!
//! Does: collect one PES packet from transport packets, read its times, count what is inside.
//! Does not: judge times; that is `scan`.
//! Invariant: bytes come from outside; whatever cannot be read is `None`.

use super::clock::timestamp;

/// A PES packet under construction.
#[derive(Debug)]
pub(super) struct Pes {
    /// Offset of the transport packet that began it.
    pub start: usize,
    /// Offset behind the last transport packet of it.
    pub end: usize,
    /// Whether its first transport packet had the random access indicator.
    pub random_access: bool,
    /// Clock when its last byte arrived.
    pub arrived: Option<i64>,
    bytes: Vec<u8>,
}

impl Pes {
    /// Begins a PES at transport offset `start`.
    pub fn new(start: usize, random_access: bool) -> Self {
        Self { start, end: start, random_access, arrived: None, bytes: Vec::new() }
    }

    /// Adds the payload of one transport packet that ends at `end`.
    pub fn push(&mut self, payload: &[u8], end: usize, now: Option<i64>) {
        self.bytes.extend_from_slice(payload);
        self.end = end;
        self.arrived = now;
    }

    /// Returns raw PTS and DTS; DTS is the PTS when it is not written.
    pub fn times(&self) -> Option<(i64, i64)> {
        let header = self.bytes.get(..9).filter(|header| header.starts_with(&[0, 0, 1]))?;
        let (pts, dts) = (self.bytes.get(9..14), self.bytes.get(14..19));
        match header[7] >> 6 {
            0b10 if pts?[0] >> 4 == 0b0010 => timestamp(pts?).map(|pts| (pts, pts)),
            0b11 if pts?[0] >> 4 == 0b0011 && dts?[0] >> 4 == 0b0001 => Some((timestamp(pts?)?, timestamp(dts?)?)),
            _ => None,
        }
    }

    /// Returns what the PES carries.
    pub fn payload(&self) -> &[u8] {
        let header = self.bytes.get(8).map_or(0, |length| 9 + usize::from(*length));
        self.bytes.get(header..).unwrap_or_default()
    }

    /// Returns the H.264 unit types inside, in order.
    pub fn h264_units(&self) -> Vec<u8> {
        let payload = self.payload();
        let starts = payload.windows(4).filter(|window| window.starts_with(&[0, 0, 1]));
        starts.map(|window| window[3] & 0x1F).collect()
    }

    /// Returns the ADTS frames inside as (offset, configuration), or `None` when something else is between them.
    pub fn adts_frames(&self) -> Option<Vec<AdtsConfig>> {
        let mut rest = self.payload();
        let mut frames = Vec::new();
        while !rest.is_empty() {
            let header = rest.first_chunk::<7>().filter(|header| header[0] == 0xFF && header[1] & 0xF6 == 0xF0)?;
            let length = usize::from(header[3] & 3) << 11 | usize::from(header[4]) << 3 | usize::from(header[5] >> 5);
            frames.push(AdtsConfig { sample_rate_index: header[2] >> 2 & 0x0F, channels: channels(header) });
            rest = rest.get(length.max(7)..)?;
        }
        Some(frames)
    }
}

/// What an ADTS header says about its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AdtsConfig {
    /// 3 is 48 kHz.
    pub sample_rate_index: u8,
    /// Channel configuration.
    pub channels: u8,
}

fn channels(header: &[u8; 7]) -> u8 {
    (header[2] & 1) << 2 | header[3] >> 6
}
