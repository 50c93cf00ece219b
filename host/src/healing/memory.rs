//! What the healer knows from before, and how it is written down.
//!
//! Does: turn what the resolver keeps into rows, and rows into what it remembers.
//! Does not: decide what is kept.
//! Invariant: a row that this version cannot read is left out and said, and stops nothing.

use exstreamtv_healing::resolver::{
    Memory,
    approval::Approval,
    attempt::{Outcome, Resolution},
    limits::HOUR_MS,
    posterior::{Posteriors, Record, Trial},
};
use exstreamtv_store::{ApprovalRow, PosteriorRow, ResolutionRow, Store, StoreError};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The most questions that are looked at when the host starts; there is one for each issue.
const MOST_QUESTIONS: u32 = 1_000;
/// The most resolutions that are looked at: more than an hour can hold.
const MOST_RESOLUTIONS: u32 = 1_000;

/// Reads what is known from before.
pub(super) async fn load(store: &Store, now_ms: i64) -> Result<Memory, StoreError> {
    let healing = store.healing();
    let posteriors = healing.posteriors().await?.into_iter().filter_map(trial_of);
    let mut approvals = vec![];
    for state in ["pending", "approved"] {
        let rows = healing.approvals(Some(state), None, MOST_QUESTIONS).await?;
        approvals.extend(rows.into_iter().filter_map(|row| approval_of(&row)));
    }
    let recent = healing.resolutions(None, None, MOST_RESOLUTIONS).await?;
    let is_fix = |row: &&ResolutionRow| row.automatic && row.outcome != word(&Outcome::Called);
    let fixes = recent.iter().filter(is_fix).map(|row| row.began_ms);
    Ok(Memory {
        posteriors: Posteriors::of(posteriors),
        approvals,
        fixes_ms: fixes.filter(|began_ms| now_ms - began_ms < HOUR_MS).collect(),
        last_id: healing.last_id().await?,
    })
}

fn trial_of(row: PosteriorRow) -> Option<(Trial, Record)> {
    let trial = Trial { issue: value(&row.issue)?, deed: value(&row.deed)?, context: row.context };
    let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let (tries, successes) = (count(row.tries), count(row.successes));
    Some((trial, Record { helped: row.helped, failed: row.failed, tries, successes, at_ms: row.at_ms }))
}

/// Returns the question in a row.
pub fn approval_of(row: &ApprovalRow) -> Option<Approval> {
    document("healing_approvals", row.id, &row.document)
}

/// Returns what was done, as a row says it.
pub fn resolution_of(row: &ResolutionRow) -> Option<Resolution> {
    document("healing_resolutions", row.id, &row.document)
}

fn document<T: DeserializeOwned>(table: &str, id: i64, document: &Value) -> Option<T> {
    let read = T::deserialize(document);
    read.inspect_err(|error| tracing::warn!(table, row = id, %error, "a row of the healer cannot be read")).ok()
}

pub(super) fn posterior_row(trial: &Trial, record: &Record) -> PosteriorRow {
    PosteriorRow {
        issue: word(&trial.issue),
        deed: word(&trial.deed),
        context: trial.context.clone(),
        helped: record.helped,
        failed: record.failed,
        tries: record.tries.into(),
        successes: record.successes.into(),
        at_ms: record.at_ms,
    }
}

pub(super) fn approval_row(of: &Approval) -> ApprovalRow {
    ApprovalRow { id: of.id.0, state: word(&of.state), asked_ms: of.asked_ms, document: json(of) }
}

pub(super) fn resolution_row(told: &Resolution) -> ResolutionRow {
    ResolutionRow {
        id: told.id.0,
        channel: told.key.channel,
        automatic: told.approval.is_none(),
        outcome: word(&told.outcome),
        began_ms: told.began_ms,
        ended_ms: told.ended_ms,
        document: json(told),
    }
}

/// The documents of the resolver are plain data, which JSON can always hold.
fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Returns a value's one word.
pub fn word(value: &impl Serialize) -> String {
    json(value).as_str().unwrap_or_default().to_owned()
}

fn value<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(Value::String(word.to_owned())).ok()
}
