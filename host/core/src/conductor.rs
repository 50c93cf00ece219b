//! Decides what a channel's feed shows next: which run to start, when it goes on air, when the slate covers a hole.
//!
//! Does: turn the schedule (in frames), the moment and the fate of runs into actions.
//! Does not: read bytes, spawn or kill; that is `host::feed`.
//! Invariants: at most two runs are alive (on air, and prepared); a slot is never started at a place already on air; whether a failed
//! item is started again, and how, is the supervision's decision alone.

use exstreamtv_model::{Cause, PlayoutEntryId, RunId};

use crate::supervision::{Means, Permit, RestartBudget, Rules, Rung, Supervision};

/// A row of the playout, in frame indices of the channel's grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Which row.
    pub entry: PlayoutEntryId,
    /// First frame.
    pub first: i64,
    /// First frame of what follows.
    pub end: i64,
    /// What there is to show.
    pub content: Content,
    /// What could be shown in another way, or instead.
    pub means: Means,
}

/// What there is to show in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A file that a run can play.
    Playable,
    /// Nothing: the slate.
    Nothing,
}

/// The moment of a decision.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Monotonic milliseconds.
    pub now_ms: i64,
    /// Frame that is live at this moment.
    pub live: i64,
    /// Next frame that the feed has to send.
    pub next: i64,
    /// How long the feed has waited for a frame that it could send; 0 while it is not waiting.
    pub waiting_ms: i64,
    /// How long the run on air has given nothing at all to the waiting feed; 0 while it is not waiting.
    pub silent_ms: i64,
}

/// The numbers behind the decisions; frames are the channel's.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Frames that the feed keeps ahead of the live one.
    pub lead: i64,
    /// Frames in a second, rounded up.
    pub second: i64,
    /// Frames from one of the channel's keyframes to the next; keyframes lie at its multiples.
    pub gop: i64,
    /// How long the feed waits for a frame before the slate covers the hole.
    pub slate_after_ms: i64,
    /// How long a run may give nothing to a waiting reader before it counts as hung.
    pub stall_ms: i64,
    /// How long a run may take to its first byte before it counts as hung; three times that to its first frame on air.
    pub start_ms: i64,
    /// How long before its first frame is due the next run is started.
    pub prepare: i64,
    /// When what failed is tried again.
    pub supervision: Rules,
}

/// How a run ended, as far as its slot is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// FFmpeg played what there was.
    Completed {
        /// Why there was less than the slot needs, if there was; there is no more.
        early: Option<Cause>,
    },
    /// It broke; another attempt may do better.
    Failed(Cause),
}

/// What the shell must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Start a run that plays `entry` from frame `first` to `end`.
    Start {
        /// Its name.
        run: RunId,
        /// Which row.
        entry: PlayoutEntryId,
        /// First frame.
        first: i64,
        /// First frame of what follows.
        end: i64,
        /// How it differs from the plan.
        rung: Rung,
    },
    /// Read frames from this run from now on.
    Air {
        /// Which run.
        run: RunId,
    },
    /// End this run; it is hung or no longer wanted.
    Cancel {
        /// Which run.
        run: RunId,
        /// What is wrong with it; nothing if it is not wanted any more.
        cause: Option<Cause>,
        /// Why, in words for the log.
        why: &'static str,
    },
    /// Send slate up to this frame.
    Slate {
        /// First frame that is not slate.
        until: i64,
    },
    /// Go on at this frame without filling the time between: the machine slept.
    Skip {
        /// Next frame.
        to: i64,
    },
}

#[derive(Debug, Clone)]
struct Run {
    id: RunId,
    entry: PlayoutEntryId,
    first: i64,
    end: i64,
    /// Where its slot ends; something that stands in may end sooner.
    slot_end: i64,
    rung: Rung,
    started_ms: i64,
    aired: bool,
    /// Whether it has given a picture.
    heard: bool,
    /// Whether it has given bytes, whatever they are.
    has_bytes: bool,
    joined: bool,
    /// Where a run that was overtaken by the slate comes back, once it is known to be coming.
    returns_at: Option<i64>,
}

/// Decides what one feed shows next. Call [`Self::step`] until it returns `None`, after every event and at every tick.
#[derive(Debug)]
pub struct Conductor {
    policy: Policy,
    slots: Vec<Slot>,
    on_air: Option<Run>,
    prepared: Option<Run>,
    supervision: Supervision,
    /// Somebody wants what is on air to be started again, this way.
    wanted: Option<Rung>,
    /// Somebody wants the slate, and nothing started, until then; milliseconds.
    covered_until_ms: Option<i64>,
    /// Memory is short: nothing is started long before its time.
    spares: bool,
    last_run: i64,
    /// When and where the slate went on air, while it is.
    slate: Option<SlateStart>,
}

#[derive(Debug, Clone, Copy)]
struct SlateStart {
    now_ms: i64,
    next: i64,
}

impl Conductor {
    /// Returns a conductor without a schedule: it shows the slate until it gets one.
    pub fn new(policy: Policy) -> Self {
        let supervision = Supervision::new(policy.supervision.clone());
        Self {
            policy,
            slots: Vec::new(),
            on_air: None,
            prepared: None,
            supervision,
            wanted: None,
            covered_until_ms: None,
            spares: false,
            last_run: 0,
            slate: None,
        }
    }

    /// Takes a new view of the schedule, in time order. Runs of rows that changed are ended by the next steps.
    pub fn set_slots(&mut self, slots: Vec<Slot>) {
        debug_assert!(slots.windows(2).all(|pair| pair[0].end <= pair[1].first), "slots overlap");
        self.slots = slots;
    }

    /// Returns the frame up to which the schedule is known.
    pub fn known_until(&self) -> Option<i64> {
        self.slots.last().map(|slot| slot.end)
    }

    /// Returns the run whose frames are being sent.
    pub fn on_air(&self) -> Option<RunId> {
        self.on_air.as_ref().filter(|run| run.aired).map(|run| run.id)
    }

    /// Returns whether the slate is what viewers see at the live end.
    pub fn slate_on(&self) -> bool {
        self.slate.is_some()
    }

    /// Returns how the channel's runs are supervised.
    pub fn supervision(&self) -> &Supervision {
        &self.supervision
    }

    /// Returns why the slate is shown at frame `next`.
    pub fn slate_cause(&self, next: i64) -> Cause {
        match self.due(next) {
            None => Cause::NothingScheduled,
            Some(slot) if slot.content == Content::Nothing => Cause::NothingScheduled,
            Some(slot) => self.supervision.cause(slot.entry).unwrap_or(Cause::Starting),
        }
    }

    /// Returns the first slot after frame `next` that has something to play.
    pub fn following(&self, next: i64) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.first > next && slot.content == Content::Playable)
    }

    /// Returns the slot to show at frame `next`.
    pub fn slot_at(&self, next: i64) -> Option<&Slot> {
        self.due(next)
    }

    /// Starts what is on air again, at once, this way and whatever was tried before. A way that is not there is no way.
    pub fn order(&mut self, rung: Rung) {
        self.wanted = Some(rung);
        self.covered_until_ms = None;
    }

    /// Shows the slate until something is ordered, [`Self::uncover`] or `until_ms`.
    pub fn order_slate(&mut self, until_ms: i64) {
        self.covered_until_ms = Some(until_ms);
    }

    /// Shows the slate no longer than needed.
    pub fn uncover(&mut self) {
        self.covered_until_ms = None;
    }

    /// Goes back to the plan where something stands in by order; the slate covers until that works.
    pub fn order_back(&mut self, next: i64) -> Option<Action> {
        let due = self.due(next).map(|slot| slot.entry);
        due.into_iter().for_each(|entry| self.supervision.order_back(entry));
        let stand_in = self.on_air.take_if(|run| run.rung.is_stand_in())?;
        Some(Action::Cancel { run: stand_in.id, cause: None, why: "it no longer stands in" })
    }

    /// Prepares nothing long before its time, as long as memory is short; what is prepared is ended.
    pub fn spare(&mut self, spares: bool) -> Option<Action> {
        self.spares = spares;
        let run = self.prepared.take_if(|_| spares)?;
        Some(Action::Cancel { run: run.id, cause: None, why: "memory is short" })
    }

    /// Returns what could be done about the slot at frame `next`.
    pub fn means(&self, next: i64) -> Option<Means> {
        self.due(next).filter(|slot| slot.content == Content::Playable).map(|slot| slot.means)
    }

    /// Returns whether what is on air stands in for what is planned.
    pub fn stands_in(&self) -> bool {
        self.on_air.as_ref().is_some_and(|run| run.joined && run.rung.is_stand_in())
    }

    /// Returns whether a run waits for its time.
    pub fn has_prepared(&self) -> bool {
        self.prepared.is_some()
    }

    /// The source of `entry` has changed: what was wrong with it may not be wrong any more.
    pub fn source_changed(&mut self, entry: PlayoutEntryId) {
        self.supervision.forgive(entry);
    }

    /// A frame of this run has been sent.
    pub fn joined(&mut self, run: RunId, now_ms: i64) {
        if let Some(current) = self.on_air.as_mut().filter(|current| current.id == run) {
            current.joined = true;
            current.returns_at = None;
            self.slate = None;
            if !current.rung.is_stand_in() {
                self.supervision.shown(current.entry, now_ms);
            }
        }
    }

    /// The run on air gave pictures or sound; the feed is at `next`. A run that was overtaken by the slate can only come back at a
    /// keyframe; the slate waits for it there, or an encoder no faster than real time would chase it for ever.
    pub fn gave(&mut self, run: RunId, next: i64) {
        let gop = self.policy.gop.max(1);
        let Some(current) = self.on_air.as_mut().filter(|current| current.id == run) else { return };
        current.heard = true;
        if self.slate.is_some() {
            let at = if current.first >= next { current.first } else { (next + gop - 1).div_euclid(gop) * gop };
            current.returns_at.get_or_insert(at);
        }
    }

    /// The run on air gave bytes in which there is no picture yet.
    pub fn gave_bytes(&mut self, run: RunId) {
        if let Some(current) = self.on_air.as_mut().filter(|current| current.id == run) {
            current.has_bytes = true;
        }
    }

    /// A run is over: its last frame has been taken over, and its end is known.
    pub fn finished(&mut self, run: RunId, outcome: Outcome, now_ms: i64) {
        let slot =
            [&mut self.on_air, &mut self.prepared].into_iter().find(|held| held.as_ref().is_some_and(|r| r.id == run));
        let Some(ended) = slot.and_then(Option::take) else { return };
        match (outcome, ended.rung) {
            (Outcome::Completed { .. }, rung) if rung.is_stand_in() => {
                self.supervision.stand_in_ended(ended.entry, now_ms)
            }
            (Outcome::Completed { early }, _) => self.supervision.spent(ended.entry, early),
            (Outcome::Failed(cause), rung) => self.fails(ended.entry, rung, cause, now_ms),
        }
    }

    /// The worker is gone and every run with it. What was only prepared has not failed: it is prepared again.
    pub fn worker_gone(&mut self, cause: Cause, now_ms: i64) {
        self.prepared = None;
        if let Some(run) = self.on_air.take() {
            self.supervision.failed(run.entry, cause, now_ms);
        }
    }

    /// Returns the next thing to do at this moment, or `None` when there is nothing more to do.
    pub fn step(&mut self, moment: Moment, budget: &mut RestartBudget) -> Option<Action> {
        self.skip_lost_time(moment)
            .or_else(|| self.drop_unwanted(moment))
            .or_else(|| self.drop_covered(moment))
            .or_else(|| self.drop_ordered(moment))
            .or_else(|| self.drop_hung(moment))
            .or_else(|| self.put_on_air(moment))
            .or_else(|| self.start_due(moment, budget))
            .or_else(|| self.start_ahead(moment, budget))
            .or_else(|| self.cover(moment, budget))
    }

    /// Suspend, or a machine that stood still: nobody wants the lost minutes, neither as programme nor as slate.
    fn skip_lost_time(&mut self, moment: Moment) -> Option<Action> {
        let behind = moment.live - moment.next;
        (behind > 60 * self.policy.second).then_some(Action::Skip { to: moment.live })
    }

    /// Runs whose slot is over, was changed, or is no longer the one to show.
    fn drop_unwanted(&mut self, moment: Moment) -> Option<Action> {
        let due = self.due(moment.next).map(|slot| (slot.entry, slot.end));
        let stale = |run: &Run| {
            let known = self.slots.iter().any(|slot| slot.entry == run.entry && slot.end == run.slot_end);
            !known || (run.aired && due != Some((run.entry, run.slot_end))) || run.end <= moment.next
        };
        if let Some(run) = self.on_air.take_if(|run| stale(run)) {
            if run.rung.is_stand_in() {
                self.supervision.stand_in_ended(run.entry, moment.now_ms);
            }
            return Some(Action::Cancel { run: run.id, cause: None, why: "its time is over or the schedule changed" });
        }
        let stale = self.prepared.take_if(|run| stale(run))?;
        Some(Action::Cancel { run: stale.id, cause: None, why: "the schedule changed" })
    }

    /// Somebody wants the slate.
    fn drop_covered(&mut self, moment: Moment) -> Option<Action> {
        self.covered_until_ms.take_if(|until_ms| *until_ms <= moment.now_ms);
        self.covered_until_ms?;
        let run = self.on_air.take_if(|run| run.joined)?;
        Some(Action::Cancel { run: run.id, cause: Some(Cause::RestartOrdered), why: "the slate was ordered" })
    }

    /// Somebody wants a fresh run. One that has shown nothing yet is as fresh as can be, unless something else is wanted.
    fn drop_ordered(&mut self, moment: Moment) -> Option<Action> {
        let rung = self.wanted.take()?;
        if !self.means(moment.next).is_some_and(|means| means.allow(rung)) {
            return None;
        }
        match self.on_air.take_if(|run| run.joined || rung != Rung::SameCommand) {
            Some(run) => {
                self.supervision.order(run.entry, rung);
                Some(Action::Cancel { run: run.id, cause: Some(Cause::RestartOrdered), why: "a restart was ordered" })
            }
            None => {
                let due = self.due(moment.next).map(|slot| slot.entry).filter(|_| self.on_air.is_none());
                due.into_iter().for_each(|entry| self.supervision.order(entry, rung));
                None
            }
        }
    }

    fn drop_hung(&mut self, moment: Moment) -> Option<Action> {
        let run = self.on_air.as_ref().filter(|run| run.aired)?;
        let patience = if run.heard { self.policy.stall_ms } else { self.policy.start_ms };
        let age = moment.now_ms - run.started_ms;
        let silent = moment.silent_ms.min(age);
        // A run that cannot keep up starves its viewers just like one that hangs.
        let too_slow = run.joined && moment.live - moment.next > 15 * self.policy.second;
        // What gives bytes and never a picture is no programme.
        let fruitless = moment.waiting_ms.min(age) >= 3 * self.policy.start_ms;
        let (cause, why) = match (silent >= patience, too_slow, fruitless) {
            (true, ..) if run.has_bytes && !run.heard => (Cause::FfmpegGarbled, "what it gives is no picture"),
            (true, ..) => (Cause::FfmpegHung, "it gives nothing to a waiting reader"),
            (_, true, _) => (Cause::FfmpegSlow, "it is slower than real time"),
            (.., true) => (Cause::FfmpegGarbled, "it gives nothing that can be shown"),
            _ => return None,
        };
        let run = self.on_air.take()?;
        self.fails(run.entry, run.rung, cause, moment.now_ms);
        Some(Action::Cancel { run: run.id, cause: Some(cause), why })
    }

    /// What stands in by order and fails is no better than what it stands in for.
    fn fails(&mut self, entry: PlayoutEntryId, rung: Rung, cause: Cause, now_ms: i64) {
        if rung.is_stand_in() {
            self.supervision.order_back(entry);
        }
        self.supervision.failed(entry, cause, now_ms);
    }

    fn put_on_air(&mut self, moment: Moment) -> Option<Action> {
        let due = self.due(moment.next)?.entry;
        if self.on_air.is_none() && self.prepared.as_ref().is_some_and(|run| run.entry == due) {
            self.on_air = self.prepared.take();
        }
        let run = self.on_air.as_mut().filter(|run| !run.aired)?;
        run.aired = true;
        Some(Action::Air { run: run.id })
    }

    fn start_due(&mut self, moment: Moment, budget: &mut RestartBudget) -> Option<Action> {
        if self.on_air.is_some() || self.covered_until_ms.is_some() {
            return None;
        }
        let slot = self.due(moment.next).filter(|slot| slot.content == Content::Playable)?.clone();
        let Permit::Start(rung) = self.permit(&slot, moment, budget) else { return None };
        // While the slate runs on, a run aimed at the very next frame would always come too late for it.
        let late = self.slate_on() && slot.first < moment.next;
        let first = slot.first.max(moment.next + if late { self.policy.second * 3 / 4 } else { 0 });
        if first >= slot.end {
            return None;
        }
        let (run, action) = self.start(&slot, first, rung, moment, budget);
        self.on_air = Some(run);
        Some(action)
    }

    fn start_ahead(&mut self, moment: Moment, budget: &mut RestartBudget) -> Option<Action> {
        // A run that somebody waits for has the machine to itself.
        let awaited = self.on_air.as_ref().is_some_and(|run| !run.joined);
        if self.prepared.is_some() || awaited {
            return None;
        }
        let due_end = self.due(moment.next).map_or(moment.next, |slot| slot.end);
        let slot = self.slots.iter().find(|slot| slot.first >= due_end)?.clone();
        let ahead = if self.spares { self.policy.prepare.min(2 * self.policy.second) } else { self.policy.prepare };
        let soon = slot.first - moment.next <= ahead;
        if !soon || slot.content != Content::Playable {
            return None;
        }
        let Permit::Start(rung) = self.permit(&slot, moment, budget) else { return None };
        let (run, action) = self.start(&slot, slot.first, rung, moment, budget);
        self.prepared = Some(run);
        Some(action)
    }

    fn permit(&self, slot: &Slot, moment: Moment, budget: &RestartBudget) -> Permit {
        self.supervision.permit(slot.entry, slot.means, moment.now_ms, budget)
    }

    /// Returns whether nothing but the slate can be expected at this moment.
    fn is_hopeless(&self, moment: Moment, budget: &RestartBudget) -> bool {
        let Some(slot) = self.due(moment.next).filter(|_| self.covered_until_ms.is_none()) else { return true };
        if slot.content == Content::Nothing {
            return true;
        }
        let waits = || match self.permit(slot, moment, budget) {
            Permit::Start(_) => false,
            Permit::Wait { until_ms } => until_ms - moment.now_ms > self.policy.slate_after_ms,
            Permit::Never => true,
        };
        self.on_air.is_none() && waits()
    }

    /// Slate, where nothing else came in time.
    fn cover(&mut self, moment: Moment, budget: &RestartBudget) -> Option<Action> {
        let hopeless = self.is_hopeless(moment, budget);
        if !hopeless && self.slate.is_none() && moment.waiting_ms < self.policy.slate_after_ms {
            return None;
        }
        let next_slot = self.slots.iter().map(|slot| slot.first).find(|first| *first > moment.next);
        let returns_at = self.on_air.as_ref().and_then(|run| run.returns_at);
        let until = [next_slot, returns_at].into_iter().flatten().fold(self.slate_pace(moment, hopeless), i64::min);
        if until <= moment.next {
            return None;
        }
        self.slate.get_or_insert(SlateStart { now_ms: moment.now_ms, next: moment.next });
        Some(Action::Slate { until })
    }

    /// Returns how far the slate may run: a little behind the usual lead, so that a programme that comes back quickly loses nothing.
    fn slate_pace(&self, moment: Moment, hopeless: bool) -> i64 {
        let reserve = self.policy.lead - self.policy.second * self.policy.slate_after_ms / 1000;
        let reserved = moment.live + reserve.max(self.policy.second / 2);
        if hopeless {
            return reserved;
        }
        // On a cold channel the programme is expected any moment: the slate takes no more of its time than viewers need to see.
        let start = self.slate.unwrap_or(SlateStart { now_ms: moment.now_ms, next: moment.next });
        let elapsed = (moment.now_ms - start.now_ms) * self.policy.second / 1000;
        reserved.min(start.next + self.policy.second + elapsed)
    }

    /// Returns the slot to show at `next`: the one that covers it, or the one after it when there is too little left to start.
    fn due(&self, next: i64) -> Option<&Slot> {
        let position = self.slots.iter().position(|slot| slot.end > next)?;
        let slot = &self.slots[position];
        let running = self.on_air.as_ref().is_some_and(|run| run.entry == slot.entry);
        let sliver = !running && slot.end - next <= self.policy.second && slot.first < next;
        match self.slots.get(position + 1) {
            Some(following) if sliver && following.first == slot.end => Some(following),
            _ => (slot.first - next <= self.policy.second).then_some(slot),
        }
    }

    fn start(
        &mut self,
        slot: &Slot,
        first: i64,
        rung: Rung,
        moment: Moment,
        budget: &mut RestartBudget,
    ) -> (Run, Action) {
        self.last_run += 1;
        let (id, entry) = (RunId(self.last_run), slot.entry);
        let end = match rung {
            Rung::Filler => slot.end.min(first + slot.means.filler_frames),
            Rung::NextItem => slot.end.min(first + slot.means.next_frames),
            _ => slot.end,
        };
        debug_assert!(first < end);
        self.supervision.started(entry, rung, moment.now_ms, budget);
        let run = Run {
            id,
            entry,
            first,
            end,
            slot_end: slot.end,
            rung,
            started_ms: moment.now_ms,
            aired: false,
            heard: false,
            has_bytes: false,
            joined: false,
            returns_at: None,
        };
        (run, Action::Start { run: id, entry, first, end, rung })
    }
}

#[cfg(test)]
mod tests;
