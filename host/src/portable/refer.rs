//! What documents say instead of ids.
//!
//! Does: find the file of this library that a reference means; put names in the place of collections' ids in settings.
//! Does not: guess: a reference that fits several files equally well means none, unless one of them has the same file name.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use exstreamtv_model::MediaId;
use exstreamtv_store::{MediaIdentity, Store, StoreError};
use serde_json::Value;

use super::MediaReference;

/// What a file can be found by, best first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Path(std::path::PathBuf),
    Elsewhere(String, String),
    Episode(String, u32, u32),
    Titled(String, Option<i32>),
}

/// The files that references mean.
pub(super) struct Found(HashMap<Key, Vec<MediaIdentity>>);

impl Found {
    /// Looks for the files that these references may mean, reading the library once.
    pub(super) async fn look(store: &Store, references: &[&MediaReference]) -> Result<Self, StoreError> {
        let mut found: HashMap<Key, Vec<MediaIdentity>> =
            references.iter().flat_map(|reference| keys(reference)).map(|key| (key, Vec::new())).collect();
        let mut after = MediaId(0);
        while !references.is_empty() {
            let page = store.media().identities(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for identity in page {
                for key in keys(&reference(&identity)) {
                    if let Some(known) = found.get_mut(&key) {
                        known.push(identity.clone());
                    }
                }
            }
        }
        Ok(Self(found))
    }

    /// Returns the file that a reference means.
    pub(super) fn file(&self, reference: &MediaReference) -> Option<MediaId> {
        keys(reference).iter().find_map(|key| self.only(key, &reference.path))
    }

    fn only(&self, key: &Key, path: &Path) -> Option<MediaId> {
        match self.0.get(key)?.as_slice() {
            [] => None,
            [one] => Some(one.id),
            several => {
                let mut same = several.iter().filter(|other| other.path.file_name() == path.file_name());
                same.next().filter(|_| same.next().is_none()).map(|one| one.id)
            }
        }
    }
}

fn keys(reference: &MediaReference) -> Vec<Key> {
    let fold = |text: &str| text.trim().to_lowercase();
    let MediaReference { path, title, show, season, episode, year, external_ids } = reference;
    let mut keys = vec![Key::Path(path.clone())];
    keys.extend(external_ids.iter().map(|(place, id)| Key::Elsewhere(fold(place), fold(id))));
    match (show, season, episode) {
        (Some(show), Some(season), Some(episode)) => keys.push(Key::Episode(fold(show), *season, *episode)),
        // The title of an episode says nothing without its series.
        (None, ..) if !title.trim().is_empty() => keys.push(Key::Titled(fold(title), *year)),
        _ => {}
    }
    keys
}

/// Describes a file.
pub(super) fn reference(identity: &MediaIdentity) -> MediaReference {
    let MediaIdentity { path, title, show, season, episode, year, external_ids, .. } = identity.clone();
    MediaReference { path, title, show, season, episode, year, external_ids }
}

/// Puts the names of collections in the place of their ids, wherever a key of the settings speaks of collections.
pub(super) fn name_collections(settings: &mut Value, names: &BTreeMap<String, String>) {
    match settings {
        Value::Object(map) => {
            for (key, value) in map {
                if key.contains("collection") { put_names(value, names) } else { name_collections(value, names) }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| name_collections(value, names)),
        _ => {}
    }
}

fn put_names(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(name) = names.get(text.as_str()) {
                text.clone_from(name);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| put_names(value, names)),
        other => name_collections(other, names),
    }
}

/// Leaves out what is null: absent means the same.
pub(super) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

const PAGE: u32 = 5_000;
