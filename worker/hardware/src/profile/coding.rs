//! The tables about decoders and encoders.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Condition, Template};

/// Where pictures are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Where {
    /// On the profile's surface.
    #[default]
    Surface,
    /// In system memory.
    System,
}

/// A decoder.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Decode {
    /// What it decodes, by FFmpeg's names.
    pub codecs: Vec<String>,
    /// Bits a sample.
    pub depth: Vec<u8>,
    /// Chroma.
    #[serde(default = "four_two_zero")]
    pub chroma: Vec<String>,
    /// The only profiles that it decodes, by FFmpeg's names; all, where there are none.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// Profiles that it does not decode.
    #[serde(default)]
    pub profiles_not: Vec<String>,
    /// The smallest picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_min: Option<[u32; 2]>,
    /// The largest picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_max: Option<[u32; 2]>,
    /// When it works; all must hold.
    #[serde(default)]
    pub when: Vec<Condition>,
    /// The decoder that FFmpeg must have, where it is not the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoder: Option<String>,
    /// Arguments in front of the input.
    #[serde(default)]
    pub args: Vec<Template>,
    /// Where its pictures are.
    #[serde(default, rename = "yields")]
    pub yields: Where,
}

/// An encoder.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Encode {
    /// What it makes, by FFmpeg's name.
    pub codec: String,
    /// The encoder that FFmpeg must have.
    pub encoder: String,
    /// Bits a sample.
    pub depth: Vec<u8>,
    /// Where it takes pictures from.
    #[serde(default)]
    pub on: Where,
    /// Pixel format of the pictures; that of the samples, where they are on a surface.
    pub input_format: String,
    /// The smallest picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_min: Option<[u32; 2]>,
    /// The largest picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_max: Option<[u32; 2]>,
    /// The most pictures a second at the largest size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fps_max: Option<u32>,
    /// The highest mean bit rate that it keeps, bits a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bitrate_max: Option<u32>,
    /// When it works; all must hold.
    #[serde(default)]
    pub when: Vec<Condition>,
    /// Arguments behind `-c:v`.
    #[serde(default)]
    pub args: Vec<Template>,
    /// Bitstream filters of what it makes, in order.
    #[serde(default)]
    pub bsf: Vec<String>,
    /// Arguments of each way to control the rate.
    pub rate: BTreeMap<RateMode, Vec<Template>>,
    /// Which way is taken first.
    pub rate_prefer: Vec<RateMode>,
    /// The most pictures between two that refer to each other the other way round, with these arguments.
    #[serde(default)]
    pub b_frames: u8,
    /// Name of the limit that it counts towards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// How the bit rate is controlled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RateMode {
    /// A mean and a peak.
    Vbr,
    /// Always the same.
    Cbr,
    /// A quality, whatever it takes.
    Cqp,
}

fn four_two_zero() -> Vec<String> {
    vec!["420".to_owned()]
}

impl Decode {
    /// Returns whether it takes pictures of this size.
    pub fn takes_size(&self, width: u32, height: u32) -> bool {
        takes_size(self.size_min, self.size_max, width, height)
    }

    /// Returns whether it takes this profile; one that is not known is taken where any is.
    pub fn takes_profile(&self, profile: Option<&str>) -> bool {
        let among = |list: &[String], profile: &str| list.iter().any(|known| known.eq_ignore_ascii_case(profile));
        match profile {
            Some(profile) => {
                (self.profiles.is_empty() || among(&self.profiles, profile)) && !among(&self.profiles_not, profile)
            }
            None => self.profiles.is_empty(),
        }
    }
}

impl Encode {
    /// Returns whether it makes pictures of this size.
    pub fn takes_size(&self, width: u32, height: u32) -> bool {
        takes_size(self.size_min, self.size_max, width, height)
    }
}

fn takes_size(min: Option<[u32; 2]>, max: Option<[u32; 2]>, width: u32, height: u32) -> bool {
    min.is_none_or(|[w, h]| width >= w && height >= h) && max.is_none_or(|[w, h]| width <= w && height <= h)
}
