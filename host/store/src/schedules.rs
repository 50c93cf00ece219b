//! Schedules that come into force later.
//!
//! Does: keep what a channel's schedule will be from a chosen time on, and put it in force when the time has come.
//! Does not: plan; the rows behind that time are the planner's.
//! Invariant: a new schedule, now or later, takes the place of every one that was still waiting.

use chrono::{DateTime, Utc};
use exstreamtv_model::{ChannelId, Schedule};
use sqlx::SqliteConnection;

use crate::{
    StoreError,
    access::Access,
    cell::{RowOf, read_error, to_json},
};

/// The schedules that wait.
#[derive(Debug, Clone)]
pub struct Schedules {
    connections: Access,
}

/// A schedule that comes into force later.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingSchedule {
    /// From when on.
    pub from: DateTime<Utc>,
    /// The schedule; `None` gives the plain order of the channel's collection back.
    pub schedule: Option<Schedule>,
}

impl Schedules {
    pub(crate) fn new(connections: Access) -> Self {
        Self { connections }
    }

    /// Returns the schedule that waits for a channel.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.schedule.waiting", level = "debug", skip_all, fields(channel.id = %channel))]
    pub async fn waiting(&self, channel: ChannelId) -> Result<Option<WaitingSchedule>, StoreError> {
        let row: Option<(i64, String)> = sqlx::query_as(WAITING)
            .bind(channel.0)
            .fetch_optional(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read the waiting schedule", TABLE, error))?;
        let at = RowOf { table: TABLE, id: channel.0 };
        let waiting = |(from_ms, schedule): (i64, String)| {
            Ok(WaitingSchedule { from: at.instant("from_ms", from_ms)?, schedule: at.json("schedule", &schedule)? })
        };
        row.map(waiting).transpose()
    }

    /// Gives a channel a schedule, at once or from a time on; returns false if there is no such channel.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.schedule.set", level = "debug", skip_all, fields(channel.id = %channel))]
    pub async fn set(
        &self,
        channel: ChannelId,
        schedule: Option<&Schedule>,
        from: Option<DateTime<Utc>>,
    ) -> Result<bool, StoreError> {
        let failed = |error| StoreError::query(SET, error);
        let mut transaction = self.connections.write().await?;
        sqlx::query(FORGET).bind(channel.0).execute(&mut *transaction).await.map_err(failed)?;
        let known = match from {
            None => put_in_force(&mut transaction, channel, schedule).await?,
            Some(from) => {
                let inserted = sqlx::query(INSERT)
                    .bind(channel.0)
                    .bind(from.timestamp_millis())
                    .bind(to_json("the channel's schedule", &schedule)?)
                    .execute(&mut *transaction)
                    .await;
                inserted.map_err(failed)?.rows_affected() > 0
            }
        };
        transaction.commit().await.map_err(failed)?;
        Ok(known)
    }

    /// Puts in force whatever should be at `now`, and returns whose schedule that was.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.schedule.settle", level = "debug", skip_all)]
    pub async fn settle(&self, now: DateTime<Utc>) -> Result<Vec<ChannelId>, StoreError> {
        let failed = |error| StoreError::query(SET, error);
        if self.next().await?.is_none_or(|next| next > now) {
            return Ok(Vec::new());
        }
        let mut transaction = self.connections.write().await?;
        let due: Vec<(i64, String)> = sqlx::query_as(DUE)
            .bind(now.timestamp_millis())
            .fetch_all(&mut *transaction)
            .await
            .map_err(|error| read_error(SET, TABLE, error))?;
        for (channel, schedule) in &due {
            let at = RowOf { table: TABLE, id: *channel };
            let schedule: Option<Schedule> = at.json("schedule", schedule)?;
            put_in_force(&mut transaction, ChannelId(*channel), schedule.as_ref()).await?;
            sqlx::query(FORGET).bind(channel).execute(&mut *transaction).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(due.into_iter().map(|(channel, _)| ChannelId(channel)).collect())
    }

    /// Returns when the next waiting schedule of any channel comes into force.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.schedule.next", level = "debug", skip_all)]
    pub async fn next(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row: Option<(i64, i64)> = sqlx::query_as(NEXT)
            .fetch_optional(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read the waiting schedules", TABLE, error))?;
        row.map(|(channel, from_ms)| RowOf { table: TABLE, id: channel }.instant("from_ms", from_ms)).transpose()
    }
}

async fn put_in_force(
    connection: &mut SqliteConnection,
    channel: ChannelId,
    schedule: Option<&Schedule>,
) -> Result<bool, StoreError> {
    let text = schedule.map(|schedule| to_json("the channel's schedule", schedule)).transpose()?;
    let updated = sqlx::query(PUT_IN_FORCE).bind(channel.0).bind(text).execute(&mut *connection).await;
    Ok(updated.map_err(|error| StoreError::query(SET, error))?.rows_affected() > 0)
}

const TABLE: &str = "channel_schedules";

const SET: &str = "set the channel's schedule";

const WAITING: &str = "
SELECT from_ms, schedule
  FROM channel_schedules
 WHERE channel_id = ?1
 ORDER BY from_ms
 LIMIT 1";

const FORGET: &str = "
DELETE FROM channel_schedules
 WHERE channel_id = ?1";

// Nothing is inserted for a channel that is not there.
const INSERT: &str = "
INSERT INTO channel_schedules (channel_id, from_ms, schedule)
SELECT id, ?2, ?3 FROM channels WHERE id = ?1";

const PUT_IN_FORCE: &str = "
UPDATE channels
   SET schedule = ?2
 WHERE id = ?1";

const DUE: &str = "
SELECT channel_id, schedule
  FROM channel_schedules
 WHERE from_ms <= ?1
 ORDER BY from_ms";

const NEXT: &str = "
SELECT channel_id, from_ms
  FROM channel_schedules
 ORDER BY from_ms
 LIMIT 1";
