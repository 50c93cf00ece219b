//! What is wrong at this moment, as the resolver reads it.
//!
//! Does: turn how feeds, database and machine are into issues, with what could be done about each.
//! Does not: look or act; what is seen is an argument.
//! Invariant: what a feed's own supervision may still mend by itself is no issue yet; a channel that nobody watches never is one.

use std::collections::BTreeMap;

use exstreamtv_healing::{
    monitor::{Expected, HealthStatus},
    resolver::{
        deed::Deed,
        issue::{Issue, IssueKey, of_cause},
    },
};
use exstreamtv_model::{
    Cause, ChannelId,
    incident::{Evidence, IssueType, Severity},
};
use exstreamtv_store::Role;

use crate::{
    feed::{
        broadcaster::Observed,
        view::{FeedState, FeedView},
    },
    monitor::ChannelHealth,
};

/// How long a feed is left to its supervision, whose first attempt is immediate, before something is done from outside.
const PATIENCE_MS: i64 = 6_000;
/// The same where nothing starts before its source changes.
const FINAL_PATIENCE_MS: i64 = 2_000;
/// Failures in a row after which the same again is in vain.
const TRIES: u32 = 2;
/// How long an exhaustion counts as there.
pub(super) const EXHAUSTED_MS: i64 = 30_000;
/// With less memory free than this share, memory is short.
pub(super) const MEMORY_SHORT: f64 = 0.05;

/// Everything that is seen at one moment.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// The feeds on air.
    pub feeds: Vec<Observed>,
    /// How they do.
    pub health: Vec<ChannelHealth>,
    /// From these odds on a prediction counts.
    pub confident: f64,
    /// Who ran out of connections last, and when.
    pub exhausted: Option<(Role, i64)>,
    /// Whether the pool may grow.
    pub pool_may_grow: bool,
    /// The share of memory that is free.
    pub memory_free: Option<f64>,
    /// Whether runs are prepared ahead of their time.
    pub runs_ahead: bool,
    /// What was said lately, by channel; of none: about the machine.
    pub said: BTreeMap<Option<ChannelId>, Vec<Evidence>>,
}

/// Since when what is wrong has been wrong.
#[derive(Debug, Default)]
pub struct Signs {
    since_ms: BTreeMap<IssueKey, i64>,
    /// Failures of each feed up to when it was last well.
    well: BTreeMap<(ChannelId, i64), u32>,
}

impl Signs {
    /// Returns what is wrong, as far as it is time to do something about it.
    pub fn look(&mut self, sight: &Sight, now_ms: i64) -> Vec<Issue> {
        self.remember_well(sight);
        let mut found: Vec<(Issue, i64)> =
            sight.feeds.iter().filter_map(|feed| self.channel_issue(sight, feed)).collect();
        found.extend(pool_issue(sight, now_ms).map(|issue| (issue, 0)));
        found.extend(memory_issue(sight).map(|issue| (issue, FINAL_PATIENCE_MS)));
        self.since_ms.retain(|key, _| found.iter().any(|(issue, _)| issue.key == *key));
        let mut due = vec![];
        for (mut issue, patience_ms) in found {
            issue.since_ms = *self.since_ms.entry(issue.key).or_insert(now_ms);
            if now_ms - issue.since_ms >= patience_ms {
                due.push(issue);
            }
        }
        due
    }

    fn remember_well(&mut self, sight: &Sight) {
        let name = |feed: &Observed| (feed.view.channel, feed.view.since_ms);
        self.well.retain(|known, _| sight.feeds.iter().any(|feed| name(feed) == *known));
        for feed in sight.feeds.iter().filter(|feed| feed.view.state == FeedState::OnAir && !feed.view.ways.stand_in) {
            self.well.insert(name(feed), feed.view.failures);
        }
    }

    /// Returns what is wrong with a channel, and how long that is left to its supervision.
    fn channel_issue(&self, sight: &Sight, feed: &Observed) -> Option<(Issue, i64)> {
        let view = &feed.view;
        match (view.state, view.cause) {
            (FeedState::Slate, Some(cause)) => {
                let said = sight.said.get(&Some(view.channel)).cloned().unwrap_or_default();
                let text: String = said.iter().map(|evidence| evidence.text.as_str()).collect::<Vec<_>>().join("\n");
                let key = IssueKey { issue: of_cause(cause, &text)?, channel: Some(view.channel) };
                let patience_ms = if cause.is_final_for_source() { FINAL_PATIENCE_MS } else { PATIENCE_MS };
                let available = self.ways(view, cause);
                Some((issue(key, cause.word(), severity(cause), said, available), patience_ms))
            }
            (FeedState::OnAir, _) => expected(sight, feed).map(|issue| (issue, PATIENCE_MS)),
            _ => None,
        }
    }

    /// Returns what could be done about a channel whose programme is not on. To start the same again is left to the feed's supervision where it is at
    /// it, or has done so in vain; a fresh worker helps where the worker is to blame.
    fn ways(&self, view: &FeedView, cause: Cause) -> Vec<Deed> {
        let failures =
            view.failures - self.well.get(&(view.channel, view.since_ms)).copied().unwrap_or(0).min(view.failures);
        let tried = !view.runs.is_empty() || failures >= TRIES;
        let to_blame = matches!(cause, Cause::WorkerHung | Cause::WorkerLost);
        let ways = view.ways;
        let all = [
            (Deed::RestartRun, ways.playable && !tried),
            (Deed::RestartWorker, ways.playable && to_blame && view.worker_pid.is_some()),
            (Deed::RestartInSoftware, ways.card),
            (Deed::RefreshSource, ways.playable),
            (Deed::PlayOtherVersion, ways.other_version),
            (Deed::PlayFiller, ways.filler),
            (Deed::PlayNextItem, ways.next_item),
        ];
        all.into_iter().filter_map(|(deed, can)| can.then_some(deed)).collect()
    }
}

/// What is only to be expected counts where the channel already does badly: a trend alone is no reason to interrupt anybody.
fn expected(sight: &Sight, feed: &Observed) -> Option<Issue> {
    let channel = feed.view.channel;
    let health = sight.health.iter().find(|health| health.metrics.channel_id == channel)?;
    if health.metrics.status < HealthStatus::Unhealthy {
        return None;
    }
    let told = health.predictions.iter().find(|told| told.probability >= sight.confident)?;
    let (issue_type, word) = match told.failure {
        Expected::LeadUsedUp => (IssueType::FfmpegHang, "lead_used_up"),
        Expected::MemoryUsedUp => (IssueType::MemoryPressure, "memory_used_up"),
        Expected::AnotherFailure => return None,
    };
    let said = sight.said.get(&Some(channel)).cloned().unwrap_or_default();
    let key = IssueKey { issue: issue_type, channel: Some(channel) };
    let available = vec![Deed::RestartRun, Deed::RestartWorker];
    Some(Issue { on_air: true, ..issue(key, word, Severity::Medium, said, available) })
}

fn pool_issue(sight: &Sight, now_ms: i64) -> Option<Issue> {
    let (role, at_ms) = sight.exhausted?;
    if now_ms - at_ms >= EXHAUSTED_MS {
        return None;
    }
    let (word, may_grow) = match role {
        Role::Reader => ("readers", sight.pool_may_grow),
        // There is one writer, and never more.
        Role::Writer => ("writer", false),
    };
    let key = IssueKey { issue: IssueType::DbPoolExhausted, channel: None };
    let available = if may_grow { vec![Deed::ExpandPool] } else { vec![] };
    let said = sight.said.get(&None).cloned().unwrap_or_default();
    Some(issue(key, word, Severity::High, said, available))
}

fn memory_issue(sight: &Sight) -> Option<Issue> {
    sight.memory_free.filter(|free| *free < MEMORY_SHORT)?;
    let key = IssueKey { issue: IssueType::MemoryPressure, channel: None };
    let available = if sight.runs_ahead { vec![Deed::PrepareLess] } else { vec![] };
    let said = sight.said.get(&None).cloned().unwrap_or_default();
    Some(issue(key, "machine", Severity::Critical, said, available))
}

fn issue(key: IssueKey, context: &str, severity: Severity, evidence: Vec<Evidence>, available: Vec<Deed>) -> Issue {
    Issue { key, severity, context: context.to_owned(), since_ms: 0, evidence, available, on_air: false, channels: 0 }
}

fn severity(cause: Cause) -> Severity {
    match cause {
        Cause::OutOfMemory | Cause::DiskFull => Severity::Critical,
        _ => Severity::High,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::view::Ways;

    fn feed(state: FeedState, cause: Option<Cause>) -> Observed {
        let ways = Ways { playable: true, filler: true, ..Ways::default() };
        let view = FeedView { state, cause, ways, ..FeedView::starting(ChannelId(7), 1) };
        Observed { view, frame_rate: 25.0, lead_wanted_ms: 3_000 }
    }

    fn sight(state: FeedState, cause: Option<Cause>) -> Sight {
        Sight { feeds: vec![feed(state, cause)], confident: 0.75, ..Sight::default() }
    }

    #[test]
    fn a_slate_is_an_issue_once_its_supervision_had_its_chance() {
        let mut signs = Signs::default();
        let hung = sight(FeedState::Slate, Some(Cause::FfmpegHung));
        assert_eq!(signs.look(&hung, 1_000), []);
        assert_eq!(signs.look(&hung, 6_999), []);
        let found = signs.look(&hung, 7_000);
        assert_eq!((found[0].key.issue, found[0].since_ms), (IssueType::FfmpegHang, 1_000));
        assert_eq!(found[0].available, [Deed::RestartRun, Deed::RefreshSource, Deed::PlayFiller]);
        // One that came back by itself begins anew.
        assert_eq!(signs.look(&sight(FeedState::OnAir, None), 8_000), []);
        assert_eq!(signs.look(&hung, 9_000), []);
    }

    #[test]
    fn to_start_the_same_again_is_left_to_supervision_where_it_did_so_in_vain() {
        let mut signs = Signs::default();
        let mut well = sight(FeedState::OnAir, None);
        well.feeds[0].view.failures = 5;
        signs.look(&well, 0);
        let mut crashed = sight(FeedState::Slate, Some(Cause::FfmpegCrashed));
        let mut offered = |failures| {
            crashed.feeds[0].view.failures = failures;
            signs.look(&crashed, 1_000);
            signs.look(&crashed, 1_000 + PATIENCE_MS)[0].available.contains(&Deed::RestartRun)
        };
        assert_eq!([6, 7].map(&mut offered), [true, false]);
    }

    #[test]
    fn nothing_is_wrong_where_nothing_is_scheduled_nobody_watches_or_the_channel_only_starts() {
        for (state, cause) in [
            (FeedState::Slate, Some(Cause::NothingScheduled)),
            (FeedState::Slate, Some(Cause::Starting)),
            (FeedState::Slate, Some(Cause::NoCapacity)),
            (FeedState::Slate, Some(Cause::RestartOrdered)),
            (FeedState::Idle, Some(Cause::FfmpegHung)),
            (FeedState::Starting, None),
            (FeedState::OnAir, None),
        ] {
            let mut signs = Signs::default();
            signs.look(&sight(state, cause), 0);
            assert_eq!(signs.look(&sight(state, cause), 60_000), [], "{state:?} {cause:?}");
        }
    }

    #[test]
    fn an_address_that_expired_is_known_by_what_was_said() {
        let mut signs = Signs::default();
        let mut forbidden = sight(FeedState::Slate, Some(Cause::SourceForbidden));
        let said = Evidence { at_ms: 0, source: "ffmpeg".into(), text: "Server returned 403 Forbidden".into() };
        forbidden.said.insert(Some(ChannelId(7)), vec![said]);
        signs.look(&forbidden, 0);
        assert_eq!(signs.look(&forbidden, PATIENCE_MS)[0].key.issue, IssueType::UrlExpired);
    }

    #[test]
    fn a_pool_that_ran_out_is_an_issue_for_a_while_and_a_writer_cannot_be_helped() {
        let mut signs = Signs::default();
        let ran_out = |role| Sight { exhausted: Some((role, 1_000)), pool_may_grow: true, ..Sight::default() };
        assert_eq!(signs.look(&ran_out(Role::Reader), 1_000)[0].available, [Deed::ExpandPool]);
        assert_eq!(signs.look(&ran_out(Role::Writer), 1_000)[0].available, []);
        assert_eq!(signs.look(&ran_out(Role::Reader), 1_000 + EXHAUSTED_MS), []);
    }

    #[test]
    fn memory_is_short_below_a_twentieth() {
        let mut signs = Signs::default();
        let free = |free| Sight { memory_free: Some(free), runs_ahead: true, ..Sight::default() };
        assert_eq!(signs.look(&free(0.06), 0), []);
        signs.look(&free(0.04), 0);
        assert_eq!(signs.look(&free(0.04), FINAL_PATIENCE_MS)[0].available, [Deed::PrepareLess]);
    }
}
