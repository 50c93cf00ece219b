//! What schedulers remembered at the end of each window.
//!
//! Does: keep one checkpoint per planned window, for as long as the window's rows.
//! Does not: begin or end transactions that write; checkpoints change together with rows.
//! Invariant: the newest checkpoint of a channel outlives its rows, so that no series loses its place.

use chrono::{DateTime, Utc};
use exstreamtv_model::{ChannelId, schedule::PoolNeed};
use sqlx::SqliteConnection;

use super::{EXTEND, PlayoutRepo};
use crate::{
    StoreError,
    cell::{RowOf, read_error, to_json},
};

/// What a channel's scheduler remembered at the end of a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Where the window ends, and the next one begins.
    pub upto: DateTime<Utc>,
    /// The strategy that was asked.
    pub strategy: String,
    /// What it remembered when it last answered.
    pub state: serde_json::Value,
    /// The end of the last window that it answered: [`Self::upto`], unless the fallback answered instead of it.
    pub since: DateTime<Utc>,
    /// Source of all its randomness.
    pub seed: u64,
    /// What the fallback remembers, where it answered instead.
    pub fallback: Option<serde_json::Value>,
    /// The pools that it drew from.
    pub needs: Vec<PoolNeed>,
    /// Fingerprint of the rule and of what was in those pools.
    pub drawn_from: String,
}

impl PlayoutRepo {
    /// Returns what `strategy` remembers at `at`: the newest checkpoint at or before it, unless another strategy has been on since.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.playout.memory", level = "debug", skip_all, fields(channel.id = %channel))]
    pub async fn memory(
        &self,
        channel: ChannelId,
        at: DateTime<Utc>,
        strategy: &str,
    ) -> Result<Option<Checkpoint>, StoreError> {
        let row: Option<CheckpointRow> = sqlx::query_as(MEMORY)
            .bind(channel.0)
            .bind(at.timestamp_millis())
            .bind(strategy)
            .fetch_optional(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read the scheduler's state", TABLE, error))?;
        Ok(row.map(Checkpoint::try_from).transpose()?.filter(|found| found.strategy == strategy))
    }

    /// Returns the checkpoint of the newest window that ends at or before `at`, whatever strategy planned it.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.playout.checkpoint", level = "debug", skip_all, fields(channel.id = %channel))]
    pub async fn checkpoint(&self, channel: ChannelId, at: DateTime<Utc>) -> Result<Option<Checkpoint>, StoreError> {
        self.one(CHECKPOINT, channel, at).await
    }

    /// Returns the first checkpoint after `at` whose window was planned by the fallback.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.playout.first_fallback", level = "debug", skip_all, fields(channel.id = %channel))]
    pub async fn first_fallback(
        &self,
        channel: ChannelId,
        at: DateTime<Utc>,
    ) -> Result<Option<Checkpoint>, StoreError> {
        self.one(FIRST_FALLBACK, channel, at).await
    }

    async fn one(
        &self,
        sql: &'static str,
        channel: ChannelId,
        at: DateTime<Utc>,
    ) -> Result<Option<Checkpoint>, StoreError> {
        let row: Option<CheckpointRow> = sqlx::query_as(sql)
            .bind(channel.0)
            .bind(at.timestamp_millis())
            .fetch_optional(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read the scheduler's state", TABLE, error))?;
        row.map(Checkpoint::try_from).transpose()
    }
}

#[derive(sqlx::FromRow)]
struct CheckpointRow {
    channel_id: i64,
    upto_ms: i64,
    strategy: String,
    state: String,
    since_ms: i64,
    seed: String,
    fallback: Option<String>,
    needs: String,
    drawn_from: String,
}

impl TryFrom<CheckpointRow> for Checkpoint {
    type Error = StoreError;

    fn try_from(row: CheckpointRow) -> Result<Self, StoreError> {
        let at = RowOf { table: TABLE, id: row.channel_id };
        Ok(Self {
            upto: at.instant("upto_ms", row.upto_ms)?,
            strategy: row.strategy,
            state: at.json("state", &row.state)?,
            since: at.instant("since_ms", row.since_ms)?,
            seed: row.seed.parse().map_err(|source: std::num::ParseIntError| at.bad("seed", source))?,
            fallback: row.fallback.map(|state| at.json("fallback", &state)).transpose()?,
            needs: at.json("needs", &row.needs)?,
            drawn_from: row.drawn_from,
        })
    }
}

/// Saves a checkpoint of a window that begins at `start`, and where its strategy takes over if it is new.
pub(super) async fn save(
    connection: &mut SqliteConnection,
    channel: ChannelId,
    start: Option<DateTime<Utc>>,
    checkpoint: &Checkpoint,
) -> Result<(), StoreError> {
    if let Some(start) = start {
        let before: Option<String> = sqlx::query_scalar(STRATEGY_BEFORE)
            .bind(channel.0)
            .bind(start.timestamp_millis())
            .fetch_optional(&mut *connection)
            .await
            .map_err(|error| StoreError::query(EXTEND, error))?;
        if before.is_none_or(|before| before != checkpoint.strategy) {
            let state = serde_json::Value::Null;
            let takes_over = Checkpoint { upto: start, since: start, state, fallback: None, ..checkpoint.clone() };
            write(&mut *connection, channel, &takes_over, true).await?;
        }
    }
    write(connection, channel, checkpoint, false).await
}

async fn write(
    connection: &mut SqliteConnection,
    channel: ChannelId,
    checkpoint: &Checkpoint,
    begins: bool,
) -> Result<(), StoreError> {
    let fallback = checkpoint.fallback.as_ref().map(|state| to_json("the fallback's state", state)).transpose()?;
    let saved = sqlx::query(SAVE)
        .bind(channel.0)
        .bind(checkpoint.upto.timestamp_millis())
        .bind(checkpoint.strategy.as_str())
        .bind(to_json("the scheduler's state", &checkpoint.state)?)
        .bind(checkpoint.since.timestamp_millis())
        .bind(checkpoint.seed.to_string())
        .bind(fallback)
        .bind(to_json("the pools", &checkpoint.needs)?)
        .bind(checkpoint.drawn_from.as_str())
        .bind(begins)
        .execute(connection)
        .await;
    saved.map_err(|error| StoreError::pointing(EXTEND, "channel", channel.0, error)).map(drop)
}

/// Forgets the checkpoints of windows that ended after `from`, and what takes over there.
pub(super) async fn cut(
    connection: &mut SqliteConnection,
    channel: ChannelId,
    from: DateTime<Utc>,
) -> Result<(), StoreError> {
    let cut = sqlx::query(CUT).bind(channel.0).bind(from.timestamp_millis()).execute(connection).await;
    cut.map_err(|error| StoreError::query(EXTEND, error)).map(drop)
}

/// Forgets the checkpoints whose rows are gone, but never a channel's newest one.
pub(super) async fn prune(connection: &mut SqliteConnection, before: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query(PRUNE).bind(before.timestamp_millis()).execute(connection).await.map(drop)
}

const TABLE: &str = "playout_states";

const CHECKPOINT: &str = "
SELECT channel_id, upto_ms, strategy, state, since_ms, seed, fallback, needs, drawn_from
  FROM playout_states
 WHERE channel_id = ?1 AND upto_ms <= ?2 AND begins = 0
 ORDER BY upto_ms DESC
 LIMIT 1";

// Where one strategy ends and another takes over, the later of both is the one that takes over. At the moment itself nobody else has been on.
const MEMORY: &str = "
SELECT channel_id, upto_ms, strategy, state, since_ms, seed, fallback, needs, drawn_from
  FROM playout_states
 WHERE channel_id = ?1 AND upto_ms <= ?2 AND (upto_ms < ?2 OR strategy = ?3)
 ORDER BY upto_ms DESC, begins DESC
 LIMIT 1";

const STRATEGY_BEFORE: &str = "
SELECT strategy
  FROM playout_states
 WHERE channel_id = ?1 AND upto_ms <= ?2
 ORDER BY upto_ms DESC, begins DESC
 LIMIT 1";

const FIRST_FALLBACK: &str = "
SELECT channel_id, upto_ms, strategy, state, since_ms, seed, fallback, needs, drawn_from
  FROM playout_states
 WHERE channel_id = ?1 AND upto_ms > ?2 AND fallback IS NOT NULL
 ORDER BY upto_ms
 LIMIT 1";

const SAVE: &str = "
INSERT INTO playout_states (channel_id, upto_ms, strategy, state, since_ms, seed, fallback, needs, drawn_from, begins)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
    ON CONFLICT (channel_id, upto_ms, begins) DO UPDATE
   SET strategy   = excluded.strategy,
       state      = excluded.state,
       since_ms   = excluded.since_ms,
       seed       = excluded.seed,
       fallback   = excluded.fallback,
       needs      = excluded.needs,
       drawn_from = excluded.drawn_from";

const CUT: &str = "
DELETE FROM playout_states
 WHERE channel_id = ?1 AND upto_ms >= ?2 AND (upto_ms > ?2 OR begins = 1)";

const PRUNE: &str = "
DELETE FROM playout_states
 WHERE upto_ms <= ?1
   AND upto_ms < (SELECT max(newest.upto_ms)
                    FROM playout_states AS newest
                   WHERE newest.channel_id = playout_states.channel_id)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_paged;

    #[tokio::test]
    async fn checkpoints_are_read_by_index() {
        assert_paged(MEMORY, "(channel_id=? AND upto_ms<?)").await;
        assert_paged(CHECKPOINT, "(channel_id=? AND upto_ms<?)").await;
        assert_paged(FIRST_FALLBACK, "(channel_id=? AND upto_ms>?)").await;
    }
}
