//! What was really aired, and what went wrong.

use chrono::{DateTime, Utc};

use crate::{Cause, ChannelId, EntryKind, MediaId};

/// A stretch of one programme, filler or slate that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AiredRow {
    /// On which channel.
    pub channel: ChannelId,
    /// First moment.
    pub start: DateTime<Utc>,
    /// First moment of what followed.
    pub stop: DateTime<Utc>,
    /// What it was.
    pub kind: EntryKind,
    /// Which file was shown; the slate has none.
    pub media: Option<MediaId>,
    /// Where in the file the stretch began, milliseconds.
    pub in_point_ms: i64,
    /// Title of what was shown, or of what should have been.
    pub title: String,
    /// Why the slate was shown.
    pub cause: Option<Cause>,
}

/// Something that went wrong on a channel, from its first sign until the programme was back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelIncident {
    /// On which channel.
    pub channel: ChannelId,
    /// What went wrong first.
    pub cause: Cause,
    /// When.
    pub began: DateTime<Utc>,
    /// When the programme was back, or nothing more was to be shown.
    pub ended: Option<DateTime<Utc>>,
    /// How often something failed until then.
    pub failures: u32,
    /// What was to be shown.
    pub title: String,
    /// What exactly happened, for operators.
    pub detail: String,
}
