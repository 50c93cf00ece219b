//! Takes the bytes of one FFmpeg pipe apart into access units.
//!
//! Does: find packets, follow PAT and PMT, assemble PES packets, unwrap their clocks, split sound into frames, classify pictures.
//! Does not: trust any of it. What is damaged is dropped whole and counted; clock references are ignored, because the channel has its own.
//! Invariant: linear in the bytes pushed, bounded memory, never panics; every unit that comes out is complete.

mod framing;
mod pes;
mod tables;

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{
    AUDIO_FRAME_TICKS, AccessUnit, UnitKind, adts, h264,
    packet::{PACKET_BYTES, PAT_PID, Packet},
};
use framing::Framing;
use pes::{PesHeader, PesPackets};

/// More than any picture: 50 Mb/s for a second.
const VIDEO_MAX_BYTES: usize = 8 << 20;
/// What a PES packet with a length can hold.
const AUDIO_MAX_BYTES: usize = (64 << 10) + 6;

/// The demultiplexer of one run.
#[derive(Debug)]
pub struct RunDemux {
    framing: Framing,
    program: Program,
}

/// What was found and what was lost so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DemuxStats {
    /// Whole packets seen.
    pub packets: u64,
    /// Bytes that belonged to no packet.
    pub skipped_bytes: u64,
    /// How often the 188 byte cadence was lost.
    pub sync_losses: u64,
    /// Packets flagged as damaged, scrambled or impossible.
    pub bad_packets: u64,
    /// Packets sent twice; legal, ignored.
    pub duplicate_packets: u64,
    /// Continuity errors of pictures and sound.
    pub continuity_gaps: u64,
    /// Tables with a wrong checksum or impossible content.
    pub bad_tables: u64,
    /// PES packets dropped because a part was missing, too long or impossible.
    pub dropped_pes: u64,
    /// Pictures delivered.
    pub pictures: u64,
    /// Sound frames delivered.
    pub sound_frames: u64,
    /// Payload bytes that held no usable picture or sound frame.
    pub damaged_bytes: u64,
}

impl RunDemux {
    /// Returns a demultiplexer that has seen nothing.
    pub fn new() -> Self {
        Self { framing: Framing::default(), program: Program::new() }
    }

    /// Takes the next bytes of the pipe, of any length.
    pub fn push(&mut self, bytes: &[u8]) {
        let Self { framing, program } = self;
        framing.push(bytes, |packet| program.packet(packet));
    }

    /// Ends the run: a last picture of unknown length is complete now.
    pub fn finish(&mut self) {
        self.framing.finish();
        self.program.finish();
    }

    /// Returns the next access unit, in the order of the stream.
    pub fn pop(&mut self) -> Option<AccessUnit> {
        self.program.units.pop_front()
    }

    /// Returns what was found and lost so far.
    pub fn stats(&self) -> DemuxStats {
        DemuxStats {
            skipped_bytes: self.framing.skipped_bytes,
            sync_losses: self.framing.sync_losses,
            ..self.program.stats
        }
    }
}

impl Default for RunDemux {
    fn default() -> Self {
        Self::new()
    }
}

/// The one programme of the stream.
#[derive(Debug)]
struct Program {
    pmt_pid: Option<u16>,
    video: Option<PesPackets>,
    audio: Option<PesPackets>,
    clock: Unwrap,
    units: VecDeque<AccessUnit>,
    stats: DemuxStats,
}

impl Program {
    fn new() -> Self {
        Self {
            pmt_pid: None,
            video: None,
            audio: None,
            clock: Unwrap::default(),
            units: VecDeque::new(),
            stats: DemuxStats::default(),
        }
    }

    fn packet(&mut self, bytes: &[u8; PACKET_BYTES]) {
        self.stats.packets += 1;
        let Some(packet) = Packet::parse(bytes) else {
            // Its continuity count is missing now, so whatever it was part of will be dropped.
            self.stats.bad_packets += 1;
            return;
        };
        if self.video.as_ref().is_some_and(|pes| pes.pid == packet.pid) {
            self.elementary(&packet, true);
        } else if self.audio.as_ref().is_some_and(|pes| pes.pid == packet.pid) {
            if let Some(video) = &mut self.video {
                video.note_other_stream();
            }
            self.elementary(&packet, false);
        } else if packet.pid == PAT_PID && packet.starts_unit {
            self.association(packet.payload);
        } else if Some(packet.pid) == self.pmt_pid && packet.starts_unit {
            self.map(packet.payload);
        }
    }

    fn association(&mut self, payload: &[u8]) {
        match tables::pmt_pid(payload) {
            Some(pid) => self.pmt_pid = Some(pid),
            None => self.stats.bad_tables += 1,
        }
    }

    fn map(&mut self, payload: &[u8]) {
        let Some(streams) = tables::streams(payload) else {
            self.stats.bad_tables += 1;
            return;
        };
        follow(&mut self.video, streams.video_pid, VIDEO_MAX_BYTES);
        follow(&mut self.audio, streams.audio_pid, AUDIO_MAX_BYTES);
    }

    fn elementary(&mut self, packet: &Packet<'_>, is_video: bool) {
        let Some(pes) = (if is_video { &mut self.video } else { &mut self.audio }) else { return };
        let finished = pes.push(packet, &mut self.stats);
        for pes in finished.into_iter().flatten() {
            self.pes(pes, is_video);
        }
    }

    fn pes(&mut self, pes: Bytes, is_video: bool) {
        let Some(header) = PesHeader::parse(&pes) else {
            self.stats.dropped_pes += 1;
            return;
        };
        let dts = self.clock.unwrap(header.dts);
        let pts = dts + signed_distance(header.pts, header.dts);
        let data = pes.slice(header.data_at..);
        if is_video {
            self.picture(pts, dts, data);
        } else {
            self.sound(pts, data);
        }
    }

    fn picture(&mut self, pts: i64, dts: i64, data: Bytes) {
        match h264::keyframe(&data) {
            Some(keyframe) => {
                self.stats.pictures += 1;
                self.units.push_back(AccessUnit { kind: UnitKind::Video { keyframe }, pts, dts, data });
            }
            None => self.stats.damaged_bytes += data.len() as u64,
        }
    }

    fn sound(&mut self, first_pts: i64, data: Bytes) {
        let mut frames = adts::Frames::new(data);
        let mut pts = first_pts;
        for data in frames.by_ref() {
            self.stats.sound_frames += 1;
            self.units.push_back(AccessUnit { kind: UnitKind::Audio, pts, dts: pts, data });
            pts += AUDIO_FRAME_TICKS;
        }
        self.stats.damaged_bytes += frames.damaged_bytes as u64;
    }

    fn finish(&mut self) {
        let video = self.video.as_mut().and_then(|pes| pes.finish(&mut self.stats));
        let audio = self.audio.as_mut().and_then(|pes| pes.finish(&mut self.stats));
        for (pes, is_video) in [(video, true), (audio, false)] {
            if let Some(pes) = pes {
                self.pes(pes, is_video);
            }
        }
    }
}

/// Starts following a stream, or goes on if its PID did not change.
fn follow(stream: &mut Option<PesPackets>, pid: Option<u16>, max_bytes: usize) {
    if let Some(pid) = pid
        && stream.as_ref().is_none_or(|pes| pes.pid != pid)
    {
        *stream = Some(PesPackets::new(pid, max_bytes));
    }
}

/// Turns 33-bit times into times that never wrap.
#[derive(Debug, Default)]
struct Unwrap {
    reference: Option<i64>,
}

/// A time further than this from its predecessor (ten minutes) is an error of its own: later ones are not judged by it.
const PLAUSIBLE_TICKS: i64 = 600 * 90_000;

impl Unwrap {
    fn unwrap(&mut self, time: i64) -> i64 {
        let reference = *self.reference.get_or_insert(time);
        let distance = signed_distance(time, reference);
        if distance.abs() < PLAUSIBLE_TICKS {
            self.reference = Some(reference + distance);
        }
        reference + distance
    }
}

/// Returns how far `time` is after `reference`, the short way round the 33-bit clock.
fn signed_distance(time: i64, reference: i64) -> i64 {
    const WRAP: i64 = 1 << 33;
    let forward = (time - reference).rem_euclid(WRAP);
    if forward < WRAP / 2 { forward } else { forward - WRAP }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_on_across_the_wrap_in_both_directions() {
        let mut clock = Unwrap::default();
        let top = (1 << 33) - 1_000;
        let times = [top, 2_000, top + 500, 4_000].map(|time| clock.unwrap(time));
        assert_eq!(times, [top, top + 3_000, top + 500, top + 5_000]);
    }

    #[test]
    fn one_absurd_time_does_not_move_the_clock() {
        let mut clock = Unwrap::default();
        clock.unwrap(90_000);
        clock.unwrap((1 << 32) + 89_990);
        assert_eq!(clock.unwrap(87_000), 87_000);
    }

    #[test]
    fn nothing_in_nothing_out() {
        let mut demux = RunDemux::new();
        demux.push(&[]);
        demux.finish();
        assert_eq!(demux.pop(), None);
        assert_eq!(demux.stats(), DemuxStats::default());
    }
}
