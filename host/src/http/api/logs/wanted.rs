//! Which events a client wants: a query becomes a filter.
//!
//! Invariant: a value that cannot be understood is refused by its name, never ignored.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use exstreamtv_healing::{Filter, LogLevel, LogSource};
use exstreamtv_model::ChannelId;
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::IntoParams;

use crate::http::problem::ApiError;

/// Which events; all of it may be left out.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// Said by one of these: APPLICATION, FFMPEG, PLEX, JELLYFIN, SYSTEM, with commas between them.
    source: Option<String>,
    /// At least as serious: DEBUG, INFO, WARNING, ERROR or CRITICAL.
    level: Option<String>,
    /// About this channel.
    channel: Option<ChannelId>,
    /// About this session.
    session: Option<String>,
    /// Said by a part whose name begins like this.
    component: Option<String>,
    /// With this tag.
    tag: Option<String>,
    /// Of this template.
    template: Option<String>,
    /// With this in its text, whatever the case.
    text: Option<String>,
    /// Not before, RFC 3339.
    since: Option<DateTime<Utc>>,
    /// Before, RFC 3339.
    until: Option<DateTime<Utc>>,
    /// `next` of the page before; absent for the first page.
    pub(super) after: Option<String>,
    /// Events on the page, 1 to 500; 100 if absent.
    pub(super) limit: Option<u32>,
}

impl LogQuery {
    /// Returns the filter.
    pub(super) fn filter(&self) -> Result<Filter, ApiError> {
        let sources = self.source.iter().flat_map(|list| list.split(',')).map(|word| named("source", word));
        Ok(Filter {
            sources: sources.collect::<Result<_, _>>()?,
            level: self.level.as_deref().map(|word| named("level", word)).transpose()?,
            channel: self.channel,
            session: self.session.clone(),
            component: self.component.clone(),
            tag: self.tag.clone(),
            template: self.template.as_deref().map(|id| number("template", id)).transpose()?,
            text: self.text.clone(),
            since: self.since,
            until: self.until,
        })
    }
}

/// Reads a level or a source, in whatever case.
pub(super) fn named<T: DeserializeOwned + Known>(parameter: &str, word: &str) -> Result<T, ApiError> {
    let value = serde_json::Value::from(word.trim().to_uppercase());
    serde_json::from_value(value).map_err(|_| ApiError::BadParameter {
        parameter: parameter.into(),
        detail: format!("{word:?} is none of {}", T::NAMES),
    })
}

/// Something with a few names.
pub(super) trait Known {
    /// All of them.
    const NAMES: &'static str;
}

impl Known for LogLevel {
    const NAMES: &'static str = "DEBUG, INFO, WARNING, ERROR, CRITICAL";
}

impl Known for LogSource {
    const NAMES: &'static str = "APPLICATION, FFMPEG, PLEX, JELLYFIN, SYSTEM";
}

/// Reads an identity.
pub(super) fn number<T: FromStr>(parameter: &str, text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|_| ApiError::BadParameter {
        parameter: parameter.to_owned(),
        detail: format!("{text:?} names nothing here"),
    })
}
