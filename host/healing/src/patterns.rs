//! The known patterns of trouble.
//!
//! Does: weigh signs in what is said, and say when enough of them come together, with what they share and the events that prove it.
//! Does not: act, or learn.
//! Invariants: one sign alone is no pattern unless it says so outright; a pattern is told once when it begins and once when it is over; evidence is
//! bounded.
//!
//! Patterns, indicators and risks are those of the specification (phase 6.3), as data. Signs add up like independent witnesses (noisy or): with
//! weights w the confidence is 1 - Π (1 - w).

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::LazyLock,
};

use chrono::{DateTime, TimeDelta, Utc};
use regex::Regex;
use serde::{Serialize, Serializer};

use crate::{
    event::{EventId, LogEvent, LogLevel, LogSource},
    resource::{Resource, Suspect, rank, resources},
};

/// How much is at stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RiskLevel {
    /// Nothing.
    Safe,
    /// Little.
    Low,
    /// Viewers of one channel may notice.
    Medium,
    /// Several channels.
    High,
    /// Everything.
    Critical,
}

/// The known patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Pattern {
    /// The database has no connection left for whoever wants one.
    DbPoolExhaustion,
    /// An encoder cannot keep up.
    FfmpegDegradation,
    /// Addresses or tokens of a source have expired.
    UrlExpiration,
    /// The network comes and goes.
    NetworkInstability,
    /// Memory is short.
    MemoryPressure,
}

/// Something that speaks for a pattern.
struct Sign {
    /// Of whom; empty: of anybody.
    sources: &'static [LogSource],
    /// A tag, or what is said (a regular expression, whatever the case).
    what: What,
    /// The odds that one of it means the pattern.
    weight: f64,
}

enum What {
    Tag(&'static str),
    Said(&'static str),
}

struct Known {
    pattern: Pattern,
    risk: RiskLevel,
    signs: &'static [Sign],
    advice: &'static str,
}

const fn tag(tag: &'static str, weight: f64) -> Sign {
    Sign { sources: &[], what: What::Tag(tag), weight }
}

const fn said(what: &'static str, weight: f64) -> Sign {
    Sign { sources: &[], what: What::Said(what), weight }
}

const fn we_say(what: &'static str, weight: f64) -> Sign {
    Sign { sources: &[LogSource::Application], what: What::Said(what), weight }
}

static KNOWN: [Known; 5] = [
    Known {
        pattern: Pattern::DbPoolExhaustion,
        risk: RiskLevel::High,
        signs: &[
            we_say(r"pool exhausted|pool timed out|no connections|connection pool.*(full|exhausted)", 0.9),
            we_say(
                r"time to acquire exceeded|connection timeout.*(database|pool)|waited .* for a database connection",
                0.4,
            ),
        ],
        advice: "look for what holds connections for long; [database] decides how many there are",
    },
    Known {
        pattern: Pattern::FfmpegDegradation,
        risk: RiskLevel::Medium,
        signs: &[
            we_say(r"a failure is to be expected.*LeadUsedUp", 0.85),
            we_say(r"a channel does worse", 0.5),
            tag("buffer_underrun", 0.35),
            said(r"speed\s*[<=]\s*0?\.\d+x|speed < 1\.0x|dropping frames?|past duration .* too large", 0.35),
        ],
        advice: "encode fewer channels or a smaller picture, or use the video card",
    },
    Known {
        pattern: Pattern::UrlExpiration,
        risk: RiskLevel::Medium,
        signs: &[
            tag("http_forbidden", 0.6),
            tag("http_unauthorized", 0.6),
            said(r"40[13] (forbidden|unauthorized)", 0.6),
            said(r"(token|link|url|signature|session) (has |is )?expired|expired token", 0.85),
        ],
        advice: "ask the source for new addresses, or renew its token",
    },
    Known {
        pattern: Pattern::NetworkInstability,
        risk: RiskLevel::High,
        signs: &[
            tag("connection_reset", 0.35),
            tag("connection_refused", 0.35),
            tag("connection_timeout", 0.35),
            tag("dns_error", 0.35),
            tag("tls_error", 0.2),
            said(r"network is unreachable|no route to host", 0.6),
            Sign {
                sources: &[LogSource::Plex, LogSource::Jellyfin],
                what: What::Said(r"connection (reset|refused)|timed? ?out"),
                weight: 0.3,
            },
        ],
        advice: "check the way to the source: cable, switch, Wi-Fi, and the source's server",
    },
    Known {
        pattern: Pattern::MemoryPressure,
        risk: RiskLevel::Critical,
        signs: &[
            tag("oom_kill", 0.95),
            tag("memory_error", 0.7),
            tag("memory_pressure", 0.7),
            said(r"out of memory|cannot allocate memory|allocation failed", 0.7),
            we_say(r"a failure is to be expected.*MemoryUsedUp", 0.6),
            said(r"swap usage", 0.3),
        ],
        advice: "show fewer channels, or give the machine more memory",
    },
];

/// The expressions of all signs, compiled once.
static SAID: LazyLock<BTreeMap<&'static str, Regex>> = LazyLock::new(|| {
    let signs = KNOWN.iter().flat_map(|known| known.signs);
    let said = signs.filter_map(|sign| match sign.what {
        What::Said(what) => Some(what),
        What::Tag(_) => None,
    });
    said.map(|what| (what, Regex::new(&format!("(?i){what}")).expect("a pattern that its tests compile"))).collect()
});

/// Signs this old count no more.
const WINDOW: TimeDelta = TimeDelta::seconds(120);
/// From here on it is the pattern.
const BEGINS: f64 = 0.8;
/// Below this it is over.
const ENDS: f64 = 0.4;
/// The most signs that are remembered of a pattern.
const MOST_SIGNS: usize = 200;
/// The most events that an analysis shows.
const MOST_EVIDENCE: usize = 20;

/// A pattern that is there.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PatternAnalysis {
    /// Which.
    pub pattern: Pattern,
    /// How much is at stake.
    pub risk: RiskLevel,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
    /// When its first sign came.
    pub began: DateTime<Utc>,
    /// When its last sign came.
    pub last: DateTime<Utc>,
    /// Signs within the last two minutes.
    pub signs: usize,
    /// What they share, the likeliest root first.
    pub suspects: Vec<Suspect>,
    /// The newest events that speak for it, the newest first.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    #[serde(serialize_with = "as_texts")]
    pub evidence: Vec<EventId>,
    /// What to do.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub advice: &'static str,
}

fn as_texts<S: Serializer>(ids: &[EventId], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ids.iter().map(ToString::to_string))
}

/// What happened to a pattern.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    /// Enough signs have come together.
    Begins(PatternAnalysis),
    /// They have stopped.
    Ends(Pattern),
}

/// Looks for the known patterns.
#[derive(Debug, Default)]
pub struct Detector {
    seen: [Seen; KNOWN.len()],
}

#[derive(Debug, Default)]
struct Seen {
    signs: VecDeque<Hit>,
    active: bool,
}

#[derive(Debug)]
struct Hit {
    at: DateTime<Utc>,
    event: EventId,
    weight: f64,
    about: BTreeSet<Resource>,
}

impl Detector {
    /// Takes an event and returns what it begins.
    pub fn take(&mut self, event: &LogEvent) -> Vec<Turn> {
        let telling = LazyLock::<String, _>::new(|| telling(event));
        let mut turns = Vec::new();
        for (known, seen) in KNOWN.iter().zip(&mut self.seen) {
            // Of several signs in one event the strongest counts: it is one witness.
            let weight =
                known.signs.iter().filter(|sign| sign.fits(event, &telling)).map(|sign| sign.weight).reduce(f64::max);
            let Some(weight) = weight else { continue };
            let hit = Hit { at: event.timestamp, event: event.event_id, weight, about: resources(event) };
            seen.signs.push_back(hit);
            seen.forget(event.timestamp);
            if !seen.active && seen.confidence() >= BEGINS {
                seen.active = true;
                turns.extend(seen.analysis(known).map(Turn::Begins));
            }
        }
        turns
    }

    /// Lets time pass and returns what is over.
    pub fn pass_time(&mut self, now: DateTime<Utc>) -> Vec<Turn> {
        let mut turns = Vec::new();
        for (known, seen) in KNOWN.iter().zip(&mut self.seen) {
            seen.forget(now);
            if seen.active && seen.confidence() < ENDS {
                seen.active = false;
                turns.push(Turn::Ends(known.pattern));
            }
        }
        turns
    }

    /// Returns the patterns that are there, the most serious first.
    pub fn active(&self) -> Vec<PatternAnalysis> {
        let active = KNOWN.iter().zip(&self.seen).filter(|(_, seen)| seen.active);
        let mut all: Vec<_> = active.filter_map(|(known, seen)| seen.analysis(known)).collect();
        all.sort_by_key(|analysis| std::cmp::Reverse(analysis.risk));
        all
    }
}

impl Seen {
    fn forget(&mut self, now: DateTime<Utc>) {
        while self.signs.front().is_some_and(|hit| now - hit.at > WINDOW) || self.signs.len() > MOST_SIGNS {
            self.signs.pop_front();
        }
    }

    fn confidence(&self) -> f64 {
        1.0 - self.signs.iter().map(|hit| 1.0 - hit.weight).product::<f64>()
    }

    fn analysis(&self, known: &Known) -> Option<PatternAnalysis> {
        let (first, last) = self.signs.front().zip(self.signs.back())?;
        Some(PatternAnalysis {
            pattern: known.pattern,
            risk: known.risk,
            confidence: self.confidence(),
            began: first.at,
            last: last.at,
            signs: self.signs.len(),
            suspects: rank(self.signs.iter().map(|hit| &hit.about)),
            evidence: self.signs.iter().rev().take(MOST_EVIDENCE).map(|hit| hit.event).collect(),
            advice: known.advice,
        })
    }
}

impl Sign {
    fn fits(&self, event: &LogEvent, telling: &str) -> bool {
        // What is only worth knowing is no sign: a film may be called anything.
        let is_serious = event.level >= LogLevel::Warning;
        let of_whom = self.sources.is_empty() || self.sources.contains(&event.source);
        let fits = || match self.what {
            What::Tag(tag) => event.tags.iter().any(|known| known == tag),
            What::Said(what) => SAID.get(what).is_some_and(|said| said.is_match(telling)),
        };
        is_serious && of_whom && fits()
    }
}

/// What was said, and what belongs to it; titles are left out, because a film may be called anything.
pub(crate) fn telling(event: &LogEvent) -> String {
    let beside = ["failure", "error", "why", "reason", "detail", "line"];
    let beside = beside.iter().filter_map(|name| event.parsed_data.get(*name)?.as_str());
    beside.fold(event.message.clone(), |text, more| text + ": " + more)
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::ChannelId;

    use super::*;
    use crate::{
        classify::classify,
        event::tests::{at, event},
    };

    /// Somebody says something at a second, about a channel; lines of FFmpeg are tagged as the server tags them.
    fn spoken(source: LogSource, second: i64, channel: i64, message: &str) -> LogEvent {
        let mut said = event(u64::try_from(second * 10 + channel).unwrap(), second, message);
        (said.source, said.level, said.channel_id) = (source, LogLevel::Error, Some(ChannelId(channel)));
        said.tags.extend(classify(message).filter(|_| source == LogSource::Ffmpeg).map(|kind| kind.error.tag()));
        said
    }

    fn begun(events: &[LogEvent]) -> Vec<Pattern> {
        let mut detector = Detector::default();
        let turns = events.iter().flat_map(|event| detector.take(event));
        let begins = |turn| match turn {
            Turn::Begins(analysis) => Some(analysis.pattern),
            Turn::Ends(_) => None,
        };
        turns.collect::<Vec<_>>().into_iter().filter_map(begins).collect()
    }

    /// A stretch of what is said, and what it is.
    struct Scene(&'static str, &'static [(LogSource, i64, i64, &'static str)], &'static [Pattern]);

    use LogSource::{Application as We, Ffmpeg as F, Plex, System};
    use Pattern::{DbPoolExhaustion, FfmpegDegradation, MemoryPressure, NetworkInstability, UrlExpiration};

    const SCENES: &[Scene] = &[
        Scene(
            "two read time-outs are no instability",
            &[
                (F, 0, 1, "tcp://10.0.0.1:80: Connection timed out"),
                (F, 9, 1, "tcp://10.0.0.1:80: Connection timed out"),
            ],
            &[],
        ),
        Scene(
            "a network that comes and goes",
            &[
                (F, 0, 1, "tcp: Connection to tcp://10.0.0.1:32400 failed: Connection timed out"),
                (F, 5, 2, "tcp: Connection to tcp://10.0.0.1:32400 failed: Connection refused"),
                (F, 9, 3, "http: Connection reset by peer"),
                (Plex, 12, 4, "connection reset while streaming"),
                (F, 20, 1, "tcp: Failed to resolve hostname nas.lan: Temporary failure in name resolution"),
            ],
            &[NetworkInstability],
        ),
        Scene(
            "the pool of the database is exhausted",
            &[(We, 0, 1, "pool timed out while waiting for an open connection")],
            &[DbPoolExhaustion],
        ),
        Scene(
            "a database that is slow once",
            &[(We, 0, 1, "acquired connection, but time to acquire exceeded slow threshold")],
            &[],
        ),
        Scene(
            "a database that is slow again and again",
            &[
                (We, 0, 1, "acquired connection, but time to acquire exceeded slow threshold"),
                (We, 1, 1, "acquired connection, but time to acquire exceeded slow threshold"),
                (We, 2, 1, "acquired connection, but time to acquire exceeded slow threshold"),
                (We, 3, 1, "acquired connection, but time to acquire exceeded slow threshold"),
            ],
            &[DbPoolExhaustion],
        ),
        Scene(
            "addresses that have expired",
            &[(F, 0, 1, "http: HTTP error 403 Forbidden"), (F, 4, 1, "http: HTTP error 403 Forbidden")],
            &[UrlExpiration],
        ),
        Scene("a token that has expired", &[(Plex, 0, 1, "the token has expired")], &[UrlExpiration]),
        Scene("one film that may not be fetched", &[(F, 0, 1, "http: HTTP error 403 Forbidden")], &[]),
        Scene(
            "memory that runs out",
            &[
                (F, 0, 1, "Error while opening encoder: Cannot allocate memory"),
                (F, 3, 2, "x264 [error]: malloc of size 3110400 failed"),
            ],
            &[MemoryPressure],
        ),
        Scene(
            "the kernel kills",
            &[
                (System, 0, 1, "out of memory: the kernel killed 1 processes"),
                (System, 10, 1, "out of memory: the kernel killed 1 processes"),
            ],
            &[MemoryPressure],
        ),
        Scene(
            "an encoder that falls behind",
            &[
                (We, 0, 1, "a channel does worse"),
                (F, 3, 1, "udp: circular buffer overrun."),
                (F, 5, 1, "dropping frame 12 because the encoder is busy"),
                (F, 6, 1, "dropping frame 13"),
            ],
            &[FfmpegDegradation],
        ),
        Scene("a channel that does worse once", &[(We, 0, 1, "a channel does worse")], &[]),
        Scene(
            "a damaged file",
            &[
                (F, 0, 1, "h264: error while decoding MB 31 12"),
                (F, 1, 1, "h264: concealing 12 DC errors"),
                (F, 2, 1, "matroska,webm: File ended prematurely"),
            ],
            &[],
        ),
        Scene("a full disk", &[(F, 0, 1, "av_interleaved_write_frame(): No space left on device")], &[]),
        Scene(
            "a file that is gone",
            &[(F, 0, 1, "/m/film.mkv: No such file or directory"), (We, 1, 1, "a run broke")],
            &[],
        ),
        Scene(
            "a broken pipe",
            &[(F, 0, 1, "av_interleaved_write_frame(): Broken pipe"), (F, 1, 1, "Error writing trailer: Broken pipe")],
            &[],
        ),
    ];

    #[test]
    fn labelled_scenes_are_what_they_are() {
        let (mut right, mut told, mut there) = (0, 0, 0);
        for Scene(name, lines, expected) in SCENES {
            let events: Vec<_> =
                lines.iter().map(|(source, second, channel, text)| spoken(*source, *second, *channel, text)).collect();
            let found = begun(&events);
            assert_eq!(found, *expected, "{name}");
            right += found.iter().filter(|pattern| expected.contains(pattern)).count();
            (told, there) = (told + found.len(), there + expected.len());
        }
        println!("precision {right}/{told}, recall {right}/{there}");
    }

    #[test]
    fn what_is_only_news_is_no_sign_and_a_title_means_nothing() {
        let mut news = spoken(We, 0, 1, "on air now");
        news.level = LogLevel::Info;
        news.parsed_data.insert("title".into(), "Out of memory: token expired".into());
        let mut broke = spoken(We, 1, 1, "a run broke");
        broke.parsed_data.insert("title".into(), "Out of memory: token expired".into());
        assert_eq!(begun(&[news, broke]), []);
    }

    #[test]
    fn a_pattern_is_told_once_with_what_it_shares_and_is_over_when_its_signs_stop() {
        let mut detector = Detector::default();
        let line = "tcp: Connection to tcp://10.0.0.1:32400 failed: Connection refused";
        let turns: Vec<_> = (0..8).flat_map(|second| detector.take(&spoken(F, second, 1 + second % 3, line))).collect();
        let [Turn::Begins(first)] = &turns[..] else { panic!("{turns:?}") };
        assert_eq!((first.pattern, first.risk, first.signs), (NetworkInstability, RiskLevel::High, 4));
        assert!(
            first.confidence >= BEGINS && first.suspects[0].resource == Resource::Server("10.0.0.1:32400".into()),
            "{first:?}"
        );
        assert_eq!((detector.active()[0].signs, detector.active()[0].evidence.len()), (8, 8));
        assert!(detector.pass_time(at(100)).is_empty());
        assert_eq!(detector.pass_time(at(200)), [Turn::Ends(NetworkInstability)]);
        assert!(detector.active().is_empty() && detector.pass_time(at(300)).is_empty());
    }

    #[test]
    fn evidence_is_bounded_in_a_flood() {
        let mut detector = Detector::default();
        (0..2_000).for_each(|round| drop(detector.take(&spoken(F, round / 100, 1, "Connection refused"))));
        let analysis = &detector.active()[0];
        assert_eq!((analysis.signs, analysis.evidence.len()), (MOST_SIGNS, MOST_EVIDENCE));
    }
}
