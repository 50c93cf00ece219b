//! A connection as others may hold it: to ask how the way to the client is, and to end it.
//!
//! Does: share the socket between the one who writes and the one who asks.
//! Does not: keep a connection open; whoever only asks holds it weakly.
//! Invariant: a line whose connection is over answers nothing.

use std::{
    io::{self, IoSlice},
    net::{Shutdown, SocketAddr},
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, ready},
};

use exstreamtv_core::throttle::SocketFeedback;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;

use crate::{http::origin::Peer, sessions::Connection};

/// What a handler may know of the connection that a request came over.
#[derive(Debug, Clone)]
pub struct Ends {
    /// Its two ends.
    pub peer: Peer,
    /// The connection itself.
    pub line: Arc<dyn Connection>,
}

/// A connection, held weakly.
#[derive(Debug)]
pub(super) struct Line {
    stream: Weak<TcpStream>,
    cut: CancellationToken,
}

impl Line {
    /// Returns the line of this stream.
    pub(super) fn new(stream: &SharedStream, cut: CancellationToken) -> Self {
        Self { stream: Arc::downgrade(&stream.0), cut }
    }
}

impl Connection for Line {
    fn feedback(&self) -> Option<SocketFeedback> {
        feedback(&*self.stream.upgrade()?)
    }

    fn cut(&self) {
        self.cut.cancel();
    }
}

/// A stream that can be asked while somebody writes to it.
#[derive(Debug)]
pub(super) struct SharedStream(Arc<TcpStream>);

impl SharedStream {
    /// Shares a stream.
    pub(super) fn new(stream: TcpStream) -> Self {
        Self(Arc::new(stream))
    }

    /// Returns our end's address.
    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Writes as soon as there is room.
    fn poll_try(
        &self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match write(&self.0) {
                // The system changed its mind; that is now known, and the next round waits.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }
}

impl AsyncRead for SharedStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match self.0.try_read(buf.initialize_unfilled()) {
                Ok(count) => {
                    buf.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for SharedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_try(cx, |stream| stream.try_write(buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_try(cx, |stream| stream.try_write_vectored(bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A socket keeps nothing back.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match SockRef::from(&*self.0).shutdown(Shutdown::Write) {
            // The client was quicker.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            done => done,
        })
    }
}

/// Asks the system about a connection.
#[cfg(target_os = "linux")]
fn feedback(stream: &TcpStream) -> Option<SocketFeedback> {
    let queued_bytes = u64::try_from(linux::unconfirmed_bytes(stream)?).ok()?;
    let delivery_bps = linux::delivery_bytes_per_s(stream).map(|rate| rate.saturating_mul(8));
    Some(SocketFeedback { queued_bytes, delivery_bps })
}

/// Elsewhere a viewer is asked by writing to it: it takes what it takes.
#[cfg(not(target_os = "linux"))]
fn feedback(_: &TcpStream) -> Option<SocketFeedback> {
    None
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{mem, os::fd::AsRawFd};

    use nix::libc;
    use tokio::net::TcpStream;

    /// Returns how many bytes the other side has not confirmed (SIOCOUTQ).
    #[expect(unsafe_code, reason = "no library asks a socket for this")]
    pub(super) fn unconfirmed_bytes(stream: &TcpStream) -> Option<i32> {
        let mut bytes: libc::c_int = 0;
        // SAFETY: the descriptor is open as long as `stream` is borrowed; the request writes one int, for which there is room.
        let answer = unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
        (answer == 0).then_some(bytes)
    }

    /// Returns how fast the connection delivered lately (TCP_INFO); systems before 4.9 do not say.
    #[expect(unsafe_code, reason = "no library reads these fields, which systems only append to")]
    pub(super) fn delivery_bytes_per_s(stream: &TcpStream) -> Option<u64> {
        // SAFETY: the structure is made of integers, for which zero is a value.
        let mut info: libc::tcp_info = unsafe { mem::zeroed() };
        let mut length = libc::socklen_t::try_from(mem::size_of_val(&info)).ok()?;
        let (fd, place) = (stream.as_raw_fd(), (&raw mut info).cast());
        // SAFETY: the descriptor is open as long as `stream` is borrowed; at most `length` bytes are written, for which there is room.
        let answer = unsafe { libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_INFO, place, &raw mut length) };
        (answer == 0 && info.tcpi_delivery_rate > 0).then_some(info.tcpi_delivery_rate)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test]
    async fn what_a_client_does_not_take_is_seen_in_the_queue() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut stream = SharedStream::new(listener.accept().await.unwrap().0);
        let line = Line::new(&stream, CancellationToken::new());
        stream.write_all(b"first").await.unwrap();
        let mut first = [0; 5];
        client.read_exact(&mut first).await.unwrap();
        // More than both buffers hold: what is written is what they took.
        let flood = vec![0; 64 << 20];
        let written = {
            let write = std::pin::pin!(stream.write_all(&flood));
            futures::FutureExt::now_or_never(write)
        };
        assert!(written.is_none(), "64 MiB fit into the system's buffers");
        let queued = line.feedback().unwrap().queued_bytes;
        assert!(queued > 10_000, "{queued}");
        drop(stream);
        assert_eq!(line.feedback(), None);
    }

    #[tokio::test]
    async fn a_shared_stream_reads_writes_and_ends() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut stream = SharedStream::new(listener.accept().await.unwrap().0);
        client.write_all(b"ask").await.unwrap();
        let mut asked = [0; 3];
        stream.read_exact(&mut asked).await.unwrap();
        assert_eq!(&asked, b"ask");
        stream.write_all(&vec![7; 300_000]).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, vec![7; 300_000]);
    }
}
