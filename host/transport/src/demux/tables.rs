//! Reads PAT and PMT.
//!
//! Does: check length and checksum, and find the first programme and its H.264 and AAC streams.
//! Does not: join a table that several packets share; one of two streams never needs it.
//! Invariant: `None` for anything that is not exactly right.

use crate::packet::crc32;

const PAT_TABLE: u8 = 0;
const PMT_TABLE: u8 = 2;
const STREAM_AAC_ADTS: u8 = 0x0F;
const STREAM_H264: u8 = 0x1B;

/// The streams of a programme that we can use.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Streams {
    pub(super) video_pid: Option<u16>,
    pub(super) audio_pid: Option<u16>,
}

/// Returns the PID of the first programme's PMT.
pub(super) fn pmt_pid(payload: &[u8]) -> Option<u16> {
    let programs = body(payload, PAT_TABLE)?;
    let (programs, _) = programs.as_chunks::<4>();
    programs.iter().find(|program| program[..2] != [0, 0]).map(|program| pid(program[2], program[3]))
}

/// Returns the streams of a PMT.
pub(super) fn streams(payload: &[u8]) -> Option<Streams> {
    let body = body(payload, PMT_TABLE)?;
    let [_, _, high, low, rest @ ..] = body else { return None };
    let mut rest = rest.get(length(*high, *low)..)?;
    let mut streams = Streams::default();
    while let [kind, pid_high, pid_low, length_high, length_low, descriptors @ ..] = rest {
        let pid = pid(*pid_high, *pid_low);
        match *kind {
            STREAM_H264 => streams.video_pid = streams.video_pid.or(Some(pid)),
            STREAM_AAC_ADTS => streams.audio_pid = streams.audio_pid.or(Some(pid)),
            _ => {}
        }
        rest = descriptors.get(length(*length_high, *length_low)..)?;
    }
    Some(streams)
}

/// Returns what stands between the header and the checksum of a current table.
fn body(payload: &[u8], table: u8) -> Option<&[u8]> {
    let pointer = usize::from(*payload.first()?);
    let section = payload.get(1 + pointer..)?;
    let [id, high, low, ..] = section else { return None };
    let section = section.get(..3 + length(*high, *low))?;
    let is_current = section.get(5)? & 1 == 1;
    let sound = *id == table && is_current && crc32(section) == 0;
    if sound { section.get(8..section.len().checked_sub(4)?) } else { None }
}

fn pid(high: u8, low: u8) -> u16 {
    u16::from_be_bytes([high & 0x1F, low])
}

fn length(high: u8, low: u8) -> usize {
    usize::from(u16::from_be_bytes([high & 0x0F, low]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(id: u8, body: &[u8]) -> Vec<u8> {
        let length = body.len() + 9;
        let mut section = vec![id, 0xB0, length as u8, 0, 1, 0xC1, 0, 0];
        section.extend_from_slice(body);
        section.extend_from_slice(&crc32(&section).to_be_bytes());
        [vec![0], section, vec![0xFF; 20]].concat()
    }

    #[test]
    fn the_first_real_programme_is_followed() {
        assert_eq!(pmt_pid(&table(PAT_TABLE, &[0, 0, 0xE0, 0x10, 0, 1, 0xF0, 0x00])), Some(0x1000));
        assert_eq!(pmt_pid(&table(PAT_TABLE, &[0, 0, 0xE0, 0x10])), None);
    }

    #[test]
    fn a_flipped_bit_anywhere_is_noticed() {
        let good = table(PMT_TABLE, &[0xE1, 0, 0xF0, 0, 0x1B, 0xE1, 0, 0xF0, 0, 0x0F, 0xE1, 1, 0xF0, 2, 9, 9]);
        assert_eq!(streams(&good), Some(Streams { video_pid: Some(0x100), audio_pid: Some(0x101) }));
        for bit in 8..(good.len() - 20) * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(streams(&bad), None, "bit {bit}");
        }
    }

    #[test]
    fn descriptors_beyond_the_table_are_refused() {
        assert_eq!(streams(&table(PMT_TABLE, &[0xE1, 0, 0xF0, 9, 0x1B])), None);
        assert_eq!(streams(&table(PMT_TABLE, &[0xE1, 0, 0xF0, 0, 0x1B, 0xE1, 0, 0xF0, 7])), None);
    }
}
