//! Every key of the configuration has an effect that somebody outside can see.
//!
//! Does: start one host with everything set otherwise than by default and look at what it does.
//! Does not: repeat what other tests show: wrong values (`bad_input`), idle time and reload (`life`), the stream clock (`wrap`), slow
//! viewers and rescans (unit tests of the host).

use std::{path::Path, process::Command};

use exstreamtv_tests::{
    api::now_ms,
    fixtures::LONG,
    guide,
    patience::{LONG as PATIENCE, wait_for},
    stage::Stage,
    viewer::Viewer,
};
use serde_json::Value;

const HOUR_MS: i64 = 3_600_000;

#[test]
fn every_setting_has_its_effect() {
    let stage = Stage::new().channel("Long", &[LONG]);
    let setup = stage
        .setup()
        .set("server.public_url", "\"https://tv.example.org/tv\"")
        .set("playout.horizon_h", 30)
        .set("playout.guide_days", 1)
        .set("playout.zone", "\"Asia/Kathmandu\"")
        .set("profile.frame_rate", "\"30000/1001\"")
        .set("profile.audio_channels", 1)
        .set("profile.audio_bitrate_bps", 64_000)
        .set("profile.gop_ms", 1_001)
        .set("database.path", "\"elsewhere/tv.db\"");
    let host = setup.start();
    let channel = host.channel("Long");

    assert!(setup.data().join("elsewhere/tv.db").is_file(), "the database is not where it should be");
    assert!(host.text("/iptv/channels.m3u").contains("https://tv.example.org/tv/iptv/channel/"));
    let details: Value = host.get(&format!("/api/v1/channels/{}", channel.id));
    assert_eq!(details["zone"], "Asia/Kathmandu");

    let now_ms = now_ms();
    wait_for("a timeline of 30 hours", PATIENCE, || {
        (!host.rows(&channel, now_ms + 29 * HOUR_MS, now_ms + 30 * HOUR_MS).is_empty()).then_some(())
    });
    assert!(
        host.rows(&channel, now_ms + 32 * HOUR_MS, now_ms + 33 * HOUR_MS).is_empty(),
        "more is planned than was asked for"
    );
    let xml = host.text("/iptv/xmltv.xml");
    assert!(xml.contains(" +0545\""), "the guide is not in the channel's zone");
    let last_s = guide::parse(&xml).iter().map(|programme| programme.stop_s).max().unwrap();
    assert!(last_s * 1000 < now_ms + 25 * HOUR_MS, "the guide shows more than a day");

    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(4.0);
    let capture = viewer.leave();
    let streams = probe(&capture.path);
    assert_eq!(streams[0]["r_frame_rate"], "30000/1001");
    assert_eq!((&streams[0]["width"], &streams[0]["height"]), (&320.into(), &180.into()));
    assert_eq!(streams[1]["channels"], 1);
    let report = capture.check((30_000, 1_001));
    let keys: Vec<_> = report.video.iter().filter(|picture| picture.idr).map(|picture| picture.pts).collect();
    assert!(
        keys.windows(2).skip(1).all(|pair| pair[1] - pair[0] <= 30 * 3_003),
        "keyframes are further apart than a GOP: {keys:?}"
    );
    host.stop();
}

fn probe(file: &Path) -> Value {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "json", "-show_streams"]).arg(file);
    let output = command.output().unwrap_or_else(|error| panic!("run ffprobe: {error}"));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("read ffprobe: {error}"));
    answer["streams"].clone()
}
