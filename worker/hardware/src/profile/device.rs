//! The tables about finding a device, opening it and trying it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Condition, Template, pattern::Pattern};

/// How devices are found and opened.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Where devices are looked for.
    pub enumerate: Enumerate,
    /// Which of them are this family's; all must hold.
    #[serde(default, rename = "match")]
    pub matches: Vec<Condition>,
    /// Which of them are no hardware.
    #[serde(default)]
    pub exclude: Vec<Exclusion>,
    /// FFmpeg's global arguments that open one. Devices have names there: filters and decoders refer to them.
    #[serde(default)]
    pub init: Vec<Template>,
    /// Environment of the FFmpeg that opens one; of nobody else.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Groups whose members may usually open it, for advice.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// Where devices are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Enumerate {
    /// There is no device: software.
    None,
    /// `/dev/nvidia0` and so on; `{device}` is the index.
    Nvidia,
    /// `/dev/dri/renderD128` and so on; `{device}` is the path.
    Drm,
    /// `/dev/video0` and so on, those that code video; FFmpeg finds them by itself.
    V4l2,
    /// Rockchip's `/dev/mpp_service`.
    Rockchip,
    /// `/dev/dri/renderD128` and so on through Vulkan; `{device}` is Vulkan's index.
    Vulkan,
    /// The one that macOS has.
    Videotoolbox,
}

/// Devices that are found and are no hardware.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// All must hold.
    pub when: Vec<Condition>,
    /// Why, in words for people; fits after "no: ".
    pub because: String,
}

/// What of FFmpeg a profile uses.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Build {
    /// Without any one of these the profile is of no use.
    pub need: Needs,
    /// These are used where they are there.
    pub may: Needs,
    /// What to do when something needed is missing, in words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// Parts of FFmpeg, by the names in its lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Needs {
    /// Of `ffmpeg -hwaccels`.
    pub hwaccels: Vec<String>,
    /// Of `ffmpeg -encoders`.
    pub encoders: Vec<String>,
    /// Of `ffmpeg -decoders`.
    pub decoders: Vec<String>,
    /// Of `ffmpeg -filters`.
    pub filters: Vec<String>,
}

/// A question that is asked before anything is decoded or encoded.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Probe {
    /// Reads a small file of the system.
    Read {
        /// Its name.
        id: String,
        /// Probes that must have passed before.
        #[serde(default)]
        after: Vec<String>,
        /// The file, absolute.
        path: String,
        /// What is taken from its text.
        #[serde(default)]
        capture: Vec<Capture>,
        /// Why the device is of no use where there is no such file; fits after "no: ". Without it the file may be missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        missing: Option<String>,
        /// What to do then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        advice: Option<String>,
    },
    /// Runs FFmpeg.
    Run {
        /// Its name.
        id: String,
        /// Probes that must have passed before.
        #[serde(default)]
        after: Vec<String>,
        /// Arguments; `{init}` stands for the device's.
        args: Vec<Template>,
        /// How long it may take.
        #[serde(default = "default_timeout_ms")]
        timeout_ms: u64,
        /// What shows that it passed.
        #[serde(default)]
        expect: Expectation,
        /// What is taken from its words.
        #[serde(default)]
        capture: Vec<Capture>,
        /// Whether the device may be used although it failed.
        #[serde(default)]
        optional: bool,
    },
}

/// What is taken from a text.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Capture {
    /// Which fact it is: a field that conditions may ask about, or `capture.` and any name.
    pub fact: String,
    /// What is looked for; its first group is the fact.
    pub regex: Pattern,
    /// Whether every place where it is found counts, and the fact is several.
    #[serde(default)]
    pub all: bool,
    /// The fact where the pattern is found, instead of what it finds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<crate::Fact>,
}

/// What shows that a run of FFmpeg passed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Expectation {
    /// Whether it must end by itself without an error.
    pub exit_zero: bool,
    /// At least so many frames must come out.
    pub frames: u32,
    /// Texts that FFmpeg must say.
    pub has: Vec<String>,
    /// Texts that it must not say.
    pub not: Vec<String>,
}

impl Default for Expectation {
    fn default() -> Self {
        Self { exit_zero: true, frames: 0, has: Vec::new(), not: Vec::new() }
    }
}

/// How decoders, filters and encoders are tried. What is tried follows from the tables `decode`, `op` and `encode`, so it is what is really used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Smoke {
    /// Size of the pictures that are tried; small ones are refused by some cards.
    pub size: [u32; 2],
    /// Pictures that must come out.
    pub frames: u32,
    /// How long one try may take.
    pub timeout_ms: u64,
    /// Name of what must not be tried twice at once on this machine: it takes up something that is scarce.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclusive: Option<String>,
    /// What FFmpeg must and must not say about a decoder that works. Without it a decoder could have fallen back to software in silence.
    pub decode: Evidence,
    /// What FFmpeg must and must not say about an encoder that works.
    pub encode: Evidence,
}

impl Default for Smoke {
    fn default() -> Self {
        Self {
            size: [1280, 720],
            frames: 10,
            timeout_ms: 10_000,
            exclusive: None,
            decode: Evidence::default(),
            encode: Evidence::default(),
        }
    }
}

/// FFmpeg's words that show how something was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Evidence {
    /// It must say all of these.
    pub has: Vec<String>,
    /// It must say none of these.
    pub not: Vec<String>,
}

fn default_timeout_ms() -> u64 {
    8_000
}

impl Probe {
    /// Returns its name.
    pub fn id(&self) -> &str {
        match self {
            Self::Read { id, .. } | Self::Run { id, .. } => id,
        }
    }

    /// Returns which probes must have passed before.
    pub fn after(&self) -> &[String] {
        match self {
            Self::Read { after, .. } | Self::Run { after, .. } => after,
        }
    }

    /// Returns what is taken from its answer.
    pub fn captures(&self) -> &[Capture] {
        match self {
            Self::Read { capture, .. } | Self::Run { capture, .. } => capture,
        }
    }
}

impl Needs {
    /// Returns every part as (kind, name): ("encoder", "h264_nvenc").
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.hwaccels
            .iter()
            .map(|name| ("hwaccel", name.as_str()))
            .chain(self.encoders.iter().map(|name| ("encoder", name.as_str())))
            .chain(self.decoders.iter().map(|name| ("decoder", name.as_str())))
            .chain(self.filters.iter().map(|name| ("filter", name.as_str())))
    }
}
