//! The pure decisions of the host.
//!
//! Does: decide what a channel shows next, when what failed is tried again, why it failed, which streams of a file are played, what a
//! timeline in frames means, who may watch and how fast each viewer is sent what he watches, how many connections read the database and
//! which backups of it stay.
//! Does not: read a clock, spawn, sleep, log, or touch a file or socket; time is an argument, effects are values.
//! Invariant: every machine here can be run in virtual time, and the same inputs give the same outputs.

pub mod admission;
pub mod as_run;
pub mod backup;
pub mod conductor;
pub mod diagnosis;
pub mod fallback;
pub mod redaction;
pub mod screen;
pub mod session;
pub mod sizing;
pub mod supervision;
pub mod throttle;
pub mod trouble;

pub use conductor::{Action, Conductor, Content, Moment, Outcome, Policy, Slot};
pub use screen::{Announced, Occasion};
pub use supervision::{Means, RestartBudget, Rung};
