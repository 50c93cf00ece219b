//! Writes placed units as transport packets.
//!
//! Does: PES packets, continuity counts, tables and clock references.
//! Does not: choose what is sent when; units come in the order of sending.
//! Invariant: tables never change and counts never break, for the life of the channel. The clock runs 600 ms before decoding, is written at
//! least every 40 ms, and no discontinuity is ever announced.

mod pes;
mod tables;

use bytes::BytesMut;

use crate::{FrameGrid, PlacedUnit, TICKS_PER_SECOND, UnitKind, packet::PACKET_BYTES};
use pes::Adaptation;
use tables::Tables;

const VIDEO_PID: u16 = 0x100;
const AUDIO_PID: u16 = 0x101;
/// How far the clock runs before decoding; monitors want 500 to 700 ms, players never mind.
const CLOCK_LEAD_TICKS: i64 = 600 * TICKS_PER_SECOND / 1_000;
/// Longest distance of two clock references (DVB).
const CLOCK_PERIOD_TICKS: i64 = 40 * TICKS_PER_SECOND / 1_000;
/// Longest distance of two sets of tables.
const TABLES_PERIOD_TICKS: i64 = 200 * TICKS_PER_SECOND / 1_000;

/// The multiplexer of one channel.
#[derive(Debug)]
pub struct TsMux {
    grid: FrameGrid,
    tables: Tables,
    video: Continuity,
    audio: Continuity,
    /// When tables were written last.
    tables_at: Option<i64>,
    offset_ticks: i64,
}

impl TsMux {
    /// Returns the multiplexer of a channel; the name is sent in the service table.
    pub fn new(channel_name: &str, grid: FrameGrid) -> Self {
        Self {
            grid,
            tables: Tables::new(channel_name, VIDEO_PID, AUDIO_PID),
            video: Continuity::default(),
            audio: Continuity::default(),
            tables_at: None,
            offset_ticks: 0,
        }
    }

    /// Adds `ticks` to every time that is written, so that the 33-bit wrap can be rehearsed on any day.
    #[must_use]
    pub fn with_offset(mut self, ticks: i64) -> Self {
        self.offset_ticks = ticks;
        self
    }

    /// Appends the packets of the next unit. Those of a keyframe begin with PAT and PMT, so a viewer who joins there needs nothing more.
    pub fn write(&mut self, unit: &PlacedUnit, out: &mut BytesMut) {
        // Room for all of it at once: payload, clock references and tables.
        out.reserve((unit.data.len() / 170 + 10) * PACKET_BYTES);
        match unit.kind {
            UnitKind::Video { keyframe } => self.write_picture(unit, keyframe, out),
            UnitKind::Audio => self.write_sound(unit, out),
        }
    }

    fn write_picture(&mut self, unit: &PlacedUnit, keyframe: bool, out: &mut BytesMut) {
        let next = self.grid.tick(unit.index + 1);
        // Tables go before pictures only, so they are due if the next picture were too late.
        if keyframe || self.tables_at.is_none_or(|at| next - at > TABLES_PERIOD_TICKS) {
            self.tables.write(unit.dts, keyframe, out);
            self.tables_at = Some(unit.dts);
        }
        let header = pes::video_header(self.wire(unit.pts), self.wire(unit.dts), unit.data.len());
        let first = Adaptation { random_access: keyframe, clock: Some(self.clock(unit.dts)) };
        pes::write_packets(VIDEO_PID, &mut self.video, first, &header, &unit.data, out);

        let length = next - unit.dts;
        let references = (length + CLOCK_PERIOD_TICKS - 1) / CLOCK_PERIOD_TICKS;
        for part in 1..references {
            let clock = self.clock(unit.dts + length * part / references);
            pes::write_clock(VIDEO_PID, &self.video, clock, out);
        }
    }

    fn write_sound(&mut self, unit: &PlacedUnit, out: &mut BytesMut) {
        let header = pes::audio_header(self.wire(unit.pts), unit.data.len());
        pes::write_packets(AUDIO_PID, &mut self.audio, Adaptation::default(), &header, &unit.data, out);
    }

    fn clock(&self, at: i64) -> u64 {
        self.wire(at - CLOCK_LEAD_TICKS)
    }

    /// Returns a time as it is written: with the offset, in 33 bits.
    fn wire(&self, ticks: i64) -> u64 {
        // Two's complement makes this right for times before the epoch, too.
        ticks.wrapping_add(self.offset_ticks).cast_unsigned() & ((1 << 33) - 1)
    }
}

/// The continuity count of one PID.
#[derive(Debug, Default)]
struct Continuity(u8);

impl Continuity {
    /// Returns the count of the next packet with payload.
    fn next(&mut self) -> u8 {
        let count = self.0;
        self.0 = (count + 1) & 0x0F;
        count
    }

    /// Returns the count of a packet without payload: that of the last one with.
    fn last(&self) -> u8 {
        self.0.wrapping_sub(1) & 0x0F
    }
}
