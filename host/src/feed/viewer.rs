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
