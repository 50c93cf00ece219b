//! Makes text of a sidecar's bytes.
//!
//! Does: byte order marks, the declared encoding, UTF-8, and Windows-1252 for what is none of them.
//! Does not: fail; a wrong byte becomes a replacement character.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// Decodes a sidecar.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(bytes.get(length..).unwrap_or_default()).0;
    }
    // What is valid UTF-8 is UTF-8, whatever it declares: tools that convert files forget the declaration.
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let declared = declared_label(bytes).and_then(Encoding::for_label).filter(|encoding| *encoding != UTF_8);
    declared.unwrap_or(WINDOWS_1252).decode_without_bom_handling(bytes).0
}

/// Finds `encoding="…"` in the XML declaration.
fn declared_label(bytes: &[u8]) -> Option<&[u8]> {
    let head = bytes.get(..bytes.len().min(200))?;
    let key = b"encoding=";
    let at = head.windows(key.len()).position(|window| window == key)? + key.len();
    let quote = *head.get(at)?;
    head.get(at + 1..)?.split(|byte| *byte == quote).next()
}
