//! What a worker must play now.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    OutputProfile, RunId, Screen,
    media::MediaProbe,
    pick::{Downmix, StreamRef},
};

/// What a worker must play: one run of FFmpeg, exact to the frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlayOrder {
    /// The run's name for reports and cancelling.
    pub run: RunId,
    /// What is played.
    pub source: Source,
    /// What comes out.
    pub profile: OutputProfile,
    /// Frames to produce, at the profile's rate; the run ends by itself after them.
    pub frames: u32,
    /// How many frames after the run's first one the channel's first keyframe on its clock lies; less than a GOP.
    pub keyframe_offset: u32,
    /// The video card that helps; none where the processor does everything.
    #[serde(default)]
    pub card: Option<CardUse>,
    /// By how many decibels the sound of a file is made louder.
    #[serde(default)]
    pub gain_db: Option<f64>,
    /// An image in a corner of the picture of a file.
    #[serde(default)]
    pub watermark: Option<Watermark>,
}

/// An image in a corner of the picture: the channel's logo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// Absolute path of the image.
    pub image: PathBuf,
    /// In which corner.
    pub corner: Corner,
    /// Its width, percent of the picture's.
    pub width_percent: u8,
    /// Its distance from both edges, percent of the picture's width.
    pub margin_percent: u8,
    /// How much of it is seen, percent.
    pub opacity_percent: u8,
    /// When it is shown; always, where nothing is said.
    #[serde(default)]
    pub at_times: Option<AtTimes>,
}

/// A corner of the picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Corner {
    /// Top left.
    TopLeft,
    /// Top right.
    TopRight,
    /// Bottom left.
    BottomLeft,
    /// Bottom right.
    #[default]
    BottomRight,
}

/// For a while, again and again, by the channel's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtTimes {
    /// From one beginning to the next, milliseconds.
    pub every_ms: u64,
    /// How long each time, milliseconds.
    pub for_ms: u64,
    /// How far into such a period the run's first frame is, milliseconds.
    pub into_ms: u64,
}

/// A video card that takes part in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardUse {
    /// Its id ("cuda:0"); a worker that does not know it plays in software.
    pub id: String,
    /// How much of the work it does.
    pub rung: CardRung,
}

/// How much of the work a card does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CardRung {
    /// All it can.
    Hw,
    /// Decoding is done in software.
    SwdecHwenc,
    /// Decoding and encoding; filters are done in software.
    HwdecSwfilterHwenc,
    /// Nothing.
    Software,
}

impl CardRung {
    /// Returns its word in profiles and documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hw => "hw",
            Self::SwdecHwenc => "swdec-hwenc",
            Self::HwdecSwfilterHwenc => "hwdec-swfilter-hwenc",
            Self::Software => "software",
        }
    }
}

/// Subtitles that become part of the picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BurnIn {
    /// A stream of the media file; the probe's codec says whether it is text or images.
    Embedded(StreamRef),
    /// A text file beside it.
    Sidecar {
        /// Absolute path.
        path: PathBuf,
    },
}

/// What is played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Source {
    /// A file of the library.
    File {
        /// Absolute path.
        path: PathBuf,
        /// What probing found in it; the plan is made from this alone.
        probe: MediaProbe,
        /// Where in the file to begin.
        in_point_ms: i64,
        /// Absolute index of the chosen picture stream; `None` plays black.
        video: Option<u32>,
        /// Absolute index of the chosen sound stream; `None` plays silence.
        audio: Option<u32>,
        /// How its channels become those of the profile; `None` leaves it to FFmpeg.
        #[serde(default)]
        downmix: Option<Downmix>,
        /// Subtitles that become part of the picture.
        #[serde(default)]
        subtitles: Option<BurnIn>,
    },
    /// A slate, to be looped: pictures that follow each other as they are shown, whole GOPs on the clock, a second of silence before its sound.
    Slate {
        /// What it shows and sounds like.
        screen: Screen,
    },
    /// One picture of a slate as PNG, for people to look at; nothing that can be sent.
    Still {
        /// What it shows.
        screen: Screen,
    },
}
