//! What is known of one issue: what was proposed, tried, and in vain.
//!
//! Does: rank what is left to try, count failures, keep the cool-down and the swaps of main and slate.
//! Does not: begin anything, or know other issues.
//! Invariant: a cool-down ends, and with it everything that was tried in vain may be tried again.

use exstreamtv_model::incident::{Action, Proposal, Risk};

use super::{
    attempt::{Outcome, Phase},
    deed::{Deed, Undo},
    issue::Issue,
    limits::{COOL_DOWN_MS, FAILURES, HOUR_MS, Hold, MINUTE_MS, SWAPS_PER_HOUR, Window},
    posterior::{Posteriors, Trial},
    risk::RiskLevel,
};

/// What helps less often than this stands behind the call for a person.
pub(super) const HOPELESS: f64 = 0.3;
/// An answer that does not come within this time is asked for again.
const ASK_AGAIN_MS: i64 = 20_000;
/// What comes back so soon was not healed.
const RELAPSE_MS: i64 = 2 * MINUTE_MS;

/// One issue, while it is there and for a while after.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) issue: Issue,
    pub(super) open: bool,
    pub(super) held: Option<Hold>,
    pub(super) proposals: Option<Vec<Proposal>>,
    pub(super) called_ms: Option<i64>,
    swaps: Window,
    /// The programme came back by a deed, not by itself.
    brought_back: bool,
    asked_ms: Option<i64>,
    spent: Vec<Deed>,
    failures: u32,
    cool_until_ms: Option<i64>,
    healed: Option<(Trial, i64)>,
    last_seen_ms: i64,
}

/// Something that may be done about it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub(super) deed: Deed,
    pub(super) risk: RiskLevel,
    pub(super) confidence: f64,
    pub(super) why: String,
}

impl Case {
    pub(super) fn new(issue: Issue, now_ms: i64) -> Self {
        Self {
            issue,
            open: true,
            held: None,
            proposals: None,
            called_ms: None,
            swaps: Window::default(),
            brought_back: false,
            asked_ms: None,
            spent: vec![],
            failures: 0,
            cool_until_ms: None,
            healed: None,
            last_seen_ms: now_ms,
        }
    }

    /// It is there. Returns what turned out not to have healed it, where it is there again too soon.
    pub(super) fn seen(&mut self, issue: Issue, now_ms: i64) -> Option<Trial> {
        let returns = !std::mem::replace(&mut self.open, true);
        (self.issue, self.last_seen_ms) = (issue, now_ms);
        if !returns {
            return None;
        }
        if std::mem::take(&mut self.brought_back) {
            self.swaps.add(now_ms);
        }
        (self.proposals, self.asked_ms, self.called_ms) = (None, None, None);
        let relapse = self.healed.take().filter(|(_, at_ms)| now_ms - at_ms < RELAPSE_MS);
        match relapse {
            Some((trial, _)) => {
                self.spent.push(trial.deed);
                self.count_failure(now_ms);
                Some(trial)
            }
            None => {
                self.spent.clear();
                None
            }
        }
    }

    /// It is gone.
    pub(super) fn gone(&mut self) {
        (self.open, self.held) = (false, None);
    }

    /// Returns whether nobody needs to know of it any more.
    pub(super) fn is_forgotten(&self, now_ms: i64) -> bool {
        !self.open && now_ms - self.last_seen_ms >= 2 * HOUR_MS
    }

    /// Returns whether a resolver has to be asked, and notes that it is.
    pub(super) fn asks(&mut self, now_ms: i64) -> bool {
        let due = self.proposals.is_none() && self.asked_ms.is_none_or(|at_ms| now_ms - at_ms >= ASK_AGAIN_MS);
        if due {
            self.asked_ms = Some(now_ms);
        }
        due
    }

    /// Returns whether it is left alone; when that is over everything begins anew.
    pub(super) fn cools(&mut self, now_ms: i64) -> bool {
        match self.cool_until_ms {
            Some(until_ms) if now_ms < until_ms => true,
            Some(_) => {
                (self.cool_until_ms, self.failures) = (None, 0);
                self.called_ms = self.called_ms.filter(|at_ms| now_ms - at_ms < HOUR_MS);
                (self.proposals, self.asked_ms) = (None, None);
                self.spent.clear();
                false
            }
            None => false,
        }
    }

    /// Returns until when it is left alone.
    pub(super) fn cool_until_ms(&self) -> Option<i64> {
        self.cool_until_ms
    }

    /// Returns what is left to try, the likeliest first; of two that are as likely, what was proposed first.
    pub(super) fn candidates(&self, learnt: &Posteriors, now_ms: i64) -> Vec<Candidate> {
        let proposals = self.proposals.iter().flatten();
        let mut all: Vec<_> = proposals.flat_map(|proposal| self.ways(proposal, learnt, now_ms)).collect();
        all.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
        all
    }

    fn ways(&self, proposal: &Proposal, learnt: &Posteriors, now_ms: i64) -> Vec<Candidate> {
        let of_action = |deed: &&Deed| deed.action() == proposal.action && proposal.action != Action::Escalate;
        let ways = self.issue.available.iter().filter(of_action).filter(|deed| !self.spent.contains(deed));
        let candidate = |deed: &Deed| Candidate {
            deed: *deed,
            risk: RiskLevel::of(proposal.risk, *deed, &self.issue),
            confidence: learnt.mean(&self.trial(*deed), proposal.confidence, now_ms),
            why: proposal.why.clone(),
        };
        ways.map(candidate).collect()
    }

    /// Returns the call for a person, as something to do.
    pub(super) fn call(&self, why: String) -> Candidate {
        Candidate { deed: Deed::CallPerson, risk: RiskLevel::from(Risk::Safe), confidence: 1.0, why }
    }

    pub(super) fn trial(&self, deed: Deed) -> Trial {
        Trial { issue: self.issue.key.issue, deed, context: self.issue.context.clone() }
    }

    /// Returns whether main and slate may take each other's place as often as a deed needs.
    pub(super) fn may_swap(&self, deed: Deed, now_ms: i64) -> bool {
        if !deed.interrupts() {
            return true;
        }
        let there = usize::from(self.issue.on_air);
        // What stands in and is taken back was there for a moment.
        let back = if deed.undo() == Undo::Nothing { 1 } else { 2 };
        // Not as many as allowed: what is brought back may fail again, and that is one more.
        self.swaps.count(now_ms, HOUR_MS) + there + back < SWAPS_PER_HOUR
    }

    /// A step of a deed begins: notes what it does to the picture.
    pub(super) fn steps_to(&mut self, deed: Deed, phase: Phase, now_ms: i64) {
        let count = match phase {
            Phase::Acting if deed.interrupts() && self.issue.on_air => 1,
            Phase::Undoing if deed.interrupts() => 2,
            _ => 0,
        };
        (0..count).for_each(|_| self.swaps.add(now_ms));
    }

    /// Something came of a deed.
    pub(super) fn ended(&mut self, deed: Deed, outcome: Outcome, now_ms: i64) {
        match outcome {
            Outcome::Healed => {
                (self.healed, self.failures) = (Some((self.trial(deed), now_ms)), 0);
                if deed.interrupts() {
                    self.swaps.add(now_ms);
                    self.brought_back = true;
                }
                // Whatever is there when it is looked at next is there again.
                self.gone();
            }
            Outcome::Failed => {
                self.spent.push(deed);
                self.count_failure(now_ms);
            }
            Outcome::Skipped => self.spent.push(deed),
            Outcome::Called => self.called_ms = Some(now_ms),
        }
    }

    /// A person does not want it.
    pub(super) fn rule_out(&mut self, deed: Deed) {
        self.spent.push(deed);
    }

    /// There is nothing left to try for now.
    pub(super) fn give_it_time(&mut self, now_ms: i64) {
        self.cool_until_ms.get_or_insert(now_ms + COOL_DOWN_MS);
    }

    fn count_failure(&mut self, now_ms: i64) {
        self.failures += 1;
        if self.failures >= FAILURES {
            self.cool_until_ms = Some(now_ms + COOL_DOWN_MS);
        }
    }
}
