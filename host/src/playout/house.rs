//! A channel on a real database, with a strategy that can fail, hang and be gone; time is an argument.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_model::{
    Channel, CollectionId, CollectionSource, EntryKind, ItemOrder, MediaId, MediaProbe, MediaState, Metadata,
    OutputProfile, PlayoutEntry, Schedule,
    collection::MediaQuery,
    pick::TrackPreferences,
    schedule::{MAIN_POOL, PlanAnswer, PlanEntry, PlanRequest, PoolNeed, PoolSource, Preparation, PrepareRequest},
};
use exstreamtv_plugin_sdk::Scheduler;
use exstreamtv_schedulers::Sequence;
use exstreamtv_store::{NewChannel, ScannedMedia, Store};
use futures::{FutureExt, future::BoxFuture};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::watch;

use super::{
    ask::Ask,
    author::{Author, Job},
    instant,
};
use crate::{
    clock::Clock,
    plugins::{self, StrategyError, strategies::SEQUENCE},
};

pub(super) const MINUTE_MS: i64 = 60_000;
const ITEM_MS: i64 = 10 * MINUTE_MS;

/// A strategy "test.count" that lays every item in full, one after the other, and counts what it has laid. It can fail, hang on some channels, and be gone.
#[derive(Default)]
pub(super) struct Strategies {
    pub(super) fails: AtomicBool,
    pub(super) gone: AtomicBool,
    pub(super) hangs_on: Mutex<HashSet<String>>,
    pub(super) requests: Mutex<Vec<(String, PlanRequest)>>,
}

impl Ask for Strategies {
    fn prepare<'a>(
        &'a self,
        strategy: &'a str,
        _: PrepareRequest,
    ) -> BoxFuture<'a, Result<Preparation, StrategyError>> {
        async move {
            if strategy != SEQUENCE && self.gone.load(Ordering::Relaxed) {
                return Err(StrategyError::Unknown { strategy: strategy.to_owned() });
            }
            let source = match strategy {
                SEQUENCE => PoolSource::Channel,
                "test.lost" => PoolSource::Collection { collection_id: "nowhere".into() },
                _ => PoolSource::Query { query: MediaQuery::default() },
            };
            Ok(Preparation { faults: vec![], pools: vec![PoolNeed { key: MAIN_POOL.into(), source }] })
        }
        .boxed()
    }

    fn plan<'a>(&'a self, strategy: &'a str, request: PlanRequest) -> BoxFuture<'a, plugins::Planned> {
        async move {
            self.requests.lock().unwrap().push((strategy.to_owned(), request.clone()));
            if strategy != SEQUENCE && self.hangs_on.lock().unwrap().contains(&request.channel) {
                std::future::pending::<()>().await;
            }
            let broken = self.fails.load(Ordering::Relaxed) || self.gone.load(Ordering::Relaxed);
            let fallback = (strategy != SEQUENCE && broken).then(|| "it fell asleep".to_owned());
            let answer = match strategy {
                SEQUENCE => Sequence.plan(&request).unwrap(),
                _ => count(&request),
            };
            answer.check(&request).unwrap();
            plugins::Planned { answer, by: strategy.to_owned(), fallback }
        }
        .boxed()
    }
}

fn count(request: &PlanRequest) -> PlanAnswer {
    let items = request.pool(MAIN_POOL);
    let before = request.state.as_ref().and_then(|state| state["laid"].as_u64()).unwrap_or(0);
    let mut laid = before + request.aired.len() as u64;
    let mut entries = Vec::new();
    let mut at_ms = request.window.start_ms;
    while at_ms < request.window.stop_ms {
        let item = &items[laid as usize % items.len()];
        let entry = PlanEntry {
            item: Some(item.id),
            start_ms: at_ms,
            stop_ms: at_ms + item.duration_ms,
            in_point_ms: 0,
            kind: EntryKind::Programme,
            rule: "count".into(),
            why: format!("number {laid}"),
        };
        at_ms = entry.stop_ms;
        laid += 1;
        entries.push(entry);
    }
    PlanAnswer { entries, state: json!({ "laid": laid }), notes: vec![format!("{laid} laid")] }
}

pub(super) struct Wall(pub(super) AtomicI64);

impl Clock for Wall {
    fn now(&self) -> DateTime<Utc> {
        instant(self.0.load(Ordering::Relaxed))
    }
}

/// An author with a channel of five items of ten minutes, titled "a" to "e".
pub(super) struct House {
    pub(super) author: Author,
    pub(super) strategies: Arc<Strategies>,
    pub(super) wall: Arc<Wall>,
    pub(super) channel: Channel,
    pub(super) media: Vec<MediaId>,
    _folder: TempDir,
}

pub(super) const NOON_MS: i64 = 1_800_014_400_000;

impl House {
    pub(super) async fn with(schedule: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let wall = Arc::new(Wall(AtomicI64::new(NOON_MS)));
        let store = Store::open(&folder.path().join("test.db"), wall.now()).await.unwrap();
        let source = CollectionSource::Query(MediaQuery::default());
        let collection = store.collections().insert("all", &source).await.unwrap().id;
        let channel = store.channels().insert(&new_channel("1", collection, schedule)).await.unwrap();
        let strategies = Arc::new(Strategies::default());
        let (changed, _) = watch::channel(0);
        let horizon = TimeDelta::hours(24);
        let author = Author { store, clock: wall.clone(), ask: strategies.clone(), horizon, changed };
        let mut house = Self { author, strategies, wall, channel, media: vec![], _folder: folder };
        for name in ["a", "b", "c", "d", "e"] {
            house.add(name).await;
        }
        house
    }

    pub(super) async fn add(&mut self, name: &str) {
        let probe = MediaProbe {
            container: "matroska".into(),
            duration_ms: ITEM_MS,
            bitrate_bps: None,
            streams: vec![],
            chapters: vec![],
        };
        let media = ScannedMedia {
            path: format!("/{name}").into(),
            size_bytes: 1,
            mtime_ms: 1,
            state: MediaState::Ready,
            probe: Some(probe),
            metadata: Metadata { title: name.into(), ..Metadata::default() },
        };
        self.media.push(self.author.store.media().upsert(&media, self.wall.now()).await.unwrap());
    }

    /// Makes another channel with the same items.
    pub(super) async fn another(&self, number: &str, schedule: Option<&str>) -> Channel {
        let collection = self.channel.collection.unwrap();
        self.author.store.channels().insert(&new_channel(number, collection, schedule)).await.unwrap()
    }

    /// Does a job and all that follows from it.
    pub(super) async fn work(&self, job: Job) {
        let mut next = Some(job);
        while let Some(job) = next {
            next = self.author.work(job).await.unwrap();
        }
    }

    pub(super) async fn extend(&self) {
        self.work(Job::Extend(self.channel.id)).await;
    }

    pub(super) fn pass(&self, minutes: i64) {
        self.wall.0.fetch_add(minutes * MINUTE_MS, Ordering::Relaxed);
    }

    pub(super) fn break_strategy(&self, fails: bool) {
        self.strategies.fails.store(fails, Ordering::Relaxed);
    }

    pub(super) async fn rows(&self) -> Vec<PlayoutEntry> {
        let rows = self.author.store.playout();
        let rows = rows.window(self.channel.id, instant(0), instant(NOON_MS * 2)).await.unwrap();
        assert!(rows.windows(2).all(|pair| pair[0].stop == pair[1].start), "{rows:#?}");
        rows
    }

    /// The titles of the rows that start in these minutes after noon, as one word.
    pub(super) async fn titles(&self, minutes: std::ops::Range<i64>) -> String {
        let inside = |row: &&PlayoutEntry| minutes.contains(&minute(row));
        self.rows().await.iter().filter(inside).map(|row| row.title.as_str()).collect()
    }

    pub(super) async fn set(&self, strategy: Option<&str>, from: Option<DateTime<Utc>>) {
        let schedule = strategy.map(named);
        assert!(self.author.store.schedules().set(self.channel.id, schedule.as_ref(), from).await.unwrap());
    }
}

fn new_channel(number: &str, collection: CollectionId, schedule: Option<&str>) -> NewChannel {
    NewChannel {
        number: number.parse().unwrap(),
        name: number.into(),
        group: String::new(),
        logo: None,
        zone: chrono_tz::UTC,
        profile: OutputProfile::default(),
        collection: Some(collection),
        order: ItemOrder::Name,
        schedule: schedule.map(named),
        tracks: TrackPreferences::default(),
        throttle: Default::default(),
        enabled: true,
    }
}

pub(super) fn named(strategy: &str) -> Schedule {
    Schedule { strategy: strategy.into(), settings: serde_json::Value::Null }
}

/// The minute after noon at which a row starts; a new timeline begins a minute before it.
pub(super) fn minute(row: &PlayoutEntry) -> i64 {
    (row.start.timestamp_millis() - NOON_MS) / MINUTE_MS
}
