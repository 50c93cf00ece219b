//! How messages become bytes: four bytes of length, big-endian, then that many bytes of JSON.
//!
//! Does: write a message to a buffer, and pop messages from bytes that arrive in any portions.
//! Does not: own a socket or a descriptor. A `Report::Started` carries one with its frame: the sender passes it with the first
//! byte of that frame in one `sendmsg`, so the receiver's n-th descriptor belongs to the n-th `Started` it decodes.
//! Invariant: the same bytes give the same messages however they are split, and no bytes whatsoever make it panic or
//! hold more than [`MAX_FRAME_BYTES`] for one frame.

use bytes::{Buf, BufMut, BytesMut};
use serde::{Serialize, de::DeserializeOwned};

/// Longest JSON of one frame. A probe of a file with thousands of chapters is the longest message there is.
pub const MAX_FRAME_BYTES: usize = 8 * 1024 * 1024;

/// Bytes of the length that precedes every frame.
const LENGTH_BYTES: usize = 4;

/// Why a message could not be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// It has no JSON form, such as a path that is not UTF-8.
    #[error("write a message as JSON")]
    Json(#[source] serde_json::Error),
    /// Its JSON is longer than a frame may be.
    #[error("send a message of {length} bytes: at most {MAX_FRAME_BYTES} are allowed")]
    TooLong {
        /// Bytes of JSON.
        length: usize,
    },
}

/// Why bytes are not a message.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The length is beyond the limit. The stream cannot be followed any further.
    #[error("receive a message of {length} bytes: at most {MAX_FRAME_BYTES} are allowed")]
    TooLong {
        /// The length that the other side claims.
        length: usize,
    },
    /// The frame is not a message that we know. It was skipped; the next one may be read.
    #[error("understand a message of {length} bytes")]
    Unintelligible {
        /// Bytes of the frame.
        length: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

impl DecodeError {
    /// Returns whether the stream cannot be followed any further.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::TooLong { .. })
    }
}

/// Appends `message` as one frame to `buffer`; on an error the buffer is as it was.
///
/// # Errors
/// The message has no JSON form or is too long.
pub fn encode<T: Serialize>(message: &T, buffer: &mut BytesMut) -> Result<(), EncodeError> {
    let json = serde_json::to_vec(message).map_err(EncodeError::Json)?;
    let length = json.len();
    let too_long = EncodeError::TooLong { length };
    match u32::try_from(length) {
        Ok(prefix) if length <= MAX_FRAME_BYTES => {
            buffer.reserve(LENGTH_BYTES + length);
            buffer.put_u32(prefix);
            buffer.put_slice(&json);
            Ok(())
        }
        _ => Err(too_long),
    }
}

/// Collects bytes and pops the messages in them.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
}

impl Decoder {
    /// Takes bytes as they came from the other side.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the next whole message, or `None` until more bytes are fed.
    ///
    /// # Errors
    /// The frame is no message (call again for the one after it), or the stream is broken for good
    /// ([`DecodeError::is_fatal`]; every later call says the same).
    pub fn next_message<T: DeserializeOwned>(&mut self) -> Result<Option<T>, DecodeError> {
        let Some(prefix) = self.buffer.first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes(*prefix)).unwrap_or(usize::MAX);
        if length > MAX_FRAME_BYTES {
            return Err(DecodeError::TooLong { length });
        }
        if self.buffer.len() < LENGTH_BYTES + length {
            return Ok(None);
        }
        self.buffer.advance(LENGTH_BYTES);
        let frame = self.buffer.split_to(length);
        match serde_json::from_slice(&frame) {
            Ok(message) => Ok(Some(message)),
            Err(source) => Err(DecodeError::Unintelligible { length, source }),
        }
    }

    /// Returns whether bytes of an unfinished frame are held: at end of file the other side was cut off.
    pub fn holds_a_partial_frame(&self) -> bool {
        !self.buffer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Command;

    fn frame(json: &str) -> Vec<u8> {
        let mut bytes = u32::try_from(json.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend_from_slice(json.as_bytes());
        bytes
    }

    #[test]
    fn a_frame_is_a_length_and_json() {
        let mut buffer = BytesMut::new();
        encode(&Command::Identify, &mut buffer).unwrap();
        assert_eq!(&buffer[..], &frame(r#"{"command":"identify"}"#)[..]);
    }

    #[test]
    fn an_unknown_variant_is_an_error_and_the_next_message_is_read() {
        let mut decoder = Decoder::default();
        decoder.feed(&frame(r#"{"command":"levitate"}"#));
        decoder.feed(&frame("not json"));
        decoder.feed(&frame(r#"{"command":"identify"}"#));
        for _ in 0..2 {
            let error = decoder.next_message::<Command>().unwrap_err();
            assert!(matches!(error, DecodeError::Unintelligible { .. }) && !error.is_fatal());
        }
        assert_eq!(decoder.next_message::<Command>().unwrap(), Some(Command::Identify));
        assert!(!decoder.holds_a_partial_frame());
    }

    #[test]
    fn a_length_beyond_the_limit_ends_the_stream_without_waiting_for_its_bytes() {
        let mut decoder = Decoder::default();
        decoder.feed(&u32::MAX.to_be_bytes());
        for _ in 0..2 {
            assert!(decoder.next_message::<Command>().unwrap_err().is_fatal());
        }
    }

    #[test]
    fn a_message_beyond_the_limit_is_not_sent() {
        let mut buffer = BytesMut::from(&b"before"[..]);
        let error = encode(&"x".repeat(MAX_FRAME_BYTES), &mut buffer).unwrap_err();
        assert!(matches!(error, EncodeError::TooLong { length } if length == MAX_FRAME_BYTES + 2));
        assert_eq!(&buffer[..], b"before");
    }
}
