//! What of the log belongs to an incident.
//!
//! Does: choose lines of the channel, of what it shares with others and of the machine; fold what says the same; rank what warnings share.
//! Does not: keep the log.
//! Invariant: at most [`MOST_SAID`] lines and [`MOST_DEEDS`] deeds, the most serious and nearest first in line when there are more.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_model::ChannelId;

use super::{Deed, Evidence, SIGNS, Said, Share};
use crate::{
    event::{LogEvent, LogLevel, LogSource},
    patterns::telling,
    resource::{Resource, rank, resources},
    templates::TemplateId,
};

/// Kinds of lines that are kept.
pub const MOST_SAID: usize = 40;
/// Deeds that are kept.
pub const MOST_DEEDS: usize = 40;
/// Suspects that are kept.
const MOST_SUSPECTS: usize = 3;
/// What is said so long after it is over still belongs to it.
pub const AFTER: TimeDelta = TimeDelta::seconds(5);
/// Longer lines are cut in evidence.
const MOST_CHARACTERS: usize = 300;

/// What the server says when it does something about an incident, and what that is in plain words.
const DEEDS: [(&str, &str); 3] = [
    ("another attempt", "the server tried the programme again"),
    ("the slate is on air", "the server put the slate on air"),
    ("the programme is back on air", "the server put the programme back on air"),
];

/// Parts of the server whose lines are about requests or about other lines.
const NOT_EVIDENCE: [&str; 4] = ["http", "patterns", "sessions", "incidents"];

/// Which incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// On which channel.
    pub channel: ChannelId,
    /// When it began.
    pub began: DateTime<Utc>,
    /// When it was over, or now.
    pub until: DateTime<Utc>,
}

/// Returns what belongs to an incident, from events in order of time; `wording` says what templates say.
pub fn evidence<'a>(
    span: Span,
    events: impl Iterator<Item = &'a LogEvent>,
    wording: impl Fn(TemplateId) -> Option<String>,
) -> Evidence {
    let within = |event: &&LogEvent| event.timestamp >= span.began - SIGNS && event.timestamp <= span.until + AFTER;
    let events: Vec<_> =
        events.filter(within).filter(|event| is_evidence(event)).map(|event| (event, named(event))).collect();
    let own = events.iter().filter(|(event, _)| event.channel_id == Some(span.channel));
    let used: BTreeSet<&Resource> = own.flat_map(|(_, about)| about).collect();
    let belongs = |(event, about): &&(&LogEvent, BTreeSet<Resource>)| match event.channel_id {
        Some(channel) if channel == span.channel => event.level >= LogLevel::Info,
        None => event.level >= LogLevel::Warning,
        Some(_) => event.level >= LogLevel::Warning && about.iter().any(|resource| used.contains(resource)),
    };
    let belonging: Vec<_> = events.iter().filter(belongs).collect();
    let deeds = belonging.iter().filter(|(event, _)| event.timestamp >= span.began - AFTER);
    let deeds = deeds.filter_map(|(event, _)| deed(event, span.channel)).take(MOST_DEEDS).collect();
    Evidence {
        viewers: None,
        said: said(span, &belonging, wording),
        deeds,
        suspects: suspects(span.channel, &belonging),
        wording: None,
    }
}

fn is_evidence(event: &LogEvent) -> bool {
    let part = event.component.as_deref().and_then(|of| of.split("::").next());
    event.source != LogSource::Application || part.is_none_or(|part| !NOT_EVIDENCE.contains(&part))
}

/// Servers and disks that an event names.
fn named(event: &LogEvent) -> BTreeSet<Resource> {
    let shared = |one: &Resource| matches!(one, Resource::Server(_) | Resource::Disk(_));
    resources(event).into_iter().filter(shared).collect()
}

fn deed(event: &LogEvent, channel: ChannelId) -> Option<Deed> {
    let ours = event.channel_id == Some(channel) && event.source == LogSource::Application;
    let healer = event.component.as_deref().is_some_and(|of| of.starts_with("healing"));
    let plain = DEEDS.iter().find(|(said, _)| *said == event.message).map(|(_, plain)| (*plain).to_owned());
    let plain = plain.or_else(|| healer.then(|| event.message.clone())).filter(|_| ours)?;
    let beside = |name: &str| event.parsed_data.get(name).and_then(|value| value.as_str());
    let how = beside("rung").map(|rung| format!(" ({rung})")).unwrap_or_default();
    Some(Deed { at: event.timestamp, what: plain + &how })
}

fn said(
    span: Span,
    events: &[&(&LogEvent, BTreeSet<Resource>)],
    wording: impl Fn(TemplateId) -> Option<String>,
) -> Vec<Said> {
    let mut folded = BTreeMap::<(TemplateId, Option<ChannelId>), Said>::new();
    for (event, about) in events {
        let known = folded.entry((event.template, event.channel_id));
        let known = known.or_insert_with(|| Said {
            event_id: event.event_id.to_string(),
            first: event.timestamp,
            last: event.timestamp,
            times: 0,
            source: event.source,
            level: event.level,
            component: event.component.clone(),
            channel: event.channel_id,
            message: shortened(&telling(event)),
            template: event.template.to_string(),
            template_text: shortened(&wording(event.template).unwrap_or_default()),
            about: Vec::new(),
        });
        known.times += 1;
        (known.last, known.level) = (event.timestamp, known.level.max(event.level));
        for resource in about.iter().map(ToString::to_string) {
            if !known.about.contains(&resource) && known.about.len() < MOST_SUSPECTS {
                known.about.push(resource);
            }
        }
    }
    let mut said: Vec<_> = folded.into_values().collect();
    said.sort_by_key(|said| (std::cmp::Reverse(said.level), (said.first - span.began).abs()));
    said.truncate(MOST_SAID);
    said.sort_by_key(|said| said.first);
    said
}

fn suspects(channel: ChannelId, events: &[&(&LogEvent, BTreeSet<Resource>)]) -> Vec<Share> {
    let warnings: Vec<_> = events.iter().filter(|(event, _)| event.level >= LogLevel::Warning).collect();
    let about: Vec<_> = warnings.iter().map(|(event, _)| resources(event)).collect();
    let channels_of = |resource: &Resource| {
        let naming = warnings.iter().zip(&about).filter(|(_, about)| about.contains(resource));
        naming.filter_map(|((event, _), _)| event.channel_id).collect::<BTreeSet<_>>().len()
    };
    let telling = |resource: &Resource| *resource != Resource::Everything && *resource != Resource::Channel(channel);
    let ranked = rank(about.iter()).into_iter().filter(|suspect| telling(&suspect.resource));
    // One line proves nothing.
    let shares = ranked
        .filter(|suspect| suspect.events > 1)
        .map(|suspect| Share::of(&suspect, warnings.len(), channels_of(&suspect.resource)));
    shares.take(MOST_SUSPECTS).collect()
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => text[..end].to_owned() + "…",
        None => text.to_owned(),
    }
}
