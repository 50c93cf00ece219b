//! `exstreamtv.recovery`: the specification's strategies, ranked by how often they helped.
//!
//! Does: rank an issue's ladder by learnt confidence, with a person behind whatever may still help and before whatever hardly does.
//! Does not: look at evidence; what is wrong was decided by whoever wrote the incident.
//! Invariant: a person is proposed once in every answer that has room; what nobody knows an action for goes to a person alone.

use std::cmp::Reverse;

use exstreamtv_plugin_sdk::{
    ProposeError, Resolver,
    incident::{Action, IssueType, Limits, Proposal, ProposeAnswer, ProposeRequest, Risk},
};

mod confidence;
mod ladder;

use confidence::{Confidence, HOPELESS};
use ladder::{Step, ladder};

/// Proposes what may be done about an incident.
#[derive(Debug, Clone, Copy, Default)]
pub struct Recovery;

impl Recovery {
    /// The id under which it is exported.
    pub const ID: &'static str = "exstreamtv.recovery";
}

impl Resolver for Recovery {
    fn propose(&self, request: &ProposeRequest) -> Result<ProposeAnswer, ProposeError> {
        let limits = &request.limits;
        let (steps, left_out): (Vec<_>, Vec<_>) =
            ladder(request.incident.issue).iter().partition(|step| obstacle(step, limits).is_none());
        let mut ranked: Vec<_> = steps.iter().map(|step| (Confidence::learnt(step, request), *step)).collect();
        // The sort is stable: of two that are as likely to help, the one that stands first in the ladder stays first.
        ranked.sort_by_key(|(confidence, _)| Reverse(confidence.per_mille()));
        let hopeful = ranked.partition_point(|(confidence, _)| confidence.per_mille() >= HOPELESS);
        let mut proposals: Vec<_> = ranked.iter().map(|(confidence, step)| proposal(step, confidence)).collect();
        proposals.insert(hopeful, person(request.incident.issue, &ranked[..hopeful]));
        proposals.truncate(usize::try_from(limits.max_proposals).unwrap_or(usize::MAX));
        let notes = left_out.into_iter().filter_map(|step| obstacle(step, limits)).collect();
        Ok(ProposeAnswer { proposals, notes })
    }
}

/// Says why a step cannot be proposed.
fn obstacle(step: &Step, limits: &Limits) -> Option<String> {
    let Step { action, risk, .. } = *step;
    if !limits.actions.contains(&action) {
        return Some(format!("{action:?} is left out: it cannot be done now"));
    }
    let max = limits.max_risk;
    (risk > max).then(|| format!("{action:?} is left out: its risk is {risk:?}, and at most {max:?} is taken"))
}

fn proposal(step: &Step, confidence: &Confidence) -> Proposal {
    let why = match confidence.record() {
        Some(record) => format!("{}; {record}", step.why),
        None => step.why.to_owned(),
    };
    Proposal { action: step.action, risk: step.risk, confidence: confidence.value(), why }
}

/// A person can always be called, so there is no doubt about it; where that stands says how much else there is to hope for.
fn person(issue: IssueType, hopeful: &[(Confidence, &Step)]) -> Proposal {
    let why = match hopeful {
        _ if issue == IssueType::Unknown => "nobody here knows this issue",
        [] => "what can be tried hardly helps, or is not allowed",
        _ => "if nothing above helps",
    };
    Proposal { action: Action::Escalate, risk: Risk::Safe, confidence: 1.0, why: why.into() }
}

#[cfg(test)]
mod tests;
