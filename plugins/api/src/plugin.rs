//! What a library shows of itself: its entry, its descriptors and its instances.

use std::ffi::c_void;

use crate::{Host, Sink, Slice, Status};

/// The function that a library exports as [`crate::ENTRY_SYMBOL`]. THREAD: any. OWNERSHIP: the result is static.
pub type EntryFn = unsafe extern "C" fn() -> *const Entry;

/// Returns how many plugins are described. THREAD: any.
pub type CountFn = unsafe extern "C" fn() -> u32;

/// Returns what a plugin says about itself, or NULL. THREAD: any. OWNERSHIP: the result is static.
pub type DescribeFn = unsafe extern "C" fn(index: u32) -> *const Descriptor;

/// Makes an instance. THREAD: any. OWNERSHIP: the host lives as long as the instance, the rest is borrowed; the instance is the plugin's.
pub type CreateFn = unsafe extern "C" fn(
    host: *const Host,
    id: Slice,
    config: Slice,
    error: *const Sink,
    instance: *mut *mut Instance,
) -> Status;

/// Answers one request. THREAD: one call of an instance at a time. OWNERSHIP: method, input and sink are borrowed.
pub type CallFn = unsafe extern "C" fn(
    this: *mut Instance,
    method: Slice,
    input: Slice,
    deadline_ns: u64,
    out: *const Sink,
) -> Status;

/// Returns an extension of the plugin, or NULL. THREAD: one call at a time. OWNERSHIP: the id is borrowed, the result lives as long as the instance.
pub type InstanceGetExtensionFn = unsafe extern "C" fn(this: *mut Instance, id: Slice) -> *const c_void;

/// Ends the instance and frees it. THREAD: last of all calls.
pub type DestroyFn = unsafe extern "C" fn(this: *mut Instance);

/// What a plugin says about itself: `exstreamtv_descriptor`. OWNERSHIP: static, with all that it points to.
#[repr(C)]
#[derive(Debug)]
pub struct Descriptor {
    /// Bytes of this struct that are there.
    pub struct_size: u32,
    /// The oldest minor version of the host that it can work with.
    pub min_host_minor: u32,
    /// Its id, "org.example.marathon"; never changes.
    pub id: Slice,
    /// What people call it.
    pub name: Slice,
    /// Its semantic version.
    pub version: Slice,
    /// Who made it.
    pub vendor: Slice,
    /// SPDX expression.
    pub licence: Slice,
    /// Where to read more; may be empty.
    pub url: Slice,
    /// Which contract it fulfils.
    pub contract: Slice,
    /// [`crate::ENCODING_JSON`], at least.
    pub encodings: u64,
    /// [`crate::PERMISSION_NONE`].
    pub permissions: u64,
}

/// A strategy at work: `exstreamtv_instance`. OWNERSHIP: the plugin's, valid until `destroy`.
#[repr(C)]
#[derive(Debug)]
pub struct Instance {
    /// Bytes of this struct that are there.
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// The plugin's own.
    pub data: *mut c_void,
    /// Answers one request.
    pub call: Option<CallFn>,
    /// Returns an extension.
    pub get_extension: Option<InstanceGetExtensionFn>,
    /// Ends the instance.
    pub destroy: Option<DestroyFn>,
}

/// What a library is: `exstreamtv_entry`. OWNERSHIP: static.
#[repr(C)]
#[derive(Debug)]
pub struct Entry {
    /// [`crate::MAGIC`].
    pub magic: u32,
    /// Bytes of this struct that are there.
    pub struct_size: u32,
    /// [`crate::ABI_MAJOR`].
    pub abi_major: u32,
    /// [`crate::ABI_MINOR`] of the header that the plugin was built with.
    pub abi_minor: u32,
    /// Returns how many plugins are described.
    pub count: Option<CountFn>,
    /// Returns what a plugin says about itself.
    pub describe: Option<DescribeFn>,
    /// Makes an instance.
    pub create: Option<CreateFn>,
}
