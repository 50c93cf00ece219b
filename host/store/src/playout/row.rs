//! The rows of a timeline.
//!
//! Does: check that rows continue a timeline, write them and read them.
//! Does not: begin or end transactions.
//! Invariant: rows that pass the check leave no hole and do not overlap, to the millisecond that is stored.

use exstreamtv_model::{ChannelId, EntryKind, MediaId, PlayoutEntry, PlayoutEntryId};
use sqlx::SqliteConnection;

use super::{EXTEND, NewEntry};
use crate::{StoreError, cell::RowOf};

pub(super) const TABLE: &str = "playout";

/// A row as it is read.
#[derive(sqlx::FromRow)]
pub(super) struct EntryRow {
    id: i64,
    channel_id: i64,
    start_ms: i64,
    stop_ms: i64,
    media_id: Option<i64>,
    in_point_ms: i64,
    kind: String,
    title: String,
    rule: String,
    why: String,
}

impl TryFrom<EntryRow> for PlayoutEntry {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<Self, StoreError> {
        let at = RowOf { table: TABLE, id: row.id };
        Ok(Self {
            id: PlayoutEntryId(row.id),
            channel: ChannelId(row.channel_id),
            start: at.instant("start_ms", row.start_ms)?,
            stop: at.instant("stop_ms", row.stop_ms)?,
            media: row.media_id.map(MediaId),
            in_point_ms: row.in_point_ms,
            kind: match row.kind.as_str() {
                "programme" => EntryKind::Programme,
                "filler" => EntryKind::Filler,
                "slate" => EntryKind::Slate,
                other => return Err(at.bad("kind", format!("{other:?} is no kind of entry"))),
            },
            title: row.title,
            rule: row.rule,
            why: row.why,
        })
    }
}

/// Checks that `entries` continue a timeline that ends at `end_ms`.
pub(super) fn check_continuity(
    channel: ChannelId,
    mut end_ms: Option<i64>,
    entries: &[NewEntry],
) -> Result<(), StoreError> {
    for entry in entries {
        // In stored units: two instants within one millisecond are one.
        let (start_ms, stop_ms) = (entry.start.timestamp_millis(), entry.stop.timestamp_millis());
        match end_ms {
            Some(end_ms) if start_ms < end_ms => return Err(StoreError::Overlap { channel, end_ms, start_ms }),
            Some(end_ms) if start_ms > end_ms => return Err(StoreError::Gap { channel, end_ms, start_ms }),
            _ if stop_ms <= start_ms => return Err(StoreError::EmptyEntry { channel, start_ms, stop_ms }),
            _ => end_ms = Some(stop_ms),
        }
    }
    Ok(())
}

/// Inserts checked rows.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    channel: ChannelId,
    entries: &[NewEntry],
) -> Result<(), StoreError> {
    for entry in entries {
        let inserted = sqlx::query(INSERT)
            .bind(channel.0)
            .bind(entry.start.timestamp_millis())
            .bind(entry.stop.timestamp_millis())
            .bind(entry.media.map(|id| id.0))
            .bind(entry.in_point_ms)
            .bind(kind_name(entry.kind))
            .bind(entry.title.as_str())
            .bind(entry.rule.as_str())
            .bind(entry.why.as_str())
            .execute(&mut *connection)
            .await;
        inserted.map_err(|error| match entry.media {
            Some(media) => StoreError::pointing(EXTEND, "media", media.0, error),
            None => StoreError::pointing(EXTEND, "channel", channel.0, error),
        })?;
    }
    Ok(())
}

fn kind_name(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Programme => "programme",
        EntryKind::Filler => "filler",
        EntryKind::Slate => "slate",
    }
}

const INSERT: &str = "
INSERT INTO playout (channel_id, start_ms, stop_ms, media_id, in_point_ms, kind, title, rule, why)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
