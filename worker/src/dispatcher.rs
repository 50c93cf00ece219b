//! The worker's only loop: gather, decide, act.
//!
//! Does: turn commands, observations and time into events, and the machine's effects into deeds.
//! Does not: decide anything.
//! Invariant: nothing here waits for the host, for FFmpeg or for a disk.

use std::{collections::BTreeMap, os::fd::OwnedFd, process::ExitCode, rc::Rc, time::Duration};

use exstreamtv_model::{RunId, health::Vitals};
use exstreamtv_pipeline::{Cards, plan_on};
use exstreamtv_worker_protocol::{PROTOCOL_VERSION, Report, Restrictions};
use nix::sys::signal::Signal;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    task::{JoinSet, LocalSet},
    time::{Instant, sleep_until, timeout},
};

use crate::{
    cards, chain,
    children::Group,
    control::{Control, Outbox, ReceiveError},
    event::{Effect, Event, Reading},
    extract::extract,
    ffmpeg,
    identify::identify,
    isolation,
    loudness::measure,
    machine::Machine,
    probe::probe,
    vitals::Sampler,
};

/// Observations that may wait; FFmpeg's words beyond them are lost.
const WAITING_EVENTS: usize = 256;

/// How long the last reports may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// Runs the worker until its host stops it or is gone.
pub async fn run(control: Control, token: String) -> ExitCode {
    // Tasks of runs and probes live in the set: when it is dropped, their processes are killed.
    LocalSet::new().run_until(serve(control, token)).await
}

async fn serve(Control { mut inbox, outbox }: Control, token: String) -> ExitCode {
    let (events, mut observed) = mpsc::channel(WAITING_EVENTS);
    let mut hands = Hands {
        outbox,
        events,
        readying: JoinSet::new(),
        runs: BTreeMap::new(),
        sampler: Sampler::new(),
        restrictions: Rc::default(),
        cards: Rc::default(),
    };
    let mut machine = Machine::default();
    let _deaf = deaf_to_the_terminal();
    if isolation::version() == 0 {
        tracing::debug!("this kernel has no Landlock; FFmpeg is not isolated");
    }
    hands.outbox.send(&hello(token), None);
    loop {
        let event = tokio::select! {
            command = inbox.receive() => command.map_or_else(host_gone, Event::Command),
            Some(event) = observed.recv() => event,
            Some(Ok((run, ready))) = hands.readying.join_next() => hands.start(run, ready),
            () = hands.outbox.drain(), if hands.outbox.is_waiting() => continue,
            () = at(machine.deadline()) => Event::Tick,
        };
        let host_listens = !matches!(event, Event::HostGone);
        machine.apply(Instant::now(), event);
        while let Some(effect) = machine.next_effect() {
            match hands.perform(effect) {
                Deed::Done => {}
                Deed::Answered(event) => machine.apply(Instant::now(), event),
                Deed::Exit => {
                    if host_listens {
                        _ = timeout(FAREWELL, hands.send_everything()).await;
                    }
                    return ExitCode::SUCCESS;
                }
            }
        }
    }
}

fn hello(token: String) -> Report {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Report::Hello { protocol: PROTOCOL_VERSION, token, version, pid: std::process::id() }
}

fn host_gone(error: ReceiveError) -> Event {
    match error {
        ReceiveError::Closed => tracing::info!("the host closed the socket; this worker ends"),
        error => tracing::error!(error = chain(&error), "lost the host; this worker ends"),
    }
    Event::HostGone
}

/// Ctrl-C reaches the host too, which wants to end its workers in its own way.
fn deaf_to_the_terminal() -> Vec<tokio::signal::unix::Signal> {
    [SignalKind::interrupt(), SignalKind::hangup()].into_iter().filter_map(|kind| signal(kind).ok()).collect()
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// What came of an effect.
enum Deed {
    Done,
    Answered(Event),
    Exit,
}

/// Carries effects out.
struct Hands {
    outbox: Outbox,
    events: mpsc::Sender<Event>,
    /// Runs whose files are being looked at.
    readying: JoinSet<(RunId, Result<ffmpeg::Ready, ffmpeg::StartError>)>,
    runs: BTreeMap<RunId, Started>,
    sampler: Sampler,
    restrictions: Rc<Restrictions>,
    cards: Rc<Cards>,
}

struct Started {
    pid: u32,
    group: Group,
    /// Until the host has it.
    stdout: Option<OwnedFd>,
}

impl Hands {
    fn perform(&mut self, effect: Effect) -> Deed {
        match effect {
            Effect::Send(report) => self.send(&report),
            Effect::Start { ffmpeg, order, abilities } => {
                let (restrictions, cards) = (Rc::clone(&self.restrictions), Rc::clone(&self.cards));
                let readying = async move {
                    let plan = plan_on(&order, abilities, &cards);
                    (order.run, ffmpeg::ready(&ffmpeg, &order, plan, &restrictions).await)
                };
                self.readying.spawn_local(readying);
            }
            Effect::UseCards(told) => {
                let cards = cards::read(*told).unwrap_or_else(|error| {
                    tracing::warn!(error = chain(&error), "no video card is used");
                    Cards::default()
                });
                self.cards = Rc::new(cards);
            }
            Effect::Restrict(restrictions) => self.restrictions = Rc::new(restrictions),
            Effect::Terminate(run) => self.signal(run, Signal::SIGTERM),
            Effect::Kill(run) => self.signal(run, Signal::SIGKILL),
            Effect::Forget(run) => _ = self.runs.remove(&run),
            Effect::Identify(tools) => {
                ffmpeg::ask(async move { Event::Identified(identify(tools).await) }, &self.events);
            }
            Effect::Probe { ffprobe, ticket, path } => {
                let restrictions = Rc::clone(&self.restrictions);
                let question =
                    async move { Event::Probed { ticket, result: probe(ffprobe, path, &restrictions).await } };
                ffmpeg::ask(question, &self.events);
            }
            Effect::Read { ffmpeg, reading } => {
                let restrictions = Rc::clone(&self.restrictions);
                let answer = async move {
                    match reading {
                        Reading::Subtitles(wanted) => {
                            let ticket = wanted.ticket;
                            Event::Extracted { ticket, result: extract(ffmpeg, wanted, &restrictions).await }
                        }
                        Reading::Loudness(wanted) => {
                            let ticket = wanted.ticket;
                            Event::Heard { ticket, result: measure(ffmpeg, wanted, &restrictions).await }
                        }
                    }
                };
                ffmpeg::ask(answer, &self.events);
            }
            Effect::Measure => {
                let pids: Vec<u32> = self.runs.values().map(|run| run.pid).collect();
                // Where nothing can be measured, the host still hears that we live.
                let runs = u32::try_from(pids.len()).unwrap_or(u32::MAX);
                let vitals = self.sampler.sample(&pids).unwrap_or(Vitals { runs, ..Vitals::default() });
                return Deed::Answered(Event::Measured(vitals));
            }
            Effect::Exit => return Deed::Exit,
        }
        Deed::Done
    }

    /// On this thread, whatever happened before: the kernel ties a child's life to the thread that made it.
    fn start(&mut self, run: RunId, ready: Result<ffmpeg::Ready, ffmpeg::StartError>) -> Event {
        match ready.and_then(|ready| ready.start(run, &self.restrictions, &self.events)) {
            Ok(ffmpeg::Started { pid, group, stdout, command_line, card }) => {
                tracing::debug!(run.id = %run, pid, "FFmpeg started");
                self.runs.insert(run, Started { pid, group, stdout: Some(stdout) });
                Event::Started { run, pid, command_line, card: card.map(Box::new) }
            }
            Err(error) => {
                tracing::error!(run.id = %run, error = chain(&error), "FFmpeg did not start");
                Event::NotStarted { run, message: format!("failed to {}", chain(&error)) }
            }
        }
    }

    fn send(&mut self, report: &Report) {
        if let Report::Ended { run, end } = report {
            tracing::debug!(run.id = %run, ?end, "run ended");
        }
        let descriptor = match report {
            Report::Started { run, .. } => self.runs.get_mut(run).and_then(|run| run.stdout.take()),
            _ => None,
        };
        self.outbox.send(report, descriptor);
    }

    fn signal(&self, run: RunId, signal: Signal) {
        if let Some(started) = self.runs.get(&run) {
            started.group.signal(signal);
        }
    }

    async fn send_everything(&mut self) {
        while self.outbox.is_waiting() {
            self.outbox.drain().await;
        }
    }
}
