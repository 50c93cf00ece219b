//! Cuts the stream into chunks that viewers share.
//!
//! Does: multiplex units and begin a chunk at keyframes worth joining at.
//! Does not: keep chunks (see `ring` and `segment`).
//! Invariant: the chunks in order are the stream, byte for byte; one that starts with a keyframe starts with PAT and PMT.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::{FrameGrid, PlacedUnit, TsMux};

/// Keyframes off the channel's clock begin a chunk only if the last one is this far away: slates and runs may come and go many times a second.
const KEY_DISTANCE_MS: i64 = 500;

/// A piece of the stream, shared by all who send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Whole packets.
    pub data: Bytes,
    /// Its first picture in decoding order.
    pub first_index: i64,
    /// How many pictures it holds.
    pub frames: i64,
    /// A viewer can join here.
    pub starts_with_key: bool,
}

impl Chunk {
    /// Returns the index after its last picture.
    pub fn end_index(&self) -> i64 {
        self.first_index + self.frames
    }
}

/// Multiplexes units and cuts the result.
#[derive(Debug)]
pub struct ChunkCutter {
    grid: FrameGrid,
    mux: TsMux,
    key_distance_frames: i64,
    open: BytesMut,
    first_index: i64,
    next_index: i64,
    starts_with_key: bool,
    last_key: Option<i64>,
    done: VecDeque<Chunk>,
}

impl ChunkCutter {
    /// Returns a cutter of what `mux` writes.
    pub fn new(grid: FrameGrid, mux: TsMux) -> Self {
        Self {
            grid,
            mux,
            key_distance_frames: grid.frames_in(KEY_DISTANCE_MS),
            open: BytesMut::new(),
            first_index: 0,
            next_index: 0,
            starts_with_key: false,
            last_key: None,
            done: VecDeque::new(),
        }
    }

    /// Takes the next unit in the order of sending.
    pub fn push(&mut self, unit: &PlacedUnit) {
        if unit.kind.is_keyframe() && self.is_worth_joining(unit.index) {
            self.flush();
            self.starts_with_key = true;
            self.last_key = Some(unit.index);
        }
        if unit.kind.is_video() {
            if self.open.is_empty() {
                self.first_index = unit.index;
            }
            self.next_index = unit.index + 1;
        }
        self.mux.write(unit, &mut self.open);
    }

    /// Closes the chunk that is open, so that what was pushed can be sent.
    pub fn flush(&mut self) {
        if !self.open.is_empty() {
            self.done.push_back(Chunk {
                data: self.open.split().freeze(),
                first_index: self.first_index,
                frames: self.next_index - self.first_index,
                starts_with_key: self.starts_with_key,
            });
        }
        self.starts_with_key = false;
        // Sound alone may come next.
        self.first_index = self.next_index;
    }

    /// Returns the next closed chunk.
    pub fn pop(&mut self) -> Option<Chunk> {
        self.done.pop_front()
    }

    fn is_worth_joining(&self, index: i64) -> bool {
        let is_jump = index != self.next_index;
        is_jump || self.grid.is_key(index) || self.last_key.is_none_or(|last| index - last >= self.key_distance_frames)
    }
}
