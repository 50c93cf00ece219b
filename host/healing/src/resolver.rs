//! Decides what is done about what is wrong.
//!
//! Does: ask for proposals, choose what is likeliest to help, ask a person where it is risky, keep the limits, walk each deed through its steps, and
//! learn from what came of it.
//! Does not: look, act, probe, wait or store; it says what is to be done ([`Effect`]) and is told what came of it.
//! Invariants: one deed at a time on a channel, one of high risk at a time anywhere; no more fixes in an hour than allowed; nothing automatic while
//! it is [contained](Hold); nothing is held for ever; an issue that nothing helps against is told to a person.

use std::collections::BTreeMap;

use exstreamtv_model::{
    ChannelId,
    incident::{Evidence, Proposal},
};
use serde::Serialize;

pub mod approval;
pub mod attempt;
mod case;
pub mod deed;
pub mod issue;
pub mod limits;
pub mod posterior;
pub mod risk;
#[cfg(test)]
mod storm;
#[cfg(test)]
mod tests;

use approval::{Approval, ApprovalId, ApprovalState, Approvals, DecideError, Verdict};
use attempt::{Attempt, AttemptId, Next, Outcome, Phase, Resolution};
use case::{Candidate, Case, HOPELESS};
use deed::{Condition, Deed, Undo};
use issue::{Issue, IssueKey};
use limits::{HOUR_MS, Hold, MINUTE_MS, POOL_PRESSURE, Pressure, STORM_RESTARTS, Settings, Window};
use posterior::{Posteriors, Record, Trial};
use risk::RiskLevel;

/// How long something may be wrong and held before a person hears of it.
const PATIENCE_MS: i64 = 10 * MINUTE_MS;

/// What is to be done, by whoever can.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask a resolver what may be done; [`Resolver::proposed`] takes the answer.
    Ask(Issue),
    /// Look whether this holds; [`Resolver::answer`] takes what was seen, as for all that follow.
    Check(AttemptId, IssueKey, Condition),
    /// Put the slate in.
    Cover(AttemptId, ChannelId),
    /// Do it.
    Perform(AttemptId, IssueKey, Deed),
    /// Wait until this holds.
    Probe(AttemptId, IssueKey, Condition),
    /// Take it back.
    Undo(AttemptId, IssueKey, Undo),
    /// Let the main picture back; nobody answers.
    Uncover(ChannelId),
    /// Keep a question, as it stands now.
    Keep(Approval),
    /// Keep what was learnt.
    Learnt(Trial, Record),
    /// Keep what was done. Where it is the call for a person: call one.
    Resolved(Resolution),
}

/// What outlives the program.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// What was learnt.
    pub posteriors: Posteriors,
    /// Questions that nobody has answered, or that were answered and not yet acted on.
    pub approvals: Vec<Approval>,
    /// When automatic fixes were begun in the last hour, Unix milliseconds.
    pub fixes_ms: Vec<i64>,
    /// The last id that was given to anything.
    pub last_id: i64,
}

/// Something that is wrong, for people.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CaseView {
    /// What, and where.
    #[serde(flatten)]
    pub key: IssueKey,
    /// Under which circumstances.
    pub context: String,
    /// Since when, Unix milliseconds.
    pub since_ms: i64,
    /// What was seen.
    pub evidence: Vec<Evidence>,
    /// What is being done.
    pub deed: Option<Deed>,
    /// Where that is.
    pub phase: Option<Phase>,
    /// Why nothing is done.
    pub held: Option<Hold>,
    /// Until when it is left alone.
    pub cool_until_ms: Option<i64>,
    /// When a person was called.
    pub called_ms: Option<i64>,
}

/// Decides for everything that is wrong anywhere.
#[derive(Debug)]
pub struct Resolver {
    settings: Settings,
    posteriors: Posteriors,
    approvals: Approvals,
    cases: BTreeMap<IssueKey, Case>,
    running: BTreeMap<AttemptId, Attempt>,
    /// Automatic fixes, and restarts by whomever's leave.
    fixes: Window,
    restarts: Window,
    last_id: i64,
    effects: Vec<Effect>,
}

impl Resolver {
    /// Returns a resolver that remembers this.
    pub fn new(settings: Settings, memory: Memory) -> Self {
        Self {
            settings,
            posteriors: memory.posteriors,
            approvals: Approvals::of(memory.approvals),
            cases: BTreeMap::new(),
            running: BTreeMap::new(),
            fixes: Window::of(memory.fixes_ms),
            restarts: Window::default(),
            last_id: memory.last_id,
            effects: vec![],
        }
    }

    /// Takes other settings from now on.
    pub fn set(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Takes everything that is wrong at this moment; what is not among it is over.
    pub fn see(&mut self, issues: Vec<Issue>, now_ms: i64) {
        for (key, case) in &mut self.cases {
            if case.open && !issues.iter().any(|issue| issue.key == *key) {
                case.gone();
                self.effects.extend(self.approvals.withdraw(*key, now_ms).into_iter().map(Effect::Keep));
            }
        }
        for issue in issues {
            let Some(case) = self.cases.get_mut(&issue.key) else {
                self.cases.insert(issue.key, Case::new(issue, now_ms));
                continue;
            };
            let was_no_help = case.seen(issue, now_ms);
            was_no_help.into_iter().for_each(|trial| self.learn(trial, false, now_ms));
        }
        self.cases.retain(|_, case| !case.is_forgotten(now_ms));
    }

    /// Takes a resolver's answer.
    pub fn proposed(&mut self, key: IssueKey, proposals: Vec<Proposal>) {
        if let Some(case) = self.cases.get_mut(&key).filter(|case| case.open) {
            case.proposals = Some(proposals);
        }
    }

    /// Takes a person's answer.
    ///
    /// # Errors
    /// If there is no such question, or it is not open.
    pub fn decide(
        &mut self,
        id: ApprovalId,
        verdict: Verdict,
        note: &str,
        now_ms: i64,
    ) -> Result<Approval, DecideError> {
        let told = self.approvals.decide(id, verdict, note, now_ms)?;
        if let Some(case) = self.cases.get_mut(&told.key).filter(|_| verdict == Verdict::Reject) {
            case.rule_out(told.deed);
        }
        self.effects.push(Effect::Keep(told.clone()));
        Ok(told)
    }

    /// Takes what came of a step. What comes late is nobody's.
    pub fn answer(&mut self, id: AttemptId, phase: Phase, answer: Result<String, String>, now_ms: i64) {
        let Some(attempt) = self.running.get_mut(&id).filter(|attempt| attempt.phase == phase) else { return };
        match attempt.answer(answer, now_ms) {
            Next::Step(next) => {
                let (step, key, deed) = (step(id, next, attempt), attempt.so_far.key, attempt.so_far.deed);
                self.effects.push(step);
                if let Some(case) = self.cases.get_mut(&key) {
                    case.steps_to(deed, next, now_ms);
                }
            }
            Next::Over(outcome) => self.end(id, outcome, now_ms),
        }
    }

    /// Lets time pass, and returns what is to be done.
    pub fn advance(&mut self, now_ms: i64, pressure: &Pressure) -> Vec<Effect> {
        self.end_late(now_ms);
        for late in self.approvals.expire(now_ms) {
            if let Some(case) = self.cases.get_mut(&late.key) {
                case.rule_out(late.deed);
            }
            self.effects.push(Effect::Keep(late));
        }
        if self.settings.enabled {
            let open: Vec<_> = self.cases.iter().filter(|(_, case)| case.open).map(|(key, _)| *key).collect();
            open.into_iter().for_each(|key| self.go_on(key, now_ms, pressure));
        }
        debug_assert!(self.is_sound(), "two deeds at a time where one is allowed");
        std::mem::take(&mut self.effects)
    }

    /// Forgets what was learnt.
    pub fn reset_learning(&mut self) {
        self.posteriors.reset();
    }

    /// Returns the settings in force.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Returns what was learnt.
    pub fn posteriors(&self) -> &Posteriors {
        &self.posteriors
    }

    /// Returns the questions that are open.
    pub fn approvals(&self) -> &Approvals {
        &self.approvals
    }

    /// Returns how many automatic fixes were begun in the last hour.
    pub fn fixes(&self, now_ms: i64) -> usize {
        self.fixes.count(now_ms, HOUR_MS)
    }

    /// Returns what is wrong, and what is done about it.
    pub fn cases(&self) -> Vec<CaseView> {
        let open = self.cases.iter().filter(|(key, case)| case.open || self.attempt(**key).is_some());
        open.map(|(key, case)| self.view(*key, case)).collect()
    }

    fn view(&self, key: IssueKey, case: &Case) -> CaseView {
        let attempt = self.attempt(key);
        CaseView {
            key,
            context: case.issue.context.clone(),
            since_ms: case.issue.since_ms,
            evidence: case.issue.evidence.clone(),
            deed: attempt.map(|attempt| attempt.so_far.deed),
            phase: attempt.map(|attempt| attempt.phase),
            held: case.held,
            cool_until_ms: case.cool_until_ms(),
            called_ms: case.called_ms,
        }
    }

    fn attempt(&self, key: IssueKey) -> Option<&Attempt> {
        self.running.values().find(|attempt| attempt.so_far.key == key)
    }

    /// A step that takes longer than it may has failed.
    fn end_late(&mut self, now_ms: i64) {
        let late = self.running.iter().filter(|(_, attempt)| now_ms >= attempt.deadline_ms);
        let late: Vec<_> = late.map(|(id, attempt)| (*id, attempt.phase)).collect();
        for (id, phase) in late {
            self.answer(id, phase, Err("it took longer than it may".into()), now_ms);
        }
    }

    /// Takes one issue a step further.
    fn go_on(&mut self, key: IssueKey, now_ms: i64, pressure: &Pressure) {
        if self.attempt(key).is_some() {
            return;
        }
        let Some(case) = self.cases.get_mut(&key) else { return };
        if case.cools(now_ms) {
            case.held = Some(Hold::CoolingDown);
            return self.call_once(key, "it failed so often that it is left alone for a while", now_ms);
        }
        if case.proposals.is_none() {
            if case.asks(now_ms) {
                self.effects.push(Effect::Ask(case.issue.clone()));
            }
            return;
        }
        let candidates = case.candidates(&self.posteriors, now_ms);
        self.try_best(key, candidates, now_ms, pressure);
    }

    fn try_best(&mut self, key: IssueKey, candidates: Vec<Candidate>, now_ms: i64, pressure: &Pressure) {
        let hopeful = candidates.iter().any(|candidate| candidate.confidence >= HOPELESS);
        if !hopeful {
            self.call_once(key, "what can be tried hardly helps, or was tried in vain", now_ms);
        }
        let mut hold = None;
        for candidate in &candidates {
            let Some(obstacle) = self.obstacle(key, candidate, now_ms, pressure) else {
                return self.begin(key, candidate, now_ms);
            };
            // What waits for a person leaves room for what needs none.
            if obstacle == Hold::AwaitsApproval {
                self.ask_person(key, candidate, now_ms);
            }
            hold.get_or_insert(obstacle);
        }
        let waits_too_long = self.cases.get(&key).is_some_and(|case| now_ms - case.issue.since_ms >= PATIENCE_MS);
        if hold.is_some() && waits_too_long {
            self.call_once(key, "it goes on, and nothing may be done automatically", now_ms);
        }
        let Some(case) = self.cases.get_mut(&key) else { return };
        case.held = hold;
        if candidates.is_empty() {
            case.give_it_time(now_ms);
            case.held = Some(Hold::CoolingDown);
        }
    }

    /// Returns why a deed may not be begun now.
    fn obstacle(&self, key: IssueKey, candidate: &Candidate, now_ms: i64, pressure: &Pressure) -> Option<Hold> {
        let approved = self.approvals.about(key, candidate.deed).is_some_and(|of| of.state == ApprovalState::Approved);
        let needs_person =
            !self.settings.auto_resolve_enabled || candidate.risk > self.settings.require_approval_above_risk;
        if needs_person && !approved {
            return Some(Hold::AwaitsApproval);
        }
        let busy = self.busy(key, candidate);
        // Containment and the hour's limit are about what nobody asked for.
        if approved { busy } else { busy.or_else(|| self.containment(key, candidate.deed, now_ms, pressure)) }
    }

    fn busy(&self, key: IssueKey, candidate: &Candidate) -> Option<Hold> {
        if self.running.values().any(|attempt| attempt.so_far.key.channel == key.channel) {
            return Some(Hold::ChannelBusy);
        }
        let is_high = |risk: RiskLevel| risk >= RiskLevel::High;
        let high_busy = || self.running.values().any(|attempt| is_high(attempt.so_far.risk));
        (is_high(candidate.risk) && high_busy()).then_some(Hold::HighRiskBusy)
    }

    fn containment(&self, key: IssueKey, deed: Deed, now_ms: i64, pressure: &Pressure) -> Option<Hold> {
        let own = u32::try_from(self.restarts.count(now_ms, MINUTE_MS)).unwrap_or(u32::MAX);
        let restarts = pressure.restarts_against(key.channel).saturating_add(own);
        // Its own restart must not be the one too many.
        let storm = restarts > STORM_RESTARTS || deed.restarts() && restarts >= STORM_RESTARTS;
        let breaker_open = key.channel.is_some_and(|channel| pressure.open_breakers.contains(&channel));
        let swaps_spent = self.cases.get(&key).is_some_and(|case| !case.may_swap(deed, now_ms));
        let most = usize::try_from(self.settings.max_auto_fixes_per_hour).unwrap_or(usize::MAX);
        match () {
            () if storm => Some(Hold::RestartStorm),
            // A pool that is used up can only be helped by giving more; that one deed is what takes the pressure away.
            () if pressure.pool >= POOL_PRESSURE && deed != Deed::ExpandPool => Some(Hold::PoolPressure),
            () if breaker_open => Some(Hold::BreakerOpen),
            () if swaps_spent => Some(Hold::SwapsSpent),
            () if self.fixes.count(now_ms, HOUR_MS) >= most => Some(Hold::HourSpent),
            () => None,
        }
    }

    fn ask_person(&mut self, key: IssueKey, candidate: &Candidate, now_ms: i64) {
        if self.approvals.is_asked(key) || self.approvals.about(key, candidate.deed).is_some() {
            return;
        }
        let Some(case) = self.cases.get(&key) else { return };
        let question = Approval {
            id: ApprovalId(self.last_id + 1),
            key,
            deed: candidate.deed,
            risk: candidate.risk,
            confidence: candidate.confidence,
            why: candidate.why.clone(),
            evidence: case.issue.evidence.clone(),
            asked_ms: now_ms,
            expires_ms: now_ms,
            state: ApprovalState::Pending,
            decided_ms: None,
            note: String::new(),
        };
        self.last_id += 1;
        let asked = self.approvals.ask(question);
        self.effects.push(Effect::Keep(asked));
    }

    fn begin(&mut self, key: IssueKey, candidate: &Candidate, now_ms: i64) {
        let Some(so_far) = self.resolution(key, candidate, now_ms) else { return };
        let (id, deed) = (so_far.id, candidate.deed);
        match so_far.approval {
            Some(approval) => self.effects.extend(self.approvals.begun(approval, now_ms).map(Effect::Keep)),
            None => self.fixes.add(now_ms),
        }
        if deed.restarts() {
            self.restarts.add(now_ms);
        }
        let attempt = Attempt::begin(so_far, self.covers(key, deed), now_ms);
        self.effects.push(step(id, Phase::Checking, &attempt));
        self.running.insert(id, attempt);
        if let Some(case) = self.cases.get_mut(&key) {
            case.held = None;
        }
    }

    fn resolution(&mut self, key: IssueKey, candidate: &Candidate, now_ms: i64) -> Option<Resolution> {
        let issue = &self.cases.get(&key)?.issue;
        let approved = self.approvals.about(key, candidate.deed).filter(|of| of.state == ApprovalState::Approved);
        self.last_id += 1;
        Some(Resolution {
            id: AttemptId(self.last_id),
            key,
            context: issue.context.clone(),
            deed: candidate.deed,
            risk: candidate.risk,
            confidence: candidate.confidence,
            why: candidate.why.clone(),
            evidence: issue.evidence.clone(),
            approval: approved.map(|of| of.id),
            issue_since_ms: issue.since_ms,
            began_ms: now_ms,
            ended_ms: now_ms,
            slate: self.covers(key, candidate.deed),
            steps: vec![],
            outcome: Outcome::Failed,
        })
    }

    /// With a hot swap a picture that is still there is not covered: the feed's lead lasts until its successor comes.
    fn covers(&self, key: IssueKey, deed: Deed) -> bool {
        let Settings { use_error_screen_fallback, hot_swap_enabled, .. } = self.settings;
        let picture = self.cases.get(&key).is_some_and(|case| case.issue.on_air);
        key.channel.is_some() && deed.interrupts() && use_error_screen_fallback && !(hot_swap_enabled && picture)
    }

    fn call_once(&mut self, key: IssueKey, why: &str, now_ms: i64) {
        let Some(case) = self.cases.get_mut(&key).filter(|case| case.called_ms.is_none()) else { return };
        let candidate = case.call(why.to_owned());
        case.ended(Deed::CallPerson, Outcome::Called, now_ms);
        if let Some(told) = self.resolution(key, &candidate, now_ms) {
            self.effects.push(Effect::Resolved(Resolution { outcome: Outcome::Called, approval: None, ..told }));
        }
    }

    fn end(&mut self, id: AttemptId, outcome: Outcome, now_ms: i64) {
        let Some(attempt) = self.running.remove(&id) else { return };
        let was_done = attempt.was_done();
        let told = Resolution { outcome, ended_ms: now_ms, ..attempt.so_far };
        let key = told.key;
        if let Some(channel) = key.channel.filter(|_| attempt.covers) {
            self.effects.push(Effect::Uncover(channel));
        }
        if was_done {
            let trial = Trial { issue: key.issue, deed: told.deed, context: told.context.clone() };
            self.learn(trial, outcome == Outcome::Healed, now_ms);
        }
        if let Some(case) = self.cases.get_mut(&key) {
            case.ended(told.deed, outcome, now_ms);
        }
        self.effects.push(Effect::Resolved(told));
    }

    fn learn(&mut self, trial: Trial, helped: bool, now_ms: i64) {
        if self.settings.learning_enabled {
            let record = self.posteriors.learn(trial.clone(), helped, now_ms);
            self.effects.push(Effect::Learnt(trial, record));
        }
    }

    /// One deed at a time on a channel, and one of high risk anywhere.
    fn is_sound(&self) -> bool {
        let mut places: Vec<_> = self.running.values().map(|attempt| attempt.so_far.key.channel).collect();
        places.sort_unstable();
        let high = self.running.values().filter(|attempt| attempt.so_far.risk >= RiskLevel::High).count();
        places.windows(2).all(|pair| pair[0] != pair[1]) && high <= 1
    }
}

/// Says what a step of an attempt asks for.
fn step(id: AttemptId, phase: Phase, attempt: &Attempt) -> Effect {
    let Resolution { key, deed, .. } = attempt.so_far;
    match (phase, key.channel) {
        (Phase::Checking, _) => Effect::Check(id, key, deed.precondition()),
        (Phase::Covering, Some(channel)) => Effect::Cover(id, channel),
        (Phase::Acting | Phase::Covering, _) => Effect::Perform(id, key, deed),
        (Phase::Probing, _) => Effect::Probe(id, key, deed.postcondition()),
        (Phase::Undoing, _) => Effect::Undo(id, key, deed.undo()),
    }
}
