//! The faults, each with its true name.

use nix::sys::signal::Signal;

/// What is done to the channel.
#[derive(Debug, Clone, Copy)]
pub enum Blow {
    /// Nothing: a control.
    Nothing,
    /// FFmpeg fails on what is on, with these words.
    Says(&'static str),
    /// A script in the place of FFmpeg, for what is on.
    Does(&'static str),
    /// The file goes.
    Delete,
    /// A folder lies in the place of the file.
    BecomeFolder,
    /// Nobody may read the file.
    Forbid,
    /// FFmpeg gets a signal while it is on air.
    Ffmpeg(Signal),
    /// The worker gets a signal while it is on air.
    Worker(Signal),
    /// A person orders a restart: a control.
    Restart,
}

impl Blow {
    /// Returns whether it comes before anybody watches.
    pub(super) fn is_cold(self) -> bool {
        matches!(self, Self::Says(_) | Self::Does(_) | Self::Delete | Self::BecomeFolder | Self::Forbid)
    }
}

/// A fault with its label.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Its name.
    pub name: &'static str,
    /// What is done.
    pub blow: Blow,
    /// What the host must call it; nothing for a control.
    pub issue: Option<&'static str>,
    /// Only a person can mend it.
    pub for_a_person: bool,
}

impl Fault {
    /// Returns whether nothing is wrong.
    pub fn is_control(&self) -> bool {
        self.issue.is_none()
    }
}

const fn fault(name: &'static str, blow: Blow, issue: &'static str) -> Fault {
    Fault { name, blow, issue: Some(issue), for_a_person: false }
}

const fn control(name: &'static str, blow: Blow) -> Fault {
    Fault { name, blow, issue: None, for_a_person: false }
}

const HANG: &str = "FFMPEG_HANG";
const CRASH: &str = "FFMPEG_CRASH";
const GONE: &str = "SOURCE_UNAVAILABLE";
const EXPIRED: &str = "URL_EXPIRED";
const AUTH: &str = "AUTH_FAILED";
const MEMORY: &str = "MEMORY_PRESSURE";

/// Every fault, and the controls.
pub const CATALOGUE: &[Fault] = &[
    fault("FFmpeg exits at once", Blow::Does("exit 1"), CRASH),
    fault("FFmpeg dies of a signal at its start", Blow::Does("kill -SEGV $$"), CRASH),
    fault("FFmpeg is killed on air", Blow::Ffmpeg(Signal::SIGKILL), CRASH),
    fault("FFmpeg is stopped on air", Blow::Ffmpeg(Signal::SIGSTOP), HANG),
    fault("FFmpeg gives nothing", Blow::Does("exec sleep 100000"), HANG),
    fault(
        "FFmpeg ignores every signal but one",
        Blow::Does("trap '' TERM INT HUP; while :; do sleep 100000; done"),
        HANG,
    ),
    fault("FFmpeg gives garbage", Blow::Does("exec cat /dev/urandom"), HANG),
    fault("FFmpeg is slower than real time", Blow::Does("exec ffmpeg -readrate 0.5 \"$@\""), HANG),
    fault("FFmpeg plays for some seconds and dies", Blow::Does("exec timeout -s KILL 7 ffmpeg \"$@\""), CRASH),
    fault("the worker is killed", Blow::Worker(Signal::SIGKILL), CRASH),
    fault("the worker is stopped", Blow::Worker(Signal::SIGSTOP), HANG),
    fault("an encoder is not there", Blow::Says("Unknown encoder 'h264_vendor'"), CRASH),
    fault("a filter graph cannot be made", Blow::Says("Error reinitializing filters! Failed to inject frame"), CRASH),
    fault("a card is lost", Blow::Says("cu->cuCtxCreate failed -> CUDA_ERROR_NO_DEVICE"), CRASH),
    fault("a card has no session left", Blow::Says("OpenEncodeSessionEx failed: incompatible client key (21)"), CRASH),
    fault("a name is refused", Blow::Says("HTTP error 401 Unauthorized"), AUTH),
    fault("an address has expired", Blow::Says("HTTP error 403 Forbidden"), EXPIRED),
    fault("an address leads nowhere", Blow::Says("HTTP error 404 Not Found"), GONE),
    fault(
        "a server fails",
        Blow::Says("HTTP error 500 Internal Server Error; Server returned 5XX Server Error reply"),
        GONE,
    ),
    fault(
        "a name cannot be resolved",
        Blow::Says("tcp: Failed to resolve hostname plex.invalid: Name or service not known"),
        GONE,
    ),
    fault("a connection is refused", Blow::Says("Connection to tcp://10.0.0.1:32400 failed: Connection refused"), GONE),
    fault("a connection is reset", Blow::Says("av_read_frame: Connection reset by peer"), GONE),
    fault(
        "a connection times out",
        Blow::Says("Connection to tcp://10.0.0.1:32400 failed: Connection timed out"),
        GONE,
    ),
    fault("a handshake fails", Blow::Says("tls: Error in the pull function."), GONE),
    fault("a disk fails", Blow::Says("file:/media/film.mkv: Input/output error"), GONE),
    fault("a file has no index", Blow::Says("moov atom not found"), GONE),
    fault("a file is no media", Blow::Says("Invalid data found when processing input"), GONE),
    fault("memory runs out", Blow::Says("Error while opening encoder: Cannot allocate memory"), MEMORY),
    fault("a file is deleted", Blow::Delete, GONE),
    fault("a file becomes a folder", Blow::BecomeFolder, GONE),
    fault("a file may not be read", Blow::Forbid, AUTH),
    Fault {
        name: "a disk is full",
        blow: Blow::Says("av_interleaved_write_frame(): No space left on device"),
        issue: Some("UNKNOWN"),
        for_a_person: true,
    },
    control("nothing happens", Blow::Nothing),
    control("a person orders a restart", Blow::Restart),
    control(
        "FFmpeg complains and plays on",
        Blow::Does("echo '[warning] Non-monotonous DTS in output stream 0:1' >&2"),
    ),
    control("FFmpeg starts slowly", Blow::Does("sleep 2")),
];
