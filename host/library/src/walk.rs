//! Walks a library folder and finds media files.
//!
//! Does: follow links without going round in circles, leave out what nobody means to watch, go on after a given file.
//! Does not: open files, or end because one folder cannot be read; such folders are reported and passed by.
//! Invariant: files come in the byte order of their paths, so that a walk can be resumed and merged with a sorted list;
//! memory is bounded by the largest single folder.

use std::{
    cmp::Ordering,
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use walkdir::{DirEntry, WalkDir};

/// A media file on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// The root joined with where it lies.
    pub path: PathBuf,
    /// Its size.
    pub size_bytes: u64,
    /// When it was changed, Unix milliseconds; 0 where the file system does not say.
    pub mtime_ms: i64,
}

/// Something that a walk passed by.
#[derive(Debug, thiserror::Error)]
pub enum WalkProblem {
    /// The root itself cannot be read; nothing can be said about what is in it.
    #[error("read the library folder {}: is it mounted, and may the server read it?", .path.display())]
    Root {
        /// The root.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// A folder or file cannot be read.
    #[error("read {}", .path.display())]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// A link leads back into a folder that holds it.
    #[error("follow {}: it leads back to {}", .path.display(), .ancestor.display())]
    Loop {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        ancestor: PathBuf,
    },
    /// A link to a media file that is not there.
    #[error("follow {}: what it links to is not there", .path.display())]
    Dangling {
        /// The link.
        path: PathBuf,
    },
    /// A copied disc, whose hundreds of parts make no programme.
    #[error("play the disc folder {}: make a file of it first", .path.display())]
    DiscFolder {
        /// The `VIDEO_TS` or `BDMV` folder.
        path: PathBuf,
    },
}

/// Iterates over the media files below a root.
#[derive(Debug)]
pub struct MediaWalk {
    root: PathBuf,
    after: Option<PathBuf>,
    inner: walkdir::IntoIter,
}

impl MediaWalk {
    /// Walks everything at or below `root`; with `after`, only what follows that path.
    pub fn new(root: &Path, after: Option<&Path>) -> Self {
        let inner = WalkDir::new(root).follow_links(true).max_open(16).sort_by(path_order).into_iter();
        Self { root: root.to_owned(), after: after.map(Path::to_owned), inner }
    }

    fn visit(&mut self, entry: DirEntry) -> Option<Result<FoundFile, WalkProblem>> {
        if entry.file_type().is_dir() {
            let problem = self.enter(&entry);
            return problem.map(Err);
        }
        let wanted = entry.file_type().is_file() && is_media(entry.path()) && !is_left_out(&entry);
        if !wanted || self.after.as_deref().is_some_and(|after| bytes(entry.path()) <= bytes(after)) {
            return None;
        }
        Some(found(entry))
    }

    /// Decides whether a folder is walked.
    fn enter(&mut self, folder: &DirEntry) -> Option<WalkProblem> {
        if folder.depth() == 0 {
            return None;
        }
        let is_disc = is_one_of(folder.file_name(), &["VIDEO_TS", "BDMV"]);
        if is_disc
            || is_left_out_folder(folder)
            || self.is_done(folder.path())
            || folder.path().join(".nomedia").exists()
        {
            self.inner.skip_current_dir();
        }
        is_disc.then(|| WalkProblem::DiscFolder { path: folder.path().to_owned() })
    }

    /// Returns whether everything in the folder comes before `after`.
    fn is_done(&self, folder: &Path) -> bool {
        let Some(after) = self.after.as_deref() else { return false };
        !after.starts_with(folder) && bytes(folder).iter().chain(b"/").lt(bytes(after))
    }

    fn problem(&self, error: walkdir::Error) -> Option<WalkProblem> {
        let path = error.path().unwrap_or(&self.root).to_owned();
        if let Some(ancestor) = error.loop_ancestor() {
            return Some(WalkProblem::Loop { ancestor: ancestor.to_owned(), path });
        }
        let at_root = error.depth() == 0;
        let source = error.into_io_error().unwrap_or_else(|| io::Error::other("the folder cannot be walked"));
        match source.kind() {
            _ if at_root => Some(WalkProblem::Root { path, source }),
            // A link to nothing, or a file that went away while we looked.
            io::ErrorKind::NotFound if is_media(&path) => Some(WalkProblem::Dangling { path }),
            io::ErrorKind::NotFound => None,
            _ => Some(WalkProblem::Unreadable { path, source }),
        }
    }
}

impl Iterator for MediaWalk {
    type Item = Result<FoundFile, WalkProblem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let next = match self.inner.next()? {
                Ok(entry) => self.visit(entry),
                Err(error) => self.problem(error).map(Err),
            };
            if next.is_some() {
                return next;
            }
        }
    }
}

fn found(entry: DirEntry) -> Result<FoundFile, WalkProblem> {
    match entry.metadata() {
        Ok(metadata) => {
            Ok(FoundFile { size_bytes: metadata.len(), mtime_ms: mtime_ms(&metadata), path: entry.into_path() })
        }
        Err(error) => {
            let source = error.into_io_error().unwrap_or_else(|| io::Error::other("its size cannot be read"));
            Err(WalkProblem::Unreadable { path: entry.into_path(), source })
        }
    }
}

/// Returns the modification time in Unix milliseconds.
pub fn mtime_ms(metadata: &std::fs::Metadata) -> i64 {
    let Ok(modified) = metadata.modified() else { return 0 };
    let ms = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    modified.duration_since(UNIX_EPOCH).map_or_else(|before| -ms(before.duration()), ms)
}

/// Orders siblings so that whole paths come in byte order: a folder counts as its name and a slash.
fn path_order(one: &DirEntry, other: &DirEntry) -> Ordering {
    fn key(entry: &DirEntry) -> impl Iterator<Item = &u8> {
        let slash: &[u8] = if entry.file_type().is_dir() { b"/" } else { b"" };
        entry.file_name().as_encoded_bytes().iter().chain(slash)
    }
    key(one).cmp(key(other))
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

const EXTENSIONS: &[&str] = &[
    // Pictures.
    "3g2", "3gp", "asf", "avi", "divx", "dv", "f4v", "flv", "m2t", "m2ts", "m4v", "mkv", "mov", "mp4", "mpe", "mpeg",
    "mpg", "mts", "mxf", "nut", "ogm", "ogv", "rm", "rmvb", "ts", "vob", "webm", "wmv", "wtv", // Sound.
    "aac", "ac3", "aif", "aiff", "ape", "dts", "eac3", "flac", "m4a", "m4b", "mka", "mp2", "mp3", "mpc", "oga", "ogg",
    "opus", "tta", "wav", "wma", "wv",
];

/// Returns whether the name's extension is one of a container that can hold pictures or sound.
pub fn is_media(path: &Path) -> bool {
    path.extension().is_some_and(|extension| is_one_of(extension, EXTENSIONS))
}

fn is_one_of(name: &OsStr, list: &[&str]) -> bool {
    list.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Folders of systems and storage boxes, which hold copies and thumbnails.
const SYSTEM_FOLDERS: &[&str] = &[
    "@eadir",
    "lost+found",
    "#recycle",
    "@recycle",
    "$recycle.bin",
    "system volume information",
    "#snapshot",
    "@recently-snapshot",
];
/// Folders beside a film or in a series that hold what is no programme. At the top of a library they are what somebody wants to watch.
const EXTRAS_FOLDERS: &[&str] =
    &["sample", "samples", "trailers", "extras", "featurettes", "behind the scenes", "deleted scenes", "interviews"];
const EXTRAS_ENDINGS: &[&str] =
    &["-trailer", ".trailer", "-sample", ".sample", "-behindthescenes", "-deleted", "-featurette", "-interview"];

fn is_left_out_folder(folder: &DirEntry) -> bool {
    let name = folder.file_name();
    is_hidden(name) || is_one_of(name, SYSTEM_FOLDERS) || (folder.depth() >= 2 && is_one_of(name, EXTRAS_FOLDERS))
}

fn is_left_out(file: &DirEntry) -> bool {
    // A root that is a file was named by a person.
    if file.depth() == 0 {
        return false;
    }
    let stem = file.path().file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let beside_a_film = file.depth() >= 2 && (stem == "sample" || stem == "trailer");
    is_hidden(file.file_name()) || beside_a_film || EXTRAS_ENDINGS.iter().any(|ending| stem.ends_with(ending))
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().first() == Some(&b'.')
}
