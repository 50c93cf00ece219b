//! The one task that plans.
//!
//! Does: take requests one by one, urgent ones between the channels of a routine round.
//! Does not: hold anything that the database does not, but what the pools looked like.
//! Invariant: each window of a timeline and the scheduler's state after it are stored in one transaction.

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use exstreamtv_model::{
    Channel, ChannelId, CollectionSource, EntryKind, MediaId, MediaItem, MediaKind,
    schedule::{PlanAnswer, PlanEntry, PlanRequest, PoolItem, Window},
};
use exstreamtv_plugin_sdk::Scheduler;
use exstreamtv_store::{Cursor, NewEntry, Store};
use tokio::sync::{mpsc, watch};

use super::{PlayoutError, Request, instant};
use crate::{clock::Clock, lifecycle::Lifecycle};

/// The longest window that a scheduler is asked for at once.
const WINDOW_MS: i64 = 6 * 3_600_000;
/// How long rows are kept after they were on air.
const HISTORY: chrono::Duration = chrono::Duration::days(2);

pub(super) struct Planner {
    store: Store,
    clock: Arc<dyn Clock>,
    scheduler: Arc<dyn Scheduler>,
    horizon: chrono::Duration,
    life: Lifecycle,
    changed: watch::Sender<u64>,
    /// What each channel's pool looked like when its timeline was planned.
    pools: HashMap<ChannelId, u64>,
    jobs: VecDeque<Job>,
}

/// A piece of routine work.
#[derive(Debug, Clone, Copy)]
enum Job {
    /// The timeline may be short.
    Extend(ChannelId),
    /// The rules changed.
    Rebuild(ChannelId),
    /// The library changed.
    Compare(ChannelId),
}

impl Job {
    fn channel(self) -> ChannelId {
        match self {
            Self::Extend(id) | Self::Rebuild(id) | Self::Compare(id) => id,
        }
    }
}

impl Planner {
    pub(super) fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        scheduler: Arc<dyn Scheduler>,
        horizon: chrono::Duration,
        life: Lifecycle,
        changed: watch::Sender<u64>,
    ) -> Self {
        Self { store, clock, scheduler, horizon, life, changed, pools: HashMap::new(), jobs: VecDeque::new() }
    }

    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Request>, round: Duration) {
        let stopping = self.life.stopping();
        let mut next_round = tokio::time::Instant::now();
        loop {
            tokio::select! {
                biased;
                () = stopping.cancelled() => return,
                request = inbox.recv() => match request {
                    Some(request) => self.answer(request).await,
                    None => return,
                },
                () = std::future::ready(()), if !self.jobs.is_empty() => self.work().await,
                () = tokio::time::sleep_until(next_round) => {
                    next_round = tokio::time::Instant::now() + round;
                    self.begin_round(Job::Extend).await;
                }
            }
        }
    }

    async fn answer(&mut self, request: Request) {
        match request {
            Request::Reach(channel, until, reply) => {
                // Nobody waits any more: then the next one who needs it asks again.
                let _ = reply.send(self.reach(channel, until).await);
            }
            Request::Rebuild(channel) => self.jobs.push_front(Job::Rebuild(channel)),
            Request::LibraryChanged => self.begin_round(Job::Compare).await,
        }
    }

    async fn begin_round(&mut self, job: fn(ChannelId) -> Job) {
        if let Err(error) = self.store.playout().prune(self.clock.now() - HISTORY).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "old rows of timelines could not be removed");
        }
        match self.store.channels().list().await {
            Ok(channels) => {
                let enabled = channels.iter().filter(|channel| channel.enabled);
                self.jobs.extend(enabled.map(|channel| job(channel.id)));
            }
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "channels cannot be listed"),
        }
    }

    /// Does one piece of routine work; nobody who waits for a picture waits for more than that.
    async fn work(&mut self) {
        let Some(job) = self.jobs.pop_front() else { return };
        let id = job.channel();
        let done = match job {
            Job::Extend(_) => self.extend(id).await,
            Job::Rebuild(_) => self.rebuild(id).await,
            Job::Compare(_) => self.compare(id).await,
        };
        if let Err(error) = done {
            tracing::error!(channel.id = %id, error = &error as &dyn std::error::Error, "a channel could not be planned");
        }
    }

    /// Plans one more window of a channel, and the rest later.
    async fn extend(&mut self, id: ChannelId) -> Result<(), PlayoutError> {
        let until = self.clock.now() + self.horizon;
        let before = self.store.playout().end(id).await?;
        let step = before.unwrap_or_else(|| self.clock.now()) + chrono::Duration::milliseconds(WINDOW_MS);
        self.reach(id, step.min(until)).await?;
        let after = self.store.playout().end(id).await?;
        if after > before && after.is_some_and(|end| end < until) {
            self.jobs.push_back(Job::Extend(id));
        }
        Ok(())
    }

    /// Plans a channel anew if what it may play has changed.
    async fn compare(&mut self, id: ChannelId) -> Result<(), PlayoutError> {
        let Some(channel) = self.store.channels().find(id).await? else { return Ok(()) };
        let pool = self.pool(&channel).await?;
        match self.pools.get(&id) {
            Some(known) if *known == fingerprint(&pool) => self.extend(id).await,
            _ => self.rebuild(id).await,
        }
    }

    /// Makes the timeline reach `until`; nothing to play leaves it empty, and the feed shows its slate.
    async fn reach(&mut self, id: ChannelId, until: DateTime<Utc>) -> Result<(), PlayoutError> {
        let Some(channel) = self.store.channels().find(id).await? else { return Ok(()) };
        let now = self.clock.now();
        let mut end = self.store.playout().end(id).await?;
        if end.is_some_and(|end| end < now) {
            // The host was off: nobody needs rows for the time between.
            self.store.playout().prune(now).await?;
            end = None;
        }
        let mut start = end.unwrap_or_else(|| beginning(now));
        if start >= until {
            return Ok(());
        }
        let pool = self.pool(&channel).await?;
        if pool.is_empty() {
            return Ok(());
        }
        self.pools.insert(id, fingerprint(&pool));
        let pool = Arc::new(pool);
        while start < until {
            let window = Window {
                start_ms: start.timestamp_millis(),
                stop_ms: until.timestamp_millis().min(start.timestamp_millis() + WINDOW_MS),
            };
            let (entries, cursor) = self.plan(&channel, &pool, window, None).await?;
            let reached = cursor.upto;
            self.store.playout().append(id, &entries, &cursor).await?;
            start = reached;
        }
        self.changed.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Plans everything after what is on air anew.
    async fn rebuild(&mut self, id: ChannelId) -> Result<(), PlayoutError> {
        let Some(channel) = self.store.channels().find(id).await? else { return Ok(()) };
        let now = self.clock.now();
        let playing = self.store.playout().on_air(id, now).await?;
        let from = match &playing {
            Some(row) => row.stop,
            None => {
                // What has ended must not stand in the way of a new beginning.
                self.store.playout().prune(now).await?;
                beginning(now)
            }
        };
        let pool = self.pool(&channel).await?;
        if pool.is_empty() {
            self.pools.remove(&id);
            let cursor = Cursor { state: serde_json::Value::Null, seed: seed(&channel), upto: from };
            self.store.playout().replace_from(id, from, &[], &cursor).await?;
            self.changed.send_modify(|count| *count += 1);
            return Ok(());
        }
        self.pools.insert(id, fingerprint(&pool));
        let pool = Arc::new(pool);
        let stop_ms = (from.timestamp_millis() + WINDOW_MS)
            .min((now + self.horizon).timestamp_millis().max(from.timestamp_millis() + 1));
        let window = Window { start_ms: from.timestamp_millis(), stop_ms };
        let (entries, cursor) = self.plan(&channel, &pool, window, playing.and_then(|row| row.media)).await?;
        self.store.playout().replace_from(id, from, &entries, &cursor).await?;
        self.changed.send_modify(|count| *count += 1);
        self.jobs.push_back(Job::Extend(id));
        Ok(())
    }

    /// Asks the scheduler for a window and checks what it says.
    async fn plan(
        &self,
        channel: &Channel,
        pool: &Arc<Vec<PlayItem>>,
        window: Window,
        after: Option<MediaId>,
    ) -> Result<(Vec<NewEntry>, Cursor), PlayoutError> {
        let id = channel.id;
        let cursor = self.store.playout().cursor(id).await?;
        let seed = cursor.as_ref().map_or_else(|| seed(channel), |cursor| cursor.seed);
        let request = PlanRequest {
            zone: channel.zone.to_string(),
            window,
            pool: pool.iter().map(|item| item.offer.clone()).collect(),
            order: channel.order,
            state: cursor.map(|cursor| cursor.state).filter(|state| !state.is_null()),
            seed,
            after,
        };
        let scheduler = Arc::clone(&self.scheduler);
        // A plan over a large pool takes milliseconds of pure computing: not on the threads that serve viewers.
        let planned = self.life.spawn_blocking(move || {
            let answer = scheduler.plan(&request);
            (request, answer)
        });
        let (request, answer) = planned.await.map_err(|_| PlayoutError::Stopping)?;
        let answer = answer.map_err(|source| PlayoutError::Plan { channel: id, source })?;
        answer.check(&request).map_err(|source| PlayoutError::Answer { channel: id, source })?;
        Ok(rows(pool, answer, seed))
    }

    async fn pool(&self, channel: &Channel) -> Result<Vec<PlayItem>, PlayoutError> {
        let Some(collection) = channel.collection else { return Ok(vec![]) };
        let Some(found) = self.store.collections().find(collection).await? else { return Ok(vec![]) };
        let manual = matches!(found.source, CollectionSource::Manual { .. });
        let items = self.store.collections().items(collection).await?;
        let offer = |(position, item): (usize, MediaItem)| PlayItem::offer(&item, manual.then_some(position));
        Ok(items.into_iter().enumerate().filter_map(offer).collect())
    }
}

/// Something that may be played, with what the guide calls it.
struct PlayItem {
    offer: PoolItem,
    title: String,
}

impl PlayItem {
    fn offer(item: &MediaItem, position: Option<usize>) -> Option<Self> {
        let duration_ms = item.playable_ms()?;
        let metadata = &item.metadata;
        let offer = PoolItem {
            id: item.id,
            duration_ms,
            kind: metadata.kind,
            title: metadata.title.clone(),
            show: metadata.show.clone(),
            season: metadata.season,
            episode: metadata.episode,
            position: position.and_then(|position| u32::try_from(position).ok()),
        };
        let title = match (&metadata.show, metadata.kind) {
            (Some(show), MediaKind::Episode) => show.clone(),
            _ => metadata.title.clone(),
        };
        Some(Self { offer, title })
    }
}

fn rows(pool: &[PlayItem], answer: PlanAnswer, seed: u64) -> (Vec<NewEntry>, Cursor) {
    let titles: HashMap<MediaId, &str> = pool.iter().map(|item| (item.offer.id, item.title.as_str())).collect();
    let row = |entry: &PlanEntry| NewEntry {
        start: instant(entry.start_ms),
        stop: instant(entry.stop_ms),
        media: entry.item,
        in_point_ms: entry.in_point_ms,
        kind: if entry.item.is_some() { EntryKind::Programme } else { EntryKind::Slate },
        title: entry.item.and_then(|id| titles.get(&id)).map_or_else(String::new, |title| (*title).to_owned()),
        why: entry.why.clone(),
    };
    let entries: Vec<NewEntry> = answer.entries.iter().map(row).collect();
    let upto = answer.entries.last().map_or(0, |entry| entry.stop_ms);
    (entries, Cursor { state: answer.state, seed, upto: instant(upto) })
}

fn fingerprint(pool: &[PlayItem]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for item in pool {
        (
            item.offer.id,
            item.offer.duration_ms,
            item.offer.position,
            &item.offer.title,
            item.offer.season,
            item.offer.episode,
        )
            .hash(&mut hasher);
    }
    hasher.finish()
}

/// A channel's own source of randomness, the same on every machine.
fn seed(channel: &Channel) -> u64 {
    channel.id.0.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// A new timeline begins on a whole minute, so that guides read well, and a little in the past, where a cold feed begins.
fn beginning(now: DateTime<Utc>) -> DateTime<Utc> {
    instant((now.timestamp() - 20).div_euclid(60) * 60_000)
}
