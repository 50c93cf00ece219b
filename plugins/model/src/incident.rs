//! The documents of the contract `exstreamtv.resolver/1`: something is wrong; what may be done about it?
//!
//! A resolver is a function from a [`ProposeRequest`] to a [`ProposeAnswer`]. It proposes; the host decides, acts, limits and rolls back.

use serde::{Deserialize, Serialize};

/// What is wrong. The words are the specification's (6.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum IssueType {
    /// FFmpeg lives and gives nothing.
    FfmpegHang,
    /// FFmpeg ended by itself.
    FfmpegCrash,
    /// An address is no longer valid.
    UrlExpired,
    /// No connection to the database is free.
    DbPoolExhausted,
    /// A source refuses our name or token.
    AuthFailed,
    /// Memory runs short.
    MemoryPressure,
    /// A source cannot be read.
    SourceUnavailable,
    /// Something that this version has no word for.
    #[serde(other)]
    Unknown,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Somebody may notice.
    Medium,
    /// Viewers notice.
    High,
    /// The system is in danger.
    Critical,
}

/// What may be done: the closed list of the specification (6.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Action {
    /// Starts a run or worker again.
    Restart,
    /// Fetches an address or token again.
    Refresh,
    /// Gives more of a resource.
    Expand,
    /// Plays something else.
    Fallback,
    /// Does less at once.
    Reduce,
    /// Calls a person.
    Escalate,
}

/// What an action may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Risk {
    /// Nobody notices.
    Safe,
    /// Hardly anybody notices.
    Low,
    /// One channel is interrupted.
    Medium,
    /// Several channels are interrupted.
    High,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Incident {
    /// Its name.
    pub id: String,
    /// What is wrong.
    pub issue: IssueType,
    /// How bad it is.
    pub severity: Severity,
    /// The channel that suffers, if it is one.
    #[serde(default)]
    pub channel: Option<String>,
    /// When it was noticed, Unix milliseconds.
    pub at_ms: i64,
    /// What was seen, oldest first.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
}

/// Something that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Evidence {
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// Who said so: "ffmpeg", "worker", "database".
    pub source: String,
    /// What it said.
    pub text: String,
}

/// What the host would accept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Limits {
    /// Actions that can be done now.
    pub actions: Vec<Action>,
    /// The highest risk that is taken without asking a person.
    pub max_risk: Risk,
    /// Most proposals that are read.
    pub max_proposals: u32,
}

/// What came of an action in the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Outcome {
    /// What was wrong.
    pub issue: IssueType,
    /// What was done.
    pub action: Action,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// Whether it helped; a probe said so, not the action.
    pub helped: bool,
}

/// Asks what may be done about an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProposeRequest {
    /// What is wrong.
    pub incident: Incident,
    /// What would be accepted.
    pub limits: Limits,
    /// What was done before, oldest first.
    #[serde(default)]
    pub history: Vec<Outcome>,
    /// The time, Unix milliseconds.
    pub now_ms: i64,
}

/// What may be done, the best first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProposeAnswer {
    /// Proposals, the best first; none calls a person.
    pub proposals: Vec<Proposal>,
    /// Remarks for people.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// One thing that may be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Proposal {
    /// What.
    pub action: Action,
    /// What it may cost.
    pub risk: Risk,
    /// How likely it helps, from 0 to 1.
    pub confidence: f64,
    /// Why, in words for people.
    pub why: String,
}

/// Why a resolver's answer cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ProposalFault {
    /// There are more proposals than are read.
    #[error("use {count} proposals: at most {max} are read")]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many are read.
        max: u32,
    },
    /// A proposal is not among the actions that can be done.
    #[error("use proposal {index}: it is not among the actions that can be done now")]
    NotOffered {
        /// Which proposal.
        index: usize,
    },
    /// A proposal is riskier than allowed.
    #[error("use proposal {index}: its risk is above the limit")]
    TooRisky {
        /// Which proposal.
        index: usize,
    },
    /// A confidence is not a probability.
    #[error("use proposal {index}: its confidence {confidence} is not between 0 and 1")]
    Confidence {
        /// Which proposal.
        index: usize,
        /// What it says.
        confidence: f64,
    },
}

impl ProposeAnswer {
    /// Checks the answer against what was asked. [`Action::Escalate`] is always allowed.
    ///
    /// # Errors
    /// Names the first fault.
    pub fn check(&self, request: &ProposeRequest) -> Result<(), ProposalFault> {
        let (count, max) = (self.proposals.len(), request.limits.max_proposals);
        if count > usize::try_from(max).unwrap_or(usize::MAX) {
            return Err(ProposalFault::TooMany { count, max });
        }
        self.proposals.iter().enumerate().try_for_each(|(index, proposal)| proposal.check(index, &request.limits))
    }
}

impl Proposal {
    fn check(&self, index: usize, limits: &Limits) -> Result<(), ProposalFault> {
        if !(0.0..=1.0).contains(&self.confidence) {
            return Err(ProposalFault::Confidence { index, confidence: self.confidence });
        }
        if self.action == Action::Escalate {
            return Ok(());
        }
        if !limits.actions.contains(&self.action) {
            return Err(ProposalFault::NotOffered { index });
        }
        if self.risk > limits.max_risk { Err(ProposalFault::TooRisky { index }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> ProposeRequest {
        ProposeRequest {
            incident: Incident {
                id: "1".into(),
                issue: IssueType::FfmpegHang,
                severity: Severity::High,
                channel: None,
                at_ms: 0,
                evidence: vec![],
            },
            limits: Limits { actions: vec![Action::Restart], max_risk: Risk::Low, max_proposals: 2 },
            history: vec![],
            now_ms: 0,
        }
    }

    fn answer(action: Action, risk: Risk, confidence: f64) -> ProposeAnswer {
        ProposeAnswer { proposals: vec![Proposal { action, risk, confidence, why: String::new() }], notes: vec![] }
    }

    #[test]
    fn proposals_stay_inside_the_limits_and_calling_a_person_is_always_allowed() {
        assert_eq!(answer(Action::Restart, Risk::Low, 0.9).check(&request()), Ok(()));
        assert_eq!(answer(Action::Escalate, Risk::High, 1.0).check(&request()), Ok(()));
        let fault = |action, risk, confidence| answer(action, risk, confidence).check(&request()).unwrap_err();
        assert_eq!(fault(Action::Restart, Risk::Medium, 0.9), ProposalFault::TooRisky { index: 0 });
        assert_eq!(fault(Action::Expand, Risk::Safe, 0.9), ProposalFault::NotOffered { index: 0 });
        assert!(matches!(fault(Action::Restart, Risk::Safe, f64::NAN), ProposalFault::Confidence { .. }));
    }

    #[test]
    fn the_words_are_those_of_the_specification() {
        assert_eq!(serde_json::to_string(&IssueType::DbPoolExhausted).unwrap(), r#""DB_POOL_EXHAUSTED""#);
        assert_eq!(serde_json::from_str::<IssueType>(r#""SOLAR_FLARE""#).unwrap(), IssueType::Unknown);
    }
}
