//! What every process that we start has in common.
//!
//! Invariant: a child leads its own process group, reads nothing, inherits nothing but its pipes, knows no secret of ours, gains no right
//! that we do not have, leaves no memory dump, and dies with the worker.

use std::{
    cell::Cell,
    os::fd::{BorrowedFd, RawFd},
    process::{Command, Stdio},
    rc::Rc,
};

use exstreamtv_worker_protocol::Restrictions;
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, FdFlag, fcntl},
    libc,
    sys::{
        resource::{Resource, getrlimit, setrlimit},
        signal::{Signal, killpg},
    },
    unistd::Pid,
};

use crate::TOKEN_VARIABLE;

/// Prepares `command` as a child of ours; its output is for the caller to arrange.
pub fn prepare(command: &mut Command, restrictions: &Restrictions) {
    use std::os::unix::process::CommandExt;
    command.stdin(Stdio::null()).process_group(0).env_remove(TOKEN_VARIABLE);
    #[cfg(target_os = "linux")]
    die_with_the_worker(command);
    limit(command, Limits::of(restrictions));
}

/// What a child sets for itself before it becomes FFmpeg.
#[derive(Debug, Clone, Copy)]
struct Limits {
    nice: libc::c_int,
    memory_bytes: Option<u64>,
    open_files: Option<u64>,
}

impl Limits {
    fn of(restrictions: &Restrictions) -> Self {
        let some = |limit: u64| (limit > 0).then_some(limit);
        Self {
            nice: restrictions.nice.min(19).into(),
            memory_bytes: some(restrictions.memory_limit_bytes),
            open_files: some(restrictions.open_files_limit),
        }
    }

    /// Makes system calls and nothing else.
    fn take_effect(self) -> std::io::Result<()> {
        lower(Resource::RLIMIT_CORE, 0)?;
        if let Some(bytes) = self.memory_bytes {
            lower(Resource::RLIMIT_AS, bytes)?;
        }
        if let Some(files) = self.open_files {
            lower(Resource::RLIMIT_NOFILE, files)?;
        }
        if self.nice > 0 {
            step_back(self.nice);
        }
        #[cfg(target_os = "linux")]
        nix::sys::prctl::set_no_new_privs()?;
        Ok(())
    }
}

/// Nobody can raise it again: both limits go down. A limit that is lower already stays.
fn lower(resource: Resource, to: u64) -> nix::Result<()> {
    let (_, most) = getrlimit(resource)?;
    let to = to.min(most);
    setrlimit(resource, to, to)
}

/// One that is behind others already stays there.
#[expect(unsafe_code, reason = "nix has no setpriority")]
fn step_back(nice: libc::c_int) {
    // SAFETY: both calls take and return numbers.
    unsafe {
        if libc::getpriority(libc::PRIO_PROCESS, 0) < nice {
            libc::setpriority(libc::PRIO_PROCESS, 0, nice);
        }
    }
}

#[expect(unsafe_code, reason = "limits of a child alone are set between fork and exec")]
fn limit(command: &mut Command, limits: Limits) {
    use std::os::unix::process::CommandExt;
    // SAFETY: the closure makes system calls (getrlimit, setrlimit, getpriority, setpriority, prctl) and allocates nothing, so it may run in
    // a forked child.
    unsafe { command.pre_exec(move || limits.take_effect()) };
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
