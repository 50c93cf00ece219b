//! One deed, from its precondition to its outcome.
//!
//! Does: step from check to slate, deed, probe and back, or to what undoes it, and keep what was seen on the way.
//! Does not: do any of it; whoever performs the steps answers.
//! Invariants: an attempt is over within the sum of its limits; it counts as success only when its post-condition was seen.

use exstreamtv_model::incident::Evidence;
use serde::{Deserialize, Serialize};

use super::{
    approval::ApprovalId,
    deed::{Deed, Undo},
    issue::IssueKey,
    risk::RiskLevel,
};

/// An attempt's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, example = "1"))]
#[serde(into = "String", try_from = "String")]
pub struct AttemptId(pub i64);

impl From<AttemptId> for String {
    fn from(id: AttemptId) -> Self {
        id.0.to_string()
    }
}

impl TryFrom<String> for AttemptId {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl std::str::FromStr for AttemptId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// How long looking at a precondition, or calling for the slate, may take.
const GLANCE_MS: i64 = 5_000;

/// Where an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = AttemptPhase))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Its precondition is looked at.
    Checking,
    /// The slate is put in.
    Covering,
    /// It is done.
    Acting,
    /// Its post-condition is probed.
    Probing,
    /// It is taken back.
    Undoing,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = AttemptOutcome))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its post-condition was seen.
    Healed,
    /// It was not, and what had been done was taken back.
    Failed,
    /// Its precondition did not hold: nothing was done.
    Skipped,
    /// A person was called.
    Called,
}

/// What was done about an issue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Resolution {
    /// The attempt's name.
    pub id: AttemptId,
    /// What was wrong, and where.
    #[serde(flatten)]
    pub key: IssueKey,
    /// Under which circumstances.
    pub context: String,
    /// What was done.
    pub deed: Deed,
    /// What it could cost.
    pub risk: RiskLevel,
    /// How likely it was thought to help, 0 to 1.
    pub confidence: f64,
    /// Why, in words for people.
    pub why: String,
    /// What was seen before.
    pub evidence: Vec<Evidence>,
    /// The question that a person answered; none where it was done automatically.
    pub approval: Option<ApprovalId>,
    /// When the issue began, Unix milliseconds.
    pub issue_since_ms: i64,
    /// When the attempt began.
    pub began_ms: i64,
    /// When it was over.
    pub ended_ms: i64,
    /// Whether the slate was called for.
    pub slate: bool,
    /// What each step saw or said, in their order.
    pub steps: Vec<StepTold>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What a step of an attempt saw or said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepTold {
    /// Which step.
    pub phase: Phase,
    /// When it was over, Unix milliseconds.
    pub at_ms: i64,
    /// Whether it went as it should.
    pub ok: bool,
    /// What was seen, in words for people.
    pub told: String,
}

/// An attempt that is under way.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub(super) phase: Phase,
    pub(super) deadline_ms: i64,
    /// The slate covers the picture during it.
    pub(super) covers: bool,
    /// What is known of it so far; its end and outcome are not.
    pub(super) so_far: Resolution,
}

/// What follows a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// This step.
    Step(Phase),
    /// Nothing more.
    Over(Outcome),
}

impl Attempt {
    pub(super) fn begin(so_far: Resolution, covers: bool, now_ms: i64) -> Self {
        Self { phase: Phase::Checking, deadline_ms: now_ms + GLANCE_MS, covers, so_far }
    }

    /// Takes the answer of the step that it is in.
    pub(super) fn answer(&mut self, answer: Result<String, String>, now_ms: i64) -> Next {
        let (ok, told) = match answer {
            Ok(told) => (true, told),
            Err(told) => (false, told),
        };
        self.so_far.steps.push(StepTold { phase: self.phase, at_ms: now_ms, ok, told });
        let next = self.after(ok);
        if let Next::Step(phase) = next {
            (self.phase, self.deadline_ms) = (phase, now_ms + self.limit_ms(phase));
        }
        next
    }

    fn after(&self, ok: bool) -> Next {
        match (self.phase, ok) {
            (Phase::Checking, false) => Next::Over(Outcome::Skipped),
            (Phase::Checking, true) if self.covers => Next::Step(Phase::Covering),
            (Phase::Checking | Phase::Covering, true) => Next::Step(Phase::Acting),
            (Phase::Acting, true) => Next::Step(Phase::Probing),
            (Phase::Probing, true) => Next::Over(Outcome::Healed),
            (Phase::Acting | Phase::Probing, false) if self.so_far.deed.undo() != Undo::Nothing => {
                Next::Step(Phase::Undoing)
            }
            _ => Next::Over(Outcome::Failed),
        }
    }

    fn limit_ms(&self, phase: Phase) -> i64 {
        match phase {
            Phase::Checking | Phase::Covering => GLANCE_MS,
            Phase::Acting | Phase::Undoing => self.so_far.deed.limit_ms(),
            Phase::Probing => self.so_far.deed.postcondition().limit_ms(),
        }
    }

    /// Returns whether the deed itself was begun.
    pub(super) fn was_done(&self) -> bool {
        self.so_far.steps.iter().any(|step| step.phase == Phase::Acting)
    }
}
