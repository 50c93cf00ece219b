//! The first look at a library: in a child process, once per version of the file.
//!
//! Does: ask a child what a library describes, and remember that for as long as the file stays the same.
//! Does not: load anything into this process.
//! Invariant: a library that crashes, hangs or talks nonsense while it is loaded is refused, and nothing else happens.

use std::{
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use exstreamtv_loader::{ABI, Descriptor, check_place};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{fault::chain, guest::Scanned, spawner::Spawner, wire};

/// How long a library may take to say what it is.
const LIMIT: Duration = Duration::from_secs(10);

/// Most bytes of a description.
const MAX_BYTES: usize = 1 << 20;

/// Looks at libraries.
pub struct Scanner {
    /// Starts the children.
    pub spawner: Spawner,
    /// Where what was seen is remembered.
    pub cache: Option<PathBuf>,
}

/// What was seen of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    of: Print,
    plugins: Vec<Descriptor>,
}

/// What tells one version of a file from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Print {
    path: PathBuf,
    inode: u64,
    size_bytes: u64,
    mtime_ns: i64,
    sha256: String,
    abi: (u32, u32),
    /// The host's version, because another one may look more closely.
    host: String,
}

impl Scanner {
    /// Looks at these libraries, and returns what each is, in their order.
    pub async fn scan(&self, libraries: Vec<PathBuf>) -> Vec<(PathBuf, Scanned)> {
        let known = self.remembered();
        let (mut found, mut seen) = (Vec::new(), Vec::new());
        for path in libraries {
            let scanned = match self.look(&path, &known).await {
                Ok(fresh) => {
                    let plugins = fresh.plugins.clone();
                    seen.push(fresh);
                    Scanned::Plugins(plugins)
                }
                Err(reason) => Scanned::Refused(reason),
            };
            found.push((path, scanned));
        }
        if seen != known {
            self.remember(&seen);
        }
        found
    }

    async fn look(&self, path: &Path, known: &[Seen]) -> Result<Seen, String> {
        let real = check_place(path).map_err(|error| chain(&error))?;
        let print = Print::take(&real).map_err(|error| format!("read {}: {error}", real.display()))?;
        if let Some(seen) = known.iter().find(|seen| seen.of == print) {
            return Ok(seen.clone());
        }
        match self.ask(path).await {
            Ok(Scanned::Plugins(plugins)) => Ok(Seen { of: print, plugins }),
            Ok(Scanned::Refused(reason)) | Err(reason) => Err(reason),
        }
    }

    async fn ask(&self, path: &Path) -> Result<Scanned, String> {
        let spawned = self.spawner.spawn(vec!["plugin-scan".into(), path.into()]).await;
        let (mut child, mut socket) =
            spawned.map_err(|error| format!("look at it in a process of its own: {error}"))?;
        let answer = tokio::time::timeout(LIMIT, wire::receive_frame(&mut socket, MAX_BYTES)).await;
        // It has said what it had to say, or it never will.
        let _ = child.kill();
        let ended = child.wait();
        match answer {
            Ok(Ok(bytes)) => {
                serde_json::from_slice(&bytes).map_err(|error| format!("understand what it describes: {error}"))
            }
            Ok(Err(_)) => {
                let how = ended.map(super::confined::describe).unwrap_or_else(|error| error.to_string());
                Err(format!("load it: a process that did {how}"))
            }
            Err(_) => Err(format!("load it within {} seconds", LIMIT.as_secs())),
        }
    }

    fn remembered(&self) -> Vec<Seen> {
        let bytes = self.cache.as_ref().and_then(|path| std::fs::read(path).ok());
        // A cache that cannot be read is an empty one.
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    fn remember(&self, seen: &[Seen]) {
        let Some(path) = &self.cache else { return };
        let save = || -> io::Result<()> {
            let folder = path.parent().unwrap_or(Path::new("."));
            std::fs::create_dir_all(folder)?;
            let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer(&mut fresh, seen)?;
            fresh.persist(path).map_err(|error| error.error)?;
            Ok(())
        };
        if let Err(error) = save() {
            tracing::debug!(%error, "what libraries describe cannot be remembered");
        }
    }
}

impl Print {
    fn take(path: &Path) -> io::Result<Self> {
        let facts = path.metadata()?;
        let sha256 = Sha256::digest(std::fs::read(path)?).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            path: path.to_owned(),
            inode: facts.ino(),
            size_bytes: facts.size(),
            mtime_ns: facts.mtime().saturating_mul(1_000_000_000).saturating_add(facts.mtime_nsec()),
            sha256,
            abi: ABI,
            host: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }
}
