//! `[loudness]`: whether programmes are made equally loud.

use serde::{Deserialize, Serialize};

use super::ValueError;

/// Whether programmes are made equally loud.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Loudness {
    /// Whether they are. Each sound is measured once, in the background, before or when it is first played.
    pub enabled: bool,
    /// How loud, in LUFS: -23 in Europe (EBU R 128), -24 in America (ATSC A/85).
    pub target_lufs: f64,
}

impl Default for Loudness {
    fn default() -> Self {
        Self { enabled: false, target_lufs: -23.0 }
    }
}

impl Loudness {
    /// Returns what the parts that run are told.
    pub fn settings(self) -> crate::loudness::Settings {
        crate::loudness::Settings { enabled: self.enabled, target_lufs: self.target_lufs }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// Names the first that cannot be used.
    pub(super) fn check(self) -> Result<(), ValueError> {
        match (-40.0..=-10.0).contains(&self.target_lufs) {
            true => Ok(()),
            false => Err(ValueError::Loudness { value: self.target_lufs }),
        }
    }
}
