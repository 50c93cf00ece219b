//! `[[collection]]` and `[[channel]]`: channels that the configuration declares.
//!
//! Does: define their keys, check what can be checked without a database or a strategy, and turn settings into the document that a strategy reads.
//! Does not: apply anything; `app` makes the declared channels what they should be at the start and at every reload.
//! Invariant: a mistake is named by its path in the file: `channel[0].schedule.slot[2].start_time`.

use std::{collections::HashSet, path::PathBuf};

use exstreamtv_model::{
    ChannelNumber, ItemOrder, Schedule, ThrottleWish, collection::MediaQuery, pick::TrackPreferences,
    schedule::SettingsFault, slate::ScreenChanges,
};
use serde::{Deserialize, Serialize};

use super::ValueError;

/// A set of media; exactly one of `folder`, `items` and `query` says which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredCollection {
    /// What channels and slots call it; one per name.
    pub name: String,
    /// Everything at or below this folder of the library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// These files of the library, in this order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<PathBuf>>,
    /// Whatever matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<MediaQuery>,
}

/// A channel; the number says which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredChannel {
    /// Place in the lineup: "5", "5.1".
    pub number: ChannelNumber,
    /// What people call it.
    pub name: String,
    /// Group in the players' lists.
    #[serde(default)]
    pub group: String,
    /// Address of a logo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
    /// IANA zone of its schedule and guide; without it, the one of `[playout]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<chrono_tz::Tz>,
    /// Name or id of the collection that it plays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// In which order the collection is played where there is no schedule.
    #[serde(default = "by_name")]
    pub order: ItemOrder,
    /// Which sound and which subtitles are played.
    #[serde(default)]
    pub tracks: TrackPreferences,
    /// How fast its viewers are sent it, where the configuration's way is not wanted.
    #[serde(default, skip_serializing_if = "ThrottleWish::is_empty")]
    pub throttle: ThrottleWish,
    /// What its slates are like, where not as `[error_screens]` says.
    #[serde(default)]
    pub error_screen: ScreenChanges,
    /// A disabled channel is in no lineup.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// What fills its time instead of the plain order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<DeclaredSchedule>,
}

/// A strategy, with its settings beside its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeclaredSchedule {
    /// The scheduler plugin's id.
    pub strategy: String,
    /// Every other key: the strategy's own document. `[[channel.schedule.slot]]` is its list "slots".
    #[serde(flatten)]
    pub settings: toml::Table,
}

/// Lists whose elements people write one by one: what TOML calls an element, and what the strategies call the list.
const LISTS: [(&str, &str); 2] = [("slot", "slots"), ("source", "sources")];

fn by_name() -> ItemOrder {
    ItemOrder::Name
}

fn yes() -> bool {
    true
}

impl DeclaredSchedule {
    /// Returns the schedule as channels store it.
    pub fn schedule(&self) -> Schedule {
        let settings = self.settings.iter().map(|(key, value)| {
            let list = LISTS.iter().find(|(one, _)| one == key && value.is_array());
            (list.map_or(key.as_str(), |(_, all)| all).to_owned(), json(value))
        });
        Schedule { strategy: self.strategy.clone(), settings: settings.collect() }
    }

    /// Returns where in `[channel.schedule]` a fault of the stored schedule was written.
    pub fn path_of(&self, fault: &SettingsFault) -> String {
        let path = match fault.path.strip_prefix("settings") {
            Some(inside) => inside.trim_start_matches('.'),
            None => return fault.path.clone(),
        };
        let written = LISTS.iter().find_map(|(one, all)| {
            let rest = path.strip_prefix(all).filter(|rest| rest.is_empty() || rest.starts_with(['[', '.']))?;
            self.settings.contains_key(*one).then(|| format!("{one}{rest}"))
        });
        written.unwrap_or_else(|| path.to_owned())
    }
}

/// TOML knows dates and times of day, which strategies read as text.
fn json(value: &toml::Value) -> serde_json::Value {
    match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) => (*number).into(),
        toml::Value::Boolean(truth) => (*truth).into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(list) => list.iter().map(json).collect(),
        toml::Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), json(value))).collect(),
    }
}

/// Checks what can be checked without a database.
pub(super) fn check(collections: &[DeclaredCollection], channels: &[DeclaredChannel]) -> Result<(), ValueError> {
    let wrong = |path: String, message: &str| Err(ValueError::Declared { path, message: message.to_owned() });
    let mut names = HashSet::new();
    for (index, collection) in collections.iter().enumerate() {
        let place = format!("collection[{index}]");
        if collection.name.trim().is_empty() {
            return wrong(format!("{place}.name"), "a collection needs a name");
        }
        if !names.insert(collection.name.trim().to_lowercase()) {
            return wrong(format!("{place}.name"), "another collection has this name");
        }
        let DeclaredCollection { folder, items, query, .. } = collection;
        if [folder.is_some(), items.is_some(), query.is_some()].iter().filter(|there| **there).count() != 1 {
            return wrong(place, "it needs exactly one of folder, items and query");
        }
    }
    let mut numbers = HashSet::new();
    for (index, channel) in channels.iter().enumerate() {
        if !numbers.insert(&channel.number) {
            return wrong(format!("channel[{index}].number"), "another channel has this number");
        }
        if channel.name.trim().is_empty() {
            return wrong(format!("channel[{index}].name"), "a channel needs a name");
        }
        if let Err(error) = channel.throttle.check() {
            return wrong(format!("channel[{index}].throttle.target_bitrate_bps"), &error.to_string());
        }
        if let Err(error) = channel.error_screen.check() {
            return wrong(format!("channel[{index}].error_screen"), &error.to_string());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Config, load::load};
    use super::*;

    const EVENING: &str = r#"
        [[collection]]
        name = "Films"
        query = { kind = "movie", year_from = 1990 }

        [[channel]]
        number = "5"
        name = "Evening"
        zone = "Europe/Berlin"
        tracks.audio.languages = ["de"]

        [channel.schedule]
        strategy = "exstreamtv.time-slots"
        default_collection = "Films"

        [[channel.schedule.slot]]
        slot_id = "film"
        start_time = 20:15:00
        collection_id = "Films"
    "#;

    fn read(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("exstreamtv.toml");
        std::fs::write(&path, text).unwrap();
        load(Some(&path), std::iter::empty()).map_err(|error| error.to_string())
    }

    #[test]
    fn slots_are_written_one_by_one_and_times_of_day_without_quotes() {
        let config = read(EVENING).unwrap();
        let schedule = config.channels[0].schedule.as_ref().unwrap();
        assert_eq!(schedule.schedule().strategy, "exstreamtv.time-slots");
        let slot = json!({"slot_id": "film", "start_time": "20:15:00", "collection_id": "Films"});
        assert_eq!(schedule.schedule().settings, json!({"default_collection": "Films", "slots": [slot]}));
        assert_eq!(config.channels[0].tracks.audio.languages, ["de"]);
        assert_eq!(config.collections[0].query.as_ref().unwrap().year_from, Some(1990));
    }

    #[test]
    fn a_fault_is_named_where_it_was_written() {
        let config = read(EVENING).unwrap();
        let schedule = config.channels[0].schedule.as_ref().unwrap();
        let place = |path: &str| schedule.path_of(&SettingsFault { path: path.into(), message: String::new() });
        assert_eq!(place("settings.slots[2].start_time"), "slot[2].start_time");
        assert_eq!(place("settings.default_collection"), "default_collection");
        assert_eq!(place("settings.slots_per_day"), "slots_per_day");
        assert_eq!((place("settings"), place("strategy")), (String::new(), "strategy".into()));
    }

    #[test]
    fn unknown_keys_are_named_with_their_line_and_what_was_meant() {
        let error = read("[[channel]]\nnumber = \"5\"\nname = \"x\"\ncolection = \"y\"\n").unwrap_err();
        for part in ["line 4", "colection", "did you mean `collection`?"] {
            assert!(error.contains(part), "{part:?} is missing in: {error}");
        }
        let error = read("[[collection]]\nname = \"x\"\nquery = { gerne = \"y\" }\n").unwrap_err();
        assert!(error.contains("did you mean `genre`?"), "{error}");
        let error = read("[[channel]]\nnumber = \"5\"\nname = \"x\"\n[channel.schedule]\nslot = []\n").unwrap_err();
        assert!(error.contains("strategy"), "{error}");
    }

    #[test]
    fn what_contradicts_itself_is_named_by_its_path() {
        for (text, expected) in [
            ("[[collection]]\nname = \"a\"\n", "collection[0]: it needs exactly one of"),
            ("[[collection]]\nname = \"a\"\nfolder = \"/a\"\nitems = []\n", "collection[0]: it needs exactly one of"),
            (
                "[[collection]]\nname = \"a\"\nitems = []\n[[collection]]\nname = \"A\"\nitems = []\n",
                "collection[1].name",
            ),
            ("[[channel]]\nnumber = \"1\"\nname = \"\"\n", "channel[0].name"),
            (
                "[[channel]]\nnumber = \"1\"\nname = \"a\"\n[[channel]]\nnumber = \"1\"\nname = \"b\"\n",
                "channel[1].number",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        let config = read(EVENING).unwrap();
        assert_eq!(read(&toml::to_string_pretty(&config).unwrap()).unwrap(), config);
    }
}
