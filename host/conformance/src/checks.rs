//! The checks, one function per rule.
//!
//! Does: ask a plugin things and say which rule it breaks.
//! Does not: know levels or names; the catalogue does. Does not protect itself from the plugin; every check has a process of its own.

pub mod contract;
pub mod deadline;
pub mod door;
pub mod input;
pub mod lifecycle;
pub mod manners;
pub mod properties;
pub mod purity;
pub mod shares;
pub mod state;
pub mod threads;
