//! What FFmpeg and ffprobe may do to the machine.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What every process that a worker starts may do. A worker that was told nothing isolates and sets no limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Restrictions {
    /// Whether the kernel keeps it away from files that it has no business with, and from the network.
    pub isolation: bool,
    /// Files and folders that it may read beyond its media, its program, libraries and fonts; absolute.
    pub readable: Vec<PathBuf>,
    /// How far it steps back behind other processes, from 0 to 19.
    pub nice: u8,
    /// The most address space it gets; 0 sets no limit.
    pub memory_limit_bytes: u64,
    /// The most files it may have open; 0 leaves the limit as it is.
    pub open_files_limit: u64,
}

impl Default for Restrictions {
    fn default() -> Self {
        Self { isolation: true, readable: vec![], nice: 0, memory_limit_bytes: 0, open_files_limit: 0 }
    }
}
