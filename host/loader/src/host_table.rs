//! What an instance can ask of the host while it works.
//!
//! Does: turn the C table of host functions into a trait.
//! Does not: answer; whoever makes the instance does.
//! Invariant: nothing that the host does on behalf of a plugin unwinds into the plugin.

use std::{
    ffi::c_void,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use exstreamtv_plugin_api::{self as api, Slice, Status};

use crate::{ABI, sink::readable};

/// What the host does for an instance. Called on any thread of the plugin.
pub trait HostCalls: Send + Sync {
    /// Takes a line for the log: one line, at most 2,000 characters, printable.
    fn log(&self, level: LogLevel, message: &str);

    /// Answers a question with a document.
    ///
    /// # Errors
    /// Says why there is no answer.
    fn query(&self, method: &str, input: &[u8]) -> Result<Vec<u8>, QueryFault>;
}

/// How important a line of a plugin's is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Somebody must act.
    Error,
    /// Something is odd, and the plugin coped.
    Warn,
    /// Worth knowing.
    Info,
    /// For the author.
    Debug,
}

impl From<api::LogLevel> for LogLevel {
    fn from(level: api::LogLevel) -> Self {
        match level {
            api::LogLevel::ERROR => Self::Error,
            api::LogLevel::WARN => Self::Warn,
            api::LogLevel::INFO => Self::Info,
            _ => Self::Debug,
        }
    }
}

/// Why the host does not answer a plugin's question; fits after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryFault {
    /// There is no such question, or not during this call.
    #[error("answer {method:?}: the host does not know this question here")]
    UnknownMethod {
        /// What was asked.
        method: String,
    },
    /// The question cannot be read.
    #[error("read the question: {reason}")]
    BadInput {
        /// What is wrong with it.
        reason: String,
    },
    /// There is no answer.
    #[error("answer: {reason}")]
    Failed {
        /// Why not.
        reason: String,
    },
}

impl QueryFault {
    fn status(&self) -> Status {
        match self {
            Self::UnknownMethod { .. } => Status::UNKNOWN_METHOD,
            Self::BadInput { .. } => Status::BAD_INPUT,
            Self::Failed { .. } => Status::FAILED,
        }
    }
}

/// The table that an instance is given; it stays where it is for as long as the instance lives.
pub(crate) struct HostTable {
    table: Box<api::Host>,
    /// What `table.context` points to.
    calls: *mut Arc<dyn HostCalls>,
}

// SAFETY: the pointers lead to two boxes that only this value owns; what is in them is never changed, and `HostCalls` is `Send` and `Sync`.
#[expect(unsafe_code, reason = "raw pointers are not Send by themselves")]
unsafe impl Send for HostTable {}

impl HostTable {
    pub(crate) fn new(calls: Arc<dyn HostCalls>) -> Self {
        let calls = Box::into_raw(Box::new(calls));
        let table = api::Host {
            struct_size: u32::try_from(size_of::<api::Host>()).unwrap_or(u32::MAX),
            abi_minor: ABI.1,
            context: calls.cast(),
            log: Some(log),
            query: Some(query),
            get_extension: Some(get_extension),
        };
        Self { table: Box::new(table), calls }
    }

    pub(crate) fn as_ptr(&self) -> *const api::Host {
        &raw const *self.table
    }
}

impl Drop for HostTable {
    #[expect(unsafe_code, reason = "takes back what `new` has given away")]
    fn drop(&mut self) {
        // SAFETY: made by `Box::into_raw` in `new`, taken back here and nowhere else. The instance that could use it has been destroyed, or was
        // never made: `Instance` drops its table last.
        drop(unsafe { Box::from_raw(self.calls) });
    }
}

/// Returns the host's side of a table.
///
/// # Safety
/// `context` must be that of a table which is still there.
#[expect(unsafe_code, reason = "is called by plugins, with pointers")]
unsafe fn host<'a>(context: *mut c_void) -> Option<&'a dyn HostCalls> {
    // SAFETY: the caller promises that it points to the `Arc` of a living table, which nobody changes.
    let calls = unsafe { context.cast::<Arc<dyn HostCalls>>().as_ref() };
    calls.map(|calls| &**calls)
}

/// # Safety
/// As the header says of `exstreamtv_host.log`.
#[expect(unsafe_code, reason = "is called by plugins, with pointers")]
unsafe extern "C" fn log(context: *mut c_void, level: api::LogLevel, message: Slice) {
    // SAFETY: plugins keep the context until the instance is destroyed, and the message during the call.
    let (host, message) = unsafe { (host(context), message.bytes()) };
    let Some(host) = host else { return };
    // A line that cannot be logged is no reason to fail.
    let _ = catch_unwind(AssertUnwindSafe(|| host.log(level.into(), &readable(message))));
}

/// # Safety
/// As the header says of `exstreamtv_host.query`.
#[expect(unsafe_code, reason = "is called by plugins, with pointers")]
unsafe extern "C" fn query(context: *mut c_void, method: Slice, input: Slice, out: *const api::Sink) -> Status {
    // SAFETY: plugins keep the context until the instance is destroyed, and the rest during the call.
    let (host, method, input, out) = unsafe { (host(context), method.bytes(), input.bytes(), out.as_ref()) };
    let (Some(host), Some(out)) = (host, out) else { return Status::BAD_INPUT };
    let answer = catch_unwind(AssertUnwindSafe(|| host.query(&String::from_utf8_lossy(method), input)));
    let failed = |reason: &str| Err(QueryFault::Failed { reason: reason.to_owned() });
    let (status, bytes) = match answer.unwrap_or_else(|_| failed("the host has a bug and noticed")) {
        Ok(document) => (Status::OK, document),
        Err(fault) => (fault.status(), fault.to_string().into_bytes()),
    };
    let append =
        out.append.filter(|_| usize::try_from(out.struct_size).is_ok_and(|size| size >= size_of::<api::Sink>()));
    let Some(append) = append else { return Status::SINK_REFUSED };
    // SAFETY: the plugin's own sink takes its own context, on the thread of its call.
    match unsafe { append(out.context, Slice::of(&bytes)) } {
        Status::OK => status,
        _ => Status::SINK_REFUSED,
    }
}

/// # Safety
/// None; nothing is followed. The signature is the header's.
#[expect(unsafe_code, reason = "the header's signature")]
unsafe extern "C" fn get_extension(_: *mut c_void, _: Slice) -> *const c_void {
    // Version 1.0 defines none.
    std::ptr::null()
}
