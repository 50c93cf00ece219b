//! Schedules tried out: checked, and planned without being stored.
//!
//! Does: ask a strategy what is wrong with settings, and what it would put on air.
//! Does not: write anything; a preview leaves timeline, states and schedules as they are.
//! Invariant: a preview is made by the same steps as the timeline.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_model::{
    Channel, ChannelId, EntryKind, Schedule,
    schedule::{PoolSource, PrepareRequest, SettingsFault},
};
use exstreamtv_store::NewEntry;
use serde_json::Value;

use super::{
    PlayoutError, Playouts,
    author::{beginning, window},
    boundary::next_boundary,
    draft::{Assignment, Memory, draft},
    material::{Material, selection},
    rules::{Rules, effective},
};

/// What a schedule would put on air.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// First moment that it shows.
    pub from: DateTime<Utc>,
    /// First moment that it does not show.
    pub to: DateTime<Utc>,
    /// The rows.
    pub entries: Vec<NewEntry>,
    /// The strategy's remarks, each once.
    pub notes: Vec<String>,
    /// Who gets how much time.
    pub distribution: Vec<Share>,
    /// Which strategy made it.
    pub by: String,
    /// Why it was not the one that was asked.
    pub fallback: Option<String>,
}

/// How much of a preview one rule fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The slot or source; empty where the strategy names none.
    pub rule: String,
    /// What its rows are to a viewer.
    pub kind: EntryKind,
    /// How many rows.
    pub count: u64,
    /// How long they are on air together.
    pub airtime_ms: i64,
}

impl Playouts {
    /// Returns what is wrong with a schedule, with paths such as "settings.slots\[2\].start_time".
    ///
    /// # Errors
    /// If the database fails.
    pub async fn check(&self, channel: &Channel, schedule: &Schedule) -> Result<Vec<SettingsFault>, PlayoutError> {
        self.check_with(channel, schedule, &[]).await
    }

    /// Returns what is wrong with a schedule, as [`Self::check`] does, if there were collections with the names `coming`, too.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn check_with(
        &self,
        channel: &Channel,
        schedule: &Schedule,
        coming: &[&str],
    ) -> Result<Vec<SettingsFault>, PlayoutError> {
        let request = PrepareRequest { zone: channel.zone.to_string(), settings: schedule.settings.clone() };
        let preparation = match self.ask.prepare(&schedule.strategy, request).await {
            Ok(preparation) => preparation,
            Err(error) => {
                let message = format!("failed to {error}");
                return Ok(vec![SettingsFault { path: "strategy".into(), message }]);
            }
        };
        let within = |fault: SettingsFault| SettingsFault { path: below_settings(&fault.path), ..fault };
        let mut faults: Vec<_> = preparation.faults.into_iter().map(within).collect();
        for need in &preparation.pools {
            if let PoolSource::Collection { collection_id } = &need.source
                && !coming.iter().any(|name| name.trim().to_lowercase() == collection_id.trim().to_lowercase())
                && selection(&self.store, channel, &need.source).await?.is_none()
            {
                let message = format!("there is no collection with the id or the name {collection_id:?}");
                let path = path_of(&schedule.settings, collection_id).unwrap_or_default();
                faults.push(SettingsFault { path: below_settings(&path), message });
            }
        }
        Ok(faults)
    }

    /// Plans `span` of a channel's time from the end of what is on air, by `schedule` or by its own; `None` if there is no such channel.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn preview(
        &self,
        channel: ChannelId,
        schedule: Option<Schedule>,
        span: TimeDelta,
    ) -> Result<Option<Preview>, PlayoutError> {
        let Some(rules) = Rules::read(&self.store, channel).await? else { return Ok(None) };
        let now = self.clock.now();
        let rows = self.store.playout().window(channel, now - TimeDelta::hours(12), now + TimeDelta::hours(12)).await?;
        let from = next_boundary(&rows, now).unwrap_or_else(|| beginning(now));
        let rules = match schedule {
            Some(schedule) => {
                let channel = Channel { schedule: Some(schedule), ..rules.channel };
                Rules { channel, waiting: None }
            }
            None => rules,
        };
        self.plan_ahead(&rules, from, from + span).await.map(Some)
    }

    async fn plan_ahead(&self, rules: &Rules, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Preview, PlayoutError> {
        let by = effective(&rules.channel, rules.channel.schedule.as_ref()).strategy;
        let (entries, notes, distribution) = (vec![], vec![], vec![]);
        let mut preview = Preview { from, to, entries, notes, distribution, by, fallback: None };
        let mut start = from;
        let mut last: Option<(Schedule, Material, Memory)> = None;
        while start < to {
            let rule = rules.at(start);
            let (material, memory) = match last.take() {
                Some((schedule, material, memory)) if schedule == rule.schedule => (material, memory),
                _ => {
                    let memory = Memory::read(&self.store, &rules.channel, &rule.schedule.strategy, start).await?;
                    let material =
                        Material::gather(&self.store, &*self.ask, &rules.channel, &rule.schedule, None).await?;
                    (material, memory)
                }
            };
            if material.is_empty() {
                preview.notes.push("there is nothing to play: every pool is empty".into());
                break;
            }
            let window = window(start, to.min(rule.until.unwrap_or(to)));
            let assignment = Assignment { channel: &rules.channel, rule: &rule, material: &material };
            let drafted = draft(&*self.ask, &assignment, window, &memory).await;
            start = drafted.checkpoint.upto;
            let memory = memory.behind(&drafted);
            preview.notes.extend(drafted.notes.into_iter().filter(|note| !note.is_empty()));
            preview.entries.extend(drafted.entries);
            preview.by = drafted.by;
            preview.fallback = preview.fallback.or(drafted.failure);
            last = Some((rule.schedule, material, memory));
        }
        preview.notes = each_once(preview.notes);
        preview.distribution = shares(&preview.entries);
        Ok(preview)
    }
}

fn each_once(notes: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    notes.into_iter().filter(|note| seen.insert(note.clone())).collect()
}

fn shares(entries: &[NewEntry]) -> Vec<Share> {
    let mut shares: BTreeMap<(String, &str), Share> = BTreeMap::new();
    for entry in entries {
        let name = match entry.kind {
            EntryKind::Programme => "programme",
            EntryKind::Filler => "filler",
            EntryKind::Slate => "slate",
        };
        let share = shares.entry((entry.rule.clone(), name)).or_insert_with(|| Share {
            rule: entry.rule.clone(),
            kind: entry.kind,
            count: 0,
            airtime_ms: 0,
        });
        share.count += 1;
        share.airtime_ms += (entry.stop - entry.start).num_milliseconds();
    }
    shares.into_values().collect()
}

fn below_settings(path: &str) -> String {
    match path {
        "" => "settings".to_owned(),
        list if list.starts_with('[') => format!("settings{list}"),
        key => format!("settings.{key}"),
    }
}

/// Returns where in a document a text stands: a need says which collection it wants, but not where somebody wrote so.
fn path_of(settings: &Value, text: &str) -> Option<String> {
    match settings {
        Value::String(found) => (found == text).then(String::new),
        Value::Array(list) => list.iter().enumerate().find_map(|(index, value)| {
            let rest = path_of(value, text)?;
            Some(joined(&format!("[{index}]"), &rest))
        }),
        Value::Object(map) => map.iter().find_map(|(key, value)| {
            let rest = path_of(value, text)?;
            Some(joined(key, &rest))
        }),
        _ => None,
    }
}

fn joined(first: &str, rest: &str) -> String {
    if rest.is_empty() || rest.starts_with('[') { format!("{first}{rest}") } else { format!("{first}.{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_collection_is_pointed_at_where_it_was_written() {
        let settings = serde_json::json!({"slots": [{"collection_id": "a"}, {"collection_id": "b"}], "default": "c"});
        assert_eq!(path_of(&settings, "b").as_deref(), Some("slots[1].collection_id"));
        assert_eq!(path_of(&settings, "c").as_deref(), Some("default"));
        assert_eq!(path_of(&settings, "d"), None);
        assert_eq!(below_settings("slots[1].collection_id"), "settings.slots[1].collection_id");
        assert_eq!(below_settings(""), "settings");
    }
}
