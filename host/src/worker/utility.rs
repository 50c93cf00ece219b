//! The worker that serves no channel: it looks at FFmpeg, probes files, reads subtitles and renders slates.
//!
//! Does: queue questions for one long-lived worker and start a new one when it is gone.
//! Does not: decide what is probed, read or rendered.
//! Invariant: every question is answered, with an error if need be.

use std::{collections::HashMap, os::fd::OwnedFd, path::PathBuf, time::Duration};

use exstreamtv_model::{PlayOrder, RunId, health::RunEnd, media::Loudness, pick::Downmix};
use exstreamtv_worker_protocol::{Command, FfmpegFacts, FfmpegFault, Report};
use tokio::{
    io::AsyncReadExt,
    net::unix::pipe,
    sync::{mpsc, oneshot},
};

use super::{Event, Programs, Spawner, WorkerLink};
use crate::lifecycle::Lifecycle;

/// The most bytes that a rendered slate may have.
const SLATE_LIMIT_BYTES: u64 = 16 << 20;

type Measurement = oneshot::Sender<Result<Loudness, String>>;

type Identity = Result<FfmpegFacts, FfmpegFault>;

/// Asks the utility worker.
#[derive(Debug, Clone)]
pub struct Utility {
    questions: mpsc::Sender<Question>,
}

#[derive(Debug)]
enum Question {
    Identify(oneshot::Sender<Identity>),
    Probe(PathBuf, oneshot::Sender<Result<String, String>>),
    Extract { path: PathBuf, stream: u32, to: PathBuf, answer: oneshot::Sender<Result<(), String>> },
    Measure { path: PathBuf, stream: u32, downmix: Option<Downmix>, channels: u8, answer: Measurement },
    Render(Box<PlayOrder>, oneshot::Sender<Result<Vec<u8>, String>>),
}

impl Utility {
    /// Starts the task that owns the worker; the worker itself starts with the first question.
    pub fn start(spawner: Spawner, programs: Programs, life: &Lifecycle) -> Self {
        let (questions, inbox) = mpsc::channel(64);
        let desk = Desk { spawner, programs, life: life.clone(), link: None, open: Open::default() };
        life.spawn(desk.run(inbox));
        Self { questions }
    }

    /// Asks what FFmpeg is there.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub async fn identify(&self) -> Identity {
        let lost = |message| Err(FfmpegFault::Unintelligible { message });
        self.ask(Question::Identify).await.unwrap_or_else(lost)
    }

    /// Probes a file; returns ffprobe's JSON, or why the file cannot be played, in words for people.
    ///
    /// # Errors
    /// If nobody could look.
    pub async fn probe(&self, path: PathBuf) -> Result<Result<String, String>, String> {
        if path.to_str().is_none() {
            return Ok(Err("its name is not UTF-8: rename it".into()));
        }
        self.ask(|answer| Question::Probe(path, answer)).await
    }

    /// Writes the text subtitles of a file to `to` as WebVTT.
    ///
    /// # Errors
    /// Why they cannot be written, in words for people.
    pub async fn extract(&self, path: PathBuf, stream: u32, to: PathBuf) -> Result<(), String> {
        self.ask(|answer| Question::Extract { path, stream, to, answer }).await?
    }

    /// Measures how loud a stream of a file is when it is mixed down to so many channels.
    ///
    /// # Errors
    /// Why nobody knows, in words for people.
    pub async fn measure(
        &self,
        path: PathBuf,
        stream: u32,
        downmix: Option<Downmix>,
        channels: u8,
    ) -> Result<Loudness, String> {
        self.ask(|answer| Question::Measure { path, stream, downmix, channels, answer }).await?
    }

    /// Plays an order to its end and returns the transport stream.
    ///
    /// # Errors
    /// What FFmpeg said.
    pub async fn render(&self, order: PlayOrder) -> Result<Vec<u8>, String> {
        self.ask(|answer| Question::Render(Box::new(order), answer)).await?
    }

    async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Question) -> Result<T, String> {
        let gone = || "the utility worker is gone".to_owned();
        let (answer, wait) = oneshot::channel();
        self.questions.send(question(answer)).await.map_err(|_| gone())?;
        wait.await.map_err(|_| gone())
    }
}

/// Questions that the worker has been asked and has not answered.
#[derive(Default)]
struct Open {
    identify: Vec<oneshot::Sender<Identity>>,
    probes: HashMap<u64, oneshot::Sender<Result<String, String>>>,
    extractions: HashMap<u64, oneshot::Sender<Result<(), String>>>,
    measurements: HashMap<u64, Measurement>,
    renders: HashMap<RunId, Render>,
    last_ticket: u64,
}

struct Render {
    answer: oneshot::Sender<Result<Vec<u8>, String>>,
    bytes: Option<oneshot::Receiver<Vec<u8>>>,
}

struct Desk {
    spawner: Spawner,
    programs: Programs,
    life: Lifecycle,
    link: Option<WorkerLink>,
    open: Open,
}

impl Desk {
    async fn run(mut self, mut inbox: mpsc::Receiver<Question>) {
        let stopping = self.life.stopping();
        loop {
            let event = tokio::select! {
                () = stopping.cancelled() => return,
                question = inbox.recv() => match question {
                    Some(question) => { self.put(question).await; continue }
                    None => return,
                },
                event = listen(&mut self.link) => event,
            };
            match event {
                Event::Report(report, pipe) => self.hear(report, pipe),
                Event::Gone { reason, .. } => {
                    tracing::warn!(reason, "the utility worker is gone");
                    self.link = None;
                    // Dropping the senders tells everybody who waits.
                    self.open = Open { last_ticket: self.open.last_ticket, ..Open::default() };
                }
            }
        }
    }

    async fn put(&mut self, question: Question) {
        if self.link.is_none() {
            match WorkerLink::open(&self.spawner, &self.programs, &self.life).await {
                Ok(link) => self.link = Some(link),
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "no utility worker");
                    // A program that cannot start will not start a moment later either.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    return;
                }
            }
        }
        let Some(link) = &mut self.link else { return };
        self.open.last_ticket += 1;
        let ticket = self.open.last_ticket;
        match question {
            Question::Identify(answer) => {
                self.open.identify.push(answer);
                link.send(&Command::Identify);
            }
            Question::Probe(path, answer) => {
                self.open.probes.insert(ticket, answer);
                link.send(&Command::Probe { ticket, path });
            }
            Question::Extract { path, stream, to, answer } => {
                self.open.extractions.insert(ticket, answer);
                link.send(&Command::Extract { ticket, path, stream, to });
            }
            Question::Measure { path, stream, downmix, channels, answer } => {
                self.open.measurements.insert(ticket, answer);
                link.send(&Command::Measure { ticket, path, stream, downmix, channels });
            }
            Question::Render(mut order, answer) => {
                order.run = RunId(ticket.cast_signed());
                self.open.renders.insert(order.run, Render { answer, bytes: None });
                link.send(&Command::Play(order));
            }
        }
    }

    fn hear(&mut self, report: Report, pipe: Option<OwnedFd>) {
        match report {
            Report::Identified { ffmpeg } => {
                for answer in self.open.identify.drain(..) {
                    let _ = answer.send(ffmpeg.clone());
                }
            }
            Report::Probed { ticket, result } => {
                if let Some(answer) = self.open.probes.remove(&ticket) {
                    let _ = answer.send(result);
                }
            }
            Report::Extracted { ticket, result } => {
                if let Some(answer) = self.open.extractions.remove(&ticket) {
                    let _ = answer.send(result);
                }
            }
            Report::Measured { ticket, result } => {
                if let Some(answer) = self.open.measurements.remove(&ticket) {
                    let _ = answer.send(result);
                }
            }
            Report::Started { run, .. } => {
                if let (Some(render), Some(pipe)) = (self.open.renders.get_mut(&run), pipe) {
                    let (done, bytes) = oneshot::channel();
                    render.bytes = Some(bytes);
                    self.life.spawn(drain(pipe, done));
                }
            }
            Report::Ended { run, end } => {
                if let Some(render) = self.open.renders.remove(&run) {
                    self.life.spawn(deliver(render, end));
                }
            }
            Report::Log { line, .. } => tracing::debug!(level = ?line.level, line = line.text, "ffmpeg"),
            Report::Hello { .. } | Report::Progress { .. } | Report::Testimony { .. } | Report::Vitals(_) => {}
        }
    }
}

async fn listen(link: &mut Option<WorkerLink>) -> Event {
    match link {
        Some(link) => link.recv().await,
        None => std::future::pending().await,
    }
}

async fn drain(pipe: OwnedFd, done: oneshot::Sender<Vec<u8>>) {
    let mut bytes = Vec::new();
    match pipe::Receiver::from_owned_fd(pipe) {
        Ok(reader) => {
            let read = reader.take(SLATE_LIMIT_BYTES).read_to_end(&mut bytes).await;
            if let Err(error) = read {
                tracing::warn!(%error, "reading a rendered slate failed");
            }
        }
        Err(error) => tracing::warn!(%error, "a worker handed over something that is no pipe"),
    }
    let _ = done.send(bytes);
}

async fn deliver(render: Render, end: RunEnd) {
    let result = match (end, render.bytes) {
        (RunEnd::Completed, Some(bytes)) => bytes.await.map_err(|_| "its output was lost".to_owned()),
        (RunEnd::Failed { message, .. } | RunEnd::NotStarted { message }, _) => Err(message),
        (end, _) => Err(format!("it ended without a result: {end:?}")),
    };
    let _ = render.answer.send(result);
}
