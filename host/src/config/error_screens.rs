//! `[error_screens]`: what viewers see and hear when there is nothing else.
//!
//! Does: define its keys and check what types alone cannot.
//! Does not: choose words for a cause; that is `exstreamtv_core::screen`.
//! Invariant: the defaults are a dark, silent picture with a few lines of text.

use std::path::PathBuf;

use exstreamtv_model::slate::{AudioMode, PatternKind, Rgb, ScreenStyle, VisualMode};
use serde::{Deserialize, Serialize};

use super::{ValueError, within};

/// What viewers see and hear when there is nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ErrorScreens {
    /// Whether slates say anything; without it they are dark and silent.
    pub enabled: bool,
    /// The picture.
    pub visual_mode: VisualMode,
    /// The sound.
    pub audio_mode: AudioMode,
    /// The picture file of the modes image and static; a relative path is below error_screens in the data folder.
    pub image: PathBuf,
    /// Which test pattern.
    pub pattern: PatternKind,
    /// The colour behind everything.
    pub background: Rgb,
    /// The colour of the letters.
    pub foreground: Rgb,
    /// The largest line after a failure.
    pub title: String,
    /// The line below it.
    pub subtitle: String,
    /// The largest line where nothing is scheduled.
    pub offline_title: String,
    /// The largest line while a channel starts.
    pub starting_title: String,
    /// Whether number and name of the channel are shown.
    pub show_channel: bool,
    /// Whether the reason is given.
    pub show_reason: bool,
    /// Whether the next programme is announced.
    pub show_next: bool,
    /// Whether a failure shows its code.
    pub show_code: bool,
    /// Rendered slates that are kept; the one not used for longest goes.
    pub max_cached: usize,
    /// Bytes on disk that they may take together.
    pub max_cached_bytes: u64,
}

impl Default for ErrorScreens {
    fn default() -> Self {
        let style = ScreenStyle::default();
        Self {
            enabled: true,
            visual_mode: style.visual_mode,
            audio_mode: style.audio_mode,
            image: style.image,
            pattern: style.pattern,
            background: style.background,
            foreground: style.foreground,
            title: style.title,
            subtitle: style.subtitle,
            offline_title: style.offline_title,
            starting_title: style.starting_title,
            show_channel: style.show_channel,
            show_reason: style.show_reason,
            show_next: style.show_next,
            show_code: style.show_code,
            max_cached: 200,
            max_cached_bytes: 256 << 20,
        }
    }
}

impl ErrorScreens {
    /// Returns how slates look, sound and speak.
    pub fn style(&self) -> ScreenStyle {
        let Self { visual_mode, audio_mode, pattern, background, foreground, .. } = *self;
        ScreenStyle {
            visual_mode,
            audio_mode,
            image: self.image.clone(),
            pattern,
            background,
            foreground,
            title: self.title.clone(),
            subtitle: self.subtitle.clone(),
            offline_title: self.offline_title.clone(),
            starting_title: self.starting_title.clone(),
            show_channel: self.show_channel,
            show_reason: self.show_reason,
            show_next: self.show_next,
            show_code: self.show_code,
        }
    }

    pub(super) fn check(&self) -> Result<(), ValueError> {
        within("[error_screens] max_cached", self.max_cached as u64, 1, 10_000)?;
        within("[error_screens] max_cached_bytes", self.max_cached_bytes, 1 << 20, 1 << 40)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_plain_look() {
        assert_eq!(ErrorScreens::default().style(), ScreenStyle::default());
    }

    #[test]
    fn the_names_of_the_specification_are_understood() {
        let section: ErrorScreens = toml::from_str("visual_mode = \"test_pattern\"\naudio_mode = \"sine\"").unwrap();
        assert_eq!((section.visual_mode, section.audio_mode), (VisualMode::Pattern, AudioMode::Sine));
        assert!(toml::from_str::<ErrorScreens>("visual_mode = \"hologram\"").is_err());
        let message = toml::from_str::<ErrorScreens>("background = \"blue\"").unwrap_err().to_string();
        assert!(message.contains("#rrggbb"), "{message}");
    }

    #[test]
    fn a_cache_of_nothing_is_refused_by_its_name() {
        let error = ErrorScreens { max_cached: 0, ..Default::default() }.check().unwrap_err();
        assert!(error.to_string().contains("[error_screens] max_cached = 0"));
    }
}
