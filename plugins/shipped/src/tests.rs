//! What the library promises to the host, asked through its exported functions.
//!
//! With `EXSTREAMTV_UPDATE=1` in the environment, sidecar, vectors and the schemas of settings are written anew; read the difference before you keep it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use exstreamtv_plugin_sdk::{
    api,
    incident::{ProposeAnswer, ProposeRequest},
    kit::{Plugins, Vector},
    pick::{AudioAnswer, AudioRequest, SubtitleAnswer, SubtitleRequest},
    schedule::{PlanAnswer, PlanRequest},
    serde_json::{self, Value},
};
use exstreamtv_schedulers::{BalanceSchedule, SequenceSchedule, TimeSlotSchedule};
use schemars::schema_for;

use super::exported_plugins;

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn update() -> bool {
    std::env::var_os("EXSTREAMTV_UPDATE").is_some()
}

/// Every vector with the file that it stands in.
fn vectors() -> Vec<(PathBuf, Vector)> {
    let entries = fs::read_dir(folder().join("../vectors")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), read(&path))).collect()
}

fn read(path: &Path) -> Vector {
    let text = fs::read_to_string(path).unwrap();
    Vector::parse(&text).unwrap_or_else(|error| panic!("{} is no vector: {error}", path.display()))
}

#[test]
fn the_sidecar_says_what_the_library_says() {
    let path = folder().join("exstreamtv_shipped.plugin.toml");
    let said = Plugins::of(exported_plugins()).sidecar();
    if update() {
        fs::write(&path, &said).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), said, "EXSTREAMTV_UPDATE=1 writes it anew");
}

#[test]
fn every_vector_gets_the_answer_that_is_written_there() {
    let plugins = Plugins::of(exported_plugins());
    for (path, mut vector) in vectors() {
        if update() {
            vector.response = vector.answer(plugins).unwrap();
            fs::write(&path, serde_json::to_string_pretty(&vector).unwrap() + "\n").unwrap();
        }
        vector.replay(plugins).unwrap_or_else(|fault| panic!("{}: {fault:#?}", path.display()));
    }
}

#[test]
fn every_answer_of_a_vector_is_one_that_the_host_takes() {
    for (path, vector) in vectors() {
        if let Err(fault) = check(&vector) {
            panic!("{}: {fault}", path.display());
        }
    }
}

fn check(vector: &Vector) -> Result<(), String> {
    fn document<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, String> {
        T::deserialize(value).map_err(|error| error.to_string())
    }
    let (request, response) = (&vector.request, &vector.response);
    match vector.method.as_str() {
        api::METHOD_PLAN => document::<PlanAnswer>(response)?
            .check(&document::<PlanRequest>(request)?)
            .map_err(|fault| fault.to_string()),
        api::METHOD_PICK_AUDIO => document::<AudioAnswer>(response)?
            .check(&document::<AudioRequest>(request)?)
            .map_err(|fault| fault.to_string()),
        api::METHOD_PICK_SUBTITLE => document::<SubtitleAnswer>(response)?
            .check(&document::<SubtitleRequest>(request)?)
            .map_err(|fault| fault.to_string()),
        api::METHOD_PROPOSE => document::<ProposeAnswer>(response)?
            .check(&document::<ProposeRequest>(request)?)
            .map_err(|fault| fault.to_string()),
        _ => Ok(()),
    }
}

#[test]
fn every_strategy_has_a_vector_and_every_vector_a_strategy() {
    let described = Plugins::of(exported_plugins()).described();
    let described: BTreeSet<_> = described.into_iter().map(|plugin| plugin.id).collect();
    let shown: BTreeSet<_> = vectors().into_iter().map(|(_, vector)| vector.plugin).collect();
    assert_eq!(shown, described);
}

#[test]
fn a_vector_stands_in_a_file_that_is_named_after_it() {
    for (path, vector) in vectors() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let expected = format!("{}.{}.", vector.plugin, vector.method);
        assert!(name.starts_with(&expected), "{name} must begin with {expected}");
    }
}

#[test]
fn the_settings_of_every_scheduler_are_described() {
    let schemas = [
        ("exstreamtv.sequence", schema_for!(SequenceSchedule)),
        ("exstreamtv.time-slots", schema_for!(TimeSlotSchedule)),
        ("exstreamtv.balance", schema_for!(BalanceSchedule)),
    ];
    for (id, schema) in schemas {
        let path = folder().join(format!("../schema/settings/{id}.json"));
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if update() {
            fs::write(&path, &text).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(written == text, "{} is out of date: EXSTREAMTV_UPDATE=1 writes it anew", path.display());
    }
}
