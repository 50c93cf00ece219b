//! Answers that are kept until something changes that they depend on.
//!
//! Does: hold one detection on disk, with a key of FFmpeg, drivers, devices, kernel, user and profiles; keep a second detection waiting for the first.
//! Does not: trust what is on disk: a key that differs, or a file that cannot be read, is no answer.
//! Invariant: a file in the folder is whole.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use exstreamtv_hardware::{Detection, Profiles, detect::System};
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::root::Root;

/// Where drivers of VAAPI lie; another driver gives other answers.
const DRIVERS: [&str; 4] =
    ["/usr/lib/x86_64-linux-gnu/dri", "/usr/lib/aarch64-linux-gnu/dri", "/usr/lib64/dri", "/usr/lib/dri"];

/// Changes with what answers mean.
const FORMAT: u32 = 1;

/// Answers that are kept.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    /// Nothing is kept: the folder goes with this.
    temporary: Option<tempfile::TempDir>,
    /// Detections of one folder come one after the other: cards have few sessions.
    _turn: Option<Flock<File>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    key: String,
    detection: Detection,
}

impl Cache {
    /// Opens the folder, or a temporary one; waits for another detection in it.
    pub fn open(folder: Option<PathBuf>) -> io::Result<Self> {
        let Some(folder) = folder else {
            let temporary = tempfile::tempdir()?;
            let folder = temporary.path().to_owned();
            return Ok(Self { folder, temporary: Some(temporary), _turn: None });
        };
        fs::create_dir_all(&folder)?;
        let lock = File::create(folder.join("lock"))?;
        let turn = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, error)| io::Error::from(error))?;
        Ok(Self { folder, temporary: None, _turn: Some(turn) })
    }

    /// Returns where clips are kept.
    pub fn clips(&self) -> &Path {
        &self.folder
    }

    /// Returns what is known under this key.
    pub fn known(&self, key: &str) -> Option<Detection> {
        let text = fs::read(self.file()).ok()?;
        let kept: Kept = serde_json::from_slice(&text).ok()?;
        (kept.key == key).then_some(kept.detection)
    }

    /// Keeps what was found out.
    pub fn keep(&self, key: &str, detection: &Detection) -> io::Result<()> {
        if self.temporary.is_some() {
            return Ok(());
        }
        let kept = Kept { key: key.to_owned(), detection: detection.clone() };
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&serde_json::to_vec_pretty(&kept)?)?;
        file.persist(self.file())?;
        Ok(())
    }

    fn file(&self) -> PathBuf {
        self.folder.join("detection.json")
    }
}

/// Returns a name for everything that answers depend on.
pub fn key(system: &System, profiles: &Profiles, ffmpeg: &Path, root: &Root) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{FORMAT} {}", env!("CARGO_PKG_VERSION")));
    // All of it: devices, who may open them, kernel, platform, user.
    hash.update(format!("{system:?}"));
    for profile in profiles.by_rank() {
        hash.update(serde_json::to_vec(profile).unwrap_or_default());
    }
    hash.update(file_identity(&in_path(ffmpeg)));
    hash.update(root.read("/proc/driver/nvidia/version").unwrap_or_default());
    for folder in DRIVERS {
        for name in root.names(folder).iter().filter(|name| name.ends_with("_drv_video.so")) {
            hash.update(file_identity(&root.path(&format!("{folder}/{name}"))));
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns what changes when a file is replaced.
fn file_identity(path: &Path) -> String {
    let about = fs::canonicalize(path).and_then(|path| Ok((fs::metadata(&path)?, path)));
    let Ok((about, path)) = about else { return format!("{} is not there", path.display()) };
    let changed = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    format!("{} {} {}", path.display(), about.len(), changed.as_nanos())
}

/// A name without a slash is looked for as the system does.
fn in_path(program: &Path) -> PathBuf {
    let is_name = program.components().count() == 1 && !program.as_os_str().is_empty();
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file());
    found.filter(|_| is_name).unwrap_or_else(|| program.to_owned())
}
