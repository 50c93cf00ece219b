//! The folder in which backups are kept.
//!
//! Does: list, find, name, remove and finish files in it.
//! Does not: look into them.
//! Invariant: a file has a backup's name only when it is complete and what is known of it lies beside it.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use exstreamtv_core::backup::BackupId;

use super::{BackupError, BackupInfo};

/// The folder in which backups are kept.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Names a folder; it need not be there yet.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns every backup, newest first. A folder that is not there has none.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn list(&self) -> Result<Vec<BackupInfo>, BackupError> {
        let looked = self.names()?;
        let looked = looked.iter().filter_map(|name| Some((self.look_at(name)?, self.written(name))));
        let mut found: Vec<_> = looked.collect();
        // Names count seconds, and a restore makes its own backup in no time.
        found.sort_by_key(|(info, written)| std::cmp::Reverse((info.created, *written, info.id())));
        Ok(found.into_iter().map(|(info, _)| info).collect())
    }

    /// Returns one backup.
    ///
    /// # Errors
    /// If there is none of this name, or the folder cannot be read.
    pub fn find(&self, id: BackupId) -> Result<BackupInfo, BackupError> {
        let none = || BackupError::None { id, folder: self.path.clone() };
        self.list()?.into_iter().find(|info| info.id() == id).ok_or_else(none)
    }

    fn written(&self, name: &str) -> Option<SystemTime> {
        fs::metadata(self.path.join(name)).and_then(|about| about.modified()).ok()
    }

    fn look_at(&self, name: &str) -> Option<BackupInfo> {
        let (id, compressed) = BackupId::of_file_name(name)?;
        // It may have gone since it was listed.
        let about = fs::metadata(self.path.join(name)).ok().filter(fs::Metadata::is_file)?;
        let of_file = BackupInfo::of_file(id, compressed, about.len());
        Some(BackupInfo::read(&self.path.join(id.sidecar_name()), &of_file).unwrap_or(of_file))
    }

    fn names(&self) -> Result<Vec<String>, BackupError> {
        let failed = |source| BackupError::Folder { path: self.path.clone(), source };
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let names = entries.map(|entry| entry.map(|entry| entry.file_name().into_string().ok()));
        let names: Result<Vec<_>, _> = names.collect();
        Ok(names.map_err(failed)?.into_iter().flatten().collect())
    }

    /// Makes the folder, and removes what jobs that were killed left in it.
    pub(super) fn tidy(&self) -> Result<(), BackupError> {
        fs::create_dir_all(&self.path).map_err(|source| BackupError::Folder { path: self.path.clone(), source })?;
        let names = self.names()?;
        let backups: Vec<_> = names.iter().filter_map(|name| BackupId::of_file_name(name)).map(|(id, _)| id).collect();
        let is_left = |name: &&String| {
            let orphan = BackupId::of_sidecar_name(name).is_some_and(|id| !backups.contains(&id));
            orphan || name.starts_with(PARTIAL)
        };
        for name in names.iter().filter(is_left) {
            self.remove_file(&self.path.join(name))?;
        }
        Ok(())
    }

    /// Returns the first name from `id` on that is free.
    pub(super) fn free(&self, mut id: BackupId) -> Result<BackupId, BackupError> {
        let taken: Vec<_> = self.list()?.iter().map(BackupInfo::id).collect();
        while taken.contains(&id) {
            id = id.later();
        }
        Ok(id)
    }

    /// Returns where something is written that has no name yet.
    pub(super) fn partial(&self, what: &str) -> PathBuf {
        self.path.join(format!("{PARTIAL}{what}"))
    }

    /// Gives what was written its name, with what is known of it beside it; lasting once it returns.
    pub(super) fn finish(&self, partial: &Path, info: &BackupInfo) -> Result<(), BackupError> {
        self.write_sidecar(info)?;
        let path = self.path.join(&info.file);
        let renamed = fs::rename(partial, &path).and_then(|()| File::open(&self.path)?.sync_all());
        renamed.map_err(|source| BackupError::Write { path, source })
    }

    /// Writes what is known of a backup, whole or not at all.
    pub(super) fn write_sidecar(&self, info: &BackupInfo) -> Result<(), BackupError> {
        let path = self.path.join(info.id().sidecar_name());
        let partial = self.partial("sidecar.json");
        let write = || {
            let mut file = File::create(&partial)?;
            file.write_all(serde_json::to_string_pretty(info)?.as_bytes())?;
            file.sync_all()?;
            fs::rename(&partial, &path)
        };
        write().map_err(|source| BackupError::Write { path: path.clone(), source })
    }

    /// Removes a backup; first itself, so that nothing incomplete is ever listed.
    pub(super) fn remove(&self, info: &BackupInfo) -> Result<(), BackupError> {
        self.remove_file(&self.path.join(&info.file))?;
        self.remove_file(&self.path.join(info.id().sidecar_name()))
    }

    /// Removes a file that may be gone already.
    pub(super) fn remove_file(&self, path: &Path) -> Result<(), BackupError> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(|source| BackupError::Write { path: path.to_owned(), source }),
        }
    }
}

/// A dot in front: nobody takes it for a backup.
const PARTIAL: &str = ".exstreamtv_partial_";
