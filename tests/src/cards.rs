//! A machine with a video card that is not there.
//!
//! Does: pretend the files of an NVIDIA card, and put a stand-in in the place of FFmpeg that does on the processor what the card would do.
//! Does not: wall FFmpeg in; the stand-in counts sessions in a folder of its own.
//! Invariant: the host and its workers are the real ones, and believe everything.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::{host::Setup, process::host_binary, translate::Mode};

/// The card and its FFmpeg.
pub struct PretendedCard {
    folder: PathBuf,
    translator: PathBuf,
}

impl PretendedCard {
    /// Puts the card into the machine, below `folder`; `translator` is the program `translating-ffmpeg`.
    ///
    /// # Panics
    /// When its files cannot be written.
    pub fn new(folder: &Path, translator: &Path) -> Self {
        let card = Self { folder: folder.join("card"), translator: translator.to_owned() };
        let bus = "0000:01:00.0";
        card.file("tree/stand-in", &format!("platform {}-{}\nuser exstreamtv 998 998\n", "linux", "x86_64"));
        card.file("tree/etc/group", "root:x:0:\nvideo:x:44:\nrender:x:104:\n");
        card.file("tree/proc/sys/kernel/osrelease", "6.1.0-28-amd64\n");
        ["nvidia0", "nvidiactl", "nvidia-uvm"].iter().for_each(|node| card.file(&format!("tree/dev/{node}"), ""));
        let about = format!("Model: \t\t NVIDIA GeForce RTX 3060\nBus Location: \t {bus}\nDevice Minor: \t 0\n");
        card.file(&format!("tree/proc/driver/nvidia/gpus/{bus}/information"), &about);
        let driver = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024\n";
        card.file("tree/proc/driver/nvidia/version", driver);
        card.file("sessions/readme", "one file for each encoder\n");
        let worker = host_binary().with_file_name("exstreamtv-worker");
        let (worker, tree) = (worker.display(), card.folder.join("tree"));
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = detect ] && exec '{worker}' \"$@\" --root '{}'\nexec '{worker}' \"$@\"\n",
            tree.display()
        );
        card.program("worker", &script);
        card.turn(Mode::Well);
        card
    }

    /// Lets a host use it.
    #[must_use]
    pub fn serve(&self, setup: Setup) -> Setup {
        let path = |name: &str| format!("{:?}", self.folder.join(name).display().to_string());
        setup
            .set("ffmpeg.ffmpeg", path("ffmpeg"))
            .set("ffmpeg.worker", path("worker"))
            .set("ffmpeg.isolation", false)
            .set("hardware.accel", "\"auto\"")
    }

    /// Changes how it behaves, for runs that begin from now on.
    ///
    /// # Panics
    /// When that cannot be written down.
    pub fn turn(&self, mode: Mode) {
        let worker_tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../worker/tests");
        let (replay, corpus) = (worker_tests.join("replay.sh"), worker_tests.join("corpus/rtx-nvenc"));
        let words = [&self.translator, Path::new(&mode.word()), &self.folder.join("sessions"), &replay, &corpus]
            .map(|word| format!("'{}'", word.display()))
            .join(" ");
        self.program("ffmpeg", &format!("#!/bin/sh\nexec {words} \"$@\"\n"));
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.folder.join(name);
        let written = fs::create_dir_all(path.parent().unwrap_or(&path)).and_then(|()| fs::write(&path, text));
        written.unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
    }

    fn program(&self, name: &str, text: &str) {
        let draft = format!("{name}.draft");
        self.file(&draft, text);
        let (draft, path) = (self.folder.join(&draft), self.folder.join(name));
        let made =
            fs::set_permissions(&draft, PermissionsExt::from_mode(0o755)).and_then(|()| fs::rename(&draft, &path));
        made.unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
    }
}
