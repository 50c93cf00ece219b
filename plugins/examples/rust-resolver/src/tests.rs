//! The stairs, asked through the library's exported functions, as the host asks.

use std::{fs, path::Path};

use exstreamtv_plugin_sdk::{
    Status,
    incident::{Action, Outcome, ProposeAnswer, ProposeRequest, Risk},
    kit::{Plugins, TestHost},
    serde_json::{self, Value, json},
};

use super::{IssueType, exported_plugins};

const MINUTE_MS: i64 = 60_000;
const NOW_MS: i64 = 1_800_000_000_000;

fn request(issue: &str, history: Vec<Outcome>) -> ProposeRequest {
    let request = json!({
        "incident": { "id": "1", "issue": issue, "severity": "HIGH", "channel": "5", "at_ms": NOW_MS },
        "limits": { "actions": ["RESTART", "FALLBACK"], "max_risk": "MEDIUM", "max_proposals": 5 },
        "now_ms": NOW_MS,
    });
    ProposeRequest { history, ..serde_json::from_value(request).unwrap() }
}

fn tried(action: Action, minutes_ago: i64, helped: bool) -> Outcome {
    Outcome { issue: IssueType::FfmpegHang, action, at_ms: NOW_MS - minutes_ago * MINUTE_MS, helped }
}

fn propose_with(config: &Value, request: &ProposeRequest) -> ProposeAnswer {
    let plugins = Plugins::of(exported_plugins());
    let config = config.to_string();
    let mut stairs = plugins.create("example.stairs", config.as_bytes(), TestHost::default()).unwrap();
    let answer = stairs.ask("propose", &serde_json::to_value(request).unwrap()).unwrap();
    let answer: ProposeAnswer = serde_json::from_value(answer).unwrap();
    answer.check(request).unwrap();
    answer
}

fn propose(request: &ProposeRequest) -> Vec<Action> {
    propose_with(&Value::Null, request).proposals.iter().map(|proposal| proposal.action).collect()
}

#[test]
fn a_run_that_hangs_is_restarted_first() {
    assert_eq!(propose(&request("FFMPEG_HANG", vec![])), [Action::Restart, Action::Fallback, Action::Escalate]);
}

#[test]
fn what_did_not_help_twice_is_not_proposed_again() {
    let once = vec![tried(Action::Restart, 5, false)];
    let hope = |history| propose_with(&Value::Null, &request("FFMPEG_HANG", history)).proposals[0].confidence;
    assert_eq!((hope(vec![]), hope(once.clone())), (0.9, 0.45));
    let twice = [once, vec![tried(Action::Restart, 4, false)]].concat();
    assert_eq!(propose(&request("FFMPEG_HANG", twice.clone())), [Action::Fallback, Action::Escalate]);
    let all = [twice, vec![tried(Action::Fallback, 3, false); 2]].concat();
    assert_eq!(propose(&request("FFMPEG_HANG", all)), [Action::Escalate]);
}

#[test]
fn failures_before_a_success_or_long_ago_do_not_count() {
    let helped_since =
        vec![tried(Action::Restart, 9, false), tried(Action::Restart, 8, false), tried(Action::Restart, 7, true)];
    assert_eq!(propose(&request("FFMPEG_HANG", helped_since))[0], Action::Restart);
    let long_ago = vec![tried(Action::Restart, 61, false); 5];
    assert_eq!(propose(&request("FFMPEG_HANG", long_ago))[0], Action::Restart);
    let of_another_kind = vec![tried(Action::Restart, 1, false); 5];
    assert_eq!(propose(&request("FFMPEG_CRASH", of_another_kind))[0], Action::Restart);
}

#[test]
fn nothing_beyond_the_limits_is_proposed() {
    let mut careful = request("FFMPEG_HANG", vec![]);
    careful.limits.max_risk = Risk::Low;
    assert_eq!(propose(&careful), [Action::Restart, Action::Escalate]);
    careful.limits.actions = vec![Action::Fallback];
    assert_eq!(propose(&careful), [Action::Escalate]);
    careful.limits.max_proposals = 0;
    assert_eq!(propose(&careful), []);
}

#[test]
fn other_incidents_are_left_to_others() {
    for issue in ["DB_POOL_EXHAUSTED", "SOLAR_FLARE"] {
        let answer = propose_with(&Value::Null, &request(issue, vec![]));
        assert!(answer.proposals.is_empty());
        assert_eq!(answer.notes.len(), 1);
    }
}

#[test]
fn its_configuration_is_read_and_checked() {
    let once = request("FFMPEG_HANG", vec![tried(Action::Restart, 5, false)]);
    let impatient = json!({ "attempts": 1 });
    assert_eq!(propose_with(&impatient, &once).proposals[0].action, Action::Fallback);
    for wrong in [r#"{"attempts":0}"#, r#"{"attempt":3}"#, "["] {
        let refusal = Plugins::of(exported_plugins()).create("example.stairs", wrong.as_bytes(), TestHost::default());
        assert_eq!(refusal.unwrap_err().status, Status::BAD_INPUT, "{wrong}");
    }
}

#[test]
fn the_sidecar_says_what_the_library_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("example_resolver.plugin.toml");
    let said = Plugins::of(exported_plugins()).sidecar();
    if std::env::var_os("EXSTREAMTV_UPDATE").is_some() {
        fs::write(&path, &said).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), said, "EXSTREAMTV_UPDATE=1 writes it anew");
}
