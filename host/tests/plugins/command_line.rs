//! `exstreamtv plugin` as people type it.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::stage::{PROGRAM, Stage};

fn plugin(stage: &Stage, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(PROGRAM);
    command.arg("plugin").args(arguments).arg("--data-dir").arg(stage.data()).arg("--plugin-dir").arg(stage.plugins());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that reads nothing may be gone by now.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn list_shows_what_is_used_and_what_cannot_be() {
    let stage = Stage::with(&["built_later", "wrong_magic"]);
    let shown = text(&plugin(&stage, &["list"], "").stdout);
    assert!(shown.contains("org.example.bad.built-later  1.0.0"), "{shown}");
    assert!(shown.contains("libwrong_magic.so cannot be used: failed to"), "{shown}");
    let listed: Value = serde_json::from_slice(&plugin(&stage, &["list", "--json"], "").stdout).unwrap();
    let ids = listed["plugins"].as_array().unwrap().iter().map(|plugin| &plugin["id"]);
    assert!(ids.into_iter().any(|id| id == "org.example.bad.built-later"), "{listed}");
    assert_eq!(listed["refused"].as_array().unwrap().len(), 1);
}

#[test]
fn call_prints_the_answer_or_says_why_there_is_none() {
    let stage = Stage::with(&["refuses", "aborts"]);
    let answered = plugin(&stage, &["call", "org.example.bad.refuses", "prepare"], "0");
    assert_eq!((text(&answered.stdout).as_str(), answered.status.code()), ("because I was told to\n", Some(0)));
    let refused = plugin(&stage, &["call", "org.example.bad.refuses", "prepare"], "3");
    assert_eq!(refused.status.code(), Some(65));
    assert!(text(&refused.stderr).contains("because I was told to"), "{}", text(&refused.stderr));
    let crashed = plugin(&stage, &["call", "org.example.bad.aborts", "plan"], "{}");
    assert!(text(&crashed.stderr).contains("signal 6 (SIGABRT)"), "{}", text(&crashed.stderr));
    let unknown = plugin(&stage, &["call", "org.example.nobody", "plan"], "{}");
    assert_eq!(unknown.status.code(), Some(66));
}

#[test]
fn quarantine_is_listed_and_cleared() {
    let stage = Stage::with(&[]);
    assert!(text(&plugin(&stage, &["quarantine", "list"], "").stdout).contains("nobody"));
    let held =
        r#"{"quarantined": {"org.example.bad": {"scope": "everywhere", "reason": "it crashed", "since_ms": 0}}}"#;
    std::fs::write(stage.data().join("plugins.json"), held).unwrap();
    let shown = text(&plugin(&stage, &["quarantine", "list"], "").stdout);
    assert!(shown.contains("org.example.bad is not asked since 1970-01-01 00:00 UTC: it crashed"), "{shown}");
    assert!(plugin(&stage, &["quarantine", "clear", "org.example.bad"], "").status.success());
    assert_eq!(plugin(&stage, &["quarantine", "clear", "org.example.bad"], "").status.code(), Some(66));
}

#[test]
fn the_hidden_commands_explain_themselves_to_a_person() {
    let tried = Command::new(PROGRAM).args(["plugin-scan", "/nowhere.so"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(tried.status.code(), Some(74));
    assert!(text(&tried.stderr).contains("exstreamtv plugin call"), "{}", text(&tried.stderr));
}
