//! From placed units to what viewers read.
//!
//! Does: multiplex, cut into chunks and segments, store them in the shared feed and tell everybody.
//! Does not: place units in time; that is the splice.
//! Invariant: one multiplexer per feed, so continuity counters and tables go on whatever is spliced.

use std::sync::Arc;

use exstreamtv_transport::{Chunk, ChunkCutter, PlacedUnit};

use super::Feed;

/// Writes one feed.
#[derive(Debug)]
pub struct Output {
    feed: Arc<Feed>,
    cutter: ChunkCutter,
}

impl Output {
    /// Returns the writer of this feed.
    pub fn new(feed: Arc<Feed>, cutter: ChunkCutter) -> Self {
        Self { feed, cutter }
    }

    /// Takes one unit.
    pub fn write(&mut self, unit: &PlacedUnit) {
        self.cutter.push(unit);
        self.publish_done();
    }

    /// Publishes what has been taken so far.
    pub fn flush(&mut self) {
        self.cutter.flush();
        self.publish_done();
    }

    fn publish_done(&mut self) {
        while let Some(chunk) = self.cutter.pop() {
            self.publish(chunk);
        }
    }

    fn publish(&self, chunk: Chunk) {
        let segment = self.feed.segments_mut().push(&chunk);
        self.feed.ring_mut().push(chunk);
        self.feed.news.send_modify(|news| {
            news.chunks += 1;
            news.segments = segment.map_or(news.segments, |segment| segment.sequence + 1);
        });
    }

    /// Tells everybody that this was all.
    pub fn close(&mut self) {
        self.flush();
        self.feed.news.send_modify(|news| news.over = true);
    }
}
