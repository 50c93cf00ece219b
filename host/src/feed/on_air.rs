//! The task that keeps one channel on air.
//!
//! Does: gather what happens (reports, bytes, time, orders), let the conductor decide, act.
//! Does not: decide, splice or multiplex itself.
//! Invariant: whatever fails behind it, the stream goes on; only an order, idleness or the host's end stop it.

use std::{collections::HashMap, os::fd::OwnedFd, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use exstreamtv_core::{Action, Conductor, Moment, Policy};
use exstreamtv_model::{
    Cause, Channel, PlayoutEntryId, RunId,
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
    captions::Aired,
    order::{Wanted, order},
    outlook::Outlook,
    output::Output,
    picks::Picks,
    runs::Run,
    screen::ChannelScreen,
    view::{FeedState, FeedView},
};
use crate::{
    lifecycle::Lifecycle,
    playout::{Planned, Playouts},
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
    /// Settings that may change while it runs.
    pub settings: watch::Receiver<Settings>,
}

/// Settings that may change while a feed runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long a feed goes on without a viewer.
    pub idle_stop: Duration,
    /// How long a hole may last before the slate covers it.
    pub slate_after_ms: i64,
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
    /// Orders for the feed.
    pub orders: mpsc::Receiver<Order>,
    /// Where the view for the API goes.
    pub view: watch::Sender<FeedView>,
}

/// Something that happened.
enum Event {
    Worker(WorkerEvent),
    Read(RunId, std::io::Result<usize>),
    Schedule(Vec<Planned>),
    Order(Option<Order>),
    Slate(Arc<Slate>),
    Tick,
    Stop,
}

/// The task's state.
pub struct OnAir {
    feed: Arc<Feed>,
    means: Means,
    channel: Channel,
    grid: FrameGrid,
    /// Wall time at the feed's start; the feed's own clock is monotonic from there.
    started: (DateTime<Utc>, Instant),
    conductor: Conductor,
    splice: Splice,
    output: Output,
    runs: HashMap<RunId, Run>,
    /// The run whose frames are being spliced.
    airing: Option<RunId>,
    outlook: Outlook,
    worker: SteadyWorker,
    /// When a frame was last sent, or when there was last nothing to wait for.
    fed_at: Instant,
    /// When the run on air last gave anything, or when there was last nothing to wait for.
    heard_at: Instant,
    screen: ChannelScreen,
    /// What is known of why the programme is not on.
    trouble: Option<Cause>,
    orders: mpsc::Receiver<Order>,
    view: watch::Sender<FeedView>,
    vitals: Option<Vitals>,
    failures: u32,
    slate_frames: u64,
    slate_shown: bool,
}

impl OnAir {
    /// Returns the task of this feed, ready to run.
    pub fn new(feed: Arc<Feed>, means: Means, start: Start, output: Output) -> Self {
        let Start { channel, now, first_index, mut screen, orders, view } = start;
        let grid = FrameGrid::new(&channel.profile);
        let settings = *means.settings.borrow();
        screen.show(Cause::Starting, None, now);
        let first_slate = screen.current();
        let moment = Instant::now();
        let outlook = Outlook::new(means.playouts.clone(), channel.id, means.picks.of(&channel));
        let worker = SteadyWorker::new(means.spawner.clone(), means.programs.clone(), means.life.clone());
        Self {
            feed,
            conductor: Conductor::new(policy(&channel, &grid, settings)),
            splice: Splice::new(grid, first_index, first_slate),
            channel,
            grid,
            started: (now, moment),
            output,
            means,
            runs: HashMap::new(),
            airing: None,
            outlook,
            worker,
            fed_at: moment,
            heard_at: moment,
            screen,
            trouble: None,
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
        self.output.close();
        self.worker.end(STOP_GRACE_MS).await;
        tracing::info!(why, "off air");
    }

    async fn gather(&mut self) -> Event {
        let stopping = self.means.life.stopping();
        let wants_bytes = self.splice.next_index() < self.horizon();
        let Self { worker, outlook, orders, screen, runs, airing, .. } = self;
        let airing = airing.filter(|_| wants_bytes).and_then(|id| runs.get_mut(&id)).filter(|run| run.is_readable());
        tokio::select! {
            () = stopping.cancelled() => Event::Stop,
            order = orders.recv() => Event::Order(order),
            event = worker.next() => Event::Worker(event),
            planned = outlook.answer() => Event::Schedule(planned),
            (run, read) = read(airing) => Event::Read(run, read),
            slate = screen.changed() => Event::Slate(slate),
            () = tokio::time::sleep(TICK) => Event::Tick,
        }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Worker(WorkerEvent::Report(report, pipe)) => self.hear(report, pipe),
            Event::Worker(WorkerEvent::Gone { reason }) => self.lose_worker(&reason),
            Event::Read(run, Ok(0)) => self.end_of_pipe(run),
            Event::Read(run, Ok(_)) => {
                self.heard_at = Instant::now();
                self.conductor.gave(run, self.splice.next_index());
            }
            Event::Tick => {}
            Event::Read(run, Err(error)) => {
                tracing::warn!(run.id = %run, %error, "reading a run failed");
                self.end_of_pipe(run);
            }
            Event::Schedule(planned) => self.take_schedule(planned),
            Event::Order(Some(Order::Refresh)) => self.outlook.ask(self.grid.wall_ms(self.splice.next_index())),
            Event::Order(Some(Order::Prefer(tracks))) => self.outlook.prefer(*tracks),
            Event::Order(Some(Order::Dress(changes))) => self.screen.change(*changes),
            Event::Slate(slate) => self.splice.set_slate(slate),
            Event::Order(_) | Event::Stop => {}
        }
    }

    fn hear(&mut self, report: Report, pipe: Option<OwnedFd>) {
        let now = Instant::now();
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
                LogLevel::Error | LogLevel::Fatal => tracing::warn!(run.id = %run, line = line.text, "ffmpeg"),
            },
            Report::Ended { run, end } => {
                tracing::debug!(run.id = %run, ?end, "a run ended");
                if let Some(run) = self.runs.get_mut(&run) {
                    run.ended(end, now);
                }
            }
            Report::Vitals(vitals) => self.vitals = Some(vitals),
            Report::Hello { .. } | Report::Identified { .. } | Report::Probed { .. } | Report::Extracted { .. } => {}
        }
    }

    /// Lets everything that has arrived take effect: frames move on, decisions are made, viewers get their bytes.
    fn settle(&mut self) {
        self.pump();
        // Each action changes what the next decision sees; the bound only guards against a mistake of ours.
        for _ in 0..64 {
            let moment = self.moment();
            let Some(action) = self.conductor.step(moment) else { break };
            self.perform(action);
            self.pump();
        }
        self.send();
        self.output.flush();
        self.tell_slate();
        self.ask_schedule_in_time();
        self.show();
    }

    fn send(&mut self) {
        while let Some(unit) = self.splice.pop() {
            self.slate_frames += u64::from(unit.origin == Origin::Slate && unit.kind.is_video());
            self.output.write(&unit);
        }
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
                self.conductor.joined(run.id);
            }
            if self.splice.has_joined() && !run.joined {
                run.joined = true;
                tracing::info!(run.id = %run.id, title = run.title, "on air now");
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
            let outcome = run.outcome(now).unwrap_or(exstreamtv_core::Outcome::Failed);
            if outcome == exstreamtv_core::Outcome::Failed {
                self.failures += 1;
                self.trouble = Some(run.suspected());
                tracing::warn!(run.id = %id, title = run.title, why = run.complaint(), "a run broke");
            }
            self.conductor.finished(id, outcome, self.monotonic_ms(now));
        }
    }

    fn is_over(&self, run: &Run, now: Instant) -> bool {
        let on_air = self.airing == Some(run.id);
        let used_up = run.is_read() && run.drained;
        (on_air && used_up && run.outcome(now).is_some()) || (!on_air && run.broke_early())
    }

    fn perform(&mut self, action: Action) {
        if !matches!(action, Action::Slate { .. }) {
            tracing::debug!(?action, "decided");
        }
        match action {
            Action::Start { run, entry, first, end } => self.start(run, entry, first, end),
            Action::Air { run } => {
                if let Some(held) = self.runs.get(&run) {
                    self.splice.begin_run(held.first, held.end);
                    self.begin_captions(held);
                }
                self.airing = Some(run);
            }
            Action::Cancel { run, why } => self.cancel(run, why),
            Action::Slate { until } => self.show_slate(until),
            Action::Skip { to } => {
                tracing::warn!(to, "the clock jumped; the stream goes on at the new time");
                self.skip(to);
            }
        }
    }

    fn start(&mut self, id: RunId, entry: PlayoutEntryId, first: i64, end: i64) {
        let Some(planned) = self.outlook.row(entry) else { return };
        let picked = self.outlook.picked(planned);
        let wanted = Wanted { run: id, first, end };
        let order = order(&self.grid, &self.channel, planned, picked.as_deref(), wanted);
        let Some(order) = order else { return };
        let origin_ms = planned.entry.start.timestamp_millis() - planned.entry.in_point_ms;
        let text = picked.and_then(|picked| picked.text.clone()).map(|track| (track, origin_ms));
        let mut run = Run::ordered(id, planned.entry.title.clone(), first, end);
        run.text = text;
        self.runs.insert(id, run);
        self.worker.send(Command::Play(Box::new(order)));
    }

    fn cancel(&mut self, id: RunId, why: &'static str) {
        let Some(run) = self.runs.remove(&id) else { return };
        if self.airing == Some(id) {
            self.airing = None;
            self.splice.end_run();
            self.end_captions();
        }
        // A run that has given everything ends by itself; the order only makes sure.
        if self.splice.next_index() < run.end {
            self.failures += 1;
            self.trouble = Some(Cause::FfmpegHung);
            tracing::warn!(run.id = %id, title = run.title, why, "a run is ended");
        }
        self.worker.cancel(id);
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
        self.splice.fill_slate(until);
        if self.splice.next_index() < until {
            // No slate yet: an honest hole is better than a stream that stands still.
            self.skip(until);
        }
    }

    /// Goes on at `to`, with nothing for the time between.
    fn skip(&mut self, to: i64) {
        self.send();
        self.splice = Splice::new(self.grid, to, self.screen.current());
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
            self.trouble = None;
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

    /// Keeps what the slate says true.
    fn say_why(&mut self) {
        let next_ms = self.grid.wall_ms(self.splice.next_index());
        let cause = match self.outlook.is_hole(next_ms) {
            true => Cause::NothingScheduled,
            // Nothing went wrong that we know of: a programme is on its way.
            false => self.trouble.unwrap_or(Cause::Starting),
        };
        let now = self.started.0 + self.started.1.elapsed();
        self.screen.show(cause, self.outlook.announced(next_ms), now);
    }

    fn end_of_pipe(&mut self, run: RunId) {
        if let Some(run) = self.runs.get_mut(&run) {
            run.close_pipe(Instant::now());
        }
    }

    fn lose_worker(&mut self, reason: &str) {
        let now = Instant::now();
        tracing::warn!(reason, "the worker is gone");
        self.trouble = Some(Cause::WorkerLost);
        if self.airing.take().is_some() {
            self.splice.end_run();
            self.end_captions();
        }
        self.failures += u32::try_from(self.runs.len()).unwrap_or(u32::MAX);
        self.runs.clear();
        self.conductor.worker_gone(self.monotonic_ms(now));
    }

    fn take_schedule(&mut self, planned: Vec<Planned>) {
        let slots = self.outlook.take(planned, &self.grid);
        self.conductor.set_slots(slots);
    }

    fn ask_schedule_in_time(&mut self) {
        let known_until_ms = self.conductor.known_until().map_or(i64::MIN, |index| self.grid.wall_ms(index));
        self.outlook.ask_in_time(self.grid.wall_ms(self.splice.next_index()), known_until_ms);
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
        millis(now.duration_since(self.started.1))
    }

    /// The frame that is live now. The feed's clock never jumps: it is the wall clock of its start, carried on monotonically.
    fn live(&self) -> i64 {
        let elapsed = self.started.1.elapsed();
        self.grid.index_at(self.started.0.timestamp_millis() + millis(elapsed))
    }

    /// The frame up to which the feed may go now; it moves on in steps, so that viewers are written to a few times a second.
    fn horizon(&self) -> i64 {
        let step = self.grid.frames_in(STEP_MS).max(1);
        self.live().div_euclid(step) * step + lead_frames(&self.grid)
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
        self.view.send_modify(|view| {
            view.state = match self.conductor.slate_on() {
                true => FeedState::Slate,
                false if view.state == FeedState::Starting && !self.splice.has_joined() => FeedState::Starting,
                false => FeedState::OnAir,
            };
            view.lead_ms = self.grid.wall_ms(ahead);
            view.worker_pid = self.worker.pid();
            view.runs = runs;
            view.failures = self.failures;
            view.slate_frames = self.slate_frames;
            view.vitals = self.vitals;
        });
    }
}

/// Returns how far a feed runs ahead of the wall clock.
pub fn lead_frames(grid: &FrameGrid) -> i64 {
    grid.gop_frames() + grid.frames_in(LEAD_BEYOND_GOP_MS)
}

fn policy(channel: &Channel, grid: &FrameGrid, settings: Settings) -> Policy {
    Policy {
        lead: lead_frames(grid),
        second: i64::from(channel.profile.frame_rate.num.div_ceil(channel.profile.frame_rate.den.max(1))),
        // The feed notices that it waits when the horizon moves on; by then viewers may have waited for a step.
        slate_after_ms: (settings.slate_after_ms - STEP_MS).max(0),
        gop: grid.gop_frames(),
        stall_ms: 2_000,
        start_ms: 8_000,
        prepare: lead_frames(grid) + grid.frames_in(8_000),
        retry_pause_ms: vec![0, 1_000, 5_000, 10_000, 30_000],
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

async fn read(run: Option<&mut Run>) -> (RunId, std::io::Result<usize>) {
    match run {
        Some(run) => (run.id, run.read().await),
        None => std::future::pending().await,
    }
}
