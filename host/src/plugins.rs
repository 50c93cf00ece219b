//! Strategies: finding plugins, asking them, and doing without them.
//!
//! Does: look for plugin libraries, load or isolate them, put questions to them within deadlines, check every answer, remember who misbehaved.
//! Does not: act on an answer; whoever asked does.
//! Invariant: every question gets an answer that has passed its contract's check; where a plugin gives none, the built-in fallback does.

pub mod fallback;
pub mod strategies;

pub use strategies::{Planned, Strategies, StrategyError};
