//! What a feed knows of its channel's schedule.
//!
//! Does: ask for the coming rows and their tracks in time, keep them, tell them as slots in frames; find what could be shown instead.
//! Does not: plan (that is `playout`), or decide what is shown.
//! Invariant: a database that is slow or down never stops the feed; it goes on with what it knows and asks again.

use std::{collections::HashMap, future::Future, pin::Pin, sync::Arc, time::Duration};

use exstreamtv_core::{Announced, Content, Means, Rung, Slot};
use exstreamtv_model::{ChannelId, EntryKind, MediaItem, PlayoutEntryId, pick::TrackPreferences};
use exstreamtv_transport::FrameGrid;
use tokio::time::Instant;

use super::{
    picks::{ChannelPicks, Picked},
    stream_time::StreamTime,
};
use crate::playout::{Planned, PlayoutError, Playouts};

/// How much of the schedule is known ahead, and when more is asked for.
pub const AHEAD_MS: i64 = 30 * 60_000;
const REFRESH_MS: i64 = 10 * 60_000;
/// The pause between two questions.
const PAUSE: Duration = Duration::from_secs(5);

type Versions = Vec<Arc<MediaItem>>;
type Search = Pin<Box<dyn Future<Output = (PlayoutEntryId, Result<Versions, PlayoutError>)> + Send>>;
type Query = Pin<Box<dyn Future<Output = Result<Vec<Planned>, PlayoutError>> + Send>>;

/// What has become known.
pub enum News {
    /// The coming rows.
    Rows(Vec<Planned>),
    /// Other files with a programme that failed.
    Versions,
}

/// The coming rows of one channel.
pub struct Outlook {
    playouts: Playouts,
    channel: ChannelId,
    picks: ChannelPicks,
    rows: HashMap<PlayoutEntryId, Planned>,
    /// Other files for rows that failed.
    versions: HashMap<PlayoutEntryId, Versions>,
    search: Option<Search>,
    /// What can be shown in place of anything else: the nearest filler that the schedule plays.
    filler: Option<Arc<MediaItem>>,
    query: Option<Query>,
    not_before: Instant,
}

impl Outlook {
    /// Returns an outlook that knows nothing yet.
    pub fn new(playouts: Playouts, channel: ChannelId, picks: ChannelPicks) -> Self {
        Self {
            playouts,
            channel,
            picks,
            rows: HashMap::new(),
            versions: HashMap::new(),
            search: None,
            filler: None,
            query: None,
            not_before: Instant::now(),
        }
    }

    /// Takes new rows in place of the old ones.
    pub fn take(&mut self, planned: Vec<Planned>) {
        let fillers = planned.iter().filter(|planned| planned.entry.kind == EntryKind::Filler);
        self.filler = fillers.filter_map(|planned| planned.media.clone()).next().or_else(|| self.filler.take());
        self.rows = planned.into_iter().map(|planned| (planned.entry.id, planned)).collect();
        self.versions.retain(|entry, _| self.rows.contains_key(entry));
    }

    /// Returns the rows as slots, in time order.
    pub fn slots(&self, time: &StreamTime) -> Vec<Slot> {
        let slots = self.rows.values().map(|planned| self.slot(planned, time));
        let mut slots: Vec<_> = slots.filter(|slot| slot.first < slot.end).collect();
        slots.sort_by_key(|slot| slot.first);
        slots
    }

    fn slot(&self, planned: &Planned, time: &StreamTime) -> Slot {
        let entry = &planned.entry;
        let filler_ms =
            self.filler.as_ref().filter(|filler| Some(filler.id) != entry.media).and_then(|f| f.playable_ms());
        let versions = self.versions.get(&entry.id).map_or(0, Vec::len);
        let next_ms =
            self.next_item(planned).and_then(|next| next.media.as_ref()).and_then(|media| media.playable_ms());
        Slot {
            entry: entry.id,
            first: time.index_from(entry.start.timestamp_millis()),
            end: time.index_from(entry.stop.timestamp_millis()),
            content: if planned.media.is_some() { Content::Playable } else { Content::Nothing },
            means: Means {
                versions: u8::try_from(versions).unwrap_or(u8::MAX),
                filler_frames: filler_ms.map_or(0, |ms| time.grid().frames_in(ms)),
                next_frames: next_ms.map_or(0, |ms| time.grid().frames_in(ms)),
                ..Means::default()
            },
        }
    }

    /// Returns what is played for a row on this rung from `first_ms` on, wall time.
    pub fn on_rung(&self, planned: &Planned, rung: Rung, first_ms: i64) -> Planned {
        let mut played = planned.clone();
        match rung {
            Rung::NextSource { version } => {
                let versions = self.versions.get(&planned.entry.id);
                let other = versions.and_then(|versions| versions.get(usize::from(version)));
                played.media = other.cloned().or(played.media);
            }
            Rung::Filler => {
                played.media = self.filler.clone().or(played.media);
                played.entry.kind = EntryKind::Filler;
                (played.entry.start, played.entry.in_point_ms) = (crate::playout::instant(first_ms), 0);
                if let Some(filler) = &self.filler {
                    played.entry.title.clone_from(&filler.metadata.title);
                }
            }
            Rung::NextItem => {
                if let Some(next) = self.next_item(planned) {
                    played.media.clone_from(&next.media);
                    // It stands in like a filler: what is missed is still missed.
                    played.entry.kind = EntryKind::Filler;
                    played.entry.title.clone_from(&next.entry.title);
                    (played.entry.start, played.entry.in_point_ms) = (crate::playout::instant(first_ms), 0);
                }
            }
            Rung::First | Rung::SameCommand | Rung::SoftwareDecode | Rung::SoftwareAll => {}
        }
        played
    }

    /// Returns the next row that plays something else.
    fn next_item(&self, planned: &Planned) -> Option<&Planned> {
        let later = self.rows.values().filter(|row| row.entry.start > planned.entry.start);
        later
            .filter(|row| row.media.is_some() && row.entry.media != planned.entry.media)
            .min_by_key(|row| row.entry.start)
    }

    /// What is known of other files with a programme may be out of date.
    pub fn forget_versions(&mut self, entry: PlayoutEntryId) {
        self.versions.remove(&entry);
    }

    /// Looks for other files with the same programme as a row that failed; once.
    pub fn look_for_versions(&mut self, entry: PlayoutEntryId) {
        let media = self.rows.get(&entry).and_then(|planned| planned.media.as_ref());
        let Some(media) = media.filter(|_| self.search.is_none() && !self.versions.contains_key(&entry)) else {
            return;
        };
        let (playouts, media) = (self.playouts.clone(), media.id);
        self.search = Some(Box::pin(async move { (entry, playouts.versions(media).await) }));
    }

    /// Returns a row.
    pub fn row(&self, entry: PlayoutEntryId) -> Option<&Planned> {
        self.rows.get(&entry)
    }

    /// Returns the rows that begin after `at_ms`, the next first, at most `count`.
    pub fn rows_after(&self, at_ms: i64, count: usize) -> Vec<&Planned> {
        let later = |planned: &&Planned| planned.entry.start.timestamp_millis() > at_ms;
        let mut rows: Vec<&Planned> = self.rows.values().filter(later).collect();
        rows.sort_by_key(|planned| planned.entry.start);
        rows.truncate(count);
        rows
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

    /// Returns what has become known; may be dropped at any await.
    pub async fn news(&mut self) -> News {
        loop {
            tokio::select! {
                answer = answer(&mut self.query) => {
                    self.query = None;
                    match answer {
                        Ok(planned) => return News::Rows(planned),
                        Err(error) => tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "the schedule cannot be read; trying again"
                        ),
                    }
                }
                (entry, found) = answer(&mut self.search) => {
                    self.search = None;
                    let found = found.unwrap_or_else(|error| {
                        tracing::warn!(error = &error as &dyn std::error::Error, "other files cannot be looked up");
                        vec![]
                    });
                    self.versions.insert(entry, found);
                    return News::Versions;
                }
            }
        }
    }
}

async fn answer<Q: Future + Unpin>(question: &mut Option<Q>) -> Q::Output {
    match question {
        Some(question) => question.await,
        None => std::future::pending().await,
    }
}

/// Returns where a feed that would begin at `wanted` begins: not in the last second of a row, which is too short to start a run for.
pub fn beginning(planned: &[Planned], grid: &FrameGrid, wanted: i64) -> i64 {
    let last_second = wanted..=wanted + grid.frames_in(1_000);
    let ends = planned.iter().map(|planned| grid.index_from(planned.entry.stop.timestamp_millis()));
    ends.into_iter().find(|end| last_second.contains(end)).unwrap_or(wanted)
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
