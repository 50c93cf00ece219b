//! What was aired, and what went wrong.
//!
//! Does: keep the as-run log and the incidents, read both, forget what is old.
//! Does not: decide what belongs together; the feed does.
//! Invariant: the rows of a channel never overlap: what is written last is what viewers saw last.

use chrono::{DateTime, Utc};
use exstreamtv_model::{AiredRow, ChannelId, ChannelIncident};

use serde_json::Value;

use crate::{
    StoreError,
    access::Access,
    cell::{RowOf, read_error, to_json},
};

mod row;

use row::{AIRED, AiredCells, INCIDENTS, IncidentCells};

/// The as-run log and the incidents.
#[derive(Debug, Clone)]
pub struct Chronicle {
    connections: Access,
}

/// An incident and its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedIncident {
    /// Identity, growing with time.
    pub id: i64,
    /// What happened.
    pub incident: ChannelIncident,
}

impl Chronicle {
    pub(crate) fn new(connections: Access) -> Self {
        Self { connections }
    }

    /// Writes a stretch, or makes one that grows longer. Whatever it overlaps was sent before and is cut: a feed that starts anew after a
    /// crash begins some seconds before the moment.
    ///
    /// # Errors
    /// `NoSuch` if there is no such channel; fails when the database does.
    #[tracing::instrument(name = "db.chronicle.air", level = "debug", skip_all, fields(channel.id = %row.channel))]
    pub async fn air(&self, row: &AiredRow) -> Result<(), StoreError> {
        let act = "write the as-run log";
        let (channel, start_ms, stop_ms) = (row.channel.0, row.start.timestamp_millis(), row.stop.timestamp_millis());
        let mut transaction = self.connections.write().await?;
        for clearing in [CUT_WHAT_REACHES_IN, DROP_WHAT_LIES_WITHIN] {
            sqlx::query(clearing)
                .bind(channel)
                .bind(start_ms)
                .bind(stop_ms)
                .execute(&mut *transaction)
                .await
                .map_err(|error| StoreError::query(act, error))?;
        }
        sqlx::query(AIR)
            .bind(channel)
            .bind(start_ms)
            .bind(stop_ms)
            .bind(row::kind_name(row.kind))
            .bind(row.media.map(|media| media.0))
            .bind(row.in_point_ms)
            .bind(row.title.as_str())
            .bind(row.cause.map(|cause| cause.word()))
            .execute(&mut *transaction)
            .await
            .map_err(|error| StoreError::pointing(act, "channel", channel, error))?;
        transaction.commit().await.map_err(|error| StoreError::query(act, error))
    }

    /// Returns at most `limit` stretches that overlap `from..to`, in time order.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.chronicle.aired", level = "debug", skip_all, fields(channel.id = %channel))]
    pub async fn aired(
        &self,
        channel: ChannelId,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<AiredRow>, StoreError> {
        let rows: Vec<AiredCells> = sqlx::query_as(WINDOW)
            .bind(channel.0)
            .bind(from.timestamp_millis())
            .bind(to.timestamp_millis())
            .bind(limit)
            .fetch_all(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read the as-run log", AIRED, error))?;
        rows.into_iter().map(AiredRow::try_from).collect()
    }

    /// Writes an incident, or what is new about the one that began on its channel at its time.
    ///
    /// # Errors
    /// `NoSuch` if there is no such channel; fails when the database does.
    #[tracing::instrument(name = "db.chronicle.note", level = "debug", skip_all, fields(channel.id = %incident.channel))]
    pub async fn note(&self, incident: &ChannelIncident) -> Result<(), StoreError> {
        let act = "write an incident";
        let mut transaction = self.connections.write().await?;
        sqlx::query(NOTE)
            .bind(incident.channel.0)
            .bind(incident.cause.word())
            .bind(incident.began.timestamp_millis())
            .bind(incident.ended.map(|ended| ended.timestamp_millis()))
            .bind(incident.failures)
            .bind(incident.title.as_str())
            .bind(incident.detail.as_str())
            .execute(&mut *transaction)
            .await
            .map_err(|error| StoreError::pointing(act, "channel", incident.channel.0, error))?;
        transaction.commit().await.map_err(|error| StoreError::query(act, error))
    }

    /// Returns at most `limit` incidents with numbers below `before`, newest first, of one channel or of all.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.chronicle.incidents", level = "debug", skip_all)]
    pub async fn incidents(
        &self,
        channel: Option<ChannelId>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<NumberedIncident>, StoreError> {
        let rows: Vec<IncidentCells> = sqlx::query_as(LIST)
            .bind(channel.map(|channel| channel.0))
            .bind(before.unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read the incidents", INCIDENTS, error))?;
        rows.into_iter().map(NumberedIncident::try_from).collect()
    }

    /// Returns an incident, or `None` if there is none of this number.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.chronicle.incident", level = "debug", skip_all)]
    pub async fn incident(&self, id: i64) -> Result<Option<NumberedIncident>, StoreError> {
        let row: Option<IncidentCells> = sqlx::query_as(ONE)
            .bind(id)
            .fetch_optional(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read an incident", INCIDENTS, error))?;
        row.map(NumberedIncident::try_from).transpose()
    }

    /// Returns at most `limit` incidents that began within `from..to`, on whatever channels, in order of time.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.chronicle.incidents_within", level = "debug", skip_all)]
    pub async fn incidents_within(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<NumberedIncident>, StoreError> {
        let rows: Vec<IncidentCells> = sqlx::query_as(WITHIN)
            .bind(from.timestamp_millis())
            .bind(to.timestamp_millis())
            .bind(limit)
            .fetch_all(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read the incidents", INCIDENTS, error))?;
        rows.into_iter().map(NumberedIncident::try_from).collect()
    }

    /// Keeps what is known about the incident that began on a channel at a time; it goes with the incident.
    ///
    /// # Errors
    /// `NoSuch` if there is no such incident; fails when the database does.
    #[tracing::instrument(name = "db.chronicle.prove", level = "debug", skip_all, fields(channel.id = %channel))]
    pub async fn prove(&self, channel: ChannelId, began: DateTime<Utc>, evidence: &Value) -> Result<(), StoreError> {
        let act = "keep the evidence of an incident";
        let mut transaction = self.connections.write().await?;
        sqlx::query(PROVE)
            .bind(channel.0)
            .bind(began.timestamp_millis())
            .bind(to_json("evidence", evidence)?)
            .execute(&mut *transaction)
            .await
            .map_err(|error| StoreError::pointing(act, "incident of the channel", channel.0, error))?;
        transaction.commit().await.map_err(|error| StoreError::query(act, error))
    }

    /// Returns what is kept about the incident that began on a channel at a time.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.chronicle.proof", level = "debug", skip_all, fields(channel.id = %channel))]
    pub async fn proof(&self, channel: ChannelId, began: DateTime<Utc>) -> Result<Option<Value>, StoreError> {
        let row: Option<(String,)> = sqlx::query_as(PROOF)
            .bind(channel.0)
            .bind(began.timestamp_millis())
            .fetch_optional(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read the evidence of an incident", EVIDENCE, error))?;
        let at = RowOf { table: EVIDENCE, id: channel.0 };
        row.map(|(document,)| at.json("document", &document)).transpose()
    }

    /// Ends every incident that is open: the host that saw them begin is gone, and nobody watches any more. Returns how many there were.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.chronicle.end_all", level = "debug", skip_all)]
    pub async fn end_all(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        self.change("end the open incidents", END_ALL, now).await
    }

    /// Forgets what was over before `horizon`.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.chronicle.forget", level = "debug", skip_all)]
    pub async fn forget(&self, horizon: DateTime<Utc>) -> Result<u64, StoreError> {
        let aired = self.change("forget old rows of the as-run log", FORGET_AIRED, horizon).await?;
        Ok(aired + self.change("forget old incidents", FORGET_INCIDENTS, horizon).await?)
    }

    async fn change(&self, act: &'static str, statement: &'static str, at: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut transaction = self.connections.write().await?;
        let done = sqlx::query(statement).bind(at.timestamp_millis()).execute(&mut *transaction).await;
        let rows = done.map_err(|error| StoreError::query(act, error))?.rows_affected();
        transaction.commit().await.map_err(|error| StoreError::query(act, error))?;
        Ok(rows)
    }
}

/// ?3 is bound for all three statements alike.
const CUT_WHAT_REACHES_IN: &str = "
UPDATE as_run
   SET stop_ms = ?2
 WHERE channel_id = ?1 AND start_ms < ?2 AND stop_ms > ?2 AND ?3 > ?2";

const DROP_WHAT_LIES_WITHIN: &str = "
DELETE FROM as_run
 WHERE channel_id = ?1 AND start_ms > ?2 AND start_ms < ?3";

const AIR: &str = "
INSERT INTO as_run (channel_id, start_ms, stop_ms, kind, media_id, in_point_ms, title, cause)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT (channel_id, start_ms) DO UPDATE
   SET stop_ms = excluded.stop_ms, kind = excluded.kind, media_id = excluded.media_id,
       in_point_ms = excluded.in_point_ms, title = excluded.title, cause = excluded.cause";

const WINDOW: &str = "
SELECT channel_id, start_ms, stop_ms, kind, media_id, in_point_ms, title, cause
  FROM as_run
 WHERE channel_id = ?1 AND stop_ms > ?2 AND start_ms < ?3
 ORDER BY start_ms
 LIMIT ?4";

const NOTE: &str = "
INSERT INTO incidents (channel_id, cause, began_ms, ended_ms, failures, title, detail)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (channel_id, began_ms) DO UPDATE
   SET cause = excluded.cause, ended_ms = excluded.ended_ms, failures = excluded.failures,
       title = excluded.title, detail = excluded.detail";

const LIST: &str = "
SELECT id, channel_id, cause, began_ms, ended_ms, failures, title, detail
  FROM incidents
 WHERE (?1 IS NULL OR channel_id = ?1) AND id < ?2
 ORDER BY id DESC
 LIMIT ?3";

const ONE: &str = "
SELECT id, channel_id, cause, began_ms, ended_ms, failures, title, detail
  FROM incidents
 WHERE id = ?1";

const WITHIN: &str = "
SELECT id, channel_id, cause, began_ms, ended_ms, failures, title, detail
  FROM incidents
 WHERE began_ms >= ?1 AND began_ms < ?2
 ORDER BY began_ms, id
 LIMIT ?3";

const EVIDENCE: &str = "incident_evidence";

const PROVE: &str = "
INSERT INTO incident_evidence (channel_id, began_ms, document)
VALUES (?1, ?2, ?3)
    ON CONFLICT (channel_id, began_ms) DO UPDATE
   SET document = excluded.document";

const PROOF: &str = "SELECT document FROM incident_evidence WHERE channel_id = ?1 AND began_ms = ?2";

const END_ALL: &str = "UPDATE incidents SET ended_ms = max(began_ms, ?1) WHERE ended_ms IS NULL";

const FORGET_AIRED: &str = "DELETE FROM as_run WHERE stop_ms < ?1";

const FORGET_INCIDENTS: &str = "DELETE FROM incidents WHERE ended_ms < ?1";
