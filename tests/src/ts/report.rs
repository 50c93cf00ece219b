//! What the checker found.
//!
//! Does: hold breaches and measures, and show the first offenders.
//! Does not: decide what a breach is.
//! Invariant: every breach is counted; only the first few of a kind are kept in words.

use std::{collections::BTreeMap, fmt};

use super::clock::{TICKS_PER_SECOND, WRAP_TICKS};

/// How many of each kind are kept in words.
const SHOWN: usize = 4;

/// What can be wrong with a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Bytes where a packet should begin.
    Resync,
    /// Transport error or scrambling bits.
    Damaged,
    /// A continuity counter that does not continue.
    Continuity,
    /// The discontinuity indicator was set.
    Discontinuity,
    /// A PID that no table announces.
    UnknownPid,
    /// A section with a wrong checksum.
    PsiChecksum,
    /// PAT or PMT with other bytes than before.
    PsiChanged,
    /// PAT or PMT too rare.
    PsiInterval,
    /// The program clock went back or stood.
    PcrBackward,
    /// The program clock is too rare.
    PcrInterval,
    /// A PES without readable times.
    NoTimes,
    /// DTS not after the one before.
    DtsBackward,
    /// PTS before its DTS.
    PtsBeforeDts,
    /// Bytes that arrive after they are due.
    Late,
    /// A picture is missing.
    VideoGap,
    /// Two pictures at once.
    VideoOverlap,
    /// Sound is missing.
    AudioHole,
    /// Sound overlaps.
    AudioOverlap,
    /// Sound frames that cannot be followed or change their format.
    AudioFormat,
    /// A keyframe without parameter sets or flag, or a flag without a keyframe.
    Keyframe,
    /// The capture does not begin with a keyframe.
    Start,
}

/// One breach.
#[derive(Debug, Clone)]
pub struct Breach {
    /// What is wrong.
    pub kind: Kind,
    /// Byte offset of the packet.
    pub offset: usize,
    /// Seconds of stream clock since the first reference.
    pub at_s: f64,
    /// Details.
    pub detail: String,
}

/// One picture.
#[derive(Debug, Clone, Copy)]
pub struct AccessUnit {
    /// When it is shown, unwrapped ticks.
    pub pts: i64,
    /// When it is decoded, unwrapped ticks.
    pub dts: i64,
    /// Byte offset of its first packet.
    pub start: usize,
    /// Byte offset behind its last packet.
    pub end: usize,
    /// Whether it is an IDR.
    pub idr: bool,
}

/// One frame of sound.
#[derive(Debug, Clone, Copy)]
pub struct AudioFrame {
    /// When it is heard, unwrapped ticks.
    pub pts: i64,
    /// Byte offset of the PES that holds it.
    pub start: usize,
}

/// Everything about a capture.
#[derive(Debug, Default)]
pub struct Report {
    counts: BTreeMap<Kind, usize>,
    first: Vec<Breach>,
    /// Packets read.
    pub packets: usize,
    /// Pictures in decoding order.
    pub video: Vec<AccessUnit>,
    /// Sound in order.
    pub audio: Vec<AudioFrame>,
    /// Whether the 33-bit clock wrapped on the way.
    pub wrapped: bool,
    /// First and last clock reference, unwrapped ticks.
    pub clock: Option<(i64, i64)>,
    /// Longest distance of two clock references.
    pub pcr_interval_max_ms: f64,
    /// Least time between the last byte of a unit and its decoding.
    pub lead_min_ms: Option<f64>,
    /// Most time between the last byte of a unit and its decoding.
    pub lead_max_ms: Option<f64>,
    /// Largest distance of sound and picture in the order of the bytes.
    pub skew_max_ms: f64,
}

impl Report {
    /// Returns whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.counts.is_empty()
    }

    /// Returns how often `kind` was found.
    pub fn count(&self, kind: Kind) -> usize {
        self.counts.get(&kind).copied().unwrap_or(0)
    }

    /// Returns the kinds that were found.
    pub fn kinds(&self) -> Vec<Kind> {
        self.counts.keys().copied().collect()
    }

    /// Returns the first breaches of every kind.
    pub fn breaches(&self) -> &[Breach] {
        &self.first
    }

    /// Returns the length of the capture by its own clock.
    pub fn seconds(&self) -> f64 {
        self.clock.map_or(0.0, |(first, last)| (last - first) as f64 / TICKS_PER_SECOND as f64)
    }

    /// Returns when each picture is shown, in order of showing, for as far as all of them have arrived.
    pub fn shown(&self) -> Vec<i64> {
        let complete = self.video.last().map_or(i64::MIN, |unit| unit.dts);
        let mut shown: Vec<_> = self.video.iter().map(|unit| unit.pts).filter(|pts| *pts <= complete).collect();
        shown.sort_unstable();
        shown
    }

    /// Fails with the report in words unless the capture is clean and not empty.
    ///
    /// # Panics
    /// When something is wrong with the capture.
    pub fn assert_clean(&self) {
        assert!(self.video.len() > 1 && self.audio.len() > 1, "the capture is empty: {self}");
        assert!(self.is_clean(), "{self}");
    }

    pub(super) fn enter(&mut self, kind: Kind, offset: usize, now: Option<i64>, detail: String) {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        if *count <= SHOWN {
            let since = now.zip(self.clock).map_or(0, |(now, (first, _))| now - first);
            self.first.push(Breach { kind, offset, at_s: since as f64 / TICKS_PER_SECOND as f64, detail });
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (packets, pictures, sounds) = (self.packets, self.video.len(), self.audio.len());
        writeln!(f, "{packets} packets, {:.3} s, {pictures} pictures, {sounds} frames of sound", self.seconds())?;
        let lead = |lead: Option<f64>| lead.map_or("?".to_owned(), |ms| format!("{ms:.1}"));
        writeln!(
            f,
            "clock every {:.1} ms at most, units {} to {} ms early, skew {:.0} ms, first clock {:?}, wrapped: {}",
            self.pcr_interval_max_ms,
            lead(self.lead_min_ms),
            lead(self.lead_max_ms),
            self.skew_max_ms,
            self.clock.map(|(first, _)| first.rem_euclid(WRAP_TICKS)),
            self.wrapped
        )?;
        for (kind, count) in &self.counts {
            writeln!(f, "{kind:?}: {count}")?;
            for breach in self.first.iter().filter(|breach| breach.kind == *kind) {
                writeln!(f, "  byte {} at {:.3} s: {}", breach.offset, breach.at_s, breach.detail)?;
            }
        }
        Ok(())
    }
}
