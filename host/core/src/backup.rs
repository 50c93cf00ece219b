//! Which backups there are by name, which of them go, and when the next one is due.
//!
//! Does: write and read file names, choose what retention removes, tell the next run.
//! Does not: touch a file or read a clock.
//! Invariant: the newest verified backup is never chosen, and neither is one that a person made.

mod name;
mod retention;
mod schedule;

pub use name::{BackupId, BackupIdError, BackupKind};
pub use retention::{Kept, Retention};
pub use schedule::next_run;
