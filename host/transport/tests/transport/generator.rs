//! Synthetic runs: pictures and sound that say who they are, in a transport stream as FFmpeg writes it.
//!
//! Does: reorder pictures like an encoder, prime the sound, write packets. Shares no code with the crate.

/// How an encoder reorders pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// No B pictures.
    Plain,
    /// One between two others.
    OneB,
    /// Three, the middle one a reference.
    Pyramid,
}

/// A run to be made.
#[derive(Debug, Clone)]
pub struct RunSpec {
    /// Told apart in the payloads.
    pub id: u32,
    /// Frames a second.
    pub rate: (i64, i64),
    /// Pictures.
    pub frames: i64,
    /// Distance of keyframes.
    pub gop: i64,
    /// Reordering.
    pub pattern: Pattern,
    /// Decoding time of the first picture.
    pub start_ticks: i64,
    /// Sound begins this much after the first picture, priming not counted.
    pub sound_late_ticks: i64,
    /// Sound frames in one PES packet.
    pub sounds_per_pes: usize,
    /// Writes the lengths of pictures.
    pub known_lengths: bool,
    /// Bytes of filler in each picture.
    pub picture_bytes: usize,
}

/// One access unit of a run.
#[derive(Debug, Clone)]
pub struct Unit {
    pub is_video: bool,
    pub pts: i64,
    pub dts: i64,
    pub data: Vec<u8>,
}

/// What a payload says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    pub run: u32,
    /// Shown as the run's frame number `shown` (sound: its number, priming is -1).
    pub shown: i64,
    /// Decoded as number `decoded`.
    pub decoded: i64,
}

impl Tag {
    fn text(self) -> String {
        format!("<{},{},{}>", self.run, self.shown, self.decoded)
    }

    /// Finds the tag in a payload.
    pub fn read(data: &[u8]) -> Option<Self> {
        let from = data.iter().position(|byte| *byte == b'<')? + 1;
        let to = from + data[from..].iter().position(|byte| *byte == b'>')?;
        let text = std::str::from_utf8(&data[from..to]).ok()?;
        let mut parts = text.split(',').map(|part| part.parse::<i64>().ok());
        Some(Self { run: parts.next()??.try_into().ok()?, shown: parts.next()??, decoded: parts.next()?? })
    }
}

impl RunSpec {
    fn tick(&self, frame: i64) -> i64 {
        (i128::from(frame) * 90_000 * i128::from(self.rate.1)).div_euclid(i128::from(self.rate.0)) as i64
    }

    /// Returns the presentation time of the first picture.
    pub fn first_pts(&self) -> i64 {
        self.start_ticks + self.tick(2)
    }

    /// Returns the access units in the order of sending.
    pub fn units(&self) -> Vec<Unit> {
        let mut units: Vec<_> = self.pictures().into_iter().map(|unit| (unit.dts, unit)).collect();
        let early = self.tick(2);
        units.extend(self.sounds().into_iter().map(|unit| (unit.pts - early, unit)));
        units.sort_by_key(|(key, _)| *key);
        units.into_iter().map(|(_, unit)| unit).collect()
    }

    fn pictures(&self) -> Vec<Unit> {
        let unit = |(decoded, shown): (usize, i64)| {
            let (decoded, is_key) = (decoded as i64, shown % self.gop == 0);
            let slice: &[u8] =
                if is_key { b"\0\0\x01\x67\x64\x00\x1F\0\0\x01\x68\xEE\0\0\x01\x65" } else { b"\0\0\x01\x41" };
            let tag = Tag { run: self.id, shown, decoded }.text();
            let filler = vec![0xA0 | (decoded % 16) as u8; self.picture_bytes * if is_key { 5 } else { 1 }];
            Unit {
                is_video: true,
                pts: self.start_ticks + self.tick(shown + 2),
                dts: self.start_ticks + self.tick(decoded),
                data: [b"\0\0\0\x01\x09\xF0", slice, tag.as_bytes(), &filler].concat(),
            }
        };
        self.decoding_order().into_iter().enumerate().map(unit).collect()
    }

    /// Returns the frame numbers in decoding order.
    fn decoding_order(&self) -> Vec<i64> {
        let mut order = Vec::new();
        for start in (0..self.frames).step_by(self.gop as usize) {
            let end = (start + self.gop).min(self.frames);
            order.push(start);
            let mut next = start + 1;
            while next < end {
                let size = match self.pattern {
                    Pattern::Plain => 1,
                    Pattern::OneB => 2,
                    Pattern::Pyramid => 4,
                }
                .min(end - next);
                order.push(next + size - 1);
                match size {
                    4 => order.extend([next + 1, next, next + 2]),
                    _ => order.extend(next..next + size - 1),
                }
                next += size;
            }
        }
        order
    }

    fn sounds(&self) -> Vec<Unit> {
        // One of priming before the pictures, and part of one after them.
        let count = (self.tick(self.frames) + 1_919) / 1_920;
        let unit = |number: i64| {
            let pts = self.first_pts() + self.sound_late_ticks + number * 1_920;
            let tag = Tag { run: self.id, shown: number, decoded: number }.text();
            Unit { is_video: false, pts, dts: pts, data: adts(tag.as_bytes()) }
        };
        (-1..count).map(unit).collect()
    }

    /// Returns the run as FFmpeg would write it into its pipe.
    pub fn transport_stream(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.tables();
        let mut sounds: Vec<Unit> = Vec::new();
        for (number, unit) in self.units().into_iter().enumerate() {
            if number % 50 == 49 {
                writer.tables();
            }
            if unit.is_video {
                writer.pes(&unit, if self.known_lengths { Some(unit.data.len()) } else { None });
                continue;
            }
            sounds.push(unit);
            if sounds.len() >= self.sounds_per_pes {
                writer.sounds(&std::mem::take(&mut sounds));
            }
        }
        if !sounds.is_empty() {
            writer.sounds(&sounds);
        }
        writer.out
    }
}

/// Returns an AAC frame of 48 kHz stereo with this payload.
pub fn adts(payload: &[u8]) -> Vec<u8> {
    let length = payload.len() + 7;
    let header = [0xFF, 0xF1, 0x4C, 0x80 | (length >> 11) as u8, (length >> 3) as u8, (length << 5) as u8 | 0x1F, 0xFC];
    [&header, payload].concat()
}

/// Returns a rendered slate: groups of `gop` pictures for about four seconds, and sound.
pub fn slate(gop: i64) -> Vec<u8> {
    slate_of(SLATE_RUN, gop, Pattern::Plain).transport_stream()
}

/// The same before it is written, so that it can be spoilt.
pub fn slate_of(id: u32, gop: i64, pattern: Pattern) -> RunSpec {
    RunSpec {
        id,
        rate: (25, 1),
        frames: (100 + gop - 1) / gop * gop,
        gop,
        pattern,
        start_ticks: 0,
        sound_late_ticks: 0,
        sounds_per_pes: 3,
        known_lengths: false,
        picture_bytes: 40,
    }
}

/// The run number of a slate's payloads.
pub const SLATE_RUN: u32 = 999;

#[derive(Default)]
struct Writer {
    out: Vec<u8>,
    counts: [u8; 4],
}

impl Writer {
    fn tables(&mut self) {
        self.table(0, 0x0000, &[0x00, 0xB0, 13, 0, 1, 0xC1, 0, 0, 0, 1, 0xF0, 0x42]);
        let pmt = [
            0x02, 0xB0, 23, 0, 1, 0xC1, 0, 0, 0xE2, 0x01, 0xF0, 0, 0x1B, 0xE2, 0x01, 0xF0, 0, 0x0F, 0xE2, 0x02, 0xF0, 0,
        ];
        self.table(1, 0x1042, &pmt);
    }

    fn table(&mut self, count: usize, pid: u16, section: &[u8]) {
        let crc = section.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| crc << 1 ^ if crc >> 31 == 1 { 0x04C1_1DB7 } else { 0 })
        });
        let mut packet = self.header(count, pid, true, 0x10);
        packet.push(0);
        packet.extend_from_slice(section);
        packet.extend_from_slice(&crc.to_be_bytes());
        packet.resize(188, 0xFF);
        self.out.extend_from_slice(&packet);
    }

    fn sounds(&mut self, sounds: &[Unit]) {
        let data: Vec<u8> = sounds.iter().flat_map(|unit| &unit.data).copied().collect();
        let length = data.len();
        self.pes(&Unit { data, ..sounds[0].clone() }, Some(length));
    }

    fn pes(&mut self, unit: &Unit, length: Option<usize>) {
        let (count, pid, stream) = if unit.is_video { (2, 0x201, 0xE0) } else { (3, 0x202, 0xC0) };
        let length = length.map_or(0, |length| length + 13);
        let mut pes = vec![0, 0, 1, stream, (length >> 8) as u8, length as u8, 0x80, 0xC0, 10];
        pes.extend_from_slice(&time(3, unit.pts));
        pes.extend_from_slice(&time(1, unit.dts));
        pes.extend_from_slice(&unit.data);
        let mut rest = &pes[..];
        let mut is_first = true;
        while !rest.is_empty() {
            let carried = rest.len().min(184);
            let stuffing = 184 - carried;
            let mut packet = self.header(count, pid, is_first, if stuffing > 0 { 0x30 } else { 0x10 });
            if stuffing > 0 {
                packet.push((stuffing - 1) as u8);
                packet.resize(4 + stuffing, 0xFF);
                if stuffing > 1 {
                    packet[5] = 0;
                }
            }
            packet.extend_from_slice(&rest[..carried]);
            self.out.extend_from_slice(&packet);
            rest = &rest[carried..];
            is_first = false;
        }
    }

    fn header(&mut self, count: usize, pid: u16, starts: bool, control: u8) -> Vec<u8> {
        let continuity = self.counts[count];
        self.counts[count] = (continuity + 1) % 16;
        vec![0x47, u8::from(starts) << 6 | (pid >> 8) as u8, pid as u8, control | continuity]
    }
}

fn time(prefix: u8, ticks: i64) -> [u8; 5] {
    let t = ticks.rem_euclid(1 << 33);
    [
        prefix << 4 | ((t >> 30) as u8 & 7) << 1 | 1,
        (t >> 22) as u8,
        ((t >> 15) as u8) << 1 | 1,
        (t >> 7) as u8,
        (t as u8) << 1 | 1,
    ]
}
