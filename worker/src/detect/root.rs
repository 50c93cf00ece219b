//! The machine's files, or those of a stand-in below a folder.
//!
//! Invariant: with a stand-in nothing outside its folder is looked at; files are small or cut off.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

/// How much of a system's file is read.
const MOST_BYTES: u64 = 64 * 1024;

/// Where a machine's files are.
#[derive(Debug, Clone)]
pub struct Root {
    prefix: Option<PathBuf>,
}

impl Root {
    /// Returns this machine, or the stand-in below `prefix`.
    pub fn at(prefix: Option<PathBuf>) -> Self {
        Self { prefix }
    }

    /// Returns whether it is a stand-in.
    pub fn is_stand_in(&self) -> bool {
        self.prefix.is_some()
    }

    /// Returns where `path` really is.
    pub fn path(&self, path: &str) -> PathBuf {
        match &self.prefix {
            Some(prefix) => prefix.join(path.trim_start_matches('/')),
            None => PathBuf::from(path),
        }
    }

    /// Returns the text of a small file, without what is no text in it.
    pub fn read(&self, path: &str) -> Option<String> {
        let mut bytes = Vec::new();
        fs::File::open(self.path(path)).ok()?.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Returns the first line of a small file.
    pub fn line(&self, path: &str) -> Option<String> {
        let text = self.read(path)?;
        let line = text.lines().next()?.trim();
        (!line.is_empty()).then(|| line.to_owned())
    }

    /// Returns the names in a folder, in order; none where there is no folder.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).into_iter().flatten().filter_map(Result::ok);
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// Returns the last name of what a link points to.
    pub fn link_name(&self, path: &str) -> Option<String> {
        let target = fs::read_link(self.path(path)).ok()?;
        Some(Path::new(&target).file_name()?.to_string_lossy().into_owned())
    }

    /// Returns whether there is such a file.
    pub fn exists(&self, path: &str) -> bool {
        self.path(path).exists()
    }
}
