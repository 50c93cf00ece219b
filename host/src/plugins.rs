//! Strategies: finding plugins, asking them, and doing without them.
//!
//! Does: look for plugin libraries, load or isolate them, put questions to them within deadlines, check every answer, remember who misbehaved.
//! Does not: act on an answer; whoever asked does.
//! Invariant: every question gets an answer that has passed its contract's check; where a plugin gives none, the built-in fallback does.

mod confined;
pub mod fallback;
mod fault;
pub mod guest;
mod in_process;
mod places;
mod plan;
pub mod quarantine;
mod question;
mod registry;
mod scan;
mod spawner;
pub mod strategies;
mod view;
mod wire;

pub use fault::CallFault;
pub use places::VARIABLE;
pub use quarantine::Quarantine;
pub use registry::Options;
pub use strategies::{Choice, Planned, Strategies, StrategyError};
pub use view::{PluginState, PluginView, RefusedView, RunsIn};
