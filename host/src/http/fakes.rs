//! A host for tests: a real database in a folder of its own, everything else pretended.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{Request, request},
    response::Response,
};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_model::{
    Channel, ChannelId, CollectionId, EntryKind, ItemOrder, MediaId, MediaProbe, MediaState, Metadata, OutputProfile,
    RunId, Schedule, pick::TrackPreferences, schedule::SettingsFault,
};
use exstreamtv_store::{Checkpoint, NewChannel, NewEntry, ScannedMedia, Store};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt;

use super::state::{
    Broadcaster, FeedState, FeedView, HealthPort, HttpSettings, HttpState, LibraryPort, LibraryStatus, PartHealth,
    Playlist, PlayoutPort, RunKind, RunView, SegmentMedia, TsStream, TuneError,
};
use crate::{
    admission::{self, Admission},
    backups::{self, Backups},
    clock::Clock,
    config::{self, error_screens::ErrorScreens, supervision::WhenFull},
    database::{self, Database},
    dossiers::{Dossiers, Limits},
    feed::{
        picks::Picks,
        slates::{SlateSettings, Slates, fake::FakeRenderer},
    },
    hardware::{self, Hardware},
    healing::Healing,
    incidents::Incidents,
    lifecycle::Lifecycle,
    logs::{self, Collector},
    monitor::Monitors,
    patterns::Patterns,
    playout::{
        PlayoutError,
        preview::{Preview, Share},
    },
    plugins::Strategies,
    sessions::{self, Sessions, Ticket},
};

/// A host for tests.
pub struct Host {
    pub store: Store,
    pub backups: Backups,
    pub database: Database,
    pub looked_after: watch::Sender<database::Settings>,
    pub dossiers: Dossiers,
    pub admission: Admission,
    pub sessions: Sessions,
    pub logs: Collector,
    pub healing: Healing,
    pub patterns: Patterns,
    pub incidents: Incidents,
    router: Router,
    world: Arc<World>,
    folder: TempDir,
    pub slates: Slates,
    renderer: Arc<FakeRenderer>,
}

/// How the only part of the host is.
pub enum Part {
    Works,
    Fails(&'static str),
    Panics,
}

/// What the playout was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    Rebuild(ChannelId),
    Switch(ChannelId, DateTime<Utc>),
    Compare,
}

/// Everything that is pretended.
struct World {
    now_ms: AtomicI64,
    version: AtomicU64,
    tunes: AtomicU32,
    viewers: Arc<Mutex<Vec<ChannelId>>>,
    agent: Mutex<Option<String>>,
    refusal: Mutex<Option<TuneError>>,
    feeds: Mutex<Vec<FeedView>>,
    calls: Mutex<Vec<Call>>,
    faults: Mutex<Vec<SettingsFault>>,
    scans: Mutex<Vec<Option<PathBuf>>>,
    accepted_removals: Mutex<Vec<PathBuf>>,
    library: watch::Sender<LibraryStatus>,
    part: Mutex<Part>,
}

impl Host {
    pub async fn open() -> Self {
        Self::with_limits(sessions::Limits { per_channel: 50, total: 1_000, idle_timeout_ms: 300_000 }).await
    }

    /// Opens one with other limits of sessions.
    pub async fn with_limits(limits: sessions::Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let status = LibraryStatus { roots: vec!["/tv".into()], ..Default::default() };
        let world = Arc::new(World {
            now_ms: AtomicI64::new(1_767_225_600_000),
            version: AtomicU64::new(1),
            tunes: AtomicU32::new(0),
            viewers: Arc::default(),
            agent: Mutex::default(),
            refusal: Mutex::default(),
            feeds: Mutex::default(),
            calls: Mutex::default(),
            faults: Mutex::default(),
            scans: Mutex::default(),
            accepted_removals: Mutex::default(),
            library: watch::channel(status).0,
            part: Mutex::new(Part::Works),
        });
        let store = Store::open(&folder.path().join("test.db"), world.now()).await.unwrap();
        // The sender goes; its last value stays.
        let (_, settings) = watch::channel(HttpSettings::default());
        let (_, shelf) = watch::channel(Limits { kept: 50, bytes: 1 << 20 });
        let dossiers = Dossiers::start(folder.path().join("dossiers"), shelf, &Lifecycle::default());
        let (_, places) = watch::channel(admission::Settings { channels: Some(1), when_full: WhenFull::Slate });
        let admission = Admission::new(places);
        let limits_of_logs = exstreamtv_healing::Limits { events: 1_000, bytes: 1 << 20, age: TimeDelta::hours(1) };
        let (_, heard) = watch::channel(logs::Settings { limits: limits_of_logs, realtime: true });
        let life = Lifecycle::default();
        let logs = Collector::start(
            Arc::default(),
            exstreamtv_healing::Templates::new(logs::TEMPLATES),
            world.clone(),
            heard,
            &life,
        );
        let sessions = Sessions::of_tests(world.clone(), limits);
        let renderer = Arc::new(FakeRenderer::default());
        let (_, screens) = watch::channel(SlateSettings::from(&ErrorScreens::default()));
        let (kept, images) = (folder.path().join("slates"), folder.path().to_owned());
        let slates = Slates::new(kept, images, renderer.clone(), screens, Lifecycle::default());
        let life = Lifecycle::default();
        let keys = config::Database::default();
        let looked_after = watch::Sender::new(database::Settings {
            sizing: keys.sizing(),
            pool: keys.pool(),
            interval: Duration::from_secs(3_600),
        });
        let database = Database::start(store.clone(), world.clone(), looked_after.subscribe(), &life);
        let settings_of_backups = backups::Settings {
            enabled: false,
            ..config::DatabaseBackup { keep_count: 3, ..Default::default() }.settings(folder.path())
        };
        let (_, kept) = watch::channel(settings_of_backups);
        let backups = Backups::start(store.clone(), world.clone(), kept, &life);
        let healing = Healing::open(store.clone(), &*world, Default::default()).await;
        let patterns = Patterns::of_tests(logs.clone(), store.clone());
        let incidents = Incidents::new(store.clone(), dossiers.clone(), logs.clone(), sessions.clone(), world.clone());
        let state = HttpState {
            slates: slates.clone(),
            hardware: Hardware::new(hardware::Settings {
                worker: folder.path().join("worker"),
                ffmpeg: "ffmpeg".into(),
                ffprobe: "ffprobe".into(),
                profiles: None,
                disabled_quirks: vec![],
                cache: folder.path().join("hardware"),
                accel: "auto".into(),
                device: String::new(),
                channels: <_>::default(),
            }),
            store: store.clone(),
            broadcaster: world.clone(),
            library: world.clone(),
            playout: world.clone(),
            strategies: Strategies::built_in(),
            dossiers: dossiers.clone(),
            admission: admission.clone(),
            logs: logs.clone(),
            monitors: Monitors::default(),
            healing: healing.clone(),
            patterns: patterns.clone(),
            incidents: incidents.clone(),
            sessions: sessions.clone(),
            picks: Picks::new(Arc::new(Strategies::built_in()), Lifecycle::default()),
            clock: world.clone(),
            settings,
            health: world.clone(),
            database: database.clone(),
            backups: backups.clone(),
        };
        Self {
            store,
            dossiers,
            admission,
            logs,
            healing,
            patterns,
            incidents,
            backups,
            database,
            looked_after,
            sessions,
            router: super::router(state),
            world,
            folder,
            slates,
            renderer,
        }
    }

    /// Tells something as a Plex Media Server does, and waits until it is heard.
    pub async fn told_by_plex(&self, event: &str, title: &str) {
        let before = self.logs.counts().events;
        let payload =
            format!(r#"{{"event":"{event}","Server":{{"title":"Office"}},"Metadata":{{"title":"{title}"}}}}"#);
        let part = |head: &str, body: &str| format!("--x\r\ncontent-disposition: form-data; {head}\r\n\r\n{body}\r\n");
        let form =
            part("name=\"payload\"", &payload) + &part("name=\"thumb\"; filename=\"t.jpg\"", "jpeg") + "--x--\r\n";
        let request =
            request("POST", "/api/v1/webhooks/plex").header("content-type", "multipart/form-data; boundary=x");
        let answer = self.send(request.body(Body::from(form)).unwrap()).await;
        assert_eq!(answer.status(), axum::http::StatusCode::NO_CONTENT);
        self.heard(before + 1).await;
    }

    /// Waits until so many events are heard.
    pub async fn heard(&self, events: usize) {
        while self.logs.counts().events < events {
            tokio::task::yield_now().await;
        }
    }

    /// Puts a worker in place that finds this out.
    pub fn pretend_hardware(&self, found: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.folder.path().join("worker");
        std::fs::write(&path, format!("#!/bin/sh\ncat <<'E'\n{found}\nE\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What was rendered.
    pub fn rendered(&self) -> Vec<exstreamtv_model::Screen> {
        self.renderer.screens()
    }

    pub fn break_rendering(&self) {
        self.renderer.set_broken(true);
    }

    pub async fn send(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Response {
        self.send(request("GET", path).body(Body::empty()).unwrap()).await
    }

    pub async fn json(&self, method: &str, path: &str, body: &str) -> Response {
        let request = request(method, path).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub async fn channel(&self, number: &str, name: &str) -> Channel {
        self.store.channels().insert(&new_channel(number, name)).await.unwrap()
    }

    pub async fn disabled_channel(&self, number: &str, name: &str) -> Channel {
        self.store.channels().insert(&NewChannel { enabled: false, ..new_channel(number, name) }).await.unwrap()
    }

    /// Fills a channel's time from now on; titles and lengths in seconds.
    pub async fn timeline(&self, channel: ChannelId, programmes: &[(&str, i64)]) {
        let mut start = self.world.now();
        let mut entries = Vec::new();
        for (title, length_s) in programmes {
            let stop = start + TimeDelta::seconds(*length_s);
            let (title, why) = ((*title).to_owned(), "test".to_owned());
            let (media, in_point_ms, kind, rule) = (None, 0, EntryKind::Programme, String::new());
            entries.push(NewEntry { start, stop, media, in_point_ms, kind, title, rule, why });
            start = stop;
        }
        let checkpoint = Checkpoint {
            upto: start,
            strategy: "exstreamtv.sequence".into(),
            state: serde_json::Value::Null,
            since: start,
            seed: 1,
            fallback: None,
            needs: vec![],
            drawn_from: String::new(),
        };
        self.store.playout().append(channel, &entries, &checkpoint).await.unwrap();
    }

    pub async fn media(&self, path: &str, title: &str) -> MediaId {
        self.save_media(path, MediaState::Ready, Metadata { title: title.into(), ..Default::default() }).await
    }

    pub async fn media_made_in(&self, path: &str, language: &str) -> MediaId {
        let metadata = Metadata { title: "T".into(), original_language: Some(language.into()), ..Default::default() };
        self.save_media(path, MediaState::Ready, metadata).await
    }

    pub async fn broken_media(&self, path: &str, reason: &str) -> MediaId {
        let state = MediaState::Broken { reason: reason.into() };
        self.save_media(path, state, Metadata { title: "broken".into(), ..Default::default() }).await
    }

    pub async fn media_with_artwork(&self, name: &str, picture: &[u8]) -> MediaId {
        let artwork = self.folder.path().join(name);
        std::fs::write(&artwork, picture).unwrap();
        let metadata = Metadata { title: "T".into(), artwork: Some(artwork), ..Default::default() };
        self.save_media("/tv/with-artwork.mkv", MediaState::Ready, metadata).await
    }

    async fn save_media(&self, path: &str, state: MediaState, metadata: Metadata) -> MediaId {
        let streams = Vec::new();
        let probe = MediaProbe {
            container: "matroska".into(),
            duration_ms: 60_000,
            bitrate_bps: None,
            streams,
            chapters: vec![],
        };
        let probe = (state == MediaState::Ready).then_some(probe);
        let media = ScannedMedia { path: path.into(), size_bytes: 1, mtime_ms: 1, state, probe, metadata };
        self.store.media().upsert(&media, self.world.now()).await.unwrap()
    }

    /// The clock that [`Self::pass_hours`] sets.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.world.clone()
    }

    /// Where the host keeps its files.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub fn on_air(&self, channel: ChannelId) {
        let run = RunView {
            run: RunId(1),
            pid: Some(4711),
            kind: RunKind::OnAir,
            title: "One".into(),
            progress: None,
            card: None,
        };
        let feed = FeedView {
            state: FeedState::OnAir,
            worker_pid: Some(4710),
            runs: vec![run],
            viewers: 1,
            lead_ms: 3000,
            ..FeedView::starting(channel, 0)
        };
        self.world.feeds.lock().unwrap().push(feed);
    }

    pub fn refuse_tuning(&self, error: TuneError) {
        *self.world.refusal.lock().unwrap() = Some(error);
    }

    pub fn break_part(&self, part: Part) {
        *self.world.part.lock().unwrap() = part;
    }

    pub fn bump_version(&self) {
        self.world.version.fetch_add(1, Ordering::Relaxed);
    }

    pub fn pass_hours(&self, hours: i64) {
        self.world.now_ms.fetch_add(hours * 3_600_000, Ordering::Relaxed);
    }

    pub fn scan_progress(&self, files_found: u64, files_done: u64) {
        self.world.library.send_modify(|status| {
            status.scanning = true;
            status.files_found = files_found;
            status.files_done = files_done;
        });
    }

    pub fn tunes(&self) -> u32 {
        self.world.tunes.load(Ordering::Relaxed)
    }

    pub fn viewers(&self, channel: ChannelId) -> usize {
        self.world.viewers.lock().unwrap().iter().filter(|viewed| **viewed == channel).count()
    }

    pub fn last_agent(&self) -> Option<String> {
        self.world.agent.lock().unwrap().clone()
    }

    pub fn rebuilds(&self) -> Vec<ChannelId> {
        let rebuilt = |call| match call {
            Call::Rebuild(channel) => Some(channel),
            Call::Switch(..) | Call::Compare => None,
        };
        self.calls().into_iter().filter_map(rebuilt).collect()
    }

    /// What the playout was told.
    pub fn calls(&self) -> Vec<Call> {
        self.world.calls.lock().unwrap().clone()
    }

    /// From now on every schedule has this fault, too.
    pub fn find_fault(&self, path: &str, message: &str) {
        self.world.faults.lock().unwrap().push(SettingsFault { path: path.into(), message: message.into() });
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.world.now()
    }

    pub async fn send_empty(&self, method: &str, path: &str) -> Response {
        self.send(request(method, path).body(Body::empty()).unwrap()).await
    }

    pub fn accepted_removals(&self) -> Vec<PathBuf> {
        self.world.accepted_removals.lock().unwrap().clone()
    }

    pub fn scans(&self) -> Vec<Option<PathBuf>> {
        self.world.scans.lock().unwrap().clone()
    }
}

pub fn request(method: &str, path: &str) -> request::Builder {
    Request::builder().method(method).uri(path)
}

pub async fn body_bytes(response: Response) -> Bytes {
    axum::body::to_bytes(response.into_body(), 10_000_000).await.unwrap()
}

pub async fn body_text(response: Response) -> String {
    String::from_utf8(body_bytes(response).await.to_vec()).unwrap()
}

pub async fn body_json(response: Response) -> serde_json::Value {
    serde_json::from_slice(&body_bytes(response).await).unwrap()
}

fn new_channel(number: &str, name: &str) -> NewChannel {
    NewChannel {
        number: number.parse().unwrap(),
        name: name.into(),
        group: String::new(),
        logo: None,
        zone: chrono_tz::UTC,
        profile: OutputProfile::default(),
        collection: None::<CollectionId>,
        order: ItemOrder::Name,
        schedule: None,
        tracks: TrackPreferences::default(),
        throttle: Default::default(),
        enabled: true,
    }
}

/// A preview: three quarters programme, one quarter filler.
fn tried(from: DateTime<Utc>, span: TimeDelta, by: String) -> Preview {
    let middle = from + span * 3 / 4;
    let entry = |start, stop, kind| NewEntry {
        start,
        stop,
        media: Some(MediaId(1)),
        in_point_ms: 0,
        kind,
        title: "Tried".into(),
        rule: "evening".into(),
        why: "a test".into(),
    };
    let share =
        |kind, part: TimeDelta| Share { rule: "evening".into(), kind, count: 1, airtime_ms: part.num_milliseconds() };
    Preview {
        from,
        to: from + span,
        entries: vec![entry(from, middle, EntryKind::Programme), entry(middle, from + span, EntryKind::Filler)],
        notes: vec!["a note".into()],
        distribution: vec![share(EntryKind::Programme, span * 3 / 4), share(EntryKind::Filler, span / 4)],
        by,
        fallback: None,
    }
}

/// Leaves the house when it is dropped.
struct Viewer {
    channel: ChannelId,
    viewers: Arc<Mutex<Vec<ChannelId>>>,
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let mut viewers = self.viewers.lock().unwrap();
        let seat = viewers.iter().position(|viewed| *viewed == self.channel).unwrap();
        viewers.remove(seat);
    }
}

impl World {
    fn tune(&self) -> Result<(), TuneError> {
        self.tunes.fetch_add(1, Ordering::Relaxed);
        self.refusal.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

impl Broadcaster for World {
    fn tune_ts(&self, channel: ChannelId, ticket: Ticket) -> BoxFuture<'_, Result<TsStream, TuneError>> {
        async move {
            self.tune()?;
            *self.agent.lock().unwrap() = ticket.about().user_agent.clone();
            self.viewers.lock().unwrap().push(channel);
            let seat = Viewer { channel, viewers: self.viewers.clone() };
            let piece = sessions::Piece { bytes: 188, stream_ms: 40, position_ms: self.now_ms.load(Ordering::Relaxed) };
            ticket.meter().sent(piece, tokio::time::Instant::now());
            let packets = stream::iter([Bytes::from_static(&[0x47; 188])]).chain(stream::pending());
            let stop = ticket.meter().stop().clone();
            let packets = packets.map(move |packet| (packet, &seat, &ticket).0.clone());
            Ok(packets.take_until(stop.cancelled_owned()).boxed())
        }
        .boxed()
    }

    fn playlist(&self, _: ChannelId) -> BoxFuture<'_, Result<Playlist, TuneError>> {
        async move {
            self.tune()?;
            let text =
                "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:2.000,\nseg/7.ts\n".to_owned();
            Ok(Playlist { text, version: 7 })
        }
        .boxed()
    }

    fn segment(&self, channel: ChannelId, sequence: u64) -> Result<Option<SegmentMedia>, TuneError> {
        let there = channel != ChannelId(99) && sequence == 7;
        let data = vec![Bytes::from_static(&[0x47; 188]), Bytes::from_static(&[0x47; 188])];
        Ok(there.then_some(SegmentMedia { data, duration_ms: 2_000, end_ms: 1_767_225_600_000 }))
    }

    fn captions(&self, channel: ChannelId, sequence: u64) -> BoxFuture<'_, Option<Bytes>> {
        let there = channel != ChannelId(99) && sequence == 7;
        async move { there.then(|| Bytes::from_static(b"WEBVTT\n")) }.boxed()
    }

    fn restart(&self, channel: ChannelId) -> bool {
        self.feeds.lock().unwrap().iter().any(|feed| feed.channel == channel)
    }
    fn refresh(&self, _channel: ChannelId) {}

    fn feeds(&self) -> Vec<FeedView> {
        self.feeds.lock().unwrap().clone()
    }
}

impl LibraryPort for World {
    fn watch(&self) -> watch::Receiver<LibraryStatus> {
        self.library.subscribe()
    }

    fn request_scan(&self, root: Option<PathBuf>) {
        self.scans.lock().unwrap().push(root);
    }

    fn accept_removals(&self, root: PathBuf) {
        self.accepted_removals.lock().unwrap().push(root);
    }
}

impl PlayoutPort for World {
    fn rebuild(&self, channel: ChannelId) {
        self.calls.lock().unwrap().push(Call::Rebuild(channel));
    }

    fn switch(&self, channel: ChannelId, from: DateTime<Utc>) {
        self.calls.lock().unwrap().push(Call::Switch(channel, from));
    }

    fn compare(&self) {
        self.calls.lock().unwrap().push(Call::Compare);
    }

    fn check_with<'a>(
        &'a self,
        channel: &'a Channel,
        schedule: &'a Schedule,
        _: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<SettingsFault>, PlayoutError>> {
        self.check(channel, schedule)
    }

    fn check<'a>(&'a self, _: &'a Channel, _: &'a Schedule) -> BoxFuture<'a, Result<Vec<SettingsFault>, PlayoutError>> {
        async move { Ok(self.faults.lock().unwrap().clone()) }.boxed()
    }

    fn preview(
        &self,
        _: ChannelId,
        schedule: Option<Schedule>,
        span: TimeDelta,
    ) -> BoxFuture<'_, Result<Option<Preview>, PlayoutError>> {
        let (from, by) = (self.now(), schedule.map_or("own".to_owned(), |schedule| schedule.strategy));
        async move { Ok(Some(tried(from, span, by))) }.boxed()
    }

    fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }
}

impl Clock for World {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.now_ms.load(Ordering::Relaxed)).unwrap()
    }
}

impl HealthPort for World {
    fn parts(&self) -> Vec<PartHealth> {
        let (ok, detail) = match &*self.part.lock().unwrap() {
            Part::Works => (true, String::new()),
            Part::Fails(detail) => (false, (*detail).to_owned()),
            Part::Panics => panic!("a check that panics"),
        };
        vec![PartHealth { name: "database".into(), ok, detail }]
    }
}
