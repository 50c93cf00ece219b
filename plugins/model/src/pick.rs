//! The documents of the contract `exstreamtv.picker/1`: which sound and which subtitles of a file are played.
//!
//! A picker is two functions: from an [`AudioRequest`] to an [`AudioAnswer`] and from a [`SubtitleRequest`] to a [`SubtitleAnswer`].
//! Streams are named by absolute index (place in the file) and by relative index (place among the streams of their type), because FFmpeg uses both.

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeOwned},
};

use crate::media::Disposition;

/// Which tracks a channel prefers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TrackPreferences {
    /// The sound.
    pub audio: AudioPreferences,
    /// The subtitles.
    pub subtitles: SubtitlePreferences,
}

/// Which sound is preferred.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct AudioPreferences {
    /// Languages, the most wanted first: ISO 639 codes, BCP 47 tags or names ("de", "ger", "pt-BR", "Deutsch"). Empty: no wish.
    pub languages: Vec<String>,
    /// Whether the language in which the work was made comes before `languages`.
    pub original_language: bool,
    /// Stereo or surround, where there is a choice.
    pub layout: LayoutPreference,
    /// Talk about the film.
    pub commentary: Wish,
    /// Description of the picture for the blind.
    pub audio_description: Wish,
    /// Codecs, the most wanted first, FFmpeg's names; empty ranks by quality.
    pub codecs: Vec<String>,
    /// What becomes of the low-frequency channel in a downmix.
    pub lfe: LfePolicy,
}

/// Stereo or surround.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LayoutPreference {
    /// The one nearest to what the channel sends, else the one with more channels.
    #[default]
    Any,
    /// One or two channels.
    Stereo,
    /// More than two.
    Surround,
}

/// How a special kind of track is treated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Only when there is nothing else.
    #[default]
    Avoid,
    /// Like any other.
    Allow,
    /// Before any other of the same language.
    Prefer,
}

/// What becomes of the low-frequency channel (LFE) in a downmix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LfePolicy {
    /// It is left out, as ITU-R BS.775 recommends.
    #[default]
    Drop,
    /// It is mixed in at -3 dB.
    Mix,
}

/// Asks which sound of a file is played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AudioRequest {
    /// The sound streams, in file order.
    pub streams: Vec<AudioCandidate>,
    /// What is preferred.
    #[serde(default, deserialize_with = "known_members")]
    pub preferences: AudioPreferences,
    /// In which language the work was made, if known.
    #[serde(default)]
    pub original_language: Option<String>,
    /// How many channels are sent: 1, 2 or 6.
    pub output_channels: u8,
}

/// Reads preferences of a request, where the members that a newer host adds are ignored; in a channel's settings they are mistakes.
fn known_members<'de, D: Deserializer<'de>, T: Default + Serialize + DeserializeOwned>(
    deserializer: D,
) -> Result<T, D::Error> {
    let mut preferences = serde_json::Value::deserialize(deserializer)?;
    let known = serde_json::to_value(T::default()).map_err(de::Error::custom)?;
    if let Some(members) = preferences.as_object_mut() {
        members.retain(|name, _| known.get(name).is_some());
    }
    T::deserialize(preferences).map_err(de::Error::custom)
}

/// One sound stream on offer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AudioCandidate {
    /// Place in the file.
    pub absolute: u32,
    /// Place among the sound streams.
    pub relative: u32,
    /// FFmpeg's codec name; empty when it does not know the codec.
    pub codec: String,
    /// FFmpeg's profile name ("DTS-HD MA").
    #[serde(default)]
    pub profile: Option<String>,
    /// Channels.
    pub channels: u8,
    /// FFmpeg's layout name ("5.1(side)").
    #[serde(default)]
    pub layout: Option<String>,
    /// Language as the file writes it.
    #[serde(default)]
    pub language: Option<String>,
    /// Title as the file writes it.
    #[serde(default)]
    pub title: Option<String>,
    /// Flags.
    #[serde(default)]
    pub disposition: Disposition,
}

/// Which sound is played, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AudioAnswer {
    /// The chosen stream; `None` plays silence.
    pub chosen: Option<StreamRef>,
    /// Why this one, in words for people.
    pub why: String,
    /// Every candidate once, the best first.
    pub ranked: Vec<RankedAudio>,
    /// How its channels become those that are sent; `None` where they are the same.
    #[serde(default)]
    pub downmix: Option<Downmix>,
}

/// A stream by both of its indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StreamRef {
    /// Place in the file.
    pub absolute: u32,
    /// Place among the streams of its type.
    pub relative: u32,
}

/// What was thought of one sound stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RankedAudio {
    /// Which stream.
    pub stream: StreamRef,
    /// Whether it is the chosen one.
    pub chosen: bool,
    /// Why, in words for people.
    pub reason: String,
}

/// How the channels of a sound become others: each output channel is a sum of input channels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Downmix {
    /// Layout that goes in, FFmpeg's name.
    pub from: String,
    /// Layout that comes out, FFmpeg's name.
    pub to: String,
    /// One row per output channel, in the layout's order.
    pub rows: Vec<DownmixRow>,
}

/// One output channel of a downmix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DownmixRow {
    /// The output channel, FFmpeg's name ("FL").
    pub channel: String,
    /// What is summed.
    pub gains: Vec<DownmixGain>,
}

/// One term of a sum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DownmixGain {
    /// The input channel, FFmpeg's name ("FC").
    pub from: String,
    /// Its factor; the factors of a row sum up to at most 1, so that full scale never clips.
    pub gain: f64,
}

/// Which subtitles are preferred.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct SubtitlePreferences {
    /// Whether there are subtitles at all.
    pub mode: SubtitleMode,
    /// Languages, the most wanted first, as for sound.
    pub languages: Vec<String>,
    /// Text or images, where there is a choice.
    pub form: FormPreference,
    /// Subtitles for the deaf and hard of hearing.
    pub sdh: Wish,
    /// Whether files beside the media count.
    pub sidecars: bool,
    /// How they reach the viewer.
    pub delivery: SubtitleDelivery,
}

impl Default for SubtitlePreferences {
    fn default() -> Self {
        Self {
            mode: SubtitleMode::Off,
            languages: Vec::new(),
            form: FormPreference::Any,
            sdh: Wish::Avoid,
            sidecars: true,
            delivery: SubtitleDelivery::BurnIn,
        }
    }
}

/// Whether there are subtitles at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SubtitleMode {
    /// Never.
    #[default]
    Off,
    /// By the priorities: language and form, language, default stream, first stream.
    Preferred,
    /// Only what must be shown: forced subtitles in the language of the sound, or in a preferred one.
    ForcedOnly,
    /// As preferred, but only where the sound is in none of the preferred languages; else forced ones.
    WhenAudioDiffers,
}

/// Text or images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FormPreference {
    /// No wish.
    #[default]
    Any,
    /// Text.
    Text,
    /// Images.
    Image,
}

/// How subtitles reach the viewer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SubtitleDelivery {
    /// Part of the picture, for every viewer.
    #[default]
    BurnIn,
    /// As a WebVTT rendition of the HLS stream, where they are text; images are burnt in.
    WebVtt,
}

/// Whether subtitles are text or images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SubtitleForm {
    /// Text.
    Text,
    /// Images.
    Image,
}

impl SubtitleForm {
    /// Returns the form of a codec by FFmpeg's name; `None` for one that cannot be shown.
    pub fn of_codec(codec: &str) -> Option<Self> {
        match codec {
            "subrip" | "srt" | "ass" | "ssa" | "mov_text" | "webvtt" | "text" | "ttml" | "microdvd" | "sami"
            | "realtext" | "subviewer" | "subviewer1" | "stl" | "mpl2" | "vplayer" | "jacosub" | "pjs" => {
                Some(Self::Text)
            }
            "hdmv_pgs_subtitle" | "dvd_subtitle" | "dvb_subtitle" | "xsub" => Some(Self::Image),
            _ => None,
        }
    }
}

/// Asks which subtitles are shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SubtitleRequest {
    /// Streams of the file in file order, then files beside it.
    pub streams: Vec<SubtitleCandidate>,
    /// What is preferred.
    #[serde(default, deserialize_with = "known_members")]
    pub preferences: SubtitlePreferences,
    /// Language of the chosen sound, as the file writes it.
    #[serde(default)]
    pub audio_language: Option<String>,
}

/// Subtitles on offer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SubtitleCandidate {
    /// Where they are; equal for no two candidates.
    pub source: SubtitleSource,
    /// FFmpeg's codec name.
    pub codec: String,
    /// Text or images.
    pub form: SubtitleForm,
    /// Language as the file, or its name, writes it.
    #[serde(default)]
    pub language: Option<String>,
    /// Title as the file writes it.
    #[serde(default)]
    pub title: Option<String>,
    /// Flags; those of a file beside the media come from its name (`.forced`, `.sdh`).
    #[serde(default)]
    pub disposition: Disposition,
}

/// Where subtitles are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SubtitleSource {
    /// A stream of the media file.
    Embedded(StreamRef),
    /// A file beside it.
    Sidecar {
        /// Its name, without the folder.
        name: String,
    },
}

/// Which subtitles are shown, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubtitleAnswer {
    /// The chosen ones; `None` shows none.
    pub chosen: Option<SubtitleSource>,
    /// Why, in words for people.
    pub why: String,
    /// Every candidate once, the best first.
    pub ranked: Vec<RankedSubtitle>,
}

/// What was thought of one candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RankedSubtitle {
    /// Which one.
    pub source: SubtitleSource,
    /// Whether it is the chosen one.
    pub chosen: bool,
    /// Why, in words for people.
    pub reason: String,
}

/// Why a picker's answer cannot be used; the host refuses it, whoever wrote it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PickFault {
    /// It names a stream that was not offered.
    #[error("use a choice that was not offered")]
    NotOffered,
    /// The ranking does not hold every candidate exactly once.
    #[error("use a ranking of {ranked} for {offered} candidates: each must be there once")]
    Ranking {
        /// How many it ranks.
        ranked: usize,
        /// How many there are.
        offered: usize,
    },
    /// The ranking marks another choice than the answer.
    #[error("use a ranking that marks another choice than the answer makes")]
    Marks,
    /// The downmix could clip, or names channels that do not exist.
    #[error("use a downmix to {channel}: {reason}")]
    Downmix {
        /// Which output channel.
        channel: String,
        /// What is wrong.
        reason: &'static str,
    },
}

/// Channel names that a downmix may use.
pub const CHANNEL_NAMES: [&str; 18] = [
    "FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "TC", "TFL", "TFC", "TFR", "TBL", "TBC", "TBR",
];

impl AudioAnswer {
    /// Checks the answer against what was asked.
    ///
    /// # Errors
    /// Names the first fault.
    pub fn check(&self, request: &AudioRequest) -> Result<(), PickFault> {
        let offered = |stream: &StreamRef| {
            request.streams.iter().any(|c| (c.absolute, c.relative) == (stream.absolute, stream.relative))
        };
        if !self.chosen.iter().all(offered) || !self.ranked.iter().all(|ranked| offered(&ranked.stream)) {
            return Err(PickFault::NotOffered);
        }
        let distinct: std::collections::HashSet<_> = self.ranked.iter().map(|ranked| ranked.stream.absolute).collect();
        if distinct.len() != request.streams.len() || self.ranked.len() != request.streams.len() {
            return Err(PickFault::Ranking { ranked: self.ranked.len(), offered: request.streams.len() });
        }
        let marked: Vec<_> = self.ranked.iter().filter(|ranked| ranked.chosen).map(|ranked| ranked.stream).collect();
        if marked != self.chosen.into_iter().collect::<Vec<_>>() {
            return Err(PickFault::Marks);
        }
        self.downmix.as_ref().map_or(Ok(()), Downmix::check)
    }
}

impl Downmix {
    /// Checks that only known channels are used and that nothing can clip.
    ///
    /// # Errors
    /// Names the first fault.
    pub fn check(&self) -> Result<(), PickFault> {
        self.rows.iter().try_for_each(DownmixRow::check)
    }
}

impl DownmixRow {
    fn check(&self) -> Result<(), PickFault> {
        let fault = |reason| PickFault::Downmix { channel: self.channel.clone(), reason };
        let known = |name: &str| CHANNEL_NAMES.contains(&name);
        if !known(&self.channel) || !self.gains.iter().all(|gain| known(&gain.from)) {
            return Err(fault("there is no such channel"));
        }
        let sum: f64 = self.gains.iter().map(|gain| gain.gain.abs()).sum();
        // A NaN is no sum at all.
        if sum <= 1.0 + 1e-6 { Ok(()) } else { Err(fault("it could clip")) }
    }
}

impl SubtitleAnswer {
    /// Checks the answer against what was asked.
    ///
    /// # Errors
    /// Names the first fault.
    pub fn check(&self, request: &SubtitleRequest) -> Result<(), PickFault> {
        let offered = |source: &SubtitleSource| request.streams.iter().any(|candidate| candidate.source == *source);
        if !self.chosen.iter().all(offered) || !self.ranked.iter().all(|ranked| offered(&ranked.source)) {
            return Err(PickFault::NotOffered);
        }
        let each_once = |candidate: &SubtitleCandidate| {
            self.ranked.iter().filter(|ranked| ranked.source == candidate.source).count() == 1
        };
        if self.ranked.len() != request.streams.len() || !request.streams.iter().all(each_once) {
            return Err(PickFault::Ranking { ranked: self.ranked.len(), offered: request.streams.len() });
        }
        let marked: Vec<_> = self.ranked.iter().filter(|ranked| ranked.chosen).map(|ranked| &ranked.source).collect();
        if marked == self.chosen.iter().collect::<Vec<_>>() { Ok(()) } else { Err(PickFault::Marks) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> AudioRequest {
        let candidate = |absolute, relative| AudioCandidate {
            absolute,
            relative,
            codec: "aac".into(),
            profile: None,
            channels: 2,
            layout: None,
            language: None,
            title: None,
            disposition: Disposition::default(),
        };
        AudioRequest {
            streams: vec![candidate(1, 0), candidate(4, 1)],
            preferences: AudioPreferences::default(),
            original_language: None,
            output_channels: 2,
        }
    }

    fn answer(chosen: (u32, u32)) -> AudioAnswer {
        let stream = |(absolute, relative)| StreamRef { absolute, relative };
        let ranked = [(1, 0), (4, 1)].map(|each| RankedAudio {
            stream: stream(each),
            chosen: each == chosen,
            reason: String::new(),
        });
        AudioAnswer { chosen: Some(stream(chosen)), why: String::new(), ranked: ranked.into(), downmix: None }
    }

    #[test]
    fn a_choice_must_have_been_offered_and_ranked() {
        assert_eq!(answer((4, 1)).check(&request()), Ok(()));
        assert_eq!(answer((4, 0)).check(&request()), Err(PickFault::NotOffered));
        let mut unranked = answer((4, 1));
        unranked.ranked.pop();
        assert_eq!(unranked.check(&request()), Err(PickFault::Ranking { ranked: 1, offered: 2 }));
        let mut mismarked = answer((4, 1));
        mismarked.chosen = None;
        assert_eq!(mismarked.check(&request()), Err(PickFault::Marks));
    }

    #[test]
    fn unknown_preferences_are_mistakes_in_settings_and_ignored_in_requests() {
        let newer = serde_json::json!({ "languages": ["de"], "loudness": "high" });
        assert!(serde_json::from_value::<AudioPreferences>(newer.clone()).is_err());
        let mut document = serde_json::to_value(request()).unwrap();
        document["preferences"] = newer;
        let read: AudioRequest = serde_json::from_value(document).unwrap();
        assert_eq!(read.preferences.languages, ["de"]);
    }

    #[test]
    fn a_downmix_that_could_clip_or_smuggle_filters_is_refused() {
        let row = |from: &str, gain| DownmixRow {
            channel: "FL".into(),
            gains: vec![DownmixGain { from: from.into(), gain }],
        };
        assert!(row("FC", 1.0).check().is_ok());
        assert!(row("FC", 1.1).check().is_err());
        assert!(row("FC", f64::NAN).check().is_err());
        assert!(row("FC,movie=/etc/passwd", 0.1).check().is_err());
    }
}
