//! Puts together what is known about a file: its name, its sidecars, the artwork beside it.
//!
//! Does: list folders, read `.nfo` files, remember the last few folders.
//! Does not: probe. Sidecars that cannot be read are reported and otherwise ignored.
//! Invariant: the title is never empty; nothing but regular files is opened; memory does not grow with the library.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use exstreamtv_model::{MediaKind, Metadata};

use crate::{
    artwork::{artwork_of_file, artwork_of_folder},
    name::metadata_from_path,
    nfo::{MAX_NFO_BYTES, Nfo, NfoError, parse_nfo},
    walk::is_media,
};

/// Describes the files of one library root. Make one for each scan: it remembers folders as it first saw them.
#[derive(Debug)]
pub struct Describer {
    root: PathBuf,
    /// The newest last.
    recent: Vec<Arc<Folder>>,
}

/// What is known about a file without probing it.
#[derive(Debug)]
pub struct Description {
    /// Name, sidecars and artwork together.
    pub metadata: Metadata,
    /// Sidecars that were there and could not be used.
    pub problems: Vec<SidecarProblem>,
}

/// Why a sidecar was ignored.
#[derive(Debug, thiserror::Error)]
pub enum SidecarProblem {
    /// The file cannot be read.
    #[error("read the sidecar {}", .path.display())]
    Unreadable {
        /// Where it lies.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// Its text says nothing usable.
    #[error("use {}", .path.display())]
    Useless {
        /// Where it lies.
        path: PathBuf,
        /// Why.
        #[source]
        source: NfoError,
    },
}

const REMEMBERED_FOLDERS: usize = 4;
/// How far above a file its series may be described: "Show/Season 01/Disc 1/file".
const SHOW_LEVELS: usize = 3;

impl Describer {
    /// Describes files at or below `root`.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), recent: Vec::new() }
    }

    /// Says what is known about a file; the file itself is not opened.
    pub fn describe(&mut self, path: &Path) -> Description {
        let mut metadata = metadata_from_path(&self.root, path);
        let mut problems = Vec::new();
        let above = self.folders_above(path);
        if let Some(folder) = above.first() {
            merge(folder.sidecar_of(path), &mut metadata, &mut problems);
        }
        if metadata.kind != MediaKind::Movie {
            let show = above.iter().find_map(|folder| folder.named("tvshow.nfo").map(|name| folder.path.join(name)));
            merge(show.map(|path| read_sidecar(&path)), &mut metadata, &mut problems);
        }
        metadata.artwork = artwork(path, &metadata, &above);
        Description { metadata, problems }
    }

    /// Lists the folders from the file's own up to the root, or as many as may speak for it.
    fn folders_above(&mut self, path: &Path) -> Vec<Arc<Folder>> {
        let inside = path.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.root)).take(SHOW_LEVELS);
        let inside: Vec<PathBuf> = inside.map(Path::to_owned).collect();
        inside.iter().map(|folder| self.folder(folder)).collect()
    }

    fn folder(&mut self, path: &Path) -> Arc<Folder> {
        let known = self.recent.iter().position(|folder| folder.path == path);
        let folder = match known {
            Some(at) => self.recent.remove(at),
            None => Arc::new(Folder::list(path)),
        };
        if self.recent.len() >= REMEMBERED_FOLDERS {
            self.recent.remove(0);
        }
        self.recent.push(Arc::clone(&folder));
        folder
    }
}

/// The names in a folder that may speak for a media file.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// Sidecars and pictures, sorted.
    names: Vec<OsString>,
    media_files: usize,
}

impl Folder {
    /// Lists a folder; one that cannot be read says nothing, which the walk has reported already.
    fn list(path: &Path) -> Self {
        let (mut names, mut media_files) = (Vec::new(), 0);
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if is_media(Path::new(&name)) {
                media_files += 1;
            } else if speaks(&name) {
                names.push(name);
            }
        }
        names.sort();
        Self { path: path.to_owned(), names, media_files }
    }

    fn named(&self, name: &str) -> Option<&OsStr> {
        self.names.iter().find(|known| known.eq_ignore_ascii_case(name)).map(OsString::as_os_str)
    }

    /// Reads "Movie (1999).nfo", or "movie.nfo" where no other film could be meant.
    fn sidecar_of(&self, path: &Path) -> Option<Result<Nfo, SidecarProblem>> {
        let mut own = path.file_stem()?.to_owned();
        own.push(".nfo");
        let own = self.names.iter().find(|name| name.eq_ignore_ascii_case(&own)).map(OsString::as_os_str);
        let shared = || self.named("movie.nfo").filter(|_| self.media_files == 1);
        Some(read_sidecar(&self.path.join(own.or_else(shared)?)))
    }
}

fn speaks(name: &OsStr) -> bool {
    let extension = Path::new(name).extension();
    let spoken = ["nfo", "jpg", "jpeg", "png", "webp", "tbn"];
    extension.is_some_and(|extension| spoken.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

fn merge(sidecar: Option<Result<Nfo, SidecarProblem>>, metadata: &mut Metadata, problems: &mut Vec<SidecarProblem>) {
    match sidecar {
        Some(Ok(nfo)) => nfo.merge_into(metadata),
        Some(Err(problem)) => problems.push(problem),
        None => {}
    }
}

fn read_sidecar(path: &Path) -> Result<Nfo, SidecarProblem> {
    let unreadable = |source| SidecarProblem::Unreadable { path: path.to_owned(), source };
    // Opening a pipe that happens to be called so would wait for ever.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::from(io::ErrorKind::InvalidInput)));
    }
    let mut bytes = Vec::new();
    let limit = MAX_NFO_BYTES as u64 + 1;
    File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(unreadable)?;
    parse_nfo(&bytes).map_err(|source| SidecarProblem::Useless { path: path.to_owned(), source })
}

/// Returns the file's own picture, else its folder's, else (for an episode) the series'.
fn artwork(path: &Path, metadata: &Metadata, above: &[Arc<Folder>]) -> Option<PathBuf> {
    let (own, rest) = above.split_first()?;
    let of_file = artwork_of_file(path.file_stem()?, metadata.kind, &own.names);
    let of_folder = || artwork_of_folder(metadata.season, &own.names);
    if let Some(name) = of_file.or_else(of_folder) {
        return Some(own.path.join(name));
    }
    let show = rest.iter().take(if metadata.show.is_some() { SHOW_LEVELS } else { 0 });
    show.filter_map(|folder| artwork_of_folder(metadata.season, &folder.names).map(|name| folder.path.join(name)))
        .next()
}
