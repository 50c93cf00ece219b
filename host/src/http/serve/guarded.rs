//! A connection that ends when its client stalls or the host stops.
//!
//! Does: watch how long writes wait.
//! Does not: watch reads after the first answer; a client that listens to a live stream says nothing for days.
//! Invariant: a timer is armed only while somebody waits, so a busy connection costs none.

use std::{
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep, sleep},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{FIRST_ANSWER, STALL};

/// A stream with a stall timer, a cut-off and a seat in the house.
pub struct Guarded<S> {
    stream: S,
    timer: Pin<Box<Sleep>>,
    waiting_for: Option<Wait>,
    cut_off: CancellationToken,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    _seat: Option<OwnedSemaphorePermit>,
}

/// What the timer is armed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// The first byte of the first answer.
    FirstAnswer,
    /// Room for more bytes.
    Room,
}

impl<S> Guarded<S> {
    /// Guards a fresh connection; `cut` ends it.
    pub fn new(stream: S, cut: CancellationToken, seat: Option<OwnedSemaphorePermit>) -> Self {
        let timer = Box::pin(sleep(FIRST_ANSWER));
        let (cut_off, cut) = (cut.clone(), Box::pin(cut.cancelled_owned()));
        Self { stream, timer, waiting_for: Some(Wait::FirstAnswer), cut_off, cut, _seat: seat }
    }

    /// Returns what ends it.
    pub fn cut(&self) -> CancellationToken {
        self.cut_off.clone()
    }

    /// Returns the stream inside.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Fails once the host has cut the connection or a wait has lasted too long; wakes the task for both.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.cut.as_mut().poll(cx).is_ready() {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the server ends it"));
        }
        if self.waiting_for.is_some() && self.timer.as_mut().poll(cx).is_ready() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing"));
        }
        Ok(())
    }

    /// Notes how a write went: room ends any wait, no room begins one.
    fn wrote<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.waiting_for = None;
            return outcome;
        }
        if self.waiting_for != Some(Wait::Room) {
            self.waiting_for = Some(Wait::Room);
            self.timer.as_mut().reset(Instant::now() + STALL);
        }
        // A fresh timer must be polled once, or it wakes nobody.
        match self.check(cx) {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.wrote(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_sent_away() {
        let (_client, server) = duplex(100);
        let mut guarded = Guarded::new(server, CancellationToken::new(), None);
        let error = guarded.write_all(&[0; 1000]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_client_that_takes_something_stays() {
        let (mut client, server) = duplex(100);
        let mut guarded = Guarded::new(server, CancellationToken::new(), None);
        let reading = async {
            let mut piece = [0; 100];
            for _ in 0..10 {
                tokio::time::sleep(STALL / 2).await;
                client.read_exact(&mut piece).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(guarded.write_all(&[0; 1000]), reading);
        written.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_may_be_silent_for_days_once_it_was_answered() {
        let (mut client, server) = duplex(100);
        let mut guarded = Guarded::new(server, CancellationToken::new(), None);
        guarded.write_all(b"answer").await.unwrap();
        let speaking = async {
            tokio::time::sleep(std::time::Duration::from_secs(200_000)).await;
            client.write_all(b"x").await.unwrap();
        };
        let (read, ()) = tokio::join!(guarded.read_u8(), speaking);
        assert_eq!(read.unwrap(), b'x');
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_asks_is_sent_away() {
        let (_client, server) = duplex(100);
        let mut guarded = Guarded::new(server, CancellationToken::new(), None);
        assert_eq!(guarded.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn the_cut_ends_a_connection_that_only_waits() {
        let (_client, server) = duplex(100);
        let cut = CancellationToken::new();
        let mut guarded = Guarded::new(server, cut.clone(), None);
        let cutting = async { cut.cancel() };
        let (read, ()) = tokio::join!(guarded.read_u8(), cutting);
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    }
}
