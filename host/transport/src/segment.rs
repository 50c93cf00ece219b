//! The last minute of a channel as HLS segments.
//!
//! Does: join chunks to segments, number them, say which are listed and which can still be fetched.
//! Does not: write playlists (see `playlist`) or copy bytes: a segment is made of the very chunks that the endless stream sends.
//! Invariant: a segment never changes once it exists, begins with PAT, PMT and a keyframe, and has the number after its predecessor's.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;

use crate::{Chunk, FrameGrid, TICKS_PER_SECOND};

/// A segment may be this much shorter than a GOP, so that one that begins at a join does not have to swallow a whole GOP more.
const TOLERANCE_TICKS: i64 = TICKS_PER_SECOND / 4;
/// A cold channel lists its burst and its lead at once (about five segments). A player that saw the first of them alone comes again when a
/// target duration and its own downloads are over, and loses its place if that segment is gone by then (GStreamer says so).
const MIN_LISTED: usize = 10;
/// RFC 8216, 6.2.2: a playlist never gets shorter than this many target durations.
const MIN_LISTED_TARGETS: i64 = 3;

/// One HLS segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its number, unique for ever.
    pub sequence: u64,
    /// Its bytes, in order.
    pub data: Vec<Bytes>,
    /// Its first picture.
    pub first_index: i64,
    /// How many pictures it holds.
    pub frames: i64,
    /// When its first picture is on air, Unix milliseconds.
    pub start_wall_ms: i64,
    /// Its exact length, 90 kHz ticks.
    pub duration_ticks: i64,
}

impl Segment {
    /// Returns its size.
    pub fn len_bytes(&self) -> usize {
        self.data.iter().map(Bytes::len).sum()
    }
}

/// The segments of one channel.
#[derive(Debug)]
pub struct SegmentWindow {
    grid: FrameGrid,
    /// Number of the segment that is open or comes next.
    next_sequence: u64,
    open: Vec<Chunk>,
    listed: VecDeque<Arc<Segment>>,
    /// Not listed any more, but players may still ask for them.
    removed: VecDeque<Arc<Segment>>,
    /// The longest list there was, ticks.
    longest_list_ticks: i64,
}

impl SegmentWindow {
    /// Returns an empty window whose first segment gets the number `first_sequence`.
    pub fn new(grid: FrameGrid, first_sequence: u64) -> Self {
        Self {
            grid,
            next_sequence: first_sequence,
            open: Vec::new(),
            listed: VecDeque::new(),
            removed: VecDeque::new(),
            longest_list_ticks: 0,
        }
    }

    /// Takes the next chunk of the stream; returns the segment that it closes. Nothing is kept before the first keyframe.
    pub fn push(&mut self, chunk: &Chunk) -> Option<Arc<Segment>> {
        let closed = if chunk.starts_with_key && self.is_ripe(chunk.first_index) { self.close() } else { None };
        if chunk.starts_with_key || !self.open.is_empty() {
            self.open.push(chunk.clone());
        }
        closed
    }

    /// Returns a segment that is listed or was listed lately.
    pub fn find(&self, sequence: u64) -> Option<Arc<Segment>> {
        let oldest = self.removed.front().or(self.listed.front())?.sequence;
        let offset = usize::try_from(sequence.checked_sub(oldest)?).ok()?;
        self.removed.iter().chain(&self.listed).nth(offset).cloned()
    }

    /// Returns the segments of the playlist, oldest first.
    pub fn listed(&self) -> impl ExactSizeIterator<Item = &Arc<Segment>> + DoubleEndedIterator {
        self.listed.iter()
    }

    /// Returns the number that the next segment to be closed gets: what must be remembered over a restart.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Returns the target duration: a GOP, and one more for segments that begin at a join. Constant.
    pub fn target_seconds(&self) -> i64 {
        2 * self.grid.gop_seconds()
    }

    /// Returns whether the open segment may end before the keyframe at `index`.
    fn is_ripe(&self, index: i64) -> bool {
        let (Some(first), Some(last)) = (self.open.first(), self.open.last()) else { return false };
        let length = self.grid.tick(index) - self.grid.tick(first.first_index);
        let gop = self.grid.tick(self.grid.gop_frames());
        // A jump ends a segment too: its length must be that of its pictures.
        length >= gop - TOLERANCE_TICKS || last.end_index() != index
    }

    fn close(&mut self) -> Option<Arc<Segment>> {
        let first_index = self.open.first()?.first_index;
        let end_index = self.open.last()?.end_index();
        let segment = Arc::new(Segment {
            sequence: self.next_sequence,
            data: self.open.drain(..).map(|chunk| chunk.data).collect(),
            first_index,
            frames: end_index - first_index,
            start_wall_ms: self.grid.wall_ms(first_index),
            duration_ticks: self.grid.tick(end_index) - self.grid.tick(first_index),
        });
        self.next_sequence += 1;
        self.listed.push_back(segment.clone());
        self.retire();
        Some(segment)
    }

    /// Takes segments off the list, and later out of memory.
    fn retire(&mut self) {
        let min_listed_ticks = MIN_LISTED_TARGETS * self.target_seconds() * TICKS_PER_SECOND;
        self.longest_list_ticks = self.longest_list_ticks.max(ticks(&self.listed));
        while self.listed.len() > MIN_LISTED && ticks(&self.listed) - self.listed[0].duration_ticks >= min_listed_ticks
        {
            self.removed.extend(self.listed.pop_front());
        }
        // RFC 8216, 6.2.2: fetchable for its own length and that of the longest list it was on.
        while let Some(oldest) = self.removed.front()
            && ticks(&self.removed) - oldest.duration_ticks > self.longest_list_ticks + oldest.duration_ticks
        {
            self.removed.pop_front();
        }
    }
}

fn ticks(segments: &VecDeque<Arc<Segment>>) -> i64 {
    segments.iter().map(|segment| segment.duration_ticks).sum()
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::OutputProfile;

    use super::*;

    fn grid() -> FrameGrid {
        FrameGrid::new(&OutputProfile::default())
    }

    fn chunk(first_index: i64, frames: i64, starts_with_key: bool) -> Chunk {
        Chunk { data: Bytes::from_static(&[0x47; 188]), first_index, frames, starts_with_key }
    }

    fn lengths(chunks: &[(i64, i64, bool)]) -> Vec<i64> {
        let mut window = SegmentWindow::new(grid(), 7);
        chunks
            .iter()
            .filter_map(|(first, frames, key)| window.push(&chunk(*first, *frames, *key)))
            .map(|segment| segment.frames)
            .collect()
    }

    #[test]
    fn a_segment_is_a_gop() {
        assert_eq!(lengths(&[(0, 60, true), (60, 30, true), (90, 30, false), (120, 60, true)]), [60, 60]);
    }

    #[test]
    fn a_join_late_in_a_gop_ends_the_segment_and_one_early_in_it_does_not() {
        assert_eq!(lengths(&[(0, 55, true), (55, 5, true), (60, 60, true), (120, 60, true)]), [55, 65]);
        assert_eq!(lengths(&[(0, 20, true), (20, 40, true), (60, 60, true)]), [60]);
    }

    #[test]
    fn nothing_is_kept_before_the_first_keyframe() {
        assert_eq!(lengths(&[(50, 10, false), (60, 60, true), (120, 1, true)]), [60]);
    }

    #[test]
    fn a_jump_ends_the_segment_with_its_last_picture() {
        assert_eq!(lengths(&[(0, 10, true), (300, 60, true), (360, 1, true)]), [10, 60]);
    }

    #[test]
    fn a_player_that_saw_the_first_segment_of_a_cold_channel_finds_it_again_two_target_durations_later() {
        let mut window = SegmentWindow::new(grid(), 100);
        let (burst, two_targets) = (5, 8 / 2);
        // A segment exists when the next one begins.
        for number in 0..=burst + two_targets {
            window.push(&chunk(number * 60, 60, true));
        }
        assert_eq!(window.listed().next().map(|segment| segment.sequence), Some(100));
    }

    #[test]
    fn removed_segments_stay_fetchable_and_then_go() {
        let mut window = SegmentWindow::new(grid(), 100);
        for number in 0..50 {
            window.push(&chunk(number * 60, 60, true));
        }
        let listed: Vec<_> = window.listed().map(|segment| segment.sequence).collect();
        assert_eq!(listed, (139..149).collect::<Vec<_>>());
        assert_eq!(window.next_sequence(), 149);
        // Listed for 20 s, so removed ones are kept for 22 s and more.
        assert!((128..149).all(|sequence| window.find(sequence).is_some_and(|segment| segment.sequence == sequence)));
        assert!(window.find(100).is_none() && window.find(149).is_none() && window.find(u64::MAX).is_none());
    }
}
