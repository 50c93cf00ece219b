//! Runs orders with the real FFmpeg, and looks at what came out.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use exstreamtv_model::{
    FrameRate, MediaProbe, OutputProfile, PlayOrder, RunId, Screen,
    media::{AudioStream, Color, Disposition, FieldOrder, Stream, StreamKind, VideoStream},
    order::{BurnIn, Source},
    slate::{AudioMode, Message, Visual, frames_to_render},
};
use exstreamtv_pipeline::{Abilities, command_line, plan};
use tempfile::TempDir;

pub const EVERYTHING: Abilities = Abilities { draw_text: true, burn_text: true, tone_map: true };

/// A packet of the result: seconds, and whether it is a keyframe.
pub struct Packet {
    pub pts_s: f64,
    pub dts_s: f64,
    pub key: bool,
}

/// What came of an order.
pub struct Run {
    folder: TempDir,
    pub warnings: String,
}

impl Run {
    pub fn of(order: &PlayOrder) -> Self {
        Self::attempt(order).unwrap_or_else(|complaint| panic!("{complaint}"))
    }

    /// The same for an order that may fail; returns what FFmpeg said then.
    pub fn attempt(order: &PlayOrder) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan(order, EVERYTHING);
        for file in &plan.files {
            std::fs::write(folder.path().join(&file.name), &file.contents).unwrap();
        }
        for link in &plan.links {
            std::os::unix::fs::symlink(&link.target, folder.path().join(&link.name)).unwrap();
        }
        let mut arguments = command_line(&plan, Path::new("ffmpeg"));
        let output = arguments.pop().unwrap();
        assert_eq!(output, "pipe:1");
        arguments.push("run.ts".into());
        let done = shell_with_progress_descriptor(&arguments, folder.path());
        let warnings = String::from_utf8_lossy(&done.stderr).into_owned();
        if done.status.success() { Ok(Self { folder, warnings }) } else { Err(warnings) }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("run.ts")
    }

    pub fn packets(&self, kind: &str) -> Vec<Packet> {
        let mut ffprobe = Command::new("ffprobe");
        ffprobe.args(["-v", "error", "-of", "csv=p=0", "-show_entries", "packet=pts_time,dts_time,flags"]);
        let output = ffprobe.args(["-select_streams", kind]).arg(self.path()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        // The lines between are side data.
        let packet = |line: &str| {
            let fields: Vec<&str> = line.split(',').collect();
            let [pts, dts, flags, ..] = fields[..] else { return None };
            Some(Packet { pts_s: pts.parse().ok()?, dts_s: dts.parse().ok()?, key: flags.contains('K') })
        };
        text.lines().filter_map(packet).collect()
    }

    /// Frames of the video in presentation order that are keyframes.
    pub fn keyframes(&self, rate: FrameRate) -> Vec<usize> {
        let mut packets = self.packets("v");
        packets.sort_by(|a, b| a.pts_s.total_cmp(&b.pts_s));
        let start = packets[0].pts_s;
        for (at, packet) in (0_u32..).zip(&packets) {
            let expected = start + f64::from(at) / rate.as_f64();
            assert!((packet.pts_s - expected).abs() < 0.001, "frame {at} is missing or late");
        }
        packets.iter().enumerate().filter(|(_, packet)| packet.key).map(|(at, _)| at).collect()
    }

    /// Sequence and picture parameter sets of the video, each distinct one once.
    pub fn parameter_sets(&self) -> BTreeSet<Vec<u8>> {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-i"]).arg(self.path()).args(["-c", "copy", "-an", "-f", "h264", "-"]);
        let bytes = ffmpeg.output().unwrap().stdout;
        let starts: Vec<usize> = (0..bytes.len() - 3).filter(|&at| bytes[at..].starts_with(&[0, 0, 1])).collect();
        let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
        let units = starts.iter().zip(ends).map(|(start, end)| bytes[start + 3..end].to_vec());
        let trimmed = units.map(|unit| unit[..unit.iter().rposition(|byte| *byte != 0).unwrap() + 1].to_vec());
        trimmed.filter(|unit| matches!(unit[0] & 0x1f, 7 | 8)).collect()
    }
}

fn shell_with_progress_descriptor(arguments: &[OsString], folder: &Path) -> std::process::Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"exec "$0" "$@" 3>/dev/null"#]).args(arguments);
    shell.current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

pub fn make(folder: &Path, name: &str, arguments: &str) -> PathBuf {
    let path = folder.join(name);
    let arguments = arguments.split(' ').filter(|argument| !argument.is_empty());
    let status = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(arguments).arg(&path).status().unwrap();
    assert!(status.success(), "make {name}");
    path
}

pub fn stream(index: u32, codec: &str, kind: StreamKind) -> Stream {
    let disposition = Disposition::default();
    Stream { index, codec: codec.to_owned(), profile: None, language: None, title: None, disposition, kind }
}

pub fn video(width: u32, height: u32, rate: FrameRate) -> VideoStream {
    VideoStream {
        width,
        height,
        sample_aspect: (1, 1),
        rotation_degrees: 0,
        frame_rate: Some(rate),
        pixel_format: Some("yuv420p".to_owned()),
        first_picture_ms: 0,
        field_order: FieldOrder::Progressive,
        color: Color::default(),
    }
}

pub fn small(rate: FrameRate) -> OutputProfile {
    OutputProfile { width: 320, height: 180, frame_rate: rate, video_bitrate_bps: 300_000, ..Default::default() }
}

pub fn play(path: &Path, video: VideoStream, profile: OutputProfile, frames: u32) -> PlayOrder {
    let sound = AudioStream { channels: 1, layout: None, sample_rate_hz: 44_100 };
    let streams = vec![stream(0, "?", StreamKind::Video(video)), stream(1, "?", StreamKind::Audio(sound))];
    let probe = MediaProbe { container: String::new(), duration_ms: 0, bitrate_bps: None, streams, chapters: vec![] };
    let source = Source::File {
        path: path.to_owned(),
        probe,
        in_point_ms: 0,
        video: Some(0),
        audio: Some(1),
        downmix: None,
        subtitles: None,
    };
    PlayOrder { run: RunId(1), source, profile, frames, keyframe_offset: 0, card: None, gain_db: None, watermark: None }
}

/// A slate with text that would break any filter graph, a little longer than it must be.
pub fn slate(profile: OutputProfile, visual: Visual, audio: AudioMode) -> PlayOrder {
    let message = Message {
        channel: "5.1  Äther & Söhne".to_owned(),
        title: "it's 100% : [sure]; \\n %{pts} 'äöü' \"x\"".to_owned(),
        reason: "漢字 и кириллица".to_owned(),
        code: "EX-11".to_owned(),
        ..Message::default()
    };
    let screen = Screen { visual, audio, ..Screen::plain(message) };
    let frames = frames_to_render(&profile);
    PlayOrder {
        run: RunId(1),
        source: Source::Slate { screen },
        profile,
        frames,
        keyframe_offset: 0,
        card: None,
        gain_db: None,
        watermark: None,
    }
}

/// An order for a film of [`small`] size with these streams; stream 0 is the picture, stream 1 the sound.
pub fn film(path: &Path, streams: Vec<Stream>, frames: u32) -> PlayOrder {
    let mut order = play(path, video(320, 180, FrameRate::new(25, 1)), small(FrameRate::new(25, 1)), frames);
    if let Source::File { probe, .. } = &mut order.source {
        probe.streams.truncate(2);
        probe.streams.extend(streams);
    }
    order
}

/// The same order from `at_ms` on, with these subtitles.
pub fn burnt(mut order: PlayOrder, at_ms: i64, burn_in: BurnIn) -> PlayOrder {
    if let Source::File { in_point_ms, subtitles, .. } = &mut order.source {
        *in_point_ms = at_ms;
        *subtitles = Some(burn_in);
    }
    order
}

/// Something bright in the dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bright {
    pub left: usize,
    pub right: usize,
    pub top: usize,
    pub bottom: usize,
}

impl Run {
    /// What is bright in each frame, if anything.
    pub fn bright(&self) -> Vec<Option<Bright>> {
        const WIDTH: usize = 320;
        const HEIGHT: usize = 180;
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-i"]).arg(self.path());
        ffmpeg.args(["-vf", "format=gray", "-f", "rawvideo", "-"]);
        let samples = ffmpeg.output().unwrap().stdout;
        samples.chunks_exact(WIDTH * HEIGHT).map(|frame| bounds(frame, WIDTH)).collect()
    }

    /// The frames from the first to the last one with something bright; nothing dark may be between.
    pub fn lit(&self) -> std::ops::Range<usize> {
        let bright = self.bright();
        let Some(first) = bright.iter().position(Option::is_some) else { return 0..0 };
        let last = bright.iter().rposition(Option::is_some).unwrap();
        assert!(bright[first..=last].iter().all(Option::is_some), "it flickers");
        first..last + 1
    }
}

fn bounds(frame: &[u8], width: usize) -> Option<Bright> {
    let lit = || frame.iter().enumerate().filter(|(_, sample)| **sample > 150).map(|(at, _)| (at % width, at / width));
    Some(Bright {
        left: lit().map(|(x, _)| x).min()?,
        right: lit().map(|(x, _)| x).max()?,
        top: lit().map(|(_, y)| y).min()?,
        bottom: lit().map(|(_, y)| y).max()?,
    })
}

/// Asserts that two ranges of frames are the same to within a frame at each end.
pub fn assert_near(found: &std::ops::Range<usize>, expected: &std::ops::Range<usize>, what: &str) {
    let near = found.start.abs_diff(expected.start) <= 1 && found.end.abs_diff(expected.end) <= 1;
    assert!(near, "{what}: {found:?}, not {expected:?}");
}
