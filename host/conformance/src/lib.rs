//! What a plugin must keep: the checks of `exstreamtv plugin check`.
//!
//! Does: hold the catalogue of rules, run each test in a process of its own, and say which rule was broken and what to do about it; write the project of a
//! new plugin, which keeps the rules as it stands.
//! Does not: print, parse a command line, or load a plugin into the process that asks.
//! Invariant: the process that calls [`runner`] never runs a plugin's code; only its children do.

pub mod ask;
pub mod bench;
pub mod catalogue;
pub mod checks;
pub mod child;
pub mod contract;
pub mod examples;
pub mod hostile;
pub mod job;
pub mod observe;
pub mod report;
pub mod runner;
pub mod scaffold;
pub mod statistics;
pub mod subject;
pub mod verdict;

mod fuzz;
mod loaded;
mod stopwatch;
mod symbols;
mod watchdog;
