//! Plugins that run in a process of their own.
//!
//! Does: start the process with the first question, speak with it, kill it when it is late, let it go when nobody needs it.
//! Does not: decide whether a plugin that keeps failing is asked again; that is [`super::quarantine`].
//! Invariant: an answer belongs to the question before it; after anything else the process is killed and a new one started.

use std::{
    ffi::OsString,
    io,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Child, ExitStatus},
    sync::{Arc, Weak},
    time::Duration,
};

use exstreamtv_loader::LogLevel;
use tokio::{net::UnixStream, sync::Mutex, time::Instant};

use super::{
    fault::CallFault,
    in_process::{GRACE, log},
    question::Question,
    spawner::Spawner,
    wire::{self, FromPlugin, MAX_DOCUMENT_BYTES, QueryOutcome, ToPlugin},
};
use crate::lifecycle::Lifecycle;

/// How long a process may take to be ready.
const START: Duration = Duration::from_secs(10);

/// How long a process that nobody needs is kept.
const IDLE: Duration = Duration::from_secs(60);

/// Pause after the second failure in a row; doubles with each further one. After the first there is none.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A plugin in a process of its own.
pub struct Confined {
    path: PathBuf,
    id: String,
    spawner: Spawner,
    life: Lifecycle,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    guest: Option<Guest>,
    failures: u32,
    not_before: Option<Instant>,
    last_use: Option<Instant>,
}

impl Confined {
    /// Prepares a plugin; the process starts with the first question.
    pub fn new(path: PathBuf, id: String, spawner: Spawner, life: Lifecycle) -> Self {
        Self { path, id, spawner, life, state: Arc::default() }
    }

    /// Puts a question to the process; others wait meanwhile.
    ///
    /// # Errors
    /// If there is no answer in time.
    pub async fn call(&self, question: Question) -> Result<Vec<u8>, CallFault> {
        let mut state = self.state.lock().await;
        if state.not_before.is_some_and(|moment| Instant::now() < moment) {
            return Err(CallFault::Pausing);
        }
        // Taken out: if this future is dropped half-way, the process goes with it, and nobody reads an answer to somebody else's question.
        let guest = match state.guest.take() {
            Some(guest) => Ok(guest),
            None => self.start().await,
        };
        let answer = match guest {
            Ok(mut guest) => match guest.ask(&self.id, &question).await {
                Ok(answer) => {
                    state.guest = Some(guest);
                    answer
                }
                Err(fault) => Err(fault),
            },
            Err(fault) => Err(fault),
        };
        state.settle(&answer);
        answer
    }

    async fn start(&self) -> Result<Guest, CallFault> {
        let arguments = ["plugin-host".into(), OsString::from(&self.path), OsString::from(&self.id)];
        let failed = |error: io::Error| CallFault::NotStarted { text: error.to_string() };
        let (child, socket) = self.spawner.spawn(arguments.into()).await.map_err(failed)?;
        let mut guest = Guest { socket, child: Some(child), life: self.life.clone() };
        tracing::debug!(plugin.id = self.id, "a plugin's process starts");
        match tokio::time::timeout(START, guest.greeting(&self.id)).await {
            Ok(Ok(())) => {
                self.stop_when_idle();
                Ok(guest)
            }
            Ok(Err(fault)) => Err(fault),
            Err(_) => Err(CallFault::Late { limit: START }),
        }
    }

    /// Lets the process go once nobody has asked it for a while.
    fn stop_when_idle(&self) {
        let (state, stopping, id) = (Arc::downgrade(&self.state), self.life.stopping(), self.id.clone());
        self.life.spawn(async move {
            let mut wait = IDLE;
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(wait) => {}
                }
                let Some(state) = Weak::upgrade(&state) else { return };
                let mut state = state.lock().await;
                let unused = state.last_use.map_or(IDLE, |last| last.elapsed());
                if state.guest.is_none() || unused >= IDLE {
                    state.guest = None;
                    tracing::debug!(plugin.id = id, "a plugin's process is not needed any more");
                    return;
                }
                wait = IDLE - unused;
            }
        });
    }
}

impl State {
    /// Remembers how it went: a plugin that fails again and again gets longer and longer pauses.
    fn settle(&mut self, answer: &Result<Vec<u8>, CallFault>) {
        let now = Instant::now();
        self.last_use = Some(now);
        match answer {
            Err(fault) if fault.is_strike() || matches!(fault, CallFault::NotStarted { .. }) => {
                self.failures += 1;
                let doubled = FIRST_PAUSE.saturating_mul(1 << self.failures.saturating_sub(2).min(10));
                self.not_before = (self.failures > 1).then(|| now + doubled.min(LONGEST_PAUSE));
            }
            _ => (self.failures, self.not_before) = (0, None),
        }
    }
}

/// The process and the socket to it. Dropping it kills the process.
struct Guest {
    socket: UnixStream,
    child: Option<Child>,
    life: Lifecycle,
}

impl Guest {
    async fn greeting(&mut self, id: &str) -> Result<(), CallFault> {
        loop {
            match wire::receive(&mut self.socket).await {
                Ok(FromPlugin::Ready) => return Ok(()),
                Ok(FromPlugin::Log { level, text }) => log(id, level_of(&level), &text),
                Ok(FromPlugin::NotStarted { text }) => return Err(CallFault::NotStarted { text }),
                Ok(_) => return Err(CallFault::Crashed { how: "talks nonsense".into() }),
                Err(error) => return Err(self.gone(&error).await),
            }
        }
    }

    /// Asks, and answers the plugin's own questions meanwhile. An error at the outside means that the process cannot be asked again.
    async fn ask(&mut self, id: &str, question: &Question) -> Result<Result<Vec<u8>, CallFault>, CallFault> {
        let limit = question.limits.time;
        match tokio::time::timeout(limit + GRACE, self.converse(id, question)).await {
            // After a panic nothing in the process can be relied on.
            Ok(Ok(Err(CallFault::Panicked { text }))) => Err(CallFault::Panicked { text }),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.gone(&error).await),
            Err(_) => Err(CallFault::Late { limit }),
        }
    }

    async fn converse(&mut self, id: &str, question: &Question) -> io::Result<Result<Vec<u8>, CallFault>> {
        let limits = question.limits;
        let limit_ms = u64::try_from(limits.time.as_millis()).unwrap_or(u64::MAX);
        let call = ToPlugin::Call { method: question.method.clone(), limit_ms, max_bytes: limits.answer_bytes };
        wire::send(&mut self.socket, &call, &question.input).await?;
        loop {
            match wire::receive(&mut self.socket).await? {
                FromPlugin::Answered => {
                    return Ok(Ok(wire::receive_frame(&mut self.socket, limits.answer_bytes).await?));
                }
                FromPlugin::Failed { why } => return Ok(Err(why)),
                FromPlugin::Log { level, text } => log(id, level_of(&level), &text),
                FromPlugin::Query { method } => {
                    let input = wire::receive_frame(&mut self.socket, MAX_DOCUMENT_BYTES).await?;
                    let (outcome, document) = QueryOutcome::split(question.queries.answer(&method, &input));
                    wire::send(&mut self.socket, &ToPlugin::Queried { outcome }, &document).await?;
                }
                FromPlugin::Ready | FromPlugin::NotStarted { .. } => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    /// Says what became of a process whose socket failed.
    async fn gone(&mut self, error: &io::Error) -> CallFault {
        let talks = error.kind() == io::ErrorKind::InvalidData || error.kind() == io::ErrorKind::FileTooLarge;
        let Some(child) = self.child.as_mut().filter(|_| !talks) else {
            return CallFault::Crashed { how: format!("talks nonsense ({error})") };
        };
        // The socket closes a moment before the process can be waited for.
        for _ in 0..100 {
            match child.try_wait() {
                Ok(None) => tokio::time::sleep(Duration::from_millis(10)).await,
                Ok(Some(status)) => return CallFault::Crashed { how: describe(status) },
                Err(_) => break,
            }
        }
        CallFault::Crashed { how: "closed its socket".into() }
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            match tokio::runtime::Handle::try_current() {
                Ok(_) => drop(self.life.spawn(reap(child))),
                // The runtime has ended; what was killed ends too.
                Err(_) => drop(child.wait()),
            }
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits for the end of a process that was killed.
async fn reap(mut child: Child) {
    for _ in 0..100 {
        match child.try_wait() {
            Ok(None) => tokio::time::sleep(Duration::from_millis(20)).await,
            Ok(Some(_)) | Err(_) => return,
        }
    }
    tracing::warn!(plugin.pid = child.id(), "a plugin's process was killed and does not end");
}

/// Returns how a process ended, to follow "its process".
pub(super) fn describe(status: ExitStatus) -> String {
    let Some(number) = status.signal() else { return format!("ended with {status}") };
    match nix::sys::signal::Signal::try_from(number) {
        Ok(signal) => format!("was ended by signal {number} ({signal})"),
        Err(_) => format!("was ended by signal {number}"),
    }
}

fn level_of(word: &str) -> LogLevel {
    match word {
        "error" => LogLevel::Error,
        "warn" => LogLevel::Warn,
        "info" => LogLevel::Info,
        _ => LogLevel::Debug,
    }
}
