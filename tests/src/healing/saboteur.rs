//! A program in the place of FFmpeg that is bad to one file alone.
//!
//! Does: write a script that is FFmpeg for every other file, and something worse for the victim.
//! Does not: change a run that has begun.
//! Invariant: questions about version and abilities are always answered by the real one, so that the host starts.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::host::Setup;

const SCRIPT: &str = r#"#!/bin/sh
case "$*" in *-progress*) ;; *) exec ffmpeg "$@" ;; esac
case "$*" in *"VICTIM"*) ;; *) exec ffmpeg "$@" ;; esac
DEED
exec ffmpeg "$@"
"#;

/// The script.
pub struct Saboteur(PathBuf);

impl Saboteur {
    /// Writes it into `folder`; it harms nobody yet.
    pub fn new(folder: &Path) -> Self {
        let saboteur = Self(folder.join("ffmpeg"));
        saboteur.act("no such file", ":");
        saboteur
    }

    /// Lets a host use it.
    #[must_use]
    pub fn serve(&self, setup: Setup) -> Setup {
        setup.set("ffmpeg.ffmpeg", format!("{:?}", self.0.display().to_string()))
    }

    /// Fails with these words whenever a file of this name is played.
    pub fn say(&self, victim: &str, words: &str) {
        self.act(victim, &format!("echo '[error] {words}' >&2; exit 1"));
    }

    /// Does this whenever a file of this name is played.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn act(&self, victim: &str, script: &str) {
        let text = SCRIPT.replacen("VICTIM", victim, 1).replacen("DEED", script, 1);
        let draft = self.0.with_extension("draft");
        let written = fs::write(&draft, text)
            .and_then(|()| fs::set_permissions(&draft, PermissionsExt::from_mode(0o755)))
            .and_then(|()| fs::rename(&draft, &self.0));
        written.unwrap_or_else(|error| panic!("write {}: {error}", self.0.display()));
    }
}
