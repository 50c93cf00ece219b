//! A worker that is started again when it is gone.
//!
//! Does: keep one worker alive for a feed, hold commands until there is one, kill one that says nothing.
//! Does not: know what the commands mean, or repeat them to the next worker.
//! Invariant: a start that fails or a worker that dies is told once, as [`Event::Gone`]; the next start is at least a pause later.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use exstreamtv_model::{Cause, RunId};
use exstreamtv_worker_protocol::{Cards, Command};
use tokio::{sync::watch, time::Instant};

use super::{Event, Programs, Spawner, WorkerError, WorkerLink};
use crate::lifecycle::Lifecycle;

/// A worker tells its vital signs once a second; one that is silent for this long hangs.
const SILENCE: Duration = Duration::from_secs(5);

/// The pause between two starts, and the longest one after starts that fail, each twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const SHORT_LIFE: Duration = Duration::from_secs(2);

type Opening = Pin<Box<dyn Future<Output = Result<WorkerLink, WorkerError>> + Send>>;

/// Keeps one worker.
pub struct SteadyWorker {
    spawner: Spawner,
    programs: Programs,
    life: Lifecycle,
    /// What is known about video cards.
    cards: watch::Receiver<Option<Arc<Cards>>>,
    /// What the worker knows about them.
    told: Option<Arc<Cards>>,
    link: Option<WorkerLink>,
    opening: Option<Opening>,
    /// Commands that wait for the worker.
    backlog: Vec<Command>,
    not_before: Instant,
    heard_at: Instant,
    pause: Duration,
    worked_since: Option<Instant>,
}

impl SteadyWorker {
    /// Returns a keeper whose worker starts with the first call of [`Self::next`].
    pub fn new(
        spawner: Spawner,
        programs: Programs,
        life: Lifecycle,
        cards: watch::Receiver<Option<Arc<Cards>>>,
    ) -> Self {
        let now = Instant::now();
        Self {
            spawner,
            programs,
            life,
            cards,
            told: None,
            link: None,
            opening: None,
            backlog: Vec::new(),
            not_before: now,
            heard_at: now,
            pause: PAUSE,
            worked_since: None,
        }
    }

    /// Returns the worker's process id, while there is one.
    pub fn pid(&self) -> Option<u32> {
        self.link.as_ref().map(WorkerLink::pid)
    }

    /// Sends a command, or keeps it until there is a worker.
    pub fn send(&mut self, command: Command) {
        match &self.link {
            Some(_) => self.pass(&command),
            None => self.backlog.push(command),
        }
    }

    /// What an order needs to be understood goes ahead of it.
    fn pass(&mut self, command: &Command) {
        let Some(link) = &mut self.link else { return };
        if matches!(command, Command::Play(order) if order.card.is_some()) {
            let known = self.cards.borrow().clone();
            if let Some(cards) = known.filter(|known| self.told.as_ref().is_none_or(|told| !Arc::ptr_eq(told, known))) {
                link.send(&Command::Cards(Box::new(cards.as_ref().clone())));
                self.told = Some(cards);
            }
        }
        link.send(command);
    }

    /// Ends a run, or forgets it where its order has not been sent yet.
    pub fn cancel(&mut self, run: RunId) {
        self.backlog.retain(|command| !matches!(command, Command::Play(order) if order.run == run));
        if let Some(link) = &mut self.link {
            link.send(&Command::Cancel { run });
        }
    }

    /// Kills the worker; the next one starts as after any other death.
    pub fn kill(&mut self) {
        if let Some(link) = &mut self.link {
            link.kill();
        }
    }

    /// Returns what the worker says next, starting one where there is none; may be dropped at any await.
    pub async fn next(&mut self) -> Event {
        loop {
            if let Some(link) = &mut self.link {
                let event = tokio::select! {
                    // What waits in the socket comes first: it may be we who were slow.
                    biased;
                    event = link.recv() => event,
                    () = tokio::time::sleep_until(self.heard_at + SILENCE) => {
                        link.kill();
                        Event::Gone { reason: "it says nothing any more and was killed".into(), cause: Cause::WorkerHung }
                    }
                };
                self.heard_at = Instant::now();
                if let Event::Gone { .. } = event {
                    self.link = None;
                    self.rest();
                }
                return event;
            }
            if let Some(opening) = &mut self.opening {
                let opened = opening.await;
                self.opening = None;
                match opened {
                    Ok(link) => self.take(link),
                    Err(error) => {
                        tracing::error!(error = &error as &dyn std::error::Error, "no worker; trying again");
                        self.rest();
                        return Event::Gone { reason: "it could not be started".into(), cause: Cause::WorkerLost };
                    }
                }
            } else {
                tokio::time::sleep_until(self.not_before).await;
                let (spawner, programs, life) = (self.spawner.clone(), self.programs.clone(), self.life.clone());
                self.opening = Some(Box::pin(async move { WorkerLink::open(&spawner, &programs, &life).await }));
            }
        }
    }

    fn take(&mut self, link: WorkerLink) {
        self.link = Some(link);
        self.told = None;
        for command in std::mem::take(&mut self.backlog) {
            self.pass(&command);
        }
        self.heard_at = Instant::now();
        self.worked_since = Some(self.heard_at);
    }

    fn rest(&mut self) {
        self.backlog.clear();
        let now = Instant::now();
        self.not_before = now + self.pause;
        // One that does not come to work is no better a moment later.
        let was_short = self.worked_since.take().is_none_or(|since| now - since < SHORT_LIFE);
        self.pause = if was_short { (self.pause * 2).min(LONGEST_PAUSE) } else { PAUSE };
    }

    /// Ends the worker; its runs get `grace_ms` to end by themselves.
    pub async fn end(mut self, grace_ms: u32) {
        let Some(mut link) = self.link.take() else { return };
        link.send(&Command::Stop { grace_ms });
        let gone = async { while !matches!(link.recv().await, Event::Gone { .. }) {} };
        let _ = tokio::time::timeout(Duration::from_millis(u64::from(grace_ms) + 700), gone).await;
    }
}
