//! The house rules that a compiler does not check.
//!
//! Does: read `cargo metadata` and the sources; fail on an edge, a dependency or a file that breaks design.md §6.
//! Does not: judge style beyond what a rule says word for word.
//! Invariant: an edge that is not in [`ALLOWED`] fails, so a new crate has to be entered here and in ARCHITECTURE.md.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Who may use whom: crate, then every crate of ours it may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("exstreamtv-model", &[]),
    ("exstreamtv-plugin-api", &[]),
    ("exstreamtv-plugin-sdk", &["exstreamtv-model", "exstreamtv-plugin-api"]),
    ("exstreamtv-schedulers", &["exstreamtv-model", "exstreamtv-plugin-sdk"]),
    ("exstreamtv-pickers", &["exstreamtv-model", "exstreamtv-plugin-sdk"]),
    ("exstreamtv-resolvers", &["exstreamtv-plugin-sdk"]),
    (
        "exstreamtv-shipped",
        &["exstreamtv-plugin-sdk", "exstreamtv-schedulers", "exstreamtv-pickers", "exstreamtv-resolvers"],
    ),
    ("exstreamtv-example-resolver", &["exstreamtv-plugin-sdk"]),
    ("exstreamtv-loader", &["exstreamtv-plugin-api"]),
    ("exstreamtv-conformance", &["exstreamtv-model", "exstreamtv-loader"]),
    ("exstreamtv-worker-protocol", &["exstreamtv-model"]),
    ("exstreamtv-hardware", &["exstreamtv-model"]),
    ("exstreamtv-pipeline", &["exstreamtv-model", "exstreamtv-hardware"]),
    (
        "exstreamtv-worker",
        &["exstreamtv-model", "exstreamtv-worker-protocol", "exstreamtv-hardware", "exstreamtv-pipeline"],
    ),
    ("exstreamtv-core", &["exstreamtv-model"]),
    ("exstreamtv-healing", &["exstreamtv-model"]),
    ("exstreamtv-transport", &["exstreamtv-model"]),
    ("exstreamtv-store", &["exstreamtv-model"]),
    ("exstreamtv-library", &["exstreamtv-model"]),
    ("exstreamtv-guide", &["exstreamtv-model"]),
    (
        "exstreamtv",
        &[
            "exstreamtv-model",
            "exstreamtv-plugin-sdk",
            "exstreamtv-schedulers",
            "exstreamtv-loader",
            "exstreamtv-conformance",
            "exstreamtv-worker-protocol",
            "exstreamtv-hardware",
            "exstreamtv-core",
            "exstreamtv-transport",
            "exstreamtv-store",
            "exstreamtv-library",
            "exstreamtv-guide",
            "exstreamtv-healing",
        ],
    ),
    ("exstreamtv-tests", &[]),
];

/// Crates of pure decisions: bytes and times in, decisions out.
const PURE: &[&str] = &[
    "exstreamtv-model",
    "exstreamtv-plugin-sdk",
    "exstreamtv-schedulers",
    "exstreamtv-pickers",
    "exstreamtv-resolvers",
    "exstreamtv-worker-protocol",
    "exstreamtv-hardware",
    "exstreamtv-pipeline",
    "exstreamtv-core",
    "exstreamtv-transport",
    "exstreamtv-guide",
];

/// What a pure crate has no use for outside its tests.
const EFFECTS: &[&str] = &["tokio", "sqlx", "axum", "reqwest", "nix", "notify", "socket2", "sysinfo", "walkdir"];

/// Who alone may touch something: dependency, then the crates that may.
const ISLANDS: &[(&str, &[&str])] = &[
    ("sqlx", &["exstreamtv-store"]),
    ("sqlx-core", &["exstreamtv-store"]),
    ("axum", &["exstreamtv"]),
    ("walkdir", &["exstreamtv", "exstreamtv-library"]),
];

/// Soft limits have a reader; this one has a test.
const MAX_LINES: usize = 700;

#[test]
fn crates_use_only_what_lies_below_them() {
    let allowed: BTreeMap<_, BTreeSet<_>> =
        ALLOWED.iter().map(|(name, below)| (*name, below.iter().copied().collect())).collect();
    let packages = packages();
    for package in &packages {
        let below = allowed.get(package.name.as_str());
        let below = below.unwrap_or_else(|| panic!("{} is a new crate: enter it in ALLOWED", package.name));
        let ours = package.uses.iter().filter(|name| allowed.contains_key(name.as_str()));
        let wrong: Vec<_> = ours.filter(|name| !below.contains(name.as_str())).collect();
        assert!(wrong.is_empty(), "{} must not use {wrong:?}", package.name);
    }
    let there: BTreeSet<_> = packages.iter().map(|package| package.name.as_str()).collect();
    let gone: Vec<_> = allowed.keys().filter(|name| !there.contains(*name)).collect();
    assert!(gone.is_empty(), "ALLOWED names crates that are not there: {gone:?}");
}

#[test]
fn pure_crates_have_no_way_to_cause_effects() {
    for package in packages().iter().filter(|package| PURE.contains(&package.name.as_str())) {
        let effects: Vec<_> = package.uses.iter().filter(|name| EFFECTS.contains(&name.as_str())).collect();
        assert!(effects.is_empty(), "{} is pure and must not use {effects:?}", package.name);
    }
}

#[test]
fn one_crate_alone_sees_the_database_and_one_the_web() {
    for package in packages() {
        for (dependency, owners) in ISLANDS {
            let trespass = package.uses.contains(*dependency) && !owners.contains(&package.name.as_str());
            assert!(!trespass, "only {owners:?} may use {dependency}, not {}", package.name);
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<_> = sources().into_iter().filter(|(_, text)| !text.starts_with("//! ")).collect();
    assert!(silent.is_empty(), "files without a //! first line: {:?}", paths(&silent));
}

#[test]
fn every_crate_states_its_invariant() {
    for package in packages() {
        let root = ["src/lib.rs", "src/main.rs"].map(|file| package.folder.join(file));
        let root = root.iter().find(|file| file.exists()).unwrap();
        let text = fs::read_to_string(root).unwrap();
        assert!(text.contains("\n//! Invariant: "), "{} has no Invariant line in its //!", root.display());
    }
}

#[test]
fn no_file_is_a_mod_rs_or_a_drawer_for_everything() {
    let drawers = ["mod.rs", "utils.rs", "util.rs", "types.rs", "common.rs", "helpers.rs"];
    let found: Vec<_> = sources()
        .into_iter()
        .filter(|(path, _)| drawers.contains(&path.file_name().unwrap().to_str().unwrap()))
        .collect();
    assert!(found.is_empty(), "{:?}", paths(&found));
}

#[test]
fn no_file_grows_without_bound() {
    let long: Vec<_> = sources().into_iter().filter(|(_, text)| text.lines().count() > MAX_LINES).collect();
    assert!(long.is_empty(), "more than {MAX_LINES} lines: {:?}", paths(&long));
}

#[test]
fn the_map_of_the_house_names_every_crate() {
    let map = fs::read_to_string(workspace().join("ARCHITECTURE.md")).unwrap();
    let missing: Vec<_> = ALLOWED.iter().filter(|(name, _)| !map.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md does not name {missing:?}");
}

/// A crate of the workspace.
struct Package {
    name: String,
    folder: PathBuf,
    /// Names of what it is built with; what only its tests use does not count.
    uses: BTreeSet<String>,
}

fn packages() -> Vec<Package> {
    let metadata = metadata();
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

fn package(value: &Value) -> Package {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let dependencies = value["dependencies"].as_array().unwrap();
    let built_with = dependencies.iter().filter(|dependency| dependency["kind"] != "dev");
    let manifest = PathBuf::from(text(&value["manifest_path"]));
    Package {
        name: text(&value["name"]),
        folder: manifest.parent().unwrap().to_owned(),
        uses: built_with.map(|dependency| text(&dependency["name"])).collect(),
    }
}

fn metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every Rust file of the workspace with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<_> = ["plugins", "worker", "host", "tests"].map(|name| workspace().join(name)).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() && !entry.ends_with("target") {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&entry).unwrap();
                found.push((entry, text));
            }
        }
    }
    found
}

fn paths(files: &[(PathBuf, String)]) -> Vec<&Path> {
    files.iter().map(|(path, _)| path.as_path()).collect()
}
