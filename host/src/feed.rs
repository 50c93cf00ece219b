//! A channel on air: one endless stream, shared by everybody who watches.
//!
//! Does: hold what viewers of one channel share: the ring, the segments, the count of viewers, the view for the API.
//! Does not: decide (that is `exstreamtv_core`), splice (that is `exstreamtv_transport`), or know HTTP.
//! Invariant: one task writes ([`on_air`]), any number of viewers read; no viewer can delay the writer or another viewer.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicUsize, Ordering},
};

use exstreamtv_core::Rung;
use exstreamtv_model::{ChannelId, OutputProfile, ThrottleWish, pick::TrackPreferences, slate::ScreenChanges};
use exstreamtv_transport::{FrameGrid, Ring, SegmentWindow};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

mod air_log;
pub mod broadcaster;
mod captions;
pub mod cue_files;
pub mod on_air;
mod order;
mod outlook;
mod output;
mod pacing;
pub mod picks;
mod runs;
pub mod screen;
pub mod slates;
mod source_watch;
mod stream_time;
mod tune;
pub mod view;
mod viewer;

use crate::sessions::LiveEdge;
pub use broadcaster::Feeds;
use captions::Captions;
use view::{FeedState, FeedView};

/// A feed without a request for this long is shown as idle; players of playlists ask every few seconds.
const IDLE: std::time::Duration = std::time::Duration::from_secs(10);

/// What viewers and the writer of one channel share.
#[derive(Debug)]
pub struct Feed {
    /// Whose feed it is.
    pub channel: ChannelId,
    /// Its frames in time.
    pub grid: FrameGrid,
    /// What it sends.
    pub profile: OutputProfile,
    /// How fast the channel wishes its viewers to be sent it.
    throttle: watch::Sender<ThrottleWish>,
    ring: RwLock<Ring>,
    segments: RwLock<SegmentWindow>,
    captions: Mutex<Captions>,
    news: watch::Sender<News>,
    viewers: AtomicUsize,
    touched: Mutex<Instant>,
    view: watch::Sender<FeedView>,
    orders: mpsc::Sender<Order>,
}

/// What changes when the writer has written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct News {
    /// Grows with every chunk.
    pub chunks: u64,
    /// Number of the segment that comes next; 0 until there is one.
    pub segments: u64,
    /// The feed is over; what is in the ring is all there will be.
    pub over: bool,
}

/// What others may ask of the writer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// The schedule changed; look at it again.
    Refresh,
    /// Start what is on air again, at once and this way.
    Restart(Rung),
    /// Start the channel's worker again, and what is on air with it.
    RestartWorker,
    /// Ask the source and the schedule again, and forget what was wrong with them.
    Reconsider,
    /// Show the slate until something is done about the programme, or nobody does anything.
    Cover,
    /// Show the slate no longer than needed.
    Uncover,
    /// Let nothing stand in for the programme any more.
    BackToPlan,
    /// Prepare nothing long before its time, or again.
    Spare(bool),
    /// Other tracks are wanted from the next programme on.
    Prefer(Box<TrackPreferences>),
    /// The slates are to look otherwise.
    Dress(Box<ScreenChanges>),
    /// End.
    Stop,
}

impl Feed {
    /// Returns the ring for reading.
    pub fn ring(&self) -> RwLockReadGuard<'_, Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the segments for reading.
    pub fn segments(&self) -> RwLockReadGuard<'_, SegmentWindow> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring_mut(&self) -> RwLockWriteGuard<'_, Ring> {
        self.ring.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn segments_mut(&self) -> RwLockWriteGuard<'_, SegmentWindow> {
        self.segments.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what is known about subtitles; locked for a moment only.
    fn captions(&self) -> MutexGuard<'_, Captions> {
        self.captions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the news, to wait for more.
    pub fn news(&self) -> watch::Receiver<News> {
        self.news.subscribe()
    }

    /// Returns the feed as the API shows it.
    pub fn view(&self) -> FeedView {
        let mut view = self.view.borrow().clone();
        view.viewers = u32::try_from(self.viewers()).unwrap_or(u32::MAX);
        if self.idle_since().is_some_and(|since| since.elapsed() > IDLE) {
            view.state = FeedState::Idle;
        }
        view
    }

    /// Returns how many viewers the continuous stream has.
    pub fn viewers(&self) -> usize {
        self.viewers.load(Ordering::Relaxed)
    }

    /// Somebody asked for something: the feed is watched.
    pub fn touch(&self) {
        *self.touched.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Returns since when nobody has watched, or `None` while somebody does.
    fn idle_since(&self) -> Option<Instant> {
        (self.viewers() == 0).then(|| *self.touched.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks the writer for something; a writer that is over needs no orders.
    pub fn order(&self, order: Order) {
        if self.orders.try_send(order).is_err() {
            tracing::debug!(channel.id = %self.channel, "an order came too late or too often");
        }
    }

    /// Returns how far it is.
    pub fn edge(&self) -> LiveEdge {
        let newest = self.ring().newest_index().unwrap_or(0);
        let segment = self.segments().listed().next_back().map_or(0, |segment| segment.first_index + segment.frames);
        LiveEdge {
            newest_ms: self.grid.wall_ms(newest),
            newest_segment_ms: self.grid.wall_ms(segment),
            failures: self.view.borrow().failures,
        }
    }

    /// Returns whether the writer has ended.
    pub fn is_over(&self) -> bool {
        self.news.borrow().over
    }
}

#[cfg(test)]
impl Feed {
    /// Returns a feed without a writer, for tests of its readers.
    pub(crate) fn idle(grid: FrameGrid, capacity_frames: i64) -> Self {
        Self {
            channel: ChannelId(1),
            grid,
            profile: OutputProfile::default(),
            throttle: watch::channel(ThrottleWish::default()).0,
            ring: RwLock::new(Ring::new(capacity_frames, usize::MAX)),
            segments: RwLock::new(SegmentWindow::new(grid, 0)),
            captions: Mutex::default(),
            news: watch::channel(News::default()).0,
            viewers: AtomicUsize::new(0),
            touched: Mutex::new(Instant::now()),
            view: watch::channel(FeedView::starting(ChannelId(1), 0)).0,
            orders: mpsc::channel(1).0,
        }
    }

    /// Does what a writer does with a chunk.
    pub(crate) fn push(&self, chunk: exstreamtv_transport::Chunk) {
        self.ring_mut().push(chunk);
        self.news.send_modify(|news| news.chunks += 1);
    }
}

/// Counts one viewer for as long as it lives.
#[derive(Debug)]
pub struct Seat {
    feed: Arc<Feed>,
}

impl Seat {
    /// Takes a seat.
    pub fn take(feed: Arc<Feed>) -> Self {
        feed.viewers.fetch_add(1, Ordering::Relaxed);
        feed.touch();
        Self { feed }
    }

    /// Returns the feed that is watched.
    pub fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.feed.touch();
        self.feed.viewers.fetch_sub(1, Ordering::Relaxed);
    }
}
