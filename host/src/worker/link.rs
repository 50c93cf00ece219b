//! The control connection to one worker.
//!
//! Does: send commands, receive reports and the pipes that come with them, reap the process.
//! Does not: decide anything.
//! Invariant: [`WorkerLink::recv`] may be dropped at any await and called again; nothing is lost.

use std::{
    collections::VecDeque,
    io::{self, IoSliceMut},
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use exstreamtv_model::Cause;
use exstreamtv_worker_protocol::{Command, Decoder, PROTOCOL_VERSION, Report, encode};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use tokio::{io::Interest, net::UnixStream};

use super::{Programs, Spawner, WorkerError, spawner::Spawned};
use crate::lifecycle::Lifecycle;

/// How long a worker may take to say hello.
const GREETING: Duration = Duration::from_secs(5);

/// What came from a worker.
#[derive(Debug)]
pub enum Event {
    /// A report, with FFmpeg's stdout where it carries one.
    Report(Report, Option<OwnedFd>),
    /// The worker is gone, or talks nonsense and was cut off.
    Gone {
        /// What happened, for the log.
        reason: String,
        /// Whether it died or hangs.
        cause: Cause,
    },
}

/// A worker and the connection to it.
#[derive(Debug)]
pub struct WorkerLink {
    socket: UnixStream,
    inbox: Decoder,
    pipes: VecDeque<OwnedFd>,
    outbox: BytesMut,
    process: Process,
}

impl WorkerLink {
    /// Starts a worker and waits for its greeting; it is configured, and ready for orders.
    ///
    /// # Errors
    /// If it cannot be started or does not greet as a worker of our version.
    pub async fn open(spawner: &Spawner, programs: &Programs, life: &Lifecycle) -> Result<Self, WorkerError> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(WorkerError::Socket)?;
        ours.set_nonblocking(true).map_err(WorkerError::Socket)?;
        let socket = UnixStream::from_std(ours).map_err(WorkerError::Socket)?;
        let token = token().map_err(WorkerError::Socket)?;
        let path = programs.worker.clone();
        let child = spawner.spawn(path.clone(), token.clone(), theirs.into()).await;
        let child = child.map_err(|source| WorkerError::Spawn { path: path.clone(), source })?;
        let process = Process { child: Some(child), life: life.clone() };
        let mut link =
            Self { socket, inbox: Decoder::default(), pipes: VecDeque::new(), outbox: BytesMut::new(), process };
        link.greet(&token).await.map_err(|reason| WorkerError::Greeting { path, reason })?;
        link.send(&Command::Configure { ffmpeg: programs.ffmpeg.clone(), ffprobe: programs.ffprobe.clone() });
        link.send(&Command::Restrict(programs.restrictions.clone()));
        Ok(link)
    }

    async fn greet(&mut self, expected: &str) -> Result<(), String> {
        match tokio::time::timeout(GREETING, self.recv()).await {
            Err(_) => Err("it said nothing for 5 seconds".into()),
            Ok(Event::Report(Report::Hello { protocol, token, version, .. }, _)) => match (protocol, token) {
                (PROTOCOL_VERSION, token) if token == expected => Ok(()),
                (PROTOCOL_VERSION, _) => Err("it does not know its token".into()),
                (other, _) => Err(format!("version {version} speaks protocol {other}, this host {PROTOCOL_VERSION}")),
            },
            Ok(Event::Report(..)) => Err("it did not begin with a greeting".into()),
            Ok(Event::Gone { reason, .. }) => Err(reason),
        }
    }

    /// Returns the worker's process id.
    pub fn pid(&self) -> u32 {
        self.process.child.as_ref().map_or(0, Spawned::pid)
    }

    /// Queues a command; [`Self::recv`] sends it.
    pub fn send(&mut self, command: &Command) {
        if let Err(error) = encode(command, &mut self.outbox) {
            tracing::error!(%error, "a command is too long to be sent");
        }
        // Mostly there is room, and an order is on its way before anybody awaits anything.
        let _ = self.flush();
    }

    /// Returns the next thing the worker says, sending queued commands meanwhile.
    pub async fn recv(&mut self) -> Event {
        loop {
            match self.inbox.next_message::<Report>() {
                Ok(Some(report)) => {
                    let pipe = if report.carries_descriptor() { self.pipes.pop_front() } else { None };
                    return Event::Report(report, pipe);
                }
                Ok(None) => {}
                // One version ahead it may say things that we do not know.
                Err(error) if !error.is_fatal() => {
                    tracing::debug!(%error, "a report is not understood");
                    continue;
                }
                Err(error) => return gone(format!("it talks nonsense: {error}")),
            }
            let interest =
                if self.outbox.is_empty() { Interest::READABLE } else { Interest::READABLE | Interest::WRITABLE };
            let ready = match self.socket.ready(interest).await {
                Ok(ready) => ready,
                Err(error) => return gone(error.to_string()),
            };
            if ready.is_writable()
                && let Err(error) = self.flush()
            {
                return gone(error.to_string());
            }
            match self.receive() {
                Ok(0) => return gone("it ended".into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return gone(error.to_string()),
            }
        }
    }

    /// Kills the worker: it hangs, and would not notice that its link is gone. Its children die with it.
    pub fn kill(&mut self) {
        if let Some(child) = &mut self.process.child {
            child.kill();
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.outbox.is_empty() {
            match self.socket.try_write(&self.outbox) {
                Ok(sent) => self.outbox.advance(sent),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn receive(&mut self) -> io::Result<usize> {
        let mut bytes = [0_u8; 16 * 1024];
        let fd = self.socket.as_raw_fd();
        let (length, pipes) = self.socket.try_io(Interest::READABLE, || {
            let mut room = nix::cmsg_space!([i32; 8]);
            let mut buffers = [IoSliceMut::new(&mut bytes)];
            let message = recvmsg::<()>(fd, &mut buffers, Some(&mut room), close_on_exec())?;
            let pipes: Vec<OwnedFd> = message.cmsgs()?.flat_map(owned).collect();
            Ok((message.bytes, pipes))
        })?;
        self.pipes.extend(pipes);
        self.inbox.feed(&bytes[..length]);
        Ok(length)
    }
}

fn gone(reason: String) -> Event {
    Event::Gone { reason, cause: Cause::WorkerLost }
}

#[cfg(target_os = "linux")]
fn close_on_exec() -> MsgFlags {
    MsgFlags::MSG_CMSG_CLOEXEC
}

#[cfg(not(target_os = "linux"))]
fn close_on_exec() -> MsgFlags {
    MsgFlags::empty()
}

#[expect(unsafe_code, reason = "the system hands over received descriptors as numbers")]
fn owned(message: ControlMessageOwned) -> Vec<OwnedFd> {
    let ControlMessageOwned::ScmRights(numbers) = message else { return vec![] };
    // SAFETY: the kernel has just made these descriptors for us, and nobody else knows their numbers.
    numbers.into_iter().map(|number| unsafe { OwnedFd::from_raw_fd(number) }).collect()
}

/// Returns 128 random bits in hexadecimal, from the system.
fn token() -> io::Result<String> {
    let mut bits = [0_u8; 16];
    io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut bits)?;
    Ok(bits.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The process behind a link; reaped when the link goes.
#[derive(Debug)]
struct Process {
    child: Option<Spawned>,
    life: Lifecycle,
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            self.life.spawn(reap(child));
        }
    }
}

/// Waits for the end of a worker that has lost its link; one that does not go is killed.
async fn reap(mut child: Spawned) {
    for _ in 0..60 {
        match child.try_wait() {
            Ok(None) => tokio::time::sleep(Duration::from_millis(50)).await,
            Ok(Some(_)) | Err(_) => return,
        }
    }
    tracing::warn!(worker.pid = child.pid(), "a worker did not end by itself and is killed");
    child.end();
}
