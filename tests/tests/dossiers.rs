//! What is left behind by an FFmpeg that dies on air.
//!
//! Does: kill one with a viewer attached, and read what the host knows about it.
//! Does not: look at what the viewer sees meanwhile; other tests do.

use std::{fs, io::Read, process::Command};

use exstreamtv_tests::{
    fixtures::LONG,
    host::{Host, send},
    patience::{LONG as PATIENCE, wait_for},
    process::host_binary,
    stage::Stage,
    viewer::Viewer,
};
use nix::sys::signal::Signal;
use serde_json::Value;

fn dossiers(host: &Host, path: &str) -> Vec<Value> {
    let page: Value = host.get(path);
    page["items"].as_array().cloned().unwrap_or_default()
}

#[test]
fn an_ffmpeg_that_is_killed_on_air_leaves_a_dossier() {
    let stage = Stage::new().channel("Long", &[LONG]);
    let setup = stage.setup();
    let host = setup.start();
    let channel = host.channel("Long");
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(3.0);
    assert!(dossiers(&host, "/api/v1/dossiers").is_empty(), "nothing has failed yet");
    let feed = host.wait_for_feed(&channel, "an FFmpeg on air", |feed| feed.on_air().is_some());
    send(feed.on_air().unwrap_or_default(), Signal::SIGKILL);

    let of_channel = format!("/api/v1/dossiers?channel={}", channel.id);
    let complete = || {
        let id = dossiers(&host, &of_channel).first()?["id"].as_str()?.to_owned();
        let dossier: Value = host.get(&format!("/api/v1/dossiers/{id}"));
        dossier["plan"].is_string().then_some((id, dossier))
    };
    let (id, dossier) = wait_for("a dossier with the worker's testimony", PATIENCE, complete);
    assert_eq!((&dossier["signal"], &dossier["end"]["reason"]), (&9.into(), &"killed".into()), "{dossier:#}");
    assert!(dossier["command_line"][0].as_str().is_some_and(|word| word.contains("ffmpeg")));
    assert_eq!(dossier["order"]["source"]["type"], "file");
    assert!(dossier["order"]["source"]["probe"]["streams"].is_array());
    let times = ["ordered_ms", "started_ms", "first_byte_ms", "ended_ms"].map(|name| dossier["timings"][name].as_i64());
    assert!(times.iter().all(Option::is_some) && times.is_sorted(), "{times:?}");

    let mut archive = Vec::new();
    let mut response = host.http.get(host.at(&format!("/api/v1/dossiers/{id}.tar.gz"))).send().expect("an answer");
    response.read_to_end(&mut archive).expect("all of it");
    assert_eq!(archive[..2], [0x1f, 0x8b], "it is gzip");
    let files = fs::read_dir(setup.data().join("dossiers").join(&id)).expect("its folder").count();
    assert!(files >= 4, "{files} files");

    // The command line reads the same folder, with or without a server.
    let run = |arguments: &[&str]| {
        let mut command = Command::new(host_binary());
        command.arg("dossier").args(arguments).arg("--data-dir").arg(setup.data());
        command.current_dir(stage.path()).output().expect("it starts")
    };
    assert!(String::from_utf8_lossy(&run(&["list"]).stdout).contains(&id));
    assert!(run(&["export", &id]).status.success());
    let exported = fs::read(stage.path().join(format!("exstreamtv-{id}.tar.gz"))).expect("the file");
    assert_eq!(exported[..2], [0x1f, 0x8b]);
    assert_eq!(run(&["export", "1-1-1-1"]).status.code(), Some(66));

    let gone = host.http.delete(host.at(&format!("/api/v1/dossiers/{id}"))).send().expect("an answer");
    assert_eq!(gone.status(), 204);
    assert!(dossiers(&host, &of_channel).iter().all(|dossier| dossier["id"] != id.as_str()));
    viewer.wait_for_more(4.0);
    host.stop();
}
