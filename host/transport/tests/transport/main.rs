//! The stream as a whole: runs in, one transport stream out.
//!
//! Does: make synthetic and real runs, splice them, and check the result by rules and readers that share no code with the crate.
//! Does not: look inside the crate.

#![expect(clippy::unwrap_used, reason = "tests may")]

mod checker;
mod ffmpeg_runs;
mod generator;
mod oracle;
mod random_runs;
mod random_units;
mod stream_rules;
