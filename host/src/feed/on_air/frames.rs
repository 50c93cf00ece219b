//! Moves frames: from runs into the splice, from the splice to viewers.
//!
//! Does: move what has arrived as far as the horizon, notice when a run is used up, tell the conductor how it ended.
//! Does not: wait or decide.
//! Invariant: every frame that leaves is written down in the log of what was aired.

use exstreamtv_core::Outcome;
use exstreamtv_model::{Cause, EntryKind, RunId};
use exstreamtv_transport::Origin;
use tokio::time::Instant;

use super::{
    super::{runs::Run, stream_time::millis, tune::TuneStep},
    OnAir,
};

impl OnAir {
    pub(super) fn send(&mut self) {
        while let Some(unit) = self.splice.pop() {
            if unit.kind.is_video() {
                self.slate_frames += u64::from(unit.origin == Origin::Slate);
                self.log.sent(unit.index, unit.origin, &self.time);
            }
            self.output.write(&unit);
        }
        self.log.grow(&self.time);
    }

    /// Moves frames of the run on air into the splice, up to the horizon, and notices the end of runs.
    pub(super) fn pump(&mut self) {
        let now = Instant::now();
        let horizon = self.horizon();
        if let Some(run) = self.airing.and_then(|id| self.runs.get_mut(&id)) {
            let before = self.splice.next_index();
            while self.splice.next_index() < horizon {
                let Some(unit) = run.demux.pop() else {
                    run.drained = true;
                    break;
                };
                self.splice.push(unit);
            }
            if self.splice.next_index() > before {
                self.fed_at = now;
                self.conductor.joined(run.id, millis(now.duration_since(self.means.epoch)));
                // Whatever the slate covers from here on is a hole in this run.
                self.log.screen_from(self.splice.next_index(), Cause::SourceDamaged, &run.shown.title);
            }
            if self.splice.has_joined() && !run.joined {
                run.joined = true;
                self.tune.note(TuneStep::OnAir, now);
                tracing::info!(run.id = %run.id, title = &*run.shown.title, "on air now");
                let now_ms = self.time.wall_ms(self.time.live(now));
                if run.shown.kind != EntryKind::Filler || self.log.open_cause().is_none() {
                    self.log.shown(run.shown.slot_first, now_ms);
                }
            }
        }
        if self.splice.next_index() >= horizon {
            (self.fed_at, self.heard_at) = (now, now);
        }
        self.finish_runs(now);
    }

    pub(super) fn finish_runs(&mut self, now: Instant) {
        let over: Vec<RunId> = self.runs.values().filter(|run| self.is_over(run, now)).map(|run| run.id).collect();
        for id in over {
            let Some(run) = self.runs.remove(&id) else { continue };
            if self.airing == Some(id) {
                self.airing = None;
                let summary = self.splice.end_run();
                self.end_captions();
                tracing::debug!(run.id = %id, ?summary, "a run is over");
            }
            let outcome = self.outcome(&run, now).unwrap_or_else(|| Outcome::Failed(run.cause()));
            let outcome = self.with_card(&run, outcome);
            self.conductor.finished(id, outcome, self.monotonic_ms(now));
            match outcome {
                Outcome::Failed(cause) => self.blame(&run, cause, run.complaint()),
                Outcome::Completed { early: Some(cause) } => self.blame(&run, cause, run.complaint()),
                Outcome::Completed { early: None } => {}
            }
        }
    }

    pub(super) fn is_over(&self, run: &Run, now: Instant) -> bool {
        let on_air = self.airing == Some(run.id);
        let used_up = run.is_read() && run.drained;
        (on_air && used_up && self.outcome(run, now).is_some()) || (!on_air && run.broke_early())
    }

    pub(super) fn outcome(&self, run: &Run, now: Instant) -> Option<Outcome> {
        run.outcome(self.splice.next_index(), self.time.grid().frames_in(1_000), now)
    }
}
