//! The host's side of a worker, for tests: spawn it, send commands, receive reports and descriptors.

use std::{
    collections::VecDeque,
    fs,
    io::{IoSliceMut, Read, Write},
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
        unix::{fs::PermissionsExt, net::UnixStream},
    },
    path::{Path, PathBuf},
    process::{Child, Command as Process, ExitStatus, Stdio},
    time::Duration,
};

use bytes::BytesMut;
use command_fds::{CommandFdExt, FdMapping};
use exstreamtv_model::{
    FrameRate, MediaProbe, OutputProfile, PlayOrder, RunId, Screen,
    health::RunEnd,
    media::{AudioStream, Color, Disposition, FieldOrder, Stream, StreamKind, VideoStream},
    order::Source,
    slate::Message,
};
use exstreamtv_worker_protocol::{Command, Decoder, Report, Restrictions, encode};
use nix::sys::{
    signal::{Signal, kill},
    socket::{ControlMessageOwned, MsgFlags, UnixAddr, recvmsg},
};
use nix::unistd::Pid;

/// Longer than anything here takes; a test that waits for nothing ends then.
const PATIENCE: Duration = Duration::from_secs(30);

pub const TOKEN: &str = "a secret of the host";

/// A worker and our end of its socket.
pub struct Worker {
    pub process: Child,
    socket: Option<UnixStream>,
    decoder: Decoder,
    descriptors: VecDeque<OwnedFd>,
}

/// A run that was started.
pub struct Started {
    pub pid: i32,
    pub media: fs::File,
}

impl Worker {
    /// Spawns a worker that has not been told anything.
    pub fn spawn() -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut command = Process::new(env!("CARGO_BIN_EXE_exstreamtv-worker"));
        command.env("EXSTREAMTV_WORKER_TOKEN", TOKEN).stdin(Stdio::null()).stdout(Stdio::null());
        command.fd_mappings(vec![FdMapping { parent_fd: theirs.into(), child_fd: 3 }]).unwrap();
        let process = command.spawn().unwrap();
        drop(command); // and with it our copy of the worker's end
        Self { process, socket: Some(ours), decoder: Decoder::default(), descriptors: VecDeque::new() }
    }

    /// Spawns a worker with these tools and hears its greeting.
    pub fn with_tools(ffmpeg: impl Into<PathBuf>, ffprobe: impl Into<PathBuf>) -> Self {
        let mut worker = Self::spawn();
        assert!(matches!(worker.receive(), Report::Hello { .. }));
        worker.send(&Command::Configure { ffmpeg: ffmpeg.into(), ffprobe: ffprobe.into() });
        worker
    }

    /// Spawns a worker with tools that leave notes beside themselves, which walls would keep them from.
    pub fn with_open_tools(ffmpeg: impl Into<PathBuf>, ffprobe: impl Into<PathBuf>) -> Self {
        let mut worker = Self::with_tools(ffmpeg, ffprobe);
        worker.send(&Command::Restrict(Restrictions { isolation: false, ..Restrictions::default() }));
        worker
    }

    /// Spawns a worker with the tools of this machine.
    pub fn ready() -> Self {
        Self::with_tools("ffmpeg", "ffprobe")
    }

    pub fn send(&mut self, command: &Command) {
        let mut bytes = BytesMut::new();
        encode(command, &mut bytes).unwrap();
        self.send_bytes(&bytes);
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.socket.as_ref().unwrap().write_all(bytes).unwrap();
    }

    pub fn receive(&mut self) -> Report {
        self.try_receive().expect("the worker is still there")
    }

    /// Returns the next report, or `None` at the end.
    pub fn try_receive(&mut self) -> Option<Report> {
        loop {
            if let Some(report) = self.decoder.next_message().unwrap() {
                return Some(report);
            }
            if !self.read() {
                return None;
            }
        }
    }

    fn read(&mut self) -> bool {
        let mut portion = [0; 4096];
        let mut space = nix::cmsg_space!([RawFd; 4]);
        let mut buffers = [IoSliceMut::new(&mut portion)];
        let socket = self.socket.as_ref().unwrap().as_raw_fd();
        let message = recvmsg::<UnixAddr>(socket, &mut buffers, Some(&mut space), MsgFlags::empty()).unwrap();
        for rights in message.cmsgs().unwrap() {
            if let ControlMessageOwned::ScmRights(raw) = rights {
                self.descriptors.extend(raw.into_iter().map(adopt));
            }
        }
        let length = message.bytes;
        self.decoder.feed(&portion[..length]);
        length > 0
    }

    /// Sends `order` and waits for its start; words in between are skipped.
    pub fn start(&mut self, order: PlayOrder) -> Started {
        let wanted = order.run;
        self.send(&Command::Play(Box::new(order)));
        loop {
            match self.receive() {
                Report::Started { run, pid, .. } if run == wanted => {
                    let media = fs::File::from(self.descriptors.pop_front().expect("a descriptor came with it"));
                    return Started { pid: i32::try_from(pid).unwrap(), media };
                }
                Report::Ended { run, end } if run == wanted => panic!("run {run} ended before it started: {end:?}"),
                _ => {}
            }
        }
    }

    /// Waits for the end of any run.
    pub fn next_end(&mut self) -> (i64, RunEnd) {
        loop {
            if let Report::Ended { run: RunId(run), end } = self.receive() {
                return (run, end);
            }
        }
    }

    /// Waits for the end of a run.
    pub fn end_of(&mut self, wanted: i64) -> RunEnd {
        loop {
            let (run, end) = self.next_end();
            if run == wanted {
                return end;
            }
        }
    }

    /// Asks for a probe and waits for the answer.
    pub fn probe(&mut self, path: &Path) -> Result<String, String> {
        self.send(&Command::Probe { ticket: 99, path: path.to_owned() });
        loop {
            if let Report::Probed { ticket: 99, result } = self.receive() {
                return result;
            }
        }
    }

    /// Closes our end, as a dying host does.
    pub fn hang_up(&mut self) {
        self.socket = None;
    }

    /// Waits for the worker's end; it must come by itself.
    pub fn wait(&mut self) -> ExitStatus {
        assert!(eventually(|| self.process.try_wait().unwrap().is_some()), "the worker goes on");
        self.process.wait().unwrap()
    }

    /// Returns the processes that the worker has started and not reaped.
    pub fn children(&self) -> Vec<i32> {
        let parent = i32::try_from(self.process.id()).unwrap();
        processes().filter(|(_, ppid, _)| *ppid == parent).map(|(pid, ..)| pid).collect()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

#[expect(unsafe_code, reason = "a received descriptor is a number")]
fn adopt(raw: RawFd) -> OwnedFd {
    // SAFETY: the kernel has just made it for us and nobody else knows it.
    unsafe { OwnedFd::from_raw_fd(raw) }
}

impl Started {
    /// Reads the media to its end.
    pub fn read_all(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.media.read_to_end(&mut bytes).unwrap();
        bytes
    }

    pub fn is_alive(&self) -> bool {
        is_alive(self.pid)
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid), signal).unwrap();
    }
}

/// Returns (pid, parent, state) of every process.
fn processes() -> impl Iterator<Item = (i32, i32, char)> {
    let folders = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    folders.filter_map(|pid: i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name before it may hold anything, parentheses too.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let state = fields.next()?.chars().next()?;
        Some((pid, fields.next()?.parse().ok()?, state))
    })
}

/// Returns whether the process exists and is no zombie.
pub fn is_alive(pid: i32) -> bool {
    processes().any(|(found, _, state)| found == pid && !matches!(state, 'Z' | 'X'))
}

/// Waits until `condition` holds; returns whether it came to hold.
pub fn eventually(mut condition: impl FnMut() -> bool) -> bool {
    // The kernel tells nobody but the parent about an end, so we have to look.
    (0..3000).any(|_| {
        let holds = condition();
        if !holds {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        holds
    })
}

/// A folder with a clip of `seconds` called `name` in it.
pub fn clip_named(name: &str, seconds: u32) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let source = format!("testsrc2=s=160x90:r=25:d={seconds}");
    let tone = format!("sine=440:d={seconds}");
    let mut ffmpeg = Process::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-f", "lavfi", "-i", &source, "-f", "lavfi", "-i", &tone]);
    ffmpeg.args(["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-f", "mp4"]);
    let mut file = std::ffi::OsString::from("file:");
    file.push(&path);
    assert!(ffmpeg.arg(file).status().unwrap().success());
    (folder, path)
}

pub fn clip(seconds: u32) -> (tempfile::TempDir, PathBuf) {
    clip_named("clip.mp4", seconds)
}

/// A script that takes the place of FFmpeg.
pub fn script(body: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ffmpeg");
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    (folder, path)
}

pub fn small_profile() -> OutputProfile {
    let frame_rate = FrameRate::new(25, 1);
    OutputProfile { width: 160, height: 90, frame_rate, video_bitrate_bps: 300_000, ..Default::default() }
}

/// An order for a clip of [`clip`].
pub fn order(run: i64, path: &Path, frames: u32) -> PlayOrder {
    let picture = VideoStream {
        width: 160,
        height: 90,
        sample_aspect: (1, 1),
        rotation_degrees: 0,
        frame_rate: Some(FrameRate::new(25, 1)),
        pixel_format: Some("yuv420p".to_owned()),
        first_picture_ms: 0,
        field_order: FieldOrder::Progressive,
        color: Color::default(),
    };
    let sound = AudioStream { channels: 1, layout: None, sample_rate_hz: 44_100 };
    let stream = |index, codec: &str, kind| Stream {
        index,
        codec: codec.to_owned(),
        profile: None,
        language: None,
        title: None,
        disposition: Disposition::default(),
        kind,
    };
    let streams = vec![stream(0, "h264", StreamKind::Video(picture)), stream(1, "aac", StreamKind::Audio(sound))];
    let probe =
        MediaProbe { container: "mp4".to_owned(), duration_ms: 0, bitrate_bps: None, streams, chapters: vec![] };
    let source = Source::File {
        path: path.to_owned(),
        probe,
        in_point_ms: 0,
        video: Some(0),
        audio: Some(1),
        downmix: None,
        subtitles: None,
    };
    PlayOrder {
        run: RunId(run),
        source,
        profile: small_profile(),
        frames,
        keyframe_offset: 0,
        card: None,
        gain_db: None,
        watermark: None,
    }
}

pub fn slate(run: i64, text: &str, frames: u32) -> PlayOrder {
    PlayOrder {
        source: Source::Slate { screen: Screen::plain(Message::titled(text)) },
        ..order(run, Path::new("/"), frames)
    }
}

/// Returns whether each video packet of `media` is a keyframe.
pub fn keyframes_in(media: &[u8]) -> Vec<bool> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.ts");
    fs::write(&path, media).unwrap();
    let mut ffprobe = Process::new("ffprobe");
    ffprobe.args(["-v", "error", "-select_streams", "v", "-show_entries", "packet=flags", "-of", "csv=p=0"]);
    let output = ffprobe.arg(path).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let flags = text.lines().filter(|line| line.contains('_'));
    flags.map(|line| line.starts_with('K')).collect()
}
