//! The task that keeps one channel on air.
//!
//! Does: gather what happens (reports, bytes, time, orders), let the conductor decide, act.
//! Does not: decide, splice or multiplex itself.
//! Invariant: whatever fails behind it, the stream goes on; only an order, idleness or the host's end stop it.

use std::{collections::HashMap, future::Future, os::fd::OwnedFd, pin::Pin, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use exstreamtv_core::{Action, Conductor, Content, Moment, Policy, Slot, fallback::choose_streams};
use exstreamtv_model::{
    Channel, FrameRate, PlayOrder, PlayoutEntryId, RunId,
    health::{LogLevel, Vitals},
    media::VideoStream,
    order::Source,
};
use exstreamtv_transport::{FrameGrid, Origin, Slate, Splice};
use exstreamtv_worker_protocol::{Command, Report};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    Feed, Order,
    output::Output,
    runs::Run,
    view::{FeedState, FeedView},
};
use crate::{
    lifecycle::Lifecycle,
    playout::{Planned, Playouts},
    worker::{Event as WorkerEvent, Programs, Spawner, WorkerError, WorkerLink},
};

/// How far the feed runs ahead of the wall clock beyond one GOP.
const LEAD_BEYOND_GOP_MS: i64 = 1_000;
/// How often the feed looks at the clock while it is on air.
const TICK: Duration = Duration::from_millis(100);
/// How much of the schedule the feed knows ahead, and when it asks for more.
const SCHEDULE_MS: i64 = 30 * 60_000;
const SCHEDULE_REFRESH_MS: i64 = 10 * 60_000;
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
    /// The slate, if it is ready.
    pub slate: watch::Receiver<Option<Arc<Slate>>>,
    /// Orders for the feed.
    pub orders: mpsc::Receiver<Order>,
    /// Where the view for the API goes.
    pub view: watch::Sender<FeedView>,
}

type Pending<T> = Option<Pin<Box<dyn Future<Output = T> + Send>>>;

/// Something that happened.
enum Event {
    Worker(WorkerEvent),
    WorkerOpened(Result<WorkerLink, WorkerError>),
    Read(RunId, std::io::Result<usize>),
    Schedule(Result<Vec<Planned>, crate::playout::PlayoutError>),
    Order(Option<Order>),
    Slate,
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
    entries: HashMap<PlayoutEntryId, Planned>,
    link: Option<WorkerLink>,
    /// Commands that wait for a worker.
    backlog: Vec<Command>,
    opening: Pending<Result<WorkerLink, WorkerError>>,
    not_before: Instant,
    query: Pending<Result<Vec<Planned>, crate::playout::PlayoutError>>,
    query_not_before: Instant,
    /// When a frame was last sent, or when there was last nothing to wait for.
    fed_at: Instant,
    slate: watch::Receiver<Option<Arc<Slate>>>,
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
        let Start { channel, now, first_index, slate, orders, view } = start;
        let grid = FrameGrid::new(&channel.profile);
        let settings = *means.settings.borrow();
        let first_slate = slate.borrow().clone();
        let moment = Instant::now();
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
            entries: HashMap::new(),
            link: None,
            backlog: Vec::new(),
            opening: None,
            not_before: moment,
            query: None,
            query_not_before: moment,
            fed_at: moment,
            slate,
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
        self.open_worker();
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
        self.end_worker().await;
        tracing::info!(why, "off air");
    }

    async fn gather(&mut self) -> Event {
        let stopping = self.means.life.stopping();
        let wants_bytes = self.splice.next_index() < self.horizon();
        let Self { link, opening, query, orders, slate, runs, airing, .. } = self;
        let airing = airing.filter(|_| wants_bytes).and_then(|id| runs.get_mut(&id)).filter(|run| run.is_readable());
        tokio::select! {
            () = stopping.cancelled() => Event::Stop,
            order = orders.recv() => Event::Order(order),
            event = hear(link) => Event::Worker(event),
            opened = pending(opening) => Event::WorkerOpened(opened),
            planned = pending(query) => Event::Schedule(planned),
            (run, read) = read(airing) => Event::Read(run, read),
            Ok(()) = slate.changed() => Event::Slate,
            () = tokio::time::sleep(TICK) => Event::Tick,
        }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Worker(WorkerEvent::Report(report, pipe)) => self.hear(report, pipe),
            Event::Worker(WorkerEvent::Gone { reason }) => self.lose_worker(&reason),
            Event::WorkerOpened(Ok(mut link)) => {
                self.opening = None;
                for command in self.backlog.drain(..) {
                    link.send(&command);
                }
                self.link = Some(link);
            }
            Event::WorkerOpened(Err(error)) => {
                self.opening = None;
                tracing::error!(error = &error as &dyn std::error::Error, "no worker; trying again");
                self.lose_worker("it could not be started");
            }
            Event::Read(run, Ok(0)) => self.end_of_pipe(run),
            Event::Read(_, Ok(_)) | Event::Tick => {}
            Event::Read(run, Err(error)) => {
                tracing::warn!(run.id = %run, %error, "reading a run failed");
                self.end_of_pipe(run);
            }
            Event::Schedule(planned) => {
                self.query = None;
                match planned {
                    Ok(planned) => self.take_schedule(planned),
                    Err(error) => {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "the schedule cannot be read; trying again"
                        );
                        self.query_not_before = Instant::now() + Duration::from_secs(5);
                    }
                }
            }
            Event::Order(Some(Order::Refresh)) => {
                self.query = None;
                self.ask_schedule();
            }
            Event::Slate => {
                if let Some(slate) = self.slate.borrow_and_update().clone() {
                    self.splice.set_slate(slate);
                }
            }
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
            Report::Hello { .. } | Report::Identified { .. } | Report::Probed { .. } => {}
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
        self.reopen_worker();
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
            }
            if self.splice.has_joined() && !run.joined {
                run.joined = true;
                tracing::info!(run.id = %run.id, title = run.title, "on air now");
            }
            if run.joined {
                self.conductor.joined(run.id);
            }
        }
        if self.splice.next_index() >= horizon {
            self.fed_at = now;
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
                tracing::debug!(run.id = %id, ?summary, "a run is over");
            }
            let outcome = run.outcome(now).unwrap_or(exstreamtv_core::Outcome::Failed);
            if outcome == exstreamtv_core::Outcome::Failed {
                self.failures += 1;
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
        let Some(planned) = self.entries.get(&entry) else { return };
        let Some(order) = order(&self.grid, &self.channel, planned, id, first, end) else { return };
        self.runs.insert(id, Run::ordered(id, planned.entry.title.clone(), first, end));
        let command = Command::Play(Box::new(order));
        match &mut self.link {
            Some(link) => link.send(&command),
            None => self.backlog.push(command),
        }
    }

    fn cancel(&mut self, id: RunId, why: &'static str) {
        let Some(run) = self.runs.remove(&id) else { return };
        if self.airing == Some(id) {
            self.airing = None;
            self.splice.end_run();
        }
        // A run that has given everything ends by itself; the order only makes sure.
        if self.splice.next_index() < run.end {
            self.failures += 1;
            tracing::warn!(run.id = %id, title = run.title, why, "a run is ended");
        }
        self.backlog.retain(|command| !matches!(command, Command::Play(order) if order.run == id));
        if let Some(link) = &mut self.link {
            link.send(&Command::Cancel { run: id });
        }
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
        self.splice = Splice::new(self.grid, to, self.slate.borrow().clone());
        if let Some(run) = self.airing.and_then(|id| self.runs.get(&id)) {
            self.splice.begin_run(run.first, run.end);
        }
    }

    /// Says when the slate comes and goes; an operator wants to know both.
    fn tell_slate(&mut self) {
        let on = self.conductor.slate_on();
        if on == self.slate_shown {
            return;
        }
        self.slate_shown = on;
        match on {
            true => tracing::warn!(frame = self.splice.next_index(), "the slate is on air"),
            false => tracing::info!(frame = self.splice.next_index(), "the programme is back on air"),
        }
    }

    fn end_of_pipe(&mut self, run: RunId) {
        if let Some(run) = self.runs.get_mut(&run) {
            run.close_pipe(Instant::now());
        }
    }

    fn open_worker(&mut self) {
        let Means { spawner, programs, life, .. } = self.means.clone();
        self.opening = Some(Box::pin(async move { WorkerLink::open(&spawner, &programs, &life).await }));
    }

    fn reopen_worker(&mut self) {
        if self.link.is_none() && self.opening.is_none() && Instant::now() >= self.not_before {
            self.open_worker();
        }
    }

    fn lose_worker(&mut self, reason: &str) {
        let now = Instant::now();
        tracing::warn!(reason, "the worker is gone");
        self.link = None;
        self.backlog.clear();
        self.not_before = now + Duration::from_millis(500);
        if self.airing.take().is_some() {
            self.splice.end_run();
        }
        self.failures += u32::try_from(self.runs.len()).unwrap_or(u32::MAX);
        self.runs.clear();
        self.conductor.worker_gone(self.monotonic_ms(now));
    }

    async fn end_worker(&mut self) {
        let Some(mut link) = self.link.take() else { return };
        link.send(&Command::Stop { grace_ms: STOP_GRACE_MS });
        let gone = async { while !matches!(link.recv().await, WorkerEvent::Gone { .. }) {} };
        let _ = tokio::time::timeout(Duration::from_millis(u64::from(STOP_GRACE_MS) + 700), gone).await;
    }

    fn take_schedule(&mut self, planned: Vec<Planned>) {
        let slot = |planned: &Planned| {
            let entry = &planned.entry;
            let first = self.grid.index_from(entry.start.timestamp_millis());
            let end = self.grid.index_from(entry.stop.timestamp_millis());
            let content = if planned.media.is_some() { Content::Playable } else { Content::Nothing };
            Slot { entry: entry.id, first, end, content }
        };
        let slots = planned.iter().map(slot).filter(|slot| slot.first < slot.end).collect();
        self.conductor.set_slots(slots);
        self.entries = planned.into_iter().map(|planned| (planned.entry.id, planned)).collect();
    }

    fn ask_schedule_in_time(&mut self) {
        let known_ms = self.conductor.known_until().map_or(i64::MIN, |index| self.grid.wall_ms(index));
        let wanted_ms = self.grid.wall_ms(self.splice.next_index()) + SCHEDULE_REFRESH_MS;
        if known_ms < wanted_ms && Instant::now() >= self.query_not_before {
            self.ask_schedule();
        }
    }

    fn ask_schedule(&mut self) {
        if self.query.is_some() {
            return;
        }
        self.query_not_before = Instant::now() + Duration::from_secs(5);
        let from_ms = self.grid.wall_ms(self.splice.next_index());
        let (playouts, channel) = (self.means.playouts.clone(), self.channel.id);
        self.query = Some(Box::pin(async move { playouts.upcoming(channel, from_ms, from_ms + SCHEDULE_MS).await }));
    }

    fn moment(&self) -> Moment {
        let now = Instant::now();
        let next = self.splice.next_index();
        let reading = next < self.horizon();
        let waiting = if reading { now.duration_since(self.fed_at) } else { Duration::ZERO };
        Moment { now_ms: self.monotonic_ms(now), live: self.live(), next, waiting_ms: millis(waiting) }
    }

    fn monotonic_ms(&self, now: Instant) -> i64 {
        millis(now.duration_since(self.started.1))
    }

    /// The frame that is live now. The feed's clock never jumps: it is the wall clock of its start, carried on monotonically.
    fn live(&self) -> i64 {
        let elapsed = self.started.1.elapsed();
        self.grid.index_at(self.started.0.timestamp_millis() + millis(elapsed))
    }

    fn horizon(&self) -> i64 {
        self.live() + lead_frames(&self.grid)
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
            view.worker_pid = self.link.as_ref().map(WorkerLink::pid);
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
        slate_after_ms: settings.slate_after_ms,
        stall_ms: 2_000,
        start_ms: 8_000,
        prepare: lead_frames(grid) + grid.frames_in(8_000),
        retry_pause_ms: vec![0, 1_000, 5_000, 10_000, 30_000],
    }
}

/// Returns what the worker must do to play `planned` from frame `first` to `end`, at the wall-clock position.
fn order(
    grid: &FrameGrid,
    channel: &Channel,
    planned: &Planned,
    run: RunId,
    first: i64,
    end: i64,
) -> Option<PlayOrder> {
    let media = planned.media.as_ref()?;
    let probe = media.probe.clone()?;
    let streams = choose_streams(&probe);
    let into_ms = (grid.wall_ms(first) - planned.entry.start.timestamp_millis()).max(0);
    let picture = probe.video().find(|(stream, _)| Some(stream.index) == streams.video).map(|(_, video)| video);
    let at_ms = planned.entry.in_point_ms + into_ms;
    let source = Source::File {
        path: media.path.clone(),
        in_point_ms: picture.map_or(at_ms, |picture| on_a_frame(at_ms, picture)),
        video: streams.video,
        audio: streams.audio,
        probe,
    };
    let frames = u32::try_from(end - first).ok()?;
    let to_key = (grid.gop_start(first) - first).rem_euclid(grid.gop_frames());
    let keyframe_offset = u32::try_from(to_key).ok()?;
    Some(PlayOrder { run, source, profile: channel.profile.clone(), frames, keyframe_offset })
}

/// Returns the start of the source frame nearest to `at_ms`. A run that begins between two frames would show every picture of
/// a source of the channel's own rate up to half a frame too early or too late against its sound.
fn on_a_frame(at_ms: i64, picture: &VideoStream) -> i64 {
    let Some(FrameRate { num, den }) = picture.frame_rate.filter(|rate| rate.num > 0 && rate.den > 0) else {
        return at_ms;
    };
    let (num, den) = (i128::from(num), 1_000 * i128::from(den));
    let since_first_ms = i128::from(at_ms - picture.first_picture_ms);
    let nearest = (2 * since_first_ms * num + den).div_euclid(2 * den);
    let starts_ms = |frame: i128| (frame * den).div_euclid(num) + i128::from(picture.first_picture_ms);
    let start_ms = if starts_ms(nearest) < 0 { starts_ms(nearest + 1) } else { starts_ms(nearest) };
    // FFmpeg drops the frames that begin before the in-point, and milliseconds are rounded.
    i64::try_from(start_ms).map_or(at_ms, |start_ms| (start_ms - 1).max(0))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

async fn hear(link: &mut Option<WorkerLink>) -> WorkerEvent {
    match link {
        Some(link) => link.recv().await,
        None => std::future::pending().await,
    }
}

async fn pending<T>(future: &mut Pending<T>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

async fn read(run: Option<&mut Run>) -> (RunId, std::io::Result<usize>) {
    match run {
        Some(run) => (run.id, run.read().await),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::media::{Color, FieldOrder};

    use super::*;

    fn picture(num: u32, den: u32, first_picture_ms: i64) -> VideoStream {
        VideoStream {
            width: 2,
            height: 2,
            sample_aspect: (1, 1),
            rotation_degrees: 0,
            frame_rate: Some(FrameRate::new(num, den)),
            first_picture_ms,
            pixel_format: None,
            field_order: FieldOrder::default(),
            color: Color::default(),
        }
    }

    #[test]
    fn runs_begin_on_a_frame_of_their_source() {
        assert_eq!(on_a_frame(27, &picture(25, 1, 0)), 39);
        assert_eq!(on_a_frame(13, &picture(25, 1, 0)), 0);
        assert_eq!(on_a_frame(0, &picture(25, 1, 21)), 20);
        assert_eq!(on_a_frame(1_000, &picture(30_000, 1_001, 0)), 1_000);
        assert_eq!(on_a_frame(0, &picture(25, 1, 500)), 19);
        assert_eq!(on_a_frame(27, &picture(0, 0, 0)), 27);
    }
}
