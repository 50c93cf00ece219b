//! Questions to resolvers.

use exstreamtv_model::incident::{
    Action, Evidence, Incident, IssueType, Limits, Outcome, ProposeRequest, Risk, Severity,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Occasion;

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
const RISKS: [Risk; 4] = [Risk::Safe, Risk::Low, Risk::Medium, Risk::High];
const SEVERITIES: [Severity; 4] = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
/// 2026-03-04 12:00 UTC.
const NOW_MS: i64 = 1_772_625_600_000;

pub(super) fn propose(occasion: Occasion) -> ProposeRequest {
    match occasion {
        Occasion::Ordinary | Occasion::LeapDay => from(&mut ChaCha8Rng::seed_from_u64(1), 5, ordinary_limits()),
        Occasion::Large => from(&mut ChaCha8Rng::seed_from_u64(2), 10_000, ordinary_limits()),
        Occasion::Random(seed) => {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let limits = limits(&mut rng);
            let lines = rng.random_range(0..20);
            from(&mut rng, lines, limits)
        }
    }
}

fn from(rng: &mut ChaCha8Rng, lines: i64, limits: Limits) -> ProposeRequest {
    let at_ms = NOW_MS - rng.random_range(0..600_000);
    let outcome = |n| Outcome {
        issue: one_of(&ISSUES, rng),
        action: one_of(&ACTIONS, rng),
        at_ms: at_ms - 3_600_000 + n * 1_000,
        helped: rng.random(),
    };
    let history = (0..lines.min(50)).map(outcome).collect();
    let incident = Incident {
        id: "incident-1".into(),
        issue: one_of(&ISSUES, rng),
        severity: one_of(&SEVERITIES, rng),
        channel: rng.random_bool(0.8).then(|| "5.1".into()),
        at_ms,
        evidence: (0..lines).map(|n| evidence(at_ms - (lines - n) * 100)).collect(),
    };
    ProposeRequest { incident, limits, history, now_ms: NOW_MS }
}

fn evidence(at_ms: i64) -> Evidence {
    let texts =
        ["403 Forbidden", "Cannot allocate memory", "No space left on device", "read timed out", "π \"quoted\"\n"];
    let text = texts[usize::try_from(at_ms.rem_euclid(5)).unwrap_or(0)].into();
    Evidence { at_ms, source: "ffmpeg".into(), text }
}

fn ordinary_limits() -> Limits {
    Limits {
        actions: vec![Action::Restart, Action::Refresh, Action::Fallback],
        max_risk: Risk::Medium,
        max_proposals: 3,
    }
}

fn limits(rng: &mut ChaCha8Rng) -> Limits {
    let actions = ACTIONS.into_iter().filter(|_| rng.random_bool(0.4)).collect();
    Limits { actions, max_risk: one_of(&RISKS, rng), max_proposals: rng.random_range(0..5) }
}

fn one_of<T: Copy>(choices: &[T], rng: &mut ChaCha8Rng) -> T {
    choices[rng.random_range(0..choices.len())]
}
