//! The one thread that starts plugin processes.
//!
//! Does: start this program again as the process of one plugin, with a socket as its standard input and next to nothing else of ours.
//! Does not: wait for it; whoever asked does.
//! Invariant: the thread lives as long as the host, because Linux kills such a process when the *thread* that started it ends.

use std::{
    ffi::OsString,
    io,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt},
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
};

use tokio::sync::oneshot;

/// What a plugin's process may know of our environment: how to find libraries, and how much to log.
const PASSED_ON: [&str; 7] =
    ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "TMPDIR", "EXSTREAMTV_LOG", "RUST_BACKTRACE"];

/// Starts plugin processes.
#[derive(Debug, Clone)]
pub struct Spawner {
    requests: mpsc::Sender<Request>,
}

struct Request {
    arguments: Vec<OsString>,
    socket: OwnedFd,
    reply: oneshot::Sender<io::Result<Child>>,
}

impl Spawner {
    /// Starts the thread; `program` is this program.
    ///
    /// # Errors
    /// If the system gives us no thread.
    pub fn start(program: PathBuf) -> io::Result<Self> {
        let (requests, inbox) = mpsc::channel::<Request>();
        std::thread::Builder::new().name("plugin-spawner".into()).spawn(move || {
            for Request { arguments, socket, reply } in inbox {
                let child = spawn(&program, &arguments, socket);
                // Nobody waits any more: the child sees its socket close, and goes.
                let _ = reply.send(child);
            }
        })?;
        Ok(Self { requests })
    }

    /// Starts a process, and returns it with our end of its socket.
    ///
    /// # Errors
    /// If there is no socket or no process.
    pub async fn spawn(&self, arguments: Vec<OsString>) -> io::Result<(Child, tokio::net::UnixStream)> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let ours = tokio::net::UnixStream::from_std(ours)?;
        let gone = || io::Error::other("the thread that starts plugins is gone");
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request { arguments, socket: theirs.into(), reply }).map_err(|_| gone())?;
        let child = answer.await.map_err(|_| gone())??;
        Ok((child, ours))
    }
}

fn spawn(program: &PathBuf, arguments: &[OsString], socket: OwnedFd) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear();
    command.envs(PASSED_ON.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    // Its own group: Ctrl-C in a terminal is for the host. No folder of ours: what it writes by a relative name fails.
    command.process_group(0).current_dir("/");
    command.stdin(Stdio::from(socket)).stdout(Stdio::null()).spawn()
}
