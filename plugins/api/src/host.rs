//! What the host gives to a plugin: a place for its output, and a few services.

use std::ffi::c_void;

use crate::{LogLevel, Slice, Status};

/// Appends bytes to the output of a call. THREAD: that of the call, until it returns. OWNERSHIP: the bytes are borrowed, and copied.
pub type AppendFn = unsafe extern "C" fn(context: *mut c_void, bytes: Slice) -> Status;

/// Writes a line to the host's log. THREAD: any. OWNERSHIP: the message is borrowed.
pub type LogFn = unsafe extern "C" fn(context: *mut c_void, level: LogLevel, message: Slice);

/// Asks the host a question. THREAD: that of the call that runs. OWNERSHIP: everything is borrowed; the sink is the plugin's own.
pub type QueryFn = unsafe extern "C" fn(context: *mut c_void, method: Slice, input: Slice, out: *const Sink) -> Status;

/// Returns an extension of the host, or NULL. THREAD: any. OWNERSHIP: the id is borrowed, the result lives as long as the instance.
pub type HostGetExtensionFn = unsafe extern "C" fn(context: *mut c_void, id: Slice) -> *const c_void;

/// Where the output of a call goes: `exstreamtv_sink`. OWNERSHIP: borrowed for the call.
#[repr(C)]
#[derive(Debug)]
pub struct Sink {
    /// Bytes of this struct that are there.
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// To be given to `append`.
    pub context: *mut c_void,
    /// Takes bytes, or refuses.
    pub append: Option<AppendFn>,
}

/// What the host offers to an instance: `exstreamtv_host`. OWNERSHIP: valid until `destroy` of the instance returns.
#[repr(C)]
#[derive(Debug)]
pub struct Host {
    /// Bytes of this struct that are there.
    pub struct_size: u32,
    /// The host's minor version.
    pub abi_minor: u32,
    /// To be given to the functions.
    pub context: *mut c_void,
    /// Writes a line to the log.
    pub log: Option<LogFn>,
    /// Answers a question.
    pub query: Option<QueryFn>,
    /// Returns an extension.
    pub get_extension: Option<HostGetExtensionFn>,
}
