//! The unsafe island: loads plugin libraries and calls into them.
//!
//! Does: find libraries, refuse those that somebody else could have put there, check what they say about themselves, make instances and call them,
//! and note in a file that outlives the process whom it was calling.
//! Does not: read a document, choose a plugin, start a process or keep time; whoever calls brings a thread that may hang.
//! Invariant: what a library says is copied and checked before anybody else sees it; no pointer of a plugin leaves this crate.

mod breadcrumb;
mod descriptor;
mod discover;
mod entry;
mod file;
mod host_table;
mod instance;
mod place;
mod sidecar;
mod sink;

pub use breadcrumb::{Breadcrumb, Crumb, Mark};
pub use descriptor::Descriptor;
pub use discover::{Found, discover, is_library, rank};
pub use entry::EntryFault;
pub use file::{LoadError, PluginFile};
pub use host_table::{HostCalls, LogLevel, QueryFault};
pub use instance::{CallError, CreateError, Instance};
pub use place::{PlaceFault, check_place};
pub use sidecar::{Sidecar, SidecarError};

/// The version of the plugin interface that this host speaks: major, then minor.
pub const ABI: (u32, u32) = (exstreamtv_plugin_api::ABI_MAJOR, exstreamtv_plugin_api::ABI_MINOR);
