//! What a person writes for the balance scheduler.
//!
//! Does: define the document and find everything that is wrong with it.
//! Does not: look at what the sources hold; that changes from day to day.
//! Invariant: settings without a fault can always be planned with.

use std::collections::BTreeSet;

use exstreamtv_model::{
    collection::MediaQuery,
    schedule::{PoolNeed, PoolSource, SettingsFault},
};
use serde::{Deserialize, Serialize};

use crate::order::OrderMode;

/// The settings of [`Balance`](super::Balance).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BalanceSchedule {
    /// What shares the time.
    pub sources: Vec<BalanceSource>,
    /// What is played while every source rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<FallbackSource>,
    /// How the next source is chosen.
    #[serde(default)]
    pub mode: BalanceMode,
    /// What happens while every source rests and there is no fallback.
    #[serde(default)]
    pub all_resting: AllResting,
}

/// How the next source is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BalanceMode {
    /// Drawn by weight among those that are not ahead of their share, so that shares come true soon.
    #[default]
    Balanced,
    /// Drawn by weight, and nothing else: shares come true in the long run only.
    WeightedRandom,
}

/// What happens while every source rests and there is no fallback.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AllResting {
    /// The slate is on until the first one may play.
    #[default]
    Wait,
    /// The one that may play first plays at once.
    PlayFirst,
}

/// One source of items.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BalanceSource {
    /// What people call it. Its place in its items is kept under this name.
    pub name: String,
    /// Its share of the items: its weight of the sum of all; 0 switches it off.
    #[serde(default = "one")]
    pub weight: u32,
    /// How long it rests behind each of its items, minutes.
    #[serde(default)]
    pub cooldown_minutes: u32,
    /// Most of its items in a row, where anything else can be played; absent for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_consecutive: Option<u32>,
    /// In which order its items are played.
    #[serde(default)]
    pub order_mode: OrderMode,
    /// Its items: a collection, by id or name. Exactly one of this, `show` and `query` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection_id: Option<String>,
    /// Its items: all episodes of one series, by its whole title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<String>,
    /// Its items: whatever matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<MediaQuery>,
}

/// The source that is played while all others rest. It has no weight and never rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FallbackSource {
    /// What people call it.
    #[serde(default = "fallback")]
    pub name: String,
    /// In which order its items are played.
    #[serde(default)]
    pub order_mode: OrderMode,
    /// Its items: a collection, by id or name. Exactly one of this, `show` and `query` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection_id: Option<String>,
    /// Its items: all episodes of one series, by its whole title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<String>,
    /// Its items: whatever matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<MediaQuery>,
}

/// Most sources, so that all their places fit into a plan's state.
pub const MAX_SOURCES: usize = 40;

/// Largest weight.
pub const MAX_WEIGHT: u32 = 1_000;

/// Longest rest: a week.
pub const MAX_COOLDOWN_MINUTES: u32 = 7 * 24 * 60;

const MAX_NAME_CHARS: usize = 60;

fn one() -> u32 {
    1
}

fn fallback() -> String {
    "fallback".into()
}

impl BalanceSchedule {
    /// Returns everything that is wrong with the settings.
    pub fn faults(&self) -> Vec<SettingsFault> {
        let mut faults = Faults(Vec::new());
        self.check_sources(&mut faults);
        let mut names = BTreeSet::new();
        for (index, source) in self.sources.iter().enumerate() {
            let path = format!("sources[{index}]");
            source.check(&path, &mut faults);
            check_name(&source.name, &path, &mut names, &mut faults);
        }
        if let Some(fallback) = &self.fallback {
            fallback.items().check("fallback", &mut faults);
            check_name(&fallback.name, "fallback", &mut names, &mut faults);
        }
        faults.0
    }

    /// Returns the pools that a plan draws from, one per source, under the source's name.
    pub fn needs(&self) -> Vec<PoolNeed> {
        let playing = self.sources.iter().filter(|source| source.weight > 0);
        let sources = playing.map(|source| (&source.name, source.items()));
        let all = sources.chain(self.fallback.iter().map(|fallback| (&fallback.name, fallback.items())));
        all.filter_map(|(name, items)| Some(PoolNeed { key: name.clone(), source: items.source()? })).collect()
    }

    fn check_sources(&self, faults: &mut Faults) {
        match self.sources.len() {
            0 => faults.add("sources", "there are no sources: name at least one"),
            count if count > MAX_SOURCES => {
                faults.add("sources", format!("there are {count} sources: at most {MAX_SOURCES} are possible"));
            }
            _ if self.sources.iter().all(|source| source.weight == 0) => {
                faults.add(
                    "sources",
                    "every weight is 0, which switches a source off: give at least one source a weight",
                );
            }
            _ => {}
        }
    }
}

impl BalanceSource {
    fn check(&self, path: &str, faults: &mut Faults) {
        if self.weight > MAX_WEIGHT {
            faults.add(format!("{path}.weight"), format!("{} is too much: at most {MAX_WEIGHT}", self.weight));
        }
        if self.cooldown_minutes > MAX_COOLDOWN_MINUTES {
            let minutes = self.cooldown_minutes;
            let message = format!("{minutes} minutes are too long: at most {MAX_COOLDOWN_MINUTES}, which is a week");
            faults.add(format!("{path}.cooldown_minutes"), message);
        }
        if self.max_consecutive == Some(0) {
            let message = "0 in a row would be none at all: write 1 or more, or leave it out for no limit";
            faults.add(format!("{path}.max_consecutive"), message);
        }
        self.items().check(path, faults);
    }

    fn items(&self) -> Items<'_> {
        Items { collection_id: self.collection_id.as_deref(), show: self.show.as_deref(), query: self.query.as_ref() }
    }
}

impl FallbackSource {
    fn items(&self) -> Items<'_> {
        Items { collection_id: self.collection_id.as_deref(), show: self.show.as_deref(), query: self.query.as_ref() }
    }
}

/// Where a source's items come from: one of three.
struct Items<'a> {
    collection_id: Option<&'a str>,
    show: Option<&'a str>,
    query: Option<&'a MediaQuery>,
}

impl Items<'_> {
    fn check(&self, path: &str, faults: &mut Faults) {
        let given = [self.collection_id.is_some(), self.show.is_some(), self.query.is_some()];
        match given.iter().filter(|given| **given).count() {
            0 => faults.add(path, "nothing says where its items come from: give collection_id, show or query"),
            1 => {}
            _ => faults
                .add(path, "its items cannot come from several places: give only one of collection_id, show and query"),
        }
        for (key, text) in [("collection_id", self.collection_id), ("show", self.show)] {
            if text.is_some_and(|text| text.trim().is_empty()) {
                faults.add(format!("{path}.{key}"), "it is empty");
            }
        }
    }

    fn source(&self) -> Option<PoolSource> {
        let collection = self.collection_id.map(|id| PoolSource::Collection { collection_id: id.to_owned() });
        let show = || self.show.map(|show| PoolSource::Show { show: show.to_owned() });
        let query = || self.query.map(|query| PoolSource::Query { query: query.clone() });
        collection.or_else(show).or_else(query)
    }
}

/// Collects what is wrong.
struct Faults(Vec<SettingsFault>);

impl Faults {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(SettingsFault { path: path.into(), message: message.into() });
    }
}

fn check_name<'a>(name: &'a str, path: &str, names: &mut BTreeSet<&'a str>, faults: &mut Faults) {
    let path = format!("{path}.name");
    if name.trim().is_empty() {
        faults.add(&path, "it is empty: give the source a name");
    }
    if name.chars().count() > MAX_NAME_CHARS {
        faults.add(&path, format!("it is too long: at most {MAX_NAME_CHARS} characters"));
    }
    if !names.insert(name) {
        faults.add(&path, format!("another source is called {name:?} too: every name must be its own"));
    }
}
