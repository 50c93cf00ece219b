//! The planner, on a real database with a strategy that can fail and be gone; time is an argument.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use exstreamtv_model::{
    Channel, CollectionSource, ItemOrder, MediaId, MediaProbe, MediaState, Metadata, OutputProfile, PlayoutEntry,
    collection::MediaQuery,
    pick::TrackPreferences,
    schedule::{MAIN_POOL, PlanAnswer, PlanEntry, PlanRequest, PoolNeed, PoolSource, Preparation, PrepareRequest},
};
use exstreamtv_plugin_sdk::Scheduler;
use exstreamtv_schedulers::Sequence;
use exstreamtv_store::{NewChannel, ScannedMedia};
use futures::{FutureExt, future::BoxFuture};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::{
    playout::Playouts,
    plugins::{self, StrategyError, strategies::SEQUENCE},
};

const MINUTE_MS: i64 = 60_000;
const ITEM_MS: i64 = 10 * MINUTE_MS;

/// A strategy "test.count" that lays every item in full, one after the other, and counts what it has laid. It can fail, and be gone.
#[derive(Default)]
struct Strategies {
    fails: AtomicBool,
    gone: AtomicBool,
    requests: Mutex<Vec<(String, PlanRequest)>>,
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

struct Wall(AtomicI64);

impl Clock for Wall {
    fn now(&self) -> DateTime<Utc> {
        instant(self.0.load(Ordering::Relaxed))
    }
}

/// A planner with a channel of five items of ten minutes, titled "a" to "e".
struct House {
    planner: Planner,
    strategies: Arc<Strategies>,
    wall: Arc<Wall>,
    channel: Channel,
    media: Vec<MediaId>,
    _folder: TempDir,
}

const NOON_MS: i64 = 1_800_014_400_000;

impl House {
    async fn with(schedule: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let wall = Arc::new(Wall(AtomicI64::new(NOON_MS)));
        let store = Store::open(&folder.path().join("test.db"), wall.now()).await.unwrap();
        let source = CollectionSource::Query(MediaQuery::default());
        let collection = store.collections().insert("all", &source).await.unwrap().id;
        let new = NewChannel {
            number: "1".parse().unwrap(),
            name: "One".into(),
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
        };
        let channel = store.channels().insert(&new).await.unwrap();
        let strategies = Arc::new(Strategies::default());
        let (changed, _) = watch::channel(0);
        let horizon = TimeDelta::hours(24);
        let planner = Planner::new(store, wall.clone(), strategies.clone(), horizon, Lifecycle::default(), changed);
        let mut house = Self { planner, strategies, wall, channel, media: vec![], _folder: folder };
        for name in ["a", "b", "c", "d", "e"] {
            house.add(name).await;
        }
        house
    }

    async fn add(&mut self, name: &str) {
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
        self.media.push(self.planner.store.media().upsert(&media, self.wall.now()).await.unwrap());
    }

    /// Does a job and all that follows from it.
    async fn work(&mut self, job: Job) {
        self.planner.jobs.push_back(job);
        while !self.planner.jobs.is_empty() {
            self.planner.work().await;
        }
    }

    async fn extend(&mut self) {
        self.work(Job::Extend(self.channel.id)).await;
    }

    fn pass(&self, minutes: i64) {
        self.wall.0.fetch_add(minutes * MINUTE_MS, Ordering::Relaxed);
    }

    fn break_strategy(&self, fails: bool) {
        self.strategies.fails.store(fails, Ordering::Relaxed);
    }

    async fn rows(&self) -> Vec<PlayoutEntry> {
        let rows = self.planner.store.playout();
        let rows = rows.window(self.channel.id, instant(0), instant(NOON_MS * 2)).await.unwrap();
        assert!(rows.windows(2).all(|pair| pair[0].stop == pair[1].start), "{rows:#?}");
        rows
    }

    /// The titles of the rows that start in these minutes after noon, as one word.
    async fn titles(&self, minutes: std::ops::Range<i64>) -> String {
        let inside = |row: &&PlayoutEntry| minutes.contains(&minute(row));
        self.rows().await.iter().filter(inside).map(|row| row.title.as_str()).collect()
    }

    async fn set(&self, strategy: Option<&str>, from: Option<DateTime<Utc>>) {
        let schedule = strategy.map(named);
        assert!(self.planner.store.schedules().set(self.channel.id, schedule.as_ref(), from).await.unwrap());
    }
}

fn named(strategy: &str) -> Schedule {
    Schedule { strategy: strategy.into(), settings: serde_json::Value::Null }
}

/// The minute after noon at which a row starts; a new timeline begins a minute before it.
fn minute(row: &PlayoutEntry) -> i64 {
    (row.start.timestamp_millis() - NOON_MS) / MINUTE_MS
}

#[tokio::test]
async fn a_timeline_is_laid_window_by_window_as_if_at_once() {
    let mut house = House::with(Some("test.count")).await;
    house.extend().await;
    let rows = house.rows().await;
    assert_eq!(minute(&rows[0]), -1);
    assert!(rows.last().unwrap().stop >= house.wall.now() + house.planner.horizon);
    for (place, row) in rows.iter().enumerate() {
        assert_eq!((row.why.as_str(), row.rule.as_str()), (format!("number {place}").as_str(), "count"));
    }
    let windows = house.strategies.requests.lock().unwrap().len();
    assert!(windows >= 4, "{windows} windows for a day");
    assert!(house.strategies.requests.lock().unwrap().iter().all(|(_, request)| request.aired.is_empty()));
}

#[tokio::test]
async fn an_edit_takes_effect_behind_what_is_on_air_and_no_series_loses_its_place() {
    for schedule in [None, Some("test.count")] {
        let mut house = House::with(schedule).await;
        house.extend().await;
        let before = house.rows().await;
        house.pass(25);
        house.work(Job::Rebuild(house.channel.id, None)).await;
        assert_eq!(
            house.rows().await.iter().map(|row| &row.title).collect::<Vec<_>>()[..100],
            before.iter().map(|row| &row.title).collect::<Vec<_>>()[..100]
        );
        house.add("f").await;
        house.work(Job::Compare(house.channel.id)).await;
        assert_eq!(house.rows().await[..3], before[..3], "past and on-air rows are the same rows");
        assert_eq!(house.titles(-1..79).await, "abcdefab", "{schedule:?}");
    }
}

#[tokio::test]
async fn a_library_that_is_as_it_was_changes_no_row() {
    let mut house = House::with(Some("test.count")).await;
    house.extend().await;
    let before = house.rows().await;
    house.pass(25);
    house.work(Job::Compare(house.channel.id)).await;
    assert_eq!(house.rows().await[..before.len()], before);
}

#[tokio::test]
async fn a_switch_changes_nothing_before_its_time_and_ends_the_row_on_air_there() {
    let mut house = House::with(None).await;
    house.extend().await;
    let before = house.rows().await;
    let from = instant(NOON_MS + 23 * MINUTE_MS);
    house.set(Some("test.count"), Some(from)).await;
    house.work(Job::Rebuild(house.channel.id, Some(from))).await;
    let after = house.rows().await;
    assert_eq!(after[..2], before[..2]);
    assert_eq!((after[2].id, after[2].start, after[2].stop), (before[2].id, before[2].start, from));
    assert_eq!((after[3].start, after[3].why.as_str()), (from, "number 0"));
    assert!(after[3..].iter().all(|row| row.rule == "count"));

    // A change of mind: the old schedule goes on where it was cut.
    house.set(None, None).await;
    house.work(Job::Rebuild(house.channel.id, Some(from))).await;
    let again = house.rows().await;
    assert!(again.iter().all(|row| row.rule.is_empty()), "{:#?}", &again[..6]);
    assert_eq!(again[3].title, "d");
}

#[tokio::test]
async fn two_schedules_in_one_window_meet_at_the_border() {
    let mut house = House::with(None).await;
    let border = instant(NOON_MS + 45 * MINUTE_MS);
    house.set(Some("test.count"), Some(border)).await;
    house.extend().await;
    let rows = house.rows().await;
    let (before, after): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.start < border);
    assert!(before.iter().all(|row| row.rule.is_empty()) && after.iter().all(|row| row.rule == "count"));
    assert_eq!((before.last().unwrap().stop, after[0].start, after[0].why.as_str()), (border, border, "number 0"));

    house.pass(50);
    let count = rows.len();
    house.planner.settle().await;
    house.extend().await;
    assert_eq!(house.rows().await[..count], rows, "coming into force changes no row");
    let channel = house.planner.store.channels().find(house.channel.id).await.unwrap().unwrap();
    assert_eq!(channel.schedule, Some(named("test.count")));
}

#[tokio::test]
async fn the_sequence_stands_in_for_a_strategy_that_fails_and_gives_way_when_it_answers_again() {
    let mut house = House::with(Some("test.count")).await;
    house.break_strategy(true);
    house.extend().await;
    let stood_in = house.rows().await;
    assert!(stood_in.last().unwrap().stop >= house.wall.now() + house.planner.horizon, "the channel has its rows");
    assert!(stood_in.iter().all(|row| row.why.contains("test.count did not answer: it fell asleep")));
    let titles: String = stood_in.iter().map(|row| row.title.as_str()).collect();
    assert_eq!(titles, "abcde".repeat(stood_in.len())[..titles.len()], "it goes on from window to window");

    house.pass(15);
    house.work(Job::Retry(house.channel.id)).await;
    assert_eq!(house.rows().await[..stood_in.len()], stood_in, "as long as it fails, nothing is torn up");

    house.break_strategy(false);
    house.work(Job::Retry(house.channel.id)).await;
    let rows = house.rows().await;
    assert_eq!(rows[..2], stood_in[..2], "what was and is on air stays");
    assert!(rows[2..].iter().all(|row| row.rule == "count"));
    assert_eq!(rows[2].why, "number 2", "it was told of what had been laid meanwhile");
    let playout = house.planner.store.playout();
    assert_eq!(playout.first_fallback(house.channel.id, house.wall.now()).await.unwrap(), None);
}

#[tokio::test]
async fn a_strategy_that_failed_for_a_while_goes_on_from_its_state() {
    let mut house = House::with(Some("test.count")).await;
    house.extend().await;
    let laid = house.rows().await.len();
    house.break_strategy(true);
    house.pass(120);
    house.extend().await;
    let stood_in = house.rows().await.len() - laid;
    assert!(stood_in > 0);
    house.break_strategy(false);
    house.work(Job::Retry(house.channel.id)).await;
    let rows = house.rows().await;
    let numbers: Vec<_> = rows.iter().map(|row| row.why.clone()).collect();
    assert_eq!(numbers, (0..rows.len()).map(|number| format!("number {number}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_strategy_that_is_gone_leaves_its_pools_to_the_sequence() {
    let mut house = House::with(Some("test.count")).await;
    house.extend().await;
    let nothing = Channel { collection: None, ..house.planner.store.channels().list().await.unwrap().remove(0) };
    house.planner.store.channels().update(&nothing).await.unwrap();
    house.strategies.gone.store(true, Ordering::Relaxed);
    house.pass(25);
    house.work(Job::Rebuild(house.channel.id, None)).await;
    let rows = house.rows().await;
    assert!(rows.len() > 100 && rows.iter().all(|row| row.media.is_some()));
}

#[tokio::test]
async fn an_empty_library_has_no_rows_and_what_comes_is_on_air_at_once() {
    let mut house = House::with(Some("test.count")).await;
    let media = house.planner.store.media();
    media.mark_missing(&house.media).await.unwrap();
    house.extend().await;
    assert!(house.rows().await.is_empty());
    house.pass(60);
    house.add("a").await;
    house.work(Job::Compare(house.channel.id)).await;
    assert_eq!(minute(&house.rows().await[0]), 59);
    media.mark_missing(&house.media).await.unwrap();
    house.work(Job::Compare(house.channel.id)).await;
    assert_eq!(house.rows().await.len(), 1, "what is on air stays, and nothing follows");
}

#[tokio::test]
async fn after_a_long_sleep_the_timeline_begins_anew_at_the_next_item() {
    let mut house = House::with(Some("test.count")).await;
    house.extend().await;
    let laid = house.rows().await.len();
    house.pass(60 * 24 * 30);
    house.extend().await;
    let rows = house.rows().await;
    assert_eq!((minute(&rows[0]), rows[0].why.as_str()), (60 * 24 * 30 - 1, format!("number {laid}").as_str()));
}

#[tokio::test]
async fn a_preview_is_what_the_timeline_would_be_and_stores_nothing() {
    let mut house = House::with(None).await;
    house.extend().await;
    house.pass(25);
    let (store, id) = (house.planner.store.clone(), house.channel.id);
    let before = (house.rows().await, store.playout().checkpoint(id, instant(NOON_MS * 2)).await.unwrap());
    let life = Lifecycle::default();
    let playouts = Playouts {
        ask: house.strategies.clone(),
        ..Playouts::start(store.clone(), house.wall.clone(), house.strategies.clone(), TimeDelta::hours(1), &life)
    };
    let span = TimeDelta::hours(20);
    let tried = playouts.preview(id, Some(named("test.count")), span).await.unwrap().unwrap();
    let own = playouts.preview(id, None, span).await.unwrap().unwrap();
    let after = (house.rows().await, store.playout().checkpoint(id, instant(NOON_MS * 2)).await.unwrap());
    assert_eq!(after, before);

    assert_eq!((tried.from, tried.entries[0].start), (before.0[2].stop, before.0[2].stop));
    assert!(tried.entries.iter().enumerate().all(|(place, row)| row.why == format!("number {place}")));
    assert_eq!((tried.by.as_str(), tried.fallback), ("test.count", None));
    assert_eq!(tried.distribution.len(), 1);
    assert_eq!(tried.distribution[0].count, tried.entries.len() as u64);
    let coming: Vec<_> = before.0[3..].iter().map(|row| row.title.clone()).collect();
    let shown: Vec<_> = own.entries.iter().map(|row| row.title.clone()).collect();
    assert_eq!(shown[..100], coming[..100]);

    let faults = playouts.check(&house.channel, &named("test.lost")).await.unwrap();
    assert!(faults[0].message.contains("no collection with the id or the name \"nowhere\""), "{faults:?}");
    house.strategies.gone.store(true, Ordering::Relaxed);
    let faults = playouts.check(&house.channel, &named("test.count")).await.unwrap();
    assert_eq!(faults[0].path, "strategy");
    life.stop(Duration::from_secs(1)).await;
}
