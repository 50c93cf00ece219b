//! What several events may share: a channel, a server, a disk, the machine.
//!
//! Does: read resources out of an event, and rank which of them explains most.
//! Does not: look anything up.
//! Invariant: a ranking depends on the events alone; a resource that only one of several events names explains nothing but that one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::LazyLock,
};

use exstreamtv_model::ChannelId;
use regex::Regex;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::event::LogEvent;

/// Something that several events may share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// One channel.
    Channel(ChannelId),
    /// One server, as addresses name it: `nas.lan:32400`.
    Server(String),
    /// One disk, as far as paths tell: `/mnt/films`.
    Disk(String),
    /// The machine, its network, this server.
    Everything,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel(channel) => write!(f, "channel {channel}"),
            Self::Server(server) => write!(f, "server {server}"),
            Self::Disk(disk) => write!(f, "disk {disk}"),
            Self::Everything => f.write_str("everything"),
        }
    }
}

impl Serialize for Resource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

static SERVER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:tcp|tls|udp|https?|rtmps?|rtsp|srt)://(?:[^/\s@]*@)?([a-z0-9.-]+(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?)|\b(\d{1,3}(?:\.\d{1,3}){3}:\d+)\b|hostname ([a-z0-9.-]+)")
        .expect("a pattern that its tests compile")
});

static DISK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:^|[\s'(:])(/[^/\s':]+/[^/\s':]+)/").expect("a pattern that its tests compile"));

/// Returns what an event is about; everything, if about nothing in particular.
pub fn resources(event: &LogEvent) -> BTreeSet<Resource> {
    let texts = std::iter::once(event.message.as_str()).chain(event.parsed_data.values().filter_map(Value::as_str));
    let mut found: BTreeSet<_> = event.channel_id.map(Resource::Channel).into_iter().collect();
    for text in texts {
        let server = SERVER.captures(text).and_then(|found| found.iter().skip(1).flatten().next());
        found.extend(server.map(|server| Resource::Server(server.as_str().to_lowercase())));
        let disk = DISK.captures(text).and_then(|found| found.get(1)).filter(|_| server.is_none());
        found.extend(disk.map(|disk| Resource::Disk(disk.as_str().to_owned())));
    }
    found.insert(Resource::Everything);
    found
}

/// A resource, and how much of what happened it explains.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Suspect {
    /// Which.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub resource: Resource,
    /// Events that are about it.
    pub events: usize,
    /// How much it is suspected, 0 to 1.
    pub score: f64,
}

/// Ranks what events share, the likeliest root first: it must explain most of them, and what is particular explains more than what is about
/// everything. A server or disk behind several channels explains more than any of them.
pub fn rank<'a>(events: impl Iterator<Item = &'a BTreeSet<Resource>>) -> Vec<Suspect> {
    let (mut counts, mut all) = (BTreeMap::<&Resource, usize>::new(), 0);
    for about in events {
        all += 1;
        about.iter().for_each(|resource| *counts.entry(resource).or_default() += 1);
    }
    let weight = |resource: &Resource| match resource {
        Resource::Server(_) | Resource::Disk(_) => 1.0,
        Resource::Channel(_) => 0.95,
        Resource::Everything => 0.6,
    };
    let suspect = |(resource, events): (&Resource, usize)| Suspect {
        resource: resource.clone(),
        events,
        score: events as f64 / all.max(1) as f64 * weight(resource),
    };
    let mut suspects: Vec<_> = counts.into_iter().map(suspect).collect();
    suspects.sort_by(|one, other| other.score.total_cmp(&one.score).then_with(|| one.resource.cmp(&other.resource)));
    suspects
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::event;

    fn about(channel: i64, message: &str) -> BTreeSet<Resource> {
        resources(&LogEvent { channel_id: Some(ChannelId(channel)), ..event(1, 0, message) })
    }

    #[test]
    fn addresses_and_paths_are_read_out_of_what_was_said() {
        let named = |message: &str| {
            let found = resources(&event(1, 0, message));
            found.into_iter().find(|resource| *resource != Resource::Everything).map(|resource| resource.to_string())
        };
        for (message, expected) in [
            ("tcp: Connection to tcp://10.0.0.1:32400 failed: Connection timed out", Some("server 10.0.0.1:32400")),
            ("https://me:***@NAS.lan/x: Server returned 403", Some("server nas.lan")),
            ("Connection to 10.0.0.1:32400 timed out", Some("server 10.0.0.1:32400")),
            ("tcp: Failed to resolve hostname nas.lan: x", Some("server nas.lan")),
            ("file:/mnt/films/a/b.mkv: Permission denied", Some("disk /mnt/films")),
            ("'/media/usb0/c.mkv' is gone", Some("disk /media/usb0")),
            ("moov atom not found", None),
            ("version 5.1.9-0", None),
        ] {
            assert_eq!(named(message).as_deref(), expected, "{message}");
        }
    }

    #[test]
    fn what_explains_most_and_is_most_particular_is_suspected_first() {
        let first = |events: &[BTreeSet<Resource>]| rank(events.iter())[0].resource.to_string();
        let server = "tcp://10.0.0.1:32400 failed";
        assert_eq!(first(&[about(1, server), about(2, server), about(3, server)]), "server 10.0.0.1:32400");
        assert_eq!(first(&[about(1, "tcp://a.lan/x"), about(1, "tcp://b.lan/x"), about(1, "broke")]), "channel 1");
        assert_eq!(
            first(&[about(1, "tcp://a.lan/x"), about(2, "tcp://b.lan/x"), about(3, "tcp://c.lan/x")]),
            "everything"
        );
        assert_eq!(
            first(&[about(1, "/mnt/films/a.mkv: Input/output error"), about(2, "/mnt/films/b.mkv: gone")]),
            "disk /mnt/films"
        );
        assert!(rank(std::iter::empty()).is_empty());
    }
}
