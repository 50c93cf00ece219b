//! Viewers of a transport stream.
//!
//! Does: tune in as a player does, keep every byte, wait for as much stream as a test needs; or tune in and read nothing.
//! Does not: look into the stream beyond its clock; that is `ts`.
//! Invariant: a capture is one connection from its first byte on.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    patience::LONG,
    picture::{self, Shown},
    ts::{self, Follower, Report, Rules},
};

/// How a host said no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Status of the answer.
    pub status: u16,
    /// When to come again.
    pub retry_after_s: Option<u64>,
    /// What it said.
    pub body: String,
}

impl Refusal {
    fn of(response: reqwest::blocking::Response) -> Self {
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after_s = retry_after.and_then(|value| value.parse().ok());
        Self { status: response.status().as_u16(), retry_after_s, body: response.text().unwrap_or_default() }
    }
}

/// A viewer who keeps up.
pub struct Viewer {
    inbox: Arc<Inbox>,
}

#[derive(Default)]
struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    clock: Follower,
    ended: Option<String>,
    leaves: bool,
}

impl Viewer {
    /// Tunes in and begins to read.
    ///
    /// # Panics
    /// When the answer is not a transport stream.
    pub fn tune(url: &str) -> Self {
        Self::try_tune(url).unwrap_or_else(|refusal| panic!("{url}: {refusal:?}"))
    }

    /// Tunes in and begins to read, or returns how the host refused.
    ///
    /// # Errors
    /// The host has no room.
    ///
    /// # Panics
    /// When the answer is neither a transport stream nor an error.
    pub fn try_tune(url: &str) -> Result<Self, Refusal> {
        let client = reqwest::blocking::Client::builder().timeout(None).build();
        let client = client.unwrap_or_else(|error| panic!("make an HTTP client: {error}"));
        let response = client.get(url).send().unwrap_or_else(|error| panic!("tune {url}: {error}"));
        if !response.status().is_success() {
            return Err(Refusal::of(response));
        }
        assert_eq!(response.status(), 200, "{url}");
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        assert!(kind.is_some_and(|kind| kind.eq_ignore_ascii_case("video/mp2t")), "{url}: {kind:?}");
        let inbox = Arc::new(Inbox::default());
        let reader = inbox.clone();
        thread::spawn(move || read(response, &reader));
        Ok(Self { inbox })
    }

    /// Waits until the stream's own clock has gone on by this much since the first byte.
    ///
    /// # Panics
    /// When the connection ends before, or nothing comes for a minute.
    pub fn wait_for_seconds(&self, seconds: f64) {
        self.wait(&format!("{seconds:.1} s of stream"), |state| state.clock.seconds() >= seconds);
    }

    /// Waits for this much more stream than there is now.
    ///
    /// # Panics
    /// When the connection ends before, or nothing comes for a minute.
    pub fn wait_for_more(&self, seconds: f64) {
        self.wait_for_seconds(self.seconds() + seconds);
    }

    /// Returns how much stream there is by its own clock.
    pub fn seconds(&self) -> f64 {
        self.inbox.state.lock().unwrap_or_else(PoisonError::into_inner).clock.seconds()
    }

    /// Returns why the connection has ended, if it has.
    pub fn ended(&self) -> Option<String> {
        self.inbox.state.lock().unwrap_or_else(PoisonError::into_inner).ended.clone()
    }

    /// Waits for the server to end the connection.
    pub fn wait_for_end(&self, limit: Duration) -> Option<String> {
        let state = self.inbox.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.inbox.changed.wait_timeout_while(state, limit, |state| state.ended.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.ended.clone()
    }

    /// Leaves, and returns what was received up to the last keyframe, so that it ends on a whole picture.
    pub fn leave(self) -> Capture {
        let mut state = self.inbox.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.leaves = true;
        let bytes = std::mem::take(&mut state.bytes);
        drop(state);
        Capture::new(bytes)
    }

    fn wait(&self, what: &str, is_there: impl Fn(&State) -> bool) {
        let mut state = self.inbox.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut silent_since = Instant::now();
        while !is_there(&state) {
            assert!(state.ended.is_none(), "{:?} before {what}; {} bytes came", state.ended, state.bytes.len());
            assert!(silent_since.elapsed() < LONG, "nothing came for {LONG:?} before {what}");
            let before = state.bytes.len();
            let waited = self.inbox.changed.wait_timeout(state, LONG);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.bytes.len() > before {
                silent_since = Instant::now();
            }
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.inbox.state.lock().unwrap_or_else(PoisonError::into_inner).leaves = true;
    }
}

fn read(mut response: reqwest::blocking::Response, inbox: &Inbox) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let got = response.read(&mut buffer);
        let mut state = inbox.state.lock().unwrap_or_else(PoisonError::into_inner);
        match got {
            Ok(0) => state.ended = Some("the server ended the response".into()),
            Ok(count) => {
                state.clock.push(&buffer[..count]);
                state.bytes.extend_from_slice(&buffer[..count]);
            }
            Err(error) => state.ended = Some(error.to_string()),
        }
        inbox.changed.notify_all();
        if state.leaves || state.ended.is_some() {
            return;
        }
    }
}

/// What a viewer received.
pub struct Capture {
    /// Every byte.
    pub bytes: Vec<u8>,
    /// The same as a file.
    pub path: PathBuf,
    folder: Option<TempDir>,
}

impl Capture {
    /// Keeps `bytes` up to the last keyframe in them.
    ///
    /// # Panics
    /// When they cannot be written.
    pub fn new(mut bytes: Vec<u8>) -> Self {
        let keyframes = ts::check(&bytes, &Rules::channel((25, 1))).video;
        if let Some(last) = keyframes.iter().rev().find(|unit| unit.idr && unit.start > 0) {
            bytes.truncate(last.start);
        }
        let folder = TempDir::new().unwrap_or_else(|error| panic!("make a folder: {error}"));
        let path = folder.path().join("capture.ts");
        fs::write(&path, &bytes).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
        Self { bytes, path, folder: Some(folder) }
    }

    /// Checks it against the rules of a channel with this frame rate.
    pub fn check(&self, frame_rate: (u32, u32)) -> Report {
        ts::check(&self.bytes, &Rules::channel(frame_rate))
    }

    /// Decodes it.
    pub fn watch(&self, report: &Report) -> Vec<Shown> {
        picture::watch(&self.path, report)
    }

    /// Returns whatever FFmpeg has to say against it.
    pub fn complaints(&self) -> String {
        complaints(&self.path)
    }
}

impl Drop for Capture {
    /// Keeps the file of a failing test and says where.
    fn drop(&mut self) {
        if thread::panicking()
            && let Some(folder) = self.folder.take()
        {
            eprintln!("--- the capture is kept in {}", folder.keep().display());
        }
    }
}

/// Returns whatever FFmpeg has to say against a stream while it decodes all of it.
///
/// # Panics
/// When FFmpeg cannot be run.
pub fn complaints(file: &std::path::Path) -> String {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-v", "warning", "-i"])
        .arg(file)
        .args(["-f", "null", "-"])
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("run ffmpeg: {error}"));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A viewer who tunes in and then reads nothing.
pub struct Stalled(TcpStream);

impl Stalled {
    /// Tunes in; the operating system's own buffer is made as small as it allows.
    ///
    /// # Panics
    /// When there is no connection.
    pub fn tune(host: &str, path: &str) -> Self {
        let address: SocketAddr = host.trim_start_matches("http://").parse().expect("the host listens on an address");
        let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None);
        let socket = socket.unwrap_or_else(|error| panic!("make a socket: {error}"));
        socket.set_recv_buffer_size(4096).unwrap_or_else(|error| panic!("shrink the buffer: {error}"));
        socket.connect(&address.into()).unwrap_or_else(|error| panic!("connect to {address}: {error}"));
        let mut stream = TcpStream::from(socket);
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n")
            .unwrap_or_else(|error| panic!("ask for {path}: {error}"));
        Self(stream)
    }

    /// Reads what little is there, to show that the connection was a stream at all.
    ///
    /// # Panics
    /// When nothing can be read.
    pub fn first_line(&mut self) -> String {
        let mut bytes = [0; 15];
        self.0.read_exact(&mut bytes).unwrap_or_else(|error| panic!("read the first line: {error}"));
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
