//! The task that looks, lets the resolver decide, and has it done.
//!
//! Does: gather what is wrong and what weighs on the system once a second, ask the resolver plugin, hand each step to whoever performs it, and
//! hand back what they answer.
//! Does not: decide, or do anything itself.
//! Invariant: it waits for nobody: steps, questions to plugins, notes and calls are tasks of their own that answer when they can.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::TimeDelta;
use exstreamtv_core::RestartBudget;
use exstreamtv_healing::{
    Filter, LogLevel,
    resolver::{
        Effect,
        attempt::{AttemptId, Outcome, Phase, Resolution},
        deed::Deed,
        issue::{Issue, IssueKey},
        limits::{Pressure, Settings},
    },
};
use exstreamtv_model::{
    ChannelId,
    incident::{self, Evidence, Incident, IssueType, Proposal, ProposeRequest, Risk},
};
use exstreamtv_store::Exhaustion;
use tokio::{
    sync::{
        broadcast::{self, error::TryRecvError},
        mpsc, watch,
    },
    time::Instant,
};

use super::{
    Healing,
    hands::{Hands, Told},
    machine, person,
    scribe::{Note, Pen},
    signs::{MEMORY_SHORT, Sight, Signs},
};
use crate::{
    clock::Clock,
    feed::{Order, view::FeedState},
    lifecycle::Lifecycle,
    logs::Collector,
    monitor::Monitors,
    patterns::Patterns,
    plugins::Strategies,
};

/// Time between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// How long what was done is remembered.
const MEMORY_MS: i64 = 31 * 24 * 3_600_000;
/// How often what is old is forgotten.
const TIDY: Duration = Duration::from_secs(3_600);
/// A probe is told to give up a little before the resolver does, so that what it saw is told.
const PROBE_MARGIN_MS: i64 = 1_000;
/// Answers that may wait: each attempt and each issue has one at a time.
const WAITING: usize = 1_024;
/// Outcomes that are shown to the resolver plugin.
const HISTORY: usize = 200;
/// Proposals that are read.
const MOST_PROPOSALS: u32 = 8;
/// Lines of evidence for each issue, and how old they may be.
const EVIDENCE: usize = 8;
const EVIDENCE_AGE: TimeDelta = TimeDelta::seconds(120);
/// Memory must be free for this long before runs are prepared as before.
const FREE_FOR: Duration = Duration::from_secs(600);

/// Settings that a reload may change.
#[derive(Debug, Clone, PartialEq)]
pub struct HealerSettings {
    /// What may be done.
    pub resolver: Settings,
    /// From these odds on a prediction counts.
    pub confident: f64,
    /// Where a person is called; empty for nowhere but the log.
    pub webhook: String,
}

/// What the healer looks with.
pub struct Eyes {
    /// How channels do.
    pub monitors: Monitors,
    /// The patterns that are there.
    pub patterns: Patterns,
    /// What everybody says.
    pub logs: Collector,
    /// Restarts that all channels share, and since when its milliseconds count.
    pub budget: Arc<Mutex<RestartBudget>>,
    /// Since when they count.
    pub epoch: Instant,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
}

/// What somebody answers the healer.
enum Answer {
    Step(AttemptId, Phase, Told),
    Proposals(IssueKey, Vec<Proposal>),
}

/// Looks, and has done what is decided.
struct Healer {
    healing: Healing,
    hands: Hands,
    eyes: Eyes,
    strategies: Strategies,
    settings: watch::Receiver<HealerSettings>,
    life: Lifecycle,
    pen: Pen,
    signs: Signs,
    alarms: broadcast::Receiver<Exhaustion>,
    exhausted: Option<(exstreamtv_store::Role, i64)>,
    history: VecDeque<incident::Outcome>,
    /// Runs are not prepared ahead; since when memory has been free again.
    sparing: Option<Option<Instant>>,
    answers: mpsc::Sender<Answer>,
}

/// Starts to look, until the host stops.
pub fn start(
    healing: Healing,
    hands: Hands,
    eyes: Eyes,
    strategies: Strategies,
    settings: watch::Receiver<HealerSettings>,
    life: &Lifecycle,
) {
    let (answers, inbox) = mpsc::channel(WAITING);
    let healer = Healer {
        pen: Pen::start(healing.shared.store.clone(), life),
        alarms: hands.database.exhaustions(),
        healing,
        hands,
        eyes,
        strategies,
        settings,
        life: life.clone(),
        signs: Signs::default(),
        exhausted: None,
        history: VecDeque::new(),
        sparing: None,
        answers,
    };
    life.spawn(healer.run(inbox));
}

impl Healer {
    async fn run(mut self, mut inbox: mpsc::Receiver<Answer>) {
        let (stopping, healing) = (self.life.stopping(), self.healing.clone());
        let (mut looks, mut tidy) = (tokio::time::interval(PAUSE), tokio::time::interval(TIDY));
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                Some(answer) = inbox.recv() => self.hear(answer),
                () = healing.shared.wake.notified() => {}
                _ = looks.tick() => self.look(),
                _ = tidy.tick() => self.pen.write(Note::Forget(self.healing.now_ms() - MEMORY_MS)),
            }
            self.decide();
        }
    }

    fn look(&mut self) {
        let settings = self.settings.borrow().clone();
        self.healing.lock().set(settings.resolver);
        let now_ms = self.healing.now_ms();
        let sight = self.sight(settings.confident, now_ms);
        self.stop_sparing(sight.memory_free);
        let issues = self.signs.look(&sight, now_ms);
        self.healing.lock().see(issues, now_ms);
    }

    fn sight(&mut self, confident: f64, now_ms: i64) -> Sight {
        loop {
            match self.alarms.try_recv() {
                Ok(alarm) => self.exhausted = Some((alarm.role, now_ms)),
                // More of them than are kept: the newest follow.
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        let feeds = self.hands.feeds.observed();
        let troubled = feeds.iter().filter(|of| of.view.state == FeedState::Slate).map(|of| Some(of.view.channel));
        let mut said: BTreeMap<_, _> = troubled.map(|channel| (channel, self.said(channel))).collect();
        said.insert(None, self.patterns());
        Sight {
            runs_ahead: self.sparing.is_none() && !feeds.is_empty(),
            feeds,
            health: self.eyes.monitors.all(),
            confident,
            exhausted: self.exhausted,
            pool_may_grow: self.hands.database.may_grow(),
            memory_free: machine::memory_free(),
            said,
        }
    }

    /// Returns what was said of a channel lately, oldest first.
    fn said(&self, channel: Option<ChannelId>) -> Vec<Evidence> {
        let since = self.eyes.clock.now().checked_sub_signed(EVIDENCE_AGE);
        let filter = Filter { channel, level: Some(LogLevel::Warning), since, ..Filter::default() };
        let mut newest = self.eyes.logs.newest(&filter, None, EVIDENCE);
        newest.reverse();
        let evidence = |event: &Arc<exstreamtv_healing::LogEvent>| Evidence {
            at_ms: event.timestamp.timestamp_millis(),
            source: super::memory::word(&event.source),
            text: event.message.clone(),
        };
        newest.iter().map(evidence).collect()
    }

    fn patterns(&self) -> Vec<Evidence> {
        let evidence = |of: exstreamtv_healing::patterns::PatternAnalysis| Evidence {
            at_ms: of.last.timestamp_millis(),
            source: "patterns".into(),
            text: format!("{:?}: {} signs; {}", of.pattern, of.signs, of.advice),
        };
        self.eyes.patterns.active().into_iter().map(evidence).collect()
    }

    fn pressure(&self) -> Pressure {
        let now_ms = i64::try_from(self.eyes.epoch.elapsed().as_millis()).unwrap_or(i64::MAX);
        let restarts = self.eyes.budget.lock().unwrap_or_else(PoisonError::into_inner).taken(now_ms);
        let readers = self.hands.database.usage().readers;
        let feeds = self.hands.feeds.observed();
        let open = feeds.iter().filter(|of| of.view.ways.breaker_open).map(|of| of.view.channel);
        let restarts = u32::try_from(restarts).unwrap_or(u32::MAX);
        Pressure {
            restarts,
            own_restarts: feeds.iter().map(|of| (of.view.channel, of.view.ways.restarts_lately)).collect(),
            pool: f64::from(readers.in_use) / f64::from(readers.size.max(1)),
            open_breakers: open.collect(),
        }
    }

    fn decide(&mut self) {
        let pressure = self.pressure();
        let effects = self.healing.lock().advance(self.healing.now_ms(), &pressure);
        effects.into_iter().for_each(|effect| self.perform(effect));
    }

    fn hear(&mut self, answer: Answer) {
        let now_ms = self.healing.now_ms();
        let mut resolver = self.healing.lock();
        match answer {
            Answer::Step(id, phase, told) => resolver.answer(id, phase, told, now_ms),
            Answer::Proposals(key, proposals) => resolver.proposed(key, proposals),
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Ask(issue) => self.ask(&issue),
            Effect::Check(id, key, condition) => self.told(id, Phase::Checking, self.hands.check(key, condition)),
            Effect::Cover(id, channel) => {
                let hands = self.hands.clone();
                self.step(id, Phase::Covering, async move { hands.cover(channel).await });
            }
            Effect::Perform(id, key, deed) => {
                let told = self.hands.perform(key, deed);
                if deed == Deed::PrepareLess && told.is_ok() {
                    self.sparing = Some(None);
                }
                self.told(id, Phase::Acting, told);
            }
            Effect::Probe(id, key, condition) => {
                let (hands, limit_ms) = (self.hands.clone(), condition.limit_ms() - PROBE_MARGIN_MS);
                let limit = Duration::from_millis(u64::try_from(limit_ms).unwrap_or(0));
                self.step(id, Phase::Probing, async move { hands.probe(key, condition, limit).await });
            }
            Effect::Undo(id, key, undo) => {
                let told = self.hands.undo(key, undo);
                self.told(id, Phase::Undoing, told);
            }
            Effect::Uncover(channel) => self.hands.uncover(channel),
            Effect::Keep(question) => self.pen.write(Note::Asked(Box::new(question))),
            Effect::Learnt(trial, record) => self.pen.write(Note::Learnt(trial, record)),
            Effect::Resolved(told) => self.resolved(told),
        }
    }

    fn ask(&self, issue: &Issue) {
        let key = issue.key;
        let request = request(issue, self.history.iter().cloned().collect(), self.healing.now_ms());
        let (strategies, answers) = (self.strategies.clone(), self.answers.clone());
        self.life.spawn(async move {
            let answer = strategies.propose(request).await;
            // Nobody listens any more when the host stops.
            let _ = answers.send(Answer::Proposals(key, answer.proposals)).await;
        });
    }

    fn told(&self, id: AttemptId, phase: Phase, told: Told) {
        // One that does not fit is missed, and its step ends when its time is over.
        let _ = self.answers.try_send(Answer::Step(id, phase, told));
    }

    fn step(&self, id: AttemptId, phase: Phase, work: impl Future<Output = Told> + Send + 'static) {
        let (answers, stopping) = (self.answers.clone(), self.life.stopping());
        self.life.spawn(async move {
            tokio::select! {
                () = stopping.cancelled() => {}
                told = work => drop(answers.send(Answer::Step(id, phase, told)).await),
            }
        });
    }

    fn resolved(&mut self, told: Resolution) {
        let channel = told.key.channel.map(tracing::field::display);
        let seen = told.steps.last().map(|step| step.told.as_str()).unwrap_or_default();
        match told.outcome {
            Outcome::Called => self.call(&told),
            Outcome::Healed => {
                tracing::warn!(channel.id = channel, issue = ?told.key.issue, deed = ?told.deed, seen, "healed");
            }
            outcome => {
                tracing::warn!(channel.id = channel, issue = ?told.key.issue, deed = ?told.deed, ?outcome, seen, "not healed");
            }
        }
        if told.key.issue == IssueType::DbPoolExhausted && told.outcome == Outcome::Healed {
            // The probe has seen five seconds without one; what was before is over, and no relapse.
            self.exhausted = None;
        }
        if matches!(told.outcome, Outcome::Healed | Outcome::Failed) {
            let helped = told.outcome == Outcome::Healed;
            let (issue, action) = (told.key.issue, told.deed.action());
            self.history.push_back(incident::Outcome { issue, action, at_ms: told.ended_ms, helped });
            self.history.drain(..self.history.len().saturating_sub(HISTORY));
        }
        self.pen.write(Note::Done(Box::new(told)));
    }

    fn call(&self, told: &Resolution) {
        person::tell(told);
        let address = self.settings.borrow().webhook.clone();
        if !address.is_empty() {
            let (told, stopping) = (told.clone(), self.life.stopping());
            self.life.spawn(async move {
                tokio::select! {
                    () = stopping.cancelled() => {}
                    () = person::send(address, told) => {}
                }
            });
        }
    }

    /// Runs are prepared ahead again once memory has been free for a while.
    fn stop_sparing(&mut self, free: Option<f64>) {
        let Some(since) = &mut self.sparing else { return };
        if free.is_some_and(|free| free < 2.0 * MEMORY_SHORT) {
            *since = None;
        } else if since.get_or_insert_with(Instant::now).elapsed() >= FREE_FOR {
            self.sparing = None;
            self.hands.feeds.order_all(&Order::Spare(false));
        }
    }
}

/// Asks what may be done. What a person would have to be asked about may be proposed too; the host decides that.
fn request(issue: &Issue, history: Vec<incident::Outcome>, now_ms: i64) -> ProposeRequest {
    let mut actions: Vec<_> = issue.available.iter().map(|deed| deed.action()).collect();
    actions.sort_unstable();
    actions.dedup();
    let channel = issue.key.channel.map(|channel| channel.to_string());
    let id = format!("{:?}-{}-{}", issue.key.issue, channel.as_deref().unwrap_or("host"), issue.since_ms);
    ProposeRequest {
        incident: Incident {
            id,
            issue: issue.key.issue,
            severity: issue.severity,
            channel,
            at_ms: issue.since_ms,
            evidence: issue.evidence.clone(),
        },
        limits: incident::Limits { actions, max_risk: Risk::High, max_proposals: MOST_PROPOSALS },
        history,
        now_ms,
    }
}
