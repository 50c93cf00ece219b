//! Slates on disk, by the hash of what is in them.
//!
//! Does: load and keep rendered slates, and delete those that nobody needed for longest.
//! Does not: know what is in them.
//! Invariant: a file is whole or not there; what is protected is never deleted; a full disk costs only the time to render again.

use std::{
    collections::HashSet,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use nix::sys::{stat::futimens, time::TimeSpec};

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Files.
    pub files: usize,
    /// Bytes together.
    pub bytes: u64,
}

/// The folder with slates.
#[derive(Debug)]
pub(super) struct Disk {
    folder: PathBuf,
    protected: Arc<Mutex<HashSet<String>>>,
}

/// A file in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    name: String,
    bytes: u64,
    used: SystemTime,
}

impl Disk {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, protected: Arc::default() }
    }

    /// Never deletes the file of this name from now on.
    pub(super) fn protect(&self, name: &str) {
        self.protected.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
    }

    pub(super) async fn load(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.path(name);
        let read = move || {
            let bytes = std::fs::read(&path).ok()?;
            touch(&path);
            Some(bytes)
        };
        tokio::task::spawn_blocking(read).await.ok()?
    }

    pub(super) async fn keep(&self, name: &str, bytes: Vec<u8>, limits: Limits) {
        let (folder, path) = (self.folder.clone(), self.path(name));
        let protected = Arc::clone(&self.protected);
        let write = move || {
            if let Err(error) = write_whole(&path, &bytes) {
                tracing::warn!(%error, path = %path.display(), "the slate could not be kept on disk");
            }
            let protected = protected.lock().unwrap_or_else(PoisonError::into_inner).clone();
            for name in superfluous(listed(&folder).unwrap_or_default(), &protected, limits) {
                _ = std::fs::remove_file(folder.join(name));
            }
        };
        if tokio::task::spawn_blocking(write).await.is_err() {
            tracing::warn!(name, "keeping a slate on disk was given up");
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(file_name(name))
    }
}

fn file_name(name: &str) -> String {
    format!("{name}.ts")
}

/// The time of change is the time of use; where it cannot be set, the file only counts as older than it is.
fn touch(path: &Path) {
    if let Ok(file) = std::fs::File::options().append(true).open(path) {
        _ = futimens(&file, &TimeSpec::UTIME_NOW, &TimeSpec::UTIME_NOW);
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn listed(folder: &Path) -> io::Result<Vec<Kept>> {
    let kept = |entry: io::Result<std::fs::DirEntry>| {
        let entry = entry.ok()?;
        let name = entry.file_name().into_string().ok().filter(|name| name.ends_with(".ts"))?;
        let found = entry.metadata().ok()?;
        Some(Kept { name, bytes: found.len(), used: found.modified().ok()? })
    };
    Ok(std::fs::read_dir(folder)?.filter_map(kept).collect())
}

/// Returns which files must go: those not used for longest, until the rest is within the limits.
fn superfluous(mut kept: Vec<Kept>, protected: &HashSet<String>, limits: Limits) -> Vec<String> {
    let is_protected = |file: &Kept| file.name.strip_suffix(".ts").is_some_and(|name| protected.contains(name));
    let (mut files, mut bytes) = (kept.len(), kept.iter().map(|file| file.bytes).sum::<u64>());
    kept.retain(|file| !is_protected(file));
    kept.sort_by(|a, b| a.used.cmp(&b.used).then_with(|| a.name.cmp(&b.name)));
    let mut gone = Vec::new();
    for file in kept {
        if files <= limits.files && bytes <= limits.bytes {
            break;
        }
        (files, bytes) = (files - 1, bytes - file.bytes);
        gone.push(file.name);
    }
    gone
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn kept(name: &str, bytes: u64, used_s: u64) -> Kept {
        Kept { name: format!("{name}.ts"), bytes, used: SystemTime::UNIX_EPOCH + Duration::from_secs(used_s) }
    }

    fn gone(protected: &[&str], files: usize, bytes: u64) -> Vec<String> {
        let kept = vec![kept("a", 10, 3), kept("b", 20, 1), kept("c", 30, 2)];
        superfluous(kept, &protected.iter().map(|name| (*name).to_owned()).collect(), Limits { files, bytes })
    }

    #[test]
    fn the_slates_not_used_for_longest_go_first() {
        assert_eq!(gone(&[], 3, 100), [""; 0]);
        assert_eq!(gone(&[], 2, 100), ["b.ts"]);
        assert_eq!(gone(&[], 1, 100), ["b.ts", "c.ts"]);
        assert_eq!(gone(&[], 9, 40), ["b.ts"]);
        assert_eq!(gone(&[], 9, 15), ["b.ts", "c.ts"]);
    }

    #[test]
    fn what_is_always_needed_never_goes() {
        assert_eq!(gone(&["b"], 2, 100), ["c.ts"]);
        assert_eq!(gone(&["a", "b", "c"], 0, 0), [""; 0]);
    }

    #[tokio::test]
    async fn a_slate_is_kept_whole_and_others_make_room() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path().join("deep/slates"));
        assert_eq!(disk.load("one").await, None);
        disk.protect("one");
        let limits = Limits { files: 2, bytes: 1_000 };
        for name in ["one", "two", "three", "four"] {
            disk.keep(name, name.into(), limits).await;
        }
        assert_eq!(disk.load("one").await, Some(b"one".to_vec()));
        assert_eq!(std::fs::read_dir(folder.path().join("deep/slates")).unwrap().count(), 2);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_costs_nothing_but_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let disk = Disk::new(file.join("slates"));
        disk.keep("one", b"one".to_vec(), Limits { files: 2, bytes: 1_000 }).await;
        assert_eq!(disk.load("one").await, None);
    }
}
