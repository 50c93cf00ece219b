//! Where plugin libraries lie, and which of two with the same id is used.
//!
//! Does: list libraries folder by folder, and rank what they describe.
//! Does not: load them.
//! Invariant: the same folders give the same order; a relative folder, and so the working directory, is never looked at.

use std::path::{Path, PathBuf};

use crate::Descriptor;

/// Lists the libraries of these folders, in the order of the folders and then of names; a folder that is not there has none.
pub fn discover(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for folder in folders.iter().filter(|folder| folder.is_absolute()) {
        let Ok(listing) = std::fs::read_dir(folder) else { continue };
        let mut libraries: Vec<_> =
            listing.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| is_library(path)).collect();
        libraries.sort();
        // The same folder may be named twice.
        libraries.retain(|path| !found.contains(path));
        found.extend(libraries);
    }
    found
}

/// Returns whether a file is called like a library: `*.so` or `*.dylib`, not hidden.
pub fn is_library(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden && path.extension().is_some_and(|extension| extension == "so" || extension == "dylib")
}

/// A described plugin in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which library.
    pub path: PathBuf,
    /// What it says.
    pub descriptor: Descriptor,
    /// The library that came first with the same id, and is used instead.
    pub shadowed_by: Option<PathBuf>,
}

/// Lists everything that libraries describe, in their order; the first of each id is used, later ones are shadowed.
pub fn rank(libraries: impl IntoIterator<Item = (PathBuf, Vec<Descriptor>)>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for (path, descriptors) in libraries {
        for descriptor in descriptors {
            let first = found.iter().find(|earlier| earlier.descriptor.id == descriptor.id);
            let shadowed_by = first.map(|first| first.path.clone());
            found.push(Found { path: path.clone(), descriptor, shadowed_by });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn descriptor(id: &str) -> Descriptor {
        Descriptor {
            id: id.into(),
            name: id.into(),
            version: "1.0.0".into(),
            vendor: String::new(),
            licence: String::new(),
            url: String::new(),
            contract: "exstreamtv.scheduler/1".into(),
            min_host_minor: 0,
            encodings: vec!["json".into()],
            permissions: vec![],
        }
    }

    #[test]
    fn libraries_are_listed_folder_by_folder_and_by_name() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for name in ["b.so", "a.dylib", ".hidden.so", "readme.txt", "a.so.bak"] {
            fs::write(first.path().join(name), "").unwrap();
        }
        fs::write(second.path().join("a.so"), "").unwrap();
        let folders =
            [first.path().to_owned(), "/nowhere/at/all".into(), second.path().to_owned(), first.path().to_owned()];
        let names: Vec<_> =
            [first.path().join("a.dylib"), first.path().join("b.so"), second.path().join("a.so")].into();
        assert_eq!(discover(&folders), names);
    }

    #[test]
    fn the_working_directory_is_never_looked_at() {
        // Tests run in the crate's folder, which holds folders and files; none may come up, whatever their names.
        assert!(discover(&[".".into(), "".into(), "src".into()]).is_empty());
    }

    #[test]
    fn the_first_id_wins_and_later_ones_are_shadowed() {
        let libraries = [
            ("/a/x.so".into(), vec![descriptor("one"), descriptor("two")]),
            ("/b/y.so".into(), vec![descriptor("two"), descriptor("three")]),
        ];
        let found = rank(libraries);
        let shadows: Vec<_> = found.iter().map(|f| (f.descriptor.id.as_str(), f.shadowed_by.as_deref())).collect();
        assert_eq!(shadows, [("one", None), ("two", None), ("two", Some(Path::new("/a/x.so"))), ("three", None)]);
    }
}
