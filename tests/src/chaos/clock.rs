//! A wall clock that can be set for one process.
//!
//! Does: start a host under libfaketime, and set its clock forward and back while it runs.
//! Does not: touch the machine's clock, or anybody's monotonic one.
//! Invariant: the host alone sees the step; its workers are started without the library.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::{host::Setup, process};

/// Where Debian keeps the library, for each machine that it knows.
const LIBRARIES: [&str; 3] = ["/usr/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];

/// The clock of one host.
pub struct FalseClock {
    offset: PathBuf,
    worker: PathBuf,
    library: PathBuf,
}

impl FalseClock {
    /// Makes a clock that goes right so far; `None` where the library is not installed.
    ///
    /// # Panics
    /// When its files cannot be written.
    pub fn new(folder: &Path) -> Option<Self> {
        let library = LIBRARIES.iter().map(|folder| Path::new(folder).join("faketime/libfaketimeMT.so.1"));
        let library = library.into_iter().find(|path| path.exists())?;
        let clock = Self { offset: folder.join("offset"), worker: folder.join("worker"), library };
        let real = process::host_binary().with_file_name("exstreamtv-worker");
        let script = format!("#!/bin/sh\nunset LD_PRELOAD\nexec '{}' \"$@\"\n", real.display());
        let written = fs::write(&clock.worker, script)
            .and_then(|()| fs::set_permissions(&clock.worker, PermissionsExt::from_mode(0o755)));
        written.unwrap_or_else(|error| panic!("write {}: {error}", clock.worker.display()));
        clock.set(0);
        Some(clock)
    }

    /// Lets a host live by it.
    #[must_use]
    pub fn serve(&self, setup: Setup) -> Setup {
        let words = [
            "env".to_owned(),
            format!("LD_PRELOAD={}", self.library.display()),
            format!("FAKETIME_TIMESTAMP_FILE={}", self.offset.display()),
            "FAKETIME_NO_CACHE=1".to_owned(),
            "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
            // Files were not changed an hour later because a clock is wrong.
            "NO_FAKE_STAT=1".to_owned(),
        ];
        setup.through(&words).set("ffmpeg.worker", format!("{:?}", self.worker.display().to_string()))
    }

    /// Sets it to this many seconds after the right time, or before it.
    ///
    /// # Panics
    /// When the offset cannot be written.
    pub fn set(&self, offset_s: i64) {
        let draft = self.offset.with_extension("draft");
        let written = fs::write(&draft, format!("{offset_s:+}\n")).and_then(|()| fs::rename(&draft, &self.offset));
        written.unwrap_or_else(|error| panic!("set the clock: {error}"));
    }
}
