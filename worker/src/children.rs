//! What every process that we start has in common.
//!
//! Invariant: a child leads its own process group, reads nothing, inherits nothing but its pipes, knows no secret of ours, and dies with the
//! worker.

use std::{
    cell::Cell,
    os::fd::{BorrowedFd, RawFd},
    process::{Command, Stdio},
    rc::Rc,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, FdFlag, fcntl},
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use crate::TOKEN_VARIABLE;

/// Prepares `command` as a child of ours; its output is for the caller to arrange.
pub fn prepare(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.stdin(Stdio::null()).process_group(0).env_remove(TOKEN_VARIABLE);
    #[cfg(target_os = "linux")]
    die_with_the_worker(command);
}

/// Asks the kernel to kill the child when the thread that spawns it ends, which is our main thread.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "only the child itself can ask for this signal, between fork and exec")]
fn die_with_the_worker(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    let worker = nix::unistd::getpid();
    let ask = move || {
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
        // The worker may have died before we asked.
        if nix::unistd::getppid() == worker { Ok(()) } else { Err(Errno::ESRCH.into()) }
    };
    // SAFETY: the closure makes two system calls (prctl, getppid) and allocates nothing, so it may run in a forked child.
    unsafe { command.pre_exec(ask) };
}

/// Keeps every descriptor that we inherited from our own children, whoever forgot to: a build tool's, a debugger's, the host's.
///
/// To be called before anything else is opened; what we open ourselves is never inherited.
#[expect(unsafe_code, reason = "an inherited descriptor is a number")]
pub fn inherit_nothing_further() {
    let Ok(open) = std::fs::read_dir("/dev/fd") else { return };
    let numbers = open.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<RawFd>().ok());
    for number in numbers.filter(|number| *number > 2) {
        // SAFETY: borrowed for one call, which fails with EBADF if the listing's own descriptor is closed by now.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        _ = fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
    }
}

/// Asks the kernel to kill this worker when the thread of the host that spawned it ends. The end of the socket says the same, unless the
/// host's end of it leaked into another process.
pub fn die_with_the_host() {
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL) {
        tracing::warn!(%error, "failed to tie this worker's life to its host's");
    }
}

/// A child's process group, to be signalled while the child is not reaped.
#[derive(Debug, Clone)]
pub struct Group {
    leader: Pid,
    reaped: Rc<Cell<bool>>,
}

impl Group {
    /// Returns the group that the child `pid` leads.
    pub fn led_by(pid: u32) -> Option<Self> {
        let leader = Pid::from_raw(i32::try_from(pid).ok()?);
        Some(Self { leader, reaped: Rc::default() })
    }

    /// Sends `signal` to every process of the group. Does nothing once the leader is reaped: its number may belong to another by then.
    pub fn signal(&self, signal: Signal) {
        if !self.reaped.get() {
            self.send(signal);
        }
    }

    /// Notes that the leader is reaped, and kills what is left of its group. To be called in the moment of reaping.
    pub fn reaped(&self) {
        self.send(Signal::SIGKILL);
        self.reaped.set(true);
    }

    fn send(&self, signal: Signal) {
        match killpg(self.leader, signal) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => {
                tracing::warn!(pid = self.leader.as_raw(), %signal, %error, "failed to signal a process group")
            }
        }
    }
}

/// Kills a group when it is dropped: a task that is given up leaves no process behind.
#[derive(Debug)]
pub struct KilledOnDrop(pub Group);

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        self.0.signal(Signal::SIGKILL);
    }
}
