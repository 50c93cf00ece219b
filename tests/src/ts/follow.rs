//! The clock of a stream that is still coming in.
//!
//! Does: find clock references in whatever pieces arrive.
//! Does not: check anything.
//! Invariant: pieces of any size give the same result as the whole.

use super::{
    PACKET_BYTES,
    clock::{self, Clock, TICKS_PER_SECOND},
};

/// Follows the clock of one stream; all references are taken for one program's.
#[derive(Debug, Default)]
pub struct Follower {
    rest: Vec<u8>,
    clock: Clock,
    first: Option<i64>,
}

impl Follower {
    /// Takes the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.rest.extend_from_slice(piece);
        let whole = self.rest.len() / PACKET_BYTES * PACKET_BYTES;
        let packets: Vec<u8> = self.rest.drain(..whole).collect();
        for packet in packets.chunks_exact(PACKET_BYTES) {
            if packet[3] & 0x20 != 0
                && packet[4] > 6
                && packet[5] & 0x10 != 0
                && let Some((base, _)) = clock::reference(&packet[6..])
            {
                let now = self.clock.refer(base);
                self.first.get_or_insert(now);
            }
        }
    }

    /// Returns how far the clock has gone.
    pub fn seconds(&self) -> f64 {
        let span = self.first.zip(self.clock.now()).map_or(0, |(first, now)| now - first);
        span as f64 / TICKS_PER_SECOND as f64
    }
}
