//! All feeds: finds the one that is on air, or puts the channel on air.
//!
//! Does: start feeds on demand, one for each channel however many ask at once; keep HLS sequence numbers monotone over restarts.
//! Does not: serve HTTP or decide what a feed shows.
//! Invariant: a channel has at most one feed; nothing runs for a channel that nobody has asked for.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use bytes::Bytes;
use exstreamtv_core::{Rung, admission::Shortage};
use exstreamtv_model::{Channel, ChannelId, slate::ScreenChanges};
use exstreamtv_store::{Store, StoreError};
use exstreamtv_transport::{
    ChunkCutter, FrameGrid, Ring, Segment, SegmentWindow, TsMux,
    webvtt::{self, Cue, Span},
};
use futures::stream::BoxStream;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    Feed, News, Order, Seat,
    captions::Aired,
    on_air::{Means, OnAir, Start, lead_frames},
    outlook::{AHEAD_MS, beginning},
    output::Output,
    pacing::Pacing,
    screen::ChannelScreen,
    slates::Slates,
    view::FeedView,
    viewer::{self, Viewing},
};
use crate::{
    admission::{Admission, Place},
    config::{SlowClient, StreamThrottler},
    playout::Planned,
    sessions::{LiveEdge, LiveEdges, Ticket},
};

/// How far in the past a cold channel begins, and how much a viewer gets at once: enough for a player's default probing.
const BURST_MS: i64 = 6_000;
/// How much of the stream slow viewers may lag behind.
const BACKLOG_MS: i64 = 45_000;
/// The most memory that the ring of a channel takes.
const BACKLOG_BYTES: usize = 96 << 20;
/// How long a viewer waits for the first byte of a channel.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a cold channel waits for pickers.
const PICK_PATIENCE: Duration = Duration::from_millis(400);
/// How long a segment of subtitles waits for text that is still being read.
const TEXT_PATIENCE: Duration = Duration::from_millis(1_500);
/// Sequence numbers that are reserved at a time, so that a crash never repeats one.
const SEQUENCE_RESERVE: u64 = 64;

/// Why a channel cannot be tuned; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum TuneError {
    /// There is no such channel.
    #[error("tune channel {0}: there is none with this id")]
    NoSuchChannel(ChannelId),
    /// It is switched off.
    #[error("tune channel {0}: it is disabled")]
    Disabled(ChannelId),
    /// There is no room for one more channel.
    #[error("tune channel {channel}: {}", .shortage.plain())]
    Full {
        /// Which channel.
        channel: ChannelId,
        /// What there is too little of.
        shortage: Shortage,
    },
    /// Nothing came.
    #[error("tune channel {0}: no picture came in time")]
    TimedOut(ChannelId),
    /// The host stops.
    #[error("tune channel {0}: the host is stopping")]
    Stopping(ChannelId),
    /// The database failed.
    #[error("look up a channel")]
    Store(#[from] StoreError),
}

/// A feed as somebody sees it who judges it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// As it is.
    pub view: FeedView,
    /// Pictures a second that it should send.
    pub frame_rate: f64,
    /// How far it should be ahead of the clock.
    pub lead_wanted_ms: i64,
}

/// The feeds on air, by channel.
type Lineup = HashMap<ChannelId, Arc<Feed>>;

/// What all feeds share.
pub struct Feeds {
    means: Means,
    store: Store,
    slates: Slates,
    admission: Admission,
    clock_offset_ticks: i64,
    slow_client: watch::Receiver<SlowClient>,
    throttler: watch::Receiver<StreamThrottler>,
    on_air: Arc<Mutex<Lineup>>,
}

impl Feeds {
    /// Returns the place where feeds live; none runs yet.
    pub fn new(
        means: Means,
        store: Store,
        slates: Slates,
        admission: Admission,
        clock_offset_s: i64,
        slow_client: watch::Receiver<SlowClient>,
        throttler: watch::Receiver<StreamThrottler>,
    ) -> Self {
        let clock_offset_ticks = clock_offset_s.saturating_mul(exstreamtv_transport::TICKS_PER_SECOND);
        let on_air = Arc::default();
        Self { means, store, slates, admission, clock_offset_ticks, slow_client, throttler, on_air }
    }

    /// Joins the continuous stream of a channel; the session lasts as long as the stream.
    ///
    /// # Errors
    /// If there is no such channel, or no byte of it comes in time.
    pub async fn watch(&self, channel: ChannelId, ticket: Ticket) -> Result<BoxStream<'static, Bytes>, TuneError> {
        let feed = self.tune(channel).await.inspect_err(|_| ticket.off_air())?;
        let slow_client = *self.slow_client.borrow();
        let pacing = Pacing {
            configured: self.throttler.clone(),
            channel: feed.throttle.subscribe(),
            session: ticket.meter().wish(),
            profile: feed.profile.clone(),
            slow_client,
        };
        let stream = viewer::stream(Arc::clone(&feed), feed.grid.frames_in(BURST_MS), Viewing { ticket, pacing });
        self.until(&feed, |news| news.chunks > 0).await?;
        Ok(stream)
    }

    /// Returns the media playlist as soon as there is a segment; `uri` names one.
    ///
    /// # Errors
    /// If there is no such channel, or no segment comes in time.
    pub async fn playlist(&self, channel: ChannelId, uri: impl Fn(u64) -> String) -> Result<(String, u64), TuneError> {
        let feed = self.tune(channel).await?;
        // Whoever waits for the first segment watches already.
        let waiting = Seat::take(Arc::clone(&feed));
        self.until(&feed, |news| news.segments > 0).await?;
        drop(waiting);
        let segments = feed.segments();
        Ok((segments.playlist(uri), feed.news.borrow().segments))
    }

    /// Returns a segment that is still kept; never starts a feed.
    pub fn segment(&self, channel: ChannelId, sequence: u64) -> Option<Arc<Segment>> {
        let feed = self.find(channel)?;
        feed.touch();
        let segment = feed.segments().find(sequence)?;
        Some(segment)
    }

    /// Returns the subtitles of a segment that is still kept, as WebVTT; never starts a feed.
    pub async fn captions(&self, channel: ChannelId, sequence: u64) -> Option<Bytes> {
        let feed = self.find(channel)?;
        feed.touch();
        if let Some(segment) = feed.captions().segment(sequence) {
            return Some(segment);
        }
        let (first, frames) = feed.segments().find(sequence).map(|segment| (segment.first_index, segment.frames))?;
        let span = Span { first, end: first + frames };
        let aired = feed.captions().in_span(span);
        let cues = futures::future::join_all(aired.iter().map(|aired| self.cues(aired))).await;
        let stretches: Vec<_> = aired.iter().zip(&cues).map(|(aired, cues)| aired.stretch(cues)).collect();
        let text = webvtt::segment(&feed.grid, span, self.clock_offset_ticks, &stretches);
        Some(feed.captions().keep(sequence, text))
    }

    /// Returns what a file says, or nothing if it cannot be read in time: late subtitles are none, and pictures do not wait for them.
    async fn cues(&self, aired: &Aired) -> Arc<[Cue]> {
        let Some(files) = self.means.picks.cue_files() else { return Arc::default() };
        let read = tokio::time::timeout(TEXT_PATIENCE, files.cues(&aired.track)).await;
        read.ok().flatten().unwrap_or_default()
    }

    /// Returns every feed on air, as the API shows it.
    pub fn views(&self) -> Vec<FeedView> {
        let mut views: Vec<_> = self.lock().values().filter(|feed| !feed.is_over()).map(|feed| feed.view()).collect();
        views.sort_by_key(|view| view.channel);
        views
    }

    /// Returns every feed on air, and what it should be like.
    pub fn observed(&self) -> Vec<Observed> {
        let feeds: Vec<_> = self.lock().values().filter(|feed| !feed.is_over()).cloned().collect();
        let observe = |feed: Arc<Feed>| Observed {
            view: feed.view(),
            frame_rate: feed.profile.frame_rate.as_f64(),
            lead_wanted_ms: feed.grid.wall_ms(lead_frames(&feed.grid)),
        };
        feeds.into_iter().map(observe).collect()
    }

    /// A channel was edited: its feed looks at the schedule again, or ends where the channel is gone or switched off.
    pub fn refresh(&self, channel: ChannelId) {
        let (store, slates) = (self.store.clone(), self.slates.clone());
        let Some(feed) = self.find(channel) else {
            // A new channel may be the first of its profile.
            self.means.life.spawn(async move {
                if let Ok(Some(channel)) = store.channels().find(channel).await {
                    drop(slates.of(&channel.profile));
                }
            });
            return;
        };
        self.means.life.spawn(async move {
            let found = store.channels().find(channel).await;
            if let Ok(Some(channel)) = &found {
                feed.order(Order::Prefer(Box::new(channel.tracks.clone())));
                feed.throttle.send_if_modified(|wish| std::mem::replace(wish, channel.throttle) != channel.throttle);
            }
            if let Ok(changes) = store.screens().find(channel).await {
                feed.order(Order::Dress(Box::new(changes)));
            }
            let gone = found.is_ok_and(|found| found.is_none_or(|channel| !channel.enabled));
            feed.order(if gone { Order::Stop } else { Order::Refresh });
        });
    }

    /// Starts what is on air on a channel again, at once; returns whether the channel is on air.
    pub fn restart(&self, channel: ChannelId) -> bool {
        let feed = self.find(channel);
        feed.iter().for_each(|feed| feed.order(Order::Restart(Rung::SameCommand)));
        feed.is_some()
    }

    /// Gives an order to a channel that is on air; returns whether it is.
    pub fn order(&self, channel: ChannelId, order: Order) -> bool {
        let feed = self.find(channel);
        feed.iter().for_each(|feed| feed.order(order.clone()));
        feed.is_some()
    }

    /// Gives an order to every channel on air; returns how many there are.
    pub fn order_all(&self, order: &Order) -> usize {
        let feeds: Vec<_> = self.lock().values().filter(|feed| !feed.is_over()).cloned().collect();
        feeds.iter().for_each(|feed| feed.order(order.clone()));
        feeds.len()
    }

    /// The schedules of all channels may have changed.
    pub fn refresh_all(&self) {
        for feed in self.lock().values() {
            feed.order(Order::Refresh);
        }
    }

    async fn until(&self, feed: &Feed, ready: impl Fn(&News) -> bool) -> Result<(), TuneError> {
        let mut news = feed.news();
        let wait = news.wait_for(|news| news.over || ready(news));
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(Ok(news)) if ready(&news) => Ok(()),
            Ok(_) => Err(TuneError::Stopping(feed.channel)),
            Err(_) => Err(TuneError::TimedOut(feed.channel)),
        }
    }

    fn find(&self, channel: ChannelId) -> Option<Arc<Feed>> {
        self.lock().get(&channel).filter(|feed| !feed.is_over()).cloned()
    }

    /// Finds the feed of a channel, or starts it.
    async fn tune(&self, id: ChannelId) -> Result<Arc<Feed>, TuneError> {
        if self.means.life.stopping().is_cancelled() {
            return Err(TuneError::Stopping(id));
        }
        if let Some(feed) = self.find(id) {
            return Ok(feed);
        }
        let channel = self.store.channels().find(id).await?.ok_or(TuneError::NoSuchChannel(id))?;
        if !channel.enabled {
            return Err(TuneError::Disabled(id));
        }
        let stored = self.store.broadcasts().next_sequence(id).await.unwrap_or_else(|error| {
            tracing::warn!(channel.id = %id, error = &error as &dyn std::error::Error, "the last sequence number cannot be read");
            None
        });
        let now = self.means.clock.now();
        let grid = FrameGrid::new(&channel.profile);
        let first_index = grid.gop_start(grid.index_at(now.timestamp_millis() - BURST_MS));
        let from_ms = grid.wall_ms(first_index);
        let planned = self.means.playouts.upcoming(id, from_ms, from_ms + AHEAD_MS).await.unwrap_or_else(|error| {
            tracing::warn!(channel.id = %id, error = &error as &dyn std::error::Error, "the schedule cannot be read; the slate goes on air");
            vec![]
        });
        self.pick_tracks(&channel, &planned).await;
        let changes = self.store.screens().find(id).await.unwrap_or_else(|error| {
            tracing::warn!(channel.id = %id, error = &error as &dyn std::error::Error, "the channel's own error screen cannot be read");
            ScreenChanges::default()
        });
        let first_index = beginning(&planned, &grid, first_index);
        // Somebody else may have been quicker while the database answered; then theirs is the feed.
        let mut on_air = self.lock();
        if let Some(feed) = on_air.get(&id).filter(|feed| !feed.is_over()) {
            return Ok(Arc::clone(feed));
        }
        let place =
            self.admission.ask(id, &channel.profile).map_err(|shortage| TuneError::Full { channel: id, shortage })?;
        let sequence = u64::try_from(first_index / grid.gop_frames()).unwrap_or(0).max(stored.unwrap_or(0));
        let (feed, task) = self.prepare(channel, changes, now, first_index, sequence, place);
        on_air.insert(id, Arc::clone(&feed));
        drop(on_air);
        self.means.life.spawn(air(task, planned, Arc::clone(&feed), Arc::clone(&self.on_air)));
        self.means.life.spawn(keep_sequence(Arc::clone(&feed), self.store.clone(), sequence));
        Ok(feed)
    }

    /// Only what is shown first is waited for, and not for long: then it is played by the built-in choice.
    async fn pick_tracks(&self, channel: &Channel, planned: &[Planned]) {
        let picks = self.means.picks.of(channel);
        let first = &planned[..planned.len().min(2)];
        if tokio::time::timeout(PICK_PATIENCE, picks.learn(first)).await.is_err() {
            tracing::warn!(channel.id = %channel.id, "no picker answers in time; the first programme has its default tracks");
        }
        picks.learn_later(planned);
    }

    fn prepare(
        &self,
        channel: Channel,
        changes: ScreenChanges,
        now: chrono::DateTime<chrono::Utc>,
        first_index: i64,
        sequence: u64,
        place: Place,
    ) -> (Arc<Feed>, OnAir) {
        let grid = FrameGrid::new(&channel.profile);
        let (order, orders) = mpsc::channel(16);
        let (view, _) = watch::channel(FeedView::starting(channel.id, now.timestamp_millis()));
        let feed = Arc::new(Feed {
            channel: channel.id,
            grid,
            profile: channel.profile.clone(),
            throttle: watch::channel(channel.throttle).0,
            ring: RwLock::new(Ring::new(grid.frames_in(BACKLOG_MS), BACKLOG_BYTES)),
            segments: RwLock::new(SegmentWindow::new(grid, sequence)),
            captions: Mutex::default(),
            news: watch::channel(News::default()).0,
            viewers: Default::default(),
            touched: Mutex::new(Instant::now()),
            view: view.clone(),
            orders: order,
        });
        let mux = TsMux::new(&channel.name, grid).with_offset(self.clock_offset_ticks);
        let output = Output::new(Arc::clone(&feed), ChunkCutter::new(grid, mux));
        let screen = ChannelScreen::new(self.slates.clone(), self.means.life.clone(), channel.clone(), changes);
        let start = Start { channel, now, first_index, screen, place, orders, view };
        let task = OnAir::new(Arc::clone(&feed), self.means.clone(), start, output);
        (feed, task)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Lineup> {
        self.on_air.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LiveEdges for Feeds {
    fn edge(&self, channel: ChannelId) -> Option<LiveEdge> {
        self.find(channel).map(|feed| feed.edge())
    }
}

/// Keeps the channel on air, then lets go of its bytes: a feed that is over is no use to anybody.
async fn air(task: OnAir, planned: Vec<Planned>, feed: Arc<Feed>, on_air: Arc<Mutex<Lineup>>) {
    task.run(planned).await;
    let mut on_air = on_air.lock().unwrap_or_else(PoisonError::into_inner);
    if on_air.get(&feed.channel).is_some_and(|current| Arc::ptr_eq(current, &feed)) {
        on_air.remove(&feed.channel);
    }
}

/// Keeps the database's idea of the next sequence number ahead of what viewers have seen.
async fn keep_sequence(feed: Arc<Feed>, store: Store, first: u64) {
    let mut news = feed.news();
    let mut reserved = 0;
    loop {
        let News { segments, over, .. } = *news.borrow_and_update();
        let next = segments.max(first);
        let wanted = if over { next } else { next + SEQUENCE_RESERVE };
        if over || next + SEQUENCE_RESERVE / 2 > reserved {
            match store.broadcasts().save(feed.channel, wanted).await {
                Ok(()) => reserved = wanted,
                Err(error) => {
                    tracing::warn!(channel.id = %feed.channel, error = &error as &dyn std::error::Error, "sequence numbers cannot be reserved");
                }
            }
        }
        if over || news.changed().await.is_err() {
            return;
        }
    }
}
