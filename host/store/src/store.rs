//! The handle behind which the database lies.
//!
//! Does: open and close the database; hand out one repository per kind of row.
//! Does not: hold rows in memory.
//! Invariant: while a store is open, no other host has the same file open.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};

use crate::{
    Broadcasts, Channels, Chronicle, Collections, MediaRepo, PlayoutRepo, Pools, Schedules, Screens, SessionTotals,
    StoreError, connections::Connections, instance_lock::InstanceLock, schema,
};

/// The open database; clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    connections: Arc<Connections>,
    lock: Arc<Mutex<Option<InstanceLock>>>,
}

impl Store {
    /// Opens the database file at `path`, creating it and the folders above it; brings its tables up to date.
    ///
    /// # Errors
    /// Says what is wrong with the path, the file or its version, and what to do about it; such a file is left as it was.
    #[tracing::instrument(name = "db.store.open", skip_all, fields(path = %path.display()))]
    pub async fn open(path: &Path, now: DateTime<Utc>) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .map_err(|source| StoreError::CreateFolder { path: folder.to_owned(), source })?;
        }
        let lock = InstanceLock::acquire(path)?;
        schema::inspect(path).await?;
        let connections = Connections::open(path).await?;
        schema::migrate(path, &connections, now).await?;
        Ok(Self { connections: Arc::new(connections), lock: Arc::new(Mutex::new(Some(lock))) })
    }

    /// Returns the channels.
    pub fn channels(&self) -> Channels {
        Channels::new(self.connections.clone())
    }

    /// Returns the collections.
    pub fn collections(&self) -> Collections {
        Collections::new(self.connections.clone())
    }

    /// Returns the library.
    pub fn media(&self) -> MediaRepo {
        MediaRepo::new(self.connections.clone())
    }

    /// Returns the timelines.
    pub fn playout(&self) -> PlayoutRepo {
        PlayoutRepo::new(self.connections.clone())
    }

    /// Returns what schedulers may draw from.
    pub fn pools(&self) -> Pools {
        Pools::new(self.connections.clone())
    }

    /// Returns the schedules that wait.
    pub fn schedules(&self) -> Schedules {
        Schedules::new(self.connections.clone())
    }

    /// Returns what channels want their slates to be like.
    pub fn screens(&self) -> Screens {
        Screens::new(self.connections.clone())
    }

    /// Returns the playlist counters.
    pub fn broadcasts(&self) -> Broadcasts {
        Broadcasts::new(self.connections.clone())
    }

    /// Returns what was aired and what went wrong.
    pub fn chronicle(&self) -> Chronicle {
        Chronicle::new(self.connections.clone())
    }

    /// Returns what was sent to viewers ever.
    pub fn session_totals(&self) -> SessionTotals {
        SessionTotals::new(self.connections.clone())
    }

    /// Waits for what is under way, closes the file and lets another host have it; every clone is then closed.
    pub async fn close(&self) {
        self.connections.close().await;
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::{CollectionSource, collection::MediaQuery};

    use crate::{StoreError, StoreErrorKind, testing};

    #[tokio::test]
    async fn a_full_disk_is_said_in_so_many_words_and_loses_nothing() {
        let (_folder, store) = testing::store().await;
        let kept = store.collections().insert("kept", &CollectionSource::Query(MediaQuery::default())).await.unwrap();
        let pages = "PRAGMA max_page_count = 1"; // SQLite takes the present size when that is more
        sqlx::query(pages).execute(store.connections.writer()).await.unwrap();
        let fat = "x".repeat(100_000);
        let error = store.collections().insert(&fat, &kept.source).await.unwrap_err();
        assert!(matches!(error, StoreError::DiskFull { .. }), "{error:?}");
        assert_eq!(error.kind(), StoreErrorKind::DiskFull);
        assert_eq!(error.to_string(), "add the collection: the disk is full; free some space where the database lies");
        assert_eq!(store.collections().list().await.unwrap(), [kept]);
    }

    #[tokio::test]
    async fn readers_cannot_write() {
        let (_folder, store) = testing::store().await;
        let mut reader = store.connections.read().await.unwrap();
        let refused = sqlx::query("DELETE FROM channels").execute(&mut *reader).await.unwrap_err();
        assert!(refused.to_string().contains("readonly"), "{refused}");
    }

    #[tokio::test]
    async fn an_abandoned_change_is_undone() {
        let (_folder, store) = testing::store().await;
        let mut transaction = store.connections.write().await.unwrap();
        sqlx::query("INSERT INTO collections (name, source) VALUES ('half', 'manual')")
            .execute(&mut *transaction)
            .await
            .unwrap();
        drop(transaction);
        assert_eq!(store.collections().list().await.unwrap(), []);
        store.collections().insert("whole", &CollectionSource::Manual { items: Vec::new() }).await.unwrap();
        assert_eq!(store.collections().list().await.unwrap().len(), 1);
    }
}
