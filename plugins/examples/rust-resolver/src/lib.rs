//! An example of a resolver: try the gentle thing first, and learn from what did not help.
//!
//! For a run that hangs or crashed it proposes a restart; after restarts that did not help, another programme; after that, a person.
//!
//! Does: read the history in the request, and stay inside the limits.
//! Does not: act, wait, count or remember; how often something was tried stands in the request.
//! Invariant: what did not help `attempts` times in a row is not proposed again before it is forgotten.

use exstreamtv_plugin_sdk::{
    ProposeError, Resolver, Start, StartError, export_plugins,
    incident::{Action, IssueType, Outcome, Proposal, ProposeAnswer, ProposeRequest, Risk},
};
use serde::Deserialize;

export_plugins! {
    resolver {
        id: "example.stairs",
        name: "Stairs (example in Rust)",
        vendor: "EXStreamTV",
    } => |start| Ok(Box::new(Stairs::open(&start)?));
}

/// Climbs from step to step as long as nothing helps.
struct Stairs {
    config: Config,
}

/// What a person may set for this plugin.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// How often a step may fail before the next one is taken.
    attempts: usize,
    /// For how long a failure counts.
    memory_minutes: i64,
}

impl Default for Config {
    fn default() -> Self {
        Self { attempts: 2, memory_minutes: 60 }
    }
}

/// One thing to try, and what it costs.
struct Step {
    action: Action,
    risk: Risk,
    /// How likely it helps when it was not tried yet.
    confidence: f64,
    why: &'static str,
}

const STEPS: [Step; 2] = [
    Step { action: Action::Restart, risk: Risk::Low, confidence: 0.9, why: "a fresh process mostly plays on" },
    Step {
        action: Action::Fallback,
        risk: Risk::Medium,
        confidence: 0.7,
        why: "the programme itself may be the cause, so play another one",
    },
];

impl Stairs {
    fn open(start: &Start) -> Result<Self, StartError> {
        let config: Config = start.config()?;
        if config.attempts == 0 {
            return Err(StartError::BadConfig { reason: "attempts must be at least 1".into() });
        }
        Ok(Self { config })
    }

    /// Returns how often an action was tried in vain since it last helped, as far as we remember.
    fn failures(&self, request: &ProposeRequest, action: Action) -> usize {
        let memory_ms = self.config.memory_minutes.saturating_mul(60_000);
        let remembered = |outcome: &&Outcome| request.now_ms.saturating_sub(outcome.at_ms) <= memory_ms;
        let same = |outcome: &&Outcome| outcome.issue == request.incident.issue && outcome.action == action;
        let newest_first = request.history.iter().rev().filter(same).filter(remembered);
        newest_first.take_while(|outcome| !outcome.helped).count()
    }

    /// Returns the step as a proposal, unless it is forbidden or has failed too often.
    fn proposal(&self, request: &ProposeRequest, step: &Step) -> Option<Proposal> {
        let limits = &request.limits;
        let allowed = limits.actions.contains(&step.action) && step.risk <= limits.max_risk;
        let failures = self.failures(request, step.action);
        if !allowed || failures >= self.config.attempts {
            return None;
        }
        let why = match failures {
            0 => step.why.to_owned(),
            failures => format!("{}; {failures} of {} attempts did not help", step.why, self.config.attempts),
        };
        // Every attempt in vain halves the hope.
        let confidence = failures.min(60).try_into().map_or(0.0, |halves| step.confidence * 0.5_f64.powi(halves));
        Some(Proposal { action: step.action, risk: step.risk, confidence, why })
    }
}

impl Resolver for Stairs {
    fn propose(&self, request: &ProposeRequest) -> Result<ProposeAnswer, ProposeError> {
        let max = usize::try_from(request.limits.max_proposals).unwrap_or(usize::MAX);
        if !matches!(request.incident.issue, IssueType::FfmpegHang | IssueType::FfmpegCrash) {
            let notes = vec!["this resolver knows runs that hang or crash, nothing else".to_owned()];
            return Ok(ProposeAnswer { proposals: Vec::new(), notes });
        }
        let steps = STEPS.iter().filter_map(|step| self.proposal(request, step));
        let person = Proposal {
            action: Action::Escalate,
            risk: Risk::Safe,
            confidence: 1.0,
            why: "what can be tried was tried, or is not allowed".into(),
        };
        let proposals = steps.chain([person]).take(max).collect();
        Ok(ProposeAnswer { proposals, notes: Vec::new() })
    }
}

#[cfg(test)]
mod tests;
