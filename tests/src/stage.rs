//! A stage for one test: a folder with a library and room for a host's data.
//!
//! Does: lay out clips as channels and describe the host that serves them.
//! Does not: start it.
//! Invariant: everything is below one temporary folder, which goes with the stage.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{
    api::{Channel, Row},
    fixtures::{self, Recipe},
    host::{Host, Setup},
};

/// Frames a second of the small picture.
pub const RATE: (u32, u32) = (25, 1);

/// A stage.
pub struct Stage {
    folder: TempDir,
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

impl Stage {
    /// Makes an empty one.
    ///
    /// # Panics
    /// When there is no room for it.
    pub fn new() -> Self {
        let folder = TempDir::with_prefix("exstreamtv-").unwrap_or_else(|error| panic!("make a folder: {error}"));
        let stage = Self { folder };
        std::fs::create_dir_all(stage.media()).unwrap_or_else(|error| panic!("make a folder: {error}"));
        stage
    }

    /// Lays out clips in a top-level folder, which becomes a channel.
    #[must_use]
    pub fn channel(self, name: &str, clips: &[Recipe]) -> Self {
        fixtures::lay_out(&self.media().join(name), clips);
        self
    }

    /// Returns the folder of the library.
    pub fn media(&self) -> PathBuf {
        self.folder.path().join("media")
    }

    /// Returns the folder of everything.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Describes a host for it that encodes the small picture.
    pub fn setup(&self) -> Setup {
        Setup::new(self.folder.path()).small_picture().media(&self.media())
    }
}

/// Which clip a row of a timeline plays.
pub struct Cast(HashMap<String, Recipe>);

impl Cast {
    /// Asks the host for its files and recognises the clips among them.
    pub fn of(host: &Host, clips: &[Recipe]) -> Self {
        let files = host.files().into_iter();
        Self(
            files
                .filter_map(|(id, file)| {
                    let name = file.path.file_name()?.to_str()?.to_owned();
                    clips.iter().find(|clip| clip.file_name == name).map(|clip| (id, *clip))
                })
                .collect(),
        )
    }

    /// Returns the clip that a row plays.
    pub fn clip(&self, row: &Row) -> Option<Recipe> {
        row.media.as_ref().and_then(|id| self.0.get(id)).copied()
    }

    /// Returns the code of the clip that a row plays, where pictures must show it.
    pub fn code(&self, row: &Row) -> Option<u8> {
        row.media.as_deref().and_then(|media| self.code_of(media))
    }

    /// Returns the code of a file, where pictures must show it.
    pub fn code_of(&self, media: &str) -> Option<u8> {
        self.0.get(media).filter(|clip| clip.picture.is_some()).map(|clip| clip.code)
    }
}

/// Returns how much stream a viewer who tunes in now needs to see `joins` joins and what follows the last of them.
///
/// # Panics
/// When the timeline is too short.
pub fn seconds_for_joins(host: &Host, channel: &Channel, joins: usize) -> f64 {
    let now_ms = crate::api::now_ms();
    let rows = host.rows(channel, now_ms, now_ms + 600_000);
    let last = rows.get(joins).unwrap_or_else(|| panic!("only {} rows in ten minutes", rows.len()));
    // The first byte is up to ten seconds old.
    (last.stop_ms - now_ms) as f64 / 1000.0 + 10.0
}
