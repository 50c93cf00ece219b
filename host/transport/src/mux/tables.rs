//! The tables of the stream: PAT, PMT and the name of the channel.
//!
//! Does: build them once and write them with running counts.
//! Does not: change them, ever.
//! Invariant: each table is one packet whose bytes differ only in the continuity count.

use bytes::{BufMut, BytesMut};

use super::Continuity;
use crate::{
    TICKS_PER_SECOND,
    packet::{BODY_BYTES, PAT_PID, SYNC_BYTE, crc32},
};

const SDT_PID: u16 = 0x11;
const PMT_PID: u16 = 0x1000;
/// DVB wants the name every two seconds.
const NAME_PERIOD_TICKS: i64 = TICKS_PER_SECOND;
/// Keeps the service table in one packet.
const NAME_MAX_BYTES: usize = 120;
const PROVIDER: &[u8] = b"EXStreamTV";

/// The three tables.
#[derive(Debug)]
pub(super) struct Tables {
    association: Table,
    map: Table,
    name: Table,
    name_at: Option<i64>,
}

impl Tables {
    pub(super) fn new(channel_name: &str, video_pid: u16, audio_pid: u16) -> Self {
        let [pmt_high, pmt_low] = PMT_PID.to_be_bytes();
        let [video_high, video_low] = video_pid.to_be_bytes();
        let [audio_high, audio_low] = audio_pid.to_be_bytes();
        let pat = [0, 1, 0xE0 | pmt_high, pmt_low];
        // The clock travels with the pictures; H.264 (0x1B), then AAC in ADTS (0x0F); no descriptors.
        let clock = [0xE0 | video_high, video_low, 0xF0, 0];
        let video = [0x1B, 0xE0 | video_high, video_low, 0xF0, 0];
        let audio = [0x0F, 0xE0 | audio_high, audio_low, 0xF0, 0];
        Self {
            association: Table::new(PAT_PID, 0x00, 0xB0, &pat),
            map: Table::new(PMT_PID, 0x02, 0xB0, &[&clock[..], &video, &audio].concat()),
            name: Table::new(SDT_PID, 0x42, 0xF0, &service(channel_name)),
            name_at: None,
        }
    }

    /// Appends PAT and PMT, and the name with a keyframe once a second.
    pub(super) fn write(&mut self, at: i64, is_keyframe: bool, out: &mut BytesMut) {
        self.association.write(out);
        self.map.write(out);
        if is_keyframe && self.name_at.is_none_or(|last| at - last >= NAME_PERIOD_TICKS) {
            self.name.write(out);
            self.name_at = Some(at);
        }
    }
}

/// Returns the body of a service description: one running, free service.
fn service(channel_name: &str) -> Vec<u8> {
    let name = channel_name.get(..channel_name.floor_char_boundary(NAME_MAX_BYTES)).unwrap_or_default();
    let name: String = name.chars().filter(|letter| !letter.is_control()).collect();
    // 0x15: what follows is UTF-8.
    let name = [&[0x15], name.as_bytes()].concat();
    // Digital television (1), then provider and name, each after its length.
    let texts = [&[1, PROVIDER.len() as u8], PROVIDER, &[name.len() as u8], &name].concat();
    let descriptor = [&[0x48, texts.len() as u8], &texts[..]].concat();
    // Original network 0xFF01 (private), a reserved byte, service 1, no event tables, running.
    let head = [0xFF, 0x01, 0xFF, 0x00, 0x01, 0xFC, 0x80, descriptor.len() as u8];
    [&head[..], &descriptor].concat()
}

/// One table in one packet.
#[derive(Debug)]
struct Table {
    pid: u16,
    /// Pointer, section and stuffing.
    body: [u8; BODY_BYTES],
    continuity: Continuity,
}

impl Table {
    /// Builds version 0 of a table with id extension 1.
    fn new(pid: u16, id: u8, flags: u8, content: &[u8]) -> Self {
        // Five header bytes after the length, four of checksum.
        let length = content.len() + 9;
        let mut section = vec![id, flags | (length >> 8) as u8, length as u8, 0, 1, 0xC1, 0, 0];
        section.extend_from_slice(content);
        section.extend_from_slice(&crc32(&section).to_be_bytes());
        let mut body = [0xFF; BODY_BYTES];
        body[0] = 0;
        body[1..=section.len()].copy_from_slice(&section);
        Self { pid, body, continuity: Continuity::default() }
    }

    fn write(&mut self, out: &mut BytesMut) {
        let [high, low] = self.pid.to_be_bytes();
        out.put_slice(&[SYNC_BYTE, 0x40 | high, low, 0x10 | self.continuity.next()]);
        out.put_slice(&self.body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::PACKET_BYTES;

    fn written(name: &str) -> BytesMut {
        let mut out = BytesMut::new();
        Tables::new(name, 0x100, 0x101).write(0, true, &mut out);
        out
    }

    #[test]
    fn tables_are_one_packet_each_and_their_checksums_hold() {
        let out = written("Arte");
        assert_eq!(out.len(), 3 * PACKET_BYTES);
        for packet in out.chunks(PACKET_BYTES) {
            let length = usize::from(packet[6] & 0x0F) << 8 | usize::from(packet[7]);
            assert_eq!(crc32(&packet[5..8 + length]), 0);
            assert!(packet[8 + length..].iter().all(|byte| *byte == 0xFF));
        }
    }

    #[test]
    fn a_name_of_any_length_and_script_fits() {
        for name in ["", "Das Erste", &"é".repeat(500), &"漢".repeat(41), "line\nbreak"] {
            let out = written(name);
            assert_eq!(out.len(), 3 * PACKET_BYTES);
            assert!(out.windows(4).all(|bytes| bytes != b"ine\n"));
        }
    }

    #[test]
    fn the_name_is_not_repeated_with_every_picture() {
        let (mut tables, mut out) = (Tables::new("Arte", 0x100, 0x101), BytesMut::new());
        for picture in 0..100 {
            tables.write(picture * 3_600, true, &mut out);
        }
        let names = out.chunks(PACKET_BYTES).filter(|packet| packet[2] == 0x11).count();
        assert_eq!(names, 4);
    }
}
