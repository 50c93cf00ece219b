//! Keeps FFmpeg and ffprobe away from everything that they have no business with.
//!
//! Does: say what a child may open, make that a ruleset of the kernel (Landlock), bind the child to it between fork and exec.
//! Does not: replace rights of users; a file that we may not read stays unreadable. Where the kernel has no Landlock, nothing is bound.
//! Invariant: no disk is touched on the loop's thread, and nothing is allocated between fork and exec.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use exstreamtv_worker_protocol::Restrictions;

#[cfg(target_os = "linux")]
mod landlock;
#[cfg(target_os = "linux")]
mod places;

/// How long looking for the files may take; a disk behind a dead network takes for ever.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// A disk did not answer.
#[derive(Debug, thiserror::Error)]
#[error("look at its files within {} s: their disk does not answer", PATIENCE.as_secs())]
pub struct NoAnswer;

/// What a child may open beyond the system's programs, libraries, fonts and devices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    program: PathBuf,
    reads: Vec<PathBuf>,
    writes: Vec<PathBuf>,
}

impl Reach {
    /// Returns the reach of `program`: itself and its libraries.
    pub fn of(program: &Path) -> Self {
        Self { program: program.to_owned(), ..Self::default() }
    }

    /// It may read this file, or what is in this folder.
    #[must_use]
    pub fn reading(mut self, path: &Path) -> Self {
        self.reads.push(path.to_owned());
        self
    }

    /// It may change this file, or whatever is in this folder.
    #[must_use]
    pub fn writing(mut self, path: &Path) -> Self {
        self.writes.push(path.to_owned());
        self
    }

    /// Returns walls around this reach.
    ///
    /// # Errors
    /// A disk that holds one of the files does not answer.
    pub async fn walls(self, restrictions: &Restrictions) -> Result<Walls, NoAnswer> {
        if !restrictions.isolation || version() == 0 {
            return Ok(Walls::none());
        }
        let extra = restrictions.readable.clone();
        let built = tokio::task::spawn_blocking(move || Walls::build(&self, &extra));
        match tokio::time::timeout(PATIENCE, built).await {
            Ok(built) => Ok(built.unwrap_or_else(|_| Walls::none())),
            Err(_) => Err(NoAnswer),
        }
    }
}

/// Walls around a child, ready to be put up.
#[derive(Debug)]
pub struct Walls {
    #[cfg(target_os = "linux")]
    ruleset: Option<std::os::fd::OwnedFd>,
}

#[cfg(target_os = "linux")]
impl Walls {
    /// Returns walls that keep nothing out, for programs that read nothing from outside.
    pub fn none() -> Self {
        Self { ruleset: None }
    }

    /// Puts the walls around the child that `command` starts.
    pub fn around(self, command: &mut Command) {
        if let Some(ruleset) = self.ruleset {
            landlock::bind(command, ruleset);
        }
    }

    fn build(reach: &Reach, extra: &[PathBuf]) -> Self {
        Self { ruleset: landlock::ruleset(&places::allowed(reach, extra)) }
    }
}

#[cfg(not(target_os = "linux"))]
impl Walls {
    /// Returns walls that keep nothing out.
    pub fn none() -> Self {
        Self {}
    }

    /// There are no walls on this system.
    pub fn around(self, _: &mut Command) {}

    fn build(Reach { program, reads, writes }: &Reach, extra: &[PathBuf]) -> Self {
        let _ = (program, reads, writes, extra);
        Self {}
    }
}

/// Returns the version of the kernel's Landlock, or 0 where it has none.
pub fn version() -> u32 {
    #[cfg(target_os = "linux")]
    return landlock::version();
    #[cfg(not(target_os = "linux"))]
    return 0;
}
