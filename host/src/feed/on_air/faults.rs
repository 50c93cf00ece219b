//! What goes wrong behind a feed, and what the world around it does.
//!
//! Does: blame runs, lose workers, wait for room, follow a clock that is set, look for files that come back.
//! Does not: decide what is tried again; the conductor's supervision does.
//! Invariant: whatever goes wrong has a cause, an incident and a dossier; viewers keep their stream.

use exstreamtv_core::{Outcome, Rung, trouble::Fault};
use exstreamtv_hardware::{desk::Blamed, profile::FailureClass};
use exstreamtv_model::{Cause, RunId};
use tokio::time::Instant;

use super::{super::runs::Run, OnAir};

impl OnAir {
    /// A run did not do what it should.
    pub(super) fn blame(&mut self, run: &Run, cause: Cause, detail: String) {
        self.failures += 1;
        tracing::warn!(run.id = %run.id, title = &*run.shown.title, cause = cause.word(), why = detail, "a run broke");
        self.casebook.file(run.id, cause, &detail);
        let fault = Fault { cause, title: run.shown.title.to_string(), slot_first: run.shown.slot_first, detail };
        self.log.fault(fault, self.time.wall_ms(self.time.live(Instant::now())));
        self.outlook.look_for_versions(run.entry);
    }

    /// A run that failed may have a card to blame, which does less from now on; so may one that played to its end otherwise than it was planned.
    pub(super) fn with_card(&self, run: &Run, outcome: Outcome) -> Outcome {
        let completed = matches!(outcome, Outcome::Completed { early: None });
        let Some(blamed) = run.blame_card(completed) else { return outcome };
        let Blamed { card, class, because, consequence } = blamed;
        tracing::warn!(run.id = %run.id, card, ?class, because, consequence, "a video card failed");
        match outcome {
            // A file that ends early is not tried again; a card that gave nothing is no file.
            Outcome::Completed { early: Some(_) } => Outcome::Failed(Cause::HardwareFailed),
            Outcome::Failed(_) if class != FailureClass::Unknown => Outcome::Failed(Cause::HardwareFailed),
            outcome => outcome,
        }
    }

    pub(super) fn lose_worker(&mut self, reason: &str, cause: Cause) {
        let now = Instant::now();
        tracing::warn!(reason, "the worker is gone");
        let next = self.splice.next_index();
        if self.airing.take().is_some() {
            self.splice.end_run();
            self.end_captions();
        }
        let due = self.conductor.slot_at(next).cloned();
        let title = due.as_ref().and_then(|slot| self.outlook.row(slot.entry)).map(|row| row.entry.title.clone());
        self.casebook.file_all(cause, reason);
        self.failures += u32::try_from(self.runs.len()).unwrap_or(u32::MAX);
        self.runs.clear();
        self.conductor.worker_gone(cause, self.monotonic_ms(now));
        if std::mem::take(&mut self.worker_ordered) {
            self.conductor.order(Rung::SameCommand);
        }
        let fault = Fault {
            cause,
            title: title.unwrap_or_default(),
            slot_first: due.map_or(next, |slot| slot.first),
            detail: format!("the worker is gone: {reason}"),
        };
        self.log.fault(fault, self.time.wall_ms(self.time.live(now)));
    }

    /// The machine has no room for this channel yet: its viewers see the slate, and no worker is started.
    pub(super) fn wait_for_room(&mut self) {
        let (now, next) = (Instant::now(), self.splice.next_index());
        let detail = "there is no room for one more channel".to_owned();
        let fault = Fault { cause: Cause::NoCapacity, title: String::new(), slot_first: next, detail };
        self.log.fault(fault, self.time.wall_ms(self.time.live(now)));
    }

    /// A file that was missing may be there again.
    pub(super) fn watch_sources(&mut self) {
        let Some(slot) = self.conductor.slot_at(self.splice.next_index()) else { return };
        let cause = self.conductor.supervision().cause(slot.entry);
        if !matches!(cause, Some(Cause::SourceMissing | Cause::SourceForbidden)) {
            return;
        }
        let media = self.outlook.row(slot.entry).and_then(|planned| planned.media.as_ref());
        if let Some(media) = media {
            self.sources.look(slot.entry, media.path.clone());
        }
    }

    /// Somebody set the clock, or the machine slept: the stream goes on as it is, with what is on air at the new time.
    pub(super) fn follow_the_clock(&mut self) {
        let mut time = self.time;
        let Some(step_ms) = time.follow(self.means.clock.now(), Instant::now()) else { return };
        tracing::warn!(step_ms, "the wall clock was set; the channel shows what is on air at the new time");
        self.log.close(&self.time);
        self.log.clock_was_set();
        self.time = time;
        self.show_schedule();
        self.outlook.ask(self.time.wall_ms(self.splice.next_index()));
    }

    pub(super) fn end_of_pipe(&mut self, run: RunId) {
        if let Some(run) = self.runs.get_mut(&run) {
            run.close_pipe(Instant::now());
        }
    }
}
