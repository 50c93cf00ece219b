//! Control groups (cgroup v2): one for each worker, so that a channel takes no more of the machine than it may.
//!
//! Does: find out whether the system has handed us a group of our own, make groups in it, remove them.
//! Does not: touch anything outside our own group, or anything at all where nothing is to be limited.
//! Invariant: a system that lets us do nothing costs limits and no channel.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What a worker and its FFmpegs may take together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupLimits {
    /// Memory; 0 sets no limit.
    pub memory_bytes: u64,
    /// Share of scarce processors; others have 100.
    pub cpu_weight: u32,
    /// Processes and threads; 0 sets no limit.
    pub pids: u64,
}

/// What the kernel takes where nothing is said.
const USUAL_WEIGHT: u32 = 100;

/// Where the host itself goes: a group that has groups may hold no process.
const HOST: &str = "host";

/// What the names of workers' groups begin with.
const WORKER: &str = "worker-";

impl GroupLimits {
    /// Returns the files of a group and what they must say, each with the controller that it needs.
    fn files(self) -> impl Iterator<Item = (&'static str, &'static str, String)> {
        let memory = (self.memory_bytes > 0).then(|| ("memory", "memory.max", self.memory_bytes.to_string()));
        let cpu = (self.cpu_weight != USUAL_WEIGHT).then(|| ("cpu", "cpu.weight", self.cpu_weight.to_string()));
        let pids = (self.pids > 0).then(|| ("pids", "pids.max", self.pids.to_string()));
        [memory, cpu, pids].into_iter().flatten()
    }
}

/// Our own group, and how groups in it are made.
#[derive(Debug, Clone)]
pub struct Groups {
    own: Arc<Path>,
    limits: GroupLimits,
}

impl Groups {
    /// Claims the group that the system has handed us; `None` where it has not, or where nothing is to be limited.
    pub fn claim(limits: GroupLimits) -> Option<Self> {
        limits.files().next()?;
        let read = |path: &str| fs::read_to_string(path).ok();
        let own = own_group(&read("/proc/self/cgroup")?, &read("/proc/self/mountinfo")?)?;
        match Self::claim_at(&own, limits, std::process::id()) {
            Ok(groups) => {
                tracing::info!(group = %own.display(), "channels are limited by control groups");
                Some(groups)
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::info!(group = %own.display(), error, "no control groups here; FFmpeg limits itself as far as it can");
                None
            }
        }
    }

    fn claim_at(own: &Path, limits: GroupLimits, host: u32) -> Result<Self, ClaimError> {
        let there = read_words(own, "cgroup.controllers")?;
        if !own.join("cgroup.events").exists() {
            return Err(ClaimError::Root);
        }
        let wanted: Vec<&str> = limits.files().map(|(controller, ..)| controller).collect();
        if let Some(missing) = wanted.iter().find(|wanted| !there.iter().any(|there| there == *wanted)) {
            return Err(ClaimError::Missing { controller: (*missing).to_owned() });
        }
        if read_words(own, "cgroup.procs")?.iter().any(|pid| *pid != host.to_string()) {
            return Err(ClaimError::Shared);
        }
        sweep(own);
        let home = own.join(HOST);
        make_folder(&home)
            .and_then(|()| write(&home, "cgroup.procs", &host.to_string()))
            .map_err(ClaimError::Refused)?;
        let controllers = wanted.iter().map(|wanted| format!("+{wanted}")).collect::<Vec<_>>().join(" ");
        if let Err(error) = write(own, "cgroup.subtree_control", &controllers) {
            // As it was: nobody shall wonder about a half-made tree.
            _ = write(own, "cgroup.procs", &host.to_string()).and_then(|()| fs::remove_dir(&home));
            return Err(ClaimError::Refused(error));
        }
        Ok(Self { own: own.into(), limits })
    }

    /// Makes a group with our limits for the worker `pid` and puts it there; what it starts goes there, too.
    ///
    /// # Errors
    /// The system refuses.
    pub fn put(&self, pid: u32) -> io::Result<Group> {
        let group = Group { folder: self.own.join(format!("{WORKER}{pid}")) };
        make_folder(&group.folder)?;
        for (_, file, value) in self.limits.files() {
            write(&group.folder, file, &value)?;
        }
        write(&group.folder, "cgroup.procs", &pid.to_string())?;
        Ok(group)
    }
}

/// Why the group that we are in is not ours to divide; fits after "failed to".
#[derive(Debug, thiserror::Error)]
enum ClaimError {
    #[error("divide the control group: it is the machine's own")]
    Root,
    #[error("divide the control group: the controller {controller} is not delegated to us")]
    Missing { controller: String },
    #[error("divide the control group: other processes are in it, too")]
    Shared,
    #[error("look at the control group")]
    Read(#[from] io::Error),
    #[error("divide the control group")]
    Refused(#[source] io::Error),
}

/// A worker's group; removed when it is dropped, if it is empty by then.
#[derive(Debug)]
pub struct Group {
    folder: PathBuf,
}

impl Group {
    /// Kills what is left in it and removes it; returns whether it is gone.
    pub fn remove(&self) -> bool {
        // Older kernels have no such file; then what is left ends by itself, a moment later.
        _ = fs::OpenOptions::new()
            .write(true)
            .open(self.folder.join("cgroup.kill"))
            .and_then(|mut file| io::Write::write_all(&mut file, b"1"));
        match fs::remove_dir(&self.folder) {
            Ok(()) => true,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.remove() {
            tracing::debug!(group = %self.folder.display(), "a control group is not empty and stays until the next start");
        }
    }
}

/// Returns where our group is, given what the system says about us and about what is mounted.
fn own_group(cgroup: &str, mountinfo: &str) -> Option<PathBuf> {
    let within = cgroup.lines().find_map(|line| line.strip_prefix("0::/"))?;
    // A group outside of what we can see.
    if within.split('/').any(|part| part == "..") {
        return None;
    }
    let mounts = mountinfo.lines().filter_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        kind.starts_with("cgroup2 ").then_some((root, point))
    });
    let (root, point) = mounts.into_iter().next()?;
    let below = Path::new("/").join(within);
    let below = below.strip_prefix(root).ok()?;
    Some(if below.as_os_str().is_empty() { point.into() } else { Path::new(point).join(below) })
}

fn read_words(group: &Path, file: &str) -> io::Result<Vec<String>> {
    Ok(fs::read_to_string(group.join(file))?.split_whitespace().map(str::to_owned).collect())
}

fn write(group: &Path, file: &str, text: &str) -> io::Result<()> {
    fs::write(group.join(file), text)
}

fn make_folder(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Removes what an earlier host had to leave; a group that is in use cannot be removed.
fn sweep(own: &Path) {
    let entries = fs::read_dir(own).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(WORKER)) {
        _ = fs::remove_dir(entry.path());
    }
}

#[cfg(test)]
mod tests;
