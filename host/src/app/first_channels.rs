//! Makes the first channels of a new installation from its folders.
//!
//! Does: one channel for each top-level folder that holds video, else one for everything.
//! Does not: touch an installation that has channels, or ever had to be told.
//! Invariant: each channel made here has a folder collection of its own, so that files added later appear on it.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use exstreamtv_model::{CollectionSource, ItemOrder, MediaState, OutputProfile, pick::TrackPreferences};
use exstreamtv_store::{MediaFilter, NewChannel, Store, StoreError};

/// How many files are looked at at once.
const PAGE: u32 = 500;

/// What new channels have in common.
pub struct Defaults {
    /// What they send.
    pub profile: OutputProfile,
    /// Their zone.
    pub zone: chrono_tz::Tz,
}

/// Makes channels for these roots if there is none at all; returns how many were made.
///
/// # Errors
/// If the database fails.
pub async fn make(store: &Store, roots: &[PathBuf], defaults: &Defaults) -> Result<usize, StoreError> {
    if !store.channels().list().await?.is_empty() {
        return Ok(0);
    }
    let mut folders = Vec::new();
    for root in roots {
        folders.extend(folders_of(store, root).await?);
    }
    for (position, folder) in folders.iter().enumerate() {
        let name = name(folder);
        let collection = store.collections().insert(&name, &CollectionSource::Folder { path: folder.clone() }).await?;
        let Ok(number) = (position + 1).to_string().parse() else { continue };
        let channel = NewChannel {
            number,
            name,
            group: "EXStreamTV".into(),
            logo: None,
            zone: defaults.zone,
            profile: defaults.profile.clone(),
            collection: Some(collection.id),
            order: ItemOrder::Name,
            schedule: None,
            tracks: TrackPreferences::default(),
            throttle: Default::default(),
            enabled: true,
        };
        store.channels().insert(&channel).await?;
    }
    Ok(folders.len())
}

/// Returns the top-level folders of a root that hold video, or the root itself where only it does.
async fn folders_of(store: &Store, root: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut tops = BTreeSet::new();
    let mut loose = false;
    let mut after = None;
    loop {
        let page = store.media().page(after, PAGE, &MediaFilter::default()).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for item in &page {
            let has_video = item.probe.as_ref().is_some_and(|probe| probe.video().next().is_some());
            let Ok(below) = item.path.strip_prefix(root) else { continue };
            if item.state != MediaState::Ready || !has_video {
                continue;
            }
            match top_folder(below) {
                Some(top) => {
                    tops.insert(root.join(top));
                }
                None => loose = true,
            }
        }
    }
    Ok(if tops.is_empty() && loose { vec![root.to_path_buf()] } else { tops.into_iter().collect() })
}

fn top_folder(below: &Path) -> Option<&Path> {
    let mut parts = below.components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(top)), Some(_)) => Some(Path::new(top)),
        _ => None,
    }
}

fn name(folder: &Path) -> String {
    let name = folder.file_name().map_or_else(|| "Channel".into(), |name| name.to_string_lossy());
    name.replace(['_', '.'], " ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_directly_below_the_root_count() {
        assert_eq!(top_folder(Path::new("Shows/Lost/S01/a.mkv")), Some(Path::new("Shows")));
        assert_eq!(top_folder(Path::new("a.mkv")), None);
    }

    #[test]
    fn names_read_like_names() {
        assert_eq!(name(Path::new("/media/old_movies")), "old movies");
        assert_eq!(name(Path::new("/")), "Channel");
    }
}
