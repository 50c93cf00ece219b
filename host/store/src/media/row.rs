//! The row of one media file.
//!
//! Does: write a scanned file as columns and read a row as a media item.
//! Does not: run statements.
//! Invariant: the columns made for queries say the same as the documents beside them.

use chrono::{DateTime, Datelike, Utc};
use exstreamtv_model::{MediaId, MediaItem, MediaProbe, MediaState, Metadata};
use sqlx::{Sqlite, query::QueryScalar, sqlite::SqliteArguments};

use super::{KnownFile, MediaIdentity, ScannedMedia};
use crate::{
    StoreError,
    cell::{RowOf, fold, path_bytes, path_from, to_json, to_name},
};

pub(crate) const TABLE: &str = "media";

/// A row as it is read.
#[derive(sqlx::FromRow)]
pub(crate) struct MediaRow {
    id: i64,
    path: Vec<u8>,
    size_bytes: i64,
    mtime_ms: i64,
    state: String,
    reason: Option<String>,
    probe: Option<String>,
    metadata: String,
    artwork: Option<Vec<u8>>,
}

impl TryFrom<MediaRow> for MediaItem {
    type Error = StoreError;

    fn try_from(row: MediaRow) -> Result<Self, StoreError> {
        let at = RowOf { table: TABLE, id: row.id };
        let state = match row.state.as_str() {
            "ready" => MediaState::Ready,
            "broken" => MediaState::Broken { reason: row.reason.unwrap_or_default() },
            "missing" => MediaState::Missing,
            other => return Err(at.bad("state", format!("{other:?} is no state of a media file"))),
        };
        let metadata: Metadata = at.json("metadata", &row.metadata)?;
        Ok(Self {
            id: MediaId(row.id),
            path: path_from(row.path),
            size_bytes: row.size_bytes.cast_unsigned(),
            mtime_ms: row.mtime_ms,
            state,
            probe: row.probe.map(|probe| at.json("probe", &probe)).transpose()?,
            metadata: Metadata { artwork: row.artwork.map(path_from), ..metadata },
        })
    }
}

/// The few columns that a scan compares.
#[derive(sqlx::FromRow)]
pub(super) struct KnownRow {
    id: i64,
    path: Vec<u8>,
    size_bytes: i64,
    mtime_ms: i64,
    missing: bool,
}

impl From<KnownRow> for KnownFile {
    fn from(row: KnownRow) -> Self {
        let KnownRow { id, path, size_bytes, mtime_ms, missing } = row;
        Self { id: MediaId(id), path: path_from(path), size_bytes: size_bytes.cast_unsigned(), mtime_ms, missing }
    }
}

/// The columns that a file is known by.
#[derive(sqlx::FromRow)]
pub(super) struct IdentityRow {
    id: i64,
    path: Vec<u8>,
    title: String,
    show: Option<String>,
    season: Option<i64>,
    episode: Option<i64>,
    year: Option<i64>,
    external_ids: Option<String>,
}

impl TryFrom<IdentityRow> for MediaIdentity {
    type Error = StoreError;

    fn try_from(row: IdentityRow) -> Result<Self, StoreError> {
        let at = RowOf { table: TABLE, id: row.id };
        Ok(Self {
            id: MediaId(row.id),
            path: path_from(row.path),
            title: row.title,
            show: row.show,
            season: row.season.map(|season| at.integer("season", season)).transpose()?,
            episode: row.episode.map(|episode| at.integer("episode", episode)).transpose()?,
            year: row.year.map(|year| at.integer("year", year)).transpose()?,
            external_ids: row.external_ids.map_or_else(|| Ok(Default::default()), |ids| at.json("metadata", &ids))?,
        })
    }
}

/// A row as it is written.
pub(super) struct ScannedRow<'a> {
    media: &'a ScannedMedia,
    scanned_ms: i64,
    state: &'static str,
    reason: Option<&'a str>,
    probe: Option<String>,
    metadata: String,
    kind: String,
    /// Where chapters begin, as a JSON array; absent without chapters.
    chapters: Option<String>,
    /// Folded genres as a JSON array.
    pub(super) genres: String,
}

impl<'a> ScannedRow<'a> {
    pub(super) fn new(media: &'a ScannedMedia, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let (state, reason) = match &media.state {
            MediaState::Ready => ("ready", None),
            MediaState::Broken { reason } => ("broken", Some(reason.as_str())),
            MediaState::Missing => ("missing", None),
        };
        // The artwork's path may be any bytes, which JSON cannot hold; it has its own column.
        let metadata = Metadata { artwork: None, ..media.metadata.clone() };
        let genres: Vec<String> = metadata.genres.iter().map(|genre| fold(genre)).collect();
        Ok(Self {
            media,
            scanned_ms: now.timestamp_millis(),
            state,
            reason,
            probe: media.probe.as_ref().map(|probe| to_json("what probing found", probe)).transpose()?,
            kind: to_name("the kind of media", &metadata.kind)?,
            chapters: chapters(media.probe.as_ref())?,
            metadata: to_json("the metadata", &metadata)?,
            genres: to_json("the genres", &genres)?,
        })
    }

    /// Returns the statement that saves the row and answers with its id.
    pub(super) fn upsert(&self) -> QueryScalar<'_, Sqlite, i64, SqliteArguments> {
        let metadata = &self.media.metadata;
        let year = metadata.year.or_else(|| metadata.aired.map(|date| date.year()));
        sqlx::query_scalar(UPSERT)
            .bind(path_bytes(&self.media.path))
            .bind(self.media.size_bytes.cast_signed())
            .bind(self.media.mtime_ms)
            .bind(self.state)
            .bind(self.reason)
            .bind(self.scanned_ms)
            .bind(self.probe.as_deref())
            .bind(self.metadata.as_str())
            .bind(metadata.artwork.as_deref().map(path_bytes))
            .bind(self.media.probe.as_ref().map(|probe| probe.duration_ms))
            .bind(self.kind.as_str())
            .bind(metadata.title.as_str())
            .bind(metadata.show.as_deref())
            .bind(metadata.season)
            .bind(metadata.episode)
            .bind(year)
            .bind(metadata.show.as_deref().map(fold))
            .bind(search_text(metadata))
            .bind(self.chapters.as_deref())
    }
}

fn chapters(probe: Option<&MediaProbe>) -> Result<Option<String>, StoreError> {
    let starts_ms: Vec<i64> = probe.iter().flat_map(|probe| &probe.chapters).map(|chapter| chapter.start_ms).collect();
    (!starts_ms.is_empty()).then(|| to_json("the chapters", &starts_ms)).transpose()
}

/// Returns the text in which searches look. The line break keeps a search from matching across both parts.
fn search_text(metadata: &Metadata) -> String {
    fold(&format!("{}\n{}", metadata.title, metadata.show.as_deref().unwrap_or_default()))
}

const UPSERT: &str = "
INSERT INTO media (path, size_bytes, mtime_ms, state, reason, scanned_ms, probe, metadata, artwork,
                   duration_ms, kind, title, show, season, episode, year, show_fold, search_fold, chapters)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
    ON CONFLICT (path) DO UPDATE
   SET size_bytes  = excluded.size_bytes,
       mtime_ms    = excluded.mtime_ms,
       state       = excluded.state,
       reason      = excluded.reason,
       scanned_ms  = excluded.scanned_ms,
       probe       = excluded.probe,
       metadata    = excluded.metadata,
       artwork     = excluded.artwork,
       duration_ms = excluded.duration_ms,
       kind        = excluded.kind,
       title       = excluded.title,
       show        = excluded.show,
       season      = excluded.season,
       episode     = excluded.episode,
       year        = excluded.year,
       show_fold   = excluded.show_fold,
       search_fold = excluded.search_fold,
       chapters    = excluded.chapters
RETURNING id";
