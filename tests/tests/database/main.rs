//! The database takes care of itself: backups, restores, damage, crashes, full disks, documents.
//!
//! Does: drive the real binaries by command line, REST and signals, and check files with gzip and sqlite3.
//! Does not: assert how long anything took; `make bench` prints that.
//! Invariant: one host at a time; `EXSTREAMTV_CHAOS=full` asks for the long form (`make chaos`).

#![expect(clippy::unwrap_used, reason = "tests")]

mod backups;
mod damage;
mod documents;
mod killed;
mod settings;
