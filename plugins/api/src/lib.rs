//! The C interface of EXStreamTV plugins, as Rust sees it.
//!
//! `include/exstreamtv_plugin.h` is the specification; every rule about ownership, threads and versions stands there. This crate mirrors it, name
//! by name: `exstreamtv_sink` is [`Sink`], `EXSTREAMTV_BAD_INPUT` is [`Status::BAD_INPUT`].
//!
//! Whoever writes a plugin in Rust wants `exstreamtv-plugin-sdk`, which hides all of this. This crate is for the SDK and for the host's loader.
//!
//! Does: give the types the layout that the header says, and name its constants. `tests/header` asks a C compiler whether that is so.
//! Does not: call, check, allocate or decide anything.
//! Invariant: what is here equals the header; structs only ever grow at their ends.
//!
//! Function pointers are `Option`s, because a foreign library may have left one NULL: look before you call.

mod host;
mod plugin;
mod slice;
mod status;

pub use host::{AppendFn, Host, HostGetExtensionFn, LogFn, QueryFn, Sink};
pub use plugin::{
    CallFn, CountFn, CreateFn, DescribeFn, Descriptor, DestroyFn, Entry, EntryFn, Instance, InstanceGetExtensionFn,
};
pub use slice::Slice;
pub use status::{LogLevel, Status};

/// Major version: whatever is not compatible has another one, and another [`ENTRY_SYMBOL`].
pub const ABI_MAJOR: u32 = 1;

/// Minor version: goes up with appended members, new methods and new optional JSON members.
pub const ABI_MINOR: u32 = 0;

/// First member of an [`Entry`]: "EXTV" as a big-endian number.
pub const MAGIC: u32 = u32::from_be_bytes(*b"EXTV");

/// Name of the one function that a library exports; its type is [`EntryFn`].
pub const ENTRY_SYMBOL: &str = "exstreamtv_plugin_entry_v1";

/// The header, word for word, for tools that hand it to authors.
pub const HEADER: &str = include_str!("../include/exstreamtv_plugin.h");

/// Contract of schedulers: methods [`METHOD_PREPARE`] and [`METHOD_PLAN`].
pub const CONTRACT_SCHEDULER: &str = "exstreamtv.scheduler/1";

/// Contract of pickers: methods [`METHOD_PICK_AUDIO`] and [`METHOD_PICK_SUBTITLE`].
pub const CONTRACT_PICKER: &str = "exstreamtv.picker/1";

/// Contract of resolvers: method [`METHOD_PROPOSE`].
pub const CONTRACT_RESOLVER: &str = "exstreamtv.resolver/1";

/// Are these settings right, and what do they draw from?
pub const METHOD_PREPARE: &str = "prepare";

/// What is on air from when to when?
pub const METHOD_PLAN: &str = "plan";

/// Which sound of this file?
pub const METHOD_PICK_AUDIO: &str = "pick_audio";

/// Which subtitles of this file?
pub const METHOD_PICK_SUBTITLE: &str = "pick_subtitle";

/// Something is wrong; what may be done about it?
pub const METHOD_PROPOSE: &str = "propose";

/// Query of the host, while `plan` runs: more items of a pool.
pub const QUERY_POOL_PAGE: &str = "pool_page";

/// Bit of [`Descriptor::encodings`]: documents are JSON.
pub const ENCODING_JSON: u64 = 1;

/// Value of [`Descriptor::permissions`] in version 1.0, which has none to give.
pub const PERMISSION_NONE: u64 = 0;
