//! Assembles PES packets.
//!
//! Does: follow the continuity count of one PID, join payloads, read the header.
//! Does not: look into the coded bytes.
//! Invariant: a PES packet comes out whole or not at all; no more than `max_bytes` are kept.

use bytes::{Bytes, BytesMut};

use super::DemuxStats;
use crate::packet::Packet;

/// Memory is taken in blocks of this size, from which PES packets are cut without copying.
const BLOCK_BYTES: usize = 256 << 10;

/// The PES packets of one PID.
#[derive(Debug)]
pub(super) struct PesPackets {
    pub(super) pid: u16,
    max_bytes: usize,
    continuity: Option<u8>,
    /// A PES packet has begun and nothing of it is missing.
    is_open: bool,
    /// Something showed that nothing more belongs to the open PES packet, though its length is unknown.
    is_tail_seen: bool,
    buffer: BytesMut,
    /// The last complete PES packet, to recognise a repeated transport packet.
    last: Bytes,
    last_payload_bytes: usize,
}

/// At most two PES packets end with one transport packet: the one before it, of unknown length, and its own.
pub(super) type Finished = [Option<Bytes>; 2];

impl PesPackets {
    pub(super) fn new(pid: u16, max_bytes: usize) -> Self {
        Self {
            pid,
            max_bytes,
            continuity: None,
            is_open: false,
            is_tail_seen: false,
            buffer: BytesMut::new(),
            last: Bytes::new(),
            last_payload_bytes: 0,
        }
    }

    /// Takes the next packet of this PID.
    pub(super) fn push(&mut self, packet: &Packet<'_>, stats: &mut DemuxStats) -> Finished {
        if packet.payload.is_empty() {
            return [None, None];
        }
        let last = self.continuity.replace(packet.continuity);
        if last == Some(packet.continuity) && self.is_repeated(packet.payload) {
            stats.duplicate_packets += 1;
            return [None, None];
        }
        if last.is_some_and(|last| (last + 1) & 0x0F != packet.continuity) {
            stats.continuity_gaps += 1;
            self.drop_open(stats);
        }
        let before = if packet.starts_unit { self.begin(stats) } else { None };
        self.is_tail_seen = packet.is_stuffed;
        [before, self.append(packet.payload, stats)]
    }

    /// Notes that another stream goes on: FFmpeg finishes one PES packet before it begins the next.
    pub(super) fn note_other_stream(&mut self) {
        self.is_tail_seen = true;
    }

    /// Ends the stream: a PES packet of unknown length is complete, unless it may have been cut off with its process.
    pub(super) fn finish(&mut self, stats: &mut DemuxStats) -> Option<Bytes> {
        if !self.is_tail_seen {
            self.drop_open(stats);
        }
        let finished = self.begin(stats);
        self.is_open = false;
        finished
    }

    fn begin(&mut self, stats: &mut DemuxStats) -> Option<Bytes> {
        let finished = match self.declared_bytes() {
            Some(None) if self.is_open => Some(self.take()),
            _ => {
                self.drop_open(stats);
                None
            }
        };
        self.is_open = true;
        self.buffer.clear();
        finished
    }

    fn append(&mut self, payload: &[u8], stats: &mut DemuxStats) -> Option<Bytes> {
        if !self.is_open {
            return None;
        }
        if self.buffer.len() + payload.len() > self.max_bytes {
            self.drop_open(stats);
            return None;
        }
        if self.buffer.capacity() - self.buffer.len() < payload.len() {
            // Doubles, so that copying stays linear in the bytes.
            self.buffer.reserve(self.buffer.len().max(BLOCK_BYTES));
        }
        self.buffer.extend_from_slice(payload);
        self.last_payload_bytes = payload.len();
        let declared_bytes = self.declared_bytes().flatten()?;
        if self.buffer.len() < declared_bytes {
            return None;
        }
        self.is_open = false;
        self.last_payload_bytes = self.last_payload_bytes.saturating_sub(self.buffer.len() - declared_bytes);
        self.buffer.truncate(declared_bytes);
        Some(self.take())
    }

    /// Returns the length that the header declares: none yet, unknown, or so many bytes.
    fn declared_bytes(&self) -> Option<Option<usize>> {
        let [_, _, _, _, high, low, ..] = self.buffer[..] else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        Some((length > 0).then_some(length + 6))
    }

    fn take(&mut self) -> Bytes {
        self.last = self.buffer.split().freeze();
        self.last.clone()
    }

    fn drop_open(&mut self, stats: &mut DemuxStats) {
        stats.dropped_pes += u64::from(self.is_open);
        self.is_open = false;
        self.buffer.clear();
    }

    /// Returns whether a packet with the last one's count also has its payload; else fifteen packets are missing.
    fn is_repeated(&self, payload: &[u8]) -> bool {
        let tail = if self.is_open { &self.buffer[..] } else { &self.last[..] };
        let shared = self.last_payload_bytes.min(payload.len());
        shared > 0 && tail.ends_with(&payload[..shared])
    }
}

/// What the header of a PES packet says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PesHeader {
    /// 33 bits.
    pub(super) pts: i64,
    /// 33 bits; the same as `pts` if it is not written.
    pub(super) dts: i64,
    /// Where the coded bytes begin.
    pub(super) data_at: usize,
}

impl PesHeader {
    /// Reads the header of a PES packet that has a presentation time; without one it cannot be placed.
    pub(super) fn parse(pes: &[u8]) -> Option<Self> {
        let [0, 0, 1, stream, _, _, marks, flags, header_bytes, rest @ ..] = pes else { return None };
        let is_media = matches!(stream, 0xBD | 0xC0..=0xEF | 0xFD);
        if !is_media || marks & 0xF0 != 0x80 {
            return None;
        }
        let times = rest.get(..usize::from(*header_bytes))?;
        let pts = timestamp(times.get(..5)?)?;
        let dts = match flags >> 6 {
            2 => pts,
            3 => timestamp(times.get(5..10)?)?,
            _ => return None,
        };
        Some(Self { pts, dts, data_at: 9 + usize::from(*header_bytes) })
    }
}

fn timestamp(bytes: &[u8]) -> Option<i64> {
    let [a, b, c, d, e] = *bytes else { return None };
    let markers_ok = a & c & e & 1 == 1;
    let value = i64::from(a >> 1 & 7) << 30
        | i64::from(b) << 22
        | i64::from(c >> 1) << 15
        | i64::from(d) << 7
        | i64::from(e >> 1);
    markers_ok.then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(continuity: u8, starts_unit: bool, payload: &[u8]) -> Packet<'_> {
        Packet { pid: 0x100, starts_unit, continuity, payload, is_stuffed: payload.len() < 184 }
    }

    /// A PES packet with one presentation time and the given declared length.
    fn pes(declared: u16, data: &[u8]) -> Vec<u8> {
        let [high, low] = declared.to_be_bytes();
        [&[0, 0, 1, 0xE0, high, low, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1][..], data].concat()
    }

    #[test]
    fn a_packet_of_unknown_length_ends_where_the_next_begins() {
        let (mut stream, mut stats) = (PesPackets::new(0x100, 1_000), DemuxStats::default());
        let (first, second) = (pes(0, b"abc"), pes(0, b"xyz"));
        assert_eq!(stream.push(&packet(0, true, &first), &mut stats), [None, None]);
        assert_eq!(stream.push(&packet(1, false, b"def"), &mut stats), [None, None]);
        assert_eq!(stream.push(&packet(2, true, &second), &mut stats), [Some(pes(0, b"abcdef").into()), None]);
        assert_eq!(stream.finish(&mut stats), Some(second.into()));
        assert_eq!(stats, DemuxStats::default());
    }

    #[test]
    fn a_packet_of_known_length_ends_at_once_and_a_repeated_one_is_ignored() {
        let (mut stream, mut stats) = (PesPackets::new(0x100, 1_000), DemuxStats::default());
        let whole = pes(11, b"abc");
        assert_eq!(stream.push(&packet(0, true, &whole), &mut stats), [None, Some(whole.clone().into())]);
        assert_eq!(stream.push(&packet(0, true, &whole), &mut stats), [None, None]);
        assert_eq!((stats.duplicate_packets, stats.dropped_pes), (1, 0));
        assert_eq!(stream.push(&packet(1, true, &whole), &mut stats), [None, Some(whole.into())]);
    }

    #[test]
    fn what_lost_a_part_is_dropped_whole() {
        let (mut stream, mut stats) = (PesPackets::new(0x100, 1_000), DemuxStats::default());
        let head = pes(0, b"abc");
        stream.push(&packet(0, true, &head), &mut stats);
        assert_eq!(stream.push(&packet(2, false, b"ghi"), &mut stats), [None, None]);
        assert_eq!(stream.push(&packet(3, true, &head), &mut stats), [None, None]);
        // Fifteen packets lost look like a repetition, but the bytes are others.
        assert_eq!(stream.push(&packet(3, false, b"jkl"), &mut stats), [None, None]);
        assert_eq!((stats.continuity_gaps, stats.dropped_pes, stats.duplicate_packets), (2, 2, 0));
    }

    #[test]
    fn a_packet_that_may_have_been_cut_off_is_dropped_at_the_end() {
        for (is_stuffed, other_stream, delivered) in [(false, false, 0), (true, false, 1), (false, true, 1)] {
            let (mut stream, mut stats) = (PesPackets::new(0x100, 1_000), DemuxStats::default());
            let head = pes(0, b"abc");
            stream.push(&Packet { is_stuffed, ..packet(0, true, &head) }, &mut stats);
            if other_stream {
                stream.note_other_stream();
            }
            assert_eq!(stream.finish(&mut stats).iter().count(), delivered);
            assert_eq!(stats.dropped_pes, 1 - delivered as u64);
        }
    }

    #[test]
    fn what_never_ends_is_dropped() {
        let (mut stream, mut stats) = (PesPackets::new(0x100, 1_000), DemuxStats::default());
        let head = pes(0, &[1; 170]);
        stream.push(&packet(0, true, &head), &mut stats);
        for count in 1..=10u8 {
            assert_eq!(stream.push(&packet(count, false, &[2; 184]), &mut stats), [None, None]);
        }
        assert_eq!(stats.dropped_pes, 1);
        assert!(stream.buffer.is_empty());
    }

    #[test]
    fn headers_without_a_time_or_with_broken_marks_are_refused() {
        let good = pes(0, b"abc");
        assert_eq!(PesHeader::parse(&good), Some(PesHeader { pts: 0, dts: 0, data_at: 14 }));
        for (at, value) in
            [(2, 0), (3, 0xBE), (6, 0), (7, 0), (7, 0x40), (7, 0xC0), (8, 200), (9, 0x20), (11, 0), (13, 0)]
        {
            let mut bad = good.clone();
            bad[at] = value;
            assert_eq!(PesHeader::parse(&bad), None, "byte {at} = {value}");
        }
    }
}
