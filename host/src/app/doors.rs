//! The doors between the parts: what HTTP asks, answered by feeds, library and timelines.
//!
//! Does: translate between the parts' own words.
//! Does not: decide or keep anything but a counter of changes.
//! Invariant: no part knows another one but through here.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_core::session::SessionKind;
use exstreamtv_model::{Channel, ChannelId, Schedule, schedule::SettingsFault};
use exstreamtv_store::Store;
use exstreamtv_transport::{Segment, TICKS_PER_SECOND};
use futures::{FutureExt, future::BoxFuture};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    admission::Admission,
    backups::Backups,
    chronicle::Chronicle,
    clock::Clock,
    config::{Config, ValueError},
    database::Database,
    dossiers::Dossiers,
    feed::{Feeds, broadcaster, picks::Picks, slates::Slates, view},
    hardware::Hardware,
    healing::Healing,
    http::{
        BaseUrl, HttpSettings, HttpState, TrustedProxies,
        state::{
            Broadcaster, FeedView, HealthPort, LibraryPort, LibraryStatus, Playlist, PlayoutPort, SegmentMedia,
            TsStream, TuneError,
        },
    },
    incidents::Incidents,
    library::{self, Library, ProbeFailure, Prober, ScanStatus},
    lifecycle::Lifecycle,
    logs::Collector,
    monitor::Monitors,
    patterns::{self, Patterns},
    playout::{PlayoutError, Playouts, preview::Preview},
    plugins::Strategies,
    sessions::{Sessions, Ticket},
    worker::Utility,
};

/// What the doors lead to.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The feeds.
    pub feeds: Arc<Feeds>,
    /// Who watches.
    pub sessions: Sessions,
    /// The library.
    pub library: Library,
    /// The timelines.
    pub playouts: Playouts,
    /// Which sound and subtitles are played.
    pub picks: Picks,
    /// The plugins.
    pub strategies: Strategies,
    /// What is known about failures.
    pub dossiers: Dossiers,
    /// The places on air.
    pub admission: Admission,
    /// What everybody says.
    pub logs: Collector,
    /// How channels do.
    pub monitors: Monitors,
    /// The patterns that are there.
    pub patterns: Patterns,
    /// What mends what is wrong.
    pub healing: Healing,
    /// What is known about incidents.
    pub incidents: Incidents,
    /// The slates.
    pub slates: Slates,
    /// The video cards.
    pub hardware: Hardware,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// How every part is.
    pub health: Arc<dyn HealthPort>,
    /// The database as it is looked after.
    pub database: Database,
    /// Its backups.
    pub backups: Backups,
    /// Tasks.
    pub life: Lifecycle,
    /// Settings of the HTTP side.
    pub settings: watch::Receiver<HttpSettings>,
}

/// Returns what HTTP works with.
pub fn http_state(parts: Parts) -> HttpState {
    HttpState {
        store: parts.store,
        broadcaster: Arc::new(FeedsDoor { feeds: Arc::clone(&parts.feeds), sessions: parts.sessions.clone() }),
        library: Arc::new(LibraryDoor::open(parts.library, &parts.life)),
        playout: Arc::new(PlayoutDoor { playouts: parts.playouts, feeds: parts.feeds, edits: AtomicU64::new(0) }),
        sessions: parts.sessions,
        picks: parts.picks,
        strategies: parts.strategies,
        dossiers: parts.dossiers,
        admission: parts.admission,
        logs: parts.logs,
        monitors: parts.monitors,
        patterns: parts.patterns,
        healing: parts.healing,
        incidents: parts.incidents,
        slates: parts.slates,
        hardware: parts.hardware,
        clock: parts.clock,
        settings: parts.settings,
        health: parts.health,
        database: parts.database,
        backups: parts.backups,
    }
}

/// Returns what patterns are looked for in.
pub fn pattern_sources(
    logs: &Collector,
    chronicle: &Chronicle,
    feeds: &Arc<Feeds>,
    store: &Store,
    clock: &Arc<dyn Clock>,
) -> patterns::Sources {
    let feeds = Arc::clone(feeds);
    let on_air = move || {
        let watched = feeds.observed().into_iter().filter(|of| of.view.state != view::FeedState::Idle);
        watched.map(|of| of.view.channel).collect()
    };
    patterns::Sources {
        logs: logs.clone(),
        incidents: chronicle.news(),
        on_air: Box::new(on_air),
        clock: Arc::clone(clock),
        store: store.clone(),
    }
}

/// Tells feeds when timelines changed.
pub async fn spread_news(feeds: Arc<Feeds>, playouts: Playouts, stopping: CancellationToken) {
    let mut changes = playouts.changes();
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            changed = changes.changed() => match changed {
                Ok(()) => feeds.refresh_all(),
                Err(_) => return,
            },
        }
    }
}

/// Returns the settings of the HTTP side.
///
/// # Errors
/// If the public URL cannot be used.
pub fn http_settings(config: &Config) -> Result<HttpSettings, ValueError> {
    let url = config.server.public_url.as_str();
    let bad = |_| ValueError::PublicUrl { text: url.to_owned() };
    let public_url = if url.is_empty() { None } else { Some(url.parse::<BaseUrl>().map_err(bad)?) };
    let proxies: Vec<String> = config.server.trusted_proxies.iter().map(ToString::to_string).collect();
    let trusted_proxies = TrustedProxies::parse(proxies.iter().map(String::as_str)).unwrap_or_default();
    Ok(HttpSettings { public_url, trusted_proxies, guide_days: config.playout.guide_days })
}

struct FeedsDoor {
    feeds: Arc<Feeds>,
    sessions: Sessions,
}

impl Broadcaster for FeedsDoor {
    fn tune_ts(&self, channel: ChannelId, ticket: Ticket) -> BoxFuture<'_, Result<TsStream, TuneError>> {
        async move {
            let about = ticket.about();
            tracing::debug!(
                channel.id = %channel, session.id = %ticket.id(), ip = about.client_ip.map(tracing::field::display),
                user_agent = about.user_agent, "a viewer tunes in"
            );
            self.feeds.watch(channel, ticket).await.map_err(tune_error)
        }
        .boxed()
    }

    fn playlist(&self, channel: ChannelId) -> BoxFuture<'_, Result<Playlist, TuneError>> {
        async move {
            let playlist = self.feeds.playlist(channel, |sequence| format!("seg/{sequence}.ts")).await;
            playlist.map(|(text, version)| Playlist { text, version }).map_err(tune_error)
        }
        .boxed()
    }

    fn segment(&self, channel: ChannelId, sequence: u64) -> Result<Option<SegmentMedia>, TuneError> {
        let media = |segment: Arc<Segment>| SegmentMedia {
            data: segment.data.clone(),
            duration_ms: segment.duration_ticks * 1_000 / TICKS_PER_SECOND,
            end_ms: segment.start_wall_ms + segment.duration_ticks * 1_000 / TICKS_PER_SECOND,
        };
        Ok(self.feeds.segment(channel, sequence).map(media))
    }

    fn captions(&self, channel: ChannelId, sequence: u64) -> BoxFuture<'_, Option<Bytes>> {
        self.feeds.captions(channel, sequence).boxed()
    }

    fn restart(&self, channel: ChannelId) -> bool {
        self.feeds.restart(channel)
    }

    fn refresh(&self, channel: ChannelId) {
        self.feeds.refresh(channel);
    }

    fn feeds(&self) -> Vec<FeedView> {
        let mut views = self.feeds.views();
        for view in &mut views {
            let players = self.sessions.count(view.channel, SessionKind::Hls);
            view.hls_sessions = u32::try_from(players).unwrap_or(u32::MAX);
        }
        views
    }
}

/// When somebody who found no room may try again.
const FULL_RETRY_S: u32 = 10;

fn tune_error(error: broadcaster::TuneError) -> TuneError {
    match error {
        broadcaster::TuneError::NoSuchChannel(_) => TuneError::NoSuchChannel,
        broadcaster::TuneError::Disabled(_) => TuneError::Disabled,
        broadcaster::TuneError::TimedOut(_) => TuneError::TimedOut,
        broadcaster::TuneError::Full { .. } => TuneError::Busy { retry_after_s: FULL_RETRY_S },
        broadcaster::TuneError::Stopping(_) => TuneError::ShuttingDown,
        broadcaster::TuneError::Store(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a channel cannot be looked up");
            TuneError::Busy { retry_after_s: 5 }
        }
    }
}

struct PlayoutDoor {
    playouts: Playouts,
    feeds: Arc<Feeds>,
    /// Edits that the planner has not worked through yet change documents, too.
    edits: AtomicU64,
}

impl PlayoutPort for PlayoutDoor {
    fn rebuild(&self, channel: ChannelId) {
        self.edits.fetch_add(1, Ordering::Relaxed);
        self.playouts.rebuild(channel);
        self.feeds.refresh(channel);
    }

    fn switch(&self, channel: ChannelId, from: DateTime<Utc>) {
        self.edits.fetch_add(1, Ordering::Relaxed);
        self.playouts.switch(channel, from);
        self.feeds.refresh(channel);
    }

    fn compare(&self) {
        self.playouts.library_changed();
    }

    fn check_with<'a>(
        &'a self,
        channel: &'a Channel,
        schedule: &'a Schedule,
        coming: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<SettingsFault>, PlayoutError>> {
        self.playouts.check_with(channel, schedule, coming).boxed()
    }

    fn check<'a>(
        &'a self,
        channel: &'a Channel,
        schedule: &'a Schedule,
    ) -> BoxFuture<'a, Result<Vec<SettingsFault>, PlayoutError>> {
        self.playouts.check(channel, schedule).boxed()
    }

    fn preview(
        &self,
        channel: ChannelId,
        schedule: Option<Schedule>,
        span: TimeDelta,
    ) -> BoxFuture<'_, Result<Option<Preview>, PlayoutError>> {
        self.playouts.preview(channel, schedule, span).boxed()
    }

    fn version(&self) -> u64 {
        *self.playouts.changes().borrow() + self.edits.load(Ordering::Relaxed)
    }
}

struct LibraryDoor {
    library: Library,
    status: watch::Receiver<LibraryStatus>,
}

impl LibraryDoor {
    fn open(library: Library, life: &Lifecycle) -> Self {
        let mut source = library.status();
        let (mirror, status) = watch::channel(library_status(&source.borrow()));
        let stopping = life.stopping();
        life.spawn(async move {
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    changed = source.changed() => match changed {
                        Ok(()) => mirror.send_replace(library_status(&source.borrow_and_update())),
                        Err(_) => return,
                    },
                };
            }
        });
        Self { library, status }
    }
}

impl LibraryPort for LibraryDoor {
    fn watch(&self) -> watch::Receiver<LibraryStatus> {
        self.status.clone()
    }

    fn request_scan(&self, root: Option<PathBuf>) {
        self.library.request_scan(root);
    }

    fn accept_removals(&self, root: PathBuf) {
        self.library.accept_removals(root);
    }
}

fn library_status(status: &ScanStatus) -> LibraryStatus {
    let texts = |notes: &library::Notes| {
        let more = (notes.left_out > 0).then(|| format!("and {} more remarks", notes.left_out));
        notes.texts.iter().cloned().chain(more).collect::<Vec<_>>()
    };
    LibraryStatus {
        roots: status.roots.clone(),
        scanning: status.scanning,
        files_found: status.found,
        files_done: status.done(),
        finished_ms: status.finished.map(|at| at.timestamp_millis()),
        notes: status.notes.values().flat_map(texts).collect(),
    }
}

/// Lets the utility worker probe for the library.
pub struct UtilityProber(pub Utility);

impl Prober for UtilityProber {
    fn probe(&self, path: PathBuf) -> BoxFuture<'_, Result<String, ProbeFailure>> {
        async move {
            match self.0.probe(path).await {
                Ok(Ok(json)) => Ok(json),
                Ok(Err(reason)) => Err(ProbeFailure::Broken { reason }),
                Err(reason) => Err(ProbeFailure::Unavailable { reason }),
            }
        }
        .boxed()
    }
}
