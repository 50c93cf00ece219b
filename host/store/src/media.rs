//! The library.
//!
//! Does: keep one row per file that was ever seen, and answer questions about them a page at a time.
//! Does not: look at the disk; the scanner tells it what is there.
//! Invariant: a path keeps its id for ever; rows are marked missing, never deleted.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use exstreamtv_model::{MediaId, MediaItem, MediaProbe, MediaState, Metadata};

use crate::{
    StoreError,
    access::Access,
    cell::{Subtree, fold, path_bytes, read_error},
};

mod row;

use row::{IdentityRow, KnownRow, ScannedRow};
pub(crate) use row::{MediaRow, TABLE};

/// The library.
#[derive(Debug, Clone)]
pub struct MediaRepo {
    connections: Access,
}

/// A file as a scan found it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScannedMedia {
    /// Absolute path; any bytes.
    pub path: PathBuf,
    /// Its size.
    pub size_bytes: u64,
    /// Its modification time, Unix milliseconds.
    pub mtime_ms: i64,
    /// Whether it can be scheduled: ready or broken.
    pub state: MediaState,
    /// What probing found.
    pub probe: Option<MediaProbe>,
    /// What its names and its sidecar say.
    pub metadata: Metadata,
}

/// A file as it was known, for a scan to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    /// Its identity.
    pub id: MediaId,
    /// Absolute path.
    pub path: PathBuf,
    /// Size when it was probed.
    pub size_bytes: u64,
    /// Modification time when it was probed, Unix milliseconds.
    pub mtime_ms: i64,
    /// Whether it had vanished.
    pub missing: bool,
}

/// What a file is known by, on this machine and on others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaIdentity {
    /// Its identity here.
    pub id: MediaId,
    /// Absolute path.
    pub path: PathBuf,
    /// Title of the film or of the episode.
    pub title: String,
    /// Title of the series.
    pub show: Option<String>,
    /// Season.
    pub season: Option<u32>,
    /// Episode in the season.
    pub episode: Option<u32>,
    /// Year of production.
    pub year: Option<i32>,
    /// Ids elsewhere: "imdb" -> "tt0133093".
    pub external_ids: BTreeMap<String, String>,
}

/// Which rows a page holds; an absent condition always holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MediaFilter {
    /// Only in this state.
    pub state: Option<MediaStateFilter>,
    /// Title or series holds this text, ignoring case.
    pub text: Option<String>,
}

/// A [`MediaState`] without its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaStateFilter {
    /// Playable.
    Ready,
    /// Listed with a reason.
    Broken,
    /// Vanished.
    Missing,
}

/// How many files are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MediaCounts {
    /// Playable.
    pub ready: u64,
    /// Listed with a reason.
    pub broken: u64,
    /// Vanished.
    pub missing: u64,
}

impl MediaRepo {
    pub(crate) fn new(connections: Access) -> Self {
        Self { connections }
    }

    /// Saves a file under its path, and returns its id: the old one if the path was known, missing or not.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.media.upsert", level = "debug", skip_all)]
    pub async fn upsert(&self, media: &ScannedMedia, now: DateTime<Utc>) -> Result<MediaId, StoreError> {
        let act = "save the media file";
        let row = ScannedRow::new(media, now)?;
        let mut transaction = self.connections.write().await?;
        let id: i64 = row.upsert().fetch_one(&mut *transaction).await.map_err(|error| StoreError::query(act, error))?;
        for statement in ["DELETE FROM media_genres WHERE media_id = ?1", INSERT_GENRES] {
            let saved = sqlx::query(statement).bind(id).bind(row.genres.as_str()).execute(&mut *transaction).await;
            saved.map_err(|error| StoreError::query(act, error))?;
        }
        transaction.commit().await.map_err(|error| StoreError::query(act, error))?;
        Ok(MediaId(id))
    }

    /// Returns one file.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    pub async fn find(&self, id: MediaId) -> Result<Option<MediaItem>, StoreError> {
        Ok(self.find_many(&[id]).await?.pop())
    }

    /// Returns the files with these ids, in the order of the ids; unknown ids are left out.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.media.find_many", level = "debug", skip_all, fields(ids = ids.len()))]
    pub async fn find_many(&self, ids: &[MediaId]) -> Result<Vec<MediaItem>, StoreError> {
        let rows: Vec<MediaRow> = sqlx::query_as(FIND_MANY)
            .bind(ids_json(ids))
            .fetch_all(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("find the media files", TABLE, error))?;
        let items = rows.into_iter().map(MediaItem::try_from);
        let found = items.map(|item| item.map(|item| (item.id, item))).collect::<Result<HashMap<_, _>, _>>()?;
        Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
    }

    /// Returns what up to `limit` files with ids above `after` are known by, by id; files that vanished are left out.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.media.identities", level = "debug", skip_all)]
    pub async fn identities(&self, after: MediaId, limit: u32) -> Result<Vec<MediaIdentity>, StoreError> {
        let rows: Vec<IdentityRow> = sqlx::query_as(IDENTITIES)
            .bind(after.0)
            .bind(limit)
            .fetch_all(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read what the media files are known by", TABLE, error))?;
        rows.into_iter().map(MediaIdentity::try_from).collect()
    }

    /// Returns other playable files with the same programme as `id`: the same episode, or the same film of the same year; at most
    /// `limit`, by id. A file without a name of its own has none.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.media.versions", level = "debug", skip_all, fields(media.id = %id))]
    pub async fn versions(&self, id: MediaId, limit: u32) -> Result<Vec<MediaItem>, StoreError> {
        let rows: Vec<MediaRow> = sqlx::query_as(VERSIONS)
            .bind(id.0)
            .bind(limit)
            .fetch_all(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("find other versions of a programme", TABLE, error))?;
        rows.into_iter().map(MediaItem::try_from).collect()
    }

    /// Returns up to `limit` files with ids above `after`, by id.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.media.page", level = "debug", skip_all)]
    pub async fn page(
        &self,
        after: Option<MediaId>,
        limit: u32,
        filter: &MediaFilter,
    ) -> Result<Vec<MediaItem>, StoreError> {
        let rows: Vec<MediaRow> = sqlx::query_as(if filter.state.is_some() { PAGE_OF_STATE } else { PAGE })
            .bind(after.map_or(i64::MIN, |id| id.0))
            .bind(limit)
            .bind(filter.text.as_deref().map(fold))
            .bind(filter.state.map(MediaStateFilter::name))
            .fetch_all(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("list the media files", TABLE, error))?;
        rows.into_iter().map(MediaItem::try_from).collect()
    }

    /// Returns up to `limit` files at or below `root` with paths behind `after`, by path.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.media.known_files", level = "debug", skip_all)]
    pub async fn known_files(
        &self,
        root: &Path,
        after: Option<&Path>,
        limit: u32,
    ) -> Result<Vec<KnownFile>, StoreError> {
        let failed = |error| read_error("list the known files", TABLE, error);
        let Subtree { root, from, before } = Subtree::of(root);
        let mut reader = self.connections.read().await?;
        // The root may be a file. Its path sorts before all that is below it.
        let first = sqlx::query_as(KNOWN_FILE).bind(root).bind(if after.is_none() { limit } else { 0 });
        let mut rows: Vec<KnownRow> = first.fetch_all(&mut *reader).await.map_err(failed)?;
        let left = limit - u32::try_from(rows.len()).unwrap_or(limit);
        let after = after.map(path_bytes).unwrap_or_default();
        let below = sqlx::query_as(KNOWN_FILES).bind(from.as_slice().max(after)).bind(before).bind(left);
        rows.extend(below.fetch_all(&mut *reader).await.map_err(failed)?);
        Ok(rows.into_iter().map(KnownFile::from).collect())
    }

    /// Marks files as vanished; they keep their rows.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.media.mark_missing", level = "debug", skip_all, fields(ids = ids.len()))]
    pub async fn mark_missing(&self, ids: &[MediaId]) -> Result<(), StoreError> {
        let act = "mark media files as missing";
        let mut transaction = self.connections.write().await?;
        let marked = sqlx::query(MARK_MISSING).bind(ids_json(ids)).execute(&mut *transaction).await;
        marked.map_err(|error| StoreError::query(act, error))?;
        transaction.commit().await.map_err(|error| StoreError::query(act, error))
    }

    /// Counts the files by state.
    ///
    /// # Errors
    /// Fails when the database does.
    #[tracing::instrument(name = "db.media.counts", level = "debug", skip_all)]
    pub async fn counts(&self) -> Result<MediaCounts, StoreError> {
        let (ready, broken, missing): (i64, i64, i64) = sqlx::query_as(COUNTS)
            .fetch_one(&mut *self.connections.read().await?)
            .await
            .map_err(|error| StoreError::query("count the media files", error))?;
        let [ready, broken, missing] = [ready, broken, missing].map(i64::cast_unsigned);
        Ok(MediaCounts { ready, broken, missing })
    }
}

impl MediaStateFilter {
    fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Broken => "broken",
            Self::Missing => "missing",
        }
    }
}

/// Writes ids as one JSON parameter, so that the statement stays the same for any number of them.
pub(crate) fn ids_json(ids: &[MediaId]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    format!("[{}]", ids.join(","))
}

const INSERT_GENRES: &str = "
INSERT OR IGNORE INTO media_genres (media_id, genre_fold)
SELECT ?1, value FROM json_each(?2)";

const FIND_MANY: &str = "
SELECT id, path, size_bytes, mtime_ms, state, reason, probe, metadata, artwork
  FROM media
 WHERE id IN (SELECT value FROM json_each(?1))";

const VERSIONS: &str = "
SELECT other.id, other.path, other.size_bytes, other.mtime_ms, other.state, other.reason, other.probe, other.metadata, other.artwork
  FROM media AS this
  JOIN media AS other
    ON other.id <> this.id AND other.state = 'ready' AND other.kind = this.kind
   AND ((this.kind = 'episode' AND other.show_fold = this.show_fold AND other.season = this.season AND other.episode = this.episode)
     OR (this.kind = 'movie' AND other.title = this.title AND other.year IS this.year))
 WHERE this.id = ?1
 ORDER BY other.id
 LIMIT ?2";

const IDENTITIES: &str = "
SELECT id, path, title, show, season, episode, year, json_extract(metadata, '$.external_ids') AS external_ids
  FROM media
 WHERE id > ?1 AND state <> 'missing'
 ORDER BY id
 LIMIT ?2";

const PAGE: &str = "
SELECT id, path, size_bytes, mtime_ms, state, reason, probe, metadata, artwork
  FROM media
 WHERE id > ?1 AND (?3 IS NULL OR instr(search_fold, ?3) > 0)
 ORDER BY id
 LIMIT ?2";

const PAGE_OF_STATE: &str = "
SELECT id, path, size_bytes, mtime_ms, state, reason, probe, metadata, artwork
  FROM media
 WHERE state = ?4 AND id > ?1 AND (?3 IS NULL OR instr(search_fold, ?3) > 0)
 ORDER BY id
 LIMIT ?2";

const KNOWN_FILE: &str = "
SELECT id, path, size_bytes, mtime_ms, state = 'missing' AS missing
  FROM media
 WHERE path = ?1
 LIMIT ?2";

// One range of the index. "After" is behind the folder's own bound, which is no file's path because it ends in a slash.
const KNOWN_FILES: &str = "
SELECT id, path, size_bytes, mtime_ms, state = 'missing' AS missing
  FROM media
 WHERE path > ?1 AND path < ?2
 ORDER BY path
 LIMIT ?3";

const MARK_MISSING: &str = "
UPDATE media
   SET state = 'missing', reason = NULL
 WHERE id IN (SELECT value FROM json_each(?1))";

const COUNTS: &str = "
SELECT count(*) FILTER (WHERE state = 'ready'),
       count(*) FILTER (WHERE state = 'broken'),
       count(*) FILTER (WHERE state = 'missing')
  FROM media";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_indexed, assert_paged};

    #[tokio::test]
    async fn pages_are_read_by_index() {
        assert_indexed(FIND_MANY, "media USING INTEGER PRIMARY KEY").await;
        assert_indexed(MARK_MISSING, "media USING INTEGER PRIMARY KEY").await;
        assert_paged(PAGE, "(rowid>?)").await;
        assert_paged(PAGE_OF_STATE, "(state=? AND id>?)").await;
        assert_paged(KNOWN_FILES, "(path>? AND path<?)").await;
    }
}
