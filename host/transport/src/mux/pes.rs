//! PES packets and the transport packets they travel in.
//!
//! Does: headers, adaptation fields, stuffing.
//! Does not: know the channel's clock; times come as they are written.
//! Invariant: everything it appends is a whole number of packets of 188 bytes.

use bytes::{BufMut, BytesMut};

use super::Continuity;
use crate::packet::{BODY_BYTES, SYNC_BYTE};

const VIDEO_STREAM: u8 = 0xE0;
const AUDIO_STREAM: u8 = 0xC0;
const ONLY_PTS: u8 = 0x80;
const PTS_AND_DTS: u8 = 0xC0;
/// Bytes of a clock reference with the flags before it.
const CLOCK_FIELD_BYTES: usize = 7;

/// What the adaptation field of a first packet says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Adaptation {
    /// Decoding can begin here.
    pub(super) random_access: bool,
    /// Clock reference, 33 bits at 90 kHz.
    pub(super) clock: Option<u64>,
}

impl Adaptation {
    /// Returns the size of the field without its length byte.
    fn bytes(self) -> usize {
        if self.clock.is_some() { CLOCK_FIELD_BYTES } else { usize::from(self.random_access) }
    }

    /// Writes the field so that it takes `total` bytes, length byte included.
    fn put(self, total: usize, out: &mut BytesMut) {
        let Some(length) = total.checked_sub(1) else { return };
        out.put_u8(length as u8);
        if length == 0 {
            return;
        }
        out.put_u8(u8::from(self.random_access) << 6 | u8::from(self.clock.is_some()) << 4);
        if let Some(clock) = self.clock {
            // 33 bits, six reserved ones, and an extension of zero: frames begin on whole ticks.
            out.put_uint(clock << 15 | 0x7E00, 6);
        }
        out.put_bytes(0xFF, length - self.bytes().max(1));
    }
}

/// A PES header: at most 19 bytes.
pub(super) struct Header {
    bytes: [u8; 19],
    used: usize,
}

impl Header {
    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.used]
    }
}

/// Returns the header of a picture of `data_bytes`.
pub(super) fn video_header(pts: u64, dts: u64, data_bytes: usize) -> Header {
    let times = if pts == dts { ONLY_PTS } else { PTS_AND_DTS };
    header(VIDEO_STREAM, times, [pts, dts], data_bytes)
}

/// Returns the header of a sound frame of `data_bytes`.
pub(super) fn audio_header(pts: u64, data_bytes: usize) -> Header {
    header(AUDIO_STREAM, ONLY_PTS, [pts, pts], data_bytes)
}

fn header(stream: u8, times: u8, [pts, dts]: [u64; 2], data_bytes: usize) -> Header {
    let times_bytes = if times == PTS_AND_DTS { 10 } else { 5 };
    // Zero, "unknown", is for pictures beyond 64 KiB; a known length spares players the wait for the next one.
    let length = u16::try_from(data_bytes + 3 + times_bytes).unwrap_or(0);
    let [high, low] = length.to_be_bytes();
    let mut bytes = [0; 19];
    // 0x84: the payload begins with the access unit (data_alignment_indicator).
    bytes[..9].copy_from_slice(&[0, 0, 1, stream, high, low, 0x84, times, times_bytes as u8]);
    bytes[9..14].copy_from_slice(&timestamp(times >> 6, pts));
    if times == PTS_AND_DTS {
        bytes[14..19].copy_from_slice(&timestamp(1, dts));
    }
    Header { bytes, used: 9 + times_bytes }
}

fn timestamp(prefix: u8, ticks: u64) -> [u8; 5] {
    let [_, _, _, a, b, c, d, e] = (ticks & ((1 << 33) - 1)).to_be_bytes();
    // 3 + 15 + 15 bits, each group followed by a marker bit.
    [
        prefix << 4 | (a << 3 | b >> 5 & 6) & 0x0E | 1,
        b << 2 | c >> 6,
        (c << 2 | d >> 6) & 0xFE | 1,
        d << 1 | e >> 7,
        e << 1 | 1,
    ]
}

/// Appends the packets that carry `header` and `data`.
pub(super) fn write_packets(
    pid: u16,
    continuity: &mut Continuity,
    mut adaptation: Adaptation,
    header: &Header,
    mut data: &[u8],
    out: &mut BytesMut,
) {
    let mut head = header.as_slice();
    let mut is_first = true;
    while is_first || !data.is_empty() {
        let needed = match adaptation.bytes() {
            0 => 0,
            bytes => bytes + 1,
        };
        let carried = (head.len() + data.len()).min(BODY_BYTES - needed);
        // What is not payload is adaptation field: the flags asked for, then stuffing.
        let field = BODY_BYTES - carried;
        put_header(pid, is_first, field > 0, 0x10 | continuity.next(), out);
        adaptation.put(field, out);
        out.put_slice(head);
        let (now, later) = data.split_at(carried - head.len());
        out.put_slice(now);
        (head, data, adaptation, is_first) = (&[], later, Adaptation::default(), false);
    }
}

/// Appends a packet with nothing but a clock reference.
pub(super) fn write_clock(pid: u16, continuity: &Continuity, clock: u64, out: &mut BytesMut) {
    put_header(pid, false, true, continuity.last(), out);
    Adaptation { random_access: false, clock: Some(clock) }.put(BODY_BYTES, out);
}

/// `control` is the payload flag (0x10) and the continuity count.
fn put_header(pid: u16, starts_unit: bool, has_field: bool, control: u8, out: &mut BytesMut) {
    let [high, low] = pid.to_be_bytes();
    out.put_slice(&[SYNC_BYTE, u8::from(starts_unit) << 6 | high, low, u8::from(has_field) << 5 | control]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::packet::{PACKET_BYTES, Packet};

    /// The payload of all packets, and their counts.
    fn unpack(out: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (packets, rest) = out.as_chunks::<PACKET_BYTES>();
        assert!(rest.is_empty());
        let packets: Vec<_> = packets.iter().map(|packet| Packet::parse(packet).unwrap()).collect();
        assert!(packets.iter().enumerate().all(|(at, packet)| packet.pid == 0x100 && packet.starts_unit == (at == 0)));
        (
            packets.iter().flat_map(|packet| packet.payload).copied().collect(),
            packets.iter().map(|p| p.continuity).collect(),
        )
    }

    #[test]
    fn every_size_of_unit_fills_whole_packets() {
        for (size, clock) in (0..600).flat_map(|size| [(size, None), (size, Some(5))]) {
            let (data, mut out) = (vec![0xAB; size], BytesMut::new());
            let first = Adaptation { random_access: clock.is_some(), clock };
            write_packets(0x100, &mut Continuity(14), first, &video_header(3_000, 0, size), &data, &mut out);
            let (payload, counts) = unpack(&out);
            assert_eq!(payload[19..], data);
            assert!(counts.iter().enumerate().all(|(at, count)| usize::from(*count) == (14 + at) % 16));
        }
    }

    #[test]
    fn a_clock_packet_has_no_payload_and_repeats_the_count() {
        let mut out = BytesMut::new();
        write_clock(0x100, &Continuity(0), 0x1_2345_6789, &mut out);
        let packet = Packet::parse(out.first_chunk().unwrap()).unwrap();
        assert_eq!((packet.payload.len(), packet.continuity), (0, 15));
        assert_eq!(out[4..12], [183, 0x10, 0x91, 0xA2, 0xB3, 0xC4, 0xFE, 0x00]);
    }

    #[test]
    fn a_picture_too_large_for_a_length_has_none() {
        assert_eq!(video_header(2, 1, 65_522).as_slice()[4..6], [0xFF, 0xFF]);
        assert_eq!(video_header(2, 1, 65_523).as_slice()[4..6], [0, 0]);
    }

    proptest! {
        #[test]
        fn times_are_written_as_the_demultiplexer_reads_them(pts in 0u64..1 << 33, dts in 0u64..1 << 33) {
            let read = |bytes: &[u8]| -> u64 {
                let [a, b, c, d, e] = bytes[..] else { panic!("five bytes") };
                assert!(a & c & e & 1 == 1);
                u64::from(a >> 1 & 7) << 30 | u64::from(b) << 22 | u64::from(c >> 1) << 15 | u64::from(d) << 7 | u64::from(e >> 1)
            };
            let header = video_header(pts, dts, 100);
            prop_assert_eq!(read(&header.bytes[9..14]), pts);
            if pts != dts {
                prop_assert_eq!(read(&header.bytes[14..19]), dts);
            }
        }
    }
}
