//! Writes a plan down as FFmpeg arguments. The only place that knows their order.
//!
//! Invariant: FFmpeg reads local files alone, never its standard input, and writes MPEG-TS (or one picture) to standard output and progress to descriptor 3.

use std::{ffi::OsString, path::Path};

use exstreamtv_model::profile::SAMPLE_RATE_HZ;

use crate::{
    cards::Encoder,
    encoding::{Encoding, Pictures},
    filter::written,
    plan::{Branch, Input, Output, Plan},
    protocols::{SourceKind, allowed_protocols},
    subtitles::Overlay,
};

/// The descriptor on which FFmpeg must find a pipe for its progress.
pub const PROGRESS_DESCRIPTOR: i32 = 3;

/// Returns the command line of `plan`, the program first.
pub fn command_line(plan: &Plan, ffmpeg: &Path) -> Vec<OsString> {
    let mut line = Arguments(vec![ffmpeg.as_os_str().to_owned()]);
    line.global();
    line.arguments(plan.card.iter().flat_map(|card| &card.init));
    for (index, input) in plan.inputs.iter().enumerate() {
        let decodes = plan.card.as_ref().filter(|_| index == plan.video.input);
        line.arguments(decodes.iter().flat_map(|card| &card.decoder));
        line.input(input);
    }
    line.streams(plan);
    match plan.output {
        Output::Stream => {
            line.encoding(&plan.encoding, plan.card.as_ref().and_then(|card| card.encoder.as_ref()));
            line.stream();
        }
        Output::Png => line.picture(),
    }
    line.flags(&["pipe:1"]);
    line.0
}

struct Arguments(Vec<OsString>);

impl Arguments {
    fn flags(&mut self, flags: &[&str]) {
        self.0.extend(flags.iter().map(OsString::from));
    }

    fn arguments<'s>(&mut self, arguments: impl Iterator<Item = &'s String>) {
        self.0.extend(arguments.map(OsString::from));
    }

    fn option(&mut self, name: &str, value: impl Into<OsString>) {
        self.0.extend([OsString::from(name), value.into()]);
    }

    fn global(&mut self) {
        self.flags(&["-nostdin", "-hide_banner", "-nostats"]);
        self.option("-loglevel", "repeat+level+warning");
        self.option("-stats_period", "0.5");
        self.option("-progress", format!("pipe:{PROGRESS_DESCRIPTOR}"));
    }

    fn input(&mut self, input: &Input) {
        match input {
            Input::File { path, in_point_ms } => {
                if *in_point_ms > 0 {
                    self.option("-ss", format!("{}.{:03}", in_point_ms / 1000, in_point_ms % 1000));
                }
                self.option("-fflags", "+genpts+discardcorrupt");
                self.flags(&allowed_protocols(SourceKind::File));
                self.option("-i", file_url(path));
            }
            Input::Generator(source) => {
                self.option("-f", "lavfi");
                self.option("-i", source);
            }
        }
    }

    fn streams(&mut self, plan: &Plan) {
        let mapping = |branch: &Branch| format!("{}:{}", branch.input, branch.stream);
        if plan.overlays.is_empty() {
            self.option("-map", mapping(&plan.video));
        } else {
            self.option("-filter_complex", graph(&plan.video, &plan.overlays));
            self.option("-map", "[out]");
        }
        if plan.output == Output::Stream {
            self.option("-map", mapping(&plan.audio));
        }
        self.flags(&["-sn", "-dn"]);
        self.option("-map_metadata", "-1");
        self.option("-map_chapters", "-1");
        if plan.overlays.is_empty() {
            self.filters("-filter:v", &plan.video);
        }
        if plan.output == Output::Stream {
            self.filters("-filter:a", &plan.audio);
        }
    }

    fn filters(&mut self, option: &str, branch: &Branch) {
        if !branch.filters.is_empty() {
            self.option(option, written(&branch.filters));
        }
    }

    fn encoding(&mut self, encoding: &Encoding, card: Option<&Encoder>) {
        self.option("-fps_mode", "cfr");
        self.option("-r", encoding.frame_rate_text());
        self.option("-t", format!("{}.{:06}", encoding.length_us / 1_000_000, encoding.length_us % 1_000_000));
        match card {
            Some(encoder) => self.by_card(encoding, encoder),
            None => self.video(encoding),
        }
        self.colours();
        self.audio(encoding);
    }

    /// The settings of a card's encoder come from its profile; keyframes are everybody's.
    fn by_card(&mut self, encoding: &Encoding, encoder: &Encoder) {
        self.option("-c:v", &encoder.name);
        self.arguments(encoder.arguments.iter());
        self.option("-force_key_frames", encoding.keyframes.expression());
        if !encoder.filters.is_empty() {
            self.option("-bsf:v", encoder.filters.join(","));
        }
    }

    fn video(&mut self, encoding: &Encoding) {
        self.option("-c:v", "libx264");
        self.option("-preset", "veryfast");
        self.option("-profile:v", "high");
        self.option("-level:v", encoding.level);
        self.option("-bf", "3");
        self.option("-b:v", encoding.video_bitrate_bps.to_string());
        self.option("-maxrate", encoding.video_peak_bps.to_string());
        self.option("-bufsize", encoding.video_buffer_bits.to_string());
        self.option("-g", encoding.gop_limit_frames.to_string());
        self.option("-sc_threshold", "0");
        self.option("-force_key_frames", encoding.keyframes.expression());
        self.option("-forced-idr", "1");
        self.option("-flags:v", "+cgop");
        if encoding.pictures == Pictures::AsShown {
            // A slate is in no hurry, and channels need the machine.
            self.option("-threads:v", "1");
        }
        // Headers that do not depend on the content.
        self.option(
            "-x264-params",
            match encoding.pictures {
                Pictures::Reordered => "stitchable=1",
                // The headers still allow for B pictures, but none is ever found worth it. What stands still needs no finer steps.
                Pictures::AsShown => "stitchable=1:b-adapt=1:b-bias=-100:qpmin=20",
            },
        );
    }

    fn colours(&mut self) {
        self.option("-color_range", "tv");
        self.option("-colorspace", "bt709");
        self.option("-color_primaries", "bt709");
        self.option("-color_trc", "bt709");
        self.option("-chroma_sample_location", "left");
    }

    fn audio(&mut self, encoding: &Encoding) {
        self.option("-c:a", "aac");
        self.option("-b:a", encoding.audio_bitrate_bps.to_string());
        self.option("-ar", SAMPLE_RATE_HZ.to_string());
        self.option("-ac", encoding.audio_channels.to_string());
    }

    fn stream(&mut self) {
        self.option("-f", "mpegts");
        self.option("-muxdelay", "0");
        self.option("-muxpreload", "0");
        self.option("-flush_packets", "1");
    }

    fn picture(&mut self) {
        self.option("-frames:v", "1");
        self.option("-c:v", "png");
        self.option("-f", "image2pipe");
    }
}

/// Returns the graph of a picture with something laid over it.
fn graph(video: &Branch, overlays: &[Overlay]) -> String {
    let Branch { input, stream, filters } = video;
    let picture = if filters.is_empty() { "null".to_owned() } else { written(filters) };
    let mut graph = format!("[{input}:{stream}]{picture}[picture]");
    // Whoever lays one thing over a picture finds its names without a number, and so do the goldens.
    let name = |word: &str, at: usize| if at == 0 { word.to_owned() } else { format!("{word}{at}") };
    for (at, overlay) in overlays.iter().enumerate() {
        let (picture, images) = (name("picture", at), name("images", at));
        let out = if at + 1 == overlays.len() { "out".to_owned() } else { name("picture", at + 1) };
        let rest: Vec<&str> = std::iter::once(overlay.filter.as_str())
            .chain(overlay.after.iter().map(|filter| filter.text.as_str()))
            .collect();
        let (input, stream, made) = (overlay.input, overlay.stream, overlay.images.join(","));
        graph += &format!(";[{input}:{stream}]{made}[{images}];[{picture}][{images}]{}[{out}]", rest.join(","));
    }
    graph
}

/// With the prefix a name is a name: colons, percent signs and leading dashes mean nothing, and no other protocol can be smuggled in.
fn file_url(path: &Path) -> OsString {
    let mut url = OsString::from("file:");
    url.push(path);
    url
}
