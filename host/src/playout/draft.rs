//! One window of one channel: asked of a strategy and made into rows.
//!
//! Does: put the request together, let the sequence stand in for a strategy that fails, turn answers into rows and a checkpoint.
//! Does not: store anything; the planner does, and a preview never.
//! Invariant: there always are rows, they fill the window without a hole, and none reaches over the border of the rule.

use chrono::{DateTime, Utc};
use exstreamtv_model::{
    Channel, EntryKind, ItemOrder, PlayoutEntry,
    schedule::{MAIN_POOL, PlanAnswer, PlanEntry, PlanRequest, Pool, Window},
};
use exstreamtv_store::{Checkpoint, NewEntry, Store, StoreError};
use serde_json::Value;

use super::{ask::Ask, instant, material::Material, rules::Rule};
use crate::plugins::strategies::SEQUENCE;

/// What a strategy is asked about.
pub struct Assignment<'a> {
    /// Whose time it is.
    pub channel: &'a Channel,
    /// What fills it.
    pub rule: &'a Rule,
    /// From what.
    pub material: &'a Material,
}

/// What is remembered at the beginning of a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Memory {
    /// What the strategy said last; `None` for a new one.
    state: Option<Value>,
    /// When it said so.
    since: DateTime<Utc>,
    /// What was laid since then and stays.
    aired: Vec<PlanEntry>,
    /// What the fallback said last.
    fallback: Option<Value>,
    /// Source of all randomness.
    seed: u64,
}

/// A window's rows.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The rows.
    pub entries: Vec<NewEntry>,
    /// What is remembered behind them.
    pub checkpoint: Checkpoint,
    /// The strategy's remarks.
    pub notes: Vec<String>,
    /// Which strategy answered.
    pub by: String,
    /// Why it was not the one that was asked.
    pub failure: Option<String>,
}

impl Memory {
    /// Reads what a strategy remembers at `at`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn read(store: &Store, channel: &Channel, strategy: &str, at: DateTime<Utc>) -> Result<Self, StoreError> {
        let checkpoint = store.playout().memory(channel.id, at, strategy).await?;
        let fresh = || Self { state: None, since: at, aired: vec![], fallback: None, seed: seed(channel) };
        let Some(checkpoint) = checkpoint else { return Ok(fresh()) };
        let aired = match checkpoint.since < at {
            true => store.playout().window(channel.id, checkpoint.since, at).await?,
            false => vec![],
        };
        let aired = aired.iter().filter(|row| row.start >= checkpoint.since).map(|row| entry(row, at)).collect();
        let state = Some(checkpoint.state).filter(|state| !state.is_null());
        Ok(Self { state, since: checkpoint.since, aired, fallback: checkpoint.fallback, seed: checkpoint.seed })
    }

    /// Returns what is remembered behind a draft that followed this.
    pub fn behind(self, draft: &Draft) -> Self {
        let Checkpoint { state, since, seed, fallback, .. } = draft.checkpoint.clone();
        let mut aired = if draft.failure.is_some() { self.aired } else { vec![] };
        if draft.failure.is_some() {
            aired.extend(draft.entries.iter().map(laid));
        }
        Self { state: Some(state).filter(|state| !state.is_null()), since, aired, fallback, seed }
    }
}

/// Asks for a window and makes rows of the answer.
pub async fn draft(ask: &dyn Ask, assignment: &Assignment<'_>, window: Window, memory: &Memory) -> Draft {
    let Assignment { channel, rule, material } = assignment;
    let strategy = rule.schedule.strategy.as_str();
    let request = PlanRequest {
        channel: channel.id.to_string(),
        zone: channel.zone.to_string(),
        window,
        settings: rule.schedule.settings.clone(),
        pools: material.pools.clone(),
        state: memory.state.clone(),
        seed: memory.seed,
        aired: memory.aired.clone(),
    };
    let planned = ask.plan(strategy, request).await;
    let Some(failure) = planned.fallback.filter(|_| strategy != SEQUENCE) else {
        return assignment.draft(&planned.answer, planned.answer.state.clone(), memory, planned.by, None);
    };
    let answer = stand_in(ask, assignment, window, memory).await;
    let fallback = answer.state.clone();
    assignment.draft(&answer, fallback, memory, SEQUENCE.to_owned(), Some(failure))
}

/// Asks the sequence, which goes on where it was when it stood in before.
async fn stand_in(ask: &dyn Ask, assignment: &Assignment<'_>, window: Window, memory: &Memory) -> PlanAnswer {
    let Assignment { channel, material, .. } = assignment;
    let request = PlanRequest {
        channel: channel.id.to_string(),
        zone: channel.zone.to_string(),
        window,
        settings: serde_json::json!({ "order": ItemOrder::Name }),
        pools: vec![Pool::whole(MAIN_POOL, programmes(&material.pools))],
        state: memory.fallback.clone().filter(|state| !state.is_null()),
        seed: memory.seed,
        aired: vec![],
    };
    ask.plan(SEQUENCE, request).await.answer
}

/// Returns every item once; those of pools that are fillers by name only where there is nothing else.
fn programmes(pools: &[Pool]) -> Vec<exstreamtv_model::schedule::PoolItem> {
    let mut seen = std::collections::HashSet::new();
    let mut of = |filler: bool| -> Vec<_> {
        let pools = pools.iter().filter(|pool| pool.key.contains("filler") == filler);
        pools.flat_map(|pool| &pool.items).filter(|item| seen.insert(item.id)).cloned().collect()
    };
    let programmes = of(false);
    if programmes.is_empty() { of(true) } else { programmes }
}

impl Assignment<'_> {
    /// Makes rows of an answer: none reaches over the border of the rule.
    fn draft(&self, answer: &PlanAnswer, state: Value, memory: &Memory, by: String, failure: Option<String>) -> Draft {
        let titles = self.material.titles();
        let row = |entry: &PlanEntry| NewEntry {
            start: instant(entry.start_ms),
            stop: self.rule.until.map_or(instant(entry.stop_ms), |until| until.min(instant(entry.stop_ms))),
            media: entry.item,
            in_point_ms: entry.in_point_ms,
            kind: kind(entry),
            title: entry.item.and_then(|id| titles.get(&id)).map_or_else(String::new, |title| (*title).to_owned()),
            rule: entry.rule.clone(),
            why: match &failure {
                None => entry.why.clone(),
                Some(failure) => format!("{}; {} did not answer: {failure}", entry.why, self.rule.schedule.strategy),
            },
        };
        let entries: Vec<NewEntry> = answer.entries.iter().map(row).filter(|row| row.start < row.stop).collect();
        let upto = entries.last().map_or(memory.since, |last| last.stop);
        let checkpoint = Checkpoint {
            upto,
            strategy: self.rule.schedule.strategy.clone(),
            since: if failure.is_some() { memory.since } else { upto },
            seed: memory.seed,
            needs: self.material.needs.clone(),
            drawn_from: self.material.fingerprint.clone(),
            fallback: failure.is_some().then(|| state.clone()),
            state: if failure.is_some() { memory.state.clone().unwrap_or_default() } else { state },
        };
        Draft { entries, checkpoint, notes: answer.notes.clone(), by, failure }
    }
}

fn kind(entry: &PlanEntry) -> EntryKind {
    match (entry.item, entry.kind) {
        (None, _) => EntryKind::Slate,
        (Some(_), EntryKind::Filler) => EntryKind::Filler,
        (Some(_), _) => EntryKind::Programme,
    }
}

/// Returns a row as a strategy is told of it, cut at `at`, where a new plan begins.
fn entry(row: &PlayoutEntry, at: DateTime<Utc>) -> PlanEntry {
    PlanEntry {
        item: row.media,
        start_ms: row.start.timestamp_millis(),
        stop_ms: row.stop.min(at).timestamp_millis(),
        in_point_ms: row.in_point_ms,
        kind: row.kind,
        rule: row.rule.clone(),
        why: row.why.clone(),
    }
}

fn laid(row: &NewEntry) -> PlanEntry {
    PlanEntry {
        item: row.media,
        start_ms: row.start.timestamp_millis(),
        stop_ms: row.stop.timestamp_millis(),
        in_point_ms: row.in_point_ms,
        kind: row.kind,
        rule: row.rule.clone(),
        why: row.why.clone(),
    }
}

/// A channel's own source of randomness, the same on every machine.
fn seed(channel: &Channel) -> u64 {
    channel.id.0.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
