//! The sound of the timeline: one frame at every multiple of 1920 ticks.
//!
//! Does: shift each run onto the grid, drop what overlaps, close holes with silence, stop exactly where the pictures stop.
//! Does not: know pictures; it is told how far they are.
//! Invariant: frames are placed at `next`, `next + 1`, ... and never out of order. A run is shifted once, by half a frame at most, so no error
//! accumulates.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::{AUDIO_FRAME_TICKS, FrameGrid, Origin, PlacedUnit, Slate, grid::nearest_sound};

/// Frames of a run that wait for their pictures: ten seconds.
const MAX_PENDING: usize = 470;
/// A hole longer than this (two seconds) is rather a wrong time on the frame behind it.
const MAX_HOLE: i64 = 94;

/// Placed and waiting sound frames.
#[derive(Debug)]
pub(super) struct Sound {
    grid: FrameGrid,
    /// The place of the next frame, in frames since the epoch.
    next: i64,
    /// Ticks added to the run's times; known with its first frame.
    shift: Option<i64>,
    pending: BTreeMap<i64, Bytes>,
    ready: VecDeque<PlacedUnit>,
    silence: Option<Bytes>,
    /// The run's sound did not come in time, and nothing of it has come since.
    is_given_up: bool,
    /// Silent frames placed in the current run.
    silent_frames: i64,
}

impl Sound {
    pub(super) fn new(grid: FrameGrid, next: i64, silence: Option<Bytes>) -> Self {
        Self {
            grid,
            next,
            shift: None,
            pending: BTreeMap::new(),
            ready: VecDeque::new(),
            silence,
            is_given_up: false,
            silent_frames: 0,
        }
    }

    pub(super) fn set_silence(&mut self, silence: Bytes) {
        self.silence = Some(silence);
    }

    pub(super) fn begin_run(&mut self) {
        self.pending.clear();
        self.shift = None;
        self.is_given_up = false;
        self.silent_frames = 0;
    }

    /// Takes a frame of the run that should be heard at `pts` on the channel's clock.
    pub(super) fn accept(&mut self, pts: i64, data: Bytes) {
        let shift =
            *self.shift.get_or_insert_with(|| nearest_sound(pts).saturating_mul(AUDIO_FRAME_TICKS).saturating_sub(pts));
        let number = nearest_sound(pts.saturating_add(shift));
        self.is_given_up = false;
        // What is earlier is the encoder's priming, an overlap, or too late.
        if number >= self.next {
            self.pending.entry(number).or_insert(data);
            if self.pending.len() > MAX_PENDING {
                self.pending.pop_first();
            }
        }
    }

    /// Places what has come, up to `end`.
    pub(super) fn advance(&mut self, end: i64) {
        while self.next < end {
            if let Some(data) = self.pending.remove(&self.next) {
                self.place(Origin::Run, data);
            } else if self.pending.first_key_value().is_some_and(|(number, _)| number - self.next <= MAX_HOLE) {
                // Frames come in order, so this one will not come any more.
                self.place_silence();
            } else {
                break;
            }
        }
        if self.is_given_up {
            self.close(end);
        }
    }

    /// Stops waiting for the run's sound until some of it comes.
    pub(super) fn give_up_on(&mut self, end: i64) {
        self.close(end);
        self.is_given_up = true;
    }

    /// Places everything up to `end`, silence where there is nothing, and forgets what would be earlier.
    pub(super) fn close(&mut self, end: i64) {
        while self.next < end {
            match self.pending.remove(&self.next) {
                Some(data) => self.place(Origin::Run, data),
                None => self.place_silence(),
            }
        }
        self.pending = self.pending.split_off(&self.next);
    }

    /// Goes on to `end` with the slate's sound.
    pub(super) fn cover(&mut self, end: i64, slate: &Slate) {
        while self.next < end {
            self.place(Origin::Slate, slate.sound(self.next));
        }
        self.pending = self.pending.split_off(&self.next);
    }

    /// Goes on to `end` with nothing.
    pub(super) fn jump(&mut self, end: i64) {
        self.next = self.next.max(end);
        self.pending = self.pending.split_off(&self.next);
    }

    /// Forgets what the ended run left and returns how many silent frames it needed.
    pub(super) fn end_run(&mut self) -> i64 {
        self.pending.clear();
        std::mem::take(&mut self.silent_frames)
    }

    /// Returns the picture that the next frame to be placed is sent with.
    pub(super) fn next_index(&self) -> i64 {
        self.grid.picture_of_sound(self.next)
    }

    /// Returns the picture that the first placed frame is sent with.
    pub(super) fn front_index(&self) -> Option<i64> {
        self.ready.front().map(|unit| unit.index)
    }

    pub(super) fn pop(&mut self) -> Option<PlacedUnit> {
        self.ready.pop_front()
    }

    fn place(&mut self, origin: Origin, data: Bytes) {
        self.ready.push_back(PlacedUnit::sound(self.next, self.next_index(), origin, data));
        self.next += 1;
    }

    fn place_silence(&mut self) {
        match self.silence.clone() {
            Some(silence) => {
                self.silent_frames += 1;
                self.place(Origin::Silence, silence);
            }
            None => self.next += 1,
        }
    }
}
