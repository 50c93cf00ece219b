//! The tables about surfaces and filters.

use serde::{Deserialize, Serialize};

use crate::{Condition, Template};

/// Where a card keeps its pictures, and how they get there and back.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Surface {
    /// Its name, which is FFmpeg's name of the pixel format of such pictures ("cuda", "vaapi").
    pub name: String,
    /// What pictures are in system memory before they go there and when they come back.
    pub sw_format: Formats,
    /// Filters that put a picture there; `{fmt}` is one of `sw_format`.
    pub upload: Template,
    /// Filters that bring one back.
    pub download: Template,
    /// Filters right behind a decoder, so that pictures which fell back to system memory join the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_decode: Option<Template>,
    /// Other surfaces that its pictures can be seen as.
    #[serde(default)]
    pub map: Vec<SurfaceMap>,
}

/// Pixel formats by depth.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Formats {
    /// 8 bits a sample.
    #[serde(rename = "8")]
    pub eight: String,
    /// 10 bits a sample, where it has that.
    #[serde(default, rename = "10", skip_serializing_if = "Option::is_none")]
    pub ten: Option<String>,
    /// With transparency, for overlays, where it has that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<String>,
}

/// Another surface that pictures can be seen as, without a copy.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SurfaceMap {
    /// Its name ("opencl").
    pub to: String,
    /// Global arguments that open what it needs, behind the device's `init`.
    #[serde(default)]
    pub init: Vec<Template>,
    /// Filters that lead there.
    pub there: Template,
    /// Filters that lead back.
    pub back: Template,
    /// When it works; all must hold.
    #[serde(default)]
    pub when: Vec<Condition>,
}

/// A filter that does something to pictures.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Op {
    /// What it does.
    pub op: OpKind,
    /// The filter that FFmpeg must have.
    pub filter: String,
    /// Other filters that it uses.
    #[serde(default)]
    pub also: Vec<String>,
    /// The surface it works on: "system", the profile's own, or one that is mapped. The profile's own where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// Bits a sample that it takes.
    pub depth: Vec<u8>,
    /// Bits a sample that come out, where they are others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub makes_depth: Option<u8>,
    /// Scale: the largest factor between old and new sides, in either direction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio_max: Option<u32>,
    /// When it works; all must hold.
    #[serde(default)]
    pub when: Vec<Condition>,
    /// How it is written, with everything that must follow.
    pub expr: Template,
    /// Overlay: what the picture below must be, where it must be something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main_format: Option<String>,
    /// Overlay: what the picture above must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secondary_format: Option<String>,
}

/// What a filter does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OpKind {
    /// Makes it larger or smaller, and another pixel format.
    Scale,
    /// Puts bars around it.
    Pad,
    /// Cuts edges off.
    Crop,
    /// Makes whole pictures of fields.
    Deinterlace,
    /// Lays a picture over it.
    Overlay,
    /// Makes an HDR picture one of standard range.
    Tonemap,
    /// Makes it another pixel format.
    Format,
    /// Shows the last one for a second more.
    Hold,
}

impl OpKind {
    /// Every kind.
    pub const ALL: [Self; 8] =
        [Self::Scale, Self::Pad, Self::Crop, Self::Deinterlace, Self::Overlay, Self::Tonemap, Self::Format, Self::Hold];

    /// Returns its name in profiles.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scale => "scale",
            Self::Pad => "pad",
            Self::Crop => "crop",
            Self::Deinterlace => "deinterlace",
            Self::Overlay => "overlay",
            Self::Tonemap => "tonemap",
            Self::Format => "format",
            Self::Hold => "hold",
        }
    }
}

impl Formats {
    /// Returns the format for pictures of `depth` bits a sample.
    pub fn of_depth(&self, depth: u8) -> Option<&str> {
        match depth {
            8 => Some(&self.eight),
            10 => self.ten.as_deref(),
            _ => None,
        }
    }
}
