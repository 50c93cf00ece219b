//! Documents say what is true: their commands run, the doctor finds what they name, proxies do what they are said to do.
//!
//! Does: read the documents as they are, and act on them.
//! Does not: know what stands in them; a command that it cannot run has to be entered in `commands::ELSEWHERE` with what does.
//! Invariant: a new command in a document is run, or the test fails.

#![expect(clippy::unwrap_used, reason = "tests")]

mod commands;
mod doctor;
mod proxies;
mod text;
