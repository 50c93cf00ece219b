//! What the healer did and learnt, and what it asks people.
//!
//! Does: keep posteriors, questions and resolutions over restarts, read them, forget what is old.
//! Does not: know what is in a document; whoever wrote it reads it.
//! Invariant: an id is never used twice, neither for a question nor for a resolution.

use exstreamtv_model::ChannelId;
use serde_json::Value;

use crate::{
    StoreError,
    access::Access,
    cell::{RowOf, read_error, to_json},
};

/// The healer's memory.
#[derive(Debug, Clone)]
pub struct Healing {
    connections: Access,
}

/// What came of a deed under some circumstances.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct PosteriorRow {
    /// What was wrong.
    pub issue: String,
    /// What was done.
    pub deed: String,
    /// The circumstances in one word.
    pub context: String,
    /// What the successes weigh.
    pub helped: f64,
    /// What the failures weigh.
    pub failed: f64,
    /// How often it was tried.
    pub tries: i64,
    /// How often it helped.
    pub successes: i64,
    /// When it was tried last, Unix milliseconds.
    pub at_ms: i64,
}

/// A question to a person.
#[derive(Debug, Clone, PartialEq)]
pub struct ApprovalRow {
    /// Its id.
    pub id: i64,
    /// How it stands, in one word.
    pub state: String,
    /// When it was asked, Unix milliseconds.
    pub asked_ms: i64,
    /// The whole question.
    pub document: Value,
}

/// What was done about an issue.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolutionRow {
    /// Its id.
    pub id: i64,
    /// On which channel; it may be gone.
    pub channel: Option<ChannelId>,
    /// Whether nobody was asked.
    pub automatic: bool,
    /// What came of it, in one word.
    pub outcome: String,
    /// When it was begun, Unix milliseconds.
    pub began_ms: i64,
    /// When it was over.
    pub ended_ms: i64,
    /// The whole of it.
    pub document: Value,
}

impl Healing {
    pub(crate) fn new(connections: Access) -> Self {
        Self { connections }
    }

    /// Returns everything that was learnt.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.healing.posteriors", level = "debug", skip_all)]
    pub async fn posteriors(&self) -> Result<Vec<PosteriorRow>, StoreError> {
        sqlx::query_as(POSTERIORS)
            .fetch_all(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read what was learnt", "healing_posteriors", error))
    }

    /// Keeps what was learnt of one deed, in place of what was known of it.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.healing.learn", level = "debug", skip_all)]
    pub async fn learn(&self, row: &PosteriorRow) -> Result<(), StoreError> {
        let act = "save what was learnt";
        let mut transaction = self.connections.write().await?;
        sqlx::query(LEARN)
            .bind(row.issue.as_str())
            .bind(row.deed.as_str())
            .bind(row.context.as_str())
            .bind(row.helped)
            .bind(row.failed)
            .bind(row.tries)
            .bind(row.successes)
            .bind(row.at_ms)
            .execute(&mut *transaction)
            .await
            .map_err(|error| StoreError::query(act, error))?;
        transaction.commit().await.map_err(|error| StoreError::query(act, error))
    }

    /// Forgets everything that was learnt; returns how much that was.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.healing.unlearn", level = "debug", skip_all)]
    pub async fn unlearn(&self) -> Result<u64, StoreError> {
        let act = "forget what was learnt";
        let mut transaction = self.connections.write().await?;
        let done = sqlx::query(UNLEARN).execute(&mut *transaction).await;
        let done = done.map_err(|error| StoreError::query(act, error))?;
        transaction.commit().await.map_err(|error| StoreError::query(act, error))?;
        Ok(done.rows_affected())
    }

    /// Keeps a question, as it stands now.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.healing.ask", level = "debug", skip_all)]
    pub async fn ask(&self, row: &ApprovalRow) -> Result<(), StoreError> {
        let act = "save a question";
        let document = to_json("a question", &row.document)?;
        let mut transaction = self.connections.write().await?;
        sqlx::query(ASK)
            .bind(row.id)
            .bind(row.state.as_str())
            .bind(row.asked_ms)
            .bind(document)
            .execute(&mut *transaction)
            .await
            .map_err(|error| StoreError::query(act, error))?;
        transaction.commit().await.map_err(|error| StoreError::query(act, error))
    }

    /// Returns at most `limit` questions with ids below `before`, the newest first; of one state or of all.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.healing.approvals", level = "debug", skip_all)]
    pub async fn approvals(
        &self,
        state: Option<&str>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<ApprovalRow>, StoreError> {
        let rows: Vec<(i64, String, i64, String)> = sqlx::query_as(APPROVALS)
            .bind(state)
            .bind(before.unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read the questions", "healing_approvals", error))?;
        let row = |(id, state, asked_ms, text): (i64, String, i64, String)| {
            let document = RowOf { table: "healing_approvals", id }.json("document", &text)?;
            Ok(ApprovalRow { id, state, asked_ms, document })
        };
        rows.into_iter().map(row).collect()
    }

    /// Keeps what was done.
    ///
    /// # Errors
    /// Fails when the database does, or where the id was used.
    #[tracing::instrument(name = "db.healing.resolve", level = "debug", skip_all)]
    pub async fn resolve(&self, row: &ResolutionRow) -> Result<(), StoreError> {
        let act = "save what was done";
        let document = to_json("what was done", &row.document)?;
        let mut transaction = self.connections.write().await?;
        sqlx::query(RESOLVE)
            .bind(row.id)
            .bind(row.channel.map(|channel| channel.0))
            .bind(row.automatic)
            .bind(row.outcome.as_str())
            .bind(row.began_ms)
            .bind(row.ended_ms.max(row.began_ms))
            .bind(document)
            .execute(&mut *transaction)
            .await
            .map_err(|error| StoreError::query(act, error))?;
        transaction.commit().await.map_err(|error| StoreError::query(act, error))
    }

    /// Returns at most `limit` resolutions with ids below `before`, the newest first; of one channel or of all.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.healing.resolutions", level = "debug", skip_all)]
    pub async fn resolutions(
        &self,
        channel: Option<ChannelId>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<ResolutionRow>, StoreError> {
        let rows: Vec<ResolutionCells> = sqlx::query_as(RESOLUTIONS)
            .bind(channel.map(|channel| channel.0))
            .bind(before.unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read what was done", "healing_resolutions", error))?;
        rows.into_iter().map(ResolutionRow::try_from).collect()
    }

    /// Returns the last id that was given to anything.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.healing.last_id", level = "debug", skip_all)]
    pub async fn last_id(&self) -> Result<i64, StoreError> {
        sqlx::query_scalar(LAST_ID)
            .fetch_one(&mut *self.connections.read().await?)
            .await
            .map_err(|error| StoreError::query("read the last id of the healer", error))
    }

    /// Forgets what was done, and questions that are answered, from before `horizon_ms`. What was learnt stays.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.healing.forget", level = "debug", skip_all)]
    pub async fn forget(&self, horizon_ms: i64) -> Result<u64, StoreError> {
        let act = "forget what was done long ago";
        let mut transaction = self.connections.write().await?;
        let mut gone = 0;
        for clearing in [FORGET_RESOLUTIONS, FORGET_APPROVALS] {
            let done = sqlx::query(clearing).bind(horizon_ms).execute(&mut *transaction).await;
            gone += done.map_err(|error| StoreError::query(act, error))?.rows_affected();
        }
        transaction.commit().await.map_err(|error| StoreError::query(act, error))?;
        Ok(gone)
    }
}

#[derive(sqlx::FromRow)]
struct ResolutionCells {
    id: i64,
    channel_id: Option<i64>,
    automatic: bool,
    outcome: String,
    began_ms: i64,
    ended_ms: i64,
    document: String,
}

impl TryFrom<ResolutionCells> for ResolutionRow {
    type Error = StoreError;

    fn try_from(cells: ResolutionCells) -> Result<Self, StoreError> {
        let at = RowOf { table: "healing_resolutions", id: cells.id };
        Ok(Self {
            id: cells.id,
            channel: cells.channel_id.map(ChannelId),
            automatic: cells.automatic,
            outcome: cells.outcome,
            began_ms: cells.began_ms,
            ended_ms: cells.ended_ms,
            document: at.json("document", &cells.document)?,
        })
    }
}

const POSTERIORS: &str = "
SELECT issue, deed, context, helped, failed, tries, successes, at_ms
  FROM healing_posteriors
 ORDER BY issue, deed, context";

const LEARN: &str = "
INSERT INTO healing_posteriors (issue, deed, context, helped, failed, tries, successes, at_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT (issue, deed, context) DO UPDATE
   SET helped = excluded.helped, failed = excluded.failed, tries = excluded.tries, successes = excluded.successes,
       at_ms = excluded.at_ms";

const UNLEARN: &str = "DELETE FROM healing_posteriors";

const ASK: &str = "
INSERT INTO healing_approvals (id, state, asked_ms, document)
VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (id) DO UPDATE
   SET state = excluded.state, document = excluded.document";

const APPROVALS: &str = "
SELECT id, state, asked_ms, document
  FROM healing_approvals
 WHERE (?1 IS NULL OR state = ?1) AND id < ?2
 ORDER BY id DESC
 LIMIT ?3";

const RESOLVE: &str = "
INSERT INTO healing_resolutions (id, channel_id, automatic, outcome, began_ms, ended_ms, document)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

const RESOLUTIONS: &str = "
SELECT id, channel_id, automatic, outcome, began_ms, ended_ms, document
  FROM healing_resolutions
 WHERE (?1 IS NULL OR channel_id = ?1) AND id < ?2
 ORDER BY id DESC
 LIMIT ?3";

const LAST_ID: &str = "
SELECT max(coalesce((SELECT max(id) FROM healing_approvals), 0), coalesce((SELECT max(id) FROM healing_resolutions), 0))";

const FORGET_RESOLUTIONS: &str = "DELETE FROM healing_resolutions WHERE ended_ms < ?1";

const FORGET_APPROVALS: &str = "
DELETE FROM healing_approvals
 WHERE asked_ms < ?1 AND state NOT IN ('pending', 'approved')";
