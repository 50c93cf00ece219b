//! @TITLE@: a resolver for EXStreamTV. As it stands it proposes a restart where one may be done, and else calls a person.
//!
//! The same request gives the same answer. A resolver proposes; the host decides, acts, and takes it back if it did not help.

use exstreamtv_plugin_sdk::{
    ProposeError, Resolver, export_plugins,
    incident::{Action, Proposal, ProposeAnswer, ProposeRequest, Risk},
};

export_plugins! {
    resolver { id: "@ID@", name: "@TITLE@", vendor: "@VENDOR@" } => |_start| Ok(Box::new(Strategy));
}

struct Strategy;

impl Resolver for Strategy {
    fn propose(&self, request: &ProposeRequest) -> Result<ProposeAnswer, ProposeError> {
        let limits = &request.limits;
        let allowed = limits.actions.contains(&Action::Restart) && limits.max_risk >= Risk::Low && limits.max_proposals > 0;
        if !allowed {
            // No proposal calls a person.
            let notes = vec!["a restart is not on offer, so a person should look".into()];
            return Ok(ProposeAnswer { proposals: Vec::new(), notes });
        }
        let why = "a restart often helps".into();
        let restart = Proposal { action: Action::Restart, risk: Risk::Low, confidence: 0.5, why };
        Ok(ProposeAnswer { proposals: vec![restart], notes: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use exstreamtv_plugin_sdk::incident::{Incident, IssueType, Limits, Severity};

    use super::*;

    fn request(actions: Vec<Action>, max_risk: Risk) -> ProposeRequest {
        ProposeRequest {
            incident: Incident {
                id: "1".into(),
                issue: IssueType::FfmpegHang,
                severity: Severity::High,
                channel: None,
                at_ms: 0,
                evidence: Vec::new(),
            },
            limits: Limits { actions, max_risk, max_proposals: 3 },
            history: Vec::new(),
            now_ms: 0,
        }
    }

    #[test]
    fn a_restart_is_proposed_where_it_may_be_done() {
        let allowed = request(vec![Action::Restart], Risk::Medium);
        let answer = Strategy.propose(&allowed).unwrap();
        answer.check(&allowed).unwrap();
        assert_eq!(answer.proposals[0].action, Action::Restart);
        assert!(Strategy.propose(&request(vec![Action::Refresh], Risk::Medium)).unwrap().proposals.is_empty());
        assert!(Strategy.propose(&request(vec![Action::Restart], Risk::Safe)).unwrap().proposals.is_empty());
    }
}
