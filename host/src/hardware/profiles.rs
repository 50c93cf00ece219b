//! Reads a user's hardware profiles.
//!
//! Does not: check them; [`exstreamtv_hardware::Profiles`] does.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use exstreamtv_hardware::profiles::Source;

/// Why the folder cannot be read; fits after "failed to".
#[derive(Debug, thiserror::Error)]
#[error("read the hardware profiles in {}", .path.display())]
pub struct FolderError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// Returns the profiles in `folder`; a folder that is not there holds none.
///
/// # Errors
/// The folder or a file in it cannot be read.
pub fn read_profiles(folder: &Path) -> Result<Vec<Source>, FolderError> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let failed = |path: &Path, source| FolderError { path: path.to_owned(), source };
    let entries = fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    let mut paths: Vec<PathBuf> =
        entries.map_err(|source| failed(folder, source))?.iter().map(fs::DirEntry::path).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).map_err(|source| failed(path, source))?;
        Ok(Source { name: path.display().to_string(), text })
    };
    paths.iter().map(read).collect()
}
