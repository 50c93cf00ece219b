//! The one thread that starts workers.
//!
//! Does: spawn each worker with its control socket as descriptor 3 and nothing else of ours.
//! Does not: wait for it; a link does.
//! Invariant: the thread lives as long as the host, because Linux kills a worker when the *thread* that started it ends.

use std::{
    io,
    os::{fd::OwnedFd, unix::process::CommandExt},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
};

use command_fds::{CommandFdExt, FdMapping};
use tokio::sync::oneshot;

/// The descriptor on which a worker finds its control socket.
const CONTROL_FD: i32 = 3;

/// Starts workers.
#[derive(Debug, Clone)]
pub struct Spawner {
    requests: mpsc::Sender<Request>,
}

/// How much workers log; the same as the host at its start.
const LOG: &str = "EXSTREAMTV_LOG";

struct Request {
    program: PathBuf,
    token: String,
    control: OwnedFd,
    reply: oneshot::Sender<io::Result<Child>>,
}

impl Spawner {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system gives us no thread.
    pub fn start(log: &str) -> io::Result<Self> {
        let log = log.to_owned();
        let (requests, inbox) = mpsc::channel::<Request>();
        std::thread::Builder::new().name("worker-spawner".into()).spawn(move || {
            for request in inbox {
                let child = spawn(request.program, &request.token, request.control, &log);
                // Nobody waits any more: the child sees its control socket close, and goes.
                let _ = request.reply.send(child);
            }
        })?;
        Ok(Self { requests })
    }

    /// Starts one worker.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub async fn spawn(&self, program: PathBuf, token: String, control: OwnedFd) -> io::Result<Child> {
        let (reply, answer) = oneshot::channel();
        let gone = || io::Error::other("the spawner thread is gone");
        self.requests.send(Request { program, token, control, reply }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

fn spawn(program: PathBuf, token: &str, control: OwnedFd, log: &str) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.arg("--control-fd").arg(CONTROL_FD.to_string()).env("EXSTREAMTV_WORKER_TOKEN", token).env(LOG, log);
    // Its own group: Ctrl-C in a terminal is for the host, which then stops its workers in order.
    command.stdin(Stdio::null()).stdout(Stdio::null()).process_group(0);
    let mapping = FdMapping { parent_fd: control, child_fd: CONTROL_FD };
    command.fd_mappings(vec![mapping]).map_err(io::Error::other)?;
    command.spawn()
}
