//! Bytes that somebody else may own.

use std::slice;

/// Some bytes: `exstreamtv_slice`. Who owns them is said in the header, where the slice is used. Never grows.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Slice {
    /// First byte; any value if `len` is 0.
    pub data: *const u8,
    /// Number of bytes.
    pub len: usize,
}

impl Slice {
    /// A slice of nothing.
    pub const EMPTY: Self = Self { data: std::ptr::null(), len: 0 };

    /// Returns a slice of these bytes. It does not keep them alive.
    pub const fn of(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), len: bytes.len() }
    }

    /// Returns a slice of this text. It does not keep it alive.
    pub const fn of_text(text: &str) -> Self {
        Self::of(text.as_bytes())
    }

    /// Returns the bytes; none if there is no data, or more than a process can hold.
    ///
    /// # Safety
    /// Unless `len` is 0, `data` must be NULL or point to `len` bytes that nobody changes during `'a`.
    #[expect(unsafe_code, reason = "the one place that turns a foreign slice into bytes")]
    pub const unsafe fn bytes<'a>(self) -> &'a [u8] {
        if self.data.is_null() || self.len == 0 || self.len > isize::MAX as usize {
            return &[];
        }
        // SAFETY: not NULL and not too long, as was just seen; the rest is the caller's promise. Bytes need no alignment.
        unsafe { slice::from_raw_parts(self.data, self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(unsafe_code, reason = "the function under test is unsafe")]
    fn a_slice_gives_back_its_bytes_and_nothing_for_null() {
        // SAFETY: the slices are of constants, or of nothing.
        let bytes = |slice: Slice| unsafe { slice.bytes() };
        assert_eq!(bytes(Slice::of_text("text")), b"text");
        assert_eq!(bytes(Slice::EMPTY), b"");
        assert_eq!(bytes(Slice { data: std::ptr::null(), len: 7 }), b"");
        assert_eq!(bytes(Slice { data: std::ptr::without_provenance(1), len: 0 }), b"");
    }
}
