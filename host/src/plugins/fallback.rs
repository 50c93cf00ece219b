//! The answers of the host itself, for when no plugin gives one.
//!
//! Does: plan one item after the other, pick the author's default sound, show no subtitles, propose the specification's strategy and a person.
//! Does not: know preferences or settings; it must work when everything else does not.
//! Invariant: each answer passes the check of its contract.

use std::collections::HashSet;

use exstreamtv_healing::resolver::posterior::primary;
use exstreamtv_model::{
    EntryKind,
    incident::{Action, Proposal, ProposeAnswer, ProposeRequest, Risk},
    pick::{
        AudioAnswer, AudioCandidate, AudioRequest, RankedAudio, RankedSubtitle, StreamRef, SubtitleAnswer,
        SubtitleRequest,
    },
    schedule::{MAIN_POOL, PlanAnswer, PlanEntry, PlanRequest, Pool, PoolItem},
};
use exstreamtv_plugin_sdk::Scheduler;
use exstreamtv_schedulers::Sequence;

/// What people read where the host itself chose.
const WHY: &str = "the built-in choice, because no plugin gave one";

/// Plans one item after the other from everything that was offered as a programme; the slate where there is nothing. `place` is the state of the
/// last such plan.
pub fn plan(request: &PlanRequest, place: Option<serde_json::Value>) -> PlanAnswer {
    let one_pool = PlanRequest {
        channel: request.channel.clone(),
        zone: request.zone.clone(),
        window: request.window,
        settings: serde_json::Value::Null,
        pools: vec![Pool::whole(MAIN_POOL, programmes(request))],
        state: place,
        seed: request.seed,
        aired: request.aired.clone(),
    };
    let answer = Sequence.plan(&one_pool).ok().filter(|answer| answer.check(&one_pool).is_ok());
    answer.unwrap_or_else(|| slate(request))
}

/// Every item once; those of pools that hold nothing but filler only where there is nothing else.
fn programmes(request: &PlanRequest) -> Vec<PoolItem> {
    let is_filler = |pool: &&Pool| pool.key.contains("filler");
    let mut seen = HashSet::new();
    let mut items = |filler: bool| -> Vec<PoolItem> {
        let pools = request.pools.iter().filter(|pool| is_filler(pool) == filler);
        let fresh = pools.flat_map(|pool| &pool.items).filter(|item| item.duration_ms > 0 && seen.insert(item.id));
        fresh.cloned().collect()
    };
    match items(false) {
        none if none.is_empty() => items(true),
        some => some,
    }
}

fn slate(request: &PlanRequest) -> PlanAnswer {
    let entry = PlanEntry {
        item: None,
        start_ms: request.window.start_ms,
        stop_ms: request.window.stop_ms,
        in_point_ms: 0,
        kind: EntryKind::Slate,
        rule: String::new(),
        why: "no strategy gave a plan".into(),
    };
    PlanAnswer { entries: vec![entry], state: serde_json::Value::Null, notes: vec![] }
}

/// Picks the author's default sound, never a commentary while there is anything else.
pub fn pick_audio(request: &AudioRequest) -> AudioAnswer {
    let mut order: Vec<&AudioCandidate> = request.streams.iter().collect();
    order.sort_by_key(|stream| rank(stream));
    let chosen = order.first().filter(|stream| !stream.codec.is_empty()).map(|stream| place(stream));
    let ranked = |stream: &AudioCandidate| RankedAudio {
        stream: place(stream),
        chosen: Some(place(stream)) == chosen,
        reason: WHY.into(),
    };
    AudioAnswer { chosen, why: WHY.into(), ranked: order.into_iter().map(ranked).collect(), downmix: None }
}

/// Smaller is better, as in [`exstreamtv_core::fallback`]: what can be played, dispositions, more channels, file order.
fn rank(stream: &AudioCandidate) -> (bool, bool, bool, bool, std::cmp::Reverse<u8>, u32) {
    let flags = stream.disposition;
    let for_few = flags.visual_impaired || flags.hearing_impaired;
    let channels = std::cmp::Reverse(stream.channels);
    (stream.codec.is_empty(), flags.comment, for_few, !flags.default, channels, stream.absolute)
}

fn place(stream: &AudioCandidate) -> StreamRef {
    StreamRef { absolute: stream.absolute, relative: stream.relative }
}

/// Shows no subtitles.
pub fn pick_subtitle(request: &SubtitleRequest) -> SubtitleAnswer {
    let ranked = request.streams.iter().map(|candidate| RankedSubtitle {
        source: candidate.source.clone(),
        chosen: false,
        reason: WHY.into(),
    });
    SubtitleAnswer { chosen: None, why: WHY.into(), ranked: ranked.collect() }
}

/// Proposes the specification's one strategy where that is offered, and a person.
pub fn propose(request: &ProposeRequest) -> ProposeAnswer {
    let proposal = |(action, risk, confidence)| Proposal { action, risk, confidence, why: WHY.into() };
    let limits = &request.limits;
    let offered = |(action, risk, _): &(Action, Risk, f64)| limits.actions.contains(action) && *risk <= limits.max_risk;
    let mut proposals: Vec<_> = primary(request.incident.issue).filter(offered).map(proposal).into_iter().collect();
    proposals.push(proposal((Action::Escalate, Risk::Safe, 1.0)));
    proposals.truncate(usize::try_from(limits.max_proposals).unwrap_or(usize::MAX));
    ProposeAnswer { proposals, notes: vec![] }
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::{MediaId, MediaKind, schedule::Window};

    use super::*;

    fn item(id: i64) -> PoolItem {
        PoolItem {
            id: MediaId(id),
            duration_ms: 1_000,
            kind: MediaKind::Movie,
            title: format!("film {id}"),
            show: None,
            season: None,
            episode: None,
            position: None,
            chapters_ms: vec![],
        }
    }

    fn request(pools: Vec<Pool>) -> PlanRequest {
        PlanRequest {
            channel: "1".into(),
            zone: "UTC".into(),
            window: Window { start_ms: 0, stop_ms: 3_000 },
            settings: serde_json::json!({"settings": "of another strategy"}),
            pools,
            state: None,
            seed: 1,
            aired: vec![],
        }
    }

    fn played(request: &PlanRequest) -> Vec<Option<MediaId>> {
        let answer = plan(request, None);
        answer.check(request).unwrap();
        answer.entries.iter().map(|entry| entry.item).collect()
    }

    #[test]
    fn all_programmes_of_all_pools_are_played_each_once_and_no_fillers() {
        let pools = vec![
            Pool::whole("a", vec![item(1), item(2)]),
            Pool::whole("b", vec![item(2), item(3)]),
            Pool::whole("filler:main", vec![item(9)]),
        ];
        assert_eq!(played(&request(pools)), [1, 2, 3].map(|id| Some(MediaId(id))));
    }

    #[test]
    fn fillers_are_better_than_nothing_and_the_slate_is_what_nothing_looks_like() {
        assert_eq!(played(&request(vec![Pool::whole("filler", vec![item(9)])])), [Some(MediaId(9)); 3]);
        assert_eq!(played(&request(vec![])), [None]);
    }
}
