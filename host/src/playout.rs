//! Timelines: what every channel shows, planned ahead and kept in the database.
//!
//! Does: ask a channel's strategy for more when the timeline runs short and store what it says; read it for feeds; try schedules out.
//! Does not: choose items itself, or play them.
//! Invariant: guide and feeds read the same rows; past and on-air rows never change.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use exstreamtv_model::{ChannelId, MediaId, MediaItem, PlayoutEntry};
use exstreamtv_store::{Store, StoreError};
use tokio::sync::{mpsc, oneshot};

use crate::{clock::Clock, lifecycle::Lifecycle};

pub mod ask;
mod author;
mod boundary;
mod draft;
#[cfg(test)]
mod house;
mod material;
mod planner;
pub mod preview;
mod rules;

use ask::Ask;
use author::Author;
use planner::Planner;

/// How often every channel's timeline is looked after.
const ROUND: Duration = Duration::from_secs(600);

/// Other files with the same programme that are tried at most.
const MOST_VERSIONS: u32 = 3;

/// A row of the timeline with what it plays.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The row.
    pub entry: PlayoutEntry,
    /// Its media; `None` shows the slate.
    pub media: Option<Arc<MediaItem>>,
}

/// Why there is no timeline; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum PlayoutError {
    /// The database failed.
    #[error("read or write a timeline")]
    Store(#[from] StoreError),
    /// The planner is gone.
    #[error("plan: the host is stopping")]
    Stopping,
}

/// What the planner is asked.
enum Request {
    /// Makes the channel's timeline reach a time.
    Reach(ChannelId, DateTime<Utc>, oneshot::Sender<Result<(), PlayoutError>>),
    /// The channel's rules changed: everything from a time on, or after what is on air, is planned anew.
    Rebuild(ChannelId, Option<DateTime<Utc>>),
    /// The library changed: channels whose media changed are planned anew.
    LibraryChanged,
}

/// The service; clones share one planner.
#[derive(Clone)]
pub struct Playouts {
    store: Store,
    clock: Arc<dyn Clock>,
    ask: Arc<dyn Ask>,
    urgent: mpsc::Sender<Request>,
    changes: tokio::sync::watch::Receiver<u64>,
}

impl Playouts {
    /// Starts the planner, which keeps every channel planned `horizon` ahead.
    pub fn start(
        store: Store,
        clock: Arc<dyn Clock>,
        ask: Arc<dyn Ask>,
        horizon: chrono::Duration,
        life: &Lifecycle,
    ) -> Self {
        let (urgent, inbox) = mpsc::channel(64);
        let (changed, changes) = tokio::sync::watch::channel(0);
        let author = Author { store: store.clone(), clock: clock.clone(), ask: Arc::clone(&ask), horizon, changed };
        life.spawn(Planner::new(author, life.clone()).run(inbox, ROUND));
        Self { store, clock, ask, urgent, changes }
    }

    /// Returns the rows of a stretch of time with their media, planning first where the timeline is too short.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn upcoming(&self, channel: ChannelId, from_ms: i64, to_ms: i64) -> Result<Vec<Planned>, PlayoutError> {
        let (from, to) = (instant(from_ms), instant(to_ms));
        let end = self.store.playout().end(channel).await?;
        // A timeline that lies ahead of a clock that was set back has nothing for now.
        let covers_now = self.on_air(channel).await?.is_some();
        if end.is_none_or(|end| end < to) || !covers_now {
            self.reach(channel, to).await?;
        }
        let rows = self.store.playout().window(channel, from, to).await?;
        self.with_media(rows).await
    }

    async fn reach(&self, channel: ChannelId, until: DateTime<Utc>) -> Result<(), PlayoutError> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Reach(channel, until, reply);
        self.urgent.send(request).await.map_err(|_| PlayoutError::Stopping)?;
        answer.await.map_err(|_| PlayoutError::Stopping)?
    }

    async fn with_media(&self, rows: Vec<PlayoutEntry>) -> Result<Vec<Planned>, PlayoutError> {
        let mut ids: Vec<_> = rows.iter().filter_map(|row| row.media).collect();
        ids.sort_unstable();
        ids.dedup();
        let media = self.store.media().find_many(&ids).await?;
        let media: std::collections::HashMap<_, _> = media.into_iter().map(|item| (item.id, Arc::new(item))).collect();
        let planned = |entry: PlayoutEntry| {
            let media = entry.media.and_then(|id| media.get(&id).cloned());
            Planned { entry, media }
        };
        Ok(rows.into_iter().map(planned).collect())
    }

    /// Returns other files with the same programme, best known first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn versions(&self, media: MediaId) -> Result<Vec<Arc<MediaItem>>, PlayoutError> {
        Ok(self.store.media().versions(media, MOST_VERSIONS).await?.into_iter().map(Arc::new).collect())
    }

    /// Returns what is on air on a channel now, as far as it is planned.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn on_air(&self, channel: ChannelId) -> Result<Option<PlayoutEntry>, PlayoutError> {
        Ok(self.store.playout().on_air(channel, self.clock.now()).await?)
    }

    /// A channel or its collection was edited: everything after what is on air is planned anew.
    pub fn rebuild(&self, channel: ChannelId) {
        self.tell(Request::Rebuild(channel, None));
    }

    /// A channel got another schedule from a time on: everything from there on is planned anew, and nothing before.
    pub fn switch(&self, channel: ChannelId, from: DateTime<Utc>) {
        self.tell(Request::Rebuild(channel, Some(from)));
    }

    /// Media came, went or changed.
    pub fn library_changed(&self) {
        self.tell(Request::LibraryChanged);
    }

    /// Returns a counter that grows whenever a timeline was planned anew.
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.changes.clone()
    }

    fn tell(&self, request: Request) {
        if self.urgent.try_send(request).is_err() {
            tracing::warn!("the planner is too busy for another change; its next round will find it");
        }
    }
}

pub(crate) fn instant(unix_ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(unix_ms).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
