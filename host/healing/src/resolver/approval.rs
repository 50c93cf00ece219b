//! What waits for a person.
//!
//! Does: keep each question with what would be done and why, take the answer, and let questions expire.
//! Does not: do what was approved; the resolver does.
//! Invariant: a question is answered once; what was rejected or is out of date is never done.

use std::collections::BTreeMap;

use exstreamtv_model::incident::Evidence;
use serde::{Deserialize, Serialize};

use super::{deed::Deed, issue::IssueKey, limits::APPROVAL_MS, risk::RiskLevel};

/// A question's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, example = "1"))]
#[serde(into = "String", try_from = "String")]
pub struct ApprovalId(pub i64);

impl From<ApprovalId> for String {
    fn from(id: ApprovalId) -> Self {
        id.0.to_string()
    }
}

impl TryFrom<String> for ApprovalId {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl std::str::FromStr for ApprovalId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// A question to a person: may this be done?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Approval {
    /// Its name.
    pub id: ApprovalId,
    /// What is wrong, and where.
    #[serde(flatten)]
    pub key: IssueKey,
    /// What would be done.
    pub deed: Deed,
    /// What it may cost.
    pub risk: RiskLevel,
    /// How likely it helps, 0 to 1.
    pub confidence: f64,
    /// Why, in words for people.
    pub why: String,
    /// What was seen.
    pub evidence: Vec<Evidence>,
    /// When it was asked, Unix milliseconds.
    pub asked_ms: i64,
    /// From when on the answer does not matter any more.
    pub expires_ms: i64,
    /// How it stands.
    pub state: ApprovalState,
    /// When it was answered, or expired.
    pub decided_ms: Option<i64>,
    /// Who answered, or what they said.
    pub note: String,
}

/// How a question stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// Nobody has answered.
    Pending,
    /// It may be done, and will be at the next chance.
    Approved,
    /// It was approved and begun.
    Done,
    /// It must not be done.
    Rejected,
    /// Nobody answered in time.
    Expired,
    /// What was wrong is over.
    Withdrawn,
}

/// A person's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Do it.
    Approve,
    /// Do not.
    Reject,
}

/// Why an answer is not taken; fits after "failed to".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecideError {
    /// There is no such question.
    #[error("answer question {}: there is none with this id", .0.0)]
    Unknown(ApprovalId),
    /// It is answered, or out of date.
    #[error("answer question {}: it is {state:?} already", .id.0)]
    Over {
        /// Which.
        id: ApprovalId,
        /// How it stands.
        state: ApprovalState,
    },
}

/// The questions that are not done with.
#[derive(Debug, Clone, Default)]
pub struct Approvals {
    open: BTreeMap<ApprovalId, Approval>,
}

impl Approvals {
    /// Returns what was open before.
    pub fn of(approvals: impl IntoIterator<Item = Approval>) -> Self {
        let is_open = |of: &Approval| matches!(of.state, ApprovalState::Pending | ApprovalState::Approved);
        Self { open: approvals.into_iter().filter(is_open).map(|of| (of.id, of)).collect() }
    }

    /// Asks.
    pub fn ask(&mut self, mut question: Approval) -> Approval {
        question.expires_ms = question.asked_ms + APPROVAL_MS;
        self.open.insert(question.id, question.clone());
        question
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
        let question = self.open.get(&id).ok_or(DecideError::Unknown(id))?;
        if question.state != ApprovalState::Pending || now_ms >= question.expires_ms {
            return Err(DecideError::Over { id, state: question.state });
        }
        let state = match verdict {
            Verdict::Approve => ApprovalState::Approved,
            Verdict::Reject => ApprovalState::Rejected,
        };
        self.end(id, state, note, now_ms).ok_or(DecideError::Unknown(id))
    }

    /// Returns the questions that nobody answered in time, and forgets them.
    pub fn expire(&mut self, now_ms: i64) -> Vec<Approval> {
        let late: Vec<_> = self.open.values().filter(|of| now_ms >= of.expires_ms).map(|of| of.id).collect();
        late.into_iter().filter_map(|id| self.end(id, ApprovalState::Expired, "", now_ms)).collect()
    }

    /// What the questions of an issue were about is over.
    pub fn withdraw(&mut self, key: IssueKey, now_ms: i64) -> Vec<Approval> {
        let moot: Vec<_> = self.open.values().filter(|of| of.key == key).map(|of| of.id).collect();
        moot.into_iter().filter_map(|id| self.end(id, ApprovalState::Withdrawn, "", now_ms)).collect()
    }

    /// What was approved is begun.
    pub fn begun(&mut self, id: ApprovalId, now_ms: i64) -> Option<Approval> {
        self.end(id, ApprovalState::Done, "", now_ms)
    }

    /// Returns the open question about a deed.
    pub fn about(&self, key: IssueKey, deed: Deed) -> Option<&Approval> {
        self.open.values().find(|of| (of.key, of.deed) == (key, deed))
    }

    /// Returns whether a person is asked about an issue and has not answered.
    pub fn is_asked(&self, key: IssueKey) -> bool {
        self.open.values().any(|of| of.key == key && of.state == ApprovalState::Pending)
    }

    /// Returns the open questions, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Approval> {
        self.open.values()
    }

    fn end(&mut self, id: ApprovalId, state: ApprovalState, note: &str, now_ms: i64) -> Option<Approval> {
        let question = self.open.get_mut(&id)?;
        (question.state, question.decided_ms) = (state, Some(now_ms));
        if !note.is_empty() {
            note.clone_into(&mut question.note);
        }
        let told = question.clone();
        if state != ApprovalState::Approved {
            self.open.remove(&id);
        }
        Some(told)
    }
}
