//! What people get wrong, and what they are told.
//!
//! Does: start the host on impossible conditions and read its message and exit code.
//! Does not: accept a stack trace, a debug print or silence for a message.
//! Invariant: every case says what failed and names the thing that has to change.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use exstreamtv_tests::{
    fixtures::CALM,
    host::{Outcome, Setup, on_a_small_disk},
    process::host_binary,
    stage::Stage,
};

/// More than this is not one clear message.
const MAX_LINES: usize = 12;

/// Fails unless the host gave up with this code and one message that holds all of these words.
fn assert_refused(outcome: &Outcome, code: i32, words: &[&str]) {
    assert_eq!(outcome.code, Some(code), "{outcome:#?}");
    let said = outcome.stderr.to_lowercase();
    for word in words {
        assert!(said.contains(&word.to_lowercase()), "{word:?} is missing: {outcome:#?}");
    }
    for ugly in ["panicked", "backtrace", "os {", "error(", "some(", "unwrap"] {
        assert!(!said.contains(ugly), "{ugly:?} is no word for people: {outcome:#?}");
    }
    assert!(outcome.stderr.lines().count() <= MAX_LINES, "{outcome:#?}");
    let parts: Vec<_> = said.lines().flat_map(|line| line.split(": ")).map(str::trim).collect();
    let twice = parts.iter().enumerate().find(|(index, part)| part.is_empty() || parts[..*index].contains(part));
    assert!(twice.is_none(), "{twice:?} is said twice or says nothing: {outcome:#?}");
    assert!(!outcome.stdout.contains("listening on"), "it said that it listens: {outcome:#?}");
}

fn setup(stage: &Stage) -> Setup {
    stage.setup().set("server.log", "\"error\"")
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_reader_who_has_read_enough_is_no_fault() {
    for arguments in [&["plugin", "list"][..], &["config", "show"], &["completions", "bash"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output =
            Command::new(host_binary()).args(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{arguments:?}: {} {said}", output.status);
    }
}

#[test]
fn a_missing_media_folder_is_named() {
    let stage = Stage::new();
    let outcome = setup(&stage).media(&stage.path().join("no such folder")).run();
    assert_refused(&outcome, 66, &["no such folder", "media"]);
}

#[test]
fn a_media_folder_that_is_a_file_is_named() {
    let stage = Stage::new();
    let file = stage.path().join("film.mkv");
    fs::write(&file, "film").unwrap();
    let outcome = setup(&stage).media(&file).run();
    assert_refused(&outcome, 66, &["film.mkv", "folder"]);
}

#[test]
fn a_media_folder_that_may_not_be_read_is_named() {
    let stage = Stage::new();
    let folder = stage.path().join("secret");
    fs::create_dir(&folder).unwrap();
    set_mode(&folder, 0o000);
    set_mode(stage.path(), 0o777);
    let outcome = setup(&stage).media(&folder).without_powers().run();
    set_mode(&folder, 0o755);
    assert_refused(&outcome, 66, &["secret", "permission"]);
}

#[test]
fn a_media_file_that_may_not_be_read_is_listed_with_its_reason() {
    let stage = Stage::new().channel("Calm", &CALM[..1]);
    let file = stage.media().join("Calm/Unreadable.mkv");
    fs::copy(CALM[1].make(), &file).unwrap();
    set_mode(&file, 0o000);
    set_mode(stage.path(), 0o777);
    let host = stage.setup().without_powers().start();
    host.channel("Calm");
    let files = host.files();
    let listed = files.values().find(|file| file.path.ends_with("Unreadable.mkv")).unwrap();
    assert_eq!(listed.state, "broken", "{listed:?}");
    assert!(listed.reason.as_ref().is_some_and(|why| why.contains("may not be read")), "{listed:?}");
    host.stop();
}

#[test]
fn a_port_in_use_is_named() {
    let stage = Stage::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let outcome = setup(&stage).listen(&address).run();
    assert_refused(&outcome, 75, &[&address, "in use"]);
}

#[test]
fn a_second_host_on_the_same_data_is_refused() {
    let stage = Stage::new();
    let first = setup(&stage).start();
    let outcome = setup(&stage).run();
    assert_refused(&outcome, 75, &["data", "another exstreamtv"]);
    assert!(first.is_ready());
    first.stop();
}

#[test]
fn an_unknown_key_is_shown_with_its_place_and_a_suggestion() {
    let stage = Stage::new();
    let setup = setup(&stage).set("ffmpeg.idle_stop", 30);
    let outcome = setup.run();
    let line =
        fs::read_to_string(setup.config_file()).unwrap().lines().position(|line| line.contains("idle_stop ")).unwrap();
    assert_refused(&outcome, 78, &["idle_stop_s", "exstreamtv.toml", &format!("line {}", line + 1), "column"]);
}

#[test]
fn a_value_of_the_wrong_kind_is_shown_with_its_place() {
    let stage = Stage::new();
    let outcome = setup(&stage).set("playout.horizon_h", "\"two days\"").run();
    assert_refused(&outcome, 78, &["horizon_h", "line", "column"]);
}

#[test]
fn a_missing_configuration_file_is_named() {
    let stage = Stage::new();
    let output = Command::new(host_binary())
        .args(["serve", "--config", "/no/such/exstreamtv.toml", "--data-dir"])
        .arg(stage.path().join("data"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let outcome = Outcome { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) };
    assert_refused(&outcome, 66, &["/no/such/exstreamtv.toml"]);
}

#[test]
fn an_unknown_option_is_a_usage_error() {
    let output =
        Command::new(host_binary()).args(["serve", "--lisen", "127.0.0.1:0"]).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{said}");
    assert!(said.contains("--listen"), "no suggestion: {said}");
}

#[test]
fn a_missing_ffmpeg_is_named_with_the_way_to_get_it() {
    let stage = Stage::new();
    let outcome = setup(&stage).set("ffmpeg.ffmpeg", "\"/no/such/ffmpeg\"").run();
    assert_refused(&outcome, 69, &["/no/such/ffmpeg", "install"]);
}

#[test]
fn an_ffmpeg_that_is_too_old_is_refused_with_both_versions() {
    let stage = Stage::new();
    let old = stage.path().join("ffmpeg");
    fs::write(
        &old,
        "#!/bin/sh\necho 'ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright (c) 2000-2021 the FFmpeg developers'\n",
    )
    .unwrap();
    set_mode(&old, 0o755);
    let outcome = setup(&stage).set("ffmpeg.ffmpeg", format!("{:?}", old.display().to_string())).run();
    assert_refused(&outcome, 69, &["4.4.2", "5.1"]);
}

#[test]
fn something_else_in_the_place_of_ffmpeg_is_refused() {
    let stage = Stage::new();
    let outcome = setup(&stage).set("ffmpeg.ffmpeg", "\"/bin/true\"").run();
    assert_refused(&outcome, 69, &["/bin/true"]);
}

#[test]
fn a_full_disk_is_called_a_full_disk() {
    // A file system of 32 KiB that only the host sees; where that is not allowed, the case cannot be made.
    let stage = Stage::new();
    let data = setup(&stage).data();
    fs::create_dir(&data).unwrap();
    let Some(wrapper) = on_a_small_disk(&data, 32) else {
        return eprintln!("not checked: this system lets nobody mount a small file system");
    };
    let outcome = setup(&stage).through(&wrapper).run();
    assert_refused(&outcome, 73, &[&data.display().to_string(), "full"]);
}

#[test]
fn a_data_folder_that_may_not_be_written_is_named() {
    let stage = Stage::new();
    let data = setup(&stage).data();
    fs::create_dir(&data).unwrap();
    set_mode(&data, 0o555);
    let outcome = setup(&stage).without_powers().run();
    set_mode(&data, 0o755);
    assert_refused(&outcome, 73, &[&data.display().to_string(), "permission"]);
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let stage = Stage::new();
    let data = setup(&stage).data();
    fs::create_dir(&data).unwrap();
    let file = data.join("exstreamtv.db");
    let letter = "Dear Sir or Madam, this is a letter. ".repeat(200);
    fs::write(&file, &letter).unwrap();
    let outcome = setup(&stage).run();
    assert_refused(&outcome, 65, &["exstreamtv.db"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), letter, "somebody's file was overwritten");
}
