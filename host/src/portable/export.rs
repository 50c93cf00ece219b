//! Writes down what there is.

use std::collections::{BTreeMap, HashMap, HashSet};

use exstreamtv_model::{Channel, Collection, CollectionSource, MediaId, MediaItem, Schedule};
use exstreamtv_store::{Store, StoreError};

use super::{Document, FORMAT, MediaReference, PortableChannel, PortableCollection, PortableWaiting, refer};

/// Returns channels, schedules and collections as they are.
///
/// # Errors
/// If the database fails.
pub async fn export(store: &Store) -> Result<Document, StoreError> {
    let collections = store.collections().list().await?;
    let names = names(&collections);
    let mut document = Document {
        format: FORMAT,
        written_by: format!("exstreamtv {}", env!("CARGO_PKG_VERSION")),
        ..Document::default()
    };
    for collection in collections {
        let name = names[&collection.id.to_string()].clone();
        document.collections.push(portable_collection(store, name, collection.source).await?);
    }
    for channel in store.channels().list().await? {
        document.channels.push(portable_channel(store, channel, &names).await?);
    }
    Ok(document)
}

/// Returns a name of its own for each collection, by id; where two have the same one, the later one gets a number behind it.
pub(super) fn names(collections: &[Collection]) -> BTreeMap<String, String> {
    let mut taken = HashSet::new();
    let mut names = BTreeMap::new();
    for Collection { id, name, .. } in collections {
        let numbered = (2..).map(|number| format!("{} ({number})", name.trim()));
        let mut choices = std::iter::once(name.trim().to_owned()).chain(numbered);
        let free = choices.find(|choice| taken.insert(choice.to_lowercase())).unwrap_or_default();
        names.insert(id.to_string(), free);
    }
    names
}

async fn portable_collection(
    store: &Store,
    name: String,
    source: CollectionSource,
) -> Result<PortableCollection, StoreError> {
    let empty = PortableCollection { name, folder: None, query: None, items: None };
    Ok(match source {
        CollectionSource::Folder { path } => PortableCollection { folder: Some(path), ..empty },
        CollectionSource::Query(query) => PortableCollection { query: Some(query), ..empty },
        CollectionSource::Manual { items } => {
            PortableCollection { items: Some(references(store, &items).await?), ..empty }
        }
    })
}

async fn references(store: &Store, ids: &[MediaId]) -> Result<Vec<MediaReference>, StoreError> {
    let known: HashMap<MediaId, MediaItem> =
        store.media().find_many(ids).await?.into_iter().map(|item| (item.id, item)).collect();
    Ok(ids.iter().filter_map(|id| known.get(id)).map(describe).collect())
}

fn describe(item: &MediaItem) -> MediaReference {
    let metadata = &item.metadata;
    MediaReference {
        // Documents are text; a path that is none is found by what the file holds.
        path: item.path.to_string_lossy().into_owned().into(),
        title: metadata.title.clone(),
        show: metadata.show.clone(),
        season: metadata.season,
        episode: metadata.episode,
        year: metadata.year,
        external_ids: metadata.external_ids.clone(),
    }
}

async fn portable_channel(
    store: &Store,
    channel: Channel,
    names: &BTreeMap<String, String>,
) -> Result<PortableChannel, StoreError> {
    let named = |mut schedule: Schedule| {
        refer::name_collections(&mut schedule.settings, names);
        schedule
    };
    let error_screen = store.screens().find(channel.id).await?;
    let waiting = store.schedules().waiting(channel.id).await?;
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
    Ok(PortableChannel {
        number,
        name,
        group,
        logo,
        zone,
        collection: collection.and_then(|id| names.get(&id.to_string()).cloned()),
        enabled,
        order,
        profile,
        tracks,
        throttle,
        error_screen,
        schedule: schedule.map(named),
        waiting: waiting.map(|waiting| PortableWaiting { from: waiting.from, schedule: waiting.schedule.map(named) }),
    })
}
