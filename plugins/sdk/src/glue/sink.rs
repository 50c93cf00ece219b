//! Output, in both directions: into a foreign sink, and into one of our own.
//!
//! Invariant: our own sink takes a bounded number of bytes and never unwinds into the host.

use std::{cell::UnsafeCell, ffi::c_void};

use exstreamtv_plugin_api::{Sink, Slice, Status};

/// Appends bytes to a foreign sink.
///
/// # Safety
/// `sink` is NULL or points to a sink that is valid for this call.
pub(super) unsafe fn append(sink: *const Sink, bytes: &[u8]) -> Status {
    // SAFETY: the caller's promise.
    let Some(sink) = (unsafe { sink.as_ref() }) else { return Status::SINK_REFUSED };
    let Some(append) = sink.append else { return Status::SINK_REFUSED };
    // SAFETY: the context is the sink's own, and the bytes are there until the function returns.
    unsafe { append(sink.context, Slice::of(bytes)) }
}

/// A sink of our own that keeps what it gets.
pub(super) struct Collector {
    bytes: UnsafeCell<Vec<u8>>,
    max_bytes: usize,
}

impl Collector {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { bytes: UnsafeCell::new(Vec::new()), max_bytes }
    }

    /// Returns the sink to be lent to the other side. It is valid as long as the collector is, and for one thread.
    pub(super) fn sink(&self) -> Sink {
        Sink {
            struct_size: size_of::<Sink>() as u32,
            reserved: 0,
            context: (&raw const *self).cast_mut().cast(),
            append: Some(collect),
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes.into_inner()
    }
}

unsafe extern "C" fn collect(context: *mut c_void, bytes: Slice) -> Status {
    // SAFETY: the context is the collector that lent the sink, and it waits for the call to return.
    let collector = unsafe { &*context.cast::<Collector>() };
    // SAFETY: the bytes are borrowed for this call.
    let bytes = unsafe { bytes.bytes() };
    // SAFETY: the cell is touched here and after the call alone, by one thread.
    let kept = unsafe { &mut *collector.bytes.get() };
    let fits = bytes.len() <= collector.max_bytes - kept.len();
    // Asking first, because running out of memory would end the process.
    if !fits || kept.try_reserve(bytes.len()).is_err() {
        return Status::SINK_REFUSED;
    }
    kept.extend_from_slice(bytes);
    Status::OK
}
