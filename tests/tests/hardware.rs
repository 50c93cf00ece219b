//! `exstreamtv hardware`, the API and `[hardware]`: what video cards can do, from outside.
//!
//! Does: ask on this machine, which has no card or has one; either way every answer has its reason.
//! Does not: pretend cards; `worker/tests/worker/detecting.rs` does.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path, process::Command};

use exstreamtv_tests::{
    host::Setup,
    patience::{LONG, wait_for},
    process::host_binary,
    stage::Stage,
};
use serde_json::Value;

fn hardware(setup: &Setup, more: &[&str]) -> std::process::Output {
    setup.write_config();
    let mut command = Command::new(host_binary());
    command.arg("hardware").arg("--config").arg(setup.config_file()).arg("--data-dir").arg(setup.data()).args(more);
    command.output().unwrap()
}

fn json(setup: &Setup) -> Value {
    let output = hardware(setup, &["--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn profile(folder: &Path, name: &str, text: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(name), text).unwrap();
}

/// A profile for no device at all: it is absent everywhere, with a reason.
const OWN: &str = "schema = 1\nid = \"own\"\ninherits = \"rkmpp\"\ntitle = \"Our own\"\nplatforms = [\"freebsd\"]\n";

#[test]
fn every_profile_is_a_cards_or_absent_with_a_reason() {
    let stage = Stage::new();
    let setup = stage.setup().set("hardware.accel", "\"auto\"");
    let shown = json(&setup);
    let cards = shown["found"]["cards"].as_array().unwrap();
    let absent = shown["found"]["absent"].as_array().unwrap();
    assert!(cards.iter().any(|card| card["id"] == "software"), "{shown}");
    for id in ["cuda", "vaapi-intel", "vaapi-amd", "qsv", "videotoolbox", "amf", "v4l2m2m", "rkmpp", "vulkan"] {
        let reason = absent.iter().find(|absent| absent["profile"] == id).map(|absent| &absent["reason"]["because"]);
        let is_card = cards.iter().any(|card| card["profile"] == id);
        assert!(is_card || reason.is_some_and(|reason| !reason.as_str().unwrap().is_empty()), "{id}: {shown}");
    }
    assert_eq!(shown["used"].as_array().unwrap().last().unwrap(), "software");
    let table = String::from_utf8(hardware(&setup, &["--refresh"]).stdout).unwrap();
    assert!(table.starts_with("FFmpeg ") && table.contains("\nsoftware  Software"), "{table}");
    assert!(setup.data().join("cache/hardware/detection.json").is_file());
}

#[test]
fn what_somebody_wishes_is_used_or_it_is_said_why_not() {
    let stage = Stage::new();
    let software = json(&stage.setup().set("hardware.accel", "\"software\""));
    assert_eq!((&software["used"], &software["remark"]), (&serde_json::json!(["software"]), &Value::Null));
    let card = json(&stage.setup().set("hardware.accel", "\"videotoolbox\"").set("hardware.device", "\"7\""));
    let remark = card["remark"].as_str().unwrap();
    assert!(remark.starts_with("software is used instead of accel = videotoolbox, device = 7: "), "{remark}");
    let unknown = hardware(&stage.setup().set("hardware.accel", "\"nvenc\""), &[]);
    assert_eq!(unknown.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no such hardware profile"));
    let quirk = hardware(
        &stage.setup().set("hardware.accel", "\"auto\"").set("hardware.disabled_quirks", "[\"amd-pads\"]"),
        &[],
    );
    assert!(String::from_utf8_lossy(&quirk.stderr).contains("did you mean amd-pad?"));
    assert!(
        hardware(
            &stage.setup().set("hardware.accel", "\"auto\"").set("hardware.disabled_quirks", "[\"amd-pad\"]"),
            &[]
        )
        .status
        .success()
    );
}

#[test]
fn the_doctor_finds_a_card_missing_only_where_somebody_wants_one() {
    let stage = Stage::new();
    let finding = |setup: Setup| {
        setup.write_config();
        let mut command = Command::new(host_binary());
        command.args(["doctor", "--json", "--config"]).arg(setup.config_file()).arg("--data-dir").arg(setup.data());
        let findings: Vec<Value> = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        findings.into_iter().find(|finding| finding["what"] == "video cards").unwrap()
    };
    let fine = finding(stage.setup().set("hardware.accel", "\"auto\""));
    assert!(fine["ok"] == true && fine["detail"].as_str().unwrap().ends_with("software"), "{fine}");
    let missing = finding(stage.setup().set("hardware.accel", "\"rkmpp\"").set("hardware.device", "\"9\""));
    assert!(missing["ok"] == false && missing["advice"].as_str().unwrap().contains("exstreamtv hardware"), "{missing}");
}

#[test]
fn profiles_lie_beside_the_configuration_or_in_a_folder_of_their_own() {
    let stage = Stage::new();
    profile(&stage.path().join("hwprofiles"), "own.toml", OWN);
    let has_own =
        |shown: &Value| shown["found"]["absent"].as_array().unwrap().iter().any(|absent| absent["title"] == "Our own");
    assert!(has_own(&json(&stage.setup().set("hardware.accel", "\"auto\""))));
    let elsewhere = stage.path().join("elsewhere");
    let setup = || {
        stage
            .setup()
            .set("hardware.accel", "\"auto\"")
            .set("hardware.profiles_folder", format!("{:?}", elsewhere.display().to_string()))
    };
    assert!(!has_own(&json(&setup())), "a folder that is not there holds none, and the other one does not count");
    profile(&elsewhere, "mine.toml", OWN);
    assert!(has_own(&json(&setup())));
    profile(&elsewhere, "mine.toml", &OWN.replace("title", "titel"));
    let wrong = hardware(&setup(), &[]);
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert_eq!(wrong.status.code(), Some(78));
    assert!(said.contains("mine.toml") && said.contains("unknown field `titel`"), "{said}");
}

#[test]
fn a_server_looks_around_at_its_start_and_again_when_it_is_told_to() {
    let stage = Stage::new();
    let host = stage.setup().set("hardware.accel", "\"cuda\"").start();
    let view = wait_for("what the cards can do", LONG, || {
        let view: Value = host.get("/api/v1/hardware");
        (view["known"] == true).then_some(view)
    });
    assert_eq!(view["accel"], "cuda");
    assert_eq!(view["used"].as_array().unwrap().last().unwrap(), "software");
    let used = view["used"].as_array().unwrap().len();
    assert_eq!(used == 1, view["remark"].is_string(), "without a card it is said why: {view}");
    let again = host.post("/api/v1/hardware/detect");
    assert_eq!(again["found"]["platform"], view["found"]["platform"]);
    host.stop();
}
