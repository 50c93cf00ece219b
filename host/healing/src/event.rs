//! One thing that somebody said.
//!
//! Does: give it one shape, whoever said it, and bound its size.
//! Does not: decide what it means.
//! Invariant: an event takes at most [`MOST_BYTES`] and a little; what did not fit is cut at a whole character.

use std::{collections::BTreeMap, fmt, str::FromStr};

use chrono::{DateTime, Utc};
use exstreamtv_model::ChannelId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::templates::TemplateId;

/// The longest text of an event.
pub const MOST_BYTES: usize = 4 * 1024;

/// The longest value beside the text.
const MOST_VALUE_BYTES: usize = 512;

/// The most values beside the text, and the most tags.
const MOST_VALUES: usize = 24;

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LogSource {
    /// This server.
    Application,
    /// An FFmpeg of a channel.
    Ffmpeg,
    /// A Plex Media Server.
    Plex,
    /// A Jellyfin or Emby server.
    Jellyfin,
    /// The machine.
    System,
}

impl LogSource {
    /// Every source.
    pub const ALL: [Self; 5] = [Self::Application, Self::Ffmpeg, Self::Plex, Self::Jellyfin, Self::System];
}

/// How serious it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LogLevel {
    /// For whoever looks for a fault.
    Debug,
    /// Worth knowing.
    Info,
    /// Something is odd, or was healed.
    Warning,
    /// Something failed.
    Error,
    /// Something failed and cannot go on.
    Critical,
}

/// Names an event; grows with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u64);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for EventId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl Serialize for EventId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What somebody says, before it has a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// When.
    pub timestamp: DateTime<Utc>,
    /// Who.
    pub source: LogSource,
    /// How serious.
    pub level: LogLevel,
    /// The text.
    pub message: String,
    /// Which part of whoever says it.
    pub component: Option<String>,
    /// About which channel.
    pub channel_id: Option<ChannelId>,
    /// About which session.
    pub session_id: Option<String>,
    /// Which FFmpeg process says it.
    pub ffmpeg_pid: Option<u32>,
    /// What could be read out of it, by name.
    pub parsed_data: BTreeMap<String, Value>,
    /// Words to find it by.
    pub tags: Vec<String>,
}

impl Draft {
    /// Returns a draft that says this and nothing else.
    pub fn new(timestamp: DateTime<Utc>, source: LogSource, level: LogLevel, message: impl Into<String>) -> Self {
        Self {
            timestamp,
            source,
            level,
            message: message.into(),
            component: None,
            channel_id: None,
            session_id: None,
            ffmpeg_pid: None,
            parsed_data: BTreeMap::new(),
            tags: Vec::new(),
        }
    }

    /// Cuts what is too long, and takes out what nobody may see.
    #[must_use]
    pub fn bounded(mut self, redact: impl Fn(&mut String)) -> Self {
        redact(&mut self.message);
        cut(&mut self.message, MOST_BYTES);
        self.component.iter_mut().chain(&mut self.session_id).for_each(|text| cut(text, MOST_VALUE_BYTES));
        while self.parsed_data.len() > MOST_VALUES {
            self.parsed_data.pop_last();
        }
        for value in self.parsed_data.values_mut() {
            match value {
                Value::String(text) => {
                    redact(text);
                    cut(text, MOST_VALUE_BYTES);
                }
                Value::Array(_) | Value::Object(_) => *value = Value::Null,
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
        self.tags.truncate(MOST_VALUES);
        self.tags.iter_mut().for_each(|tag| cut(tag, MOST_VALUE_BYTES));
        self
    }

    /// Returns the text that templates are found in: what this server says is a constant, and what happened is beside it.
    pub fn telling(&self) -> String {
        let beside = ["error", "why", "reason", "detail"];
        let beside = beside.iter().filter_map(|name| self.parsed_data.get(*name).and_then(Value::as_str));
        beside.fold(self.message.clone(), |text, more| text + ": " + more)
    }
}

/// Something that somebody said; the fields are those of the specification.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogEvent {
    /// Identity, growing with time.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub event_id: EventId,
    /// When.
    pub timestamp: DateTime<Utc>,
    /// Who.
    pub source: LogSource,
    /// How serious.
    pub level: LogLevel,
    /// The text.
    pub message: String,
    /// Which part of whoever says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// About which channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_id: Option<ChannelId>,
    /// About which session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Which FFmpeg process says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ffmpeg_pid: Option<u32>,
    /// What could be read out of it, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parsed_data: BTreeMap<String, Value>,
    /// Words to find it by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Which lines say the same.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub template: TemplateId,
}

impl LogEvent {
    /// Gives a draft its number and its template.
    pub fn new(event_id: EventId, template: TemplateId, draft: Draft) -> Self {
        let Draft {
            timestamp,
            source,
            level,
            message,
            component,
            channel_id,
            session_id,
            ffmpeg_pid,
            parsed_data,
            tags,
        } = draft;
        Self {
            event_id,
            timestamp,
            source,
            level,
            message,
            component,
            channel_id,
            session_id,
            ffmpeg_pid,
            parsed_data,
            tags,
            template,
        }
    }

    /// Returns about how much memory it takes.
    pub fn size_bytes(&self) -> usize {
        let value = |value: &Value| value.as_str().map_or(16, str::len);
        let data: usize = self.parsed_data.iter().map(|(name, data)| 48 + name.len() + value(data)).sum();
        let texts = self.component.iter().chain(&self.session_id).chain(&self.tags).map(|text| 24 + text.len());
        size_of::<Self>() + self.message.len() + data + texts.sum::<usize>()
    }

    /// Returns the run that it is about.
    pub fn run(&self) -> Option<&Value> {
        self.parsed_data.get("run.id")
    }
}

/// Cuts a text at a whole character.
fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        let end = (0..=most - 3).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    pub(crate) fn event(id: u64, second: i64, message: &str) -> LogEvent {
        let draft = Draft::new(at(second), LogSource::Application, LogLevel::Info, message);
        LogEvent::new(EventId(id), TemplateId(1), draft)
    }

    #[test]
    fn what_is_too_long_is_cut_at_a_whole_character_and_what_is_secret_goes() {
        let mut draft = Draft::new(at(0), LogSource::Plex, LogLevel::Info, "ä".repeat(10_000));
        draft.parsed_data.insert("url".into(), "http://x?token=abc".into());
        draft.parsed_data.insert("tree".into(), serde_json::json!({"a": [1, 2]}));
        draft.parsed_data.extend((0..100).map(|n| (format!("z{n}"), Value::from(n))));
        let draft = draft.bounded(|text| *text = text.replace("abc", "***"));
        assert!(draft.message.len() <= MOST_BYTES && draft.message.ends_with('…'));
        assert_eq!(draft.parsed_data["url"], "http://x?token=***");
        assert_eq!(draft.parsed_data["tree"], Value::Null, "values are plain");
        assert_eq!(draft.parsed_data.len(), MOST_VALUES);
    }

    #[test]
    fn an_event_is_written_as_the_specification_names_it() {
        let mut draft = Draft::new(at(0), LogSource::Ffmpeg, LogLevel::Critical, "moov atom not found");
        (draft.channel_id, draft.ffmpeg_pid) = (Some(ChannelId(7)), Some(123));
        draft.tags.push("invalid_data".into());
        let json = serde_json::to_value(LogEvent::new(EventId(5), TemplateId(2), draft)).unwrap();
        let expected = serde_json::json!({
            "event_id": "5", "timestamp": "2027-01-15T08:00:00Z", "source": "FFMPEG", "level": "CRITICAL",
            "message": "moov atom not found", "channel_id": "7", "ffmpeg_pid": 123, "tags": ["invalid_data"],
            "template": "2"
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn what_the_server_says_is_told_with_what_happened() {
        let mut draft = Draft::new(at(0), LogSource::Application, LogLevel::Warning, "a run broke");
        draft.parsed_data.insert("why".into(), "FFmpeg ended early".into());
        assert_eq!(draft.telling(), "a run broke: FFmpeg ended early");
    }
}
