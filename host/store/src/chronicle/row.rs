//! The rows of the as-run log and of the incidents.
//!
//! Does: turn cells into values of the model.
//! Does not: run statements.

use exstreamtv_model::{AiredRow, Cause, ChannelId, ChannelIncident, EntryKind, MediaId};

use super::NumberedIncident;
use crate::{StoreError, cell::RowOf};

pub(super) const AIRED: &str = "as_run";
pub(super) const INCIDENTS: &str = "incidents";

/// A stretch as it is read.
#[derive(sqlx::FromRow)]
pub(super) struct AiredCells {
    channel_id: i64,
    start_ms: i64,
    stop_ms: i64,
    kind: String,
    media_id: Option<i64>,
    in_point_ms: i64,
    title: String,
    cause: Option<String>,
}

/// An incident as it is read.
#[derive(sqlx::FromRow)]
pub(super) struct IncidentCells {
    id: i64,
    channel_id: i64,
    cause: String,
    began_ms: i64,
    ended_ms: Option<i64>,
    failures: i64,
    title: String,
    detail: String,
}

impl TryFrom<AiredCells> for AiredRow {
    type Error = StoreError;

    fn try_from(cells: AiredCells) -> Result<Self, StoreError> {
        let at = RowOf { table: AIRED, id: cells.start_ms };
        Ok(Self {
            channel: ChannelId(cells.channel_id),
            start: at.instant("start_ms", cells.start_ms)?,
            stop: at.instant("stop_ms", cells.stop_ms)?,
            kind: kind_named(&cells.kind)
                .ok_or_else(|| at.bad("kind", format!("{:?} is no kind of entry", cells.kind)))?,
            media: cells.media_id.map(MediaId),
            in_point_ms: cells.in_point_ms,
            title: cells.title,
            cause: cells.cause.map(|word| cause_named(at, &word)).transpose()?,
        })
    }
}

impl TryFrom<IncidentCells> for NumberedIncident {
    type Error = StoreError;

    fn try_from(cells: IncidentCells) -> Result<Self, StoreError> {
        let at = RowOf { table: INCIDENTS, id: cells.id };
        let incident = ChannelIncident {
            channel: ChannelId(cells.channel_id),
            cause: cause_named(at, &cells.cause)?,
            began: at.instant("began_ms", cells.began_ms)?,
            ended: cells.ended_ms.map(|ended_ms| at.instant("ended_ms", ended_ms)).transpose()?,
            failures: at.integer("failures", cells.failures)?,
            title: cells.title,
            detail: cells.detail,
        };
        Ok(Self { id: cells.id, incident })
    }
}

fn cause_named(at: RowOf, word: &str) -> Result<Cause, StoreError> {
    Cause::of_word(word).ok_or_else(|| at.bad("cause", format!("{word:?} is no cause")))
}

fn kind_named(name: &str) -> Option<EntryKind> {
    [EntryKind::Programme, EntryKind::Filler, EntryKind::Slate].into_iter().find(|kind| kind_name(*kind) == name)
}

pub(super) fn kind_name(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Programme => "programme",
        EntryKind::Filler => "filler",
        EntryKind::Slate => "slate",
    }
}
