//! The way from an instance to its host.
//!
//! Invariant: the host's table is read between `open` and `close` alone, and questions are asked on the thread of a running call alone.

use std::{
    ptr::NonNull,
    sync::{Mutex, MutexGuard, PoisonError, RwLock},
    thread::{self, ThreadId},
};

use exstreamtv_plugin_api as api;
use exstreamtv_plugin_api::{LogLevel, Slice, Status};

use super::sink::Collector;
use crate::QueryError;

/// The host's table while it is valid, and who may ask questions.
#[derive(Debug)]
pub(crate) struct Link {
    host: RwLock<Option<NonNull<api::Host>>>,
    calling: Mutex<Option<ThreadId>>,
}

// SAFETY: the pointer is followed under the lock alone. The header allows `log` on any thread; `query` is allowed on the thread of a call, which
// `during_call` notes and `query` checks.
unsafe impl Send for Link {}
// SAFETY: as above.
unsafe impl Sync for Link {}

/// Most bytes of an answer of the host.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

impl Link {
    /// Opens the way to a host; to none, if there is none or if its table lacks what version 1.0 has.
    ///
    /// # Safety
    /// The table is NULL, or valid until the link is closed.
    pub(super) unsafe fn open(host: *const api::Host) -> Self {
        let complete = |host: &NonNull<api::Host>| {
            // SAFETY: the caller's promise; every table has its size.
            let size = unsafe { (&raw const (*host.as_ptr()).struct_size).read() };
            usize::try_from(size).is_ok_and(|size| size >= size_of::<api::Host>())
        };
        let host = NonNull::new(host.cast_mut()).filter(complete);
        Self { host: RwLock::new(host), calling: Mutex::new(None) }
    }

    /// Ends the way; waits for a log line that is under way.
    pub(super) fn close(&self) {
        *self.host.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Notes that this thread is inside a call, until the result is dropped.
    pub(super) fn during_call(&self) -> DuringCall<'_> {
        *self.calling() = Some(thread::current().id());
        DuringCall { link: self }
    }

    fn calling(&self) -> MutexGuard<'_, Option<ThreadId>> {
        self.calling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn log(&self, level: LogLevel, message: &str) {
        let host = self.host.read().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: it is there until `close` has had the lock.
        let Some(host) = host.map(|host| unsafe { host.as_ref() }) else { return };
        if let Some(log) = host.log {
            // SAFETY: the context is the host's own; the message is there until the function returns.
            unsafe { log(host.context, level, Slice::of_text(message)) };
        }
    }

    pub(crate) fn query(&self, method: &str, input: &[u8]) -> Result<Vec<u8>, QueryError> {
        if *self.calling() != Some(thread::current().id()) {
            return Err(QueryError::NotDuringCall);
        }
        let host = self.host.read().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: it is there until `close` has had the lock.
        let host = host.map(|host| unsafe { host.as_ref() }).ok_or(QueryError::NoHost)?;
        let query = host.query.ok_or(QueryError::NoHost)?;
        let answer = Collector::new(MAX_ANSWER_BYTES);
        let sink = answer.sink();
        // SAFETY: the context is the host's own; the rest is there until the function returns. We are in a call, on its thread.
        let status = unsafe { query(host.context, Slice::of_text(method), Slice::of(input), &raw const sink) };
        match status {
            Status::OK => Ok(answer.into_bytes()),
            status => {
                let text = String::from_utf8_lossy(&answer.into_bytes()).into_owned();
                Err(QueryError::Refused { status, text })
            }
        }
    }
}

/// A call that is running on this thread.
pub(super) struct DuringCall<'a> {
    link: &'a Link,
}

impl Drop for DuringCall<'_> {
    fn drop(&mut self) {
        *self.link.calling() = None;
    }
}
