//! Clips to decode: made once, by FFmpeg's own software encoders.
//!
//! Invariant: a clip's name says everything that it depends on, so that one can be kept.

use super::Build;

/// A short film of a test picture.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clip {
    /// FFmpeg's name.
    pub codec: String,
    /// Bits a sample.
    pub depth: u8,
    /// Width and height.
    pub size: [u32; 2],
}

/// Pictures in a clip: more than are asked for, because decoders keep some back.
const FRAMES: u32 = 20;

/// Who makes which codec; the first that is there does.
const MAKERS: [(&str, &str, &[&str]); 11] = [
    ("h264", "libx264", &["-preset", "ultrafast", "-bf", "0"]),
    ("hevc", "libx265", &["-preset", "ultrafast", "-x265-params", "log-level=error"]),
    ("mpeg2video", "mpeg2video", &["-qscale:v", "4"]),
    ("mpeg1video", "mpeg1video", &["-qscale:v", "4"]),
    ("mpeg4", "mpeg4", &["-qscale:v", "4"]),
    ("mjpeg", "mjpeg", &["-qscale:v", "4"]),
    ("vp8", "libvpx", &["-deadline", "realtime", "-cpu-used", "8"]),
    ("vp9", "libvpx-vp9", &["-deadline", "realtime", "-cpu-used", "8"]),
    ("av1", "libsvtav1", &["-preset", "10"]),
    ("av1", "libaom-av1", &["-usage", "realtime", "-cpu-used", "8"]),
    ("av1", "librav1e", &["-speed", "10"]),
];

impl Clip {
    /// Returns a name for its file.
    pub fn file_name(&self) -> String {
        let [width, height] = self.size;
        format!("{}-{}-{width}x{height}.mkv", self.codec, self.depth)
    }

    /// Returns the arguments that make it, but for the file; `None` where this FFmpeg cannot.
    pub fn recipe(&self, build: &Build) -> Option<Vec<String>> {
        let (_, encoder, options) =
            MAKERS.iter().find(|(codec, encoder, _)| *codec == self.codec && build.encoders.contains(*encoder))?;
        let format = if self.depth == 10 { "yuv420p10le" } else { "yuv420p" };
        let format = if self.codec == "mjpeg" { "yuvj420p" } else { format };
        let [width, height] = self.size;
        let source = format!("testsrc2=s={width}x{height}:r=25");
        let frames = FRAMES.to_string();
        let mut args = vec!["-hide_banner", "-nostdin", "-v", "error", "-f", "lavfi", "-i", &source];
        args.extend(["-frames:v", &frames, "-pix_fmt", format, "-c:v", encoder]);
        args.extend(*options);
        args.extend(["-f", "matroska", "-y"]);
        Some(args.into_iter().map(str::to_owned).collect())
    }
}
