//! The specification's table row by row, what is learnt, and what holds for any question.

use exstreamtv_plugin_sdk::{
    incident::{Incident, Outcome, Severity},
    kit,
};
use proptest::{collection::vec, prelude::*, sample::select, sample::subsequence};

use super::*;

const NOW_MS: i64 = 1_800_000_000_000;
const MINUTE_MS: i64 = 60_000;

const ISSUES: [IssueType; 8] = [
    IssueType::FfmpegHang,
    IssueType::FfmpegCrash,
    IssueType::UrlExpired,
    IssueType::DbPoolExhausted,
    IssueType::AuthFailed,
    IssueType::MemoryPressure,
    IssueType::SourceUnavailable,
    IssueType::Unknown,
];
const ACTIONS: [Action; 6] =
    [Action::Restart, Action::Refresh, Action::Expand, Action::Fallback, Action::Reduce, Action::Escalate];

fn request(issue: IssueType, history: Vec<Outcome>) -> ProposeRequest {
    let (severity, channel, evidence) = (Severity::High, Some("5".into()), vec![]);
    let incident = Incident { id: "1".into(), issue, severity, channel, at_ms: NOW_MS, evidence };
    let limits = Limits { actions: ACTIONS.to_vec(), max_risk: Risk::High, max_proposals: 10 };
    ProposeRequest { incident, limits, history, now_ms: NOW_MS }
}

fn tried(issue: IssueType, action: Action, minutes_ago: i64, helped: bool) -> Outcome {
    Outcome { issue, action, at_ms: NOW_MS - minutes_ago * MINUTE_MS, helped }
}

/// Attempts one minute apart, the newest a minute ago.
fn in_vain(issue: IssueType, action: Action, times: i64) -> Vec<Outcome> {
    (1..=times).rev().map(|ago| tried(issue, action, ago, false)).collect()
}

fn ask(request: &ProposeRequest) -> ProposeAnswer {
    kit::propose(&Recovery, request).unwrap()
}

fn actions(request: &ProposeRequest) -> Vec<Action> {
    ask(request).proposals.iter().map(|proposal| proposal.action).collect()
}

fn confidence_of(request: &ProposeRequest, action: Action) -> f64 {
    let answer = ask(request);
    answer.proposals.iter().find(|proposal| proposal.action == action).unwrap().confidence
}

/// Checks a row of the specification's table, and which alternatives stand between the primary strategy and a person.
fn assert_row(issue: IssueType, primary: (Action, Risk, f64), alternatives: &[Action]) {
    let request = request(issue, vec![]);
    let first = ask(&request).proposals.remove(0);
    assert_eq!((first.action, first.risk, first.confidence), primary, "{issue:?}");
    let mut expected = vec![primary.0];
    expected.extend(alternatives);
    expected.push(Action::Escalate);
    assert_eq!(actions(&request), expected, "{issue:?}");
}

#[test]
fn a_hang_is_met_with_a_restart_then_with_another_programme() {
    assert_row(IssueType::FfmpegHang, (Action::Restart, Risk::Medium, 0.90), &[Action::Fallback]);
}

#[test]
fn a_crash_is_met_with_a_restart_then_with_another_programme() {
    assert_row(IssueType::FfmpegCrash, (Action::Restart, Risk::Medium, 0.85), &[Action::Fallback]);
}

#[test]
fn an_expired_address_is_fetched_again() {
    assert_row(IssueType::UrlExpired, (Action::Refresh, Risk::Safe, 0.95), &[Action::Fallback]);
}

#[test]
fn an_exhausted_pool_gets_more_connections_before_there_is_less_work() {
    assert_row(IssueType::DbPoolExhausted, (Action::Expand, Risk::Low, 0.80), &[Action::Reduce]);
}

#[test]
fn a_refused_token_is_fetched_again() {
    assert_row(IssueType::AuthFailed, (Action::Refresh, Risk::Safe, 0.90), &[Action::Fallback]);
}

#[test]
fn short_memory_is_met_with_less_work_before_a_restart() {
    assert_row(IssueType::MemoryPressure, (Action::Reduce, Risk::Medium, 0.70), &[Action::Restart]);
}

#[test]
fn a_source_that_is_gone_is_replaced_before_it_is_asked_again() {
    assert_row(IssueType::SourceUnavailable, (Action::Fallback, Risk::Safe, 0.95), &[Action::Refresh]);
}

#[test]
fn what_nobody_knows_goes_to_a_person() {
    assert_eq!(actions(&request(IssueType::Unknown, vec![])), [Action::Escalate]);
}

#[test]
fn confidence_is_the_mean_of_what_the_table_says_and_what_was_seen() {
    let issue = IssueType::FfmpegHang;
    let after = |history| confidence_of(&request(issue, history), Action::Restart);
    let now = |helped| tried(issue, Action::Restart, 0, helped);
    // 3 x 0.9 = 2.7 of 3.
    assert_eq!(after(vec![now(false)]), 0.675, "2.7 of 4");
    assert_eq!(after(vec![now(true)]), 0.925, "3.7 of 4");
    assert_eq!(after(vec![now(false), now(true)]), 0.755, "3.7 of 4.9, where 0.9 failed");
    assert_eq!(after(vec![now(true), now(false)]), 0.735, "3.6 of 4.9: the newest counts most");
    let six_hours_ago = tried(issue, Action::Restart, 360, false);
    assert_eq!(after(vec![six_hours_ago]), 0.771, "2.7 of 3.5");
}

#[test]
fn each_primary_strategy_stays_first_after_one_failure_and_not_after_three() {
    for issue in ISSUES.into_iter().filter(|issue| *issue != IssueType::Unknown) {
        let primary = actions(&request(issue, vec![]))[0];
        assert_eq!(actions(&request(issue, in_vain(issue, primary, 1)))[0], primary, "{issue:?}");
        assert_ne!(actions(&request(issue, in_vain(issue, primary, 3)))[0], primary, "{issue:?}");
    }
}

#[test]
fn a_person_is_called_first_when_everything_was_tried_in_vain() {
    let issue = IssueType::FfmpegCrash;
    let history = [in_vain(issue, Action::Restart, 12), in_vain(issue, Action::Fallback, 12)].concat();
    let answer = ask(&request(issue, history.clone()));
    assert_eq!(answer.proposals[0].action, Action::Escalate);
    assert!(answer.proposals[1].why.contains("helped 0 of 12 times"), "{answer:?}");
    let next_day = ProposeRequest { now_ms: NOW_MS + 24 * 60 * MINUTE_MS, ..request(issue, history) };
    assert_eq!(actions(&next_day), [Action::Restart, Action::Fallback, Action::Escalate], "nothing is locked for ever");
}

#[test]
fn what_helps_against_one_issue_says_nothing_about_another() {
    let history = in_vain(IssueType::FfmpegCrash, Action::Restart, 9);
    assert_eq!(confidence_of(&request(IssueType::FfmpegHang, history), Action::Restart), 0.9);
}

#[test]
fn what_is_not_allowed_is_left_out_and_said() {
    let mut careful = request(IssueType::FfmpegHang, vec![]);
    careful.limits.max_risk = Risk::Low;
    assert_eq!(actions(&careful), [Action::Fallback, Action::Escalate]);
    assert!(ask(&careful).notes[0].contains("its risk is Medium"), "{:?}", ask(&careful).notes);
    careful.limits.actions = vec![Action::Restart];
    assert_eq!(actions(&careful), [Action::Escalate]);
    assert_eq!(ask(&careful).notes.len(), 2);
    careful.limits.max_proposals = 0;
    assert_eq!(actions(&careful), []);
}

fn issue() -> impl Strategy<Value = IssueType> {
    select(ISSUES.to_vec())
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let at_ms = prop_oneof![NOW_MS - 100_000_000..NOW_MS + 100_000, any::<i64>()];
    (issue(), select(ACTIONS.to_vec()), at_ms, any::<bool>()).prop_map(|(issue, action, at_ms, helped)| Outcome {
        issue,
        action,
        at_ms,
        helped,
    })
}

prop_compose! {
    fn any_request()(
        issue in issue(),
        history in vec(outcome(), 0..60),
        actions in subsequence(ACTIONS.to_vec(), 0..=6),
        max_risk in select(vec![Risk::Safe, Risk::Low, Risk::Medium, Risk::High]),
        max_proposals in 0_u32..6,
        now_ms in prop_oneof![Just(NOW_MS), any::<i64>()],
    ) -> ProposeRequest {
        let limits = Limits { actions, max_risk, max_proposals };
        ProposeRequest { limits, now_ms, ..request(issue, history) }
    }
}

proptest! {
    #[test]
    fn any_answer_passes_the_check_and_names_each_action_once(request in any_request()) {
        let answer = ask(&request);
        let mut seen: Vec<_> = answer.proposals.iter().map(|proposal| proposal.action).collect();
        seen.sort();
        seen.dedup();
        prop_assert_eq!(seen.len(), answer.proposals.len());
        prop_assert!(answer.proposals.iter().all(|proposal| !proposal.why.is_empty()));
        if answer.proposals.len() < request.limits.max_proposals as usize {
            prop_assert!(seen.contains(&Action::Escalate));
        }
        let tried: Vec<_> = answer.proposals.iter().filter(|proposal| proposal.action != Action::Escalate).collect();
        prop_assert!(tried.is_sorted_by(|a, b| a.confidence >= b.confidence));
    }

    #[test]
    fn one_more_failure_never_raises_a_confidence_and_one_more_success_never_lowers_it(
        issue in select(ISSUES[..7].to_vec()),
        mut ages in vec(0_i64..2_000, 0..40),
        helped in vec(any::<bool>(), 40),
    ) {
        ages.sort_by_key(|age| Reverse(*age));
        let action = actions(&request(issue, vec![]))[0];
        let mut history: Vec<_> = ages.iter().zip(helped).map(|(age, helped)| tried(issue, action, *age, helped)).collect();
        let before = confidence_of(&request(issue, history.clone()), action);
        history.push(tried(issue, action, 0, false));
        prop_assert!(confidence_of(&request(issue, history.clone()), action) <= before);
        history.pop();
        history.push(tried(issue, action, 0, true));
        prop_assert!(confidence_of(&request(issue, history), action) >= before);
    }
}
