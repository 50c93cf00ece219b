//! What files say about themselves: where they lie, what they are called, what stands beside them, what ffprobe found in them.
//!
//! Does: walk folders, read names, `.nfo` sidecars, artwork listings and ffprobe's JSON into the vocabulary of the model.
//! Does not: run ffprobe, keep a database, watch for changes or decide when to scan; that is `host::library`.
//! Invariant: nothing a file is called or holds makes this crate panic, follow a loop or use unbounded memory.

pub mod artwork;
pub mod describe;
pub mod name;
pub mod nfo;
pub mod probe;
pub mod subtitle_files;
pub mod walk;

pub use describe::{Describer, Description};
pub use name::metadata_from_path;
pub use nfo::{Nfo, NfoError, parse_nfo};
pub use probe::{ProbeError, parse_probe};
pub use subtitle_files::SubtitleFile;
pub use walk::{FoundFile, MediaWalk, WalkProblem};
