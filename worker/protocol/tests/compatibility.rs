//! Version 2 of the protocol as it was released: these files must parse for ever.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::{collections::BTreeSet, fmt::Debug, fs, path::PathBuf};

use exstreamtv_worker_protocol::{Command, Report};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Every variant's tag, so that a new one cannot come without a fixture.
const COMMANDS: [&str; 10] =
    ["cancel", "cards", "configure", "extract", "identify", "measure", "play", "probe", "restrict", "stop"];
const REPORTS: [&str; 11] = [
    "ended",
    "extracted",
    "hello",
    "identified",
    "log",
    "measured",
    "probed",
    "progress",
    "started",
    "testimony",
    "vitals",
];

fn fixtures(kind: &str) -> Vec<(PathBuf, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v2");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let wanted = files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(kind));
    wanted.map(|path| (path.clone(), serde_json::from_slice(&fs::read(path).unwrap()).unwrap())).collect()
}

fn tags(kind: &str) -> BTreeSet<String> {
    fixtures(kind).into_iter().map(|(_, json)| json[kind].as_str().unwrap().to_owned()).collect()
}

fn round_trips<T: DeserializeOwned + Serialize + PartialEq + Debug>(kind: &str) {
    for (path, json) in fixtures(kind) {
        let message: T = serde_json::from_value(json.clone()).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let again: T = serde_json::from_value(serde_json::to_value(&message).unwrap()).unwrap();
        assert_eq!(again, message, "{}", path.display());

        let mut newer = json;
        newer["added_in_version_3"] = Value::from("ignored by us");
        assert_eq!(serde_json::from_value::<T>(newer).unwrap(), message, "{}", path.display());
    }
}

#[test]
fn every_command_of_version_2_parses_round_trips_and_may_have_unknown_members() {
    round_trips::<Command>("command");
    assert_eq!(tags("command"), COMMANDS.map(str::to_owned).into());
}

#[test]
fn every_report_of_version_2_parses_round_trips_and_may_have_unknown_members() {
    round_trips::<Report>("report");
    assert_eq!(tags("report"), REPORTS.map(str::to_owned).into());
}

#[test]
fn the_lists_of_variants_are_complete() {
    // Serde names every variant it knows when it meets one that it does not.
    let unknown = |tag: &str, error: serde_json::Error| {
        let text = error.to_string();
        let known = text.split("expected one of ").nth(1).unwrap_or_default();
        let names: BTreeSet<_> = known.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        assert!(!names.is_empty(), "{tag}: {text}");
        names
    };
    let command = serde_json::from_str::<Command>(r#"{"command":"?"}"#).unwrap_err();
    assert_eq!(unknown("command", command), COMMANDS.map(str::to_owned).into());
    let report = serde_json::from_str::<Report>(r#"{"report":"?"}"#).unwrap_err();
    assert_eq!(unknown("report", report), REPORTS.map(str::to_owned).into());
}
