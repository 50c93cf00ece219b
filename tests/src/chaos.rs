//! An ordeal: a channel with two viewers who stay, whatever happens behind it.
//!
//! Does: put a channel on air with a viewer by TS and one by HLS, note when it is struck, and judge at the end everything that they saw
//! and everything that the host says about it.
//! Does not: strike; that is the test.
//! Invariant: both viewers are there from before the blow to the end, on one connection and in one playlist.

pub mod census;
pub mod clock;
pub mod locked;
pub mod stand_in;
mod verdict;

use std::time::Duration;

use serde_json::json;

pub use verdict::{Slate, Verdict};

use crate::{
    air::{ChannelClock, contradictions, denials},
    api::{Channel, Feed, Row, now_ms, rfc3339},
    fixtures::Recipe,
    hls::Watcher,
    host::Host,
    patience::{LONG, try_for, wait_for},
    picture::Shown,
    stage::{Cast, RATE},
    ts::Report,
    viewer::{Capture, Viewer},
};

/// What a viewer needs to see what is on air now by HLS too, and two seconds of it.
const CATCH_UP_S: f64 = 8.0;

/// Long enough for every pause that supervision makes: 30 s between two starts, 120 s of an open breaker.
const PATIENCE: Duration = Duration::from_secs(200);

/// How far a feed that follows a set clock may be from it.
const STEP_SLACK_MS: i64 = 600;

/// How long an order may go unheard before it is repeated.
const ORDER: Duration = Duration::from_secs(1);

/// How far in the past a cold channel may begin.
const BURST_MS: i64 = 8_000;

/// Pictures at the end of a capture that must be where the wall clock is.
const END: usize = 40;

/// Orphans must be gone by then.
const ORPHANS: Duration = Duration::from_secs(2);

/// Returns whether this is `make chaos` and not the short form in `make test`.
pub fn is_full() -> bool {
    std::env::var("EXSTREAMTV_CHAOS").is_ok_and(|form| form == "full")
}

/// A channel under two viewers.
pub struct Ordeal {
    /// The host.
    pub host: Host,
    /// The channel.
    pub channel: Channel,
    /// The viewer by TS.
    pub viewer: Viewer,
    watcher: Watcher,
    clips: Vec<Recipe>,
    tuned_ms: i64,
    struck_ms: i64,
}

impl Ordeal {
    /// Tunes both viewers in; the channel may or may not get on air.
    pub fn tune(host: Host, name: &str, clips: &[Recipe]) -> Self {
        let channel = host.channel(name);
        let tuned_ms = now_ms();
        let viewer = Viewer::tune(&host.at(&channel.ts()));
        let watcher = Watcher::tune(&host.at(&channel.hls()));
        // A cold channel begins some seconds in the past, and so do its slates.
        let struck_ms = tuned_ms - BURST_MS;
        Self { host, channel, viewer, watcher, clips: clips.to_vec(), tuned_ms, struck_ms }
    }

    /// Tunes both viewers in and waits until the programme is on air.
    pub fn begin(host: Host, name: &str, clips: &[Recipe]) -> Self {
        let mut ordeal = Self::tune(host, name, clips);
        ordeal.viewer.wait_for_seconds(6.0);
        ordeal.wait_for("an FFmpeg on air", |feed| feed.on_air().is_some() && feed.state == "on_air");
        ordeal.struck_ms = now_ms();
        ordeal
    }

    /// Plans a folder's clips in the order of their names, the first of them in so many seconds; returns its row.
    ///
    /// # Panics
    /// When the host does not want to.
    pub fn then_play(&self, folder: &str, in_s: i64) -> Row {
        let from_ms = now_ms() + in_s * 1_000;
        let slot = json!({"slot_id": "all", "start_time": "00:00", "duration_minutes": 1440, "collection_id": folder});
        let schedule = json!({
            "strategy": "exstreamtv.time-slots", "settings": { "slots": [slot] }, "from": rfc3339(from_ms)
        });
        let url = self.host.at(&format!("/api/v1/channels/{}/schedule", self.channel.id));
        let request = self.host.http.put(url).header("content-type", "application/json").body(schedule.to_string());
        let answer = request.send().unwrap_or_else(|error| panic!("plan {folder}: {error}"));
        assert!(answer.status().is_success(), "plan {folder}: {:?}", answer.text());
        wait_for("the row of the new schedule", LONG, || {
            let rows = self.host.rows(&self.channel, from_ms, from_ms + 1);
            rows.into_iter().find(|row| row.start_ms == from_ms)
        })
    }

    /// Strikes: gives the feed as it is and notes the moment, from which on slates count.
    ///
    /// # Panics
    /// When there is no feed.
    pub fn strike(&mut self, blow: impl FnOnce(&Feed)) -> Feed {
        let feed = self.feed();
        self.struck_ms = now_ms();
        blow(&feed);
        feed
    }

    /// Returns the feed.
    ///
    /// # Panics
    /// When it is gone, which it never may be while somebody watches.
    pub fn feed(&self) -> Feed {
        self.host.feed(&self.channel).unwrap_or_else(|| panic!("the feed ended under its viewers"))
    }

    /// Waits until the feed is as wanted.
    ///
    /// # Panics
    /// When it does not come to be.
    pub fn wait_for(&self, what: &str, wanted: impl Fn(&Feed) -> bool) -> Feed {
        wait_for(what, PATIENCE, || Some(self.feed()).filter(|feed| wanted(feed)))
    }

    /// Waits for another FFmpeg on air than the one of `before`.
    pub fn wait_for_another_ffmpeg(&self, before: &Feed) -> Feed {
        let pid = before.on_air();
        self.wait_for("another FFmpeg on air", |feed| feed.on_air().is_some_and(|now| Some(now) != pid))
    }

    /// Orders a restart and waits for its FFmpeg; an order that comes before the last one has shown anything is none, and is repeated.
    pub fn restart(&self) {
        let before = self.feed();
        let another = || self.feed().on_air().is_some_and(|now| Some(now) != before.on_air());
        wait_for("another FFmpeg after an order", PATIENCE, || {
            self.host.restart(&self.channel);
            try_for(ORDER, || another().then_some(()))
        });
    }

    /// Waits until the slate is on air.
    pub fn wait_for_slate(&self) {
        self.wait_for("the slate on air", |feed| feed.state == "slate");
    }

    /// Waits until the programme is on air.
    pub fn wait_for_programme(&self) {
        self.wait_for("the programme back on air", |feed| feed.state == "on_air" && feed.on_air().is_some());
    }

    /// Waits until the viewer by TS has seen what was on air at this moment.
    pub fn wait_until(&self, wall_ms: i64) {
        // The first byte is older than the moment of tuning in: by the burst of a cold channel, and a group of pictures.
        self.viewer.wait_for_seconds((wall_ms - self.tuned_ms + BURST_MS) as f64 / 1000.0);
    }

    /// Ends the ordeal and judges it.
    ///
    /// # Panics
    /// When anything is not as it must be.
    pub fn survive(self, verdict: &Verdict) {
        self.viewer.wait_for_more(CATCH_UP_S);
        assert_eq!(self.viewer.ended(), None, "the connection did not stay alive");
        census::assert_exact(&self.host, verdict.company());
        let Self { host, channel, viewer, watcher, clips, tuned_ms, struck_ms } = self;
        let by_hls = watcher.leave();
        let by_ts = viewer.leave();
        assert!(by_hls.breaches.is_empty(), "{:#?}", by_hls.breaches);
        let seen = Seen { host: &host, channel: &channel, cast: Cast::of(&host, &clips), tuned_ms, struck_ms, verdict };
        seen.judge("TS", &by_ts);
        seen.judge("HLS", &Capture::new(by_hls.whole()));
        verdict.judge_incidents(&host.incidents(&channel), struck_ms);
        let children = host.census();
        host.stop();
        let left = || children.iter().filter(|child| child.lives()).collect::<Vec<_>>();
        let gone = try_for(ORPHANS, || left().is_empty().then_some(()));
        assert!(gone.is_some(), "still alive after the host: {:#?}", left());
    }
}

/// What a capture is judged by.
struct Seen<'a> {
    host: &'a Host,
    channel: &'a Channel,
    cast: Cast,
    tuned_ms: i64,
    struck_ms: i64,
    verdict: &'a Verdict,
}

impl Seen<'_> {
    fn judge(&self, way: &str, capture: &Capture) {
        let report = capture.check(RATE);
        println!("by {way}: {report}");
        report.assert_clean();
        assert_eq!(capture.complaints(), "", "ffmpeg has something to say against what came by {way}");
        let shown = capture.watch(&report);
        self.judge_pictures(way, &shown, &report);
    }

    fn judge_pictures(&self, way: &str, shown: &[Shown], report: &Report) {
        let clock = ChannelClock { frame_rate: RATE, offset_s: 0, near_ms: now_ms() };
        let slate = shown.iter().filter(|seen| seen.mark.is_none() && clock.wall_ms(seen.pts) >= self.struck_ms as f64);
        self.verdict.judge_slate(way, slate.count(), &report.to_string());
        let step_ms = self.verdict.step_ms();
        let before = self.rows(0);
        let end = &shown[shown.len().saturating_sub(END)..];
        let after = self.settled(self.rows(step_ms), step_ms, |rows| self.against(end, &clock, rows).is_empty());
        let wrong = self.against(end, &clock, &after);
        assert!(wrong.is_empty(), "the programme is not back by {way}: {:#?}", first(&wrong));
        // Whatever covered a hole was a slate, never another place of the programme.
        let marked = shown.iter().filter(|picture| picture.mark.is_some()).copied();
        let off =
            |picture: &Shown, rows: &[Row]| !self.was(picture, |seen| self.against(&[*seen], &clock, rows).is_empty());
        let strays: Vec<_> = marked.filter(|picture| off(picture, &before) && off(picture, &after)).collect();
        let wrong = self.against(&strays, &clock, &after);
        assert!(wrong.is_empty(), "off the timeline by {way}: {:#?}", first(&wrong));
        // Across a step the log has the times of both clocks.
        if step_ms == 0 {
            let aired = self.host.aired(self.channel, self.tuned_ms - BURST_MS, now_ms());
            let denied = |shown: &[Shown]| denials(shown, &clock, &aired, |media| self.code_of(Some(media)));
            let strays: Vec<_> = shown
                .iter()
                .filter(|picture| !self.was(picture, |seen| denied(&[*seen]).is_empty()))
                .copied()
                .collect();
            let wrong = denied(&strays);
            assert!(wrong.is_empty(), "the as-run log is not what came by {way}: {:#?}", first(&wrong));
            assert!(!aired.is_empty(), "nothing was aired, says the as-run log");
        }
    }

    /// Returns the rows by a wall clock that is `step_ms` ahead, in the stream's time.
    fn rows(&self, step_ms: i64) -> Vec<Row> {
        let (from_ms, to_ms) = (self.tuned_ms - 60_000 + step_ms, now_ms() + 60_000 + step_ms);
        let mut rows = self.host.rows(self.channel, from_ms, to_ms);
        for row in &mut rows {
            (row.start_ms, row.stop_ms) = (row.start_ms - step_ms, row.stop_ms - step_ms);
        }
        rows
    }

    /// Returns the rows as they are after a step: the stream's time is as exact against the wall as the feed was at its start, which is some
    /// tenths of a second, so the nearest place that fits is taken.
    fn settled(&self, rows: Vec<Row>, step_ms: i64, fits: impl Fn(&[Row]) -> bool) -> Vec<Row> {
        if step_ms == 0 {
            return rows;
        }
        let off = |off_ms: i64| {
            let moved =
                |row: &Row| Row { start_ms: row.start_ms + off_ms, stop_ms: row.stop_ms + off_ms, ..row.clone() };
            rows.iter().map(moved).collect::<Vec<_>>()
        };
        let tried = (0..=STEP_SLACK_MS / 40).flat_map(|n| [n * 40, -n * 40]).map(off);
        tried.into_iter().find(|rows| fits(rows)).unwrap_or(rows.clone())
    }

    /// Returns whether a picture is as it must be, or was so a little earlier where it may be held.
    fn was(&self, picture: &Shown, right: impl Fn(&Shown) -> bool) -> bool {
        (0..=self.verdict.held_ms() / 100).any(|tenth| right(&Shown { pts: picture.pts - tenth * 9_000, ..*picture }))
    }

    fn against(&self, shown: &[Shown], clock: &ChannelClock, rows: &[Row]) -> Vec<String> {
        contradictions(shown, clock, rows, |row| self.code_of(row.media.as_deref()))
    }

    fn code_of(&self, media: Option<&str>) -> Option<u8> {
        self.verdict.replaced(media.and_then(|media| self.cast.code_of(media)))
    }
}

fn first(wrong: &[String]) -> &[String] {
    &wrong[..wrong.len().min(5)]
}

/// Returns the FFmpeg on air; never a default, because process 0 would be ourselves.
///
/// # Panics
/// When there is none.
pub fn ffmpeg_of(feed: &Feed) -> u32 {
    feed.on_air().unwrap_or_else(|| panic!("no FFmpeg is on air: {feed:?}"))
}

/// Returns the worker of a feed.
///
/// # Panics
/// When there is none.
pub fn worker_of(feed: &Feed) -> u32 {
    feed.worker_pid.unwrap_or_else(|| panic!("no worker: {feed:?}"))
}
