//! What people know about a programme: titles, episode numbers, credits.

use std::{collections::BTreeMap, path::PathBuf};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What a file's name, its folder and its sidecar say; every field may be empty but the title.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Metadata {
    /// What sort of programme it is.
    pub kind: MediaKind,
    /// Title of the film or of the episode; never empty once scanned.
    pub title: String,
    /// Title of the series.
    pub show: Option<String>,
    /// Season, from 1; 0 holds specials.
    pub season: Option<u32>,
    /// Episode in the season, from 1.
    pub episode: Option<u32>,
    /// Last episode of a file that holds several.
    pub episode_end: Option<u32>,
    /// Year of production.
    pub year: Option<i32>,
    /// First broadcast.
    pub aired: Option<NaiveDate>,
    /// One paragraph about it.
    pub plot: Option<String>,
    /// Genres, the file's own words.
    pub genres: Vec<String>,
    /// People.
    pub credits: Vec<Credit>,
    /// In which language it was made, as written: "ja", "jpn", "Japanese".
    pub original_language: Option<String>,
    /// Age rating as written ("TV-PG", "FSK 12").
    pub rating: Option<String>,
    /// Score from 0 to 10.
    pub score: Option<f32>,
    /// Ids elsewhere: "imdb" -> "tt0133093".
    pub external_ids: BTreeMap<String, String>,
    /// Artwork beside the file.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub artwork: Option<PathBuf>,
}

impl Metadata {
    /// Returns "S01E02" (or "S01E02-E03") when season and episode are known.
    pub fn onscreen(&self) -> Option<String> {
        let (season, episode) = (self.season?, self.episode?);
        let end = self.episode_end.filter(|end| *end > episode).map(|end| format!("-E{end:02}"));
        Some(format!("S{season:02}E{episode:02}{}", end.unwrap_or_default()))
    }
}

/// What sort of programme it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// A film.
    Movie,
    /// One episode of a series.
    Episode,
    /// Anything else.
    #[default]
    Clip,
}

/// Somebody who made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Credit {
    /// What the person did.
    pub role: CreditRole,
    /// The person's name.
    pub name: String,
    /// The part an actor played.
    pub character: Option<String>,
}

/// What a person did, in the order in which XMLTV lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CreditRole {
    /// Director.
    Director,
    /// Actor.
    Actor,
    /// Writer.
    Writer,
    /// Producer.
    Producer,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_before_a_field_was_known_is_still_read() {
        let old: Metadata = serde_json::from_str(r#"{"kind": "movie", "title": "Boot", "genres": ["War"]}"#).unwrap();
        assert_eq!((old.title.as_str(), old.original_language), ("Boot", None));
    }

    #[test]
    fn onscreen_numbers_need_season_and_episode() {
        let double = Metadata { season: Some(1), episode: Some(2), episode_end: Some(3), ..Default::default() };
        assert_eq!(double.onscreen().as_deref(), Some("S01E02-E03"));
        assert_eq!(Metadata { episode: Some(2), ..Default::default() }.onscreen(), None);
    }
}
