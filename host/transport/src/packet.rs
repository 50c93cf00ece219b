//! Transport packets: their size, their header, and the checksum of their tables.
//!
//! Does: read one packet of 188 bytes.
//! Does not: keep state between packets.
//! Invariant: never panics, whatever the bytes.

/// Size of a transport packet.
pub(crate) const PACKET_BYTES: usize = 188;
/// First byte of every packet.
pub(crate) const SYNC_BYTE: u8 = 0x47;
/// Bytes of a packet after its header.
pub(crate) const BODY_BYTES: usize = PACKET_BYTES - 4;
/// The PID of the programme association table.
pub(crate) const PAT_PID: u16 = 0;

/// One packet, taken apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packet<'a> {
    pub(crate) pid: u16,
    /// A PES packet or a table begins in this packet.
    pub(crate) starts_unit: bool,
    pub(crate) continuity: u8,
    /// Empty for a packet that carries only an adaptation field.
    pub(crate) payload: &'a [u8],
    /// The payload was too short to fill the packet, as only the last of a PES packet is.
    pub(crate) is_stuffed: bool,
}

impl<'a> Packet<'a> {
    /// Reads a packet; `None` for one that is flagged as damaged, scrambled or impossible.
    pub(crate) fn parse(bytes: &'a [u8; PACKET_BYTES]) -> Option<Self> {
        let (damaged, scrambled) = (bytes[1] & 0x80 != 0, bytes[3] & 0xC0 != 0);
        if bytes[0] != SYNC_BYTE || damaged || scrambled {
            return None;
        }
        let payload = match bytes[3] >> 4 & 3 {
            1 => &bytes[4..],
            2 => &[],
            3 => bytes.get(5 + usize::from(bytes[4])..)?,
            _ => return None,
        };
        Some(Self {
            pid: u16::from_be_bytes([bytes[1] & 0x1F, bytes[2]]),
            starts_unit: bytes[1] & 0x40 != 0,
            continuity: bytes[3] & 0x0F,
            payload,
            is_stuffed: bytes[3] & 0x20 != 0 && is_stuffed(bytes[4], bytes[5]),
        })
    }
}

/// Returns whether an adaptation field is longer than its clock references need; other content is rare and of no use to us.
fn is_stuffed(length: u8, flags: u8) -> bool {
    let [clock, original_clock] = [flags >> 4 & 1, flags >> 3 & 1];
    length == 0 || length > 1 + 6 * (clock + original_clock)
}

/// Returns the checksum of a table: MPEG's CRC-32, not reflected. Over a table with its checksum it is zero.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| crc << 8 ^ CRC_TABLE[usize::from((crc >> 24) as u8 ^ byte)])
}

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000_0000 == 0 { crc << 1 } else { crc << 1 ^ 0x04C1_1DB7 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_mpeg() {
        assert_eq!(crc32(b"123456789"), 0x0376_E6E7);
    }

    #[test]
    fn an_adaptation_field_longer_than_the_packet_is_refused() {
        let mut bytes = [0xFF; PACKET_BYTES];
        bytes[..5].copy_from_slice(&[SYNC_BYTE, 0x01, 0x00, 0x30, 183]);
        assert!(Packet::parse(&bytes).is_some_and(|packet| packet.payload.is_empty()));
        bytes[4] = 184;
        assert!(Packet::parse(&bytes).is_none());
    }

    #[test]
    fn flagged_damage_and_scrambling_are_refused() {
        for (at, bit) in [(1, 0x80), (3, 0x40), (3, 0x80), (0, 0x01)] {
            let mut bytes = [0; PACKET_BYTES];
            bytes[..4].copy_from_slice(&[SYNC_BYTE, 0x41, 0x00, 0x17]);
            assert!(Packet::parse(&bytes).is_some_and(|p| p.pid == 0x100 && p.starts_unit && p.continuity == 7));
            bytes[at] ^= bit;
            assert!(Packet::parse(&bytes).is_none());
        }
    }
}
