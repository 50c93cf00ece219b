//! What a feed knows of its channel's schedule.
//!
//! Does: ask for the coming rows and their tracks in time, keep them, tell them as slots in frames.
//! Does not: plan (that is `playout`), or decide what is shown.
//! Invariant: a database that is slow or down never stops the feed; it goes on with what it knows and asks again.

use std::{collections::HashMap, future::Future, pin::Pin, sync::Arc, time::Duration};

use exstreamtv_core::{Announced, Content, Slot};
use exstreamtv_model::{ChannelId, EntryKind, PlayoutEntryId, pick::TrackPreferences};
use exstreamtv_transport::FrameGrid;
use tokio::time::Instant;

use super::picks::{ChannelPicks, Picked};
use crate::playout::{Planned, PlayoutError, Playouts};

/// How much of the schedule is known ahead, and when more is asked for.
pub const AHEAD_MS: i64 = 30 * 60_000;
const REFRESH_MS: i64 = 10 * 60_000;
/// The pause between two questions.
const PAUSE: Duration = Duration::from_secs(5);

type Query = Pin<Box<dyn Future<Output = Result<Vec<Planned>, PlayoutError>> + Send>>;

/// The coming rows of one channel.
pub struct Outlook {
    playouts: Playouts,
    channel: ChannelId,
    picks: ChannelPicks,
    rows: HashMap<PlayoutEntryId, Planned>,
    query: Option<Query>,
    not_before: Instant,
}

impl Outlook {
    /// Returns an outlook that knows nothing yet.
    pub fn new(playouts: Playouts, channel: ChannelId, picks: ChannelPicks) -> Self {
        Self { playouts, channel, picks, rows: HashMap::new(), query: None, not_before: Instant::now() }
    }

    /// Takes new rows in place of the old ones; returns them as slots.
    pub fn take(&mut self, planned: Vec<Planned>, grid: &FrameGrid) -> Vec<Slot> {
        let slots = planned.iter().map(|planned| slot(planned, grid)).filter(|slot| slot.first < slot.end).collect();
        self.rows = planned.into_iter().map(|planned| (planned.entry.id, planned)).collect();
        slots
    }

    /// Returns a row.
    pub fn row(&self, entry: PlayoutEntryId) -> Option<&Planned> {
        self.rows.get(&entry)
    }

    /// Returns whether there is nothing to play at `at_ms`.
    pub fn is_hole(&self, at_ms: i64) -> bool {
        let on = |planned: &&Planned| {
            (planned.entry.start.timestamp_millis()..planned.entry.stop.timestamp_millis()).contains(&at_ms)
        };
        self.rows.values().find(on).is_none_or(|planned| planned.media.is_none())
    }

    /// Returns the first programme that begins after `at_ms`, as far as the schedule is known.
    pub fn announced(&self, at_ms: i64) -> Option<Announced> {
        let later = |planned: &&Planned| {
            let Planned { entry, media } = planned;
            entry.start.timestamp_millis() > at_ms && entry.kind == EntryKind::Programme && media.is_some()
        };
        let next = self.rows.values().filter(later).min_by_key(|planned| planned.entry.start)?;
        Some(Announced { title: next.entry.title.clone(), start: next.entry.start })
    }

    /// Asks for the rows from `from_ms` on; an unanswered question is forgotten.
    pub fn ask(&mut self, from_ms: i64) {
        self.not_before = Instant::now() + PAUSE;
        let (playouts, channel, picks) = (self.playouts.clone(), self.channel, self.picks.clone());
        self.query = Some(Box::pin(async move {
            let planned = playouts.upcoming(channel, from_ms, from_ms + AHEAD_MS).await?;
            picks.learn_later(&planned);
            Ok(planned)
        }));
    }

    /// Other tracks are wanted from now on.
    pub fn prefer(&mut self, tracks: TrackPreferences) {
        self.picks.prefer(tracks);
    }

    /// Returns what is known about the tracks of a row.
    pub fn picked(&self, planned: &Planned) -> Option<Arc<Picked>> {
        planned.media.as_ref().and_then(|media| self.picks.known(media))
    }

    /// Asks for more if what is known ends soon after `from_ms`.
    pub fn ask_in_time(&mut self, from_ms: i64, known_until_ms: i64) {
        let short = known_until_ms < from_ms + REFRESH_MS;
        if short && self.query.is_none() && Instant::now() >= self.not_before {
            self.ask(from_ms);
        }
    }

    /// Returns the next answer; may be dropped at any await.
    pub async fn answer(&mut self) -> Vec<Planned> {
        loop {
            let Some(query) = &mut self.query else { return std::future::pending().await };
            let answer = query.await;
            self.query = None;
            match answer {
                Ok(planned) => return planned,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the schedule cannot be read; trying again"
                    );
                }
            }
        }
    }
}

/// Returns where a feed that would begin at `wanted` begins: not in the last second of a row, which is too short to start a run for.
pub fn beginning(planned: &[Planned], grid: &FrameGrid, wanted: i64) -> i64 {
    let last_second = wanted..=wanted + grid.frames_in(1_000);
    let ends = planned.iter().map(|planned| grid.index_from(planned.entry.stop.timestamp_millis()));
    ends.into_iter().find(|end| last_second.contains(end)).unwrap_or(wanted)
}

fn slot(planned: &Planned, grid: &FrameGrid) -> Slot {
    let entry = &planned.entry;
    Slot {
        entry: entry.id,
        first: grid.index_from(entry.start.timestamp_millis()),
        end: grid.index_from(entry.stop.timestamp_millis()),
        content: if planned.media.is_some() { Content::Playable } else { Content::Nothing },
    }
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::{OutputProfile, PlayoutEntry};

    use super::*;
    use crate::playout::instant;

    fn row(start_ms: i64, stop_ms: i64) -> Planned {
        let entry = PlayoutEntry {
            id: PlayoutEntryId(start_ms),
            channel: ChannelId(1),
            start: instant(start_ms),
            stop: instant(stop_ms),
            media: None,
            in_point_ms: 0,
            kind: EntryKind::Programme,
            title: String::new(),
            rule: String::new(),
            why: String::new(),
        };
        Planned { entry, media: None }
    }

    #[test]
    fn a_feed_does_not_begin_with_the_end_of_something() {
        let grid = FrameGrid::new(&OutputProfile::default());
        let planned = [row(0, 60_000), row(60_000, 120_000)];
        assert_eq!(beginning(&planned, &grid, 900), 900);
        assert_eq!(beginning(&planned, &grid, 1_796), 1_800);
        assert_eq!(beginning(&planned, &grid, 1_800), 1_800);
        assert_eq!(beginning(&[], &grid, 7), 7);
    }
}
