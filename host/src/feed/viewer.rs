//! One viewer of the continuous stream.
//!
//! Does: read the ring at the viewer's own speed, from a picture that can be decoded at once.
//! Does not: wait for anybody else, or keep bytes of its own.
//! Invariant: a viewer who cannot keep up harms only himself: he skips to a later picture or is closed, by policy.

use std::sync::Arc;

use bytes::Bytes;
use exstreamtv_transport::Read;
use futures::{Stream, stream::BoxStream};

use super::{Feed, Seat};
use crate::config::SlowClient;

/// Returns the stream of one viewer; it begins `behind_frames` behind the newest byte, at a keyframe, and never ends by itself
/// while the channel is on air.
pub fn stream(feed: Arc<Feed>, behind_frames: i64, policy: SlowClient) -> BoxStream<'static, Bytes> {
    Box::pin(read(Seat::take(feed), behind_frames, policy))
}

fn read(seat: Seat, behind_frames: i64, policy: SlowClient) -> impl Stream<Item = Bytes> + Send {
    async_stream::stream! {
        let feed = Arc::clone(seat.feed());
        let mut news = feed.news();
        let Ok(first) = news.wait_for(|news| news.chunks > 0 || news.over).await.map(|news| *news) else { return };
        if first.chunks == 0 {
            return;
        }
        let mut position = feed.ring().join(behind_frames);
        loop {
            news.borrow_and_update();
            let read = feed.ring().read(position);
            match read {
                Read::Chunk { chunk, next } => {
                    position = next;
                    yield chunk.data;
                }
                Read::Wait(_) => {
                    if news.borrow().over || news.changed().await.is_err() {
                        return;
                    }
                }
                Read::Lagged { next, lost_frames } => {
                    tracing::warn!(channel.id = %feed.channel, lost_frames, ?policy, "a viewer cannot keep up");
                    if policy == SlowClient::Close {
                        return;
                    }
                    position = next;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::OutputProfile;
    use exstreamtv_transport::{Chunk, FrameGrid};
    use futures::{FutureExt, StreamExt};

    use super::*;

    fn feed() -> Arc<Feed> {
        Arc::new(Feed::idle(FrameGrid::new(&OutputProfile::default()), 120))
    }

    /// A chunk of ten frames; every third one begins with a keyframe.
    fn chunk(number: u8) -> Chunk {
        let first_index = i64::from(number) * 10;
        Chunk { data: Bytes::from(vec![number]), first_index, frames: 10, starts_with_key: number.is_multiple_of(3) }
    }

    fn push(feed: &Feed, numbers: std::ops::Range<u8>) {
        numbers.for_each(|number| feed.push(chunk(number)));
    }

    #[tokio::test]
    async fn a_viewer_begins_at_a_keyframe_and_gets_every_chunk_once() {
        let feed = feed();
        push(&feed, 0..8);
        let mut viewer = stream(Arc::clone(&feed), 20, SlowClient::Skip);
        assert_eq!(viewer.next().await.unwrap(), [6][..]);
        assert_eq!(viewer.next().await.unwrap(), [7][..]);
        assert!(viewer.next().now_or_never().is_none());
        push(&feed, 8..9);
        assert_eq!(viewer.next().await.unwrap(), [8][..]);
        assert_eq!(feed.viewers(), 1);
        drop(viewer);
        assert_eq!(feed.viewers(), 0);
    }

    #[tokio::test]
    async fn who_cannot_keep_up_skips_to_a_keyframe_or_is_closed_by_policy() {
        for (policy, skips) in [(SlowClient::Skip, true), (SlowClient::Close, false)] {
            let feed = feed();
            push(&feed, 0..3);
            let mut viewer = stream(Arc::clone(&feed), 0, policy);
            assert_eq!(viewer.next().await.unwrap(), [0][..]);
            push(&feed, 3..60);
            let next = viewer.next().await;
            assert_eq!(next.is_some(), skips, "{policy:?}");
            assert!(
                next.is_none_or(|data| data[0] > 3 && data[0].is_multiple_of(3)),
                "{policy:?} goes on between keyframes"
            );
        }
    }
}
