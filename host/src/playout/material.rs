//! What a rule draws from, read from the library.
//!
//! Does: ask the strategy for its needs, read the pools, and take their fingerprint.
//! Does not: judge the items; whatever can be played is offered.
//! Invariant: equal fingerprints mean that the same rule would find the same items.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use exstreamtv_model::{
    Channel, MediaId, MediaKind, Schedule,
    schedule::{MAIN_POOL, Pool, PoolItem, PoolNeed, PoolSource, PrepareRequest},
};
use exstreamtv_store::{PoolSelection, Store, StoreError};

use super::ask::Ask;

/// The pools of one rule.
#[derive(Debug, Clone)]
pub struct Material {
    /// What the strategy asked for.
    pub needs: Vec<PoolNeed>,
    /// What there is, in the order of the needs.
    pub pools: Vec<Pool>,
    /// Names rule and content.
    pub fingerprint: String,
}

impl Material {
    /// Reads what `schedule` draws from. A strategy that does not say gets what it drew from before, else the channel's collection.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn gather(
        store: &Store,
        ask: &dyn Ask,
        channel: &Channel,
        schedule: &Schedule,
        before: Option<&[PoolNeed]>,
    ) -> Result<Self, StoreError> {
        let request = PrepareRequest { zone: channel.zone.to_string(), settings: schedule.settings.clone() };
        let needs = match ask.prepare(&schedule.strategy, request).await {
            Ok(preparation) if preparation.faults.is_empty() => preparation.pools,
            Ok(preparation) => {
                tracing::warn!(channel.id = %channel.id, strategy = schedule.strategy, faults = ?preparation.faults, "a stored schedule has faults");
                preparation.pools
            }
            Err(error) => {
                tracing::warn!(channel.id = %channel.id, error = &error as &dyn std::error::Error, "a strategy does not say what it needs");
                before.filter(|needs| !needs.is_empty()).map_or_else(channel_alone, <[PoolNeed]>::to_vec)
            }
        };
        Self::read(store, channel, schedule, needs).await
    }

    /// Reads the pools of known needs.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn read(
        store: &Store,
        channel: &Channel,
        schedule: &Schedule,
        needs: Vec<PoolNeed>,
    ) -> Result<Self, StoreError> {
        let mut pools = Vec::with_capacity(needs.len());
        for need in &needs {
            let items = match selection(store, channel, &need.source).await? {
                Some(selection) => store.pools().whole(&selection).await?,
                None => Vec::new(),
            };
            pools.push(Pool::whole(&need.key, items));
        }
        let fingerprint = fingerprint(channel, schedule, &pools);
        Ok(Self { needs, pools, fingerprint })
    }

    /// Returns whether there is anything to play at all.
    pub fn is_empty(&self) -> bool {
        self.pools.iter().all(|pool| pool.items.is_empty())
    }

    /// Returns what the guide calls each item.
    pub fn titles(&self) -> HashMap<MediaId, &str> {
        let items = self.pools.iter().flat_map(|pool| &pool.items);
        items.map(|item| (item.id, title(item))).collect()
    }
}

fn channel_alone() -> Vec<PoolNeed> {
    vec![PoolNeed { key: MAIN_POOL.to_owned(), source: PoolSource::Channel }]
}

/// Returns which files a source means; `None` where it names a collection that is not there.
///
/// # Errors
/// If the database fails.
pub async fn selection(
    store: &Store,
    channel: &Channel,
    source: &PoolSource,
) -> Result<Option<PoolSelection>, StoreError> {
    Ok(match source {
        PoolSource::Channel => channel.collection.map(PoolSelection::Collection),
        PoolSource::Collection { collection_id } => {
            store.collections().resolve(collection_id).await?.map(PoolSelection::Collection)
        }
        PoolSource::Show { show } => Some(PoolSelection::Show(show.clone())),
        PoolSource::Query { query } => Some(PoolSelection::Query(query.clone())),
    })
}

fn title(item: &PoolItem) -> &str {
    match (&item.show, item.kind) {
        (Some(show), MediaKind::Episode) => show,
        _ => &item.title,
    }
}

/// Stays the same over restarts. Should a new compiler's hasher differ, channels are planned anew once.
fn fingerprint(channel: &Channel, schedule: &Schedule, pools: &[Pool]) -> String {
    let mut hasher = DefaultHasher::new();
    (channel.zone.name(), &schedule.strategy, schedule.settings.to_string()).hash(&mut hasher);
    for pool in pools {
        (&pool.key, pool.items.len()).hash(&mut hasher);
        for item in &pool.items {
            (item.id, item.duration_ms, item.position, &item.title, &item.show, item.season, item.episode)
                .hash(&mut hasher);
            item.chapters_ms.hash(&mut hasher);
        }
    }
    format!("{:016x}", hasher.finish())
}
