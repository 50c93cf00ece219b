//! The handle behind which the database lies.
//!
//! Does: open and close the database; hand out one repository per kind of row.
//! Does not: hold rows in memory.
//! Invariant: while a store is open, no other host has the same file open.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use tokio::sync::{broadcast, watch};

use crate::{
    Broadcasts, Channels, Checks, Chronicle, ClosedDatabase, Collections, Exhaustion, FamilyReport, Healing, Learning,
    LoudnessRepo, MediaRepo, PlayoutRepo, PoolReport, PoolSettings, Pools, Schedules, Screens, SessionTotals,
    StoreError,
    access::{Access, Family, Meters},
    closed,
    connections::Connections,
    instance_lock::InstanceLock,
    schema, snapshot, swap,
};

/// The open database; clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    connections: Arc<Connections>,
    meters: Arc<Meters>,
    channels: watch::Sender<u64>,
    lock: Arc<Mutex<Option<InstanceLock>>>,
}

/// How the database is used, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageReport {
    /// The connections that read.
    pub readers: PoolReport,
    /// The one connection that writes.
    pub writer: PoolReport,
    /// How long statements take, by repository.
    pub families: Vec<FamilyReport>,
}

impl Store {
    /// Opens the database file at `path`, creating it and the folders above it; brings its tables up to date.
    ///
    /// # Errors
    /// Says what is wrong with the path, the file or its version, and what to do about it; such a file is left as it was.
    #[tracing::instrument(name = "db.store.open", skip_all, fields(path = %path.display()))]
    pub async fn open(path: &Path, now: DateTime<Utc>) -> Result<Self, StoreError> {
        ClosedDatabase::lock(path)?.open(PoolSettings::default(), now).await
    }

    pub(crate) async fn opened(connections: Connections, lock: InstanceLock) -> Result<Self, StoreError> {
        let store = Self {
            connections: Arc::new(connections),
            meters: Arc::default(),
            channels: watch::Sender::new(0),
            lock: Arc::new(Mutex::new(Some(lock))),
        };
        store.channels().recount().await?;
        Ok(store)
    }

    /// Returns the channels.
    pub fn channels(&self) -> Channels {
        Channels::new(self.access(Family::Channel), self.channels.clone())
    }

    /// Returns the collections.
    pub fn collections(&self) -> Collections {
        Collections::new(self.access(Family::Collection))
    }

    /// Returns the library.
    pub fn media(&self) -> MediaRepo {
        MediaRepo::new(self.access(Family::Media))
    }

    /// Returns the timelines.
    pub fn playout(&self) -> PlayoutRepo {
        PlayoutRepo::new(self.access(Family::Playout))
    }

    /// Returns what schedulers may draw from.
    pub fn pools(&self) -> Pools {
        Pools::new(self.access(Family::Pool))
    }

    /// Returns the schedules that wait.
    pub fn schedules(&self) -> Schedules {
        Schedules::new(self.access(Family::Schedule))
    }

    /// Returns what channels want their slates to be like.
    pub fn screens(&self) -> Screens {
        Screens::new(self.access(Family::Screen))
    }

    /// Returns the playlist counters.
    pub fn broadcasts(&self) -> Broadcasts {
        Broadcasts::new(self.access(Family::Broadcast))
    }

    /// Returns what was aired and what went wrong.
    pub fn chronicle(&self) -> Chronicle {
        Chronicle::new(self.access(Family::Chronicle))
    }

    /// Returns how loud files are.
    pub fn loudness(&self) -> LoudnessRepo {
        LoudnessRepo::new(self.access(Family::Media))
    }

    /// Returns what was sent to viewers ever.
    pub fn session_totals(&self) -> SessionTotals {
        SessionTotals::new(self.access(Family::SessionTotal))
    }

    /// Returns what the healer did and learnt.
    pub fn healing(&self) -> Healing {
        Healing::new(self.access(Family::Healing))
    }

    /// Returns what was learnt about what precedes incidents.
    pub fn learning(&self) -> Learning {
        Learning::new(self.access(Family::Learning))
    }

    /// Returns the means to see how the database itself is.
    pub fn checks(&self) -> Checks {
        Checks::new(self.access(Family::Checks))
    }

    fn access(&self, family: Family) -> Access {
        Access::new(self.connections.clone(), Arc::clone(&self.meters), family)
    }

    /// Returns the database file.
    pub fn path(&self) -> PathBuf {
        self.connections.path().to_owned()
    }

    /// Returns how the database is used.
    pub fn usage(&self) -> UsageReport {
        let (readers, writer) = self.connections.reports();
        UsageReport { readers, writer, families: self.meters.reports() }
    }

    /// Returns how many channels there are, now and after each change.
    pub fn channel_count(&self) -> watch::Receiver<u64> {
        self.channels.subscribe()
    }

    /// Tells of every wait for a connection that exceeds its threshold from now on.
    pub fn exhaustions(&self) -> broadcast::Receiver<Exhaustion> {
        self.connections.alarms()
    }

    /// Changes how many connections may read: more at once, fewer as they come back. Nothing under way is cut.
    pub fn resize(&self, readers: u32) {
        self.connections.resize(readers);
    }

    /// Takes other settings for whoever waits from now on.
    pub fn set_pool(&self, settings: PoolSettings) {
        self.connections.set(settings);
    }

    /// Closes connections that nobody has needed for a while.
    pub fn tidy(&self) {
        self.connections.tidy();
    }

    /// Writes down where this host can be reached, for commands that find the database in use.
    ///
    /// # Errors
    /// If the lock file cannot be written.
    pub fn announce(&self, address: &str) -> Result<(), StoreError> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(lock) = lock.as_mut() else { return Err(StoreError::Closed) };
        lock.announce(address).map_err(|source| StoreError::Lock { path: self.path(), source })
    }

    /// Copies the database as it is at this instant to `into`, which must not exist; nobody waits for it.
    ///
    /// # Errors
    /// Fails when the database or the disk does.
    pub async fn snapshot(&self, into: &Path) -> Result<(), StoreError> {
        snapshot::snapshot(self.connections.path(), into).await
    }

    /// Returns where a file is to be prepared that is to replace the database.
    pub fn staging_place(&self) -> PathBuf {
        swap::staging_place(self.connections.path())
    }

    /// Replaces the whole database by a staged file, after its tables were brought up to date. Whoever reads or writes meanwhile waits.
    ///
    /// # Errors
    /// If the staged file cannot be used, or somebody keeps a connection for too long; then the database is as it was before.
    #[tracing::instrument(name = "db.store.replace", skip_all)]
    pub async fn replace(&self, staged: &Path, now: DateTime<Utc>) -> Result<(), StoreError> {
        closed::prepare(staged).await?;
        let path = self.connections.path();
        let failed = |source| StoreError::Replace { path: path.to_owned(), source };
        let replaced = {
            let _alone = self.connections.be_alone().await?;
            swap::remove_logs(path).map_err(failed)?;
            swap::put_in_place(path, staged).map_err(failed)?
        };
        if let Err(error) = self.try_out(now).await {
            let _alone = self.connections.be_alone().await?;
            replaced.undo().map_err(failed)?;
            return Err(StoreError::Unusable(Box::new(error)));
        }
        replaced.forget().map_err(failed)
    }

    /// Uses what was put in place, before anybody relies on it.
    async fn try_out(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        schema::migrate(self.connections.path(), &self.connections, now).await?;
        self.channels().recount().await
    }

    /// Waits for what is under way, closes the file and lets another host have it; every clone is then closed.
    pub async fn close(&self) {
        self.connections.close().await;
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

#[cfg(test)]
mod ledger;

#[cfg(test)]
mod tests {
    use exstreamtv_model::{CollectionSource, collection::MediaQuery};

    use crate::{StoreError, StoreErrorKind, testing};

    #[tokio::test]
    async fn a_full_disk_is_said_in_so_many_words_and_loses_nothing() {
        let (_folder, store) = testing::store().await;
        let kept = store.collections().insert("kept", &CollectionSource::Query(MediaQuery::default())).await.unwrap();
        let pages = "PRAGMA max_page_count = 1"; // SQLite takes the present size when that is more
        sqlx::query(pages).execute(&mut *store.connections.writer().await.unwrap()).await.unwrap();
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
        let mut reader = store.connections.read(None).await.unwrap();
        let refused = sqlx::query("DELETE FROM channels").execute(&mut *reader).await.unwrap_err();
        assert!(refused.to_string().contains("readonly"), "{refused}");
    }

    #[tokio::test]
    async fn an_abandoned_change_is_undone() {
        let (_folder, store) = testing::store().await;
        let mut transaction = store.connections.write(None).await.unwrap();
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
