//! Makes the channels that the configuration declares what it says they are.
//!
//! Does: add and change declared collections and channels, at the start and at every reload; find listed files once they were scanned.
//! Does not: touch any other channel, or remove one whose declaration is gone.
//! Invariant: nothing is changed before every declaration has been found sound.

use std::path::Path;

use exstreamtv_model::{
    Channel, ChannelId, ChannelNumber, Collection, CollectionId, CollectionSource, MediaId, OutputProfile,
    schedule::SettingsFault,
};
use exstreamtv_store::{NewChannel, Store, StoreError};

use super::absolute;
use crate::{
    config::{
        Config, ValueError,
        lineup::{DeclaredChannel, DeclaredCollection},
    },
    playout::{PlayoutError, Playouts},
};

/// What the configuration declares.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Declared {
    collections: Vec<DeclaredCollection>,
    channels: Vec<DeclaredChannel>,
    zone: chrono_tz::Tz,
    profile: OutputProfile,
    /// Whether no plugin is loaded, so that nobody can judge schedules.
    safe_mode: bool,
}

/// Why declared channels cannot be made; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum DeclaredError {
    /// Values that cannot be used.
    #[error("use channels of the configuration:{}", listed(.faults))]
    Faults {
        /// Path in the file and what is wrong there.
        faults: Vec<(String, String)>,
    },
    /// The database failed.
    #[error("make channels of the configuration")]
    Store(#[from] StoreError),
    /// A strategy could not be asked.
    #[error("check channels of the configuration")]
    Playout(#[from] PlayoutError),
}

fn listed(faults: &[(String, String)]) -> String {
    faults.iter().map(|(path, message)| format!("\n  {path}: {message}")).collect()
}

impl Declared {
    /// Takes the declarations out of a configuration.
    ///
    /// # Errors
    /// If its zone or profile cannot be used.
    pub fn of(config: &Config, safe_mode: bool) -> Result<Self, ValueError> {
        Ok(Self {
            collections: config.collections.clone(),
            channels: config.channels.clone(),
            zone: config.zone()?,
            profile: config.output_profile()?,
            safe_mode,
        })
    }

    /// Checks everything, then makes collections and channels what they should be; returns whether anything changed.
    ///
    /// # Errors
    /// Names every value that cannot be used; nothing is changed then.
    pub async fn apply(&self, store: &Store, playouts: &Playouts) -> Result<bool, DeclaredError> {
        self.check(store, playouts).await?;
        let mut changed = self.apply_collections(store).await?;
        for declared in &self.channels {
            if let Some(id) = self.apply_channel(store, declared).await? {
                tracing::info!(channel.id = %id, number = %declared.number, "channel made what the configuration says");
                playouts.rebuild(id);
                changed = true;
            }
            apply_screen(store, declared).await?;
        }
        Ok(changed)
    }

    /// Makes the declared collections what they should be; returns whether one changed. Files of a list are found once they were scanned.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn apply_collections(&self, store: &Store) -> Result<bool, StoreError> {
        let mut changed = false;
        for declared in &self.collections {
            changed |= apply_collection(store, declared).await?;
        }
        Ok(changed)
    }

    /// Says which channels of an older configuration are declared no more.
    pub fn remark_on_missing(&self, before: &Self) {
        let numbers: Vec<&ChannelNumber> = self.channels.iter().map(|channel| &channel.number).collect();
        for channel in before.channels.iter().filter(|channel| !numbers.contains(&&channel.number)) {
            tracing::warn!(number = %channel.number, name = channel.name, "this channel is not in the configuration any more; it stays as it is until it is deleted");
        }
    }

    async fn check(&self, store: &Store, playouts: &Playouts) -> Result<(), DeclaredError> {
        let coming: Vec<&str> = self.collections.iter().map(|collection| collection.name.as_str()).collect();
        let mut faults = Vec::new();
        for (index, declared) in self.channels.iter().enumerate() {
            let place = format!("channel[{index}]");
            if let Some(collection) = &declared.collection
                && !names(&coming, collection)
                && store.collections().resolve(collection).await?.is_none()
            {
                let message = format!("there is no collection with the id or the name {collection:?}");
                faults.push((format!("{place}.collection"), message));
            }
            let Some(schedule) = &declared.schedule else { continue };
            let channel = self.channel(ChannelId(0), declared, None, self.profile.clone());
            let found = playouts.check_with(&channel, &schedule.schedule(), &coming).await?;
            if found.iter().any(|fault| fault.path == "strategy") && self.is_trusted(store, &channel).await? {
                tracing::warn!(number = %channel.number, strategy = schedule.strategy, "nobody can say whether this schedule is right: its strategy does not answer");
                continue;
            }
            let written =
                |fault: SettingsFault| (format!("{place}.schedule{}", below(&schedule.path_of(&fault))), fault.message);
            faults.extend(found.into_iter().map(written));
        }
        if faults.is_empty() { Ok(()) } else { Err(DeclaredError::Faults { faults }) }
    }

    /// A plugin that is in quarantine or left out must not keep the host from starting: what was right before is believed.
    async fn is_trusted(&self, store: &Store, channel: &Channel) -> Result<bool, StoreError> {
        let known = store.channels().find_by_number(&channel.number).await?;
        Ok(self.safe_mode || known.is_some_and(|known| known.schedule == channel.schedule))
    }

    /// Adds or changes one channel; returns its id if anything is different now.
    async fn apply_channel(&self, store: &Store, declared: &DeclaredChannel) -> Result<Option<ChannelId>, StoreError> {
        let collection = match &declared.collection {
            Some(name) => store.collections().resolve(name).await?,
            None => None,
        };
        let Some(before) = store.channels().find_by_number(&declared.number).await? else {
            let new = self.channel(ChannelId(0), declared, collection, self.profile.clone());
            return Ok(Some(store.channels().insert(&without_id(new)).await?.id));
        };
        // The profile is nobody's to declare: it never changes while viewers watch.
        let wanted = self.channel(before.id, declared, collection, before.profile.clone());
        if wanted == before {
            return Ok(None);
        }
        store.channels().update(&wanted).await?;
        if wanted.schedule != before.schedule {
            // One that still waited is forgotten.
            store.schedules().set(wanted.id, wanted.schedule.as_ref(), None).await?;
        }
        Ok(Some(wanted.id))
    }

    fn channel(
        &self,
        id: ChannelId,
        declared: &DeclaredChannel,
        collection: Option<CollectionId>,
        profile: OutputProfile,
    ) -> Channel {
        let DeclaredChannel { number, name, group, logo, zone, order, tracks, throttle, enabled, schedule, .. } =
            declared.clone();
        let (zone, schedule) = (zone.unwrap_or(self.zone), schedule.map(|schedule| schedule.schedule()));
        Channel { id, number, name, group, logo, zone, profile, collection, order, schedule, tracks, throttle, enabled }
    }
}

async fn apply_screen(store: &Store, declared: &DeclaredChannel) -> Result<(), StoreError> {
    let Some(channel) = store.channels().find_by_number(&declared.number).await? else { return Ok(()) };
    if store.screens().find(channel.id).await? != declared.error_screen {
        store.screens().set(channel.id, &declared.error_screen).await?;
    }
    Ok(())
}

fn below(path: &str) -> String {
    if path.is_empty() || path.starts_with('[') { path.to_owned() } else { format!(".{path}") }
}

fn without_id(channel: Channel) -> NewChannel {
    let Channel {
        id: _,
        number,
        name,
        group,
        logo,
        zone,
        profile,
        collection,
        order,
        schedule,
        tracks,
        throttle,
        enabled,
    } = channel;
    NewChannel { number, name, group, logo, zone, profile, collection, order, schedule, tracks, throttle, enabled }
}

fn names(coming: &[&str], collection: &str) -> bool {
    coming.iter().any(|name| name.trim().to_lowercase() == collection.trim().to_lowercase())
}

async fn apply_collection(store: &Store, declared: &DeclaredCollection) -> Result<bool, StoreError> {
    let source = source(store, declared).await?;
    let all = store.collections().list().await?;
    match all.into_iter().find(|known| names(&[&known.name], &declared.name)) {
        Some(known) if known.source == source => Ok(false),
        Some(known) => store.collections().update(&Collection { source, ..known }).await,
        None => store.collections().insert(&declared.name, &source).await.map(|_| true),
    }
}

async fn source(store: &Store, declared: &DeclaredCollection) -> Result<CollectionSource, StoreError> {
    Ok(match (&declared.folder, &declared.items, &declared.query) {
        (Some(folder), _, _) => CollectionSource::Folder { path: absolute(folder) },
        (_, Some(paths), _) => {
            let mut items = Vec::new();
            for path in paths {
                match file(store, path).await? {
                    Some(id) => items.push(id),
                    None => {
                        tracing::debug!(collection = declared.name, path = %path.display(), "a listed file is not in the library yet");
                    }
                }
            }
            CollectionSource::Manual { items }
        }
        (_, _, query) => CollectionSource::Query(query.clone().unwrap_or_default()),
    })
}

async fn file(store: &Store, path: &Path) -> Result<Option<MediaId>, StoreError> {
    let path = absolute(path);
    let known = store.media().known_files(&path, None, 1).await?;
    Ok(known.into_iter().find(|file| file.path == path).map(|file| file.id))
}

#[cfg(test)]
mod tests;
