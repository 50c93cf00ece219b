//! The resolved timeline: what is on air at every moment.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{ChannelId, MediaId, PlayoutEntryId};

/// One row of a channel's timeline. Rows of a channel neither overlap nor leave holes; past rows never change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlayoutEntry {
    /// Identity of the row.
    pub id: PlayoutEntryId,
    /// Whose timeline it is.
    pub channel: ChannelId,
    /// First moment on air.
    #[serde(with = "chrono::serde::ts_milliseconds", rename = "start_ms")]
    pub start: DateTime<Utc>,
    /// First moment of what follows.
    #[serde(with = "chrono::serde::ts_milliseconds", rename = "stop_ms")]
    pub stop: DateTime<Utc>,
    /// What is played; `None` shows the channel's slate.
    pub media: Option<MediaId>,
    /// Where in the media it begins, milliseconds.
    pub in_point_ms: i64,
    /// Programme, filler or nothing to play.
    pub kind: EntryKind,
    /// What the guide calls it.
    pub title: String,
    /// The slot or source that it comes from, the strategy's own word; empty where it gave none.
    #[serde(default)]
    pub rule: String,
    /// Which rule chose it, in words, with its seed.
    pub why: String,
}

impl PlayoutEntry {
    /// Returns whether the row is on air at `at`.
    pub fn covers(&self, at: DateTime<Utc>) -> bool {
        self.start <= at && at < self.stop
    }

    /// Returns whether the row plays on where `part` stopped: the same programme after a break.
    pub fn resumes(&self, part: &Self) -> bool {
        let programmes = self.kind == EntryKind::Programme && part.kind == EntryKind::Programme;
        programmes
            && self.media.is_some()
            && self.media == part.media
            && self.in_point_ms == part.in_point_ms + part.length_ms()
    }

    /// Returns the row's length in milliseconds.
    pub fn length_ms(&self) -> i64 {
        (self.stop - self.start).num_milliseconds()
    }
}

/// What a row is to a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Something the guide lists.
    Programme,
    /// Something between programmes.
    Filler,
    /// Nothing to play: the channel's slate.
    Slate,
}
