//! What the worker does when something happens.
//!
//! Does: keep the table of runs, bound the probes, answer every command, given events and the time.
//! Does not: spawn, signal, send, read a clock; that is `dispatcher`.
//! Invariant: every `Play` is answered by exactly one `Ended`, and every `Probe` by one `Probed`, every `Extract` by one `Extracted`, every `Measure` by one
//! `Measured`, in whatever order events come; a run is in the table from its order to its end.

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    time::Duration,
};

use exstreamtv_model::{
    PlayOrder, RunId,
    health::{LogLevel, LogLine, Progress, RunEnd},
    order::Source,
};
use exstreamtv_pipeline::{Abilities, picture::is_hdr};
use exstreamtv_worker_protocol::{CardPart, Command, FfmpegFault, Report};
use tokio::time::Instant;

use crate::{
    burn_ins::BurnIns,
    event::{Effect, Event, Exit, Extraction, Reading, Tools},
    identify::Identity,
    loudness::Measurement,
};

/// Probes at the same time; disks do not like more.
pub const PROBES_AT_ONCE: usize = 2;

/// Whole files that are read at the same time. They have places of their own: probes are quick and must not wait for them.
pub const READINGS_AT_ONCE: usize = 2;

/// Between two vital signs.
const VITALS_EVERY: Duration = Duration::from_secs(2);

/// How long after its last kill the worker waits for ends before it ends without them.
const DEAF_AFTER: Duration = Duration::from_secs(1);

/// The worker's state.
#[derive(Debug, Default)]
pub struct Machine {
    tools: Option<Tools>,
    abilities: Option<Abilities>,
    identifying: Identifying,
    runs: BTreeMap<RunId, Phase>,
    burn_ins: BurnIns,
    probes_running: usize,
    probes_waiting: VecDeque<(u64, PathBuf)>,
    readings_running: usize,
    readings_waiting: VecDeque<Reading>,
    stopping: Option<Stopping>,
    vitals_at: Option<Instant>,
    effects: VecDeque<Effect>,
}

#[derive(Debug)]
enum Phase {
    /// What needs to know what FFmpeg can do waits for the answer.
    Waiting(Box<PlayOrder>),
    /// FFmpeg is being started.
    Starting { cancelled: bool },
    /// FFmpeg runs.
    Running { cancelled: bool },
}

#[derive(Debug, Default)]
struct Identifying {
    in_flight: bool,
    /// How many `Identify` the answer will answer.
    asked_by_host: u32,
}

#[derive(Debug, Clone, Copy)]
enum Stopping {
    /// Runs were asked to end, and are killed at this time.
    Politely { until: Instant },
    /// Runs were killed; at this time the worker ends without their ends.
    Forcefully { until: Instant },
}

impl Machine {
    /// Takes in what happened at `now`; then ask [`Self::next_effect`] until there is none.
    pub fn apply(&mut self, now: Instant, event: Event) {
        match event {
            Event::Command(command) => self.obey(now, command),
            Event::HostGone => {
                self.kill_all();
                self.effects.push_back(Effect::Exit);
            }
            Event::Started { run, pid, command_line, card } => self.started(run, pid, command_line, card),
            Event::NotStarted { run, message } => self.end(now, run, RunEnd::NotStarted { message }),
            Event::Progress { run, progress } => self.progressed(run, progress),
            Event::Line { run, line } => self.send_of(run, Report::Log { run, line }),
            Event::Exited { run, exit } => self.exited(now, run, exit),
            Event::Identified(identity) => self.identified(now, identity),
            Event::Probed { ticket, result } => {
                self.probes_running = self.probes_running.saturating_sub(1);
                self.send(Report::Probed { ticket, result });
                self.start_probes();
            }
            Event::Extracted { ticket, result } => self.has_read(Report::Extracted { ticket, result }),
            Event::Heard { ticket, result } => self.has_read(Report::Measured { ticket, result }),
            Event::Measured(vitals) => self.send(Report::Vitals(vitals)),
            Event::Tick => self.tick(now),
        }
        self.leave_when_done();
        debug_assert!(self.probes_running <= PROBES_AT_ONCE, "probes are bounded");
        debug_assert!(self.readings_running <= READINGS_AT_ONCE, "readings are bounded");
    }

    /// Returns the next thing to do, in order.
    pub fn next_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Returns when a `Tick` is due, if nothing else happens before.
    pub fn deadline(&self) -> Option<Instant> {
        let stop = self.stopping.map(|(Stopping::Politely { until } | Stopping::Forcefully { until })| until);
        [stop, self.vitals_at].into_iter().flatten().min()
    }

    fn obey(&mut self, now: Instant, command: Command) {
        match command {
            Command::Configure { ffmpeg, ffprobe } => {
                self.tools = Some(Tools { ffmpeg, ffprobe });
                self.abilities = None;
                // Without runs, too: a host takes a worker that says nothing for one that hangs.
                self.vitals_at.get_or_insert(now + VITALS_EVERY);
            }
            Command::Restrict(restrictions) => self.effects.push_back(Effect::Restrict(restrictions)),
            Command::Cards(cards) => self.effects.push_back(Effect::UseCards(cards)),
            Command::Identify => self.identify_for_host(),
            Command::Play(order) => self.play(now, order),
            Command::Cancel { run } => self.cancel(now, run),
            Command::Probe { ticket, path } => self.probe(ticket, path),
            Command::Extract { ticket, path, stream, to } => {
                self.read(Reading::Subtitles(Extraction { ticket, path, stream, to }));
            }
            Command::Measure { ticket, path, stream, downmix, channels } => {
                self.read(Reading::Loudness(Measurement { ticket, path, stream, downmix, channels }));
            }
            Command::Stop { grace_ms } => self.stop(now, Duration::from_millis(u64::from(grace_ms))),
        }
    }

    fn identify_for_host(&mut self) {
        if self.tools.is_some() {
            self.identifying.asked_by_host += 1;
            self.identify();
        } else {
            let message = UNCONFIGURED.to_owned();
            self.send(Report::Identified { ffmpeg: Err(FfmpegFault::Missing { tool: "ffmpeg".to_owned(), message }) });
        }
    }

    fn identify(&mut self) {
        if let (false, Some(tools)) = (self.identifying.in_flight, &self.tools) {
            self.effects.push_back(Effect::Identify(tools.clone()));
            self.identifying.in_flight = true;
        }
    }

    fn identified(&mut self, now: Instant, identity: Identity) {
        let Identifying { asked_by_host, .. } = std::mem::take(&mut self.identifying);
        self.abilities = Some(identity.abilities);
        for _ in 0..asked_by_host {
            self.send(Report::Identified { ffmpeg: identity.ffmpeg.clone() });
        }
        let waiting: Vec<RunId> = self.runs.iter().filter(|(_, phase)| phase.waits()).map(|(run, _)| *run).collect();
        for run in waiting {
            if let Some(Phase::Waiting(order)) = self.runs.remove(&run) {
                self.start(now, order);
            }
        }
    }

    fn play(&mut self, now: Instant, order: Box<PlayOrder>) {
        let run = order.run;
        if self.runs.contains_key(&run) {
            // An end would be taken for the end of the first one.
            let text = format!("refused a second order for run {run}: it is still playing");
            return self.send(Report::Log { run, line: LogLine { level: LogLevel::Error, text } });
        }
        if self.stopping.is_some() {
            return self.send_end(run, RunEnd::NotStarted { message: STOPPING.to_owned() });
        }
        if needs_abilities(&order.source) && self.abilities.is_none() && self.tools.is_some() {
            self.runs.insert(run, Phase::Waiting(order));
            self.identify();
        } else {
            self.start(now, order);
        }
    }

    fn start(&mut self, now: Instant, mut order: Box<PlayOrder>) {
        let run = order.run;
        let Some(ffmpeg) = self.tools.as_ref().map(|tools| tools.ffmpeg.clone()) else {
            return self.send_end(run, RunEnd::NotStarted { message: UNCONFIGURED.to_owned() });
        };
        self.runs.insert(run, Phase::Starting { cancelled: false });
        if self.burn_ins.leave_out(now, &mut order) {
            let text = "its subtitles kept the last attempt from beginning; it is played without them".to_owned();
            self.send(Report::Log { run, line: LogLine { level: LogLevel::Warning, text } });
        }
        let abilities = self.abilities_for(&order);
        self.effects.push_back(Effect::Start { ffmpeg, order, abilities });
    }

    /// Nearly every FFmpeg can burn text in, and viewers wait: while nobody knows, it is tried, and asked beside for the next time.
    fn abilities_for(&mut self, order: &PlayOrder) -> Abilities {
        if let Some(abilities) = self.abilities {
            return abilities;
        }
        if matches!(order.source, Source::File { subtitles: Some(_), .. }) {
            self.identify();
        }
        Abilities { burn_text: true, ..Abilities::default() }
    }

    fn progressed(&mut self, run: RunId, progress: Progress) {
        if progress.frames > 0 {
            self.burn_ins.good(run);
        }
        self.send_of(run, Report::Progress { run, progress });
    }

    fn started(&mut self, run: RunId, pid: u32, command_line: Vec<String>, card: Option<Box<CardPart>>) {
        let Some(phase) = self.runs.get_mut(&run) else {
            debug_assert!(false, "only ordered runs are started");
            return self.effects.push_back(Effect::Kill(run));
        };
        let cancelled = matches!(phase, Phase::Starting { cancelled: true });
        *phase = Phase::Running { cancelled };
        self.send(Report::Started { run, pid, command_line, card });
        if cancelled {
            self.effects.push_back(Effect::Kill(run));
        }
    }

    fn cancel(&mut self, now: Instant, run: RunId) {
        match self.runs.get_mut(&run) {
            Some(Phase::Waiting(_)) => self.end(now, run, RunEnd::Cancelled),
            Some(Phase::Starting { cancelled }) => *cancelled = true,
            // At once and for sure: nobody wants the end of this stream, and a stopped process hears nothing else.
            Some(Phase::Running { cancelled }) => {
                *cancelled = true;
                self.effects.push_back(Effect::Kill(run));
            }
            None => {}
        }
    }

    fn exited(&mut self, now: Instant, run: RunId, exit: Exit) {
        let cancelled = matches!(self.runs.get(&run), Some(Phase::Running { cancelled: true }));
        let end = match (exit.code, exit.signal) {
            (Some(0), _) => RunEnd::Completed,
            _ if cancelled => RunEnd::Cancelled,
            (_, Some(signal)) => RunEnd::Killed { signal },
            (code, None) => RunEnd::Failed { code: code.unwrap_or(-1), message: in_words(code, exit.last_words) },
        };
        self.effects.push_back(Effect::Forget(run));
        // Of an end that was ordered with all others nobody wants to know more.
        if end != RunEnd::Completed && self.stopping.is_none() {
            self.send_of(run, Report::Testimony { run, testimony: exit.testimony });
        }
        self.end(now, run, end);
    }

    fn end(&mut self, now: Instant, run: RunId, end: RunEnd) {
        self.burn_ins.ended(now, run, &end);
        if self.runs.remove(&run).is_some() {
            self.send_end(run, end);
        }
    }

    fn probe(&mut self, ticket: u64, path: PathBuf) {
        if self.stopping.is_some() {
            return self.send(Report::Probed { ticket, result: Err(STOPPING.to_owned()) });
        }
        self.probes_waiting.push_back((ticket, path));
        self.start_probes();
    }

    fn start_probes(&mut self) {
        while self.probes_running < PROBES_AT_ONCE
            && let Some((ticket, path)) = self.probes_waiting.pop_front()
        {
            match &self.tools {
                Some(tools) => {
                    self.probes_running += 1;
                    self.effects.push_back(Effect::Probe { ffprobe: tools.ffprobe.clone(), ticket, path });
                }
                None => self.send(Report::Probed { ticket, result: Err(UNCONFIGURED.to_owned()) }),
            }
        }
    }

    fn read(&mut self, reading: Reading) {
        if self.stopping.is_some() {
            return self.refuse(reading, STOPPING);
        }
        match reading {
            // Somebody waits for subtitles; loudness is for the next time.
            Reading::Subtitles(_) => {
                let before = self.readings_waiting.iter().take_while(|r| matches!(r, Reading::Subtitles(_))).count();
                self.readings_waiting.insert(before, reading);
            }
            Reading::Loudness(_) => self.readings_waiting.push_back(reading),
        }
        self.start_readings();
    }

    fn has_read(&mut self, report: Report) {
        self.readings_running = self.readings_running.saturating_sub(1);
        self.send(report);
        self.start_readings();
    }

    fn start_readings(&mut self) {
        while self.readings_running < READINGS_AT_ONCE
            && let Some(reading) = self.readings_waiting.pop_front()
        {
            match &self.tools {
                Some(tools) => {
                    self.readings_running += 1;
                    self.effects.push_back(Effect::Read { ffmpeg: tools.ffmpeg.clone(), reading });
                }
                None => self.refuse(reading, UNCONFIGURED),
            }
        }
    }

    fn refuse(&mut self, reading: Reading, reason: &str) {
        let reason = reason.to_owned();
        self.send(match reading {
            Reading::Subtitles(Extraction { ticket, .. }) => Report::Extracted { ticket, result: Err(reason) },
            Reading::Loudness(Measurement { ticket, .. }) => Report::Measured { ticket, result: Err(reason) },
        });
    }

    /// A second `Stop` may only shorten the grace.
    fn stop(&mut self, now: Instant, grace: Duration) {
        let until = match self.stopping {
            Some(Stopping::Politely { until }) => until.min(now + grace),
            Some(Stopping::Forcefully { .. }) => return,
            None => now + grace,
        };
        self.stopping = Some(Stopping::Politely { until });
        for (ticket, _) in std::mem::take(&mut self.probes_waiting) {
            self.send(Report::Probed { ticket, result: Err(STOPPING.to_owned()) });
        }
        for reading in std::mem::take(&mut self.readings_waiting) {
            self.refuse(reading, STOPPING);
        }
        let runs: Vec<RunId> = self.runs.keys().copied().collect();
        for run in runs {
            match self.runs.get_mut(&run) {
                Some(Phase::Running { cancelled }) => {
                    *cancelled = true;
                    self.effects.push_back(Effect::Terminate(run));
                }
                _ => self.cancel(now, run),
            }
        }
    }

    fn tick(&mut self, now: Instant) {
        match self.stopping {
            Some(Stopping::Politely { until }) if now >= until => {
                self.kill_all();
                self.stopping = Some(Stopping::Forcefully { until: now + DEAF_AFTER });
            }
            Some(Stopping::Forcefully { until }) if now >= until => self.effects.push_back(Effect::Exit),
            _ => {}
        }
        if self.vitals_at.is_some_and(|at| now >= at) {
            self.vitals_at = Some(now + VITALS_EVERY);
            self.effects.push_back(Effect::Measure);
        }
    }

    fn kill_all(&mut self) {
        self.effects.extend(self.runs.keys().map(|run| Effect::Kill(*run)));
    }

    /// A worker that stops ends with its last run; probes and extractions are not waited for.
    fn leave_when_done(&mut self) {
        if self.stopping.is_some() && self.runs.is_empty() && self.effects.back() != Some(&Effect::Exit) {
            self.effects.push_back(Effect::Exit);
        }
    }

    /// Sends what concerns a run that is not over; afterwards nobody listens.
    fn send_of(&mut self, run: RunId, report: Report) {
        if self.runs.contains_key(&run) {
            self.send(report);
        }
    }

    fn send_end(&mut self, run: RunId, end: RunEnd) {
        self.send(Report::Ended { run, end });
    }

    fn send(&mut self, report: Report) {
        self.effects.push_back(Effect::Send(report));
    }
}

impl Phase {
    fn waits(&self) -> bool {
        matches!(self, Self::Waiting(_))
    }
}

fn in_words(code: Option<i32>, last_words: String) -> String {
    match (code, last_words.is_empty()) {
        (_, false) => last_words,
        (Some(code), true) => format!("FFmpeg ended with code {code} and did not say why"),
        (None, true) => "FFmpeg ended, and the system cannot say how".to_owned(),
    }
}

const UNCONFIGURED: &str = "the host has not said yet where FFmpeg is";
const STOPPING: &str = "this worker is stopping";

/// Text is drawn, and tones are mapped, by filters that not every FFmpeg has; without them the picture is another one.
fn needs_abilities(source: &Source) -> bool {
    match source {
        Source::Slate { screen } | Source::Still { screen } => screen.draws_text(),
        Source::File { probe, video, .. } => {
            probe.video().any(|(stream, picture)| Some(stream.index) == *video && is_hdr(picture))
        }
    }
}

#[cfg(test)]
mod tests;
