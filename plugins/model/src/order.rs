//! What a worker must play now.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{OutputProfile, RunId, media::MediaProbe};

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
    },
    /// The plain slate: every frame a keyframe, silent, so that it can be cut anywhere.
    Slate {
        /// A line of text in the middle of the picture; any characters.
        text: String,
    },
}
