//! The rules of a transport stream that players rely on, checked packet by packet. Shares no code with the crate.

use std::collections::BTreeMap;

/// One PES packet of the stream, its times unwrapped.
#[derive(Debug, Clone)]
pub struct Sent {
    pub pts: i64,
    pub dts: i64,
    /// Marked as a place to begin.
    pub is_key: bool,
    pub data: Vec<u8>,
}

/// What a stream holds.
#[derive(Debug, Default)]
pub struct Stream {
    /// In the order of sending.
    pub video: Vec<Sent>,
    /// In the order of sending.
    pub audio: Vec<Sent>,
}

const VIDEO: u16 = 0x100;
const AUDIO: u16 = 0x101;
const PMT: u16 = 0x1000;

#[derive(Default)]
struct Checker {
    counts: BTreeMap<u16, u8>,
    tables: BTreeMap<u16, Vec<u8>>,
    tables_clock: Option<i64>,
    clock: Option<i64>,
    /// The clock when the open PES packet began.
    open: BTreeMap<u16, (Sent, i64)>,
    last_pids: Vec<u16>,
    stream: Stream,
    /// Jumps of the clock are expected (no slate).
    may_jump: bool,
}

/// Reads a stream and panics at the first broken rule.
pub fn check(bytes: &[u8]) -> Stream {
    run(bytes, false)
}

/// The same for a stream without a slate, whose clock may jump forward.
pub fn check_with_jumps(bytes: &[u8]) -> Stream {
    run(bytes, true)
}

fn run(bytes: &[u8], may_jump: bool) -> Stream {
    assert_eq!(bytes.len() % 188, 0, "the stream ends within a packet");
    let mut checker = Checker { may_jump, ..Checker::default() };
    bytes.chunks(188).for_each(|packet| checker.packet(packet));
    for pid in [VIDEO, AUDIO] {
        checker.close(pid);
    }
    checker.order();
    checker.stream
}

impl Checker {
    fn packet(&mut self, packet: &[u8]) {
        assert_eq!(packet[0], 0x47, "sync byte");
        assert_eq!(packet[1] & 0xA0, 0, "no error, no priority");
        assert_eq!(packet[3] & 0xC0, 0, "not scrambled");
        let pid = u16::from(packet[1] & 0x1F) << 8 | u16::from(packet[2]);
        let starts = packet[1] & 0x40 != 0;
        let (has_field, has_payload) = (packet[3] & 0x20 != 0, packet[3] & 0x10 != 0);
        let field_bytes = if has_field { 1 + usize::from(packet[4]) } else { 0 };
        assert!(field_bytes <= if has_payload { 183 } else { 184 }, "adaptation field fits");
        self.count(pid, packet[3] & 0x0F, has_payload);
        let mut is_key = false;
        if field_bytes > 1 {
            let flags = packet[5];
            assert_eq!(flags & 0x80, 0, "no discontinuity is ever announced");
            is_key = flags & 0x40 != 0;
            if flags & 0x10 != 0 {
                assert_eq!(pid, VIDEO, "the clock travels with the pictures");
                self.clock(&packet[6..12]);
            }
        }
        let payload = &packet[4 + field_bytes..];
        match pid {
            0 | PMT | 0x11 => self.table(pid, payload),
            VIDEO | AUDIO if starts => self.begin(pid, payload, is_key),
            VIDEO | AUDIO => {
                assert!(!is_key, "only first packets are places to begin");
                if has_payload {
                    self.open.get_mut(&pid).unwrap().0.data.extend_from_slice(payload);
                }
            }
            other => panic!("unknown PID {other:#x}"),
        }
        self.last_pids.push(pid);
    }

    fn count(&mut self, pid: u16, count: u8, has_payload: bool) {
        if let Some(last) = self.counts.insert(pid, count) {
            assert_eq!(count, (last + u8::from(has_payload)) % 16, "continuity of PID {pid:#x}");
        }
    }

    fn table(&mut self, pid: u16, payload: &[u8]) {
        let known = self.tables.entry(pid).or_insert_with(|| payload.to_vec());
        assert_eq!(known, payload, "tables are constant");
        if pid == PMT {
            if let (Some(last), Some(now), false) = (self.tables_clock, self.clock, self.may_jump) {
                assert!(now - last <= 18_000, "tables every 200 ms, not {}", now - last);
            }
            self.tables_clock = self.clock;
        }
    }

    fn clock(&mut self, bytes: &[u8]) {
        let base =
            bytes[..4].iter().fold(0, |value, byte| value << 8 | i64::from(*byte)) << 1 | i64::from(bytes[4] >> 7);
        let now = unwrap(base, self.clock);
        if let Some(last) = self.clock {
            assert!(now > last, "the clock goes forward");
            assert!(self.may_jump || now - last <= 3_600, "clock reference every 40 ms, not {} ticks", now - last);
        }
        self.clock = Some(now);
    }

    fn begin(&mut self, pid: u16, pes: &[u8], is_key: bool) {
        self.close(pid);
        assert_eq!(pes[..3], [0, 0, 1], "start code");
        assert_eq!(pes[3], if pid == VIDEO { 0xE0 } else { 0xC0 }, "stream id");
        assert_eq!(pes[6], 0x84, "aligned, nothing else");
        let clock = self.clock.expect("a clock reference comes first");
        let pts = unwrap(time(&pes[9..14]), Some(clock));
        let dts = if pes[7] >> 6 == 3 { unwrap(time(&pes[14..19]), Some(clock)) } else { pts };
        assert!(pts >= dts, "shown after it is decoded");
        let lead = (if pid == VIDEO { dts } else { pts }) - clock;
        let limit = if pid == VIDEO { 45_000..=63_000 } else { 45_000..=100_000 };
        assert!(limit.contains(&lead), "PID {pid:#x} comes {lead} ticks before it is due");
        if is_key {
            let tables: Vec<_> = self.last_pids.iter().rev().take_while(|pid| ![VIDEO, AUDIO].contains(pid)).collect();
            assert!(tables.contains(&&0) && tables.contains(&&PMT), "tables go before a keyframe");
        }
        let length = usize::from(pes[4]) << 8 | usize::from(pes[5]);
        let data = pes[9 + usize::from(pes[8])..].to_vec();
        self.open.insert(pid, (Sent { pts, dts, is_key, data }, length as i64 - 3 - i64::from(pes[8])));
    }

    fn close(&mut self, pid: u16) {
        let Some((sent, length)) = self.open.remove(&pid) else { return };
        assert!(length < 0 || length == sent.data.len() as i64, "a declared length is right");
        assert!(length > 0 || pid == VIDEO, "sound declares its length");
        if pid == VIDEO { self.stream.video.push(sent) } else { self.stream.audio.push(sent) }
    }

    fn order(&self) {
        let Stream { video, audio } = &self.stream;
        assert!(video.windows(2).all(|pair| pair[0].dts < pair[1].dts), "pictures are decoded in order");
        assert!(audio.windows(2).all(|pair| pair[0].pts < pair[1].pts), "sound goes forward");
        let mut shown: Vec<_> = video.iter().map(|sent| sent.pts).collect();
        shown.sort_unstable();
        assert!(shown.windows(2).all(|pair| pair[0] < pair[1]), "no two pictures are shown at once");
    }
}

/// Panics unless pictures follow each other by one frame of `rate` and sound by 1920 ticks, and both cover the same time.
pub fn assert_gapless(stream: &Stream, rate: (i64, i64)) {
    let frame = 90_000.0 * rate.1 as f64 / rate.0 as f64;
    let mut shown: Vec<_> = stream.video.iter().map(|sent| sent.pts).collect();
    shown.sort_unstable();
    for pair in shown.windows(2) {
        let step = (pair[1] - pair[0]) as f64;
        assert!((step - frame).abs() <= 1.0, "pictures {step} ticks apart instead of {frame}");
    }
    for pair in stream.audio.windows(2) {
        assert_eq!(pair[1].pts - pair[0].pts, 1_920, "sound has neither hole nor overlap");
    }
    if let (Some(first), Some(last), [first_sound, .., last_sound]) = (shown.first(), shown.last(), &stream.audio[..]) {
        assert!((first_sound.pts - first).abs() <= 960, "sound begins with the picture");
        let end = *last as f64 + frame;
        let sound_end = (last_sound.pts + 1_920) as f64;
        assert!((sound_end - end).abs() <= 961.0, "sound ends with the picture: {sound_end} instead of {end}");
    }
}

fn time(bytes: &[u8]) -> i64 {
    assert_eq!(bytes[0] & bytes[2] & bytes[4] & 1, 1, "marker bits");
    let part = |at: usize| i64::from(bytes[at]);
    (part(0) >> 1 & 7) << 30 | part(1) << 22 | (part(2) >> 1) << 15 | part(3) << 7 | part(4) >> 1
}

/// Returns the time nearest to `last` that is written as `time`.
fn unwrap(time: i64, last: Option<i64>) -> i64 {
    let Some(last) = last else { return time };
    let forward = (time - last).rem_euclid(1 << 33);
    if forward < 1 << 32 { last + forward } else { last + forward - (1 << 33) }
}
