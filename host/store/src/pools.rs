//! What schedulers may draw from.
//!
//! Does: read collections, series and queries a page at a time, reduced to what a scheduler is told of each file.
//! Does not: read whole documents where columns will do, or keep anything between pages.
//! Invariant: nothing that cannot be played is in a pool; a page costs the same wherever it lies, and pages neither repeat nor skip
//! what was there before the first and after the last of them.

use exstreamtv_model::{
    CollectionId, CollectionSource, MediaId, MediaKind, collection::MediaQuery, schedule::PoolItem,
};
use sqlx::SqliteConnection;

use crate::{
    Collections, StoreError,
    access::{Access, Family},
    cell::{RowOf, Subtree, fold, read_error, to_name},
    media::TABLE,
};

/// What schedulers may draw from.
#[derive(Debug, Clone)]
pub struct Pools {
    connections: Access,
}

/// A set of files.
#[derive(Debug, Clone, PartialEq)]
pub enum PoolSelection {
    /// What a collection holds at the moment; an unknown one holds nothing.
    Collection(CollectionId),
    /// Every episode of one series, by its whole title, ignoring case.
    Show(String),
    /// Whatever matches.
    Query(MediaQuery),
}

/// Where a page ends, and the next one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolPlace(Place);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Position(i64),
    Path(Vec<u8>),
    Id(i64),
}

/// Some files of a set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SelectedPage {
    /// The files: a list in its order, a folder by path, anything else by id.
    pub items: Vec<PoolItem>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<PoolPlace>,
}

impl Pools {
    pub(crate) fn new(connections: Access) -> Self {
        Self { connections }
    }

    /// Returns up to `limit` files of a set, from `after` on.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.pool.page", level = "debug", skip_all)]
    pub async fn page(
        &self,
        selection: &PoolSelection,
        after: Option<&PoolPlace>,
        limit: u32,
    ) -> Result<SelectedPage, StoreError> {
        match selection {
            PoolSelection::Collection(id) => self.page_of_collection(*id, after, limit).await,
            PoolSelection::Query(query) => self.page_of_query(query, after, limit).await,
            PoolSelection::Show(show) => {
                let rows = sqlx::query_as(PAGE_OF_SHOW).bind(fold(show)).bind(id_behind(after)).bind(limit);
                let mut reader = self.connections.read().await?;
                page_by_id(rows.fetch_all(&mut *reader).await.map_err(failed)?, limit)
            }
        }
    }

    /// Returns all of a set.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.pool.whole", level = "debug", skip_all)]
    pub async fn whole(&self, selection: &PoolSelection) -> Result<Vec<PoolItem>, StoreError> {
        let mut items = Vec::new();
        let mut after = None;
        loop {
            let page = self.page(selection, after.as_ref(), PAGE).await?;
            items.extend(page.items);
            after = page.next;
            if after.is_none() {
                return Ok(items);
            }
        }
    }

    async fn page_of_collection(
        &self,
        id: CollectionId,
        after: Option<&PoolPlace>,
        limit: u32,
    ) -> Result<SelectedPage, StoreError> {
        // Its items are not needed here, and there may be 100,000 of them.
        match Collections::new(self.connections.of(Family::Collection)).find_without_items(id).await? {
            None => Ok(SelectedPage::default()),
            Some(CollectionSource::Query(query)) => self.page_of_query(&query, after, limit).await,
            Some(CollectionSource::Folder { path }) => {
                page_of_folder(&mut *self.connections.read().await?, Subtree::of(&path), after, limit).await
            }
            Some(CollectionSource::Manual { .. }) => {
                page_of_list(&mut *self.connections.read().await?, id, after, limit).await
            }
        }
    }

    async fn page_of_query(
        &self,
        query: &MediaQuery,
        after: Option<&PoolPlace>,
        limit: u32,
    ) -> Result<SelectedPage, StoreError> {
        let rows = sqlx::query_as(PAGE_OF_QUERY)
            .bind(query.kind.map(|kind| to_name("the kind of media", &kind)).transpose()?)
            .bind(query.show.as_deref().map(fold))
            .bind(query.genre.as_deref().map(fold))
            .bind(query.text.as_deref().map(fold))
            .bind(query.year_from)
            .bind(query.year_to)
            .bind(id_behind(after))
            .bind(limit)
            .fetch_all(&mut *self.connections.read().await?)
            .await
            .map_err(failed)?;
        page_by_id(rows, limit)
    }
}

async fn page_of_folder(
    reader: &mut SqliteConnection,
    subtree: Subtree,
    after: Option<&PoolPlace>,
    limit: u32,
) -> Result<SelectedPage, StoreError> {
    let mut rows: Vec<PoolRow> = Vec::new();
    let behind = match after {
        Some(PoolPlace(Place::Path(path))) => path.clone(),
        // The folder may be a file. Its path sorts before all that is below it.
        _ => {
            rows = sqlx::query_as(AT_PATH).bind(&subtree.root).fetch_all(&mut *reader).await.map_err(failed)?;
            subtree.from
        }
    };
    let left = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(limit));
    let below = sqlx::query_as(PAGE_OF_FOLDER).bind(behind).bind(subtree.before).bind(left);
    rows.extend(below.fetch_all(reader).await.map_err(failed)?);
    let next = last_of_full(&rows, limit).map(|row| PoolPlace(Place::Path(row.path.clone())));
    Ok(SelectedPage { items: items(rows)?, next })
}

async fn page_of_list(
    reader: &mut SqliteConnection,
    id: CollectionId,
    after: Option<&PoolPlace>,
    limit: u32,
) -> Result<SelectedPage, StoreError> {
    let behind = match after {
        Some(PoolPlace(Place::Position(position))) => *position,
        _ => -1,
    };
    let rows = sqlx::query_as(PAGE_OF_LIST).bind(id.0).bind(behind).bind(limit);
    let rows: Vec<PoolRow> = rows.fetch_all(reader).await.map_err(failed)?;
    let next = last_of_full(&rows, limit).and_then(|row| row.position).map(|at| PoolPlace(Place::Position(at)));
    Ok(SelectedPage { items: items(rows)?, next })
}

fn page_by_id(rows: Vec<PoolRow>, limit: u32) -> Result<SelectedPage, StoreError> {
    let next = last_of_full(&rows, limit).map(|row| PoolPlace(Place::Id(row.id)));
    Ok(SelectedPage { items: items(rows)?, next })
}

fn id_behind(after: Option<&PoolPlace>) -> i64 {
    match after {
        Some(PoolPlace(Place::Id(id))) => *id,
        _ => i64::MIN,
    }
}

/// Returns the last row of a page that may not be the last one.
fn last_of_full(rows: &[PoolRow], limit: u32) -> Option<&PoolRow> {
    rows.last().filter(|_| rows.len() >= limit as usize)
}

fn items(rows: Vec<PoolRow>) -> Result<Vec<PoolItem>, StoreError> {
    rows.into_iter().map(PoolItem::try_from).collect()
}

fn failed(error: sqlx::Error) -> StoreError {
    read_error("read what can be scheduled", TABLE, error)
}

#[derive(sqlx::FromRow)]
struct PoolRow {
    id: i64,
    path: Vec<u8>,
    position: Option<i64>,
    duration_ms: i64,
    kind: String,
    title: String,
    show: Option<String>,
    season: Option<i64>,
    episode: Option<i64>,
    chapters: Option<String>,
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
        let chapters: Option<Vec<i64>> = row.chapters.map(|text| at.json("chapters", &text)).transpose()?;
        Ok(Self {
            id: MediaId(row.id),
            duration_ms: row.duration_ms,
            kind,
            title: row.title,
            show: row.show,
            season: row.season.map(|season| at.integer("season", season)).transpose()?,
            episode: row.episode.map(|episode| at.integer("episode", episode)).transpose()?,
            position: row.position.map(|position| at.integer("position", position)).transpose()?,
            chapters_ms: inside(chapters.unwrap_or_default(), row.duration_ms),
        })
    }
}

/// Returns what lies inside the item, ascending: files name chapters at 0, behind their end and twice.
fn inside(mut chapters_ms: Vec<i64>, duration_ms: i64) -> Vec<i64> {
    chapters_ms.retain(|start_ms| (1..duration_ms).contains(start_ms));
    chapters_ms.sort_unstable();
    chapters_ms.dedup();
    chapters_ms
}

/// Items read at once where all are wanted.
const PAGE: u32 = 2_000;

const AT_PATH: &str = "
SELECT id, path, NULL AS position, duration_ms, kind, title, show, season, episode, chapters
  FROM media
 WHERE path = ?1 AND +state = 'ready' AND duration_ms > 0";

// The plus sign keeps SQLite from walking all that is ready in the library.
const PAGE_OF_FOLDER: &str = "
SELECT id, path, NULL AS position, duration_ms, kind, title, show, season, episode, chapters
  FROM media
 WHERE path > ?1 AND path < ?2 AND +state = 'ready' AND duration_ms > 0
 ORDER BY path
 LIMIT ?3";

const PAGE_OF_LIST: &str = "
SELECT media.id, path, position, duration_ms, kind, title, show, season, episode, chapters
  FROM collection_items AS item
 CROSS JOIN media ON media.id = item.media_id
 WHERE item.collection_id = ?1 AND item.position > ?2 AND +state = 'ready' AND duration_ms > 0
 ORDER BY item.position
 LIMIT ?3";

const PAGE_OF_SHOW: &str = "
SELECT id, path, NULL AS position, duration_ms, kind, title, show, season, episode, chapters
  FROM media
 WHERE show_fold = ?1 AND id > ?2 AND +state = 'ready' AND duration_ms > 0
 ORDER BY id
 LIMIT ?3";

const PAGE_OF_QUERY: &str = "
SELECT id, path, NULL AS position, duration_ms, kind, title, show, season, episode, chapters
  FROM media
 WHERE state = 'ready' AND id > ?7 AND duration_ms > 0
   AND (?1 IS NULL OR kind = ?1)
   AND (?2 IS NULL OR show_fold = ?2)
   AND (?3 IS NULL OR EXISTS (SELECT 1 FROM media_genres WHERE genre_fold = ?3 AND media_id = media.id))
   AND (?4 IS NULL OR instr(search_fold, ?4) > 0)
   AND (?5 IS NULL OR year >= ?5)
   AND (?6 IS NULL OR year <= ?6)
 ORDER BY id
 LIMIT ?8";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_indexed, assert_paged};

    #[tokio::test]
    async fn pools_are_read_by_index() {
        assert_indexed(AT_PATH, "(path=?)").await;
        assert_paged(PAGE_OF_FOLDER, "(path>? AND path<?)").await;
        assert_paged(PAGE_OF_LIST, "media USING INTEGER PRIMARY KEY").await;
        assert_paged(PAGE_OF_LIST, "(collection_id=? AND position>?)").await;
        assert_paged(PAGE_OF_SHOW, "(show_fold=? AND id>?)").await;
        assert_paged(PAGE_OF_QUERY, "(state=? AND id>?)").await;
    }

    #[test]
    fn chapters_lie_inside_their_item() {
        assert_eq!(inside(vec![0, 50, 20, 20, 100, -1], 100), [20, 50]);
    }
}
