//! What was learnt about what precedes incidents.
//!
//! Does: keep kinds of lines, windows and patterns; write what changed in one transaction; read everything; forget everything.
//! Does not: know what a pattern is: its document is whole JSON of whoever learns.
//! Invariants: numbers in windows and patterns are those of templates written with or before them; of a channel at most so many windows of a kind are
//! kept as the writer wants.

use chrono::{DateTime, Utc};
use exstreamtv_model::ChannelId;
use serde_json::Value;

use crate::{
    StoreError,
    access::Access,
    cell::{RowOf, read_error, to_json},
    connections::Change,
};

/// What was learnt.
#[derive(Debug, Clone)]
pub struct Learning {
    connections: Access,
}

/// A kind of line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateRow {
    /// Identity.
    pub id: i64,
    /// Who says it.
    pub source: String,
    /// How serious it was at worst.
    pub level: String,
    /// What it says.
    pub text: String,
    /// How often it was said.
    pub count: u64,
    /// When it was said first.
    pub first: DateTime<Utc>,
    /// When it was said last.
    pub last: DateTime<Utc>,
}

/// A stretch of a channel's time.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowRow {
    /// Whose.
    pub channel: ChannelId,
    /// Where it ends.
    pub at: DateTime<Utc>,
    /// Whether an incident came after it.
    pub before_incident: bool,
    /// For how many stretches it stands.
    pub weight: u32,
    /// What was heard.
    pub items: Value,
}

/// A pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct PatternRow {
    /// Identity.
    pub id: i64,
    /// What is thought of it.
    pub standing: String,
    /// All of it.
    pub document: Value,
}

/// Everything, or what changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LearningRows {
    /// How often sequences were looked for.
    pub looks: u32,
    /// The highest number that a template was ever given.
    pub last_template: i64,
    /// Kinds of lines.
    pub templates: Vec<TemplateRow>,
    /// Windows, the oldest first.
    pub windows: Vec<WindowRow>,
    /// Patterns.
    pub patterns: Vec<PatternRow>,
}

/// What goes with what changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Going {
    /// Only these templates stay.
    pub templates_that_stay: Vec<i64>,
    /// These patterns go.
    pub patterns: Vec<i64>,
    /// So many windows of a kind stay of each channel, the newest.
    pub windows_of_channel: u32,
    /// So many windows stay in all.
    pub windows: u32,
}

impl Learning {
    pub(crate) fn new(connections: Access) -> Self {
        Self { connections }
    }

    /// Returns everything that was learnt.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.learning.read", level = "debug", skip_all)]
    pub async fn read(&self) -> Result<LearningRows, StoreError> {
        let act = "read what was learnt";
        let mut connection = self.connections.read().await?;
        let (looks, last_template): (i64, i64) =
            sqlx::query_as(STATE).fetch_one(&mut *connection).await.map_err(|error| read_error(act, STATES, error))?;
        let templates: Vec<TemplateCells> = sqlx::query_as(ALL_TEMPLATES)
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| read_error(act, TEMPLATES, error))?;
        let windows: Vec<WindowCells> = sqlx::query_as(ALL_WINDOWS)
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| read_error(act, WINDOWS, error))?;
        let patterns: Vec<(i64, String, String)> = sqlx::query_as(ALL_PATTERNS)
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| read_error(act, PATTERNS, error))?;
        Ok(LearningRows {
            looks: RowOf { table: STATES, id: 1 }.integer("looks", looks)?,
            last_template,
            templates: templates.into_iter().map(template).collect::<Result<_, _>>()?,
            windows: windows.into_iter().map(window).collect::<Result<_, _>>()?,
            patterns: patterns.into_iter().map(pattern).collect::<Result<_, _>>()?,
        })
    }

    /// Writes what changed and forgets what goes, all at once.
    ///
    /// # Errors
    /// Fails when the database does; then nothing was written.
    #[tracing::instrument(name = "db.learning.write", level = "debug", skip_all)]
    pub async fn write(&self, changed: &LearningRows, going: &Going) -> Result<(), StoreError> {
        let act = "write what was learnt";
        let mut transaction = self.connections.write().await?;
        let failed = |error| StoreError::query(act, error);
        for template in &changed.templates {
            sqlx::query(PUT_TEMPLATE)
                .bind(template.id)
                .bind(template.source.as_str())
                .bind(template.level.as_str())
                .bind(template.text.as_str())
                .bind(i64::try_from(template.count).unwrap_or(i64::MAX))
                .bind(template.first.timestamp_millis())
                .bind(template.last.timestamp_millis())
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        for window in &changed.windows {
            sqlx::query(ADD_WINDOW)
                .bind(window.channel.0)
                .bind(window.at.timestamp_millis())
                .bind(window.before_incident)
                .bind(window.weight)
                .bind(to_json("a window", &window.items)?)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        for pattern in &changed.patterns {
            sqlx::query(PUT_PATTERN)
                .bind(pattern.id)
                .bind(pattern.standing.as_str())
                .bind(to_json("a learnt pattern", &pattern.document)?)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        put_state(&mut transaction, changed.looks, changed.last_template).await.map_err(failed)?;
        forget(&mut transaction, going).await?;
        transaction.commit().await.map_err(failed)
    }

    /// Forgets windows and patterns; templates stay, because logs name them.
    ///
    /// # Errors
    /// Fails when the database does; then nothing was forgotten.
    #[tracing::instrument(name = "db.learning.reset", level = "debug", skip_all)]
    pub async fn reset(&self) -> Result<(), StoreError> {
        let failed = |error| StoreError::query("forget what was learnt", error);
        let mut transaction = self.connections.write().await?;
        for statement in [
            "DELETE FROM learning_windows",
            "DELETE FROM learnt_patterns",
            "UPDATE learning_state SET looks = 0 WHERE id = 1",
        ] {
            sqlx::query(statement).execute(&mut *transaction).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }
}

async fn put_state(transaction: &mut Change, looks: u32, last_template: i64) -> Result<(), sqlx::Error> {
    sqlx::query(PUT_STATE).bind(looks).bind(last_template).execute(&mut **transaction).await.map(drop)
}

async fn forget(transaction: &mut Change, going: &Going) -> Result<(), StoreError> {
    let failed = |error| StoreError::query("forget what was learnt long ago", error);
    let stay = to_json("templates", &going.templates_that_stay)?;
    let patterns = to_json("patterns", &going.patterns)?;
    sqlx::query(FORGET_TEMPLATES).bind(stay).execute(&mut **transaction).await.map_err(failed)?;
    sqlx::query(FORGET_PATTERNS).bind(patterns).execute(&mut **transaction).await.map_err(failed)?;
    sqlx::query(FORGET_OF_CHANNEL).bind(going.windows_of_channel).execute(&mut **transaction).await.map_err(failed)?;
    sqlx::query(FORGET_WINDOWS).bind(going.windows).execute(&mut **transaction).await.map_err(failed)?;
    Ok(())
}

type TemplateCells = (i64, String, String, String, i64, i64, i64);
type WindowCells = (i64, i64, i64, bool, i64, String);

fn template((id, source, level, text, count, first, last): TemplateCells) -> Result<TemplateRow, StoreError> {
    let at = RowOf { table: TEMPLATES, id };
    let (first, last) = (at.instant("first_ms", first)?, at.instant("last_ms", last)?);
    Ok(TemplateRow { id, source, level, text, count: at.integer("count", count)?, first, last })
}

fn window((id, channel, at_ms, before_incident, weight, items): WindowCells) -> Result<WindowRow, StoreError> {
    let at = RowOf { table: WINDOWS, id };
    Ok(WindowRow {
        channel: ChannelId(channel),
        at: at.instant("at_ms", at_ms)?,
        before_incident,
        weight: at.integer("weight", weight)?,
        items: at.json("items", &items)?,
    })
}

fn pattern((id, standing, document): (i64, String, String)) -> Result<PatternRow, StoreError> {
    let document = RowOf { table: PATTERNS, id }.json("document", &document)?;
    Ok(PatternRow { id, standing, document })
}

const STATES: &str = "learning_state";
const TEMPLATES: &str = "log_templates";
const WINDOWS: &str = "learning_windows";
const PATTERNS: &str = "learnt_patterns";

const STATE: &str = "SELECT looks, last_template FROM learning_state WHERE id = 1";

const ALL_TEMPLATES: &str = "
SELECT id, source, level, text, count, first_ms, last_ms
  FROM log_templates
 ORDER BY last_ms, id";

const ALL_WINDOWS: &str = "
SELECT id, channel_id, at_ms, before_incident, weight, items
  FROM learning_windows
 ORDER BY id";

const ALL_PATTERNS: &str = "SELECT id, standing, document FROM learnt_patterns ORDER BY id";

const PUT_STATE: &str = "UPDATE learning_state SET looks = ?1, last_template = ?2 WHERE id = 1";

const PUT_TEMPLATE: &str = "
INSERT INTO log_templates (id, source, level, text, count, first_ms, last_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (id) DO UPDATE
   SET source = excluded.source, level = excluded.level, text = excluded.text, count = excluded.count,
       first_ms = excluded.first_ms, last_ms = excluded.last_ms";

const ADD_WINDOW: &str = "
INSERT INTO learning_windows (channel_id, at_ms, before_incident, weight, items)
VALUES (?1, ?2, ?3, ?4, ?5)";

const PUT_PATTERN: &str = "
INSERT INTO learnt_patterns (id, standing, document)
VALUES (?1, ?2, ?3)
    ON CONFLICT (id) DO UPDATE
   SET standing = excluded.standing, document = excluded.document";

const FORGET_TEMPLATES: &str = "DELETE FROM log_templates WHERE id NOT IN (SELECT value FROM json_each(?1))";

const FORGET_PATTERNS: &str = "DELETE FROM learnt_patterns WHERE id IN (SELECT value FROM json_each(?1))";

const FORGET_OF_CHANNEL: &str = "
DELETE FROM learning_windows
 WHERE id IN (SELECT id
                FROM (SELECT id,
                             row_number() OVER (PARTITION BY channel_id, before_incident ORDER BY id DESC) AS age
                        FROM learning_windows)
               WHERE age > ?1)";

const FORGET_WINDOWS: &str = "
DELETE FROM learning_windows
 WHERE id NOT IN (SELECT id FROM learning_windows ORDER BY id DESC LIMIT ?1)";
