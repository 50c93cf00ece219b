//! Declared channels, on a real database with the built-in strategies.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_model::{MediaState, Metadata};
use exstreamtv_store::{ScannedMedia, WaitingSchedule};
use tempfile::TempDir;

use super::*;
use crate::{clock::Clock, lifecycle::Lifecycle, plugins::Strategies};

struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }
}

struct House {
    store: Store,
    playouts: Playouts,
    life: Lifecycle,
    folder: TempDir,
}

impl House {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("test.db"), Epoch.now()).await.unwrap();
        let life = Lifecycle::default();
        let strategies = Arc::new(Strategies::built_in());
        let playouts = Playouts::start(store.clone(), Arc::new(Epoch), strategies, TimeDelta::hours(1), &life);
        Self { store, playouts, life, folder }
    }

    /// Reads a configuration and applies it; returns whether anything changed, or what is wrong.
    async fn apply(&self, text: &str) -> Result<bool, String> {
        self.apply_in(text, false).await
    }

    async fn apply_in(&self, text: &str, safe_mode: bool) -> Result<bool, String> {
        let path = self.folder.path().join("exstreamtv.toml");
        std::fs::write(&path, text).unwrap();
        let config = crate::config::load::load(Some(&path), std::iter::empty()).map_err(|error| error.to_string())?;
        let declared = Declared::of(&config, safe_mode).map_err(|error| error.to_string())?;
        declared.apply(&self.store, &self.playouts).await.map_err(|error| error.to_string())
    }

    async fn numbers(&self) -> Vec<String> {
        self.store.channels().list().await.unwrap().iter().map(|channel| channel.number.to_string()).collect()
    }

    async fn five(&self) -> Channel {
        self.store.channels().find_by_number(&"5".parse().unwrap()).await.unwrap().unwrap()
    }

    async fn close(self) {
        self.life.stop(Duration::from_secs(1)).await;
    }
}

const FIVE: &str = "
[playout]
zone = \"Asia/Kathmandu\"
[[collection]]
name = \"Films\"
query = { kind = \"movie\" }
[[channel]]
number = \"5\"
name = \"Five\"
collection = \"films\"
order = { by = \"shuffle\", seed = 7 }
[channel.schedule]
strategy = \"exstreamtv.sequence\"
order = { by = \"name\" }
";

#[tokio::test]
async fn declared_channels_are_made_once_and_changed_when_their_declaration_does() {
    let house = House::open().await;
    assert_eq!(house.apply(FIVE).await, Ok(true));
    let made = house.five().await;
    assert_eq!((made.name.as_str(), made.zone, made.enabled), ("Five", chrono_tz::Asia::Kathmandu, true));
    assert_eq!(made.schedule.as_ref().unwrap().settings, serde_json::json!({"order": {"by": "name"}}));
    assert!(made.collection.is_some());
    assert_eq!(house.apply(FIVE).await, Ok(false), "the same declaration changes nothing");

    assert_eq!(house.apply(&FIVE.replace("\"Five\"", "\"Fünf\"")).await, Ok(true));
    assert_eq!(house.five().await, Channel { name: "Fünf".into(), ..made });
    house.close().await;
}

#[tokio::test]
async fn channels_that_are_not_declared_are_left_alone() {
    let house = House::open().await;
    house.apply(&FIVE.replace("number = \"5\"", "number = \"6\"")).await.unwrap();
    let six = house.store.channels().list().await.unwrap();
    house.apply(FIVE).await.unwrap();
    assert_eq!(house.numbers().await, ["5", "6"]);
    house.apply("").await.unwrap();
    assert_eq!(house.numbers().await, ["5", "6"], "one whose declaration is gone stays");
    assert_eq!(house.store.channels().find(six[0].id).await.unwrap().as_ref(), Some(&six[0]));
    house.close().await;
}

#[tokio::test]
async fn a_mistake_is_named_by_its_path_and_nothing_is_changed() {
    let house = House::open().await;
    let more = "[[channel]]\nnumber = \"6\"\nname = \"Six\"\ncollection = \"Flims\"\n[channel.schedule]\nstrategy = \"test.none\"\n";
    let error = house.apply(&format!("{FIVE}{more}")).await.unwrap_err();
    assert!(
        error.contains("channel[1].collection: there is no collection with the id or the name \"Flims\""),
        "{error}"
    );
    assert!(error.contains("channel[1].schedule.strategy: failed to find a strategy named \"test.none\""), "{error}");
    assert!(house.numbers().await.is_empty());
    assert!(house.store.collections().list().await.unwrap().is_empty());
    house.close().await;
}

#[tokio::test]
async fn a_schedule_that_was_declared_anew_takes_the_place_of_one_that_waits() {
    let house = House::open().await;
    house.apply(FIVE).await.unwrap();
    let five = house.five().await;
    let later = Epoch.now() + TimeDelta::hours(1);
    house.store.schedules().set(five.id, None, Some(later)).await.unwrap();
    house.apply(FIVE).await.unwrap();
    let waiting = house.store.schedules().waiting(five.id).await.unwrap();
    assert_eq!(waiting, Some(WaitingSchedule { from: later, schedule: None }), "the declaration did not change");
    house.apply(&FIVE.replace("{ by = \"name\" }", "{ by = \"shuffle\", seed = 1 }")).await.unwrap();
    assert_eq!(house.store.schedules().waiting(five.id).await.unwrap(), None);
    house.close().await;
}

#[tokio::test]
async fn listed_files_are_found_once_they_were_scanned() {
    let house = House::open().await;
    let (one, two) = (house.folder.path().join("1.mkv"), house.folder.path().join("2.mkv"));
    let text = format!("[[collection]]\nname = \"list\"\nitems = [{two:?}, {one:?}]\n");
    house.apply(&text).await.unwrap();
    let listed = async || house.store.collections().list().await.unwrap().remove(0).source;
    assert_eq!(listed().await, CollectionSource::Manual { items: vec![] });
    let mut ids = Vec::new();
    for path in [one, two] {
        let metadata = Metadata { title: "x".into(), ..Metadata::default() };
        let media = ScannedMedia { path, size_bytes: 1, mtime_ms: 1, state: MediaState::Ready, probe: None, metadata };
        ids.push(house.store.media().upsert(&media, Epoch.now()).await.unwrap());
    }
    house.apply(&text).await.unwrap();
    assert_eq!(listed().await, CollectionSource::Manual { items: vec![ids[1], ids[0]] });
    house.close().await;
}

#[tokio::test]
async fn a_strategy_that_does_not_answer_keeps_no_host_from_starting() {
    let house = House::open().await;
    let gone = FIVE.replace("exstreamtv.sequence", "test.gone");
    assert!(house.apply(&gone).await.unwrap_err().contains("channel[0].schedule.strategy"), "it was never right");
    assert_eq!(house.apply_in(&gone, true).await, Ok(true), "in safe mode nobody can say");
    assert_eq!(house.apply(&gone).await, Ok(false), "what is in force already is believed");
    assert_eq!(house.five().await.schedule.unwrap().strategy, "test.gone");
    house.close().await;
}
