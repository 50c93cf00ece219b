//! What a viewer tunes.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{ChannelId, CollectionId, OutputProfile, ThrottleWish, pick::TrackPreferences};

/// What a viewer tunes: a number, a name, and the rule that fills its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// Stable identity; guide ids are made from it.
    pub id: ChannelId,
    /// Where it stands in the lineup.
    pub number: ChannelNumber,
    /// What people call it.
    pub name: String,
    /// Group of the M3U (`group-title`).
    pub group: String,
    /// Absolute URL of a logo, or a path of this server's, if there is one.
    pub logo: Option<String>,
    /// IANA zone in which its schedule is written and its guide is shown.
    pub zone: chrono_tz::Tz,
    /// What every viewer receives.
    pub profile: OutputProfile,
    /// What fills its time; a channel without a collection shows its slate.
    pub collection: Option<CollectionId>,
    /// In which order the collection is played where there is no schedule.
    pub order: ItemOrder,
    /// What fills its time instead of the plain order of one collection.
    #[serde(default)]
    pub schedule: Option<Schedule>,
    /// Which sound and which subtitles of its media are played.
    #[serde(default)]
    pub tracks: TrackPreferences,
    /// How fast its viewers are sent it, where the configuration's way is not wanted.
    #[serde(default)]
    pub throttle: ThrottleWish,
    /// A disabled channel is in no lineup and cannot be tuned.
    pub enabled: bool,
}

/// A strategy with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The scheduler plugin's id: "exstreamtv.time-slots".
    pub strategy: String,
    /// Its own document.
    #[serde(default)]
    pub settings: serde_json::Value,
}

/// In which order the built-in sequence plays a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum ItemOrder {
    /// Show, season, episode, then name, as a person would sort them.
    Name,
    /// A new permutation for each pass, from this seed.
    Shuffle {
        /// Same seed, same order, on any machine and in any version.
        seed: u32,
    },
}

/// A channel's place in the lineup: "5", "5.1", "1984.1". Text, never a float: 2.10 is not 2.1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, example = "5.1"))]
pub struct ChannelNumber(String);

/// Why a text is not a channel number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read {text:?} as a channel number: it must be like 5 or 5.1")]
pub struct ChannelNumberError {
    /// The text that was given.
    pub text: String,
}

impl ChannelNumber {
    /// Returns the number as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parts(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.split('.').map(|part| part.parse().unwrap_or(u64::MAX))
    }
}

impl FromStr for ChannelNumber {
    type Err = ChannelNumberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let part_ok = |part: &str| (1..=6).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        let parts = text.split('.').count();
        if parts <= 2 && text.split('.').all(part_ok) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ChannelNumberError { text: text.to_owned() })
        }
    }
}

impl Ord for ChannelNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(other.parts()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for ChannelNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for ChannelNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ChannelNumber {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ChannelNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> ChannelNumber {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_are_text_and_sort_like_numbers() {
        let mut lineup: Vec<_> = ["10", "2.10", "2", "1984.1", "2.2"].map(number).into();
        lineup.sort();
        assert_eq!(lineup, ["2", "2.2", "2.10", "10", "1984.1"].map(number));
        assert_ne!(number("2.1"), number("2.10"));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", ".", "5.", ".5", "5.1.2", "a", "-1", "5 ", "1234567", "5/1", "٣"] {
            assert!(text.parse::<ChannelNumber>().is_err(), "{text:?}");
        }
    }
}
