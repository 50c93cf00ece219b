//! What a strategy author writes against.
//!
//! Does: name the trait of each kind of strategy, and hold the kit with which an author tests one.
//! Does not: act; a strategy is a function from a document to a document, and the host does the rest.
//! Invariant: nothing here reads a clock, a file, the environment or a random number.

mod kit;
mod scheduler;

pub use exstreamtv_model::schedule::AnswerFault;
pub use kit::{KitFault, check_answer, plan_in_windows};
pub use scheduler::{PlanError, Scheduler};
