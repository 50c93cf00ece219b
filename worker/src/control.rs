//! The socket to the host.
//!
//! Does: receive commands, send reports, pass descriptors with them.
//! Does not: interpret either.
//! Invariant: sending never waits; when the host does not read, what may be lost (logs, progress, testimonies, vitals) is lost and counted, and what may
//! not (starts, ends, answers) is kept.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    os::unix::net::UnixStream as StdUnixStream,
    rc::Rc,
};

use bytes::{Buf, BytesMut};
use exstreamtv_worker_protocol::{Command, DecodeError, Decoder, Report, encode};
use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    sys::{
        socket::{AddressFamily, ControlMessage, MsgFlags, SockaddrLike, UnixAddr, getsockname, sendmsg},
        stat::{SFlag, fstat},
    },
};
use tokio::{io::Interest, net::UnixStream};

use crate::chain;

/// Frames that wait for the host before reports that may be lost are.
const PATIENCE_FRAMES: usize = 256;

/// Bytes that are read from the host at a time.
const PORTION_BYTES: usize = 64 * 1024;

/// Why an inherited descriptor cannot be the socket to the host.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// Nothing is open there.
    #[error("find the host's socket at descriptor {descriptor}")]
    Closed {
        /// The descriptor.
        descriptor: RawFd,
        /// The system's word.
        #[source]
        source: io::Error,
    },
    /// Something else is open there.
    #[error("talk to the host over descriptor {descriptor}: it is no Unix socket")]
    NoSocket {
        /// The descriptor.
        descriptor: RawFd,
    },
    /// The runtime does not take it.
    #[error("watch the host's socket")]
    Watch(#[source] io::Error),
}

/// Why no command will come any more.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The host closed its end, or died.
    #[error("hear the host: it closed the socket")]
    Closed,
    /// The socket failed.
    #[error("read from the host")]
    Read(#[source] io::Error),
    /// The bytes cannot be followed any further.
    #[error("follow the host's messages")]
    Decode(#[source] DecodeError),
}

/// Both directions of the socket.
#[derive(Debug)]
pub struct Control {
    /// Commands come here.
    pub inbox: Inbox,
    /// Reports go there.
    pub outbox: Outbox,
}

/// Receives commands.
#[derive(Debug)]
pub struct Inbox {
    socket: Rc<UnixStream>,
    decoder: Decoder,
    portion: Box<[u8]>,
}

/// Sends reports.
#[derive(Debug)]
pub struct Outbox {
    socket: Rc<UnixStream>,
    waiting: VecDeque<Frame>,
    lost: u64,
}

#[derive(Debug)]
struct Frame {
    bytes: BytesMut,
    descriptor: Option<OwnedFd>,
}

impl Control {
    /// Talks over `socket`, inside the runtime.
    ///
    /// # Errors
    /// The runtime does not take the socket.
    pub fn over(socket: StdUnixStream) -> Result<Self, AdoptError> {
        let watch = |socket: StdUnixStream| {
            socket.set_nonblocking(true)?;
            UnixStream::from_std(socket)
        };
        let socket = Rc::new(watch(socket).map_err(AdoptError::Watch)?);
        let portion = vec![0; PORTION_BYTES].into();
        let inbox = Inbox { socket: Rc::clone(&socket), decoder: Decoder::default(), portion };
        Ok(Self { inbox, outbox: Outbox { socket, waiting: VecDeque::new(), lost: 0 } })
    }
}

/// Takes over the inherited `descriptor`. To be called once, before this program opens anything itself.
///
/// # Errors
/// There is no Unix socket at `descriptor`.
#[expect(unsafe_code, reason = "an inherited descriptor is a number that nobody owns yet")]
pub fn adopt(descriptor: RawFd) -> Result<StdUnixStream, AdoptError> {
    if descriptor <= 2 {
        return Err(AdoptError::NoSocket { descriptor });
    }
    // SAFETY: borrowed for a few calls, which fail with EBADF when nothing is open there.
    let borrowed = unsafe { std::os::fd::BorrowedFd::borrow_raw(descriptor) };
    fcntl(borrowed, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))
        .map_err(|error| AdoptError::Closed { descriptor, source: error.into() })?;
    let is_socket =
        fstat(borrowed).is_ok_and(|stat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFSOCK);
    let is_unix = getsockname::<UnixAddr>(descriptor).is_ok_and(|name| name.family() == Some(AddressFamily::Unix));
    if !is_socket || !is_unix {
        return Err(AdoptError::NoSocket { descriptor });
    }
    // SAFETY: it is open, as the calls above have shown, and nobody else in this program owns it: it was open before `main` opened anything.
    let owned = unsafe { OwnedFd::from_raw_fd(descriptor) };
    Ok(StdUnixStream::from(owned))
}

impl Inbox {
    /// Waits for the next command. May be given up at any time without losing one.
    ///
    /// # Errors
    /// The host is gone or cannot be understood; there will be no further command.
    pub async fn receive(&mut self) -> Result<Command, ReceiveError> {
        loop {
            match self.decoder.next_message() {
                Ok(Some(command)) => return Ok(command),
                Ok(None) => self.read().await?,
                Err(error) if error.is_fatal() => return Err(ReceiveError::Decode(error)),
                Err(error) => tracing::warn!(error = chain(&error), "ignored a command that this worker does not know"),
            }
        }
    }

    async fn read(&mut self) -> Result<(), ReceiveError> {
        loop {
            self.socket.readable().await.map_err(ReceiveError::Read)?;
            match self.socket.try_read(&mut self.portion) {
                Ok(0) => return Err(ReceiveError::Closed),
                Ok(length) => {
                    self.decoder.feed(&self.portion[..length]);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(ReceiveError::Read(error)),
            }
        }
    }
}

impl Outbox {
    /// Sends `report`, with `descriptor` if there is one, now or as soon as the host reads.
    pub fn send(&mut self, report: &Report, descriptor: Option<OwnedFd>) {
        if self.waiting.len() >= PATIENCE_FRAMES && may_be_lost(report) {
            self.lost += 1;
            return;
        }
        let mut bytes = BytesMut::new();
        match encode(report, &mut bytes) {
            Ok(()) => self.waiting.push_back(Frame { bytes, descriptor }),
            Err(error) => tracing::error!(error = chain(&error), "failed to send a report"),
        }
        self.flush();
    }

    /// Returns whether the host has yet to read something.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Waits until some of what waits can be sent, and sends it. May be given up at any time.
    pub async fn drain(&mut self) {
        if self.socket.writable().await.is_err() {
            self.waiting.clear(); // the inbox finds out and ends us
        }
        self.flush();
    }

    fn flush(&mut self) {
        while let Some(frame) = self.waiting.front_mut() {
            match self.socket.try_io(Interest::WRITABLE, || frame.send(self.socket.as_raw_fd())) {
                Ok(()) if frame.bytes.is_empty() => _ = self.waiting.pop_front(),
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    tracing::debug!(%error, "the host does not listen any more");
                    self.waiting.clear();
                }
            }
        }
        if self.lost > 0 {
            tracing::warn!(reports = self.lost, "the host did not read for a while; logs and progress were lost");
            self.lost = 0;
        }
    }
}

impl Frame {
    /// Sends as much as the socket takes; the descriptor goes with the first byte.
    fn send(&mut self, socket: RawFd) -> io::Result<()> {
        let raw = self.descriptor.as_ref().map(|descriptor| [descriptor.as_raw_fd()]);
        let rights = raw.as_ref().map(|raw| ControlMessage::ScmRights(raw));
        let messages = rights.as_slice();
        let sent = sendmsg::<UnixAddr>(socket, &[IoSlice::new(&self.bytes)], messages, no_signal(), None)?;
        self.bytes.advance(sent);
        self.descriptor = None; // the host has its own now; ours is closed
        Ok(())
    }
}

/// A host that is gone is an error and no signal. (Rust ignores the signal anyway.)
fn no_signal() -> MsgFlags {
    #[cfg(target_os = "linux")]
    return MsgFlags::MSG_NOSIGNAL;
    #[cfg(not(target_os = "linux"))]
    return MsgFlags::empty();
}

fn may_be_lost(report: &Report) -> bool {
    matches!(report, Report::Log { .. } | Report::Progress { .. } | Report::Testimony { .. } | Report::Vitals(_))
}
