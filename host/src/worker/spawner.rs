//! The one thread that starts workers.
//!
//! Does: spawn each worker with its control socket as descriptor 3 and nothing else of ours.
//! Does not: wait for it; a link does.
//! Invariant: the thread lives as long as the host, because Linux kills a worker when the *thread* that started it ends.

use std::{
    io,
    os::{fd::OwnedFd, unix::process::CommandExt},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
};

use command_fds::{CommandFdExt, FdMapping};
use tokio::sync::oneshot;

use super::groups::{Group, Groups};

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
    reply: oneshot::Sender<io::Result<Spawned>>,
}

/// A worker's process, in a control group of its own where there are any.
#[derive(Debug)]
pub struct Spawned {
    child: Child,
    group: Option<Group>,
}

impl Spawned {
    /// Returns its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns how it ended, if it has; its group goes with the last process in it.
    ///
    /// # Errors
    /// The system does not say.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        let ended = self.child.try_wait()?;
        if let (Some(_), Some(group)) = (&ended, &self.group)
            && !group.remove()
        {
            return Ok(None); // its FFmpegs are dying; whoever waits asks again
        }
        Ok(ended)
    }

    /// Kills it and goes on; whoever waits for its end sees it.
    pub fn kill(&mut self) {
        // One that is gone already is no failure.
        _ = self.child.kill();
    }

    /// Kills it and waits for its end.
    pub fn end(&mut self) {
        self.kill();
        _ = self.child.wait();
    }
}

impl Spawner {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system gives us no thread.
    pub fn start(log: &str, groups: Option<Groups>) -> io::Result<Self> {
        let log = log.to_owned();
        let (requests, inbox) = mpsc::channel::<Request>();
        std::thread::Builder::new().name("worker-spawner".into()).spawn(move || {
            for request in inbox {
                let child = spawn(request.program, &request.token, request.control, &log);
                let child = child.map(|child| grouped(child, groups.as_ref()));
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
    pub async fn spawn(&self, program: PathBuf, token: String, control: OwnedFd) -> io::Result<Spawned> {
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

/// Before it is told to start anything: what it starts is born into its group.
fn grouped(child: Child, groups: Option<&Groups>) -> Spawned {
    let group = groups.and_then(|groups| {
        let put = groups.put(child.id());
        put.inspect_err(|error| tracing::warn!(%error, "a worker has no control group and no limits")).ok()
    });
    Spawned { child, group }
}
