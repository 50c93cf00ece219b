//! The database of EXStreamTV: the only crate that sees sqlx.
//!
//! Does: open, lock and migrate one SQLite file, and keep channels, collections, media, timelines, playlist counters, totals of
//! sessions and what was learnt in it; copy it while it is written, examine copies, put one in its place.
//! Does not: read a clock (times are arguments), decide what is played, touch media files.
//! Invariant: a row either becomes a valid value of the model or an error that names its table and column; every change is one transaction.

mod access;
mod broadcasts;
mod cell;
mod channels;
mod checks;
mod chronicle;
mod closed;
mod collections;
mod connections;
mod error;
mod examine;
mod healing;
mod instance_lock;
mod learning;
mod loudness;
mod media;
mod playout;
mod pools;
mod schedules;
mod schema;
mod screens;
mod session_totals;
mod snapshot;
mod store;
mod swap;
mod telemetry;
#[cfg(test)]
mod testing;

pub use broadcasts::Broadcasts;
pub use channels::{Channels, NewChannel};
pub use checks::{Checkpointed, Checks, LastCheck, Probe};
pub use chronicle::{Chronicle, NumberedIncident};
pub use closed::{ClosedDatabase, Condition, condition_of};
pub use collections::Collections;
pub use connections::PoolSettings;
pub use error::{EngineError, StoreError, StoreErrorKind};
pub use examine::{ExamineError, Examined, examine};
pub use healing::{ApprovalRow, Healing, PosteriorRow, ResolutionRow};
pub use instance_lock::address_of_holder;
pub use learning::{Going, Learning, LearningRows, PatternRow, TemplateRow, WindowRow};
pub use loudness::{LoudnessRepo, Measured};
pub use media::{KnownFile, MediaCounts, MediaFilter, MediaIdentity, MediaRepo, MediaStateFilter, ScannedMedia};
pub use playout::{Checkpoint, NewEntry, PlayoutRepo};
pub use pools::{PoolPlace, PoolSelection, Pools, SelectedPage};
pub use schedules::{Schedules, WaitingSchedule};
pub use screens::Screens;
pub use session_totals::{ChannelTotal, SessionTotals};
pub use store::{Store, UsageReport};
pub use telemetry::{DB_POOL_EXHAUSTED, Exhaustion, FamilyReport, HistogramReport, PoolReport, Role};
