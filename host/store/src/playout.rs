//! The timelines.
//!
//! Does: extend, replace and read what is on air on each channel.
//! Does not: decide what is played; schedulers do.
//! Invariant: the rows of a channel neither overlap nor leave holes, and they change together with the checkpoints or not at all.

use chrono::{DateTime, Utc};
use exstreamtv_model::{ChannelId, EntryKind, MediaId, PlayoutEntry};
use sqlx::SqliteConnection;

use crate::{
    StoreError,
    access::Access,
    cell::{RowOf, read_error},
    connections::Change,
};

mod checkpoint;
mod row;

pub use checkpoint::Checkpoint;
use row::{EntryRow, TABLE, check_continuity, insert};

/// The timelines.
#[derive(Debug, Clone)]
pub struct PlayoutRepo {
    connections: Access,
}

/// A row of a timeline that has no id yet. Times are stored to the millisecond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// First moment on air.
    pub start: DateTime<Utc>,
    /// First moment of what follows.
    pub stop: DateTime<Utc>,
    /// What is played; `None` shows the channel's slate.
    pub media: Option<MediaId>,
    /// Where in the media it begins, milliseconds.
    pub in_point_ms: i64,
    /// Programme, filler or nothing to play.
    pub kind: EntryKind,
    /// What the guide calls it.
    pub title: String,
    /// The slot or source that it comes from, the strategy's own word.
    pub rule: String,
    /// Which rule chose it, in words, with its seed.
    pub why: String,
}

impl PlayoutRepo {
    pub(crate) fn new(connections: Access) -> Self {
        Self { connections }
    }

    /// Returns every row that overlaps `from..to`, in time order.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.playout.window", level = "debug", skip_all, fields(channel.id = %channel))]
    pub async fn window(
        &self,
        channel: ChannelId,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<PlayoutEntry>, StoreError> {
        let rows: Vec<EntryRow> = sqlx::query_as(WINDOW)
            .bind(channel.0)
            .bind(from.timestamp_millis())
            .bind(to.timestamp_millis())
            .fetch_all(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read the timeline", TABLE, error))?;
        rows.into_iter().map(PlayoutEntry::try_from).collect()
    }

    /// Returns the row on air at `at`.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.playout.on_air", level = "debug", skip_all, fields(channel.id = %channel))]
    pub async fn on_air(&self, channel: ChannelId, at: DateTime<Utc>) -> Result<Option<PlayoutEntry>, StoreError> {
        let row: Option<EntryRow> = sqlx::query_as(ON_AIR)
            .bind(channel.0)
            .bind(at.timestamp_millis())
            .fetch_optional(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read the timeline", TABLE, error))?;
        row.map(PlayoutEntry::try_from).transpose()
    }

    /// Returns the row on air at `at` of every channel that has one, by channel id.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.playout.on_air_everywhere", level = "debug", skip_all)]
    pub async fn on_air_everywhere(&self, at: DateTime<Utc>) -> Result<Vec<PlayoutEntry>, StoreError> {
        let rows: Vec<EntryRow> = sqlx::query_as(ON_AIR_EVERYWHERE)
            .bind(at.timestamp_millis())
            .fetch_all(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read the timelines", TABLE, error))?;
        rows.into_iter().map(PlayoutEntry::try_from).collect()
    }

    /// Returns where the timeline ends, `None` if it has no rows.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.playout.end", level = "debug", skip_all, fields(channel.id = %channel))]
    pub async fn end(&self, channel: ChannelId) -> Result<Option<DateTime<Utc>>, StoreError> {
        let stop_ms: Option<i64> = sqlx::query_scalar(END)
            .bind(channel.0)
            .fetch_optional(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read the timeline's end", TABLE, error))?;
        stop_ms.map(|ms| RowOf { table: TABLE, id: channel.0 }.instant("stop_ms", ms)).transpose()
    }

    /// Adds rows at the end of a timeline and saves the checkpoint with them. The first rows of a channel may start anywhere.
    ///
    /// # Errors
    /// `Overlap`, `Gap` or `EmptyEntry` if the rows do not continue the timeline; `NoSuch` if the channel or an item does not
    /// exist; fails when the database does. Nothing is changed then.
    #[tracing::instrument(name = "db.playout.append", level = "debug", skip_all, fields(channel.id = %channel, entries = entries.len()))]
    pub async fn append(
        &self,
        channel: ChannelId,
        entries: &[NewEntry],
        checkpoint: &Checkpoint,
    ) -> Result<(), StoreError> {
        let transaction = self.connections.write().await?;
        extend(transaction, channel, entries, checkpoint).await
    }

    /// Replaces every row that starts at or after `from`; a row that began before stays, and the new ones must continue it.
    ///
    /// # Errors
    /// As [`Self::append`].
    #[tracing::instrument(name = "db.playout.replace_from", level = "debug", skip_all, fields(channel.id = %channel, entries = entries.len()))]
    pub async fn replace_from(
        &self,
        channel: ChannelId,
        from: DateTime<Utc>,
        entries: &[NewEntry],
        checkpoint: &Checkpoint,
    ) -> Result<(), StoreError> {
        let mut transaction = self.connections.write().await?;
        delete_from(&mut transaction, channel, from).await?;
        extend(transaction, channel, entries, checkpoint).await
    }

    /// Replaces everything from `at` on: a row that is on air then stops there, and the new ones begin there.
    ///
    /// # Errors
    /// As [`Self::append`].
    #[tracing::instrument(name = "db.playout.switch_at", level = "debug", skip_all, fields(channel.id = %channel, entries = entries.len()))]
    pub async fn switch_at(
        &self,
        channel: ChannelId,
        at: DateTime<Utc>,
        entries: &[NewEntry],
        checkpoint: &Checkpoint,
    ) -> Result<(), StoreError> {
        let mut transaction = self.connections.write().await?;
        delete_from(&mut transaction, channel, at).await?;
        shorten(&mut transaction, channel, at).await?;
        extend(transaction, channel, entries, checkpoint).await
    }

    /// Removes every row that starts at or after `from`; nothing takes their place.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.playout.remove_from", level = "debug", skip_all, fields(channel.id = %channel))]
    pub async fn remove_from(&self, channel: ChannelId, from: DateTime<Utc>) -> Result<(), StoreError> {
        let mut transaction = self.connections.write().await?;
        delete_from(&mut transaction, channel, from).await?;
        transaction.commit().await.map_err(|error| StoreError::query(EXTEND, error))
    }

    /// Removes everything from `at` on: a row that is on air then stops there, and nothing follows.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.playout.stop_at", level = "debug", skip_all, fields(channel.id = %channel))]
    pub async fn stop_at(&self, channel: ChannelId, at: DateTime<Utc>) -> Result<(), StoreError> {
        let mut transaction = self.connections.write().await?;
        delete_from(&mut transaction, channel, at).await?;
        shorten(&mut transaction, channel, at).await?;
        transaction.commit().await.map_err(|error| StoreError::query(EXTEND, error))
    }

    /// Deletes the rows of one channel that ended at or before `before`; its checkpoints stay.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.playout.forget", level = "debug", skip_all, fields(channel.id = %channel))]
    pub async fn forget(&self, channel: ChannelId, before: DateTime<Utc>) -> Result<(), StoreError> {
        let act = "delete old rows of a timeline";
        let mut transaction = self.connections.write().await?;
        let deleted = sqlx::query("DELETE FROM playout WHERE channel_id = ?1 AND stop_ms <= ?2")
            .bind(channel.0)
            .bind(before.timestamp_millis())
            .execute(&mut *transaction)
            .await;
        deleted.map_err(|error| StoreError::query(act, error))?;
        transaction.commit().await.map_err(|error| StoreError::query(act, error))
    }

    /// Deletes the rows of all channels that ended at or before `before` with their checkpoints, and returns how many rows.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.playout.prune", level = "debug", skip_all)]
    pub async fn prune(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let act = "delete old rows of the timelines";
        let mut transaction = self.connections.write().await?;
        let pruned = sqlx::query("DELETE FROM playout WHERE stop_ms <= ?1").bind(before.timestamp_millis());
        let done = pruned.execute(&mut *transaction).await.map_err(|error| StoreError::query(act, error))?;
        checkpoint::prune(&mut transaction, before).await.map_err(|error| StoreError::query(act, error))?;
        transaction.commit().await.map_err(|error| StoreError::query(act, error))?;
        Ok(done.rows_affected())
    }
}

/// Deletes the rows that start at or after `from`, and the checkpoints that know of them.
async fn delete_from(
    connection: &mut SqliteConnection,
    channel: ChannelId,
    from: DateTime<Utc>,
) -> Result<(), StoreError> {
    let deleted = sqlx::query("DELETE FROM playout WHERE channel_id = ?1 AND start_ms >= ?2")
        .bind(channel.0)
        .bind(from.timestamp_millis())
        .execute(&mut *connection)
        .await;
    deleted.map_err(|error| StoreError::query(EXTEND, error))?;
    checkpoint::cut(connection, channel, from).await
}

/// Lets the row that is on air at `at` stop there.
async fn shorten(connection: &mut SqliteConnection, channel: ChannelId, at: DateTime<Utc>) -> Result<(), StoreError> {
    let shortened = sqlx::query(SHORTEN).bind(channel.0).bind(at.timestamp_millis()).execute(connection).await;
    shortened.map_err(|error| StoreError::query(EXTEND, error)).map(drop)
}

async fn extend(
    mut transaction: Change,
    channel: ChannelId,
    entries: &[NewEntry],
    checkpoint: &Checkpoint,
) -> Result<(), StoreError> {
    let failed = |error| StoreError::query(EXTEND, error);
    let end_ms: Option<i64> =
        sqlx::query_scalar(END).bind(channel.0).fetch_optional(&mut *transaction).await.map_err(failed)?;
    check_continuity(channel, end_ms, entries)?;
    // The checkpoint first: it names a channel that does not exist before any row does.
    checkpoint::save(&mut transaction, channel, entries.first().map(|first| first.start), checkpoint).await?;
    insert(&mut transaction, channel, entries).await?;
    transaction.commit().await.map_err(failed)
}

const EXTEND: &str = "extend the timeline";

// Rows do not overlap, so the one that covers `from` is the last that starts at or before it: one step of the index.
const WINDOW: &str = "
SELECT id, channel_id, start_ms, stop_ms, media_id, in_point_ms, kind, title, rule, why
  FROM playout
 WHERE channel_id = ?1 AND start_ms < ?3 AND stop_ms > ?2
   AND start_ms >= coalesce((SELECT max(start_ms) FROM playout WHERE channel_id = ?1 AND start_ms <= ?2), ?2)
 ORDER BY start_ms";

const ON_AIR: &str = "
SELECT id, channel_id, start_ms, stop_ms, media_id, in_point_ms, kind, title, rule, why
  FROM (SELECT * FROM playout WHERE channel_id = ?1 AND start_ms <= ?2 ORDER BY start_ms DESC LIMIT 1)
 WHERE stop_ms > ?2";

// CROSS JOIN keeps SQLite from walking every timeline from end to end.
const ON_AIR_EVERYWHERE: &str = "
SELECT playout.id, channel_id, start_ms, stop_ms, media_id, in_point_ms, kind, title, rule, why
  FROM channels
 CROSS JOIN playout
    ON playout.channel_id = channels.id
   AND playout.start_ms = (SELECT max(start_ms) FROM playout WHERE channel_id = channels.id AND start_ms <= ?1)
 WHERE stop_ms > ?1
 ORDER BY channels.id";

const END: &str = "
SELECT stop_ms
  FROM playout
 WHERE channel_id = ?1
 ORDER BY start_ms DESC
 LIMIT 1";

// One step of the index: only the last row that starts before the cut can cross it.
const SHORTEN: &str = "
UPDATE playout
   SET stop_ms = ?2
 WHERE channel_id = ?1
   AND start_ms = (SELECT max(start_ms) FROM playout WHERE channel_id = ?1 AND start_ms < ?2)
   AND stop_ms > ?2";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_paged;

    #[tokio::test]
    async fn a_timeline_is_read_by_index() {
        assert_paged(WINDOW, "(channel_id=? AND start_ms>? AND start_ms<?)").await;
        assert_paged(ON_AIR, "(channel_id=? AND start_ms<?)").await;
        assert_paged(ON_AIR_EVERYWHERE, "playout USING INDEX sqlite_autoindex_playout_1 (channel_id=? AND start_ms=?)")
            .await;
        assert_paged(END, "(channel_id=?)").await;
    }
}
