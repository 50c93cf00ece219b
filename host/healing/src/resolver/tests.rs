//! The resolver, step by step.

use exstreamtv_model::{
    ChannelId,
    incident::{Action, IssueType, Proposal, Risk, Severity},
};

use super::*;
use limits::{APPROVAL_MS, COOL_DOWN_MS};

const CHANNEL: ChannelId = ChannelId(7);

pub(super) fn issue(key: IssueKey, available: &[Deed], since_ms: i64) -> Issue {
    Issue {
        key,
        severity: Severity::High,
        context: "ffmpeg_hung".into(),
        since_ms,
        evidence: vec![],
        available: available.to_vec(),
        on_air: false,
        channels: 1,
    }
}

pub(super) fn proposal(action: Action, risk: Risk, confidence: f64) -> Proposal {
    Proposal { action, risk, confidence, why: "because".into() }
}

fn hang() -> IssueKey {
    IssueKey { issue: IssueType::FfmpegHang, channel: Some(CHANNEL) }
}

fn proposals() -> Vec<Proposal> {
    vec![
        proposal(Action::Restart, Risk::Medium, 0.9),
        proposal(Action::Fallback, Risk::Safe, 0.6),
        proposal(Action::Escalate, Risk::Safe, 1.0),
    ]
}

/// A resolver with one hanging channel for which restart and filler are proposed.
struct Scene {
    resolver: Resolver,
    now_ms: i64,
    pressure: Pressure,
    key: IssueKey,
    available: Vec<Deed>,
}

impl Scene {
    fn new(settings: Settings) -> Self {
        let available = vec![Deed::RestartRun, Deed::PlayFiller];
        let resolver = Resolver::new(settings, Memory::default());
        Self { resolver, now_ms: 1_000_000, pressure: Pressure::default(), key: hang(), available }
    }

    /// Lets the issue be there for a second more, answers what is asked of a plugin, and returns all other effects.
    fn second(&mut self) -> Vec<Effect> {
        self.now_ms += 1_000;
        self.resolver.see(vec![issue(self.key, &self.available, 1_000_000)], self.now_ms);
        let effects = self.resolver.advance(self.now_ms, &self.pressure);
        let asked = effects.iter().any(|effect| matches!(effect, Effect::Ask(_)));
        if asked {
            self.resolver.proposed(self.key, proposals());
        }
        effects.into_iter().filter(|effect| !matches!(effect, Effect::Ask(_))).collect()
    }

    /// Goes on until something is to be checked, and returns what is tried.
    fn next_attempt(&mut self, patience_s: u32) -> Option<(AttemptId, Deed)> {
        (0..patience_s).find_map(|_| {
            let id = self.second().iter().find_map(|effect| match effect {
                Effect::Check(id, ..) => Some(*id),
                _ => None,
            })?;
            Some((id, self.resolver.running[&id].so_far.deed))
        })
    }

    fn answer(&mut self, id: AttemptId, phase: Phase, ok: bool) -> Vec<Effect> {
        let answer = if ok { Ok("it does".to_owned()) } else { Err("it does not".to_owned()) };
        self.resolver.answer(id, phase, answer, self.now_ms);
        std::mem::take(&mut self.resolver.effects)
    }

    /// Walks an attempt through every step up to its probe.
    fn walk(&mut self, id: AttemptId, heals: bool) -> Vec<Effect> {
        let covers = self.resolver.running[&id].covers;
        let mut all = self.answer(id, Phase::Checking, true);
        if covers {
            all.extend(self.answer(id, Phase::Covering, true));
        }
        all.extend(self.answer(id, Phase::Acting, true));
        all.extend(self.answer(id, Phase::Probing, heals));
        if self.resolver.running.contains_key(&id) {
            all.extend(self.answer(id, Phase::Undoing, true));
        }
        all
    }

    fn calls(&mut self, seconds: u32) -> usize {
        let is_call = |effect: &Effect| matches!(effect, Effect::Resolved(told) if told.outcome == Outcome::Called);
        (0..seconds).map(|_| self.second().iter().filter(|effect| is_call(effect)).count()).sum()
    }
}

fn outcome(effects: &[Effect]) -> Option<&Resolution> {
    effects.iter().find_map(|effect| match effect {
        Effect::Resolved(told) => Some(told),
        _ => None,
    })
}

#[test]
fn the_slate_comes_first_then_the_deed_then_the_probe_then_the_programme() {
    let mut scene = Scene::new(Settings::default());
    let (id, deed) = scene.next_attempt(5).expect("nothing is tried");
    assert_eq!(deed, Deed::RestartRun);
    let effects = scene.walk(id, true);
    assert!(matches!(
        effects.as_slice(),
        [
            Effect::Cover(_, CHANNEL),
            Effect::Perform(_, _, Deed::RestartRun),
            Effect::Probe(_, _, Condition::MediaFlows),
            Effect::Uncover(CHANNEL),
            Effect::Learnt(..),
            Effect::Resolved(_),
        ]
    ));
    let told = outcome(&effects).unwrap();
    assert_eq!((told.outcome, told.steps.len(), told.slate), (Outcome::Healed, 4, true));
}

#[test]
fn a_deed_whose_post_condition_fails_is_taken_back_and_the_next_one_is_tried() {
    let mut scene = Scene::new(Settings::default());
    scene.available = vec![Deed::PlayFiller, Deed::RestartRun];
    let (id, first) = scene.next_attempt(5).unwrap();
    assert_eq!(outcome(&scene.walk(id, false)).unwrap().outcome, Outcome::Failed);
    let (id, second) = scene.next_attempt(5).unwrap();
    assert_eq!((first, second), (Deed::RestartRun, Deed::PlayFiller));
    let effects = scene.walk(id, false);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Undo(_, _, Undo::BackToPlan))));
    assert_eq!(outcome(&effects).unwrap().outcome, Outcome::Failed);
    assert_eq!(scene.calls(30), 1, "a person is called once when nothing is left");
}

#[test]
fn what_answers_never_has_failed_when_its_time_is_over() {
    let mut scene = Scene::new(Settings::default());
    let (id, deed) = scene.next_attempt(5).unwrap();
    scene.answer(id, Phase::Checking, true);
    scene.answer(id, Phase::Covering, true);
    scene.now_ms += deed.limit_ms();
    let effects = scene.second();
    assert_eq!(outcome(&effects).map(|told| told.outcome), Some(Outcome::Failed));
    assert!(effects.contains(&Effect::Uncover(CHANNEL)), "the slate stays for ever");
    // Its late answer is nobody's.
    assert!(scene.answer(id, Phase::Acting, true).is_empty());
}

#[test]
fn nothing_is_done_and_nothing_is_learnt_where_the_precondition_does_not_hold() {
    let mut scene = Scene::new(Settings::default());
    let (id, _) = scene.next_attempt(5).unwrap();
    let effects = scene.answer(id, Phase::Checking, false);
    assert_eq!(outcome(&effects).unwrap().outcome, Outcome::Skipped);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Learnt(..) | Effect::Perform(..))));
}

#[test]
fn what_is_riskier_than_allowed_waits_for_a_person_at_every_level() {
    for allowed in RiskLevel::ALL {
        for risk in RiskLevel::ALL {
            let settings = Settings { require_approval_above_risk: allowed, ..Settings::default() };
            let mut scene = Scene::new(settings);
            scene.second();
            let candidate = Candidate { deed: Deed::RestartRun, risk, confidence: 0.9, why: String::new() };
            let obstacle = scene.resolver.obstacle(hang(), &candidate, scene.now_ms, &Pressure::default());
            assert_eq!(obstacle == Some(Hold::AwaitsApproval), risk > allowed, "{risk:?} where {allowed:?} is allowed");
        }
    }
}

#[test]
fn what_was_approved_is_done_once_and_what_was_rejected_never() {
    let settings = Settings { require_approval_above_risk: RiskLevel::Low, ..Settings::default() };
    let mut scene = Scene::new(settings);
    scene.available = vec![Deed::RestartRun];
    assert_eq!(scene.next_attempt(5), None);
    let asked: Vec<_> = scene.resolver.approvals().iter().cloned().collect();
    assert_eq!((asked.len(), asked[0].deed, asked[0].risk), (1, Deed::RestartRun, RiskLevel::Medium));
    assert_eq!(scene.resolver.cases()[0].held, Some(Hold::AwaitsApproval));
    scene.resolver.decide(asked[0].id, Verdict::Approve, "go", scene.now_ms).unwrap();
    let again = scene.resolver.decide(asked[0].id, Verdict::Reject, "", scene.now_ms);
    assert!(matches!(again, Err(DecideError::Over { state: ApprovalState::Approved, .. })));
    let (id, _) = scene.next_attempt(5).expect("what was approved is not done");
    let told = scene.walk(id, false);
    assert_eq!(outcome(&told).unwrap().approval, Some(asked[0].id));
    assert_eq!(scene.resolver.fixes(scene.now_ms), 0, "what was approved is no automatic fix");

    let mut scene = Scene::new(settings);
    scene.available = vec![Deed::RestartRun];
    scene.next_attempt(3);
    let id = scene.resolver.approvals().iter().next().unwrap().id;
    scene.resolver.decide(id, Verdict::Reject, "no", scene.now_ms).unwrap();
    assert_eq!(scene.next_attempt(60), None);
}

#[test]
fn a_question_that_nobody_answers_expires_after_a_day() {
    let settings = Settings { auto_resolve_enabled: false, ..Settings::default() };
    let mut scene = Scene::new(settings);
    scene.available = vec![Deed::RestartRun];
    scene.next_attempt(3);
    let id = scene.resolver.approvals().iter().next().unwrap().id;
    scene.now_ms += APPROVAL_MS;
    let late = scene.resolver.decide(id, Verdict::Approve, "", scene.now_ms);
    assert!(late.is_err(), "an answer after a day is taken");
    let is_expired =
        |effect: &Effect| matches!(effect, Effect::Keep(of) if of.id == id && of.state == ApprovalState::Expired);
    assert!(scene.second().iter().any(is_expired));
    assert_eq!(scene.next_attempt(30), None, "without a person nothing is done");
}

#[test]
fn what_waits_for_a_person_leaves_room_for_what_needs_none() {
    let settings = Settings { require_approval_above_risk: RiskLevel::Low, ..Settings::default() };
    let mut scene = Scene::new(settings);
    scene.key = IssueKey { issue: IssueType::DbPoolExhausted, channel: None };
    scene.available = vec![Deed::RestartRun, Deed::ExpandPool];
    scene.second();
    let expand = [proposal(Action::Restart, Risk::High, 0.9), proposal(Action::Expand, Risk::Low, 0.8)];
    scene.resolver.proposed(scene.key, expand.to_vec());
    let (_, deed) = scene.next_attempt(3).unwrap();
    assert_eq!(deed, Deed::ExpandPool);
    assert_eq!(scene.resolver.approvals().iter().count(), 1);
}

#[test]
fn nothing_is_done_under_pressure_but_to_give_what_is_missing_and_it_goes_on_afterwards() {
    let storms = [
        Pressure { restarts: 3, ..Pressure::default() },
        Pressure { pool: 0.9, ..Pressure::default() },
        Pressure { open_breakers: [CHANNEL].into(), ..Pressure::default() },
    ];
    for pressure in storms {
        let mut scene = Scene::new(Settings::default());
        scene.pressure = pressure.clone();
        assert_eq!(scene.next_attempt(120), None, "{pressure:?}");
        assert_eq!(scene.calls(600), 1, "nobody hears of it: {pressure:?}");
        scene.pressure = Pressure::default();
        assert!(scene.next_attempt(5).is_some(), "{pressure:?} holds for ever");
    }
    let mut scene = Scene::new(Settings::default());
    scene.pressure = Pressure { pool: 1.0, ..Pressure::default() };
    scene.key = IssueKey { issue: IssueType::DbPoolExhausted, channel: None };
    scene.available = vec![Deed::ExpandPool];
    scene.second();
    scene.resolver.proposed(scene.key, vec![proposal(Action::Expand, Risk::Low, 0.8)]);
    assert_eq!(scene.next_attempt(3).map(|(_, deed)| deed), Some(Deed::ExpandPool));
}

#[test]
fn what_one_channel_restarts_alone_is_no_storm_and_what_others_do_is() {
    let of = |own: u32, others: u32| Pressure {
        restarts: own + others,
        own_restarts: [(CHANNEL, own), (ChannelId(8), others)].into(),
        ..Pressure::default()
    };
    for (own, others, acts) in [(9, 0, true), (0, 3, false), (9, 2, false), (1, 0, true)] {
        let mut scene = Scene::new(Settings::default());
        scene.available = vec![Deed::PlayFiller];
        scene.pressure = of(own, others);
        assert_eq!(scene.next_attempt(10).is_some(), acts, "{own} of its own, {others} of others");
    }
}

#[test]
fn after_three_failures_it_is_left_alone_and_then_tried_again() {
    let mut scene = Scene::new(Settings::default());
    scene.available = vec![Deed::RestartRun, Deed::RestartWorker, Deed::PlayFiller, Deed::PlayNextItem];
    for _ in 0..3 {
        let (id, _) = scene.next_attempt(120).unwrap();
        scene.walk(id, false);
    }
    assert_eq!(scene.next_attempt(60), None);
    assert_eq!(scene.resolver.cases()[0].held, Some(Hold::CoolingDown));
    scene.now_ms += COOL_DOWN_MS.max(HOUR_MS);
    assert!(scene.next_attempt(10).is_some(), "it is left alone for ever");
}

#[test]
fn what_comes_back_at_once_was_not_healed() {
    let mut scene = Scene::new(Settings::default());
    let (id, _) = scene.next_attempt(5).unwrap();
    scene.walk(id, true);
    let trial = Trial { issue: IssueType::FfmpegHang, deed: Deed::RestartRun, context: "ffmpeg_hung".into() };
    let believed = scene.resolver.posteriors().mean(&trial, 0.9, scene.now_ms);
    let (_, deed) = scene.next_attempt(5).unwrap();
    assert_eq!(deed, Deed::PlayFiller, "the same again");
    assert!(scene.resolver.posteriors().mean(&trial, 0.9, scene.now_ms) < believed);
}

#[test]
fn a_deed_that_keeps_failing_is_abandoned_within_five_tries_for_the_one_that_works_and_that_outlives_a_restart() {
    let mut scene = Scene::new(Settings::default());
    let mut tries = 0;
    loop {
        // Each time it is a new incident, an hour after the last one.
        scene.now_ms += HOUR_MS + 1;
        scene.resolver.see(vec![], scene.now_ms);
        let (id, deed) = scene.next_attempt(5).unwrap();
        let works = deed == Deed::PlayFiller;
        scene.walk(id, works);
        if works {
            break;
        }
        tries += 1;
        let (id, deed) = scene.next_attempt(5).unwrap();
        assert_eq!(deed, Deed::PlayFiller);
        scene.walk(id, true);
        assert!(tries <= 5, "it is still tried first");
    }
    let kept = scene.resolver.posteriors().clone();
    let memory = Memory { posteriors: kept, ..Memory::default() };
    let mut after = Scene { resolver: Resolver::new(Settings::default(), memory), ..scene };
    assert_eq!(after.next_attempt(5).map(|(_, deed)| deed), Some(Deed::PlayFiller));
}

#[test]
fn with_a_hot_swap_a_picture_that_is_still_there_is_not_covered() {
    for (hot_swap_enabled, covers) in [(true, false), (false, true)] {
        let mut scene = Scene::new(Settings { hot_swap_enabled, ..Settings::default() });
        scene.second();
        let on_air = Issue { on_air: true, ..issue(hang(), &[Deed::RestartRun], 0) };
        scene.resolver.see(vec![on_air], scene.now_ms);
        assert_eq!(scene.resolver.covers(hang(), Deed::RestartRun), covers);
    }
    let mut scene = Scene::new(Settings { use_error_screen_fallback: false, ..Settings::default() });
    let (id, _) = scene.next_attempt(5).unwrap();
    assert!(!scene.walk(id, true).iter().any(|effect| matches!(effect, Effect::Cover(..))));
}

#[test]
fn the_hour_s_limit_holds_over_a_restart() {
    let settings = Settings { max_auto_fixes_per_hour: 1, ..Settings::default() };
    let mut scene = Scene::new(settings);
    let memory = Memory { fixes_ms: vec![scene.now_ms - 1_000], ..Memory::default() };
    scene.resolver = Resolver::new(settings, memory);
    assert_eq!(scene.next_attempt(60), None);
    assert_eq!(scene.resolver.cases()[0].held, Some(Hold::HourSpent));
    scene.now_ms += HOUR_MS;
    assert!(scene.next_attempt(5).is_some());
}

#[test]
fn without_learning_nothing_changes_and_disabled_nothing_happens() {
    let mut scene = Scene::new(Settings { learning_enabled: false, ..Settings::default() });
    let (id, _) = scene.next_attempt(5).unwrap();
    scene.walk(id, false);
    assert_eq!(scene.resolver.posteriors().iter().count(), 0);
    let mut scene = Scene::new(Settings { enabled: false, ..Settings::default() });
    assert!((0..60).all(|_| scene.second().is_empty()));
}
