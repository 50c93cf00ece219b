//! The walk over a capture.
//!
//! Does: follow packets, tables, clocks and units, and enter every breach.
//! Does not: stop at one; a damaged capture is read to its end.
//! Invariant: a unit is judged only when the next one of its PID has begun, so that a cut capture is not blamed.

use std::collections::BTreeMap;

use super::{
    AUDIO_FRAME_TICKS, PACKET_BYTES, Rules,
    clock::{self, Clock},
    pes::{AdtsConfig, Pes},
    psi::{Map, Section},
    report::{AccessUnit, AudioFrame, Kind, Report},
};

/// The walk.
pub(super) struct Scan<'a> {
    capture: &'a [u8],
    rules: Rules,
    report: Report,
    clock: Clock,
    last_pcr: Option<i64>,
    counters: BTreeMap<u16, Counter<'a>>,
    units: BTreeMap<u16, Pes>,
    pat: Table,
    pmt: Table,
    map_pid: Option<u16>,
    map: Option<Map>,
    last_dts: BTreeMap<u16, i64>,
    adts: Option<AdtsConfig>,
}

/// The last packet with payload of a PID.
struct Counter<'a> {
    packet: &'a [u8],
    repeated: bool,
}

/// A program table as it was first seen.
#[derive(Default)]
struct Table {
    bytes: Option<Vec<u8>>,
    seen: Option<i64>,
}

/// One transport packet, taken apart.
struct Packet<'a> {
    offset: usize,
    bytes: &'a [u8],
    pid: u16,
    starts_unit: bool,
    adaptation: &'a [u8],
    payload: Option<&'a [u8]>,
}

impl<'a> Packet<'a> {
    fn parse(offset: usize, bytes: &'a [u8]) -> Option<Self> {
        let (has_adaptation, has_payload) = (bytes[3] & 0x20 != 0, bytes[3] & 0x10 != 0);
        let adaptation_bytes = if has_adaptation { 1 + usize::from(bytes[4]) } else { 0 };
        let adaptation = if has_adaptation { bytes.get(5..4 + adaptation_bytes)? } else { &[] };
        let payload = if has_payload { Some(bytes.get(4 + adaptation_bytes..)?) } else { None };
        let pid = u16::from_be_bytes([bytes[1] & 0x1F, bytes[2]]);
        Some(Self { offset, bytes, pid, starts_unit: bytes[1] & 0x40 != 0, adaptation, payload })
    }

    fn flag(&self, bit: u8) -> bool {
        self.adaptation.first().is_some_and(|flags| flags & bit != 0)
    }

    fn counter(&self) -> u8 {
        self.bytes[3] & 0x0F
    }
}

impl<'a> Scan<'a> {
    /// Prepares the walk over `capture`.
    pub fn new(capture: &'a [u8], rules: Rules) -> Self {
        Self {
            capture,
            rules,
            report: Report::default(),
            clock: Clock::default(),
            last_pcr: None,
            counters: BTreeMap::new(),
            units: BTreeMap::new(),
            pat: Table::default(),
            pmt: Table::default(),
            map_pid: None,
            map: None,
            last_dts: BTreeMap::new(),
            adts: None,
        }
    }

    /// Walks to the end of the capture.
    pub fn run(mut self) -> Report {
        let mut at = 0;
        while let Some(bytes) = self.capture.get(at..at + PACKET_BYTES) {
            if bytes[0] == 0x47 {
                self.packet(at, bytes);
                at += PACKET_BYTES;
            } else {
                at = self.resync(at);
            }
        }
        self.pictures();
        self.sounds();
        self.report.wrapped = self.clock.wrapped;
        self.report
    }

    fn breach(&mut self, kind: Kind, offset: usize, detail: String) {
        self.report.enter(kind, offset, self.clock.now(), detail);
    }

    /// Finds the next place where three packets follow each other.
    fn resync(&mut self, at: usize) -> usize {
        let is_cadence =
            |at: &usize| (0..3).all(|k| self.capture.get(at + k * PACKET_BYTES).is_none_or(|b| *b == 0x47));
        let next = (at..self.capture.len()).find(is_cadence).unwrap_or(self.capture.len());
        self.breach(Kind::Resync, at, format!("{} bytes are no packets", next - at));
        next
    }

    fn packet(&mut self, offset: usize, bytes: &'a [u8]) {
        self.report.packets += 1;
        let Some(packet) = Packet::parse(offset, bytes) else {
            return self.breach(Kind::Damaged, offset, "adaptation field longer than the packet".into());
        };
        if packet.pid == 0x1FFF {
            return;
        }
        if bytes[1] & 0x80 != 0 || bytes[3] & 0xC0 != 0 {
            self.breach(Kind::Damaged, offset, format!("PID {:#x}: error or scrambling bits", packet.pid));
        }
        if packet.flag(0x80) {
            self.breach(Kind::Discontinuity, offset, format!("PID {:#x}", packet.pid));
        }
        if packet.flag(0x10) {
            self.pcr(&packet);
        }
        if self.continues(&packet) {
            self.payload(&packet);
        }
    }

    /// Returns whether the payload is new; a single exact duplicate is not.
    fn continues(&mut self, packet: &Packet<'a>) -> bool {
        let counter = packet.counter();
        let fresh = Counter { packet: packet.bytes, repeated: false };
        let Some(last) = self.counters.get_mut(&packet.pid) else {
            self.counters.insert(packet.pid, fresh);
            return true;
        };
        let before = last.packet[3] & 0x0F;
        let is_repeat = counter == before && packet.payload.is_some() && last.packet == packet.bytes;
        if is_repeat && !last.repeated {
            last.repeated = true;
            return false;
        }
        let expected = if packet.payload.is_some() { (before + 1) % 16 } else { before };
        *last = fresh;
        if counter != expected {
            let detail = format!("PID {:#x}: {counter} after {before}, expected {expected}", packet.pid);
            self.breach(Kind::Continuity, packet.offset, detail);
        }
        !is_repeat
    }

    fn pcr(&mut self, packet: &Packet<'_>) {
        let Some((base, extension)) = clock::reference(packet.adaptation.get(1..).unwrap_or_default()) else {
            return self.breach(Kind::Damaged, packet.offset, "clock reference cut short".into());
        };
        if self.map.as_ref().is_some_and(|map| map.pcr != packet.pid) {
            return;
        }
        let now = self.clock.refer(base);
        let pcr = now * 300 + extension;
        let step_ms = self.last_pcr.map_or(0.0, |last| (pcr - last) as f64 / 27_000.0);
        if self.last_pcr.is_some_and(|last| pcr <= last) {
            self.breach(Kind::PcrBackward, packet.offset, format!("{step_ms:.3} ms"));
        } else if step_ms > self.rules.pcr_interval_ms {
            self.breach(Kind::PcrInterval, packet.offset, format!("{step_ms:.3} ms"));
        }
        self.last_pcr = Some(pcr);
        self.report.clock = Some((self.report.clock.map_or(now, |(first, _)| first), now));
        self.report.pcr_interval_max_ms = self.report.pcr_interval_max_ms.max(step_ms);
    }

    fn payload(&mut self, packet: &Packet<'a>) {
        let Some(payload) = packet.payload else { return };
        if packet.pid == 0 {
            self.table(packet, payload, true);
        } else if Some(packet.pid) == self.map_pid {
            self.table(packet, payload, false);
        } else if self.is_announced(packet.pid) {
            self.unit(packet, payload);
        } else if packet.pid != 0x11 {
            self.breach(Kind::UnknownPid, packet.offset, format!("PID {:#x}", packet.pid));
        }
    }

    fn is_announced(&self, pid: u16) -> bool {
        let map = self.map.as_ref();
        map.is_some_and(|map| map.video == Some(pid) || map.audio == Some(pid) || map.others.contains(&pid))
    }

    fn table(&mut self, packet: &Packet<'_>, payload: &[u8], is_pat: bool) {
        let name = if is_pat { "PAT" } else { "PMT" };
        let Some(section) = Section::in_payload(payload) else {
            return self.breach(Kind::PsiChecksum, packet.offset, format!("{name} does not fit its packet"));
        };
        if !section.is_intact() {
            return self.breach(Kind::PsiChecksum, packet.offset, name.into());
        }
        let now = self.clock.now();
        let table = if is_pat { &mut self.pat } else { &mut self.pmt };
        let pause_ms = table.seen.zip(now).map_or(0.0, |(seen, now)| (now - seen) as f64 / 90.0);
        table.seen = now;
        let is_other = table.bytes.get_or_insert_with(|| section.bytes().to_vec()) != section.bytes();
        if is_pat {
            self.map_pid = section.map_pid();
        } else {
            self.map = section.map();
        }
        if is_other {
            self.breach(Kind::PsiChanged, packet.offset, name.into());
        }
        if pause_ms > self.rules.psi_interval_ms {
            self.breach(Kind::PsiInterval, packet.offset, format!("{name} after {pause_ms:.0} ms"));
        }
    }

    fn unit(&mut self, packet: &Packet<'a>, payload: &[u8]) {
        if packet.starts_unit {
            let next = Pes::new(packet.offset, packet.flag(0x40));
            if let Some(done) = self.units.insert(packet.pid, next) {
                self.judge(packet.pid, &done);
            }
        }
        let now = self.clock.now();
        if let Some(unit) = self.units.get_mut(&packet.pid) {
            unit.push(payload, packet.offset + PACKET_BYTES, now);
        }
    }

    fn judge(&mut self, pid: u16, unit: &Pes) {
        let Some((pts, dts)) = unit.times() else {
            return self.breach(Kind::NoTimes, unit.start, format!("PID {pid:#x}"));
        };
        let (pts, dts) = (self.clock.unwrap(pts), self.clock.unwrap(dts));
        let before = self.last_dts.insert(pid, dts);
        if before.is_some_and(|before| dts <= before) {
            let step_ms = (dts - before.unwrap_or(dts)) as f64 / 90.0;
            self.breach(Kind::DtsBackward, unit.start, format!("PID {pid:#x}: {step_ms:.1} ms"));
        }
        if pts < dts {
            self.breach(Kind::PtsBeforeDts, unit.start, format!("PID {pid:#x}: {} ticks", pts - dts));
        }
        self.lead(pid, unit, dts);
        match &self.map {
            Some(map) if map.video == Some(pid) => self.picture(unit, pts, dts),
            Some(map) if map.audio == Some(pid) => self.sound(unit, pts),
            _ => {}
        }
    }

    fn lead(&mut self, pid: u16, unit: &Pes, dts: i64) {
        let Some(arrived) = unit.arrived else { return };
        let lead_ms = (dts - arrived) as f64 / 90.0;
        if lead_ms < 0.0 {
            self.breach(Kind::Late, unit.start, format!("PID {pid:#x}: {:.1} ms too late", -lead_ms));
        }
        let report = &mut self.report;
        report.lead_min_ms = Some(report.lead_min_ms.map_or(lead_ms, |least| least.min(lead_ms)));
        report.lead_max_ms = Some(report.lead_max_ms.map_or(lead_ms, |most| most.max(lead_ms)));
    }

    fn picture(&mut self, unit: &Pes, pts: i64, dts: i64) {
        let types = unit.h264_units();
        let idr = types.contains(&5);
        if idr && !(types.contains(&7) && types.contains(&8)) {
            self.breach(Kind::Keyframe, unit.start, "no parameter sets with the keyframe".into());
        }
        if idr != unit.random_access {
            self.breach(Kind::Keyframe, unit.start, format!("keyframe: {idr}, flag: {}", unit.random_access));
        }
        if self.report.video.is_empty() && !idr {
            self.breach(Kind::Start, unit.start, "the first picture is no keyframe".into());
        }
        if let Some(sound) = self.report.audio.last() {
            self.report.skew_max_ms = self.report.skew_max_ms.max((sound.pts - dts).abs() as f64 / 90.0);
        }
        self.report.video.push(AccessUnit { pts, dts, start: unit.start, end: unit.end, idr });
    }

    fn sound(&mut self, unit: &Pes, pts: i64) {
        let Some(frames) = unit.adts_frames() else {
            return self.breach(Kind::AudioFormat, unit.start, "not a row of whole ADTS frames".into());
        };
        for (index, config) in (0..).zip(frames) {
            if config.sample_rate_index != 3 || *self.adts.get_or_insert(config) != config {
                self.breach(Kind::AudioFormat, unit.start, format!("{config:?} after {:?}", self.adts));
            }
            self.report.audio.push(AudioFrame { pts: pts + index * AUDIO_FRAME_TICKS, start: unit.start });
        }
    }

    /// Judges the distances of pictures in the order in which they are shown.
    fn pictures(&mut self) {
        let starts: BTreeMap<_, _> = self.report.video.iter().map(|unit| (unit.pts, unit.start)).collect();
        let frame = self.rules.frame_ticks();
        for pair in self.report.shown().windows(2) {
            let step = (pair[1] - pair[0]) as f64;
            let kind = match step - frame {
                extra if extra > 1.5 => Kind::VideoGap,
                extra if extra < -1.5 => Kind::VideoOverlap,
                _ => continue,
            };
            let detail = format!("{:.2} ms instead of {:.2} ms", step / 90.0, frame / 90.0);
            self.report.enter(kind, starts[&pair[1]], Some(pair[1]), detail);
        }
    }

    fn sounds(&mut self) {
        let steps: Vec<_> = self.report.audio.windows(2).map(|pair| (pair[1], pair[1].pts - pair[0].pts)).collect();
        for (frame, step) in steps {
            let kind = match step - AUDIO_FRAME_TICKS {
                2.. => Kind::AudioHole,
                ..=-2 => Kind::AudioOverlap,
                _ => continue,
            };
            self.report.enter(
                kind,
                frame.start,
                Some(frame.pts),
                format!("{step} ticks instead of {AUDIO_FRAME_TICKS}"),
            );
        }
    }
}
