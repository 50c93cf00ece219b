//! The kit names what is broken, and lets pass what is not.

use std::sync::atomic::{AtomicI64, Ordering};

use exstreamtv_model::{
    EntryKind, MediaId, MediaKind,
    incident::{Action, Proposal, Risk},
    schedule::{MAIN_POOL, Pool, PoolItem},
};
use serde_json::json;

use super::*;

/// Shows the slate in pieces of this length; a negative one makes pieces that differ from call to call.
struct Slates(i64, AtomicI64);

impl Scheduler for Slates {
    fn plan(&self, request: &PlanRequest) -> Result<PlanAnswer, PlanError> {
        let calls = self.1.fetch_add(1, Ordering::Relaxed);
        let length_ms = if self.0 < 0 { 1_000 + calls } else { self.0 };
        let start_ms = request.window.start_ms;
        let entry = PlanEntry {
            item: None,
            start_ms,
            stop_ms: start_ms + length_ms,
            in_point_ms: 0,
            kind: EntryKind::Slate,
            rule: String::new(),
            why: String::new(),
        };
        Ok(PlanAnswer { entries: vec![entry], state: serde_json::Value::Null, notes: Vec::new() })
    }
}

fn fill(length_ms: i64) -> Result<Vec<PlanEntry>, KitFault> {
    let request = PlanRequest {
        channel: String::new(),
        zone: "UTC".into(),
        window: Window { start_ms: 0, stop_ms: 1_000 },
        settings: serde_json::Value::Null,
        pools: Vec::new(),
        state: None,
        seed: 0,
        aired: Vec::new(),
    };
    plan_in_windows(&Slates(length_ms, AtomicI64::new(0)), &request, 100)
}

#[test]
fn a_window_is_filled_in_steps_and_never_for_ever() {
    assert_eq!(fill(100).unwrap().len(), 10);
    assert_eq!(fill(5_000).unwrap().len(), 1);
}

#[test]
fn a_broken_promise_is_named() {
    assert!(matches!(fill(99), Err(KitFault::Answer { source: AnswerFault::TooShort { .. }, .. })));
    assert!(matches!(fill(0), Err(KitFault::Answer { source: AnswerFault::NoLength { .. }, .. })));
    assert!(matches!(fill(-1), Err(KitFault::Fickle { .. })));
}

/// Plays its pool in order; its state is its place. Without `folds` it does not look at what was aired.
struct Rota {
    folds: bool,
}

impl Scheduler for Rota {
    fn plan(&self, request: &PlanRequest) -> Result<PlanAnswer, PlanError> {
        let pool = request.pool(MAIN_POOL);
        let place = request.state.as_ref().and_then(serde_json::Value::as_u64).unwrap_or(0) as usize;
        let mut place = if self.folds { place + request.aired.len() } else { place };
        let mut at_ms = request.window.start_ms;
        let mut entries = Vec::new();
        while at_ms < request.window.stop_ms {
            let item = pool.get(place % pool.len().max(1)).ok_or(PlanError::EmptyPool)?;
            let (start_ms, stop_ms) = (at_ms, at_ms + item.duration_ms);
            let (rule, why) = (String::new(), String::new());
            let kind = EntryKind::Programme;
            entries.push(PlanEntry { item: Some(item.id), start_ms, stop_ms, in_point_ms: 0, kind, rule, why });
            (at_ms, place) = (stop_ms, place + 1);
        }
        Ok(PlanAnswer { entries, state: place.into(), notes: Vec::new() })
    }
}

fn five_items() -> PlanRequest {
    let item = |id| PoolItem {
        id: MediaId(id),
        duration_ms: 100 * id,
        kind: MediaKind::Clip,
        title: String::new(),
        show: None,
        season: None,
        episode: None,
        position: None,
        chapters_ms: Vec::new(),
    };
    PlanRequest {
        channel: String::new(),
        zone: "UTC".into(),
        window: Window { start_ms: 0, stop_ms: 2_000 },
        settings: serde_json::Value::Null,
        pools: vec![Pool::whole(MAIN_POOL, (1..=5).map(item).collect())],
        state: None,
        seed: 0,
        aired: Vec::new(),
    }
}

#[test]
fn an_edit_that_moves_nothing_passes_for_every_cut() {
    for kept in 0..10 {
        let entries = plan_after_edit(&Rota { folds: true }, &five_items(), kept).unwrap();
        assert_eq!(entries.len(), 8);
    }
}

#[test]
fn a_scheduler_that_forgets_what_was_aired_is_found_out() {
    let fault = plan_after_edit(&Rota { folds: false }, &five_items(), 2).unwrap_err();
    assert_eq!(fault, KitFault::Misplaced { cut_ms: 300 });
}

/// Picks what it was made with.
struct Fixed(Option<exstreamtv_model::pick::StreamRef>);

impl Picker for Fixed {
    fn pick_audio(&self, _: &AudioRequest) -> Result<AudioAnswer, PickError> {
        Ok(AudioAnswer { chosen: self.0, why: String::new(), ranked: Vec::new(), downmix: None })
    }
}

#[test]
fn a_choice_is_checked_as_the_host_checks_it() {
    let request = serde_json::from_value(json!({ "streams": [], "output_channels": 2 })).unwrap();
    assert!(pick_audio(&Fixed(None), &request).is_ok());
    let other = exstreamtv_model::pick::StreamRef { absolute: 1, relative: 0 };
    assert_eq!(pick_audio(&Fixed(Some(other)), &request), Err(KitFault::Choice { source: PickFault::NotOffered }));
    let request = serde_json::from_value(json!({ "streams": [] })).unwrap();
    assert!(matches!(pick_subtitle(&Fixed(None), &request), Err(KitFault::Pick { .. })));
}

/// Proposes a restart with a confidence that may change from call to call.
struct Moody(AtomicI64);

impl Resolver for Moody {
    fn propose(&self, _: &ProposeRequest) -> Result<ProposeAnswer, ProposeError> {
        let confidence = 1.0 / (1 + self.0.fetch_add(1, Ordering::Relaxed)) as f64;
        let proposal = Proposal { action: Action::Restart, risk: Risk::Low, confidence, why: String::new() };
        Ok(ProposeAnswer { proposals: vec![proposal], notes: Vec::new() })
    }
}

#[test]
fn proposals_are_checked_as_the_host_checks_them() {
    let request = |actions| {
        let incident = json!({ "id": "1", "issue": "FFMPEG_HANG", "severity": "HIGH", "at_ms": 0 });
        let limits = json!({ "actions": actions, "max_risk": "LOW", "max_proposals": 1 });
        serde_json::from_value(json!({ "incident": incident, "limits": limits, "now_ms": 0 })).unwrap()
    };
    let ask = |request| propose(&Moody(AtomicI64::new(0)), &request);
    assert_eq!(ask(request(json!(["RESTART"]))), Err(KitFault::FickleChoice));
    let not_offered = KitFault::Proposal { source: ProposalFault::NotOffered { index: 0 } };
    assert_eq!(ask(request(json!([]))), Err(not_offered));
}
