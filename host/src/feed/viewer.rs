//! One viewer of the continuous stream.
//!
//! Does: read the ring at the viewer's own speed, from a picture that can be decoded at once, as fast as his throttle lets him.
//! Does not: wait for anybody else, or keep bytes of its own.
//! Invariants: a viewer who cannot keep up harms only himself: he skips to a later picture or is closed, by policy; a chunk is one
//! piece unless a cap cuts it; no timer runs for a viewer who has everything that there is.

use std::sync::Arc;

use bytes::Bytes;
use exstreamtv_core::throttle::{Offer, SocketFeedback, Throttle, Verdict};
use exstreamtv_model::ThrottleMode;
use exstreamtv_transport::{Position, Read};
use futures::{Stream, stream::BoxStream};
use tokio::{sync::watch, time::Instant};

use super::{Feed, News, Seat, pacing::Pacing};
use crate::{
    config::SlowClient,
    sessions::{Piece, Ticket},
};

/// From here on it is worth looking where a viewer could skip to.
const BEHIND_MS: i64 = 2_000;

/// Who watches, and how he is to be treated.
#[derive(Debug)]
pub(super) struct Viewing {
    /// His session.
    pub(super) ticket: Ticket,
    /// His terms.
    pub(super) pacing: Pacing,
}

/// Returns the stream of one viewer; it begins `behind_frames` behind the newest byte, at a keyframe, and never ends by itself
/// while the channel is on air.
pub(super) fn stream(feed: Arc<Feed>, behind_frames: i64, viewing: Viewing) -> BoxStream<'static, Bytes> {
    Box::pin(read(Seat::take(feed), behind_frames, viewing))
}

fn read(seat: Seat, behind_frames: i64, viewing: Viewing) -> impl Stream<Item = Bytes> + Send {
    async_stream::stream! {
        let feed = Arc::clone(seat.feed());
        let mut news = feed.news();
        let stop = viewing.ticket.meter().stop().clone();
        // Waited for by one future all the time: to register anew at every chunk would cost each viewer a lock.
        let stopped = stop.cancelled();
        tokio::pin!(stopped);
        let begun = tokio::select! {
            begun = begins(&mut news) => begun,
            () = &mut stopped => return,
        };
        if !begun {
            return viewing.ticket.off_air();
        }
        let position = feed.ring().join(behind_frames);
        let mut reader = Reader::new(feed, position, viewing);
        while !stop.is_cancelled() {
            news.borrow_and_update();
            match reader.step(Instant::now()) {
                Step::Send(data) => yield data,
                Step::Pause(until) => tokio::select! {
                    () = tokio::time::sleep_until(until) => {}
                    () = &mut stopped => return,
                },
                Step::Await => tokio::select! {
                    more = more(&mut news) => if !more {
                        return reader.ticket.off_air();
                    },
                    () = &mut stopped => return,
                },
                Step::Over => return,
            }
        }
    }
}

/// Waits for the first chunk; returns false if there will be none. What is borrowed meanwhile is the writer's, so it is given back at once.
async fn begins(news: &mut watch::Receiver<News>) -> bool {
    news.wait_for(|news| news.chunks > 0 || news.over).await.is_ok_and(|news| news.chunks > 0)
}

/// Waits for news; returns false if there will be none.
async fn more(news: &mut watch::Receiver<News>) -> bool {
    !news.borrow().over && news.changed().await.is_ok()
}

/// What the viewer's stream does next.
enum Step {
    Send(Bytes),
    Pause(Instant),
    /// There is nothing until the feed writes.
    Await,
    Over,
}

/// What is being sent.
struct Current {
    /// What is left of the chunk.
    data: Bytes,
    /// Nothing of it was sent yet.
    whole: bool,
    frames: i64,
    next: Position,
    lag_ms: i64,
    skip: Option<Position>,
}

/// Reads for one viewer.
struct Reader {
    feed: Arc<Feed>,
    ticket: Ticket,
    pacing: Pacing,
    throttle: Throttle,
    began: Instant,
    position: Position,
    current: Option<Current>,
}

impl Reader {
    fn new(feed: Arc<Feed>, position: Position, Viewing { ticket, mut pacing }: Viewing) -> Self {
        let terms = pacing.terms();
        ticket.meter().treated(terms);
        let (began, throttle) = (Instant::now(), Throttle::new(terms, std::time::Duration::ZERO));
        Self { feed, ticket, pacing, throttle, began, position, current: None }
    }

    fn step(&mut self, now: Instant) -> Step {
        let elapsed = now.duration_since(self.began);
        if self.pacing.has_changed() {
            let terms = self.pacing.terms();
            self.throttle.change(terms, elapsed);
            self.ticket.meter().treated(terms);
        }
        // Each round moves on in the ring, or ends.
        loop {
            let current = match self.current.take() {
                // While a chunk waits, the stream goes on and the lag grows.
                Some(current) if !current.whole => current,
                _ => match self.look() {
                    Look::There(current) => current,
                    Look::Nothing => {
                        self.ticket.meter().held_back(false);
                        return Step::Await;
                    }
                    Look::Lagged { next, lost_ms } => match self.fall_behind(next, lost_ms) {
                        Some(over) => return over,
                        None => continue,
                    },
                },
            };
            let verdict = self.throttle.offer(Offer {
                now: elapsed,
                bytes: current.data.len(),
                whole: current.whole,
                lag_ms: current.lag_ms,
                can_skip: current.skip.is_some(),
                socket: self.feedback(),
            });
            match (verdict, current.skip) {
                (Verdict::Send(bytes), _) => return Step::Send(self.send(current, bytes, now)),
                (Verdict::SkipToKeyframe, Some(to)) => self.skip(to),
                // The throttle was told that there is no keyframe ahead.
                (Verdict::SkipToKeyframe, None) => return Step::Send(self.send(current, usize::MAX, now)),
                (Verdict::WaitUntil(at), _) => {
                    self.ticket.meter().held_back(true);
                    self.current = Some(current);
                    return Step::Pause(self.began + at);
                }
            }
        }
    }

    /// Looks at what comes next in the ring.
    fn look(&self) -> Look {
        let ring = self.feed.ring();
        match ring.read(self.position) {
            Read::Chunk { chunk, next } => {
                let newest = ring.newest_index().unwrap_or_else(|| chunk.end_index());
                let lag_ms = self.feed.grid.wall_ms(newest - chunk.end_index());
                let skip = if lag_ms >= BEHIND_MS { ring.skip(self.position) } else { None };
                Look::There(Current { frames: chunk.frames, data: chunk.data, whole: true, next, lag_ms, skip })
            }
            Read::Wait(_) => Look::Nothing,
            Read::Lagged { next, lost_frames } => Look::Lagged { next, lost_ms: self.feed.grid.wall_ms(lost_frames) },
        }
    }

    fn send(&mut self, mut current: Current, bytes: usize, now: Instant) -> Bytes {
        let piece = current.data.split_to(bytes.min(current.data.len()));
        let done = current.data.is_empty();
        let stream_ms = if done { self.feed.grid.wall_ms(current.frames) } else { 0 };
        let reached = if done { current.next } else { self.position };
        let position_ms = self.feed.grid.wall_ms(reached.index().unwrap_or(0));
        let meter = self.ticket.meter();
        meter.sent(Piece { bytes: piece.len(), stream_ms, position_ms }, now);
        self.position = reached;
        current.whole = false;
        self.current = (!done).then_some(current);
        piece
    }

    /// The throttle lets the viewer miss a part, so that the rest comes in time.
    fn skip(&mut self, to: Position) {
        let missed = to.index().zip(self.position.index()).map_or(0, |(to, from)| to - from);
        let missed_ms = self.feed.grid.wall_ms(missed);
        let terms = self.throttle.terms();
        tracing::debug!(session.id = %self.ticket.id(), missed_ms, mode = terms.mode.word(), "a viewer skips to a keyframe");
        self.ticket.meter().skipped(missed_ms);
        self.ticket.note(match terms.mode {
            ThrottleMode::Adaptive => {
                format!("the connection is slower than the channel: {missed_ms} ms were skipped")
            }
            _ => format!("the channel sends more than {} b/s: {missed_ms} ms were skipped", terms.target_bps),
        });
        self.position = to;
    }

    /// The ring has let go of what the viewer would have got next.
    fn fall_behind(&mut self, next: Position, lost_ms: i64) -> Option<Step> {
        let policy = self.pacing.slow_client;
        tracing::warn!(channel.id = %self.feed.channel, session.id = %self.ticket.id(), lost_ms, ?policy, "a viewer cannot keep up");
        let text = format!("the client fell behind by more than the server keeps: {lost_ms} ms were lost");
        if policy == SlowClient::Close {
            self.ticket.give_up(text);
            return Some(Step::Over);
        }
        self.ticket.meter().skipped(lost_ms);
        self.ticket.note(text);
        self.position = next;
        None
    }

    /// Asks the connection how it is, where the answer matters.
    fn feedback(&self) -> Option<SocketFeedback> {
        match self.throttle.terms().mode {
            ThrottleMode::Adaptive => self.ticket.connection()?.feedback(),
            _ => None,
        }
    }
}

enum Look {
    There(Current),
    Nothing,
    Lagged { next: Position, lost_ms: i64 },
}

#[cfg(test)]
mod tests;
