//! Makes what there is what a document says.
//!
//! Does: compare first, say what would change and which files are missing, then change it.
//! Does not: remove anything: channels and collections that the document does not name stay.
//! Invariant: a document with a mistake changes nothing.

use std::collections::{BTreeMap, HashSet};

use exstreamtv_model::{Channel, ChannelId, Collection, CollectionId, CollectionSource, Schedule};
use exstreamtv_store::{NewChannel, Store, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Document, MediaReference, PortableChannel, PortableCollection,
    export::names,
    refer::{self, Found},
};

/// What an import changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// Whether anything was changed, or would only be.
    pub dry_run: bool,
    /// What is added or changed.
    pub changes: Vec<Change>,
    /// Channels and collections that are already what the document says.
    pub unchanged: u32,
    /// Files of lists that this library does not have; the lists are made without them.
    pub missing: Vec<MissingFile>,
    /// The backup of the state before.
    pub before: Option<String>,
    /// The channels that are different now.
    #[serde(skip)]
    pub touched: Vec<ChannelId>,
}

/// One thing that is added or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// "collection" or "channel".
    pub what: String,
    /// Its name, or its number.
    pub name: String,
    /// "added" or "changed".
    pub change: String,
    /// What is different, where it is changed.
    pub fields: Vec<String>,
}

/// A file that this library does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MissingFile {
    /// The list that names it.
    pub collection: String,
    /// The file.
    pub file: MediaReference,
}

/// Why a document cannot be used; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It holds mistakes: where, and what is wrong there.
    #[error("use the document:{}", listed(.0))]
    Faults(Vec<(String, String)>),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes what there is what a document says, or only says what that would change.
///
/// # Errors
/// Names every mistake; then nothing is changed. If the database fails half way, what was changed until then stays.
pub async fn import(store: &Store, document: &Document, dry_run: bool) -> Result<Report, ImportError> {
    let known = store.collections().list().await?;
    let faults = faults(document, &known);
    if !faults.is_empty() {
        return Err(ImportError::Faults(faults));
    }
    let report = Report { dry_run, ..Report::default() };
    let mut work = Importing { store, dry_run, report, ids: BTreeMap::new(), names: names(&known) };
    for collection in &known {
        // The first of a name is the one that the name means.
        work.ids.entry(fold(&collection.name)).or_insert(collection.id);
    }
    work.collections(document, &known).await?;
    for channel in &document.channels {
        work.channel(channel).await?;
    }
    Ok(work.report)
}

struct Importing<'a> {
    store: &'a Store,
    dry_run: bool,
    report: Report,
    /// Collections by name; those that a dry run only pretends to add have the id 0.
    ids: BTreeMap<String, CollectionId>,
    /// Names of collections by id, as documents write them.
    names: BTreeMap<String, String>,
}

impl Importing<'_> {
    async fn collections(&mut self, document: &Document, known: &[Collection]) -> Result<(), StoreError> {
        let items = document.collections.iter().filter_map(|collection| collection.items.as_deref()).flatten();
        let found = Found::look(self.store, &items.collect::<Vec<_>>()).await?;
        for collection in &document.collections {
            let source = self.source(collection, &found);
            let before = known.iter().find(|before| fold(&before.name) == fold(&collection.name));
            self.collection(&collection.name, source, before).await?;
        }
        Ok(())
    }

    fn source(&mut self, collection: &PortableCollection, found: &Found) -> CollectionSource {
        if let Some(path) = &collection.folder {
            return CollectionSource::Folder { path: path.clone() };
        }
        let Some(references) = &collection.items else {
            return CollectionSource::Query(collection.query.clone().unwrap_or_default());
        };
        let mut items = Vec::new();
        for reference in references {
            match found.file(reference) {
                Some(id) => items.push(id),
                None => self
                    .report
                    .missing
                    .push(MissingFile { collection: collection.name.clone(), file: reference.clone() }),
            }
        }
        CollectionSource::Manual { items }
    }

    async fn collection(
        &mut self,
        name: &str,
        source: CollectionSource,
        before: Option<&Collection>,
    ) -> Result<(), StoreError> {
        let Some(before) = before else {
            self.note("collection", name, "added", Vec::new());
            let id = match self.dry_run {
                true => CollectionId(0),
                false => self.store.collections().insert(name, &source).await?.id,
            };
            self.ids.insert(fold(name), id);
            return Ok(());
        };
        if before.source == source {
            self.report.unchanged += 1;
            return Ok(());
        }
        self.note("collection", name, "changed", vec!["source".into()]);
        if !self.dry_run {
            self.store.collections().update(&Collection { source, ..before.clone() }).await?;
        }
        Ok(())
    }

    async fn channel(&mut self, portable: &PortableChannel) -> Result<(), StoreError> {
        let collection = portable.collection.as_ref().and_then(|name| self.ids.get(&fold(name)).copied());
        let before = self.store.channels().find_by_number(&portable.number).await?;
        let wanted = wanted(portable, collection, before.as_ref().map_or(ChannelId(0), |before| before.id));
        let Some(before) = before else {
            self.note("channel", portable.number.as_str(), "added", Vec::new());
            if !self.dry_run {
                let id = self.store.channels().insert(&without_id(wanted)).await?.id;
                self.attach(id, portable).await?;
            }
            return Ok(());
        };
        let fields = self.differences(&before, &wanted, portable).await?;
        if fields.is_empty() {
            self.report.unchanged += 1;
            return Ok(());
        }
        self.note("channel", portable.number.as_str(), "changed", fields);
        if !self.dry_run {
            self.store.channels().update(&wanted).await?;
            self.attach(before.id, portable).await?;
        }
        Ok(())
    }

    /// Gives a channel what is not in its own row.
    async fn attach(&mut self, id: ChannelId, portable: &PortableChannel) -> Result<(), StoreError> {
        self.store.schedules().set(id, portable.schedule.as_ref(), None).await?;
        if let Some(waiting) = &portable.waiting {
            self.store.schedules().set(id, waiting.schedule.as_ref(), Some(waiting.from)).await?;
        }
        self.store.screens().set(id, &portable.error_screen).await?;
        self.report.touched.push(id);
        Ok(())
    }

    async fn differences(
        &self,
        before: &Channel,
        wanted: &Channel,
        portable: &PortableChannel,
    ) -> Result<Vec<String>, StoreError> {
        let waiting = self.store.schedules().waiting(before.id).await?;
        let waiting = waiting.map(|waiting| (waiting.from, self.written(&waiting.schedule)));
        let wants = portable.waiting.as_ref().map(|waiting| (waiting.from, self.written(&waiting.schedule)));
        let screen = self.store.screens().find(before.id).await?;
        let compared = [
            ("name", before.name == wanted.name),
            ("group", before.group == wanted.group),
            ("logo", before.logo == wanted.logo),
            ("zone", before.zone == wanted.zone),
            ("collection", before.collection == wanted.collection),
            ("enabled", before.enabled == wanted.enabled),
            ("order", before.order == wanted.order),
            ("profile", before.profile == wanted.profile),
            ("tracks", before.tracks == wanted.tracks),
            ("throttle", before.throttle == wanted.throttle),
            ("schedule", self.written(&before.schedule) == self.written(&wanted.schedule)),
            ("waiting", waiting == wants),
            ("error_screen", screen == portable.error_screen),
        ];
        Ok(compared.into_iter().filter(|(_, same)| !same).map(|(field, _)| field.to_owned()).collect())
    }

    /// Returns a schedule as documents write it: with names for ids, and without what is null.
    fn written(&self, schedule: &Option<Schedule>) -> Option<Schedule> {
        let mut schedule = schedule.clone()?;
        refer::name_collections(&mut schedule.settings, &self.names);
        refer::drop_nulls(&mut schedule.settings);
        Some(schedule)
    }

    fn note(&mut self, what: &str, name: &str, change: &str, fields: Vec<String>) {
        let (what, name, change) = (what.to_owned(), name.to_owned(), change.to_owned());
        self.report.changes.push(Change { what, name, change, fields });
    }
}

/// Returns everything that is wrong with a document, before anything is changed.
fn faults(document: &Document, known: &[Collection]) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    let (mut names, mut numbers) = (HashSet::new(), HashSet::new());
    let mut wrong = |path: String, message: String| faults.push((path, message));
    for (index, collection) in document.collections.iter().enumerate() {
        let place = format!("collection[{index}]");
        if collection.name.trim().is_empty() {
            wrong(format!("{place}.name"), "a collection needs a name".into());
        }
        if !names.insert(fold(&collection.name)) {
            wrong(format!("{place}.name"), "another collection of the document has this name".into());
        }
        let given = [collection.folder.is_some(), collection.items.is_some(), collection.query.is_some()];
        if given.iter().filter(|given| **given).count() != 1 {
            wrong(place.clone(), "it needs exactly one of folder, items and query".into());
        }
        if collection.folder.as_ref().is_some_and(|folder| !folder.is_absolute()) {
            wrong(format!("{place}.folder"), "it must be an absolute path".into());
        }
    }
    names.extend(known.iter().map(|collection| fold(&collection.name)));
    for (index, channel) in document.channels.iter().enumerate() {
        let place = format!("channel[{index}]");
        if !numbers.insert(&channel.number) {
            wrong(format!("{place}.number"), "another channel of the document has this number".into());
        }
        if channel.name.trim().is_empty() {
            wrong(format!("{place}.name"), "a channel needs a name".into());
        }
        if let Some(name) = channel.collection.as_ref().filter(|name| !names.contains(&fold(name))) {
            wrong(format!("{place}.collection"), format!("there is no collection with the name {name:?}"));
        }
        if let Err(error) = channel.profile.check() {
            wrong(format!("{place}.profile"), error.to_string());
        }
        if let Err(error) = channel.throttle.check() {
            wrong(format!("{place}.throttle.target_bitrate_bps"), error.to_string());
        }
        if let Err(error) = channel.error_screen.check() {
            wrong(format!("{place}.error_screen"), error.to_string());
        }
    }
    faults
}

fn wanted(portable: &PortableChannel, collection: Option<CollectionId>, id: ChannelId) -> Channel {
    let PortableChannel {
        number, name, group, logo, zone, enabled, order, profile, tracks, throttle, schedule, ..
    } = portable.clone();
    Channel { id, number, name, group, logo, zone, profile, collection, order, schedule, tracks, throttle, enabled }
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

fn fold(name: &str) -> String {
    name.trim().to_lowercase()
}

fn listed(faults: &[(String, String)]) -> String {
    faults.iter().map(|(path, message)| format!("\n  {path}: {message}")).collect()
}
