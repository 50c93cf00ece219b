//! What is in a collection at the moment.
//!
//! Does: turn a folder, a list or a query into the playable files that it means.
//! Does not: read whole documents where columns will do.
//! Invariant: nothing that cannot be played is in a collection, whatever its source.

use std::collections::HashMap;

use exstreamtv_model::{CollectionSource, MediaId, MediaKind, collection::MediaQuery, schedule::PoolItem};
use sqlx::SqliteConnection;

use crate::{
    StoreError,
    cell::{RowOf, Subtree, fold, read_error, to_name},
    connections::Connections,
    media::{TABLE, ids_json},
};

/// Returns the ids of what is in it: a list in its order, a folder by path, a query by id.
pub(super) async fn media_ids(
    connections: &Connections,
    source: &CollectionSource,
) -> Result<Vec<MediaId>, StoreError> {
    let mut reader = connections.read().await?;
    let ids = match source {
        CollectionSource::Folder { path } => in_folder(&mut reader, Subtree::of(path)).await?,
        CollectionSource::Manual { items } => playable(&mut reader, items).await?,
        CollectionSource::Query(query) => matching(&mut reader, query).await?,
    };
    Ok(ids)
}

/// Returns what a scheduler is told of it.
pub(super) async fn pool(connections: &Connections, source: &CollectionSource) -> Result<Vec<PoolItem>, StoreError> {
    let ids = media_ids(connections, source).await?;
    let rows: Vec<PoolRow> = sqlx::query_as(POOL)
        .bind(ids_json(&ids))
        .fetch_all(&mut *connections.read().await?)
        .await
        .map_err(|error| read_error(ACT, TABLE, error))?;
    let items = rows.into_iter().map(PoolItem::try_from);
    let found = items.map(|item| item.map(|item| (item.id, item))).collect::<Result<HashMap<_, _>, _>>()?;
    let listed = matches!(source, CollectionSource::Manual { .. });
    let items = (0_u32..).zip(&ids).filter_map(|(place, id)| {
        let item = found.get(id)?.clone();
        Some(PoolItem { position: listed.then_some(place), ..item })
    });
    Ok(items.collect())
}

async fn in_folder(reader: &mut SqliteConnection, subtree: Subtree) -> Result<Vec<MediaId>, StoreError> {
    let failed = |error| read_error(ACT, TABLE, error);
    // The folder may be a file. Its path sorts before all that is below it.
    let root = sqlx::query_scalar(AT_PATH).bind(subtree.root).fetch_all(&mut *reader).await.map_err(failed)?;
    let below = sqlx::query_scalar(BELOW).bind(subtree.from).bind(subtree.before);
    let below: Vec<i64> = below.fetch_all(reader).await.map_err(failed)?;
    Ok(root.into_iter().chain(below).map(MediaId).collect())
}

async fn playable(reader: &mut SqliteConnection, items: &[MediaId]) -> Result<Vec<MediaId>, StoreError> {
    let ids: Vec<i64> = sqlx::query_scalar(PLAYABLE)
        .bind(ids_json(items))
        .fetch_all(reader)
        .await
        .map_err(|error| read_error(ACT, TABLE, error))?;
    Ok(ids.into_iter().map(MediaId).collect())
}

async fn matching(reader: &mut SqliteConnection, query: &MediaQuery) -> Result<Vec<MediaId>, StoreError> {
    let ids: Vec<i64> = sqlx::query_scalar(MATCHING)
        .bind(query.kind.map(|kind| to_name("the kind of media", &kind)).transpose()?)
        .bind(query.show.as_deref().map(fold))
        .bind(query.genre.as_deref().map(fold))
        .bind(query.text.as_deref().map(fold))
        .bind(query.year_from)
        .bind(query.year_to)
        .fetch_all(reader)
        .await
        .map_err(|error| read_error(ACT, TABLE, error))?;
    Ok(ids.into_iter().map(MediaId).collect())
}

#[derive(sqlx::FromRow)]
struct PoolRow {
    id: i64,
    duration_ms: i64,
    kind: String,
    title: String,
    show: Option<String>,
    season: Option<i64>,
    episode: Option<i64>,
}

impl TryFrom<PoolRow> for PoolItem {
    type Error = StoreError;

    fn try_from(row: PoolRow) -> Result<Self, StoreError> {
        let at = RowOf { table: TABLE, id: row.id };
        let kind = match row.kind.as_str() {
            "movie" => MediaKind::Movie,
            "episode" => MediaKind::Episode,
            "clip" => MediaKind::Clip,
            other => return Err(at.bad("kind", format!("{other:?} is no kind of media"))),
        };
        Ok(Self {
            id: MediaId(row.id),
            duration_ms: row.duration_ms,
            kind,
            title: row.title,
            show: row.show,
            season: row.season.map(|season| at.integer("season", season)).transpose()?,
            episode: row.episode.map(|episode| at.integer("episode", episode)).transpose()?,
            position: None,
        })
    }
}

const ACT: &str = "read what is in the collection";

const AT_PATH: &str = "
SELECT id
  FROM media
 WHERE path = ?1 AND +state = 'ready' AND duration_ms > 0";

// The plus sign keeps SQLite from walking all that is ready in the library.
const BELOW: &str = "
SELECT id
  FROM media
 WHERE path >= ?1 AND path < ?2 AND +state = 'ready' AND duration_ms > 0
 ORDER BY path";

// CROSS JOIN keeps SQLite from walking the library and the list in each other.
const PLAYABLE: &str = "
SELECT media.id
  FROM json_each(?1) AS item
 CROSS JOIN media ON media.id = item.value
 WHERE +state = 'ready' AND duration_ms > 0
 ORDER BY item.key";

const MATCHING: &str = "
SELECT id
  FROM media
 WHERE state = 'ready' AND duration_ms > 0
   AND (?1 IS NULL OR kind = ?1)
   AND (?2 IS NULL OR show_fold = ?2)
   AND (?3 IS NULL OR EXISTS (SELECT 1 FROM media_genres WHERE genre_fold = ?3 AND media_id = media.id))
   AND (?4 IS NULL OR instr(search_fold, ?4) > 0)
   AND (?5 IS NULL OR year >= ?5)
   AND (?6 IS NULL OR year <= ?6)
 ORDER BY id";

const POOL: &str = "
SELECT id, duration_ms, kind, title, show, season, episode
  FROM media
 WHERE id IN (SELECT value FROM json_each(?1)) AND +state = 'ready' AND duration_ms > 0";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_indexed, assert_paged};

    #[tokio::test]
    async fn folders_lists_and_pools_are_read_by_index() {
        assert_indexed(AT_PATH, "(path=?)").await;
        assert_paged(BELOW, "(path>? AND path<?)").await;
        assert_indexed(PLAYABLE, "media USING INTEGER PRIMARY KEY").await;
        assert_indexed(POOL, "media USING INTEGER PRIMARY KEY").await;
    }
}
