//! What host and plugin process say to each other, and how it is written.
//!
//! Does: frame messages: four bytes of length, big-endian, then the bytes. A message is a JSON envelope; some carry a document in a second frame.
//! Does not: open sockets, or look into documents.
//! Invariant: a frame that is longer than its reader allows is refused before it is read.

use std::io::{self, Read, Write};

use exstreamtv_loader::QueryFault;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::fault::CallFault;

/// Longest envelope.
pub const MAX_ENVELOPE_BYTES: usize = 64 * 1024;

/// Longest document in either direction; what a method allows may be less.
pub const MAX_DOCUMENT_BYTES: usize = 256 << 20;

/// What the host says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToPlugin {
    /// Calls the plugin; a document follows. Legal after [`FromPlugin::Ready`] and after each [`FromPlugin::Answered`].
    Call {
        /// Which method.
        method: String,
        /// Time that is left.
        limit_ms: u64,
        /// Longest answer.
        max_bytes: usize,
    },
    /// Answers a [`FromPlugin::Query`]; the document follows, or the reason why there is none.
    Queried {
        /// How it went.
        outcome: QueryOutcome,
    },
}

/// How a query of a plugin's went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryOutcome {
    /// There is a document.
    Answered,
    /// The host does not know the question.
    UnknownMethod,
    /// The question cannot be read.
    BadInput,
    /// There is no answer.
    Failed,
}

impl QueryOutcome {
    /// Takes an answer apart into what is sent.
    pub fn split(answer: Result<Vec<u8>, QueryFault>) -> (Self, Vec<u8>) {
        match answer {
            Ok(document) => (Self::Answered, document),
            Err(QueryFault::UnknownMethod { method }) => (Self::UnknownMethod, method.into_bytes()),
            Err(QueryFault::BadInput { reason }) => (Self::BadInput, reason.into_bytes()),
            Err(QueryFault::Failed { reason }) => (Self::Failed, reason.into_bytes()),
        }
    }

    /// Puts together what was sent.
    ///
    /// # Errors
    /// If that was a fault.
    pub fn join(self, bytes: Vec<u8>) -> Result<Vec<u8>, QueryFault> {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        match self {
            Self::Answered => Ok(bytes),
            Self::UnknownMethod => Err(QueryFault::UnknownMethod { method: text(bytes) }),
            Self::BadInput => Err(QueryFault::BadInput { reason: text(bytes) }),
            Self::Failed => Err(QueryFault::Failed { reason: text(bytes) }),
        }
    }
}

/// What the plugin process says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromPlugin {
    /// The plugin is loaded and waits for calls. The first message.
    Ready,
    /// There is no plugin to call. The first and last message.
    NotStarted {
        /// Why.
        text: String,
    },
    /// The plugin asks the host; a document follows.
    Query {
        /// Which question.
        method: String,
    },
    /// A line for the log.
    Log {
        /// "error", "warn", "info" or "debug".
        level: String,
        /// The line.
        text: String,
    },
    /// The call is over, with an answer; the document follows.
    Answered,
    /// The call is over, without one.
    Failed {
        /// Why.
        why: CallFault,
    },
}

/// Writes one frame.
///
/// # Errors
/// If the socket is gone.
pub fn write_frame(socket: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    socket.write_all(&length(bytes)?)?;
    socket.write_all(bytes)
}

/// Writes an envelope.
///
/// # Errors
/// If the socket is gone.
pub fn write_message(socket: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    write_frame(socket, &serde_json::to_vec(message)?)
}

/// Reads one frame of at most `max` bytes.
///
/// # Errors
/// If the socket is gone, or the frame is longer.
pub fn read_frame(socket: &mut impl Read, max: usize) -> io::Result<Vec<u8>> {
    let mut head = [0; 4];
    socket.read_exact(&mut head)?;
    let length = allowed(head, max)?;
    let mut bytes = Vec::new();
    // Grows with what comes, not with what is announced.
    socket.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Reads an envelope.
///
/// # Errors
/// If the socket is gone, or says something else.
pub fn read_message<M: DeserializeOwned>(socket: &mut impl Read) -> io::Result<M> {
    Ok(serde_json::from_slice(&read_frame(socket, MAX_ENVELOPE_BYTES)?)?)
}

/// Writes an envelope and, if there is one, its document.
///
/// # Errors
/// If the socket is gone.
pub async fn send<S: AsyncWriteExt + Unpin>(socket: &mut S, message: &ToPlugin, document: &[u8]) -> io::Result<()> {
    let envelope = serde_json::to_vec(message)?;
    for bytes in [&envelope, document] {
        socket.write_all(&length(bytes)?).await?;
        socket.write_all(bytes).await?;
    }
    socket.flush().await
}

/// Reads an envelope.
///
/// # Errors
/// If the socket is gone, or says something else.
pub async fn receive<S: AsyncReadExt + Unpin>(socket: &mut S) -> io::Result<FromPlugin> {
    Ok(serde_json::from_slice(&receive_frame(socket, MAX_ENVELOPE_BYTES).await?)?)
}

/// Reads a document of at most `max` bytes.
///
/// # Errors
/// If the socket is gone, or the document is longer.
pub async fn receive_frame<S: AsyncReadExt + Unpin>(socket: &mut S, max: usize) -> io::Result<Vec<u8>> {
    let mut head = [0; 4];
    socket.read_exact(&mut head).await?;
    let length = allowed(head, max)?;
    let mut bytes = Vec::new();
    (&mut *socket).take(length as u64).read_to_end(&mut bytes).await?;
    if bytes.len() == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn length(bytes: &[u8]) -> io::Result<[u8; 4]> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    Ok(length.to_be_bytes())
}

fn allowed(head: [u8; 4], max: usize) -> io::Result<usize> {
    let length = usize::try_from(u32::from_be_bytes(head)).unwrap_or(usize::MAX);
    if length <= max { Ok(length) } else { Err(io::ErrorKind::FileTooLarge.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_as_it_was_and_a_long_one_is_refused_unread() {
        let call = ToPlugin::Call { method: "plan".into(), limit_ms: 10_000, max_bytes: 64 << 20 };
        let mut wire = Vec::new();
        write_message(&mut wire, &call).unwrap();
        write_frame(&mut wire, b"{}").unwrap();
        let mut reader = wire.as_slice();
        assert_eq!(read_message::<ToPlugin>(&mut reader).unwrap(), call);
        assert_eq!(read_frame(&mut reader, 2).unwrap(), b"{}");
        let mut announced = [0xff, 0xff, 0xff, 0xff].as_slice();
        assert_eq!(read_frame(&mut announced, MAX_DOCUMENT_BYTES).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        let mut cut = [0, 0, 0, 9, 1].as_slice();
        assert_eq!(read_frame(&mut cut, 9).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn the_outcome_of_a_query_survives_the_way() {
        let faults = [
            Err(QueryFault::UnknownMethod { method: "m".into() }),
            Err(QueryFault::BadInput { reason: "r".into() }),
            Err(QueryFault::Failed { reason: "r".into() }),
            Ok(b"{}".to_vec()),
        ];
        for answer in faults {
            let (outcome, bytes) = QueryOutcome::split(answer.clone());
            assert_eq!(outcome.join(bytes), answer);
        }
    }

    #[tokio::test]
    async fn both_ends_speak_the_same() {
        let (mut host, mut plugin) = tokio::io::duplex(1 << 16);
        let queried = ToPlugin::Queried { outcome: QueryOutcome::Answered };
        send(&mut host, &queried, b"[1]").await.unwrap();
        let mut wire = vec![0; 4 + serde_json::to_vec(&queried).unwrap().len() + 4 + 3];
        plugin.read_exact(&mut wire).await.unwrap();
        let mut reader = wire.as_slice();
        assert_eq!(read_message::<ToPlugin>(&mut reader).unwrap(), queried);
        assert_eq!(read_frame(&mut reader, 3).unwrap(), b"[1]");
        let mut answer = Vec::new();
        write_message(&mut answer, &FromPlugin::Answered).unwrap();
        write_frame(&mut answer, b"[2]").unwrap();
        plugin.write_all(&answer).await.unwrap();
        assert_eq!(receive(&mut host).await.unwrap(), FromPlugin::Answered);
        assert_eq!(receive_frame(&mut host, 3).await.unwrap(), b"[2]");
    }
}
