//! Media files: what is on disk and what probing found in it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{FrameRate, MediaId, Metadata};

/// One file of the library.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MediaItem {
    /// Stable identity; survives rescans and soft deletion.
    pub id: MediaId,
    /// Absolute path.
    pub path: PathBuf,
    /// Size when it was probed.
    pub size_bytes: u64,
    /// Modification time when it was probed, Unix milliseconds.
    pub mtime_ms: i64,
    /// Whether it can be scheduled.
    pub state: MediaState,
    /// What probing found; absent for broken files.
    pub probe: Option<MediaProbe>,
    /// What its name, its folder and its sidecar say.
    pub metadata: Metadata,
}

impl MediaItem {
    /// Returns the duration in milliseconds if the item can be scheduled.
    pub fn playable_ms(&self) -> Option<i64> {
        match (&self.state, &self.probe) {
            (MediaState::Ready, Some(probe)) if probe.duration_ms > 0 => Some(probe.duration_ms),
            _ => None,
        }
    }
}

/// Whether a file can be scheduled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum MediaState {
    /// Probed and playable.
    Ready,
    /// Listed with its reason, never scheduled.
    Broken {
        /// Why, in words for people.
        reason: String,
    },
    /// Was there, is not there now; kept so that it keeps its identity when it returns.
    Missing,
}

/// What ffprobe found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MediaProbe {
    /// Container, FFmpeg's name ("matroska,webm").
    pub container: String,
    /// Length of the longest playable stream.
    pub duration_ms: i64,
    /// Mean bit rate of the whole file, if known.
    pub bitrate_bps: Option<u64>,
    /// Every stream, in file order.
    pub streams: Vec<Stream>,
    /// Chapters, in time order.
    pub chapters: Vec<Chapter>,
}

impl MediaProbe {
    /// Returns the moving pictures: video streams that are not attached cover art.
    pub fn video(&self) -> impl Iterator<Item = (&Stream, &VideoStream)> {
        self.streams.iter().filter_map(|stream| match &stream.kind {
            StreamKind::Video(video) if !stream.disposition.attached_pic => Some((stream, video)),
            _ => None,
        })
    }

    /// Returns the audio streams.
    pub fn audio(&self) -> impl Iterator<Item = (&Stream, &AudioStream)> {
        self.streams.iter().filter_map(|stream| match &stream.kind {
            StreamKind::Audio(audio) => Some((stream, audio)),
            _ => None,
        })
    }
}

/// One stream of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Stream {
    /// Absolute index in the file.
    pub index: u32,
    /// FFmpeg's codec name; empty when FFmpeg does not know the codec.
    pub codec: String,
    /// FFmpeg's profile name.
    pub profile: Option<String>,
    /// Language tag as the file writes it.
    pub language: Option<String>,
    /// Title as the file writes it.
    pub title: Option<String>,
    /// Flags.
    pub disposition: Disposition,
    /// What kind of stream it is.
    pub kind: StreamKind,
}

/// What kind of stream it is, with what matters for that kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StreamKind {
    /// Pictures.
    Video(VideoStream),
    /// Sound.
    Audio(AudioStream),
    /// Text or image subtitles.
    Subtitle,
    /// Fonts and the like.
    Attachment,
    /// Anything else.
    Data,
}

/// A picture stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VideoStream {
    /// Coded width, before rotation and sample aspect.
    pub width: u32,
    /// Coded height.
    pub height: u32,
    /// Shape of one sample as a fraction; 1/1 when unknown.
    pub sample_aspect: (u32, u32),
    /// Clockwise rotation for display: 0, 90, 180 or 270.
    pub rotation_degrees: u16,
    /// Mean frame rate, if the file knows.
    pub frame_rate: Option<FrameRate>,
    /// When its first picture is shown, from the start of the file.
    #[serde(default)]
    pub first_picture_ms: i64,
    /// FFmpeg's pixel format name.
    pub pixel_format: Option<String>,
    /// Order of the fields.
    pub field_order: FieldOrder,
    /// Colour tags, FFmpeg's names.
    pub color: Color,
}

/// Colour tags, FFmpeg's names; absent when unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Color {
    /// "tv" or "pc".
    pub range: Option<String>,
    /// Matrix.
    pub space: Option<String>,
    /// Transfer.
    pub transfer: Option<String>,
    /// Primaries.
    pub primaries: Option<String>,
}

/// Order of the fields of a picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FieldOrder {
    /// The file does not say.
    #[default]
    Unknown,
    /// Whole pictures.
    Progressive,
    /// Interlaced, top field first.
    TopFirst,
    /// Interlaced, bottom field first.
    BottomFirst,
}

/// A sound stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AudioStream {
    /// Channels.
    pub channels: u8,
    /// FFmpeg's layout name ("5.1(side)").
    pub layout: Option<String>,
    /// Samples a second.
    pub sample_rate_hz: u32,
}

/// How loud a sound is, by EBU R 128 (ITU-R BS.1770).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Loudness {
    /// Integrated loudness, LUFS; absent where it is silence.
    pub integrated_lufs: Option<f64>,
    /// Highest true peak, dBTP; absent where it is silence.
    pub true_peak_dbtp: Option<f64>,
}

/// The highest true peak that may leave, dBTP (EBU R 128, 2020).
pub const MAX_TRUE_PEAK_DBTP: f64 = -1.0;

impl Loudness {
    /// Returns by how many decibels the sound has to be made louder to reach `target_lufs`, as far as its peaks allow: whoever limits peaks changes the
    /// sound, which is not ours to do. Silence stays as it is.
    pub fn gain_db(&self, target_lufs: f64) -> Option<f64> {
        let wanted = target_lufs - self.integrated_lufs?;
        let room = self.true_peak_dbtp.map_or(f64::INFINITY, |peak| MAX_TRUE_PEAK_DBTP - peak);
        let gain = wanted.min(room.max(wanted.min(0.0)));
        gain.is_finite().then_some(gain.clamp(-40.0, 30.0))
    }
}

/// FFmpeg's disposition flags that matter to us.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Disposition {
    /// Chosen by the author.
    pub default: bool,
    /// Must be shown.
    pub forced: bool,
    /// In the original language.
    pub original: bool,
    /// People talk about the film.
    pub comment: bool,
    /// For the hard of hearing.
    pub hearing_impaired: bool,
    /// For the blind.
    pub visual_impaired: bool,
    /// Cover art, not a moving picture.
    pub attached_pic: bool,
}

/// A chapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Chapter {
    /// From the start of the file.
    pub start_ms: i64,
    /// From the start of the file.
    pub end_ms: i64,
    /// Title, if it has one.
    pub title: Option<String>,
}
