//! A program in the place of FFmpeg that changes its mind.
//!
//! Does: write a script that is FFmpeg as long as it is told so, and something worse otherwise.
//! Does not: change a run that has begun; the next one finds the new mood.
//! Invariant: questions about version and abilities are always answered by the real one, so that the host starts.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::host::Setup;

/// What the stand-in does when it must play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It is FFmpeg.
    Well,
    /// It ends at once.
    Exits,
    /// It gives bytes without end that are no transport stream.
    Garbage,
    /// It gives nothing and lives.
    Silent,
    /// It is FFmpeg beside somebody who complains without end.
    Floods,
    /// It gives nothing, lives, and does not listen to SIGTERM.
    Deaf,
}

/// The worst that can be run in the place of FFmpeg, and FFmpeg. The mood stands in it, because a worker lets its FFmpeg read no other file.
const SCRIPT: &str = r#"#!/bin/sh
mood=MOOD
case "$*" in *-progress*) ;; *) mood=Well ;; esac
case "$mood" in
Exits) exit 1 ;;
Garbage) exec cat /dev/urandom ;;
Silent) exec sleep 100000 ;;
Floods) yes '[error] the sky is falling' >&2 3>&- & ;;
Deaf) trap '' TERM INT HUP; while :; do sleep 100000; done ;;
esac
exec ffmpeg "$@"
"#;

/// The script.
pub struct StandIn(PathBuf);

impl StandIn {
    /// Writes it into `folder`, in the mood to be FFmpeg.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn new(folder: &Path) -> Self {
        let stand_in = Self(folder.join("ffmpeg"));
        stand_in.turn(Mood::Well);
        stand_in
    }

    /// Lets a host use it.
    #[must_use]
    pub fn serve(&self, setup: Setup) -> Setup {
        setup.set("ffmpeg.ffmpeg", format!("{:?}", self.0.display().to_string()))
    }

    /// Changes its mood, for runs that begin from now on.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn turn(&self, mood: Mood) {
        let draft = self.0.with_extension("draft");
        let written = fs::write(&draft, SCRIPT.replacen("MOOD", &format!("{mood:?}"), 1))
            .and_then(|()| fs::set_permissions(&draft, PermissionsExt::from_mode(0o755)))
            .and_then(|()| fs::rename(&draft, &self.0));
        written.unwrap_or_else(|error| panic!("write {}: {error}", self.0.display()));
    }
}
