//! The one task that plans.
//!
//! Does: say whose turn it is: what somebody waits for at once, routine work one piece after the other, and never two pieces on one channel.
//! Does not: lay rows; the author does.
//! Invariant: whoever takes longer than [`PATIENCE`] is waited for by nobody but its own channel; a strategy that hangs holds up no other one's channels.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_model::ChannelId;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    PlayoutError, Request,
    author::{Author, Job},
};
use crate::lifecycle::Lifecycle;

/// How long routine work on one channel keeps that on others waiting: two at a time would only take each other's processor and memory, but a
/// strategy may take ten seconds to say nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// Most pieces of routine work at a time, slow ones included; each may hold a channel's whole pool in memory.
const MOST_AT_ONCE: usize = 12;
/// How long rows are kept after they were on air.
const HISTORY: TimeDelta = TimeDelta::days(2);

pub(super) struct Planner {
    author: Arc<Author>,
    life: Lifecycle,
    patience: Duration,
    urgent: VecDeque<Reach>,
    routine: VecDeque<Job>,
    /// Who is worked on.
    at_work: HashMap<ChannelId, Piece>,
    running: FuturesUnordered<BoxFuture<'static, Done>>,
}

/// Somebody waits for a timeline to reach a time.
struct Reach {
    channel: ChannelId,
    until: DateTime<Utc>,
    reply: oneshot::Sender<Result<(), PlayoutError>>,
}

enum Work {
    Urgent(Reach),
    Routine(Job),
}

/// Work that was begun.
struct Piece {
    routine: bool,
    since: Instant,
}

/// Work that is done.
struct Done {
    channel: ChannelId,
    rest: Option<Job>,
}

impl Planner {
    pub(super) fn new(author: Author, life: Lifecycle) -> Self {
        Self {
            author: Arc::new(author),
            life,
            patience: PATIENCE,
            urgent: VecDeque::new(),
            routine: VecDeque::new(),
            at_work: HashMap::new(),
            running: FuturesUnordered::new(),
        }
    }

    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Request>, round: Duration) {
        let stopping = self.life.stopping();
        let mut next_round = Instant::now();
        let mut next_switch = None;
        loop {
            self.begin();
            let next_turn = self.next_turn();
            tokio::select! {
                biased;
                () = stopping.cancelled() => return,
                request = inbox.recv() => match request {
                    Some(request) => self.accept(request).await,
                    None => return,
                },
                Some(done) = self.running.next() => self.take_back(done),
                () = sleep_until(next_turn) => {}
                () = sleep_until(next_switch) => self.settle().await,
                () = tokio::time::sleep_until(next_round) => {
                    next_round = Instant::now() + round;
                    self.settle().await;
                    self.begin_round(Job::Retry).await;
                }
            }
            if self.routine.is_empty() {
                let author = Arc::clone(&self.author);
                next_switch = self.meanwhile(async move { next_switch_of(&author).await }).await;
            }
        }
    }

    fn take_back(&mut self, done: Done) {
        self.at_work.remove(&done.channel);
        self.routine.extend(done.rest);
    }

    /// Waits for `question` while the work goes on. Work that nobody polls may be the one whose turn it is at the database, and would keep
    /// everybody else waiting, this question too.
    async fn meanwhile<T>(&mut self, question: impl Future<Output = T>) -> T {
        let mut question = std::pin::pin!(question);
        loop {
            tokio::select! {
                biased;
                answer = &mut question => return answer,
                Some(done) = self.running.next() => self.take_back(done),
            }
        }
    }

    async fn accept(&mut self, request: Request) {
        match request {
            Request::Reach(channel, until, reply) => self.urgent.push_back(Reach { channel, until, reply }),
            Request::Rebuild(channel, from) => self.routine.push_front(Job::Rebuild(channel, from)),
            Request::LibraryChanged => self.begin_round(Job::Compare).await,
        }
    }

    /// Begins whatever may begin.
    fn begin(&mut self) {
        while let Some(work) = self.next_work() {
            let piece = Piece { routine: matches!(work, Work::Routine(_)), since: Instant::now() };
            self.at_work.insert(work.channel(), piece);
            self.running.push(work.perform(Arc::clone(&self.author)).boxed());
        }
    }

    fn next_work(&mut self) -> Option<Work> {
        let is_free = |channel: ChannelId| !self.at_work.contains_key(&channel);
        if let Some(place) = self.urgent.iter().position(|reach| is_free(reach.channel)) {
            return self.urgent.remove(place).map(Work::Urgent);
        }
        let place = self.routine.iter().position(|job| is_free(job.channel()))?;
        if self.is_turn_free() { self.routine.remove(place).map(Work::Routine) } else { None }
    }

    fn is_turn_free(&self) -> bool {
        let now = Instant::now();
        let mut routine = self.at_work.values().filter(|piece| piece.routine);
        routine.clone().count() < MOST_AT_ONCE && routine.all(|piece| piece.since + self.patience <= now)
    }

    /// Returns when the turn is free although nobody is done.
    fn next_turn(&self) -> Option<Instant> {
        let waits = !self.routine.is_empty() && !self.is_turn_free();
        let turns = self.at_work.values().filter(|piece| piece.routine).map(|piece| piece.since + self.patience);
        turns.max().filter(|turn| waits && *turn > Instant::now())
    }

    async fn begin_round(&mut self, job: fn(ChannelId) -> Job) {
        let author = Arc::clone(&self.author);
        let pruned = async move { author.store.playout().prune(author.clock.now() - HISTORY).await };
        if let Err(error) = self.meanwhile(pruned).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "old rows of timelines could not be removed");
        }
        let author = Arc::clone(&self.author);
        match self.meanwhile(async move { author.store.channels().list().await }).await {
            Ok(channels) => {
                let enabled = channels.iter().filter(|channel| channel.enabled);
                self.routine.extend(enabled.map(|channel| job(channel.id)));
            }
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "channels cannot be listed"),
        }
    }

    /// Puts waiting schedules in force whose time has come; their rows were planned long ago.
    async fn settle(&mut self) {
        let author = Arc::clone(&self.author);
        let settled = async move { author.store.schedules().settle(author.clock.now()).await };
        match self.meanwhile(settled).await {
            Ok(settled) => {
                for id in settled {
                    tracing::info!(channel.id = %id, "a waiting schedule is in force");
                    self.routine.push_back(Job::Extend(id));
                    self.author.changed.send_modify(|count| *count += 1);
                }
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "waiting schedules cannot be put in force");
            }
        }
    }
}

impl Work {
    fn channel(&self) -> ChannelId {
        match self {
            Self::Urgent(reach) => reach.channel,
            Self::Routine(job) => job.channel(),
        }
    }

    async fn perform(self, author: Arc<Author>) -> Done {
        let channel = self.channel();
        let rest = match self {
            Self::Urgent(Reach { until, reply, .. }) => {
                // Nobody waits any more: then the next one who needs it asks again.
                let _ = reply.send(author.reach(channel, until).await);
                None
            }
            Self::Routine(job) => author.work(job).await.unwrap_or_else(|error| {
                tracing::error!(channel.id = %channel, error = &error as &dyn std::error::Error, "a channel could not be planned");
                None
            }),
        };
        Done { channel, rest }
    }
}

/// Returns when the next waiting schedule comes into force.
async fn next_switch_of(author: &Author) -> Option<Instant> {
    let next = author.store.schedules().next().await.ok().flatten()?;
    // A second more: a schedule that cannot be put in force must not keep the planner busy.
    let left = (next - author.clock.now()).to_std().unwrap_or_default() + Duration::from_secs(1);
    Instant::now().checked_add(left)
}

async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
