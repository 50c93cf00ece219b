//! One feed's part of the chronicle: what was sent, and what went wrong.
//!
//! Does: know which run and which slate every frame came from, and turn stretches and incidents into notes.
//! Does not: decide what is sent, or write to the database.
//! Invariant: every frame that is sent is in exactly one stretch.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use exstreamtv_core::{
    as_run::{AsRun, Label, Stretch},
    trouble::{Change, Fault, Trouble},
};
use exstreamtv_model::{AiredRow, Cause, ChannelId, ChannelIncident, EntryKind, MediaId, RunId};
use exstreamtv_transport::Origin;
use tokio::time::Instant;

use super::stream_time::StreamTime;
use crate::{
    chronicle::{Note, Pen},
    playout::instant,
};

/// How often the stretch that is on air is written down while it grows.
const GROWTH: Duration = Duration::from_secs(5);
/// Runs and slates whose frames may still be under way.
const REMEMBERED: usize = 16;

/// What a run shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Which run.
    pub run: RunId,
    /// Programme or filler.
    pub kind: EntryKind,
    /// Which file.
    pub media: MediaId,
    /// Its title.
    pub title: Arc<str>,
    /// Where in the file the run's first frame is, milliseconds.
    pub in_point_ms: i64,
    /// The run's first frame.
    pub first: i64,
    /// First frame of the slot that it fills.
    pub slot_first: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Screen {
    cause: Cause,
    title: Arc<str>,
}

/// The log of one feed.
#[derive(Debug)]
pub struct AirLog {
    channel: ChannelId,
    pen: Pen,
    log: AsRun,
    trouble: Trouble,
    /// From which frame on which run supplies pictures.
    runs: VecDeque<(i64, Shown)>,
    /// From which frame on the slate has which reason.
    screens: VecDeque<(i64, Screen)>,
    grew_at: Instant,
}

impl AirLog {
    /// Returns an empty log.
    pub fn new(channel: ChannelId, pen: Pen) -> Self {
        Self {
            channel,
            pen,
            log: AsRun::default(),
            trouble: Trouble::default(),
            runs: VecDeque::new(),
            screens: VecDeque::new(),
            grew_at: Instant::now(),
        }
    }

    /// A run supplies the pictures from `from` on. Where it has holes, its source is damaged.
    pub fn run_from(&mut self, from: i64, shown: Shown) {
        self.screen_from(from, Cause::SourceDamaged, &Arc::clone(&shown.title));
        remember(&mut self.runs, from, shown);
    }

    /// The slate is shown from `from` on, for this reason, in place of `title`.
    pub fn screen_from(&mut self, from: i64, cause: Cause, title: &Arc<str>) {
        let screen = Screen { cause, title: Arc::clone(title) };
        if self.screens.back().is_none_or(|(_, last)| *last != screen) {
            remember(&mut self.screens, from, screen);
        }
    }

    /// A picture is sent.
    pub fn sent(&mut self, index: i64, origin: Origin, time: &StreamTime) {
        let label = match origin {
            Origin::Run | Origin::Silence => at(&self.runs, index).map(|shown| Label::Run(shown.run)),
            Origin::Slate => at(&self.screens, index).map(|screen| Label::Slate(screen.cause)),
        };
        if let Some(over) = self.log.sent(index, label.unwrap_or(Label::Slate(Cause::Starting))) {
            self.write(over, time);
            self.grew_at = Instant::now();
        }
    }

    /// Writes down how far the stretch on air has come, now and then.
    pub fn grow(&mut self, time: &StreamTime) {
        if self.grew_at.elapsed() >= GROWTH {
            self.grew_at = Instant::now();
            self.log.open().into_iter().for_each(|open| self.write(open, time));
        }
    }

    /// Ends the stretch on air: the feed ends, or the clock is set.
    pub fn close(&mut self, time: &StreamTime) {
        self.log.close().into_iter().for_each(|over| self.write(over, time));
    }

    /// Something went wrong.
    pub fn fault(&mut self, fault: Fault, now_ms: i64) {
        let change = self.trouble.fault(fault, now_ms);
        if let Change::Began(incident) = &change {
            let (cause, title) = (incident.fault.cause, &incident.fault.title);
            tracing::warn!(
                cause = cause.word(),
                code = cause.code(),
                title,
                detail = incident.fault.detail,
                "an incident began"
            );
        }
        self.tell(change);
    }

    /// A programme is on air.
    pub fn shown(&mut self, slot_first: i64, now_ms: i64) {
        if let Some(change) = self.trouble.shown(slot_first, now_ms) {
            tracing::info!("the incident is over: the programme is on air");
            self.tell(change);
        }
    }

    /// Nobody watches any more; whatever is wrong will be found again by who tunes in next.
    pub fn abandon(&mut self, now_ms: i64) {
        self.shown(i64::MAX, now_ms);
    }

    /// The clock was set, so places of slots are not comparable any more.
    pub fn clock_was_set(&mut self) {
        self.trouble.forget_place();
    }

    /// Returns why something is wrong, while it is.
    pub fn open_cause(&self) -> Option<Cause> {
        self.trouble.open().map(|incident| incident.fault.cause)
    }

    fn tell(&self, change: Change) {
        let (Change::Began(incident) | Change::Changed(incident)) = change;
        self.pen.write(Note::Incident(ChannelIncident {
            channel: self.channel,
            cause: incident.fault.cause,
            began: instant(incident.began_ms),
            ended: incident.ended_ms.map(|ended_ms| instant(ended_ms.max(incident.began_ms))),
            failures: incident.failures,
            title: incident.fault.title,
            detail: incident.fault.detail,
        }));
    }

    fn write(&self, stretch: Stretch, time: &StreamTime) {
        let (kind, media, in_point_ms, title, cause) = match stretch.label {
            Label::Run(run) => match self.runs.iter().find(|(_, shown)| shown.run == run) {
                Some((_, shown)) => {
                    let into_ms = time.grid().wall_ms(stretch.first) - time.grid().wall_ms(shown.first);
                    (shown.kind, Some(shown.media), shown.in_point_ms + into_ms, Arc::clone(&shown.title), None)
                }
                None => return,
            },
            Label::Slate(cause) => {
                let title =
                    at(&self.screens, stretch.first).map(|screen| Arc::clone(&screen.title)).unwrap_or_default();
                (EntryKind::Slate, None, 0, title, Some(cause))
            }
        };
        self.pen.write(Note::Aired(AiredRow {
            channel: self.channel,
            start: instant(time.wall_ms(stretch.first)),
            stop: instant(time.wall_ms(stretch.end)),
            kind,
            media,
            in_point_ms: in_point_ms.max(0),
            title: title.to_string(),
            cause,
        }));
    }
}

fn remember<T>(list: &mut VecDeque<(i64, T)>, from: i64, what: T) {
    // Decided anew before a frame of it was sent.
    while list.back().is_some_and(|(begun, _)| *begun >= from) {
        list.pop_back();
    }
    list.push_back((from, what));
    if list.len() > REMEMBERED {
        list.pop_front();
    }
}

fn at<T>(list: &VecDeque<(i64, T)>, index: i64) -> Option<&T> {
    list.iter().rev().find(|(from, _)| *from <= index).map(|(_, what)| what)
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::OutputProfile;
    use exstreamtv_transport::FrameGrid;
    use tokio::sync::mpsc;

    use super::*;

    const NOON_MS: i64 = 1_800_000_000_000;

    struct Scene {
        log: AirLog,
        notes: mpsc::Receiver<Note>,
        time: StreamTime,
        noon: i64,
    }

    impl Scene {
        fn new() -> Self {
            let (pen, notes) = mpsc::channel(100);
            let grid = FrameGrid::new(&OutputProfile::default());
            let time = StreamTime::new(grid, instant(NOON_MS), Instant::now());
            Self { log: AirLog::new(ChannelId(1), Pen::to(pen)), notes, time, noon: grid.index_from(NOON_MS) }
        }

        fn run(&mut self, run: i64, first: i64, title: &str) {
            let (kind, title, first) = (EntryKind::Programme, title.into(), self.noon + first);
            let shown = Shown {
                run: RunId(run),
                kind,
                media: MediaId(run),
                title,
                in_point_ms: 5_000,
                first,
                slot_first: first,
            };
            self.log.run_from(first, shown);
        }

        fn send(&mut self, frames: std::ops::Range<i64>, origin: Origin) {
            frames.for_each(|frame| self.log.sent(self.noon + frame, origin, &self.time));
        }

        /// Returns what was written: seconds after noon, title, cause, in-point.
        fn rows(mut self) -> Vec<(i64, i64, String, Option<Cause>, i64)> {
            self.log.close(&self.time);
            let since = |at: chrono::DateTime<chrono::Utc>| (at.timestamp_millis() - NOON_MS) / 1_000;
            let rows = std::iter::from_fn(|| self.notes.try_recv().ok()).filter_map(|note| match note {
                Note::Aired(row) => Some((since(row.start), since(row.stop), row.title, row.cause, row.in_point_ms)),
                Note::Incident(_) => None,
            });
            rows.collect()
        }
    }

    #[tokio::test]
    async fn every_frame_is_in_one_stretch_with_its_title_its_place_and_its_reason() {
        let mut scene = Scene::new();
        scene.run(1, 0, "Film");
        scene.send(0..60, Origin::Run);
        scene.log.screen_from(scene.noon + 60, Cause::FfmpegHung, &"Film".into());
        scene.send(60..90, Origin::Slate);
        scene.run(2, 90, "Film");
        scene.send(90..150, Origin::Run);
        // A hole in the second run: its source is damaged.
        scene.send(150..180, Origin::Slate);
        scene.send(180..210, Origin::Run);
        let film = |from, to, cause, in_point_ms| (from, to, "Film".to_owned(), cause, in_point_ms);
        let expected = [
            film(0, 2, None, 5_000),
            film(2, 3, Some(Cause::FfmpegHung), 0),
            film(3, 5, None, 5_000),
            film(5, 6, Some(Cause::SourceDamaged), 0),
            film(6, 7, None, 8_000),
        ];
        assert_eq!(scene.rows(), expected);
    }

    #[tokio::test]
    async fn frames_of_a_run_that_is_over_are_still_its_own() {
        let mut scene = Scene::new();
        scene.run(1, 0, "First");
        scene.run(2, 60, "Second");
        scene.send(0..120, Origin::Run);
        let titles: Vec<_> = scene.rows().into_iter().map(|(from, to, title, ..)| (from, to, title)).collect();
        assert_eq!(titles, [(0, 2, "First".to_owned()), (2, 4, "Second".to_owned())]);
    }
}
