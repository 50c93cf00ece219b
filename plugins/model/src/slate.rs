//! Slates: what a channel shows and sounds like when it has nothing else.
//!
//! Does: name the modes of picture and sound, the message, and how both are configured.
//! Does not: choose words for a cause (that is `exstreamtv_core::screen`), render or place anything.
//! Invariant: a [`Screen`] says everything about a rendered slate but its profile; two equal ones give the same picture.

use std::{fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{FrameRate, OutputProfile, profile::SAMPLE_RATE_HZ};

/// Sound frames of silence with which a rendered slate begins, before its own sound.
pub const SILENT_LEAD_FRAMES: usize = 12;
/// Sound frames after which the sound of a slate repeats itself: 1.6 s hold 704 waves of 440 Hz and two beeps.
pub const SOUND_LOOP_FRAMES: usize = 75;
/// Sound frames for which a sound settles after its beginning.
pub const SOUND_SETTLES_FRAMES: usize = 6;

/// Returns how many pictures must be rendered for a slate: whole GOPs, two at least, that hold silence and sound.
pub fn frames_to_render(profile: &OutputProfile) -> u32 {
    // The last sound frames are lost when the encoder ends.
    let sounds = (SILENT_LEAD_FRAMES + SOUND_SETTLES_FRAMES + SOUND_LOOP_FRAMES + 6) as u64;
    let FrameRate { num, den } = profile.frame_rate;
    let pictures = (sounds * 1024 * u64::from(num)).div_ceil(u64::from(SAMPLE_RATE_HZ) * u64::from(den.max(1)));
    let gop = profile.gop_frames().max(1);
    let gops = u32::try_from(pictures).unwrap_or(u32::MAX).div_ceil(gop).max(2);
    gops.saturating_mul(gop)
}

/// What a rendered slate shows and sounds like.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Screen {
    /// The picture behind the message.
    pub visual: Visual,
    /// The sound.
    pub audio: AudioMode,
    /// The colour behind everything.
    pub background: Rgb,
    /// The colour of the message.
    pub foreground: Rgb,
    /// What is written on it.
    pub message: Message,
}

/// The picture behind the message, with all that it needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Visual {
    /// The message on the background colour.
    Text,
    /// The message on a picture, which is scaled and gets bars.
    Image {
        /// Absolute path.
        path: PathBuf,
    },
    /// The message on the snow of an empty analogue channel.
    Noise,
    /// The message on a test pattern.
    Pattern {
        /// Which one.
        kind: PatternKind,
    },
    /// The background colour and nothing else.
    Slate,
}

/// What is written on a slate; an empty line is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Message {
    /// Number and name of the channel.
    pub channel: String,
    /// The largest line.
    pub title: String,
    /// The line below it.
    pub subtitle: String,
    /// Why the programme is not on, in plain words.
    pub reason: String,
    /// What comes next, and when.
    pub next: String,
    /// What a viewer can quote.
    pub code: String,
}

impl Message {
    /// Returns a message of one line.
    pub fn titled(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Returns whether nothing would be written.
    pub fn is_blank(&self) -> bool {
        [&self.channel, &self.title, &self.subtitle, &self.reason, &self.next, &self.code]
            .iter()
            .all(|line| line.trim().is_empty())
    }
}

impl Screen {
    /// Returns the plain look, dark and silent, with this message.
    pub fn plain(message: Message) -> Self {
        let style = ScreenStyle::default();
        Self {
            visual: Visual::Text,
            audio: AudioMode::Silent,
            background: style.background,
            foreground: style.foreground,
            message,
        }
    }

    /// Returns the same message on the background colour: what remains when a picture cannot be shown.
    pub fn without_picture(&self) -> Self {
        Self { visual: Visual::Text, ..self.clone() }
    }

    /// Returns whether letters have to be drawn.
    pub fn draws_text(&self) -> bool {
        self.visual != Visual::Slate && !self.message.is_blank()
    }
}

/// Which picture a slate has, as it is configured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum VisualMode {
    /// The message on the background colour.
    #[default]
    Text,
    /// A picture where one is configured, else the snow of an empty analogue channel.
    Static,
    /// A picture.
    Image,
    /// The snow of an empty analogue channel.
    Noise,
    /// A test pattern.
    #[serde(alias = "test_pattern")]
    Pattern,
    /// The background colour and nothing else.
    Slate,
}

/// Which sound a slate has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AudioMode {
    /// None.
    #[default]
    Silent,
    /// A steady tone of 440 Hz.
    Sine,
    /// White noise.
    Noise,
    /// A short tone, again and again.
    Beep,
}

/// Which test pattern.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PatternKind {
    /// The colour bars of the SMPTE.
    #[default]
    Smpte,
    /// FFmpeg's own, with something that moves.
    Testsrc,
}

/// How slates look, sound and speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenStyle {
    /// The picture.
    pub visual_mode: VisualMode,
    /// The sound.
    pub audio_mode: AudioMode,
    /// The picture file of `image` and `static`; relative to the folder for such pictures. Empty is none.
    pub image: PathBuf,
    /// Which test pattern.
    pub pattern: PatternKind,
    /// The colour behind everything.
    pub background: Rgb,
    /// The colour of the message.
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
}

impl Default for ScreenStyle {
    fn default() -> Self {
        Self {
            visual_mode: VisualMode::Text,
            audio_mode: AudioMode::Silent,
            image: PathBuf::new(),
            pattern: PatternKind::Smpte,
            // Near black with a trace of blue.
            background: Rgb(0x10_14_1c),
            foreground: Rgb(0xd8_dc_e4),
            title: "We will be right back".to_owned(),
            subtitle: String::new(),
            offline_title: "Off air".to_owned(),
            starting_title: "One moment, please".to_owned(),
            show_channel: true,
            show_reason: true,
            show_next: true,
            show_code: true,
        }
    }
}

/// What a channel wants otherwise than the configuration says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ScreenChanges {
    /// The picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visual_mode: Option<VisualMode>,
    /// The sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_mode: Option<AudioMode>,
    /// The name of a file in the folder for such pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub image: Option<PathBuf>,
    /// Which test pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<PatternKind>,
    /// The colour behind everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<Rgb>,
    /// The colour of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreground: Option<Rgb>,
    /// The largest line after a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The line below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<String>,
    /// The largest line where nothing is scheduled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offline_title: Option<String>,
    /// The largest line while the channel starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starting_title: Option<String>,
    /// Whether number and name of the channel are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub show_channel: Option<bool>,
    /// Whether the reason is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub show_reason: Option<bool>,
    /// Whether the next programme is announced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub show_next: Option<bool>,
    /// Whether a failure shows its code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub show_code: Option<bool>,
}

/// Why what a channel wants cannot be shown; fits after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScreenError {
    /// A path where only a name is allowed: who may change a channel may not read every file of this machine.
    #[error("show the image {}: give the name of a file in the folder error_screens of the data folder", .path.display())]
    Image {
        /// What was given.
        path: PathBuf,
    },
    /// More text than a picture holds.
    #[error("show a {what} of {characters} characters: at most {MOST_CHARACTERS} can be read")]
    TooLong {
        /// Which line.
        what: &'static str,
        /// Its length.
        characters: usize,
    },
}

/// Longer lines than this are no lines.
const MOST_CHARACTERS: usize = 200;

impl ScreenChanges {
    /// Checks what comes from outside.
    ///
    /// # Errors
    /// Names the first value that cannot be shown.
    pub fn check(&self) -> Result<(), ScreenError> {
        if let Some(path) = &self.image
            && !is_name(path)
        {
            return Err(ScreenError::Image { path: path.clone() });
        }
        let lines = [
            ("title", &self.title),
            ("subtitle", &self.subtitle),
            ("offline_title", &self.offline_title),
            ("starting_title", &self.starting_title),
        ];
        for (what, line) in lines {
            let characters = line.as_ref().map_or(0, |line| line.chars().count());
            if characters > MOST_CHARACTERS {
                return Err(ScreenError::TooLong { what, characters });
            }
        }
        Ok(())
    }
}

/// An empty name is none: it takes a configured image away.
fn is_name(path: &std::path::Path) -> bool {
    let mut parts = path.components();
    match (parts.next(), parts.next()) {
        (None, None) => true,
        (Some(std::path::Component::Normal(name)), None) => name == path.as_os_str(),
        _ => false,
    }
}

impl ScreenStyle {
    /// Returns the style with a channel's changes.
    pub fn with(&self, changes: &ScreenChanges) -> Self {
        let text = |changed: &Option<String>, own: &String| changed.as_ref().unwrap_or(own).clone();
        Self {
            visual_mode: changes.visual_mode.unwrap_or(self.visual_mode),
            audio_mode: changes.audio_mode.unwrap_or(self.audio_mode),
            image: changes.image.as_ref().unwrap_or(&self.image).clone(),
            pattern: changes.pattern.unwrap_or(self.pattern),
            background: changes.background.unwrap_or(self.background),
            foreground: changes.foreground.unwrap_or(self.foreground),
            title: text(&changes.title, &self.title),
            subtitle: text(&changes.subtitle, &self.subtitle),
            offline_title: text(&changes.offline_title, &self.offline_title),
            starting_title: text(&changes.starting_title, &self.starting_title),
            show_channel: changes.show_channel.unwrap_or(self.show_channel),
            show_reason: changes.show_reason.unwrap_or(self.show_reason),
            show_next: changes.show_next.unwrap_or(self.show_next),
            show_code: changes.show_code.unwrap_or(self.show_code),
        }
    }
}

/// A colour, written "#rrggbb".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, example = "#10141c"))]
pub struct Rgb(u32);

/// Why a text is no colour.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read {text:?} as a colour: write it as #rrggbb, such as #10141c")]
pub struct RgbError {
    /// The text that was given.
    pub text: String,
}

impl Rgb {
    /// Returns red, green and blue.
    pub fn channels(self) -> [u8; 3] {
        let [_, red, green, blue] = self.0.to_be_bytes();
        [red, green, blue]
    }
}

impl FromStr for Rgb {
    type Err = RgbError;

    fn from_str(text: &str) -> Result<Self, RgbError> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let value = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        value.map(Self).ok_or_else(|| RgbError { text: text.to_owned() })
    }
}

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:06x}", self.0)
    }
}

impl Serialize for Rgb {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rgb {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_gops_are_rendered_and_more_where_they_are_shorter_than_the_sound() {
        let with = |gop_ms| frames_to_render(&OutputProfile { gop_ms, ..Default::default() });
        assert_eq!((with(2_000), with(500), with(1_000), with(6_000)), (120, 75, 90, 360));
    }

    #[test]
    fn colours_are_written_as_on_the_web() {
        let color: Rgb = "#FFa010".parse().unwrap();
        assert_eq!((color.to_string().as_str(), color.channels()), ("#ffa010", [0xff, 0xa0, 0x10]));
        for text in ["", "ffa010", "#ffa01", "#ffa0100", "#gg0000", "#+12345", "#ä1234"] {
            assert!(text.parse::<Rgb>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn modes_have_the_names_of_the_specification_too() {
        let mode = |text: &str| serde_json::from_value::<VisualMode>(text.into()).unwrap();
        assert_eq!(
            ["text", "static", "test_pattern", "slate", "image", "noise", "pattern"].map(mode),
            [
                VisualMode::Text,
                VisualMode::Static,
                VisualMode::Pattern,
                VisualMode::Slate,
                VisualMode::Image,
                VisualMode::Noise,
                VisualMode::Pattern
            ]
        );
    }

    #[test]
    fn a_channel_changes_what_it_names_and_nothing_else() {
        let changes: ScreenChanges = serde_json::from_str(r#"{"audio_mode":"beep","show_code":false}"#).unwrap();
        let style = ScreenStyle::default().with(&changes);
        let expected = ScreenStyle { audio_mode: AudioMode::Beep, show_code: false, ..ScreenStyle::default() };
        assert_eq!(style, expected);
        assert!(serde_json::from_str::<ScreenChanges>(r#"{"sound":"beep"}"#).is_err());
    }

    #[test]
    fn a_channel_names_an_image_and_no_path() {
        let with = |image: &str| ScreenChanges { image: Some(image.into()), ..Default::default() }.check();
        assert_eq!([with("logo.png"), with("a b.jpg"), with("")], [Ok(()), Ok(()), Ok(())]);
        for path in ["/etc/passwd", "../x.png", "a/b.png", ".", "..", "./x.png", "x.png/"] {
            assert!(with(path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_line_that_nobody_can_read_is_refused() {
        let changes = ScreenChanges { subtitle: Some("x".repeat(201)), ..Default::default() };
        assert_eq!(changes.check(), Err(ScreenError::TooLong { what: "subtitle", characters: 201 }));
    }
}
