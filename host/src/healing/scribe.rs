//! Writes down what the healer did, learnt and asks.
//!
//! Does: write one thing after the other, beside the healer, and forget what is old.
//! Does not: make the healer wait: a database that is out of connections is what it may have to mend.
//! Invariant: what is written is written in its order; what cannot be written is said.

use std::time::Duration;

use exstreamtv_healing::resolver::{
    approval::Approval,
    attempt::Resolution,
    posterior::{Record, Trial},
};
use exstreamtv_store::{Store, StoreError, StoreErrorKind};
use tokio::sync::mpsc;

use super::memory::{approval_row, posterior_row, resolution_row};
use crate::lifecycle::Lifecycle;

/// What may wait for the database.
const WAITING: usize = 1_024;
/// The pause before another attempt at a locked database, and how many there are.
const AGAIN: Duration = Duration::from_millis(500);
const ATTEMPTS: u32 = 120;

/// Something to write down.
#[derive(Debug)]
pub(super) enum Note {
    Learnt(Trial, Record),
    Asked(Box<Approval>),
    Done(Box<Resolution>),
    /// Forget what is older than this, Unix milliseconds.
    Forget(i64),
}

/// Where notes are handed in.
#[derive(Debug, Clone)]
pub(super) struct Pen {
    notes: mpsc::Sender<Note>,
}

impl Pen {
    /// Starts to write.
    pub(super) fn start(store: Store, life: &Lifecycle) -> Self {
        let (notes, mut inbox) = mpsc::channel(WAITING);
        life.spawn(async move {
            // It ends when the healer does, with everything written.
            while let Some(note) = inbox.recv().await {
                keep(&store, &note).await;
            }
        });
        Self { notes }
    }

    /// Writes a note, some time soon.
    pub(super) fn write(&self, note: Note) {
        if self.notes.try_send(note).is_err() {
            tracing::warn!("the database is too slow: a note of the healer is lost");
        }
    }
}

async fn keep(store: &Store, note: &Note) {
    for attempt in 1.. {
        let Err(error) = put(store, note).await else { return };
        if error.kind() != StoreErrorKind::Locked || attempt >= ATTEMPTS {
            tracing::warn!(error = &error as &dyn std::error::Error, "a note of the healer is lost");
            return;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn put(store: &Store, note: &Note) -> Result<(), StoreError> {
    let healing = store.healing();
    match note {
        Note::Learnt(trial, record) => healing.learn(&posterior_row(trial, record)).await,
        Note::Asked(question) => healing.ask(&approval_row(question)).await,
        Note::Done(told) => healing.resolve(&resolution_row(told)).await,
        Note::Forget(horizon_ms) => healing.forget(*horizon_ms).await.map(drop),
    }
}
