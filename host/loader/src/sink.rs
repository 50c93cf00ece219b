//! Where the output of a plugin goes.
//!
//! Does: collect bytes up to a limit.
//! Does not: look at them.
//! Invariant: never holds more than its limit, however much is appended and whatever the plugin thinks of a refusal.

use std::ffi::c_void;

use exstreamtv_plugin_api::{self as api, Slice, Status};

/// Longest text about an error that is kept.
const MAX_TEXT_CHARS: usize = 2_000;

/// Collects the output of one call.
#[derive(Debug)]
pub(crate) struct Sink {
    bytes: Vec<u8>,
    max: usize,
    refused: bool,
}

impl Sink {
    pub(crate) fn new(max: usize) -> Self {
        Self { bytes: Vec::new(), max, refused: false }
    }

    /// Runs a call with this sink as its output.
    pub(crate) fn collect(&mut self, call: impl FnOnce(*const api::Sink) -> Status) -> Status {
        let context: *mut Self = self;
        let size = u32::try_from(size_of::<api::Sink>()).unwrap_or(u32::MAX);
        let sink = api::Sink { struct_size: size, reserved: 0, context: context.cast(), append: Some(append) };
        call(&raw const sink)
    }

    /// Returns whether something did not fit.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }

    /// Returns what was appended.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Returns what was appended as one line for people.
    pub(crate) fn into_text(self) -> String {
        readable(&self.bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> Status {
        if self.refused || bytes.len() > self.max - self.bytes.len() {
            self.refused = true;
            return Status::SINK_REFUSED;
        }
        self.bytes.extend_from_slice(bytes);
        Status::OK
    }
}

/// Returns foreign bytes as one line that can be shown and logged.
pub(crate) fn readable(bytes: &[u8]) -> String {
    // Cut first: a text that nobody reads to its end need not be converted to its end.
    let some = &bytes[..bytes.len().min(4 * MAX_TEXT_CHARS)];
    let text = String::from_utf8_lossy(some);
    let line = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(MAX_TEXT_CHARS).collect()
}

/// Appends bytes, on behalf of a plugin.
///
/// # Safety
/// `context` must be the one of a sink that is being collected, on the thread of its call; `bytes` must be there.
#[expect(unsafe_code, reason = "is called by plugins, with pointers")]
unsafe extern "C" fn append(context: *mut c_void, bytes: Slice) -> Status {
    if context.is_null() || bytes.len > isize::MAX.unsigned_abs() || (bytes.data.is_null() && bytes.len > 0) {
        return Status::SINK_REFUSED;
    }
    // SAFETY: the context is the `Sink` that `collect` borrowed for the time of the call, and only the thread of the call may append.
    let sink = unsafe { &mut *context.cast::<Sink>() };
    // SAFETY: the plugin owns the bytes and keeps them for the time of this function, says the header.
    sink.append(unsafe { bytes.bytes() })
}

#[cfg(test)]
#[expect(unsafe_code, reason = "the tests call what plugins call")]
mod tests {
    use super::*;

    fn offer(sink: &mut Sink, pieces: &[&[u8]]) -> Vec<Status> {
        let mut answers = Vec::new();
        let status = sink.collect(|raw| {
            // SAFETY: the sink is valid during the call, as `collect` says.
            let raw = unsafe { &*raw };
            let append = raw.append.unwrap();
            // SAFETY: the context is the sink's own, and the bytes live longer than the call.
            answers.extend(pieces.iter().map(|piece| unsafe { append(raw.context, Slice::of(piece)) }));
            Status::OK
        });
        assert_eq!(status, Status::OK);
        answers
    }

    #[test]
    fn a_sink_takes_up_to_its_limit_and_then_nothing_more() {
        let mut sink = Sink::new(5);
        assert_eq!(offer(&mut sink, &[b"abc", b"de"]), [Status::OK, Status::OK]);
        assert!(!sink.refused());
        assert_eq!(offer(&mut sink, &[b"f", b""]), [Status::SINK_REFUSED, Status::SINK_REFUSED]);
        assert!(sink.refused());
        assert_eq!(sink.into_bytes(), b"abcde");
    }

    #[test]
    fn a_null_pointer_with_a_length_is_refused() {
        let mut sink = Sink::new(5);
        sink.collect(|raw| {
            // SAFETY: the sink is valid during the call.
            let raw = unsafe { &*raw };
            let bytes = Slice { data: std::ptr::null(), len: 3 };
            // SAFETY: `append` looks at the pointer before it follows it.
            assert_eq!(unsafe { raw.append.unwrap()(raw.context, bytes) }, Status::SINK_REFUSED);
            Status::OK
        });
    }

    #[test]
    fn texts_become_one_short_printable_line() {
        assert_eq!(readable(b" a\nb\x1b[31m \xff "), "a b [31m \u{fffd}");
        assert_eq!(readable(&[b'x'; 100_000]).len(), MAX_TEXT_CHARS);
    }
}
