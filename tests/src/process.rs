//! Processes of the machine, and where ours were built.
//!
//! Does: find binaries, count the processes that belong to one host, tell the living from the dead.
//! Does not: end a process that it was not given.
//! Invariant: a process is known by id *and* start time, so a reused id is never taken for it.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

/// One living process.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// When it started, Unix seconds.
    pub started_s: u64,
    /// Name of its program.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<String>,
}

impl Process {
    /// Returns whether it is an FFmpeg.
    pub fn is_ffmpeg(&self) -> bool {
        self.name == "ffmpeg"
    }

    /// Returns whether it is one of our workers; Linux shows fifteen letters of a name.
    pub fn is_worker(&self) -> bool {
        self.name.starts_with("exstreamtv-work")
    }

    /// Returns whether the very same process still lives; a zombie does not.
    pub fn lives(&self) -> bool {
        living(|process| process.pid().as_u32() == self.pid).iter().any(|process| process.started_s == self.started_s)
    }
}

/// Returns every living process that carries `mark` in its environment or descends from `host`, without `host` itself.
pub fn census(host: u32, mark: &str) -> Vec<Process> {
    let system = everything();
    let mut family = BTreeSet::from([Pid::from_u32(host)]);
    // Children of children: as often as it takes until nobody new is found.
    loop {
        let before = family.len();
        for (pid, process) in system.processes() {
            let is_marked = process.environ().iter().any(|line| line.to_string_lossy().ends_with(mark));
            if is_marked || process.parent().is_some_and(|parent| family.contains(&parent)) {
                family.insert(*pid);
            }
        }
        if family.len() == before {
            break;
        }
    }
    family.remove(&Pid::from_u32(host));
    select(&system, |process| family.contains(&process.pid()))
}

/// Returns the folder in which cargo builds.
///
/// # Panics
/// When this program was not built by cargo.
pub fn target_folder() -> PathBuf {
    let exe = std::env::current_exe().unwrap_or_else(|error| panic!("find the test's own path: {error}"));
    let folder = exe.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    folder.unwrap_or_else(|| panic!("{} is not below a target folder", exe.display())).to_owned()
}

/// Returns the host's binary: `EXSTREAMTV_BIN`, or the one that was built beside this program.
///
/// # Panics
/// When there is none, with the command that builds it.
pub fn host_binary() -> PathBuf {
    if let Some(path) = std::env::var_os("EXSTREAMTV_BIN") {
        return path.into();
    }
    let exe = std::env::current_exe().unwrap_or_else(|error| panic!("find the test's own path: {error}"));
    let built = exe.ancestors().skip(1).take(2).map(|folder| folder.join("exstreamtv")).find(|path| path.is_file());
    built.unwrap_or_else(|| {
        panic!("build the binaries first: cargo build --workspace --bins (beside {})", exe.display())
    })
}

/// Returns whether a program can be run by its name.
pub fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Returns processor time that a process has used so far, in milliseconds.
///
/// Linux counts whole ticks of 10 ms, which whoever works in short bursts between them escapes; its scheduler knows nanoseconds.
pub fn cpu_ms(pid: u32) -> f64 {
    let ticks =
        || look_at(pid, ProcessRefreshKind::nothing().with_cpu(), sysinfo::Process::accumulated_cpu_time) as f64;
    scheduled_ns(pid).map_or_else(ticks, |nanoseconds| nanoseconds as f64 / 1e6)
}

/// Adds up what the threads of a process have run; `None` where the system does not say.
fn scheduled_ns(pid: u32) -> Option<u64> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let ran = |thread: std::fs::DirEntry| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    threads.map(|thread| ran(thread.ok()?)).sum()
}

/// Returns resident memory of a process in bytes.
pub fn resident_bytes(pid: u32) -> u64 {
    look_at(pid, ProcessRefreshKind::nothing().with_memory(), sysinfo::Process::memory)
}

fn look_at(pid: u32, what: ProcessRefreshKind, at: impl FnOnce(&sysinfo::Process) -> u64) -> u64 {
    let mut system = empty();
    let pid = Pid::from_u32(pid);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
    system.process(pid).map_or(0, at)
}

fn empty() -> System {
    System::new().unwrap_or_else(|error| panic!("look at the machine's processes: {error}"))
}

fn living(wanted: impl Fn(&sysinfo::Process) -> bool) -> Vec<Process> {
    select(&everything(), wanted)
}

fn everything() -> System {
    let mut system = empty();
    let what = ProcessRefreshKind::nothing()
        .with_cmd(UpdateKind::Always)
        .with_environ(UpdateKind::Always)
        .with_exe(UpdateKind::Always)
        .without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
    system
}

fn select(system: &System, wanted: impl Fn(&sysinfo::Process) -> bool) -> Vec<Process> {
    let is_dead = |status| matches!(status, ProcessStatus::Zombie | ProcessStatus::Dead);
    let processes = system.processes().values().filter(|process| !is_dead(process.status()) && wanted(process));
    let text = |text: &OsStr| text.to_string_lossy().into_owned();
    let mut found: Vec<_> = processes
        .map(|process| Process {
            pid: process.pid().as_u32(),
            started_s: process.start_time(),
            name: program(process).unwrap_or_else(|| text(process.name())),
            arguments: process.cmd().iter().map(|word| text(word)).collect(),
        })
        .collect();
    found.sort();
    found
}

/// The file name of what runs; a process's own name can be cut.
fn program(process: &sysinfo::Process) -> Option<String> {
    process.exe().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn children_and_marked_orphans_are_counted_and_the_dead_are_not() {
        let mark = format!("census-{}", std::process::id());
        let mut child = Command::new("sh")
            .args(["-c", "sleep 60 & sleep 60 & wait"])
            .env("EXSTREAMTV_TEST_MARK", &mark)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let family = loop {
            let family = census(std::process::id(), &mark);
            if family.iter().filter(|process| process.arguments.contains(&"60".into())).count() == 2 {
                break family;
            }
        };
        child.kill().unwrap();
        child.wait().unwrap();
        let orphans = census(child.id(), &mark);
        assert_eq!(orphans.len(), 2, "{orphans:?} of {family:?}");
        for orphan in &orphans {
            let pid = nix::unistd::Pid::from_raw(orphan.pid.cast_signed());
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        }
        while orphans.iter().any(Process::lives) {}
        assert_eq!(census(child.id(), &mark), []);
    }
}
