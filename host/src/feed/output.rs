//! From placed units to what viewers read.
//!
//! Does: multiplex, cut into chunks and segments, store them in the shared feed and tell everybody.
//! Does not: place units in time; that is the splice.
//! Invariant: one multiplexer per feed, so continuity counters and tables go on whatever is spliced.

use std::sync::Arc;

use bytes::BytesMut;
use exstreamtv_transport::{Chunker, PlacedUnit, TsMux};

use super::Feed;

/// Writes one feed.
#[derive(Debug)]
pub struct Output {
    feed: Arc<Feed>,
    mux: TsMux,
    chunker: Chunker,
    packets: BytesMut,
}

impl Output {
    /// Returns the writer of this feed.
    pub fn new(feed: Arc<Feed>, mux: TsMux, chunker: Chunker) -> Self {
        Self { feed, mux, chunker, packets: BytesMut::with_capacity(64 * 1024) }
    }

    /// Takes one unit.
    pub fn write(&mut self, unit: &PlacedUnit) {
        if let Some(chunk) = self.chunker.before(unit) {
            self.publish(chunk);
        }
        self.mux.write(unit, &mut self.packets);
        self.chunker.push(unit, self.packets.split().freeze());
    }

    /// Publishes what has been taken so far.
    pub fn flush(&mut self) {
        if let Some(chunk) = self.chunker.flush() {
            self.publish(chunk);
        }
    }

    fn publish(&mut self, chunk: exstreamtv_transport::Chunk) {
        let segments = {
            let mut window = self.feed.segments_mut();
            window.push(&chunk);
            window.next_sequence()
        };
        self.feed.ring_mut().push(chunk);
        self.feed.news.send_modify(|news| {
            news.chunks += 1;
            news.segments = segments;
        });
    }

    /// Tells everybody that this was all.
    pub fn close(&mut self) {
        self.flush();
        self.feed.news.send_modify(|news| news.over = true);
    }
}
