//! A machine that is full: who comes too late is told so, or sees the slate until there is room.
//!
//! Does: limit a host to one channel and tune two.
//! Does not: fill a real machine; what channels cost is tested where it is reckoned.
//! Invariant: the one that has a place is not disturbed by those who have none.

use std::fs;

use exstreamtv_tests::{
    api::Channel,
    fixtures::LONG,
    host::{Host, Setup},
    patience::{LONG as PATIENCE, wait_for},
    process::Process,
    stage::{RATE, Stage},
    viewer::Viewer,
};
use serde_json::Value;

fn full(when_full: &str) -> (Stage, Setup) {
    let stage = Stage::new().channel("One", &[LONG]).channel("Two", &[LONG]);
    let setup = stage.setup().set("supervision.max_channels_on_air", 1).set("ffmpeg.idle_stop_s", 2);
    let setup = setup.set("supervision.when_full", format!("{when_full:?}"));
    (stage, setup)
}

fn capacity(host: &Host) -> Value {
    host.get("/api/v1/capacity")
}

fn number_of(list: &Value) -> usize {
    list.as_array().map_or(0, Vec::len)
}

/// Returns the status and when to come back.
fn asked(host: &Host, path: &str) -> (u16, Option<u32>) {
    let response = host.http.get(host.at(path)).send().unwrap_or_else(|error| panic!("ask for {path}: {error}"));
    let retry = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    (response.status().as_u16(), retry)
}

fn channels(host: &Host) -> [Channel; 2] {
    [host.channel("One"), host.channel("Two")]
}

#[test]
fn a_full_machine_refuses_another_channel_and_says_when_to_come_back() {
    let (_stage, setup) = full("refuse");
    let host = setup.start();
    let [one, two] = channels(&host);
    let first = Viewer::tune(&host.at(&one.ts()));
    first.wait_for_seconds(3.0);
    for path in [two.ts(), two.hls()] {
        let (status, retry) = asked(&host, &path);
        assert_eq!(status, 503, "{path}");
        assert!(retry.is_some_and(|seconds| seconds > 0), "{path}: {retry:?}");
    }
    assert_eq!(capacity(&host)["refused"], 2);
    assert!(host.feed(&two).is_none(), "a channel without a place is not on air");

    // Another viewer of the channel that has the place is welcome.
    let beside = Viewer::tune(&host.at(&one.ts()));
    beside.wait_for_seconds(1.0);
    drop(beside);
    first.leave().check(RATE).assert_clean();

    wait_for("the place to be free", PATIENCE, || (number_of(&capacity(&host)["channels"]) == 0).then_some(()));
    let second = Viewer::tune(&host.at(&two.ts()));
    second.wait_for_seconds(3.0);
    host.wait_for_feed(&two, "the programme", |feed| feed.on_air().is_some());
    host.stop();
}

#[test]
fn a_full_machine_shows_the_slate_and_the_programme_when_there_is_room() {
    let (_stage, setup) = full("slate");
    let host = setup.start();
    let [one, two] = channels(&host);
    let first = Viewer::tune(&host.at(&one.ts()));
    first.wait_for_seconds(3.0);
    let before = host.census();

    let second = Viewer::tune(&host.at(&two.ts()));
    second.wait_for_seconds(6.0);
    let waiting = host.wait_for_feed(&two, "the slate", |feed| feed.state == "slate");
    assert_eq!((waiting.worker_pid, waiting.on_air()), (None, None));
    let workers = |processes: &[Process]| processes.iter().filter(|process| process.is_worker()).count();
    assert_eq!(workers(&host.census()), workers(&before), "a channel that waits costs no worker");
    let shown = capacity(&host);
    assert_eq!((number_of(&shown["channels"]), number_of(&shown["waiting"])), (1, 1), "{shown}");
    assert_eq!(shown["refused"], 1);

    first.leave().check(RATE).assert_clean();
    host.wait_for_feed(&two, "the programme", |feed| feed.state == "on_air" && feed.on_air().is_some());
    second.wait_for_more(6.0);
    let shown = capacity(&host);
    assert_eq!((number_of(&shown["channels"]), number_of(&shown["waiting"])), (1, 0), "{shown}");
    assert_eq!(second.ended(), None, "the connection is the same all the time");
    second.leave().check(RATE).assert_clean();
    host.stop();
}

#[test]
fn ffmpeg_has_the_limits_of_the_configuration() {
    let stage = Stage::new().channel("One", &[LONG]);
    let setup = stage.setup().set("ffmpeg.nice", 3).set("ffmpeg.open_files_limit", 199);
    let host = setup.set("ffmpeg.memory_limit_bytes", 16_u64 << 30).start();
    let one = host.channel("One");
    let viewer = Viewer::tune(&host.at(&one.ts()));
    viewer.wait_for_seconds(2.0);
    let pid = host.wait_for_feed(&one, "an FFmpeg", |feed| feed.on_air().is_some()).on_air().unwrap_or_default();
    let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let limit = |name: &str| {
        let limits = read("limits");
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
        line.split_whitespace().next().unwrap_or_default().to_owned()
    };
    assert_eq!((limit("Max open files"), limit("Max core file size")), ("199".into(), "0".into()));
    // A machine that lets us make control groups limits the whole channel instead.
    let grouped = read("cgroup").contains("/worker-");
    assert_eq!(limit("Max address space"), if grouped { "unlimited".to_owned() } else { (16_u64 << 30).to_string() });
    let stat = read("stat");
    let nice = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(16)).unwrap_or_default();
    assert_eq!(nice, "3");
    host.stop();
}
