//! The task that keeps one channel on air.
//!
//! Does: gather what happens (reports, bytes, time, orders), let the conductor decide, act.
//! Does not: decide, splice or multiplex itself.
//! Invariant: whatever fails behind it, the stream goes on; only an order, idleness or the host's end stop it.

use std::{
    collections::HashMap,
    ops::Range,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use exstreamtv_core::{
    Action, Conductor, Moment, Outcome, Policy, RestartBudget, Rung, supervision::Rules, trouble::Fault,
};
use exstreamtv_model::{
    Cause, Channel, EntryKind, PlayoutEntryId, RunId,
    health::{LogLevel, Vitals},
};
use exstreamtv_transport::{FrameGrid, Origin, Slate, Splice};
use exstreamtv_worker_protocol::{Command, Report};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    Feed, Order,
    air_log::{AirLog, Shown},
    captions::Aired,
    order::{Wanted, order},
    outlook::{News, Outlook},
    output::Output,
    picks::Picks,
    runs::Run,
    screen::ChannelScreen,
    source_watch::SourceWatch,
    stream_time::{StreamTime, millis},
    view::{FeedState, FeedView},
};
use crate::{
    admission::Place,
    chronicle::Chronicle,
    clock::Clock,
    dossiers::{Casebook, Dossiers},
    lifecycle::Lifecycle,
    playout::{Planned, Playouts},
    sessions::Sessions,
    worker::{Event as WorkerEvent, Programs, Spawner, SteadyWorker},
};

/// How far the feed runs ahead of the wall clock beyond one GOP.
const LEAD_BEYOND_GOP_MS: i64 = 1_000;
/// How much is sent at once when the feed is as far ahead as it may be: each viewer costs a write, however small.
const STEP_MS: i64 = 400;
/// How often the feed looks at the clock while it is on air.
const TICK: Duration = Duration::from_millis(100);
/// How long FFmpeg may take to end by itself when the feed ends.
const STOP_GRACE_MS: u32 = 300;

/// What a feed needs from the host.
#[derive(Clone)]
pub struct Means {
    /// Starts workers.
    pub spawner: Spawner,
    /// Which programs they use.
    pub programs: Programs,
    /// The schedule.
    pub playouts: Playouts,
    /// Which sound and subtitles are played.
    pub picks: Picks,
    /// Tasks.
    pub life: Lifecycle,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Where it is written down what was aired.
    pub chronicle: Chronicle,
    /// Restarts that all channels share, and since when its milliseconds count.
    pub budget: Arc<Mutex<RestartBudget>>,
    /// Since when the milliseconds of budget and supervision count.
    pub epoch: Instant,
    /// Who watches; told when what they watch was started again.
    pub sessions: Sessions,
    /// Where failures are filed.
    pub dossiers: Dossiers,
    /// Settings that may change while it runs.
    pub settings: watch::Receiver<Settings>,
}

/// Settings that may change while a feed runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long a feed goes on without a viewer.
    pub idle_stop: Duration,
    /// How long a hole may last before the slate covers it.
    pub slate_after_ms: i64,
    /// When what failed is tried again; feeds that are on air keep what they began with.
    pub supervision: Rules,
}

/// What a feed starts from.
pub struct Start {
    /// The channel as it is now.
    pub channel: Channel,
    /// Wall time at this moment.
    pub now: DateTime<Utc>,
    /// First frame of the stream.
    pub first_index: i64,
    /// What its slate says.
    pub screen: ChannelScreen,
    /// Its place on air, or in the queue for one: without it nothing is started.
    pub place: Place,
    /// Orders for the feed.
    pub orders: mpsc::Receiver<Order>,
    /// Where the view for the API goes.
    pub view: watch::Sender<FeedView>,
}

/// Something that happened.
enum Event {
    Worker(WorkerEvent),
    Read(RunId, std::io::Result<usize>),
    Outlook(News),
    SourceFound(PlayoutEntryId),
    Order(Option<Order>),
    Admitted,
    Slate(Arc<Slate>),
    Tick,
    Stop,
}

/// The task's state.
pub struct OnAir {
    feed: Arc<Feed>,
    means: Means,
    channel: Channel,
    time: StreamTime,
    conductor: Conductor,
    splice: Splice,
    output: Output,
    runs: HashMap<RunId, Run>,
    /// The run whose frames are being spliced.
    airing: Option<RunId>,
    outlook: Outlook,
    sources: SourceWatch,
    log: AirLog,
    worker: SteadyWorker,
    place: Place,
    /// When a frame was last sent, or when there was last nothing to wait for.
    fed_at: Instant,
    /// When the run on air last gave anything, or when there was last nothing to wait for.
    heard_at: Instant,
    screen: ChannelScreen,
    orders: mpsc::Receiver<Order>,
    view: watch::Sender<FeedView>,
    vitals: Option<Vitals>,
    casebook: Casebook,
    failures: u32,
    slate_frames: u64,
    slate_shown: bool,
}

impl OnAir {
    /// Returns the task of this feed, ready to run.
    pub fn new(feed: Arc<Feed>, means: Means, start: Start, output: Output) -> Self {
        let Start { channel, now, first_index, mut screen, place, orders, view } = start;
        let grid = FrameGrid::new(&channel.profile);
        let settings = means.settings.borrow().clone();
        screen.show(Cause::Starting, None, now);
        let first_slate = screen.current();
        let moment = Instant::now();
        let outlook = Outlook::new(means.playouts.clone(), channel.id, means.picks.of(&channel));
        let worker = SteadyWorker::new(means.spawner.clone(), means.programs.clone(), means.life.clone());
        Self {
            feed,
            casebook: means.dossiers.casebook(channel.id, now.timestamp_millis()),
            conductor: Conductor::new(policy(&channel, &grid, &settings)),
            splice: Splice::new(grid, first_index, first_slate),
            time: StreamTime::new(grid, now, moment),
            sources: SourceWatch::new(means.life.clone()),
            log: AirLog::new(channel.id, means.chronicle.pen()),
            channel,
            output,
            means,
            runs: HashMap::new(),
            airing: None,
            outlook,
            worker,
            place,
            fed_at: moment,
            heard_at: moment,
            screen,
            orders,
            view,
            vitals: None,
            failures: 0,
            slate_frames: 0,
            slate_shown: false,
        }
    }

    /// Keeps the channel on air until it is told to stop or nobody watches any more.
    #[tracing::instrument(name = "channel", skip_all, fields(channel.id = %self.channel.id, channel.number = %self.channel.number))]
    pub async fn run(mut self, planned: Vec<Planned>) {
        tracing::info!("on air");
        self.take_schedule(planned);
        if !self.place.is_admitted() {
            self.wait_for_room();
        }
        self.settle();
        let why = loop {
            match self.gather().await {
                Event::Stop => break "the host stops",
                Event::Order(Some(Order::Stop) | None) => break "it was ordered to",
                event => self.apply(event),
            }
            if self.is_idle() {
                break "nobody watches";
            }
            self.settle();
        };
        self.log.close(&self.time);
        self.log.abandon(self.time.wall_ms(self.time.live(Instant::now())));
        self.output.close();
        self.worker.end(STOP_GRACE_MS).await;
        tracing::info!(why, "off air");
    }

    async fn gather(&mut self) -> Event {
        let stopping = self.means.life.stopping();
        let wants_bytes = self.splice.next_index() < self.horizon();
        let admitted = self.place.is_admitted();
        let Self { worker, place, outlook, sources, orders, screen, runs, airing, .. } = self;
        let airing = airing.filter(|_| wants_bytes).and_then(|id| runs.get_mut(&id)).filter(|run| run.is_readable());
        tokio::select! {
            () = stopping.cancelled() => Event::Stop,
            order = orders.recv() => Event::Order(order),
            event = worker.next(), if admitted => Event::Worker(event),
            () = place.admission(), if !admitted => Event::Admitted,
            news = outlook.news() => Event::Outlook(news),
            entry = sources.found() => Event::SourceFound(entry),
            (run, read) = read(airing) => Event::Read(run, read),
            slate = screen.changed() => Event::Slate(slate),
            () = tokio::time::sleep(TICK) => Event::Tick,
        }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Worker(WorkerEvent::Report(report, pipe)) => self.hear(report, pipe),
            Event::Worker(WorkerEvent::Gone { reason, cause }) => self.lose_worker(&reason, cause),
            Event::Read(run, Ok(0)) => self.end_of_pipe(run),
            Event::Read(run, Ok(_)) => {
                self.casebook.gave(run);
                // Bytes alone promise nothing: for garbage the slate would wait in vain, and nobody would call it a stall.
                match self.runs.get(&run).is_some_and(|run| run.demux.stats().pictures > 0) {
                    true => {
                        self.heard_at = Instant::now();
                        self.conductor.gave(run, self.splice.next_index());
                    }
                    false => self.conductor.gave_bytes(run),
                }
            }
            Event::Tick => {}
            Event::Read(run, Err(error)) => {
                tracing::warn!(run.id = %run, %error, "reading a run failed");
                self.end_of_pipe(run);
            }
            Event::Outlook(News::Rows(planned)) => self.take_schedule(planned),
            Event::Admitted => {
                tracing::info!("there is room now");
                self.outlook.ask(self.time.wall_ms(self.splice.next_index()));
            }
            Event::Outlook(News::Versions) => self.show_schedule(),
            Event::SourceFound(entry) => {
                tracing::info!(entry.id = %entry, "the file is there again");
                self.conductor.source_changed(entry);
            }
            Event::Order(Some(Order::Restart)) => self.conductor.order_restart(),
            Event::Order(Some(Order::Refresh)) => self.outlook.ask(self.time.wall_ms(self.splice.next_index())),
            Event::Order(Some(Order::Prefer(tracks))) => self.outlook.prefer(*tracks),
            Event::Order(Some(Order::Dress(changes))) => self.screen.change(*changes),
            Event::Slate(slate) => self.splice.set_slate(slate),
            Event::Order(_) | Event::Stop => {}
        }
    }

    fn hear(&mut self, report: Report, pipe: Option<OwnedFd>) {
        let now = Instant::now();
        self.casebook.hear(&report);
        match report {
            Report::Started { run, pid, .. } => match self.runs.get_mut(&run) {
                Some(run) => run.started(pid, pipe),
                // Cancelled before it began; dropping the pipe is all there is to do.
                None => drop(pipe),
            },
            Report::Progress { run, progress } => {
                if let Some(run) = self.runs.get_mut(&run) {
                    run.progress = Some(progress);
                }
            }
            Report::Log { run, line } => match line.level {
                LogLevel::Info | LogLevel::Warning => tracing::debug!(run.id = %run, line = line.text, "ffmpeg"),
                LogLevel::Error | LogLevel::Fatal => {
                    tracing::warn!(run.id = %run, line = line.text, "ffmpeg");
                    self.runs.get_mut(&run).into_iter().for_each(|run| run.said(&line.text));
                }
            },
            Report::Ended { run, end } => {
                tracing::debug!(run.id = %run, ?end, "a run ended");
                if let Some(run) = self.runs.get_mut(&run) {
                    run.ended(end, now);
                }
            }
            Report::Vitals(vitals) => {
                self.place.measured(vitals);
                self.vitals = Some(vitals);
            }
            Report::Hello { .. }
            | Report::Identified { .. }
            | Report::Probed { .. }
            | Report::Testimony { .. }
            | Report::Extracted { .. } => {}
        }
    }

    /// Lets everything that has arrived take effect: frames move on, decisions are made, viewers get their bytes.
    fn settle(&mut self) {
        self.follow_the_clock();
        self.pump();
        // Each action changes what the next decision sees; the bound only guards against a mistake of ours.
        for _ in 0..64 {
            let moment = self.moment();
            let Some(action) = self.decide(moment) else { break };
            self.perform(action);
            self.pump();
        }
        self.send();
        self.output.flush();
        self.tell_slate();
        self.ask_schedule_in_time();
        self.watch_sources();
        self.show();
    }

    /// The budget is held for a decision only, which takes no time.
    fn decide(&mut self, moment: Moment) -> Option<Action> {
        let mut budget = self.means.budget.lock().unwrap_or_else(PoisonError::into_inner);
        self.conductor.step(moment, &mut budget)
    }

    fn send(&mut self) {
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
    fn pump(&mut self) {
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

    fn finish_runs(&mut self, now: Instant) {
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
            self.conductor.finished(id, outcome, self.monotonic_ms(now));
            match outcome {
                Outcome::Failed(cause) => self.blame(&run, cause, run.complaint()),
                Outcome::Completed { early: Some(cause) } => self.blame(&run, cause, run.complaint()),
                Outcome::Completed { early: None } => {}
            }
        }
    }

    fn is_over(&self, run: &Run, now: Instant) -> bool {
        let on_air = self.airing == Some(run.id);
        let used_up = run.is_read() && run.drained;
        (on_air && used_up && self.outcome(run, now).is_some()) || (!on_air && run.broke_early())
    }

    fn outcome(&self, run: &Run, now: Instant) -> Option<Outcome> {
        run.outcome(self.splice.next_index(), self.time.grid().frames_in(1_000), now)
    }

    /// A run did not do what it should.
    fn blame(&mut self, run: &Run, cause: Cause, detail: String) {
        self.failures += 1;
        tracing::warn!(run.id = %run.id, title = &*run.shown.title, cause = cause.word(), why = detail, "a run broke");
        self.casebook.file(run.id, cause, &detail);
        let fault = Fault { cause, title: run.shown.title.to_string(), slot_first: run.shown.slot_first, detail };
        self.log.fault(fault, self.time.wall_ms(self.time.live(Instant::now())));
        self.outlook.look_for_versions(run.entry);
    }

    fn perform(&mut self, action: Action) {
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
            }
            Action::Cancel { run, cause, why } => self.cancel(run, cause, why),
            Action::Slate { until } => self.show_slate(until),
            Action::Skip { to } => {
                tracing::warn!(to, "the clock jumped; the stream goes on at the new time");
                self.skip(to);
            }
        }
    }

    fn start(&mut self, id: RunId, entry: PlayoutEntryId, frames: Range<i64>, rung: Rung) {
        let Some(planned) = self.outlook.row(entry) else { return };
        let slot_first = self.time.index_from(planned.entry.start.timestamp_millis());
        let first_ms = self.time.wall_ms(frames.start);
        let played = self.outlook.on_rung(planned, rung, first_ms);
        let picked = self.outlook.picked(&played);
        let wanted = Wanted { run: id, first: frames.start, end: frames.end, first_ms };
        let order = order(self.time.grid(), &self.channel, &played, picked.as_deref(), wanted);
        let (Some(order), Some(media)) = (order, played.media.as_ref()) else { return };
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
        run.text = picked.and_then(|p| p.text.clone()).map(|track| (track, self.time.stream_ms(origin_ms)));
        self.runs.insert(id, run);
        self.casebook.ordered(&order);
        self.worker.send(Command::Play(Box::new(order)));
    }

    fn cancel(&mut self, id: RunId, cause: Option<Cause>, why: &'static str) {
        let Some(run) = self.runs.remove(&id) else { return };
        if self.airing == Some(id) {
            self.airing = None;
            self.splice.end_run();
            self.end_captions();
        }
        self.worker.cancel(id);
        match cause.filter(|cause| cause.is_fault()) {
            Some(cause) => self.blame(&run, cause, format!("FFmpeg was ended: {why}. {}", run.last_words())),
            None => tracing::debug!(run.id = %id, title = &*run.shown.title, why, "a run is ended"),
        }
    }

    fn begin_captions(&self, run: &Run) {
        let Some((track, origin_ms)) = run.text.clone() else { return self.end_captions() };
        // The slate may have covered the run's first frames.
        let first = run.first.max(self.splice.next_index());
        self.feed.captions().begin(Aired { first, end: run.end, origin_ms, track });
    }

    fn end_captions(&self) {
        self.feed.captions().end(self.splice.next_index());
    }

    fn show_slate(&mut self, until: i64) {
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
    fn slate_cause(&self) -> Cause {
        match self.place.is_admitted() {
            true => self.conductor.slate_cause(self.splice.next_index()),
            false => Cause::NoCapacity,
        }
    }

    /// Goes on at `to`, with nothing for the time between.
    fn skip(&mut self, to: i64) {
        self.send();
        self.splice = Splice::new(*self.time.grid(), to, self.screen.current());
        if let Some(run) = self.airing.and_then(|id| self.runs.get(&id)) {
            self.splice.begin_run(run.first, run.end);
        }
    }

    /// Says when the slate comes and goes; an operator wants to know both.
    fn tell_slate(&mut self) {
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
    fn say_why(&mut self) {
        let next_ms = self.time.wall_ms(self.splice.next_index());
        self.screen.show(self.slate_cause(), self.outlook.announced(next_ms), self.means.clock.now());
    }

    fn end_of_pipe(&mut self, run: RunId) {
        if let Some(run) = self.runs.get_mut(&run) {
            run.close_pipe(Instant::now());
        }
    }

    fn lose_worker(&mut self, reason: &str, cause: Cause) {
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
        let fault = Fault {
            cause,
            title: title.unwrap_or_default(),
            slot_first: due.map_or(next, |slot| slot.first),
            detail: format!("the worker is gone: {reason}"),
        };
        self.log.fault(fault, self.time.wall_ms(self.time.live(now)));
    }

    fn take_schedule(&mut self, planned: Vec<Planned>) {
        self.outlook.take(planned);
        self.show_schedule();
    }

    /// Without a place on air there is nothing to show but the slate.
    fn show_schedule(&mut self) {
        if self.place.is_admitted() {
            self.conductor.set_slots(self.outlook.slots(&self.time));
        }
    }

    fn ask_schedule_in_time(&mut self) {
        let known_until_ms = self.conductor.known_until().map_or(i64::MIN, |index| self.time.wall_ms(index));
        self.outlook.ask_in_time(self.time.wall_ms(self.splice.next_index()), known_until_ms);
    }

    /// The machine has no room for this channel yet: its viewers see the slate, and no worker is started.
    fn wait_for_room(&mut self) {
        let (now, next) = (Instant::now(), self.splice.next_index());
        let detail = "there is no room for one more channel".to_owned();
        let fault = Fault { cause: Cause::NoCapacity, title: String::new(), slot_first: next, detail };
        self.log.fault(fault, self.time.wall_ms(self.time.live(now)));
    }

    /// Somebody set the clock, or the machine slept: the stream goes on as it is, with what is on air at the new time.
    fn follow_the_clock(&mut self) {
        let mut time = self.time;
        let Some(step_ms) = time.follow(self.means.clock.now(), Instant::now()) else { return };
        tracing::warn!(step_ms, "the wall clock was set; the channel shows what is on air at the new time");
        self.log.close(&self.time);
        self.log.clock_was_set();
        self.time = time;
        self.show_schedule();
        self.outlook.ask(self.time.wall_ms(self.splice.next_index()));
    }

    /// A file that was missing may be there again.
    fn watch_sources(&mut self) {
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

    fn moment(&self) -> Moment {
        let now = Instant::now();
        let next = self.splice.next_index();
        let reading = next < self.horizon();
        let since = |at: Instant| if reading { millis(now.duration_since(at)) } else { 0 };
        let (waiting_ms, silent_ms) = (since(self.fed_at), since(self.heard_at));
        Moment { now_ms: self.monotonic_ms(now), live: self.live(), next, waiting_ms, silent_ms }
    }

    fn monotonic_ms(&self, now: Instant) -> i64 {
        millis(now.duration_since(self.means.epoch))
    }

    fn live(&self) -> i64 {
        self.time.live(Instant::now())
    }

    /// The frame up to which the feed may go now; it moves on in steps, so that viewers are written to a few times a second.
    fn horizon(&self) -> i64 {
        let grid = self.time.grid();
        let step = grid.frames_in(STEP_MS).max(1);
        self.live().div_euclid(step) * step + lead_frames(grid)
    }

    fn is_idle(&self) -> bool {
        let patience = self.means.settings.borrow().idle_stop;
        self.feed.idle_since().is_some_and(|since| since.elapsed() >= patience)
    }

    fn show(&self) {
        let on_air = self.conductor.on_air();
        let mut runs: Vec<_> = self.runs.values().map(|run| run.view(on_air)).collect();
        runs.sort_by_key(|run| run.run);
        let ahead = self.splice.next_index() - self.live();
        let slate = self.conductor.slate_on();
        let cause = slate.then(|| self.slate_cause());
        self.view.send_modify(|view| {
            view.state = match slate {
                true => FeedState::Slate,
                false if view.state == FeedState::Starting && !self.splice.has_joined() => FeedState::Starting,
                false => FeedState::OnAir,
            };
            view.lead_ms = self.time.grid().wall_ms(ahead);
            view.worker_pid = self.worker.pid();
            view.runs = runs;
            view.failures = self.failures;
            view.restarts = self.conductor.supervision().restarts();
            view.cause = cause;
            view.slate_frames = self.slate_frames;
            view.vitals = self.vitals;
        });
    }
}

/// Returns how far a feed runs ahead of the wall clock.
pub fn lead_frames(grid: &FrameGrid) -> i64 {
    grid.gop_frames() + grid.frames_in(LEAD_BEYOND_GOP_MS)
}

fn policy(channel: &Channel, grid: &FrameGrid, settings: &Settings) -> Policy {
    Policy {
        lead: lead_frames(grid),
        second: i64::from(channel.profile.frame_rate.num.div_ceil(channel.profile.frame_rate.den.max(1))),
        // The feed notices that it waits when the horizon moves on; by then viewers may have waited for a step.
        slate_after_ms: (settings.slate_after_ms - STEP_MS).max(0),
        gop: grid.gop_frames(),
        stall_ms: 2_000,
        start_ms: 8_000,
        prepare: lead_frames(grid) + grid.frames_in(8_000),
        supervision: settings.supervision.clone(),
    }
}

async fn read(run: Option<&mut Run>) -> (RunId, std::io::Result<usize>) {
    match run {
        Some(run) => (run.id, run.read().await),
        None => std::future::pending().await,
    }
}
