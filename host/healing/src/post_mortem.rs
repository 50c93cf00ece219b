//! What is to be told about an incident when it is over, or while it goes on.
//!
//! Does: put what was recorded in order, reckon what it cost, name the likeliest root in a sentence, say what to do.
//! Does not: look anything up, or guess: every sentence says only what a record says.
//! Invariant: the same facts give the same account.

use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_model::{AiredRow, Cause, ChannelId, ChannelIncident, EntryKind};
use serde::{Deserialize, Serialize};

use crate::{
    event::{LogLevel, LogSource},
    resource::Suspect,
};

pub mod advice;
pub mod evidence;
mod markdown;

/// How long before an incident its first sign may have been.
pub const SIGNS: TimeDelta = TimeDelta::seconds(120);
/// Incidents of other channels this near have perhaps the same cause.
pub const NEAR: TimeDelta = TimeDelta::seconds(60);
/// Entries of a timeline; of a long incident the beginning and the end are told.
const MOST_ENTRIES: usize = 60;

/// What was said around an incident; the same said again is counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Said {
    /// The event that said it first, as `/logs/{id}` has it while it is kept.
    pub event_id: String,
    /// When first.
    pub first: DateTime<Utc>,
    /// When last.
    pub last: DateTime<Utc>,
    /// How often.
    pub times: u32,
    /// Who.
    pub source: LogSource,
    /// How serious.
    pub level: LogLevel,
    /// Which part of whoever said it.
    pub component: Option<String>,
    /// About which channel.
    pub channel: Option<ChannelId>,
    /// What; secrets were taken out when it came in.
    pub message: String,
    /// Which template it is.
    pub template: String,
    /// What it says wherever it is said, `<*>` where it differs.
    pub template_text: String,
    /// Servers and disks that it names.
    pub about: Vec<String>,
}

/// Something that was done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Deed {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub what: String,
}

/// What was kept about an incident while it was fresh.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Viewers of the channel, at most at a time.
    pub viewers: Option<usize>,
    /// What was said.
    pub said: Vec<Said>,
    /// What was done.
    pub deeds: Vec<Deed>,
    /// What most of the warnings share.
    pub suspects: Vec<Share>,
    /// The account in a language model's words.
    #[serde(default)]
    pub wording: Option<Worded>,
}

/// An account in a language model's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Worded {
    /// Which model.
    pub model: String,
    /// Its words; nobody vouches for them.
    pub text: String,
}

/// What warnings share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Share {
    /// Which channel, server or disk.
    pub resource: String,
    /// Lines about it.
    pub lines: usize,
    /// Of so many.
    pub of: usize,
    /// From so many channels.
    pub channels: usize,
}

impl Share {
    /// Says of how many lines a suspect was found in.
    pub fn of(suspect: &Suspect, of: usize, channels: usize) -> Self {
        Self { resource: suspect.resource.to_string(), lines: suspect.events, of, channels }
    }
}

/// A run that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FailedRun {
    /// Its dossier, `/dossiers/{id}`.
    pub dossier: String,
    /// When it was noticed.
    pub at: DateTime<Utc>,
    /// Why, in one word.
    pub cause: Cause,
    /// What was seen.
    pub why: String,
}

/// Everything that was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The number of the incident.
    pub id: i64,
    /// Number and name of the channel; empty if it is gone.
    pub channel: (String, String),
    /// The incident.
    pub incident: ChannelIncident,
    /// What was aired from a little before to a little after.
    pub aired: Vec<AiredRow>,
    /// Runs that failed.
    pub failed: Vec<FailedRun>,
    /// What was said and done.
    pub evidence: Evidence,
    /// Channels that broke at about the same time, and why.
    pub others: Vec<(ChannelId, Cause)>,
    /// The time now.
    pub now: DateTime<Utc>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It goes on.
    Open,
    /// The programme came back.
    Recovered,
    /// Nobody watched any more, or the server stopped, before the programme was back.
    Abandoned,
}

/// What an entry of the timeline is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The first warning.
    FirstSign,
    /// A run failed.
    Failure,
    /// The server noticed.
    Detected,
    /// Viewers began to see the slate.
    SlateOn,
    /// Something was done.
    Action,
    /// Viewers saw a programme again.
    SlateOff,
    /// It was over.
    Recovered,
    /// It was given up.
    Abandoned,
}

/// An entry of the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Entry {
    /// When.
    pub at: DateTime<Utc>,
    /// What it is.
    pub moment: Moment,
    /// What happened.
    pub what: String,
}

/// What it cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Impact {
    /// Seconds for which viewers saw the slate in place of the programme.
    pub programme_lost_s: f64,
    /// Viewers, at most at a time; absent where nobody counted.
    pub viewers: Option<usize>,
    /// Seconds from the first sign, or the failure, until the server noticed.
    pub detected_after_s: f64,
    /// Seconds from noticing until it was over; absent while it goes on.
    pub over_after_s: Option<f64>,
}

/// The account of an incident.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PostMortem {
    /// What happened, in a sentence or two.
    pub summary: String,
    /// Why, in a plain sentence.
    pub root_cause: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What it cost.
    pub impact: Impact,
    /// What happened when.
    pub timeline: Vec<Entry>,
    /// What was done about it.
    pub actions: Vec<Deed>,
    /// Runs that failed, each with its dossier.
    pub failed_runs: Vec<FailedRun>,
    /// What was said around it.
    pub evidence: Vec<Said>,
    /// What most of the warnings share, the likeliest root first.
    pub suspects: Vec<Share>,
    /// Other channels that broke at about the same time.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub others: Vec<ChannelId>,
    /// What to do, the most useful first.
    pub what_to_do: Vec<String>,
    /// The same in a language model's words, where one is configured; it decides nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wording: Option<Worded>,
}

impl Facts {
    /// Returns the account.
    pub fn account(&self) -> PostMortem {
        let outcome = self.outcome();
        let impact = self.impact();
        PostMortem {
            summary: self.summary(outcome, &impact),
            root_cause: self.root_cause(),
            outcome,
            impact,
            timeline: self.timeline(outcome),
            actions: self.evidence.deeds.clone(),
            failed_runs: self.failed.clone(),
            evidence: self.evidence.said.clone(),
            suspects: self.evidence.suspects.clone(),
            others: self.others.iter().map(|(channel, _)| *channel).collect(),
            what_to_do: self.what_to_do(outcome),
            wording: self.evidence.wording.clone(),
        }
    }

    /// Returns the account as text.
    pub fn markdown(&self, account: &PostMortem) -> String {
        markdown::write(self, account)
    }

    fn end(&self) -> DateTime<Utc> {
        self.incident.ended.unwrap_or(self.now)
    }

    fn outcome(&self) -> Outcome {
        let Some(ended) = self.incident.ended else { return Outcome::Open };
        // A stretch is written down a moment after it began.
        let near = |row: &AiredRow| row.stop > self.incident.began && row.stop + TimeDelta::seconds(1) > ended;
        let back = self.aired.iter().any(|row| row.kind != EntryKind::Slate && near(row));
        if back { Outcome::Recovered } else { Outcome::Abandoned }
    }

    /// Stretches of slate that belong to it: on screen from a moment before it was noticed, because what was sent is noticed later.
    fn slates(&self) -> impl Iterator<Item = &AiredRow> {
        let (from, to) = (self.incident.began - TimeDelta::seconds(2), self.end() + TimeDelta::seconds(2));
        let slate = move |row: &&AiredRow| row.kind == EntryKind::Slate && row.stop > from && row.start < to;
        self.aired.iter().filter(slate).filter(|row| row.cause != Some(Cause::Starting))
    }

    fn impact(&self) -> Impact {
        let lost = self.slates().map(|row| seconds(row.stop - row.start)).sum();
        let noticed = self.incident.began;
        let sign = self.first_sign().map_or(noticed, |said| said.first.min(noticed));
        Impact {
            programme_lost_s: lost,
            viewers: self.evidence.viewers,
            detected_after_s: seconds(noticed - sign),
            over_after_s: self.incident.ended.map(|ended| seconds(ended - noticed)),
        }
    }

    /// The first warning about the channel, or about something that it shares with others.
    fn first_sign(&self) -> Option<&Said> {
        let warns = |said: &&Said| said.level >= LogLevel::Warning && said.first <= self.incident.began;
        let ours = |said: &&Said| said.channel == Some(self.incident.channel) || !said.about.is_empty();
        self.evidence.said.iter().filter(warns).filter(ours).min_by_key(|said| said.first)
    }

    fn summary(&self, outcome: Outcome, impact: &Impact) -> String {
        let (number, name) = &self.channel;
        let channel = if name.is_empty() {
            format!("Channel {}", self.incident.channel)
        } else {
            format!("Channel {number} “{name}”")
        };
        let began = self.incident.began.format("%-d %B %Y at %H:%M:%S UTC");
        let lost = match self.incident.title.as_str() {
            "" => "its programme".to_owned(),
            title => format!("“{title}”"),
        };
        let plain = uncapitalised(self.incident.cause.plain());
        let seen = match impact.programme_lost_s {
            0.0 => "Viewers saw no interruption: what was buffered lasted".to_owned(),
            lost_s => format!("Viewers saw the slate for {lost_s:.1} s"),
        };
        let failures = match self.incident.failures {
            1 => "one failure".to_owned(),
            more => format!("{more} failures"),
        };
        let end = match (outcome, impact.over_after_s) {
            (Outcome::Recovered, Some(after)) => {
                format!("the programme was back {after:.1} s after the server noticed, after {failures}")
            }
            (Outcome::Abandoned, Some(after)) => {
                format!(
                    "after {after:.1} s and {failures} nobody watched any more or the server stopped; the programme had not come back"
                )
            }
            _ => format!("it goes on, after {failures} so far"),
        };
        format!("{channel} lost {lost} on {began}: {plain}. {seen}; {end}.")
    }

    fn root_cause(&self) -> String {
        let ChannelIncident { cause, detail, .. } = &self.incident;
        let detail = detail.lines().next().unwrap_or_default().trim().trim_end_matches('.');
        let seen = if detail.is_empty() { String::new() } else { format!(": {detail}") };
        let mut sentences = vec![format!("{} ({}){seen}.", cause.plain(), cause.code())];
        let shared = |share: &&Share| share.resource.starts_with("server ") || share.resource.starts_with("disk ");
        if let Some(root) = self.evidence.suspects.first().filter(shared) {
            let channels = if root.channels > 1 { format!(", on {} channels", root.channels) } else { String::new() };
            sentences.push(format!(
                "The likeliest root is {}: {} of {} warnings around it are about it{channels}.",
                root.resource, root.lines, root.of
            ));
        }
        let same = self.others.iter().filter(|(_, other)| other == cause).count();
        match self.others.len() {
            0 => {}
            1 if same == 1 => sentences.push("Another channel broke within a minute with the same cause, so it is hardly this channel alone.".into()),
            1 => sentences.push("Another channel broke within a minute, for another reason.".into()),
            others => sentences.push(format!(
                "{others} other channels broke within a minute, {same} of them with the same cause, so it is hardly this channel alone."
            )),
        }
        sentences.join(" ")
    }

    fn timeline(&self, outcome: Outcome) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut add = |at, moment, what: String| entries.push(Entry { at, moment, what });
        if let Some(sign) = self.first_sign() {
            add(sign.first, Moment::FirstSign, format!("the first sign: {}", sign.message));
        }
        for run in &self.failed {
            add(run.at, Moment::Failure, format!("a run failed: {}", run.why.lines().next().unwrap_or_default()));
        }
        add(
            self.incident.began,
            Moment::Detected,
            format!("the server noticed: {}", uncapitalised(self.incident.cause.plain())),
        );
        for slate in self.slates() {
            add(slate.start, Moment::SlateOn, "viewers began to see the slate".into());
            if self.incident.ended.is_some() || slate.stop + TimeDelta::seconds(10) < self.now {
                add(slate.stop, Moment::SlateOff, "the slate was off the screen".into());
            }
        }
        for deed in &self.evidence.deeds {
            add(deed.at, Moment::Action, deed.what.clone());
        }
        match (outcome, self.incident.ended) {
            (Outcome::Recovered, Some(ended)) => add(ended, Moment::Recovered, "the programme was on air again".into()),
            (Outcome::Abandoned, Some(ended)) => add(ended, Moment::Abandoned, "it was given up".into()),
            _ => {}
        }
        entries.sort_by_key(|entry| (entry.at, entry.moment));
        if entries.len() > MOST_ENTRIES {
            entries.drain(MOST_ENTRIES / 2..entries.len() - MOST_ENTRIES / 2);
        }
        entries
    }

    fn what_to_do(&self, outcome: Outcome) -> Vec<String> {
        let mut what = vec![advice::what_to_do(self.incident.cause).to_owned()];
        let root = self.evidence.suspects.first();
        if let Some(server) = root.and_then(|root| root.resource.strip_prefix("server ")) {
            what.push(format!(
                "look at the log of {server} around that time, and at the network between it and this server"
            ));
        }
        if let Some(disk) = root.and_then(|root| root.resource.strip_prefix("disk ")) {
            what.push(format!(
                "look at the disk behind {disk}: is it mounted, full, or failing (`dmesg`, `smartctl -a`)?"
            ));
        }
        if let Some(run) = self.failed.first() {
            what.push(format!(
                "everything that is known about the failed run, to read or to send on: /api/v1/dossiers/{0}, or `exstreamtv dossier export {0}`",
                run.dossier
            ));
        }
        if outcome == Outcome::Open {
            what.push("it goes on: the server tries again by itself; this page changes as it does".into());
        }
        what
    }
}

fn seconds(span: TimeDelta) -> f64 {
    (span.num_milliseconds().max(0) as f64) / 1_000.0
}

/// Begins a sentence's words within another, unless they are a name.
fn uncapitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests;
