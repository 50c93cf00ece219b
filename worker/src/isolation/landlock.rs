//! Landlock: what the kernel lets a process open, decided by the process before it runs a program.
//!
//! Invariant: a child that cannot be bound to its ruleset does not start.

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd, RawFd},
    os::unix::process::CommandExt,
    process::Command,
};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};
use nix::libc;

use super::places::{May, Place};

/// What we know of; an older kernel does what it can.
const KNOWN: ABI = ABI::V6;

/// Returns a ruleset that allows these places and nothing else, or `None` where the kernel has no Landlock.
pub fn ruleset(places: &[Place]) -> Option<OwnedFd> {
    let built = empty().and_then(|ruleset| places.iter().try_fold(ruleset, |ruleset, place| allow(ruleset, place)));
    match built {
        Ok(ruleset) => ruleset.into(),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "FFmpeg is not isolated");
            None
        }
    }
}

/// Without a rule for any port there is no network either.
fn empty() -> Result<RulesetCreated, RulesetError> {
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
    let ruleset = ruleset.handle_access(AccessFs::from_all(KNOWN))?.handle_access(AccessNet::from_all(KNOWN))?;
    ruleset.scope(Scope::from_all(KNOWN))?.create()
}

/// A place that is not there, or that we cannot reach ourselves, is left out: FFmpeg finds out and says so.
fn allow(ruleset: RulesetCreated, (path, may): &Place) -> Result<RulesetCreated, RulesetError> {
    let Ok(place) = PathFd::new(path) else { return Ok(ruleset) };
    let rights = if path.is_dir() { rights(*may) } else { rights(*may) & AccessFs::from_file(KNOWN) };
    ruleset.add_rule(PathBeneath::new(place, rights))
}

fn rights(may: May) -> BitFlags<AccessFs> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    match may {
        May::Read => read,
        May::Execute => read | AccessFs::Execute,
        May::Control => read | AccessFs::WriteFile | AccessFs::IoctlDev,
        May::Own => {
            let change = AccessFs::WriteFile | AccessFs::Truncate | AccessFs::MakeReg | AccessFs::MakeDir;
            read | change | AccessFs::RemoveFile | AccessFs::RemoveDir
        }
    }
}

/// Binds the child that `command` starts to `ruleset`.
#[expect(unsafe_code, reason = "only the child itself can bind itself, between fork and exec")]
pub fn bind(command: &mut Command, ruleset: OwnedFd) {
    let bind = move || {
        let ruleset = ruleset.as_raw_fd();
        allow_itself(ruleset)?;
        nix::sys::prctl::set_no_new_privs()?;
        restrict_self(ruleset)
    };
    // SAFETY: the closure makes system calls (openat, landlock_add_rule, close, prctl, landlock_restrict_self) and allocates nothing, so
    // it may run in a forked child.
    unsafe { command.pre_exec(bind) };
}

/// Lets the child read what the system says about itself; which process that is, only the child knows.
#[expect(unsafe_code, reason = "the crate's way to add a rule allocates")]
fn allow_itself(ruleset: RawFd) -> io::Result<()> {
    #[repr(C, packed)]
    struct PathBeneathAttr {
        allowed_access: u64,
        parent_fd: RawFd,
    }
    const RULE_PATH_BENEATH: libc::c_int = 1;
    let flags = libc::O_PATH | libc::O_CLOEXEC;
    // SAFETY: the path is a string with its end, and the call allocates nothing.
    let itself = unsafe { libc::open(c"/proc/self".as_ptr(), flags) };
    if itself < 0 {
        return Ok(()); // a system without /proc has nothing to read there
    }
    let read = (AccessFs::ReadFile | AccessFs::ReadDir).bits();
    let rule = PathBeneathAttr { allowed_access: read, parent_fd: itself };
    // SAFETY: `rule` is laid out as the kernel's `landlock_path_beneath_attr` and lives until the call returns; `itself` is ours to close.
    let added = unsafe {
        let added = libc::syscall(libc::SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &raw const rule, 0);
        libc::close(itself);
        added
    };
    if added < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[expect(unsafe_code, reason = "the crate's way to restrict a process is not made for a forked child")]
fn restrict_self(ruleset: RawFd) -> io::Result<()> {
    // SAFETY: takes two numbers, touches no memory of ours.
    let done = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Returns the version of the kernel's Landlock, or 0 where it has none.
#[expect(unsafe_code, reason = "the crate does not tell the version")]
pub fn version() -> u32 {
    const CREATE_RULESET_VERSION: libc::c_int = 1;
    let nothing = std::ptr::null::<libc::c_void>();
    // SAFETY: with this flag the kernel reads no memory and returns a number.
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, nothing, 0_usize, CREATE_RULESET_VERSION) };
    u32::try_from(version).unwrap_or(0)
}
