//! `[[watermark]]`: a logo in the corner of the picture.

use std::path::PathBuf;

use exstreamtv_model::order::Corner;
use serde::{Deserialize, Serialize};

use super::{ValueError, within};
use crate::watermarks::Rule;

/// A logo in the corner of the picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watermark {
    /// Absolute path of the image; what is transparent in it shows the picture.
    pub image: PathBuf,
    /// Numbers of the channels that show it; empty for all. The first that fits a channel counts.
    #[serde(default)]
    pub channels: Vec<String>,
    /// In which corner.
    #[serde(default)]
    pub corner: Corner,
    /// Its width, percent of the picture's.
    #[serde(default = "width")]
    pub width_percent: u8,
    /// Its distance from both edges, percent of the picture's width.
    #[serde(default = "margin")]
    pub margin_percent: u8,
    /// How much of it is seen, percent.
    #[serde(default = "opacity")]
    pub opacity_percent: u8,
    /// Seconds from one showing to the next, by the clock; 0 shows it always.
    #[serde(default)]
    pub every_s: u32,
    /// Seconds of each showing.
    #[serde(default)]
    pub for_s: u32,
}

fn width() -> u8 {
    10
}

fn margin() -> u8 {
    3
}

fn opacity() -> u8 {
    80
}

impl Watermark {
    /// Returns what the parts that run are told.
    pub fn rule(&self) -> Rule {
        Rule {
            image: self.image.clone(),
            channels: self.channels.clone(),
            corner: self.corner,
            width_percent: self.width_percent,
            margin_percent: self.margin_percent,
            opacity_percent: self.opacity_percent,
            every_s: self.every_s,
            for_s: self.for_s,
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// Names the first that cannot be used.
    pub(super) fn check(&self) -> Result<(), ValueError> {
        if !self.image.is_absolute() {
            return Err(ValueError::WatermarkPath { path: self.image.clone() });
        }
        within("[[watermark]] width_percent", self.width_percent.into(), 1, 100)?;
        within("[[watermark]] margin_percent", self.margin_percent.into(), 0, 40)?;
        within("[[watermark]] opacity_percent", self.opacity_percent.into(), 1, 100)?;
        within("[[watermark]] every_s", self.every_s.into(), 0, 86_400)?;
        let least = u64::from(self.every_s > 0);
        within("[[watermark]] for_s", self.for_s.into(), least, u64::from(self.every_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        toml::from_str::<Watermark>(text).unwrap().check().unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_shown_is_named() {
        assert!(fault("image = \"logo.png\"").contains("[[watermark]] image = logo.png"));
        assert!(fault("image = \"/logo.png\"\nopacity_percent = 0").contains("opacity_percent = 0"));
        assert!(fault("image = \"/logo.png\"\nevery_s = 60\nfor_s = 61").contains("[[watermark]] for_s = 61"));
        assert!(fault("image = \"/logo.png\"\nevery_s = 60").contains("[[watermark]] for_s = 0"));
        assert!(toml::from_str::<Watermark>("image = \"/logo.png\"").unwrap().check().is_ok());
        assert!(toml::from_str::<Watermark>("image = \"/logo.png\"\ncolour = 1").is_err());
    }
}
