//! Program tables.
//!
//! Does: take a section out of a packet, check it, and read which streams it announces.
//! Does not: follow sections over more than one packet; ours have some tens of bytes.
//! Invariant: bytes come from outside; a table that does not fit is `None`, never a panic.

/// One section, as it lies in its packet.
pub(super) struct Section<'a>(&'a [u8]);

impl<'a> Section<'a> {
    /// Takes the section that starts in this payload.
    pub fn in_payload(payload: &'a [u8]) -> Option<Self> {
        let section = payload.get(1 + usize::from(*payload.first()?)..)?;
        let length = usize::from(u16::from_be_bytes([section.get(1)? & 0x0F, *section.get(2)?]));
        section.get(..3 + length).filter(|section| section.len() >= 12).map(Self)
    }

    /// Returns whether the checksum over the section is right.
    pub fn is_intact(&self) -> bool {
        crc32(self.0) == 0
    }

    /// Returns every byte of the section.
    pub fn bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Reads the PID of the first program's map out of a PAT.
    pub fn map_pid(&self) -> Option<u16> {
        let programs = self.0.get(8..self.0.len() - 4)?.chunks_exact(4);
        programs.filter(|entry| entry[..2] != [0, 0]).map(|entry| pid(&entry[2..])).next()
    }

    /// Reads a PMT.
    pub fn map(&self) -> Option<Map> {
        let body = self.0.get(8..self.0.len() - 4)?;
        let mut map = Map { pcr: pid(body.get(..2)?), video: None, audio: None, others: Vec::new() };
        let info = usize::from(u16::from_be_bytes([body.get(2)? & 0x0F, *body.get(3)?]));
        let mut rest = body.get(4 + info..)?;
        while rest.len() >= 5 {
            map.enter(rest[0], pid(&rest[1..3]));
            rest = rest.get(5 + usize::from(u16::from_be_bytes([rest[3] & 0x0F, rest[4]]))..)?;
        }
        Some(map)
    }
}

/// What a PMT announces.
#[derive(Debug, Clone)]
pub(super) struct Map {
    /// Where the clock is.
    pub pcr: u16,
    /// H.264.
    pub video: Option<u16>,
    /// AAC in ADTS.
    pub audio: Option<u16>,
    /// Whatever else is announced.
    pub others: Vec<u16>,
}

impl Map {
    fn enter(&mut self, stream_type: u8, pid: u16) {
        match stream_type {
            0x1B => self.video = Some(pid),
            0x0F => self.audio = Some(pid),
            _ => self.others.push(pid),
        }
    }
}

fn pid(field: &[u8]) -> u16 {
    u16::from_be_bytes([field[0] & 0x1F, field[1]])
}

/// The checksum of MPEG sections: polynomial 0x04C11DB7, not reflected; zero over a section with its checksum.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| crc << 1 ^ if crc >> 31 == 1 { 0x04C1_1DB7 } else { 0 })
    })
}
