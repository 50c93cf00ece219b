//! Which card takes part in a run: the host's desk, shared by all channels.
//!
//! Does: give the decisions of [`exstreamtv_hardware::Desk`] the time, and take a session back when its run is gone.
//! Does not: decide.
//! Invariant: a session is counted from the order of its run until the run is dropped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use exstreamtv_hardware::{
    Capabilities, Desk, Profile,
    desk::{Blamed, CardStanding, Failing, Kind, Ticket},
};
use exstreamtv_model::{
    PlayOrder,
    order::{BurnIn, CardUse, Source},
};
use tokio::time::Instant;

/// The desk. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SharedDesk {
    desk: Arc<Mutex<Desk>>,
    epoch: Instant,
}

/// What a run has of a card, until it is dropped.
#[derive(Debug)]
pub struct Seat {
    desk: SharedDesk,
    ticket: Ticket,
    /// The card; none where the processor does everything.
    pub card: Option<CardUse>,
    /// Why.
    pub why: String,
}

impl Default for SharedDesk {
    fn default() -> Self {
        Self { desk: Arc::default(), epoch: Instant::now() }
    }
}

impl SharedDesk {
    /// Uses these cards from now on, the best first.
    pub fn use_cards(&self, cards: Vec<(Profile, Capabilities)>) {
        self.lock().use_cards(cards);
    }

    /// Decides who does this run; `None` where there is no card, or nothing for one to do.
    pub fn assign(&self, order: &PlayOrder, wish: Option<&str>) -> Option<Seat> {
        let kind = kind(order)?;
        let mut desk = self.lock();
        if desk.is_empty() {
            return None;
        }
        let given = desk.assign(&kind, wish, self.now_ms());
        Some(Seat { desk: self.clone(), ticket: given.ticket, card: given.card, why: given.why })
    }

    /// Returns how the cards do.
    pub fn standing(&self) -> Vec<CardStanding> {
        self.lock().standing(self.now_ms())
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// The run failed, or ended otherwise than it was planned; says what the card has to do with it.
    pub fn failed(&self, failing: Failing<'_>) -> Option<Blamed> {
        self.desk.lock().failed(self.ticket, failing, self.desk.now_ms())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.desk.lock().over(self.ticket);
    }
}

fn kind(order: &PlayOrder) -> Option<Kind> {
    let Source::File { probe, video, subtitles, .. } = &order.source else { return None };
    let (stream, picture) = probe.video().find(|(stream, _)| Some(stream.index) == *video)?;
    let extras: &[&str] = match subtitles {
        Some(BurnIn::Embedded(_) | BurnIn::Sidecar { .. }) => &["subtitles"],
        None => &[],
    };
    Some(Kind::of(stream, picture, extras))
}
