//! The collections.
//!
//! Does: keep named sets of media, and say what is in them at the moment.
//! Does not: order or shuffle what is in them; schedulers do.
//! Invariant: a collection that a channel plays cannot be deleted.

use std::collections::HashMap;

use exstreamtv_model::{Collection, CollectionId, CollectionSource, MediaId, MediaItem, schedule::PoolItem};
use sqlx::{Connection, SqliteConnection};

use crate::{
    EngineError, MediaRepo, PoolSelection, Pools, StoreError,
    access::{Access, Family},
    cell::{RowOf, fold, path_bytes, path_from, read_error, to_json},
};

/// The collections.
#[derive(Debug, Clone)]
pub struct Collections {
    connections: Access,
}

impl Collections {
    pub(crate) fn new(connections: Access) -> Self {
        Self { connections }
    }

    /// Returns every collection, by id.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.collection.list", level = "debug", skip_all)]
    pub async fn list(&self) -> Result<Vec<Collection>, StoreError> {
        self.select(None).await
    }

    /// Returns one collection.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.collection.find", level = "debug", skip_all, fields(collection.id = %id))]
    pub async fn find(&self, id: CollectionId) -> Result<Option<Collection>, StoreError> {
        Ok(self.select(Some(id)).await?.pop())
    }

    /// Adds a collection.
    ///
    /// # Errors
    /// `NoSuch` if a manual item does not exist; fails when the database does.
    #[tracing::instrument(name = "db.collection.insert", level = "debug", skip_all)]
    pub async fn insert(&self, name: &str, source: &CollectionSource) -> Result<Collection, StoreError> {
        let act = "add the collection";
        let columns = SourceColumns::new(source)?;
        let mut transaction = self.connections.write().await?;
        let done = sqlx::query(INSERT)
            .bind(name)
            .bind(columns.source)
            .bind(columns.folder)
            .bind(columns.query)
            .execute(&mut *transaction)
            .await
            .map_err(|error| StoreError::query(act, error))?;
        let id = CollectionId(done.last_insert_rowid());
        insert_items(&mut transaction, id, columns.items).await?;
        transaction.commit().await.map_err(|error| StoreError::query(act, error))?;
        Ok(Collection { id, name: name.to_owned(), source: source.clone() })
    }

    /// Replaces what is known of a collection; returns false if there is none with that id.
    ///
    /// # Errors
    /// `NoSuch` if a manual item does not exist; fails when the database does.
    #[tracing::instrument(name = "db.collection.update", level = "debug", skip_all, fields(collection.id = %collection.id))]
    pub async fn update(&self, collection: &Collection) -> Result<bool, StoreError> {
        let failed = |error| StoreError::query("save the collection", error);
        let columns = SourceColumns::new(&collection.source)?;
        let mut transaction = self.connections.write().await?;
        let done = sqlx::query(UPDATE)
            .bind(collection.name.as_str())
            .bind(columns.source)
            .bind(columns.folder)
            .bind(columns.query)
            .bind(collection.id.0)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let cleared = sqlx::query("DELETE FROM collection_items WHERE collection_id = ?1").bind(collection.id.0);
        cleared.execute(&mut *transaction).await.map_err(failed)?;
        insert_items(&mut transaction, collection.id, columns.items).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(true)
    }

    /// Deletes a collection; returns false if there is none with that id.
    ///
    /// # Errors
    /// `InUse` while a channel plays it; fails when the database does.
    #[tracing::instrument(name = "db.collection.delete", level = "debug", skip_all, fields(collection.id = %id))]
    pub async fn delete(&self, id: CollectionId) -> Result<bool, StoreError> {
        let act = "delete the collection";
        let mut transaction = self.connections.write().await?;
        let deleted = sqlx::query("DELETE FROM collections WHERE id = ?1").bind(id.0).execute(&mut *transaction).await;
        let done = deleted.map_err(EngineError::from).map_err(|error| {
            if error.is_foreign_key_violation() { StoreError::InUse(id) } else { StoreError::query(act, error) }
        })?;
        transaction.commit().await.map_err(|error| StoreError::query(act, error))?;
        Ok(done.rows_affected() > 0)
    }

    /// Returns what is in the collection at the moment: files that can be played, a manual collection in its order, any other
    /// in a stable one. An unknown collection is empty.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.collection.items", level = "debug", skip_all, fields(collection.id = %id))]
    pub async fn items(&self, id: CollectionId) -> Result<Vec<MediaItem>, StoreError> {
        let ids: Vec<_> = self.pool(id).await?.into_iter().map(|item| item.id).collect();
        MediaRepo::new(self.connections.of(Family::Media)).find_many(&ids).await
    }

    /// Returns the same as [`Self::items`], reduced to what a scheduler is told: cheap for 100,000 files.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.collection.pool", level = "debug", skip_all, fields(collection.id = %id))]
    pub async fn pool(&self, id: CollectionId) -> Result<Vec<PoolItem>, StoreError> {
        Pools::new(self.connections.of(Family::Pool)).whole(&PoolSelection::Collection(id)).await
    }

    /// Returns the collection that a person means: the one with this id, else the first one with this name, ignoring case.
    ///
    /// # Errors
    /// Fails when the database does, or on a row that cannot be read.
    #[tracing::instrument(name = "db.collection.resolve", level = "debug", skip_all)]
    pub async fn resolve(&self, id_or_name: &str) -> Result<Option<CollectionId>, StoreError> {
        let named: Vec<(i64, String)> = sqlx::query_as("SELECT id, name FROM collections ORDER BY id")
            .fetch_all(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("find the collection", "collections", error))?;
        let id: Option<i64> = id_or_name.parse().ok();
        let by_id = named.iter().find(|(known, _)| Some(*known) == id);
        let wanted = fold(id_or_name.trim());
        let found = by_id.or_else(|| named.iter().find(|(_, name)| fold(name.trim()) == wanted));
        Ok(found.map(|(id, _)| CollectionId(*id)))
    }

    /// Returns where a collection's items come from; a list comes without its items.
    pub(crate) async fn find_without_items(&self, id: CollectionId) -> Result<Option<CollectionSource>, StoreError> {
        let row: Option<CollectionRow> = sqlx::query_as(SELECT)
            .bind(id.0)
            .fetch_optional(&mut *self.connections.read().await?)
            .await
            .map_err(|error| read_error("read the collection", "collections", error))?;
        row.map(|row| Ok(row.into_collection(&mut HashMap::new())?.source)).transpose()
    }

    async fn select(&self, id: Option<CollectionId>) -> Result<Vec<Collection>, StoreError> {
        let act = "read the collections";
        let mut reader = self.connections.read().await?;
        // Both statements see the same state of the database.
        let mut snapshot = reader.begin().await.map_err(|error| StoreError::query(act, error))?;
        let rows: Vec<CollectionRow> = sqlx::query_as(SELECT)
            .bind(id.map(|id| id.0))
            .fetch_all(&mut *snapshot)
            .await
            .map_err(|error| read_error(act, "collections", error))?;
        let items: Vec<(i64, i64)> = sqlx::query_as(SELECT_ITEMS)
            .bind(id.map(|id| id.0))
            .fetch_all(&mut *snapshot)
            .await
            .map_err(|error| read_error(act, "collection_items", error))?;
        let mut items_of: HashMap<i64, Vec<MediaId>> = HashMap::new();
        for (collection, media) in items {
            items_of.entry(collection).or_default().push(MediaId(media));
        }
        rows.into_iter().map(|row| row.into_collection(&mut items_of)).collect()
    }
}

#[derive(sqlx::FromRow)]
struct CollectionRow {
    id: i64,
    name: String,
    source: String,
    folder: Option<Vec<u8>>,
    query: Option<String>,
}

impl CollectionRow {
    fn into_collection(self, items_of: &mut HashMap<i64, Vec<MediaId>>) -> Result<Collection, StoreError> {
        let at = RowOf { table: "collections", id: self.id };
        let source = match (self.source.as_str(), self.folder, self.query) {
            ("folder", Some(folder), None) => CollectionSource::Folder { path: path_from(folder) },
            ("query", None, Some(query)) => CollectionSource::Query(at.json("query", &query)?),
            ("manual", None, None) => CollectionSource::Manual { items: items_of.remove(&self.id).unwrap_or_default() },
            (other, ..) => return Err(at.bad("source", format!("{other:?} does not fit the columns beside it"))),
        };
        Ok(Collection { id: CollectionId(self.id), name: self.name, source })
    }
}

/// A source as columns.
struct SourceColumns<'a> {
    source: &'static str,
    folder: Option<&'a [u8]>,
    query: Option<String>,
    items: &'a [MediaId],
}

impl<'a> SourceColumns<'a> {
    fn new(source: &'a CollectionSource) -> Result<Self, StoreError> {
        Ok(match source {
            CollectionSource::Folder { path } => {
                Self { source: "folder", folder: Some(path_bytes(path)), query: None, items: &[] }
            }
            CollectionSource::Manual { items } => Self { source: "manual", folder: None, query: None, items },
            CollectionSource::Query(query) => {
                Self { source: "query", folder: None, query: Some(to_json("the query", query)?), items: &[] }
            }
        })
    }
}

async fn insert_items(
    connection: &mut SqliteConnection,
    collection: CollectionId,
    items: &[MediaId],
) -> Result<(), StoreError> {
    for (position, media) in (0_i64..).zip(items) {
        sqlx::query("INSERT INTO collection_items (collection_id, position, media_id) VALUES (?1, ?2, ?3)")
            .bind(collection.0)
            .bind(position)
            .bind(media.0)
            .execute(&mut *connection)
            .await
            .map_err(|error| StoreError::pointing("save the collection's items", "media", media.0, error))?;
    }
    Ok(())
}

const SELECT: &str = "
SELECT id, name, source, folder, query
  FROM collections
 WHERE ?1 IS NULL OR id = ?1
 ORDER BY id";

const SELECT_ITEMS: &str = "
SELECT collection_id, media_id
  FROM collection_items
 WHERE ?1 IS NULL OR collection_id = ?1
 ORDER BY collection_id, position";

const INSERT: &str = "
INSERT INTO collections (name, source, folder, query)
VALUES (?1, ?2, ?3, ?4)";

const UPDATE: &str = "
UPDATE collections
   SET name = ?1, source = ?2, folder = ?3, query = ?4
 WHERE id = ?5";
