//! Worker processes, as the host sees them.
//!
//! Does: spawn workers, talk to them, take over the pipes they hand out, see them end.
//! Does not: know what a channel shows; a link carries commands and reports, no decisions.
//! Invariant: a worker whose link is dropped ends, and is reaped.

use std::path::PathBuf;

use exstreamtv_worker_protocol::Restrictions;

pub mod groups;
pub mod link;
pub mod spawner;
pub mod steady;
pub mod utility;

pub use link::{Event, WorkerLink};
pub use spawner::Spawner;
pub use steady::SteadyWorker;
pub use utility::Utility;

/// Which programs a worker uses; from the local configuration alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// The worker itself.
    pub worker: PathBuf,
    /// ffmpeg.
    pub ffmpeg: PathBuf,
    /// ffprobe.
    pub ffprobe: PathBuf,
    /// What those two may do to the machine.
    pub restrictions: Restrictions,
}

/// Why there is no worker; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The program cannot be started.
    #[error("start the worker {}", .path.display())]
    Spawn {
        /// Which program.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The control socket cannot be made.
    #[error("make the control socket of a worker")]
    Socket(#[source] std::io::Error),
    /// It said nothing, or something else than a worker of this version says.
    #[error("greet the worker {}: {reason}", .path.display())]
    Greeting {
        /// Which program.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
}
