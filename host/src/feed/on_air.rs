//! The task that keeps one channel on air.
//!
//! Does: gather what happens (reports, bytes, time, orders), let the conductor decide, act.
//! Does not: decide, splice or multiplex itself.
//! Invariant: whatever fails behind it, the stream goes on; only an order, idleness or the host's end stop it.

use std::{
    collections::HashMap,
    os::fd::OwnedFd,
    sync::{Arc, PoisonError},
    time::Duration,
};

use exstreamtv_core::{Action, Conductor, Moment, Policy};
use exstreamtv_model::{
    Cause, Channel, PlayoutEntryId, RunId,
    health::{LogLevel, LogLine, Vitals},
};
use exstreamtv_transport::{FrameGrid, Slate, Splice};
use exstreamtv_worker_protocol::Report;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    Feed, Order,
    air_log::AirLog,
    outlook::{News, Outlook},
    output::Output,
    runs::Run,
    screen::ChannelScreen,
    source_watch::SourceWatch,
    stream_time::{StreamTime, millis},
    tune::{TuneClock, TuneStep},
    view::{FeedState, FeedView},
};
use crate::{
    admission::Place,
    dossiers::Casebook,
    playout::Planned,
    worker::{Event as WorkerEvent, SteadyWorker},
};

mod deeds;
mod faults;
mod frames;
mod means;
mod orders;

pub use means::{Means, Settings, Start};

/// How far the feed runs ahead of the wall clock beyond one GOP.
const LEAD_BEYOND_GOP_MS: i64 = 1_000;
/// How much is sent at once when the feed is as far ahead as it may be: each viewer costs a write, however small.
const STEP_MS: i64 = 400;
/// How often the feed looks at the clock while it is on air.
const TICK: Duration = Duration::from_millis(100);
/// How long FFmpeg may take to end by itself when the feed ends.
const STOP_GRACE_MS: u32 = 300;

/// Something that happened.
enum Event {
    Worker(WorkerEvent),
    Read(RunId, std::io::Result<usize>),
    Outlook(News),
    SourceFound(PlayoutEntryId),
    Order(Option<Order>),
    Turn,
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
    tune: TuneClock,
    casebook: Casebook,
    failures: u32,
    slate_frames: u64,
    slate_shown: bool,
    /// The worker that is lost next was ended by order.
    worker_ordered: bool,
    /// A video card took part in the newest run.
    card_used: bool,
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
        let worker = SteadyWorker::new(
            means.spawner.clone(),
            means.programs.clone(),
            means.life.clone(),
            means.hardware.cards(),
        );
        Self {
            feed,
            casebook: means.dossiers.casebook(channel.id, now.timestamp_millis()),
            conductor: Conductor::new(policy(&channel, &grid, &settings)),
            splice: Splice::new(grid, first_index, first_slate),
            // Not the time of the tune: database and pickers have been asked since, and the two clocks are to be read together.
            time: StreamTime::new(grid, means.clock.now(), moment),
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
            tune: TuneClock::new(moment),
            failures: 0,
            slate_frames: 0,
            slate_shown: false,
            worker_ordered: false,
            card_used: false,
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
        let may_begin = self.place.may_begin();
        let Self { worker, place, outlook, sources, orders, screen, runs, airing, .. } = self;
        let airing = airing.filter(|_| wants_bytes).and_then(|id| runs.get_mut(&id)).filter(|run| run.is_readable());
        tokio::select! {
            () = stopping.cancelled() => Event::Stop,
            order = orders.recv() => Event::Order(order),
            event = worker.next(), if may_begin => Event::Worker(event),
            () = place.turn(), if !may_begin => Event::Turn,
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
                self.tune.note(TuneStep::FirstByte, Instant::now());
                // Bytes alone promise nothing: for garbage the slate would wait in vain, and nobody would call it a stall.
                match self.runs.get(&run).is_some_and(|run| run.demux.stats().pictures > 0) {
                    true => {
                        self.heard_at = Instant::now();
                        self.tune.note(TuneStep::FirstPicture, self.heard_at);
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
            Event::Turn => {
                tracing::info!("the channel begins");
                self.outlook.ask(self.time.wall_ms(self.splice.next_index()));
            }
            Event::Outlook(News::Versions) => self.show_schedule(),
            Event::SourceFound(entry) => {
                tracing::info!(entry.id = %entry, "the file is there again");
                self.conductor.source_changed(entry);
            }
            Event::Order(Some(order)) => self.obey(order),
            Event::Slate(slate) => self.splice.set_slate(slate),
            Event::Order(None) | Event::Stop => {}
        }
    }

    fn hear(&mut self, report: Report, pipe: Option<OwnedFd>) {
        let now = Instant::now();
        self.casebook.hear(&report);
        match report {
            Report::Started { run, pid, card, .. } => match self.runs.get_mut(&run) {
                Some(run) => {
                    run.started(pid, pipe);
                    run.part = card;
                    self.tune.note(TuneStep::Started, now);
                }
                // Cancelled before it began; dropping the pipe is all there is to do.
                None => drop(pipe),
            },
            Report::Progress { run, progress } => {
                if let Some(run) = self.runs.get_mut(&run) {
                    run.progress = Some(progress);
                }
            }
            Report::Log { run, line } => self.hear_ffmpeg(run, &line),
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
            | Report::Extracted { .. }
            | Report::Measured { .. } => {}
        }
    }

    fn hear_ffmpeg(&mut self, id: RunId, line: &LogLine) {
        let run = self.runs.get_mut(&id);
        self.means.logs.ffmpeg_says(self.channel.id, id, run.as_ref().and_then(|run| run.pid), line);
        match line.level {
            LogLevel::Info | LogLevel::Warning => tracing::debug!(run.id = %id, line = line.text, "ffmpeg"),
            LogLevel::Error | LogLevel::Fatal => {
                tracing::warn!(run.id = %id, line = line.text, "ffmpeg");
                run.into_iter().for_each(|run| run.said(&line.text));
            }
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
        if self.splice.has_joined() && self.splice.next_index() >= self.horizon() {
            self.place.caught_up();
        }
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

    fn take_schedule(&mut self, planned: Vec<Planned>) {
        self.outlook.take(planned);
        self.show_schedule();
    }

    /// Until it may begin there is nothing to show but the slate.
    fn show_schedule(&mut self) {
        if self.place.may_begin() {
            self.conductor.set_slots(self.outlook.slots(&self.time));
        }
    }

    fn ask_schedule_in_time(&mut self) {
        let known_until_ms = self.conductor.known_until().map_or(i64::MIN, |index| self.time.wall_ms(index));
        self.outlook.ask_in_time(self.time.wall_ms(self.splice.next_index()), known_until_ms);
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
        let ways = self.ways();
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
            view.ways = ways;
            view.tune = self.tune.times();
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
