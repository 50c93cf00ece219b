//! The filters between a decoded picture and the encoder.
//!
//! Does: pass an immutable picture state through small steps; a step that would change nothing yields no filter.
//! Invariant: after the last step the picture has the channel's size, square samples, 8-bit 4:2:0, BT.709 limited range tags and the
//! channel's rate, whatever it was before.

use exstreamtv_model::{
    FrameRate, OutputProfile,
    media::{FieldOrder, Stream, VideoStream},
};

use crate::geometry::{Size, fit};

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
    Tagged,
    /// Something else, without a matrix in the file: BT.709 for high definition, BT.601 for less, as television does.
    Untagged {
        /// Whether it is high definition.
        high_definition: bool,
    },
}

/// What a step adds: a filter, and what the pictures are after it.
struct Step {
    filter: String,
    after: Picture,
}

type StepFn = fn(&Picture, &OutputProfile) -> Option<Step>;

/// Steps in their order. Dropping frames first spares the scaler; repeating them last spares it too.
const SHAPE: [StepFn; 3] = [deinterlace, drop_frames, scale];
const FRAME: [StepFn; 2] = [pad, tag];
const TIME: [StepFn; 2] = [repeat_frames, hold_the_last_frame];

/// The filters that turn a source into what a channel sends, in three parts; subtitles come in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Size of the source's picture inside the channel's, without bars.
    pub fitted: Size,
    /// After these the picture has its size.
    pub shape: Vec<String>,
    /// After these it has its bars and its tags.
    pub frame: Vec<String>,
    /// After these it has the channel's rate.
    pub time: Vec<String>,
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
    pub fn whole(self) -> Vec<String> {
        [self.shape, self.frame, self.time].concat()
    }
}

fn take(steps: &[StepFn], mut picture: Picture, profile: &OutputProfile) -> (Vec<String>, Picture) {
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
    /// Returns what decoding `stream` yields.
    pub fn decoded(stream: &Stream, video: &VideoStream) -> Self {
        let (size, sample_aspect) = upright(video);
        Self {
            size,
            sample_aspect,
            rate: video.frame_rate.filter(|rate| rate.num > 0 && rate.den > 0).map_or(Rate::Unknown, Rate::Mean),
            may_be_interlaced: may_be_interlaced(stream, video),
            samples: Samples::decoded(video),
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
        let limited_range = video.color.range.as_deref() != Some("pc");
        let eight_bit = video.pixel_format.as_deref() == Some("yuv420p");
        match video.color.space.as_deref() {
            Some("bt709") if eight_bit && limited_range => Self::Ours,
            None if eight_bit && limited_range && high_definition => Self::Ours,
            Some(_) => Self::Tagged,
            None => Self::Untagged { high_definition },
        }
    }
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
fn may_be_interlaced(stream: &Stream, video: &VideoStream) -> bool {
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
    picture.may_be_interlaced.then(|| Step { filter: "yadif=deint=interlaced".to_owned(), after })
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
    Step { filter: format!("fps={num}/{den}"), after }
}

/// A scaler whose sides are already right passes pictures through untouched; decoded pictures get one even so, because their size may change
/// half-way and the encoder's may not.
fn scale(picture: &Picture, profile: &OutputProfile) -> Option<Step> {
    let size = fit(picture.size, picture.sample_aspect, frame_size(profile));
    if !picture.may_change_size && picture.samples == Samples::Ours && picture.size == size {
        return None;
    }
    let colour = match picture.samples {
        Samples::Ours => "",
        Samples::Tagged => ":out_color_matrix=bt709:out_range=tv",
        Samples::Untagged { high_definition: true } => ":in_color_matrix=bt709:out_color_matrix=bt709:out_range=tv",
        Samples::Untagged { high_definition: false } => {
            ":in_color_matrix=smpte170m:out_color_matrix=bt709:out_range=tv"
        }
    };
    let filter = format!("scale={}:{}:flags=bicubic{colour}", size.width, size.height);
    let after =
        Picture { size, sample_aspect: (1, 1), samples: Samples::Ours, may_change_size: false, ..picture.clone() };
    Some(Step { filter, after })
}

fn pad(picture: &Picture, profile: &OutputProfile) -> Option<Step> {
    let frame = frame_size(profile);
    // Chroma is shared by two lines and two columns, so a picture begins at even ones.
    let left = (frame.width.saturating_sub(picture.size.width) / 2) & !1;
    let top = (frame.height.saturating_sub(picture.size.height) / 2) & !1;
    let filter = format!("pad={}:{}:{left}:{top}:color=black", frame.width, frame.height);
    let after = Picture { size: frame, ..picture.clone() };
    (picture.size != frame).then_some(Step { filter, after })
}

/// Encoders copy these tags into their headers, which must be the same bytes for every run.
fn tag(picture: &Picture, _: &OutputProfile) -> Option<Step> {
    let filter = "format=yuv420p,setsar=1,setparams=field_mode=prog:range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709";
    let after = Picture { tagged: true, ..picture.clone() };
    (!picture.tagged).then(|| Step { filter: filter.to_owned(), after })
}

/// Files whose last picture lacks up to a second of the promised length are common; longer holes are the host's to fill.
fn hold_the_last_frame(picture: &Picture, _: &OutputProfile) -> Option<Step> {
    let after = Picture { held: true, ..picture.clone() };
    let filter = "tpad=stop_mode=clone:stop_duration=1".to_owned();
    (!picture.held).then_some(Step { filter, after })
}
