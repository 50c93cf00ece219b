//! Writes down what was aired and what went wrong, beside the feeds.
//!
//! Does: take notes from feeds, write them in order, try again while the database is locked, forget what is old.
//! Does not: decide what is worth a note, or make a feed wait.
//! Invariant: notes of one feed are written in their order, and those of a feed that ends with the host are written before the host is gone.

use std::time::Duration;

use chrono::TimeDelta;
use exstreamtv_model::{AiredRow, ChannelIncident};
use exstreamtv_store::{Store, StoreError, StoreErrorKind};
use tokio::sync::{broadcast, mpsc};

use crate::{clock::Clock, lifecycle::Lifecycle};

/// Notes that may wait for the database; a channel writes one every few seconds.
const WAITING: usize = 4_096;
/// Incidents that a slow listener may have before him.
const NEWS: usize = 1_024;
/// How long what was aired and what went wrong is remembered.
const MEMORY: TimeDelta = TimeDelta::days(31);
/// How often old notes are forgotten.
const TIDY: Duration = Duration::from_secs(3_600);
/// The pause before another attempt at a locked database, and how many there are.
const AGAIN: Duration = Duration::from_millis(500);
const ATTEMPTS: u32 = 120;

/// Something to write down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A stretch was aired, up to now.
    Aired(AiredRow),
    /// Something went wrong, goes on going wrong, or is over.
    Incident(ChannelIncident),
}

/// Where feeds get their pens.
#[derive(Debug, Clone)]
pub struct Chronicle {
    notes: mpsc::WeakSender<Note>,
    news: broadcast::Sender<ChannelIncident>,
}

/// One feed's pen; the chronicle goes on as long as anybody holds one.
#[derive(Debug, Clone, Default)]
pub struct Pen {
    notes: Option<mpsc::Sender<Note>>,
    news: Option<broadcast::Sender<ChannelIncident>>,
}

impl Chronicle {
    /// Starts writing; what the host before left open is ended first.
    pub fn start(store: Store, clock: std::sync::Arc<dyn Clock>, life: &Lifecycle) -> Self {
        let (notes, inbox) = mpsc::channel(WAITING);
        let weak = notes.downgrade();
        let stopping = life.stopping();
        life.spawn(async move {
            let scribe = Scribe { store, clock };
            let own = notes;
            scribe.begin().await;
            let mut writing = std::pin::pin!(scribe.write(inbox));
            tokio::select! {
                () = &mut writing => return,
                () = stopping.cancelled() => drop(own),
            }
            // Feeds still write their last lines; it ends when they have put down their pens.
            writing.await;
        });
        Self { notes: weak, news: broadcast::channel(NEWS).0 }
    }

    /// Returns a pen; it writes nothing once the host is stopping.
    pub fn pen(&self) -> Pen {
        Pen { notes: self.notes.upgrade(), news: Some(self.news.clone()) }
    }

    /// Returns incidents as they are written from now on, each as often as something is new about it.
    pub fn news(&self) -> broadcast::Receiver<ChannelIncident> {
        self.news.subscribe()
    }
}

impl Pen {
    /// Writes a note, some time soon.
    pub fn write(&self, note: Note) {
        if let (Note::Incident(incident), Some(news)) = (&note, &self.news) {
            // Nobody may be listening.
            let _ = news.send(incident.clone());
        }
        let Some(notes) = &self.notes else { return };
        if notes.try_send(note).is_err() {
            tracing::warn!("the database is too slow: a line of the as-run log is lost");
        }
    }
}

#[cfg(test)]
impl Pen {
    /// Returns a pen whose notes can be read.
    pub(crate) fn to(notes: mpsc::Sender<Note>) -> Self {
        Self { notes: Some(notes), news: None }
    }
}

struct Scribe {
    store: Store,
    clock: std::sync::Arc<dyn Clock>,
}

impl Scribe {
    async fn begin(&self) {
        match self.store.chronicle().end_all(self.clock.now()).await {
            Ok(0) => {}
            Ok(ended) => tracing::info!(ended, "incidents that the last run of this server left open are ended"),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "open incidents of the last run cannot be ended"
                )
            }
        }
    }

    async fn write(&self, mut inbox: mpsc::Receiver<Note>) {
        let mut tidy = tokio::time::interval(TIDY);
        loop {
            tokio::select! {
                note = inbox.recv() => match note {
                    Some(note) => self.keep(&note).await,
                    None => return,
                },
                _ = tidy.tick() => self.forget().await,
            }
        }
    }

    async fn keep(&self, note: &Note) {
        for attempt in 1.. {
            let error = match self.put(note).await {
                Ok(()) => return,
                // The channel was deleted while it was on air.
                Err(StoreError::NoSuch { .. }) => return,
                Err(error) => error,
            };
            if error.kind() != StoreErrorKind::Locked || attempt >= ATTEMPTS {
                tracing::warn!(error = &error as &dyn std::error::Error, "a line of the as-run log is lost");
                return;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn put(&self, note: &Note) -> Result<(), StoreError> {
        match note {
            Note::Aired(row) => self.store.chronicle().air(row).await,
            Note::Incident(incident) => self.store.chronicle().note(incident).await,
        }
    }

    async fn forget(&self) {
        let Some(horizon) = self.clock.now().checked_sub_signed(MEMORY) else { return };
        if let Err(error) = self.store.chronicle().forget(horizon).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "old lines of the as-run log cannot be forgotten");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use exstreamtv_model::{Cause, ChannelId};

    use super::*;
    use crate::{clock::SystemClock, http::fakes::Host, playout::instant};

    fn incident(channel: ChannelId, failures: u32) -> Note {
        let (began, ended, title, detail) = (instant(1_000), None, String::new(), String::new());
        Note::Incident(ChannelIncident { channel, cause: Cause::FfmpegHung, began, ended, failures, title, detail })
    }

    #[tokio::test]
    async fn what_a_feed_writes_while_the_host_stops_is_kept_in_its_order() {
        let host = Host::open().await;
        let channel = host.channel("5", "Five").await.id;
        let life = Lifecycle::default();
        let chronicle = Chronicle::start(host.store.clone(), Arc::new(SystemClock), &life);
        let pen = chronicle.pen();
        life.stopping().cancel();
        (1..=50).for_each(|failures| pen.write(incident(channel, failures)));
        // A channel that was deleted meanwhile stops nothing.
        pen.write(incident(ChannelId(99), 1));
        pen.write(incident(channel, 51));
        drop(pen);
        assert!(life.stop(Duration::from_secs(60)).await, "the chronicle does not end");
        let kept = host.store.chronicle().incidents(None, None, 10).await.unwrap();
        assert_eq!(kept.iter().map(|kept| kept.incident.failures).collect::<Vec<_>>(), [51]);
        assert!(chronicle.pen().notes.is_none(), "somebody could still write");
    }
}
