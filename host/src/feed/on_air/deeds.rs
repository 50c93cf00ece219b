//! Carries out what the conductor decided.
//!
//! Does: order and end runs, put them on air, show the slate and have it say why.
//! Does not: decide.
//! Invariant: whatever is put on air, subtitles and the log of what was aired know it.

use std::{ops::Range, sync::Arc};

use exstreamtv_core::{Action, Outcome, Rung};
use exstreamtv_model::{Cause, MediaItem, PlayOrder, PlayoutEntryId, RunId, order::Source};
use exstreamtv_transport::Splice;
use exstreamtv_worker_protocol::Command;
use tokio::time::Instant;

use super::{
    super::{
        air_log::Shown,
        captions::Aired,
        order::{Wanted, order},
        runs::Run,
        tune::TuneStep,
    },
    OnAir,
};
use crate::loudness::Sound;

/// How many programmes ahead are listened to.
const AHEAD: usize = 3;

impl OnAir {
    pub(super) fn perform(&mut self, action: Action) {
        if !matches!(action, Action::Slate { .. }) {
            tracing::debug!(?action, "decided");
        }
        match action {
            Action::Start { run, entry, first, end, rung } => self.start(run, entry, first..end, rung),
            Action::Air { run } => {
                if let Some(held) = self.runs.get(&run) {
                    self.splice.begin_run(held.first, held.end);
                    self.log.run_from(self.splice.next_index(), held.shown.clone());
                    self.begin_captions(held);
                }
                self.airing = Some(run);
                // While the slate was on nobody was heard; a run that waited in its pipe is not to blame for that.
                self.heard_at = Instant::now();
            }
            Action::Cancel { run, cause, why } => self.cancel(run, cause, why),
            Action::Slate { until } => self.show_slate(until),
            Action::Skip { to } => {
                tracing::warn!(to, "the clock jumped; the stream goes on at the new time");
                self.skip(to);
            }
        }
    }

    pub(super) fn start(&mut self, id: RunId, entry: PlayoutEntryId, frames: Range<i64>, rung: Rung) {
        let Some(planned) = self.outlook.row(entry) else { return };
        let slot_first = self.time.index_from(planned.entry.start.timestamp_millis());
        let first_ms = self.time.wall_ms(frames.start);
        let played = self.outlook.on_rung(planned, rung, first_ms);
        let picked = self.outlook.picked(&played);
        let wanted = Wanted { run: id, first: frames.start, end: frames.end, first_ms };
        let order = order(self.time.grid(), &self.channel, &played, picked.as_deref(), wanted);
        let (Some(mut order), Some(media)) = (order, played.media.as_ref()) else { return };
        let wish = self.means.hardware.wish_of(&self.channel.number.to_string());
        // Whoever orders software wants no card, whatever the desk thinks of it.
        let wants_card = rung != Rung::SoftwareAll;
        let seat = wants_card.then(|| self.means.hardware.desk().assign(&order, wish)).flatten();
        order.gain_db = self.gain(media, &order);
        order.watermark = self.means.watermarks.of(&self.channel.number.to_string(), first_ms);
        order.card = seat.as_ref().and_then(|seat| seat.card.clone());
        if rung.is_restart() {
            tracing::info!(run.id = %id, rung = rung.word(), title = played.entry.title, "another attempt");
            self.means.sessions.channel_restarted(self.channel.id);
        }
        let origin_ms = played.entry.start.timestamp_millis() - played.entry.in_point_ms;
        let shown = Shown {
            run: id,
            kind: played.entry.kind,
            media: media.id,
            title: played.entry.title.as_str().into(),
            in_point_ms: first_ms - origin_ms,
            first: frames.start,
            slot_first,
        };
        let mut run = Run::ordered(entry, shown, frames.end);
        self.card_used = seat.as_ref().is_some_and(|seat| seat.card.is_some());
        run.seat = seat;
        run.text = picked.and_then(|p| p.text.clone()).map(|track| (track, self.time.stream_ms(origin_ms)));
        self.runs.insert(id, run);
        self.listen_ahead(first_ms);
        self.tune.note(TuneStep::Ordered, Instant::now());
        self.casebook.ordered(&order);
        self.worker.send(Command::Play(Box::new(order)));
    }

    /// What comes next is measured before it comes, where it is known already which of its sounds is played.
    fn listen_ahead(&self, from_ms: i64) {
        for planned in self.outlook.rows_after(from_ms, AHEAD) {
            let Some((media, picked)) = planned.media.as_ref().zip(self.outlook.picked(planned)) else { continue };
            let Some(stream) = picked.audio.chosen.as_ref() else { continue };
            let (downmix, channels) = (picked.audio.downmix.clone(), self.channel.profile.audio_channels);
            self.means.loudness.gain_db(Sound::of(media, stream.absolute, downmix, channels));
        }
    }

    /// Returns how much louder the order's sound has to be made.
    fn gain(&self, media: &MediaItem, order: &PlayOrder) -> Option<f64> {
        let Source::File { audio, downmix, .. } = &order.source else { return None };
        let sound = Sound::of(media, (*audio)?, downmix.clone(), order.profile.audio_channels);
        self.means.loudness.gain_db(sound)
    }

    pub(super) fn cancel(&mut self, id: RunId, cause: Option<Cause>, why: &'static str) {
        let Some(run) = self.runs.remove(&id) else { return };
        if self.airing == Some(id) {
            self.airing = None;
            self.splice.end_run();
            self.end_captions();
        }
        self.worker.cancel(id);
        match cause.filter(|cause| cause.is_fault()) {
            Some(cause) => {
                // One that hangs may hang in a driver.
                self.with_card(&run, Outcome::Failed(cause));
                self.blame(&run, cause, format!("FFmpeg was ended: {why}. {}", run.last_words()));
            }
            None => tracing::debug!(run.id = %id, title = &*run.shown.title, why, "a run is ended"),
        }
    }

    pub(super) fn begin_captions(&self, run: &Run) {
        let Some((track, origin_ms)) = run.text.clone() else { return self.end_captions() };
        // The slate may have covered the run's first frames.
        let first = run.first.max(self.splice.next_index());
        self.feed.captions().begin(Aired { first, end: run.end, origin_ms, track });
    }

    pub(super) fn end_captions(&self) {
        self.feed.captions().end(self.splice.next_index());
    }

    pub(super) fn show_slate(&mut self, until: i64) {
        let next = self.splice.next_index();
        let due = self.conductor.slot_at(next).and_then(|slot| self.outlook.row(slot.entry));
        let title: Arc<str> = due.map(|planned| planned.entry.title.as_str().into()).unwrap_or_default();
        self.log.screen_from(next, self.slate_cause(), &title);
        self.splice.fill_slate(until);
        if self.splice.next_index() < until {
            // No slate yet: an honest hole is better than a stream that stands still.
            self.skip(until);
        }
    }

    /// Returns why the slate is on air.
    pub(super) fn slate_cause(&self) -> Cause {
        match (self.place.is_admitted(), self.place.may_begin()) {
            (false, _) => Cause::NoCapacity,
            (true, false) => Cause::Starting,
            (true, true) => self.conductor.slate_cause(self.splice.next_index()),
        }
    }

    /// Goes on at `to`, with nothing for the time between.
    pub(super) fn skip(&mut self, to: i64) {
        self.send();
        self.splice = Splice::new(*self.time.grid(), to, self.screen.current());
        if let Some(run) = self.airing.and_then(|id| self.runs.get(&id)) {
            self.splice.begin_run(run.first, run.end);
        }
    }

    /// Says when the slate comes and goes; an operator wants to know both.
    pub(super) fn tell_slate(&mut self) {
        let on = self.conductor.slate_on();
        if on {
            self.say_why();
        } else if self.splice.has_joined() {
            self.screen.clear();
        }
        if on == self.slate_shown {
            return;
        }
        self.slate_shown = on;
        match on {
            true => tracing::warn!(frame = self.splice.next_index(), "the slate is on air"),
            false => tracing::info!(frame = self.splice.next_index(), "the programme is back on air"),
        }
    }

    /// Has the slate say why it is shown, and what comes next.
    pub(super) fn say_why(&mut self) {
        let next_ms = self.time.wall_ms(self.splice.next_index());
        self.screen.show(self.slate_cause(), self.outlook.announced(next_ms), self.means.clock.now());
    }
}
