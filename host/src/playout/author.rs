//! One piece of work on the timeline of one channel.
//!
//! Does: lay more rows, lay them anew behind an edit, and replace what a fallback laid.
//! Does not: decide whose turn it is; the planner does, and it never gives one channel two pieces of work at a time.
//! Invariant: each window of a timeline and the strategy's state behind it are stored in one transaction.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_model::{ChannelId, EntryKind, Schedule, schedule::Window};
use exstreamtv_store::Store;
use tokio::sync::watch;

use super::{
    PlayoutError,
    ask::Ask,
    boundary::next_boundary,
    draft::{Assignment, Draft, Memory, draft},
    instant,
    material::Material,
    rules::Rules,
};
use crate::clock::Clock;

/// The longest window that a strategy is asked for at once.
pub(super) const WINDOW_MS: i64 = 6 * 3_600_000;
/// How far behind the moment a slate gives way to something to play: feeds are a little ahead of the clock.
const SLATE_LEAD: TimeDelta = TimeDelta::seconds(20);
/// How far a programme on air may reach to either side, with its breaks.
const AROUND: TimeDelta = TimeDelta::hours(12);

/// A piece of routine work.
#[derive(Debug, Clone, Copy)]
pub(super) enum Job {
    /// The timeline may be short.
    Extend(ChannelId),
    /// The strategy may answer again, and the timeline may be short.
    Retry(ChannelId),
    /// The rules changed, from a time on or from the next boundary.
    Rebuild(ChannelId, Option<DateTime<Utc>>),
    /// The library changed.
    Compare(ChannelId),
}

impl Job {
    /// Returns whose timeline it is about.
    pub(super) fn channel(self) -> ChannelId {
        match self {
            Self::Extend(id) | Self::Retry(id) | Self::Rebuild(id, _) | Self::Compare(id) => id,
        }
    }
}

/// What is left to do behind a piece of work.
type Rest = Option<Job>;

/// Lays rows. It holds nothing that the database does not.
#[derive(Clone)]
pub(super) struct Author {
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ask: Arc<dyn Ask>,
    pub(super) horizon: TimeDelta,
    /// Grows whenever a timeline was planned anew.
    pub(super) changed: watch::Sender<u64>,
}

/// Where a new plan takes over.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cut {
    /// Where a row ends.
    Boundary(DateTime<Utc>),
    /// In the middle of a row, which then ends there.
    Within(DateTime<Utc>),
}

impl Cut {
    fn at(self) -> DateTime<Utc> {
        match self {
            Self::Boundary(at) | Self::Within(at) => at,
        }
    }
}

impl Author {
    /// Does a job, and returns what is to be done later.
    pub(super) async fn work(&self, job: Job) -> Result<Rest, PlayoutError> {
        match job {
            Job::Extend(id) => self.extend(id).await,
            Job::Retry(id) => self.retry(id).await,
            Job::Rebuild(id, from) => self.rebuild(id, from).await,
            Job::Compare(id) => self.compare(id).await,
        }
    }

    /// Plans one more window of a channel, and leaves the rest for later.
    async fn extend(&self, id: ChannelId) -> Result<Rest, PlayoutError> {
        let now = self.clock.now();
        let until = now + self.horizon;
        let before = self.store.playout().end(id).await?;
        // An end in the past is no place to go on from.
        let step = before.filter(|end| *end > now).unwrap_or(now) + TimeDelta::milliseconds(WINDOW_MS);
        self.reach(id, step.min(until)).await?;
        let after = self.store.playout().end(id).await?;
        let goes_on = after > before && after.is_some_and(|end| end < until);
        Ok(goes_on.then_some(Job::Extend(id)))
    }

    /// Replaces what the fallback laid, as far as it is not on air, once the strategy answers again.
    async fn retry(&self, id: ChannelId) -> Result<Rest, PlayoutError> {
        let now = self.clock.now();
        let Some(failed) = self.store.playout().first_fallback(id, now).await? else { return self.extend(id).await };
        let Some(rules) = Rules::read(&self.store, id).await? else { return Ok(None) };
        let before = self.store.playout().checkpoint(id, failed.upto - TimeDelta::milliseconds(1)).await?;
        let boundary = self.boundary(id, now).await?;
        let cut = match before {
            Some(before) if before.upto > boundary.at() => Cut::Boundary(before.upto),
            _ => boundary,
        };
        match self.draft_at(&rules, cut).await? {
            Some(draft) if draft.failure.is_none() => {
                tracing::info!(channel.id = %id, strategy = draft.by, "a strategy answers again");
                self.put(id, cut, &draft).await
            }
            _ => self.extend(id).await,
        }
    }

    /// Plans a channel anew if what it may play has changed.
    async fn compare(&self, id: ChannelId) -> Result<Rest, PlayoutError> {
        let Some(rules) = Rules::read(&self.store, id).await? else { return Ok(None) };
        let Some(end) = self.store.playout().end(id).await? else { return self.rebuild(id, None).await };
        let newest = self.store.playout().checkpoint(id, end).await?;
        let border = rules.waiting.as_ref().map(|waiting| waiting.from).filter(|from| *from < end);
        let before_border = match border {
            Some(border) => self.store.playout().checkpoint(id, border).await?,
            None => None,
        };
        for checkpoint in [before_border, newest].into_iter().flatten() {
            // The rule of a window is the one just before its end.
            let rule = rules.at(checkpoint.upto - TimeDelta::milliseconds(1));
            let material = self.material_at(&rules, &rule.schedule, checkpoint.upto).await?;
            if material.fingerprint != checkpoint.drawn_from {
                return self.rebuild(id, None).await;
            }
        }
        self.extend(id).await
    }

    /// Makes the timeline reach `until`; nothing to play leaves it empty, and the feed shows its slate.
    pub(super) async fn reach(&self, id: ChannelId, until: DateTime<Utc>) -> Result<(), PlayoutError> {
        let Some(rules) = Rules::read(&self.store, id).await? else { return Ok(()) };
        self.begin_again_if_ahead(&rules).await?;
        let mut start = self.end_or_beginning(id).await?;
        let mut known: Option<(Schedule, Material)> = None;
        let mut reached = false;
        while start < until {
            let rule = rules.at(start);
            let memory = Memory::read(&self.store, &rules.channel, &rule.schedule.strategy, start).await?;
            let material = match known.take() {
                Some((schedule, material)) if schedule == rule.schedule => material,
                _ => self.material_at(&rules, &rule.schedule, start).await?,
            };
            if material.is_empty() {
                break;
            }
            let window = window(start, until.min(rule.until.unwrap_or(until)));
            let assignment = Assignment { channel: &rules.channel, rule: &rule, material: &material };
            let draft = draft(&*self.ask, &assignment, window, &memory).await;
            report(id, &draft);
            self.store.playout().append(id, &draft.entries, &draft.checkpoint).await?;
            start = draft.checkpoint.upto;
            known = Some((rule.schedule, material));
            reached = true;
        }
        if reached {
            self.changed.send_modify(|count| *count += 1);
        }
        Ok(())
    }

    /// The clock was set back to before the first row: viewers would see nothing until it comes, so the timeline begins now.
    async fn begin_again_if_ahead(&self, rules: &Rules) -> Result<(), PlayoutError> {
        let (id, now) = (rules.channel.id, self.clock.now());
        let playout = self.store.playout();
        if playout.end(id).await?.is_none_or(|end| end <= now) || playout.on_air(id, now).await?.is_some() {
            return Ok(());
        }
        let cut = Cut::Boundary(beginning(now));
        if let Some(draft) = self.draft_at(rules, cut).await? {
            tracing::warn!(channel.id = %id, "the timeline lies ahead of the clock and begins again");
            self.put(id, cut, &draft).await?;
        }
        Ok(())
    }

    /// Plans anew from a time on, else from the end of what is on air.
    async fn rebuild(&self, id: ChannelId, from: Option<DateTime<Utc>>) -> Result<Rest, PlayoutError> {
        let Some(rules) = Rules::read(&self.store, id).await? else { return Ok(None) };
        let now = self.clock.now();
        let cut = match from {
            Some(from) if from > now => Cut::Within(from),
            _ => self.boundary(id, now).await?,
        };
        let end = self.store.playout().end(id).await?;
        if let (Cut::Within(at), true) = (cut, end.is_none_or(|end| end < cut.at())) {
            tracing::debug!(channel.id = %id, %at, "the timeline does not reach that far yet");
            return self.extend(id).await;
        }
        match self.draft_at(&rules, cut).await? {
            Some(draft) => self.put(id, cut, &draft).await,
            None => {
                match cut {
                    Cut::Boundary(at) => self.store.playout().remove_from(id, at).await?,
                    Cut::Within(at) => self.store.playout().stop_at(id, at).await?,
                }
                self.changed.send_modify(|count| *count += 1);
                Ok(None)
            }
        }
    }

    /// Returns where an edit may take effect, and makes room for it.
    async fn boundary(&self, id: ChannelId, now: DateTime<Utc>) -> Result<Cut, PlayoutError> {
        let rows = self.store.playout().window(id, now - AROUND, now + AROUND).await?;
        let on_air = rows.iter().find(|row| row.covers(now));
        let gives_way = on_air.filter(|row| row.kind == EntryKind::Slate && row.stop > now + SLATE_LEAD);
        if gives_way.is_some() {
            return Ok(Cut::Within(instant((now + SLATE_LEAD).timestamp_millis())));
        }
        match next_boundary(&rows, now) {
            Some(boundary) => Ok(Cut::Boundary(boundary)),
            None => Ok(Cut::Boundary(self.end_or_beginning(id).await?)),
        }
    }

    /// Returns where the timeline goes on: at its end, or near the moment where it ended long ago.
    async fn end_or_beginning(&self, id: ChannelId) -> Result<DateTime<Utc>, PlayoutError> {
        let now = self.clock.now();
        let fresh = beginning(now);
        match self.store.playout().end(id).await? {
            Some(end) if end >= fresh => Ok(end),
            Some(_) => {
                // The host was off: nobody needs rows for the time between, and old ones must not stand in the way.
                self.store.playout().forget(id, now).await?;
                Ok(fresh)
            }
            None => Ok(fresh),
        }
    }

    /// Asks for the window behind a cut; `None` if there is nothing to play.
    async fn draft_at(&self, rules: &Rules, cut: Cut) -> Result<Option<Draft>, PlayoutError> {
        let (id, start) = (rules.channel.id, cut.at());
        let rule = rules.at(start);
        let memory = Memory::read(&self.store, &rules.channel, &rule.schedule.strategy, start).await?;
        let material = self.material_at(rules, &rule.schedule, start).await?;
        if material.is_empty() {
            return Ok(None);
        }
        let horizon = (self.clock.now() + self.horizon).max(start + TimeDelta::milliseconds(1));
        let window = window(start, horizon.min(rule.until.unwrap_or(horizon)));
        let assignment = Assignment { channel: &rules.channel, rule: &rule, material: &material };
        let draft = draft(&*self.ask, &assignment, window, &memory).await;
        report(id, &draft);
        Ok(Some(draft))
    }

    /// Stores a draft behind a cut, and leaves the rest for later.
    async fn put(&self, id: ChannelId, cut: Cut, draft: &Draft) -> Result<Rest, PlayoutError> {
        let playout = self.store.playout();
        match cut {
            Cut::Boundary(at) => playout.replace_from(id, at, &draft.entries, &draft.checkpoint).await?,
            Cut::Within(at) => playout.switch_at(id, at, &draft.entries, &draft.checkpoint).await?,
        }
        self.changed.send_modify(|count| *count += 1);
        Ok(Some(Job::Extend(id)))
    }

    /// Reads what a schedule draws from; a strategy that is gone drew from something before.
    async fn material_at(
        &self,
        rules: &Rules,
        schedule: &Schedule,
        at: DateTime<Utc>,
    ) -> Result<Material, PlayoutError> {
        let before = self.store.playout().memory(rules.channel.id, at, &schedule.strategy).await?;
        let needs = before.as_ref().map(|checkpoint| checkpoint.needs.as_slice());
        Ok(Material::gather(&self.store, &*self.ask, &rules.channel, schedule, needs).await?)
    }
}

/// Returns the next window: from `start`, at most so long as a strategy is asked for at once, and never empty.
pub(super) fn window(start: DateTime<Utc>, until: DateTime<Utc>) -> Window {
    let start_ms = start.timestamp_millis();
    Window { start_ms, stop_ms: until.timestamp_millis().min(start_ms + WINDOW_MS).max(start_ms + 1) }
}

fn report(id: ChannelId, draft: &Draft) {
    if let Some(failure) = &draft.failure {
        tracing::warn!(channel.id = %id, strategy = draft.checkpoint.strategy, failure, "the built-in sequence stands in for a strategy");
    }
    for note in &draft.notes {
        tracing::debug!(channel.id = %id, strategy = draft.by, note, "a remark on a plan");
    }
}

/// A new timeline begins on a whole minute, so that guides read well, and a little in the past, where a cold feed begins.
pub(super) fn beginning(now: DateTime<Utc>) -> DateTime<Utc> {
    instant((now.timestamp() - 20).div_euclid(60) * 60_000)
}

#[cfg(test)]
mod tests;
