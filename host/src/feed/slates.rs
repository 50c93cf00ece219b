//! Slates: one for each output profile, rendered once, kept on disk and in memory.
//!
//! Does: find, render, check and keep slates.
//! Does not: put them on air; the splice does.
//! Invariant: a slate is never waited for; whoever needs one watches until it is there.

use std::{
    collections::HashMap,
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use exstreamtv_model::{OutputProfile, PlayOrder, RunId, order::Source};
use exstreamtv_transport::Slate;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::{lifecycle::Lifecycle, worker::Utility};

/// What the plain slate says.
const TEXT: &str = "We will be right back";
/// Changes when slates are rendered differently, so that old files are not used any more.
const RECIPE: &str = "2";
/// How long a failed rendering rests.
const RETRY: Duration = Duration::from_secs(20);

type Shelf = HashMap<OutputProfile, watch::Receiver<Option<Arc<Slate>>>>;

/// Knows every slate.
#[derive(Debug, Clone)]
pub struct Slates {
    folder: PathBuf,
    utility: Utility,
    life: Lifecycle,
    shelf: Arc<Mutex<Shelf>>,
}

impl Slates {
    /// Keeps slates in `folder`, which is made when needed.
    pub fn new(folder: PathBuf, utility: Utility, life: Lifecycle) -> Self {
        Self { folder, utility, life, shelf: Arc::default() }
    }

    /// Returns where this profile's slate is, or will be as soon as it is rendered.
    pub fn of(&self, profile: &OutputProfile) -> watch::Receiver<Option<Arc<Slate>>> {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = shelf.get(profile) {
            return place.clone();
        }
        let (fill, place) = watch::channel(None);
        shelf.insert(profile.clone(), place.clone());
        let (slates, profile) = (self.clone(), profile.clone());
        self.life.spawn(async move {
            let stopping = slates.life.stopping();
            tokio::select! {
                () = stopping.cancelled() => {}
                slate = slates.make(&profile) => { fill.send_replace(Some(Arc::new(slate))); }
            }
        });
        place
    }

    async fn make(&self, profile: &OutputProfile) -> Slate {
        let path = self.folder.join(format!("{}.ts", name(profile)));
        if let Some(slate) = load(&path) {
            return slate;
        }
        loop {
            match self.render(profile, &path).await {
                Ok(slate) => return slate,
                Err(reason) => tracing::warn!(reason, "the slate could not be rendered; trying again"),
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn render(&self, profile: &OutputProfile, path: &Path) -> Result<Slate, String> {
        let order = PlayOrder {
            run: RunId(0),
            source: Source::Slate {
                screen: exstreamtv_model::Screen::plain(exstreamtv_model::slate::Message::titled(TEXT)),
            },
            profile: profile.clone(),
            frames: exstreamtv_model::slate::frames_to_render(profile),
            keyframe_offset: 0,
        };
        let bytes = self.utility.render(order).await?;
        let slate = Slate::from_run(&bytes).map_err(|error| error.to_string())?;
        // A full disk costs only the time to render it again after the next start.
        if let Err(error) = keep(path, &bytes) {
            tracing::warn!(%error, path = %path.display(), "the slate could not be kept on disk");
        }
        Ok(slate)
    }
}

fn load(path: &Path) -> Option<Slate> {
    let bytes = std::fs::read(path).ok()?;
    Slate::from_run(&bytes)
        .inspect_err(|error| tracing::warn!(%error, path = %path.display(), "a kept slate is damaged and will be rendered again"))
        .ok()
}

fn keep(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn name(profile: &OutputProfile) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("{RECIPE}\n{TEXT}\n{profile:?}"));
    hasher.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_profile_has_its_own_file() {
        let small = OutputProfile { width: 640, ..OutputProfile::default() };
        assert_ne!(name(&small), name(&OutputProfile::default()));
        assert_eq!(name(&small), name(&small.clone()));
    }

    #[test]
    fn a_damaged_file_is_no_slate() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/slate.ts");
        keep(&path, b"no transport stream").unwrap();
        assert!(load(&path).is_none());
    }
}
