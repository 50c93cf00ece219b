//! Who looks into files for the library.
//!
//! Invariant: only [`ProbeFailure::Broken`] says anything about the file; whatever else goes wrong leaves the library as it is.

use std::path::PathBuf;

use futures::future::BoxFuture;

/// Looks into files.
pub trait Prober: Send + Sync {
    /// Returns ffprobe's JSON (`-show_format -show_streams -show_chapters`) about a file.
    fn probe(&self, path: PathBuf) -> BoxFuture<'_, Result<String, ProbeFailure>>;
}

/// Why there is no JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeFailure {
    /// ffprobe ran and cannot make anything of the file.
    #[error("read the file: {reason}")]
    Broken {
        /// In words for people.
        reason: String,
    },
    /// Nobody looked: the file is tried again with the next scan.
    #[error("run ffprobe: {reason}")]
    Unavailable {
        /// In words for people.
        reason: String,
    },
}
