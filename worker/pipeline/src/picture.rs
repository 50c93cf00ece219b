//! The filters between a decoded picture and the encoder.
//!
//! Does: pass an immutable picture state through small steps; a step that would change nothing yields no filter.
//! Invariant: after the last step the picture has the channel's size, square samples, 8-bit 4:2:0, BT.709 limited range tags and the
//! channel's rate, whatever it was before.

use exstreamtv_model::{
    FrameRate, OutputProfile,
    media::{FieldOrder, Stream, VideoStream},
};

use crate::{
    filter::{Filter, Kind},
    geometry::{Size, fit},
};

/// What is known about the pictures at one point of the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Size in samples, after FFmpeg has turned it upright.
    pub size: Size,
    /// Shape of a sample.
    pub sample_aspect: (u32, u32),
    /// Pictures a second.
    pub rate: Rate,
    /// Whether some pictures may be two fields.
    pub may_be_interlaced: bool,
    /// How samples are coded.
    pub samples: Samples,
    /// Whether the tags say what the samples are.
    pub tagged: bool,
    /// Whether the size may change half-way, as it does in recordings of television.
    pub may_change_size: bool,
    /// Whether something follows the last picture: it goes on for ever, or at least is held a little.
    pub held: bool,
}

/// Pictures a second, and how far that can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// Exactly this many, none missing.
    Constant(FrameRate),
    /// About this many, as a file says.
    Mean(FrameRate),
    /// The file does not say.
    Unknown,
}

/// How samples are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Samples {
    /// What we send: 8-bit 4:2:0, BT.709 matrix, limited range.
    Ours,
    /// Something else, with a matrix that FFmpeg finds in the file.
    Tagged {
        /// Whether matrix and range are ours, and only the bits or the chroma are others.
        ours_but_for_bits: bool,
    },
    /// More light than a screen of standard range shows: PQ or HLG, which is taken down to it.
    Hdr,
    /// Something else, without a matrix in the file: BT.709 for high definition, BT.601 for less, as television does.
    Untagged {
        /// Whether it is high definition.
        high_definition: bool,
    },
}

/// What a step adds: a filter, and what the pictures are after it.
struct Step {
    filter: Filter,
    after: Picture,
}

impl Step {
    fn new(text: impl Into<String>, kind: Kind, after: Picture) -> Self {
        Self { filter: Filter::new(text, kind), after }
    }
}

type StepFn = fn(&Picture, &OutputProfile) -> Option<Step>;

/// Steps in their order. Dropping frames first spares the scaler; repeating them last spares it too.
const SHAPE: [StepFn; 4] = [deinterlace, drop_frames, scale, tone_map];
const FRAME: [StepFn; 2] = [pad, tag];
const TIME: [StepFn; 2] = [repeat_frames, hold_the_last_frame];

/// The filters that turn a source into what a channel sends, in three parts; subtitles come in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Size of the source's picture inside the channel's, without bars.
    pub fitted: Size,
    /// After these the picture has its size.
    pub shape: Vec<Filter>,
    /// After these it has its bars and its tags.
    pub frame: Vec<Filter>,
    /// After these it has the channel's rate.
    pub time: Vec<Filter>,
}

impl Chain {
    /// Returns the filters that turn `source` into what `profile` sends.
    pub fn new(source: Picture, profile: &OutputProfile) -> Self {
        let (shape, shaped) = take(&SHAPE, source, profile);
        let fitted = shaped.size;
        let (frame, framed) = take(&FRAME, shaped, profile);
        let (time, _) = take(&TIME, framed, profile);
        Self { fitted, shape, frame, time }
    }

    /// Returns all filters, in order.
    pub fn whole(self) -> Vec<Filter> {
        [self.shape, self.frame, self.time].concat()
    }
}

fn take(steps: &[StepFn], mut picture: Picture, profile: &OutputProfile) -> (Vec<Filter>, Picture) {
    let mut filters = Vec::new();
    for step in steps {
        if let Some(Step { filter, after }) = step(&picture, profile) {
            filters.push(filter);
            picture = after;
        }
    }
    (filters, picture)
}

impl Picture {
    /// Returns what decoding `stream` yields. Where tone mapping cannot be had, HDR is shown as if it were not: pale, but shown.
    pub fn decoded(stream: &Stream, video: &VideoStream, tone_map: bool) -> Self {
        let (size, sample_aspect) = upright(video);
        Self {
            size,
            sample_aspect,
            rate: video.frame_rate.filter(|rate| rate.num > 0 && rate.den > 0).map_or(Rate::Unknown, Rate::Mean),
            may_be_interlaced: may_be_interlaced(stream, video),
            samples: if tone_map && is_hdr(video) { Samples::Hdr } else { Samples::decoded(video) },
            tagged: false,
            may_change_size: true,
            held: false,
        }
    }

    /// Returns what a generator makes that was told the size and the rate of `profile`.
    pub fn generated(profile: &OutputProfile) -> Self {
        Self {
            size: frame_size(profile),
            sample_aspect: (1, 1),
            rate: Rate::Constant(profile.frame_rate),
            may_be_interlaced: false,
            samples: Samples::Ours,
            tagged: false,
            may_change_size: false,
            held: true,
        }
    }
}

impl Samples {
    fn decoded(video: &VideoStream) -> Self {
        let high_definition = video.width > 1024 || video.height > 576;
        let format = video.pixel_format.as_deref().unwrap_or_default();
        let limited_range = video.color.range.as_deref() != Some("pc") && !format.starts_with("yuvj");
        let eight_bit = format == "yuv420p";
        match video.color.space.as_deref() {
            Some("bt709") if eight_bit && limited_range => Self::Ours,
            None if eight_bit && limited_range && high_definition => Self::Ours,
            Some(space) => Self::Tagged { ours_but_for_bits: space == "bt709" && limited_range },
            None => Self::Untagged { high_definition },
        }
    }
}

/// Returns whether the picture has more light than a screen of standard range shows (SMPTE ST 2084, ARIB STD-B67).
pub fn is_hdr(video: &VideoStream) -> bool {
    matches!(video.color.transfer.as_deref(), Some("smpte2084" | "arib-std-b67"))
}

/// Returns the size and the shape of samples in front of the first filter: FFmpeg turns pictures upright, and a quarter turn swaps the
/// sides, of samples too.
pub fn upright(video: &VideoStream) -> (Size, (u32, u32)) {
    let VideoStream { width, height, sample_aspect: (across, down), .. } = *video;
    if video.rotation_degrees % 180 == 90 {
        (Size { width: height, height: width }, (down, across))
    } else {
        (Size { width, height }, (across, down))
    }
}

/// Codecs of tape and broadcast are often interlaced without the container saying so. The filter leaves whole pictures alone.
pub fn may_be_interlaced(stream: &Stream, video: &VideoStream) -> bool {
    match video.field_order {
        FieldOrder::TopFirst | FieldOrder::BottomFirst => true,
        FieldOrder::Progressive => false,
        FieldOrder::Unknown => matches!(stream.codec.as_str(), "mpeg2video" | "dvvideo" | "vc1"),
    }
}

fn frame_size(profile: &OutputProfile) -> Size {
    Size { width: profile.width, height: profile.height }
}

fn deinterlace(picture: &Picture, _: &OutputProfile) -> Option<Step> {
    let after = Picture { may_be_interlaced: false, ..picture.clone() };
    picture.may_be_interlaced.then(|| Step::new("yadif=deint=interlaced", Kind::Deinterlace, after))
}

fn drop_frames(picture: &Picture, profile: &OutputProfile) -> Option<Step> {
    match picture.rate {
        Rate::Mean(rate) if rate.as_f64() > profile.frame_rate.as_f64() => Some(constant_rate(picture, profile)),
        _ => None,
    }
}

fn repeat_frames(picture: &Picture, profile: &OutputProfile) -> Option<Step> {
    (picture.rate != Rate::Constant(profile.frame_rate)).then(|| constant_rate(picture, profile))
}

/// No `start_time` here: FFmpeg rebuilds the graph when a recording changes its picture half-way, and a rebuilt filter would then repeat its
/// first frame from zero. `-fps_mode cfr` fills a late start once, at the encoder.
fn constant_rate(picture: &Picture, profile: &OutputProfile) -> Step {
    let FrameRate { num, den } = profile.frame_rate;
    let after = Picture { rate: Rate::Constant(profile.frame_rate), ..picture.clone() };
    Step::new(format!("fps={num}/{den}"), Kind::Anywhere, after)
}

/// A scaler whose sides are already right passes pictures through untouched; decoded pictures get one even so, because their size may change
/// half-way and the encoder's may not.
fn scale(picture: &Picture, profile: &OutputProfile) -> Option<Step> {
    let size = fit(picture.size, picture.sample_aspect, frame_size(profile));
    if !picture.may_change_size && picture.samples == Samples::Ours && picture.size == size {
        return None;
    }
    let colour = match picture.samples {
        // What HDR needs is done to it later, from what it says about itself.
        Samples::Ours | Samples::Hdr => "",
        Samples::Tagged { .. } => ":out_color_matrix=bt709:out_range=tv",
        Samples::Untagged { high_definition: true } => ":in_color_matrix=bt709:out_color_matrix=bt709:out_range=tv",
        Samples::Untagged { high_definition: false } => {
            ":in_color_matrix=smpte170m:out_color_matrix=bt709:out_range=tv"
        }
    };
    let text = format!("scale={}:{}:flags=bicubic{colour}", size.width, size.height);
    let samples = if picture.samples == Samples::Hdr { Samples::Hdr } else { Samples::Ours };
    let converts =
        !matches!(picture.samples, Samples::Ours | Samples::Hdr | Samples::Tagged { ours_but_for_bits: true });
    let kind = Kind::Scale { from: picture.size, to: size, converts };
    let after = Picture { size, sample_aspect: (1, 1), samples, may_change_size: false, ..picture.clone() };
    Some(Step::new(text, kind, after))
}

/// A master of which the file says nothing is taken for one of 1,000 cd/m², as most are; what is brighter becomes white. BT.2408 puts the white of standard range at 203 cd/m² and most masters less than 1,000 above it; 100 and the curve of Hable, whose shoulder keeps
/// clouds and lamps apart, are what FFmpeg's documentation and every other server use. In light, because curves are made for that; behind the scaler,
/// because it costs by the sample.
const TONE_MAP: &str =
    "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv";

fn tone_map(picture: &Picture, _: &OutputProfile) -> Option<Step> {
    let after = Picture { samples: Samples::Ours, ..picture.clone() };
    (picture.samples == Samples::Hdr).then(|| Step::new(TONE_MAP, Kind::ToneMap, after))
}

fn pad(picture: &Picture, profile: &OutputProfile) -> Option<Step> {
    let frame = frame_size(profile);
    // Chroma is shared by two lines and two columns, so a picture begins at even ones.
    let left = (frame.width.saturating_sub(picture.size.width) / 2) & !1;
    let top = (frame.height.saturating_sub(picture.size.height) / 2) & !1;
    let text = format!("pad={}:{}:{left}:{top}:color=black", frame.width, frame.height);
    let after = Picture { size: frame, ..picture.clone() };
    (picture.size != frame).then(|| Step::new(text, Kind::Pad { to: frame, left, top }, after))
}

/// Encoders copy these tags into their headers, which must be the same bytes for every run.
fn tag(picture: &Picture, _: &OutputProfile) -> Option<Step> {
    let after = Picture { tagged: true, ..picture.clone() };
    (!picture.tagged).then(|| Step::new(format!("format=yuv420p,{TAGS}"), Kind::Tag, after))
}

/// What is said about samples.
pub const TAGS: &str =
    "setsar=1,setparams=field_mode=prog:range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709";

/// Files whose last picture lacks up to a second of the promised length are common; longer holes are the host's to fill.
fn hold_the_last_frame(picture: &Picture, _: &OutputProfile) -> Option<Step> {
    let after = Picture { held: true, ..picture.clone() };
    (!picture.held).then(|| Step::new("tpad=stop_mode=clone:stop_duration=1", Kind::Hold, after))
}
