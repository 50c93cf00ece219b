//! Drives the real worker from outside, as its host does: with the real FFmpeg, and with small scripts that misbehave.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod detecting;
mod extracting;
mod faults;
mod harness;
mod isolation;
mod life;
mod options;
mod playing;
mod probing;
mod tree;
