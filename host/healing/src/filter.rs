//! Which events somebody wants to see.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use exstreamtv_model::ChannelId;

use crate::{
    event::{LogEvent, LogLevel, LogSource},
    templates::TemplateId,
};

/// What events must be like; what is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Said by one of these; empty: by anybody.
    pub sources: BTreeSet<LogSource>,
    /// At least as serious.
    pub level: Option<LogLevel>,
    /// About this channel.
    pub channel: Option<ChannelId>,
    /// About this session.
    pub session: Option<String>,
    /// Said by a part whose name begins like this.
    pub component: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// Of this template.
    pub template: Option<TemplateId>,
    /// With this in its text, whatever the case.
    pub text: Option<String>,
    /// Not before.
    pub since: Option<DateTime<Utc>>,
    /// Before.
    pub until: Option<DateTime<Utc>>,
}

impl Filter {
    /// Returns whether an event is wanted.
    pub fn matches(&self, event: &LogEvent) -> bool {
        let holds = |text: &str, part: &str| text.to_lowercase().contains(&part.to_lowercase());
        (self.sources.is_empty() || self.sources.contains(&event.source))
            && self.level.is_none_or(|level| event.level >= level)
            && self.channel.is_none_or(|channel| event.channel_id == Some(channel))
            && self.template.is_none_or(|template| event.template == template)
            && self.since.is_none_or(|since| event.timestamp >= since)
            && self.until.is_none_or(|until| event.timestamp < until)
            && self.session.as_ref().is_none_or(|session| event.session_id.as_ref() == Some(session))
            && self.tag.as_ref().is_none_or(|tag| event.tags.contains(tag))
            && self
                .component
                .as_ref()
                .is_none_or(|part| event.component.as_ref().is_some_and(|of| of.starts_with(part)))
            && self.text.as_ref().is_none_or(|text| holds(&event.message, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::{at, event};

    #[test]
    fn each_wish_counts() {
        let mut heard = event(1, 10, "Connection reset by Peer");
        (heard.channel_id, heard.session_id) = (Some(ChannelId(3)), Some("s".into()));
        (heard.component, heard.level) = (Some("feed::on_air".into()), LogLevel::Error);
        heard.tags.push("network".into());
        let all = Filter::default;
        for wanted in [
            all(),
            Filter { sources: [LogSource::Application].into(), ..all() },
            Filter { level: Some(LogLevel::Warning), ..all() },
            Filter { channel: Some(ChannelId(3)), ..all() },
            Filter { session: Some("s".into()), ..all() },
            Filter { component: Some("feed".into()), ..all() },
            Filter { tag: Some("network".into()), ..all() },
            Filter { text: Some("RESET by".into()), ..all() },
            Filter { since: Some(at(10)), until: Some(at(11)), ..all() },
            Filter { template: Some(TemplateId(1)), ..all() },
        ] {
            assert!(wanted.matches(&heard), "{wanted:?}");
        }
        for unwanted in [
            Filter { sources: [LogSource::Plex].into(), ..all() },
            Filter { level: Some(LogLevel::Critical), ..all() },
            Filter { channel: Some(ChannelId(4)), ..all() },
            Filter { session: Some("t".into()), ..all() },
            Filter { component: Some("http".into()), ..all() },
            Filter { tag: Some("disk".into()), ..all() },
            Filter { text: Some("refused".into()), ..all() },
            Filter { since: Some(at(11)), ..all() },
            Filter { until: Some(at(10)), ..all() },
            Filter { template: Some(TemplateId(2)), ..all() },
        ] {
            assert!(!unwanted.matches(&heard), "{unwanted:?}");
        }
    }
}
