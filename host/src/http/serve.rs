//! The socket end of the HTTP side.
//!
//! Does: accept connections up to a limit, set the options that live streams need, drain and then cut them when the host stops.
//! Does not: bind; whoever holds the listener chose its address.
//! Invariant: a client that takes nothing for [`STALL`] is gone, and [`DRAIN`] after the signal no connection is left.

mod guarded;
mod line;

use std::{future::IntoFuture, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::connect_info::Connected, serve::IncomingStream, serve::Listener};
use guarded::Guarded;
pub use line::Ends;
use line::{Line, SharedStream};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

use super::origin::Peer;

/// How long a client may take nothing of what waits for it.
const STALL: Duration = Duration::from_secs(30);
/// How long a fresh connection may take to get its first answer; ends those who only open connections.
const FIRST_ANSWER: Duration = Duration::from_secs(75);
/// How long answers may go on after the signal to stop.
const DRAIN: Duration = Duration::from_secs(2);
/// What the system may hold for one client, which it doubles; enough for 30 Mb/s over 100 ms.
const SEND_BUFFER_BYTES: usize = 256 * 1024;
/// Connections at a time; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 4096;

/// Serves the routes until the signal, then lets answers end for [`DRAIN`] and cuts the rest.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let cut = CancellationToken::new();
    let door = Door { listener, seats: Arc::new(Semaphore::new(CONNECTIONS)), cut: cut.clone() };
    let service = router.into_make_service_with_connect_info::<Ends>();
    let serving = axum::serve(door, service).with_graceful_shutdown(shutdown.clone().cancelled_owned()).into_future();
    let deadline = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN).await;
        cut.cancel();
        // Connections end as soon as their tasks have run once more.
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        _ = serving => {}
        () = deadline => tracing::warn!("some connections did not end in time"),
    }
}

/// A listener that limits connections and guards them.
struct Door {
    listener: TcpListener,
    seats: Arc<Semaphore>,
    cut: CancellationToken,
}

impl Listener for Door {
    type Io = Guarded<SharedStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let seat = Arc::clone(&self.seats).acquire_owned().await.ok();
        // axum's own accept waits out a shortage of file descriptors and passes over connections that died in the queue.
        let (stream, remote) = Listener::accept(&mut self.listener).await;
        if let Err(error) = prepare(&stream) {
            tracing::debug!(%error, viewer.ip = %remote.ip(), "failed to set socket options");
        }
        // Each connection can be cut alone, and all of them together.
        (Guarded::new(SharedStream::new(stream), self.cut.child_token(), seat), remote)
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, Door>> for Ends {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        let remote = *stream.remote_addr();
        let guarded = stream.io();
        let local = guarded.get_ref().local_addr().unwrap_or(Peer::default().local);
        let line = Line::new(guarded.get_ref(), guarded.cut());
        Self { peer: Peer { remote, local }, line: Arc::new(line) }
    }
}

/// Small writes go at once, a peer that vanished without a word is noticed, and one that takes nothing is noticed before the system has put
/// megabytes aside for it: what it lags behind waits in the ring, where it can still be skipped.
fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15));
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(STALL))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use axum::{body::Body, routing::get};
    use bytes::Bytes;
    use futures::StreamExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn start(router: Router) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let tasks = tokio_util::task::TaskTracker::new();
        let task = tasks.spawn(serve(listener, router, stop.clone()));
        (address, stop, task)
    }

    fn endless_body() -> impl Fn() -> Body + Clone + Send + 'static {
        let first = futures::stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from_static(&[0x47; 188]))]);
        move || Body::from_stream(first.clone().chain(futures::stream::pending()))
    }

    fn endless() -> Router {
        let body = endless_body();
        Router::new().route("/", get(move || async move { ([("content-type", "video/mp2t")], body()) }))
    }

    #[tokio::test]
    async fn an_endless_answer_is_cut_when_the_host_stops() {
        let (address, stop, task) = start(endless()).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut seen = [0; 256];
        assert!(client.read(&mut seen).await.unwrap() > 0);
        stop.cancel();
        let mut rest = Vec::new();
        let _ = client.read_to_end(&mut rest).await;
        task.await.unwrap();
    }

    #[tokio::test]
    async fn an_idle_connection_does_not_delay_the_end() {
        let (address, stop, task) = start(endless()).await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut seen = [0; 512];
        let length = idle.read(&mut seen).await.unwrap();
        let head = String::from_utf8_lossy(&seen[..length]).to_lowercase();
        assert!(head.starts_with("http/1.1 200 ok") && head.contains("video/mp2t"), "{head}");
        assert!(!head.contains("content-length"), "{head}");
        stop.cancel();
        task.await.unwrap();
        assert_eq!(idle.read(&mut seen).await.unwrap_or(0), 0);
    }

    #[tokio::test]
    async fn one_connection_is_cut_and_asked_without_the_others() {
        let (told, mut lines) = tokio::sync::mpsc::unbounded_channel();
        let body = endless_body();
        let hand_over = get(move |axum::extract::ConnectInfo(ends): axum::extract::ConnectInfo<Ends>| async move {
            told.send(ends.line).unwrap();
            body()
        });
        let (address, stop, task) = start(Router::new().route("/", hand_over)).await;
        let mut clients = Vec::new();
        let mut held = Vec::new();
        for _ in 0..2 {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
            assert!(client.read(&mut [0; 512]).await.unwrap() > 0);
            clients.push(client);
            held.push(lines.recv().await.unwrap());
        }
        if cfg!(target_os = "linux") {
            assert!(held[0].feedback().is_some());
        }
        held[0].cut();
        let mut rest = Vec::new();
        let _ = clients[0].read_to_end(&mut rest).await;
        assert!(held[0].feedback().is_none(), "a line that is cut has nothing to say");
        assert!(held[1].feedback().is_some() || !cfg!(target_os = "linux"));
        stop.cancel();
        task.await.unwrap();
    }

    #[tokio::test]
    async fn both_ends_of_the_connection_are_known() {
        let ends = get(|axum::extract::ConnectInfo(ends): axum::extract::ConnectInfo<Ends>| async move {
            format!("{} {}", ends.peer.remote, ends.peer.local)
        });
        let (address, stop, task) = start(Router::new().route("/", ends)).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with(&format!("{} {address}", client.local_addr().unwrap())), "{answer}");
        stop.cancel();
        task.await.unwrap();
    }
}
