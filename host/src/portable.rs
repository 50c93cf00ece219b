//! Channels, schedules and collections as one document that people can read and other machines can use.
//!
//! Does: define the document, write it as TOML or JSON and read it back.
//! Does not: hold media, timelines or anything that follows from what is in it.
//! Invariant: nothing in a document depends on ids of the machine that wrote it: collections are named, files described.

use std::{collections::BTreeMap, path::PathBuf};

use chrono::{DateTime, Utc};
use exstreamtv_model::{
    ChannelNumber, ItemOrder, OutputProfile, Schedule, ThrottleWish, collection::MediaQuery, pick::TrackPreferences,
    slate::ScreenChanges,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod export;
mod import;
mod refer;

pub use export::export;
pub use import::{Change, ImportError, Report, import};

/// The document.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The version of this format: 1.
    pub format: u32,
    /// The program that wrote it.
    #[serde(default)]
    pub written_by: String,
    /// Sets of media.
    #[serde(default, rename = "collection")]
    pub collections: Vec<PortableCollection>,
    /// Channels, in lineup order.
    #[serde(default, rename = "channel")]
    pub channels: Vec<PortableChannel>,
}

/// A set of media; exactly one of `folder`, `items` and `query` says which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PortableCollection {
    /// What channels and slots call it.
    pub name: String,
    /// Everything at or below this folder of the library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub folder: Option<PathBuf>,
    /// Whatever matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<MediaQuery>,
    /// These files, in this order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<MediaReference>>,
}

/// A file, described so that another machine finds its own copy: by path, by ids elsewhere, by series and episode, by title and year.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MediaReference {
    /// Where it was.
    #[schema(value_type = String)]
    pub path: PathBuf,
    /// Title of the film or of the episode.
    #[serde(default)]
    pub title: String,
    /// Title of the series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<String>,
    /// Season.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub season: Option<u32>,
    /// Episode in the season.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<u32>,
    /// Year of production.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<i32>,
    /// Ids elsewhere: "imdb" -> "tt0133093".
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub external_ids: BTreeMap<String, String>,
}

/// A channel; the number says which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PortableChannel {
    /// Place in the lineup.
    pub number: ChannelNumber,
    /// What people call it.
    pub name: String,
    /// Group in the players' lists.
    #[serde(default)]
    pub group: String,
    /// Address of a logo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
    /// IANA zone.
    #[schema(value_type = String)]
    #[serde(default)]
    pub zone: chrono_tz::Tz,
    /// Name of the collection that it plays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// A disabled channel is in no lineup.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// In which order the collection is played where there is no schedule.
    pub order: ItemOrder,
    /// What every viewer receives.
    #[serde(default)]
    pub profile: OutputProfile,
    /// Which sound and which subtitles are played.
    #[serde(default)]
    pub tracks: TrackPreferences,
    /// How fast its viewers are sent it.
    #[serde(default, skip_serializing_if = "ThrottleWish::is_empty")]
    pub throttle: ThrottleWish,
    /// What its slates are like.
    #[serde(default)]
    pub error_screen: ScreenChanges,
    /// What fills its time instead of the plain order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// What takes over later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<PortableWaiting>,
}

/// A schedule that takes over later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PortableWaiting {
    /// From when on.
    pub from: DateTime<Utc>,
    /// The schedule; absent where the channel goes back to its plain order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
}

/// Why a document cannot be written or read; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is neither TOML nor JSON of this form.
    #[error("understand the document: {0}")]
    Read(String),
    /// A newer program has written it.
    #[error("understand the document: it has format {found}, this program knows 1; install the newer version")]
    Newer {
        /// Its format.
        found: u32,
    },
    /// TOML has no word for something in it.
    #[error("write the document as TOML; JSON can hold it (--format json)")]
    Write(#[source] toml::ser::Error),
}

/// The version of the format.
pub const FORMAT: u32 = 1;

fn yes() -> bool {
    true
}

impl Document {
    /// Reads a document, TOML or JSON.
    ///
    /// # Errors
    /// Says where it is wrong, with line and column.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        let read = match text.trim_start().starts_with('{') {
            true => serde_json::from_str(text).map_err(|error| error.to_string()),
            false => toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned()),
        };
        read.map_err(DocumentError::Read).and_then(Self::of_known_format)
    }

    /// Refuses what a newer program has written.
    ///
    /// # Errors
    /// If it is of another format.
    pub fn of_known_format(self) -> Result<Self, DocumentError> {
        if self.format == FORMAT { Ok(self) } else { Err(DocumentError::Newer { found: self.format }) }
    }

    /// Writes it as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Writes it as TOML.
    ///
    /// # Errors
    /// If a strategy's settings hold what TOML has no word for.
    pub fn to_toml(&self) -> Result<String, DocumentError> {
        // By way of JSON, whose nulls are what TOML leaves out.
        let mut value = serde_json::to_value(self).unwrap_or_default();
        refer::drop_nulls(&mut value);
        toml::to_string_pretty(&value).map_err(DocumentError::Write)
    }
}

#[cfg(test)]
mod tests;
