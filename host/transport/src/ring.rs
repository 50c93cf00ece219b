//! The last half minute of a channel, for viewers of the endless stream.
//!
//! Does: keep chunks, say where a new viewer begins, and hand each viewer the next one.
//! Does not: know viewers or wake them; a viewer is a [`Position`] that it keeps itself.
//! Invariant: bounded by length and by bytes; after a chunk was dropped, the oldest one kept is a place to join, if there is any.

use std::collections::VecDeque;

use crate::Chunk;

/// Chunks in order.
#[derive(Debug)]
pub struct Ring {
    chunks: VecDeque<Chunk>,
    /// Sequence number of the oldest chunk kept.
    first_sequence: u64,
    capacity_frames: i64,
    max_bytes: usize,
    bytes: usize,
}

/// Where a viewer is: it has had everything before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    sequence: u64,
    /// Unknown to a viewer who waits for the very first chunk.
    index: Option<i64>,
}

impl Position {
    /// Returns the first picture that the viewer has not had, unless it waits for the very first one.
    pub fn index(self) -> Option<i64> {
        self.index
    }
}

/// What a viewer gets next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// This chunk; then ask with `next`.
    Chunk {
        /// What to send.
        chunk: Chunk,
        /// Where the viewer is after that.
        next: Position,
    },
    /// Nothing yet; ask again with the same position after the next push.
    Wait(Position),
    /// The viewer was too slow and its next chunk is gone.
    Lagged {
        /// The oldest place where it can go on; the stream jumps.
        next: Position,
        /// How many pictures it misses then.
        lost_frames: i64,
    },
}

impl Ring {
    /// Returns an empty ring that keeps at least `capacity_frames` once it has them, but no more than `max_bytes`.
    pub fn new(capacity_frames: i64, max_bytes: usize) -> Self {
        Self { chunks: VecDeque::new(), first_sequence: 0, capacity_frames, max_bytes, bytes: 0 }
    }

    /// Appends a chunk and drops what is too old.
    pub fn push(&mut self, chunk: Chunk) {
        self.bytes += chunk.data.len();
        self.chunks.push_back(chunk);
        while let Some(chunks) = self.surplus_chunks() {
            (0..chunks).for_each(|_| self.drop_oldest());
        }
    }

    /// Returns where a viewer joins: the newest keyframe at least `behind_frames` behind the newest end, else the oldest one.
    pub fn join(&self, behind_frames: i64) -> Position {
        let latest = self.newest_index().unwrap_or(0).saturating_sub(behind_frames);
        let keys = || self.chunks.iter().enumerate().filter(|(_, chunk)| chunk.starts_with_key);
        let chosen = keys().rev().find(|(_, chunk)| chunk.first_index <= latest).or_else(|| keys().next());
        chosen.map_or_else(|| self.end(), |(offset, chunk)| self.position(offset, Some(chunk.first_index)))
    }

    /// Returns what comes at `position`.
    pub fn read(&self, position: Position) -> Read {
        let Some(offset) = position.sequence.checked_sub(self.first_sequence) else {
            let next = self.join(i64::MAX);
            let lost_frames = next.index.zip(position.index).map_or(0, |(next, had)| next - had);
            return Read::Lagged { next, lost_frames };
        };
        match usize::try_from(offset).ok().and_then(|offset| self.chunks.get(offset)) {
            Some(chunk) => Read::Chunk {
                chunk: chunk.clone(),
                next: Position { sequence: position.sequence + 1, index: Some(chunk.end_index()) },
            },
            None => Read::Wait(position),
        }
    }

    /// Returns the newest keyframe behind `position`, where a viewer who has fallen behind may go on; `None` if there is none.
    pub fn skip(&self, position: Position) -> Option<Position> {
        let first = usize::try_from((position.sequence + 1).saturating_sub(self.first_sequence)).ok()?;
        let later = self.chunks.iter().enumerate().skip(first).rev();
        let (offset, key) = later.into_iter().find(|(_, chunk)| chunk.starts_with_key)?;
        Some(self.position(offset, Some(key.first_index)))
    }

    /// Returns the position after the newest chunk.
    pub fn end(&self) -> Position {
        self.position(self.chunks.len(), self.newest_index())
    }

    /// Returns the oldest picture kept.
    pub fn oldest_index(&self) -> Option<i64> {
        self.chunks.front().map(|chunk| chunk.first_index)
    }

    /// Returns the index after the newest picture.
    pub fn newest_index(&self) -> Option<i64> {
        self.chunks.back().map(Chunk::end_index)
    }

    /// Returns how many bytes are kept.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns whether a viewer can join.
    pub fn is_joinable(&self) -> bool {
        self.chunks.iter().any(|chunk| chunk.starts_with_key)
    }

    fn position(&self, offset: usize, index: Option<i64>) -> Position {
        Position { sequence: self.first_sequence + offset as u64, index }
    }

    /// Returns how many of the oldest chunks must go: up to the next place to join, so that the oldest chunk stays one.
    fn surplus_chunks(&self) -> Option<usize> {
        let has_too_many_bytes = self.bytes > self.max_bytes && self.chunks.len() > 1;
        let next_key = self.chunks.iter().enumerate().skip(1).find(|(_, chunk)| chunk.starts_with_key);
        match next_key {
            Some((offset, key)) => {
                let is_covered = self.newest_index()? - key.first_index >= self.capacity_frames;
                (has_too_many_bytes || is_covered).then_some(offset)
            }
            None => has_too_many_bytes.then_some(1),
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(chunk) = self.chunks.pop_front() {
            self.bytes -= chunk.data.len();
            self.first_sequence += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// One chunk of ten pictures; every third one is a place to join.
    fn chunk(number: i64) -> Chunk {
        Chunk {
            data: Bytes::from(vec![number as u8; 188]),
            first_index: 1_000 + number * 10,
            frames: 10,
            starts_with_key: number % 3 == 0,
        }
    }

    fn ring(chunks: std::ops::Range<i64>) -> Ring {
        let mut ring = Ring::new(120, 1 << 20);
        chunks.for_each(|number| ring.push(chunk(number)));
        ring
    }

    fn index_of(read: &Read) -> i64 {
        match read {
            Read::Chunk { chunk, .. } => chunk.first_index,
            other => panic!("expected a chunk, got {other:?}"),
        }
    }

    #[test]
    fn a_viewer_joins_at_the_newest_keyframe_that_is_far_enough_behind() {
        let ring = ring(0..8);
        for (behind, index) in [(0, 1_060), (20, 1_060), (21, 1_030), (50, 1_030), (51, 1_000), (999, 1_000)] {
            assert_eq!(index_of(&ring.read(ring.join(behind))), index, "{behind} frames behind");
        }
    }

    #[test]
    fn a_viewer_of_an_empty_ring_gets_the_first_chunk_when_it_comes() {
        let mut ring = Ring::new(120, 1 << 20);
        let position = ring.join(60);
        assert_eq!(ring.read(position), Read::Wait(position));
        assert!(!ring.is_joinable());
        ring.push(chunk(0));
        assert_eq!(index_of(&ring.read(position)), 1_000);
    }

    #[test]
    fn a_viewer_gets_every_chunk_once_and_then_waits() {
        let ring = ring(0..8);
        let (mut position, mut seen) = (ring.join(999), Vec::new());
        while let Read::Chunk { chunk, next } = ring.read(position) {
            seen.push(chunk.first_index);
            assert!(next > position);
            position = next;
        }
        assert_eq!(seen, (0..8).map(|number| 1_000 + number * 10).collect::<Vec<_>>());
        assert_eq!(position, ring.end());
    }

    #[test]
    fn a_slow_viewer_is_told_what_it_lost_and_where_to_go_on() {
        let mut ring = ring(0..2);
        let slow = match ring.read(ring.join(999)) {
            Read::Chunk { next, .. } => next,
            other => panic!("{other:?}"),
        };
        (2..20).for_each(|number| ring.push(chunk(number)));
        let Read::Lagged { next, lost_frames } = ring.read(slow) else { panic!("it is too slow") };
        assert_eq!(index_of(&ring.read(next)), 1_060);
        assert_eq!(lost_frames, 50);
    }

    #[test]
    fn a_viewer_may_skip_to_the_newest_keyframe_that_lies_ahead() {
        let ring = ring(0..8);
        let start = ring.join(999);
        let newest = ring.skip(start).unwrap();
        assert_eq!(index_of(&ring.read(newest)), 1_060);
        assert_eq!((ring.skip(newest), ring.skip(ring.end())), (None, None));
    }

    #[test]
    fn whole_groups_are_dropped_and_the_capacity_stays_covered() {
        let mut ring = ring(0..0);
        for number in 0..100 {
            ring.push(chunk(number));
            assert_eq!(ring.oldest_index().map(|index| index % 30), Some(1_000 % 30));
            let kept = ring.newest_index().unwrap() - ring.oldest_index().unwrap();
            assert!(number < 12 || (120..150).contains(&kept), "{kept}");
        }
    }

    #[test]
    fn bytes_are_bounded_whatever_the_bit_rate() {
        let mut ring = Ring::new(i64::MAX, 1_000);
        (0..100).for_each(|number| ring.push(chunk(number)));
        assert!(ring.bytes() <= 1_000);
    }
}
