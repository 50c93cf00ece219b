//! What an action may cost, on the specification's scale of five.
//!
//! Does: name the levels, and raise a proposal's risk to what it would really cost here and now.
//! Does not: decide what is risked; settings do.
//! Invariant: the risk that counts is never lower than what was proposed.

use exstreamtv_model::incident::Risk;
use serde::{Deserialize, Serialize};

use super::{deed::Deed, issue::Issue};

/// What an action may cost. `MEDIUM` as the highest that is taken without asking means that `HIGH` and `CRITICAL` wait for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ActionRisk))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RiskLevel {
    /// Nobody notices.
    Safe,
    /// Hardly anybody notices.
    Low,
    /// One channel is interrupted.
    Medium,
    /// Several channels are interrupted.
    High,
    /// Every channel is interrupted, or something cannot be undone.
    Critical,
}

impl RiskLevel {
    /// Every level, the lowest first.
    pub const ALL: [Self; 5] = [Self::Safe, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Returns what a deed really risks: a proposal speaks of one channel, and cannot know how many there are.
    pub fn of(proposed: Risk, deed: Deed, issue: &Issue) -> Self {
        let reach = match (issue.key.channel, issue.channels) {
            _ if !deed.interrupts() => Self::Safe,
            (Some(_), _) if issue.on_air => Self::Medium,
            // Nobody can lose sight of what is not there.
            (Some(_), _) => Self::Safe,
            (None, 0) => Self::Low,
            (None, 1) => Self::Medium,
            (None, _) => Self::High,
        };
        Self::from(proposed).max(reach)
    }
}

impl From<Risk> for RiskLevel {
    fn from(risk: Risk) -> Self {
        match risk {
            Risk::Safe => Self::Safe,
            Risk::Low => Self::Low,
            Risk::Medium => Self::Medium,
            Risk::High => Self::High,
        }
    }
}
