//! The pure decisions of the host.
//!
//! Does: decide what a channel shows next, which streams of a file are played, and what a timeline in frames means.
//! Does not: read a clock, spawn, sleep, log, or touch a file or socket; time is an argument, effects are values.
//! Invariant: every machine here can be run in virtual time, and the same inputs give the same outputs.

pub mod conductor;
pub mod fallback;
pub mod screen;

pub use conductor::{Action, Conductor, Content, Moment, Outcome, Policy, Slot};
pub use screen::{Announced, Occasion};
