//! Plugins that do everything a plugin must not do, and channels that stay on air.
//!
//! Does: give a host bad plugins, in processes of their own and inside it, and look at what viewers get.
//! Does not: judge plugins that only answer badly when nobody watches; the host's own tests do.
//! Invariant: a fallback is known by its reason on the timeline, and the failure by the plugin's own account.

use exstreamtv_tests::{
    api::{Channel, Row, now_ms},
    fixtures::{CALM, LONG as LONG_CLIP, Recipe},
    host::{Host, Setup},
    patience::{LONG, wait_for},
    plugin,
    stage::{RATE, Stage},
    viewer::Viewer,
};
use serde_json::{Value, json};

const MISDEEDS: [&str; 7] =
    ["test.abort", "test.segfault", "test.hang", "test.nonsense", "test.hole", "test.huge", "test.panic"];

const CLIPS: [Recipe; 1] = [LONG_CLIP];

/// Returns a host's description that finds the bad plugins.
fn setup(stage: &Stage, isolation: &str) -> Setup {
    let folder = stage.path().join("plugins");
    plugin::build("misbehave", &MISDEEDS, &folder);
    stage.setup().set("plugins.paths", format!("[{folder:?}]")).set("plugins.isolation", format!("{isolation:?}"))
}

/// Gives a channel a schedule of a strategy, and returns what the host says.
fn give(host: &Host, channel: &Channel, strategy: &str) -> reqwest::Result<reqwest::blocking::Response> {
    put(host, channel, &json!({ "strategy": strategy, "settings": null }))
}

fn put(host: &Host, channel: &Channel, body: &Value) -> reqwest::Result<reqwest::blocking::Response> {
    let url = host.at(&format!("/api/v1/channels/{}/schedule", channel.id));
    host.http.put(url).header("content-type", "application/json").body(body.to_string()).send()
}

/// Waits until rows behind the present one say that `strategy` failed and something else was planned.
fn wait_for_fallback(host: &Host, channel: &Channel, strategy: &str) {
    wait_for(&format!("rows in spite of {strategy}"), LONG, || {
        let now = now_ms();
        let rows: Vec<Value> = host.documents(channel, now, now + 3_600_000);
        rows.iter().any(|row| row["why"].as_str().is_some_and(|why| why.contains(strategy))).then_some(())
    });
}

/// Returns what the host says about a plugin.
fn plugin_view(host: &Host, id: &str) -> Value {
    let page: Value = host.get("/api/v1/plugins");
    let found = page["items"].as_array().and_then(|items| items.iter().find(|item| item["id"] == id));
    found.unwrap_or_else(|| panic!("no plugin {id} in {page}")).clone()
}

fn assert_clean(viewer: Viewer) {
    assert_eq!(viewer.ended(), None);
    let capture = viewer.leave();
    let report = capture.check(RATE);
    println!("{report}");
    report.assert_clean();
    assert_eq!(capture.complaints(), "", "ffmpeg has something to say against the capture");
}

#[test]
fn plugins_that_misbehave_in_their_own_process_take_no_channel_off_air() {
    let stage = Stage::new().channel("Long", &CLIPS);
    let host = setup(&stage, "auto").start();
    let channel = host.channel("Long");
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(6.0);
    for strategy in MISDEEDS {
        let response = give(&host, &channel, strategy).unwrap_or_else(|error| panic!("{strategy}: {error}"));
        assert!(response.status().is_success(), "{strategy}: {}", response.text().unwrap_or_default());
        wait_for_fallback(&host, &channel, strategy);
        let view = plugin_view(&host, strategy);
        assert!(view["failures"].as_u64() >= Some(1), "{view}");
        assert!(view["last_error"].is_string(), "{view}");
        assert_eq!(view["isolation"], "process", "{view}");
    }
    assert!(host.is_ready());
    viewer.wait_for_more(2.0);
    assert_clean(viewer);
    host.stop();
}

#[test]
fn a_plugin_that_hangs_holds_up_no_other_channels_schedule() {
    let stage = Stage::new().channel("Hung", &CALM).channel("Calm", &CALM);
    let host = setup(&stage, "auto").start();
    let (hung, calm) = (host.channel("Hung"), host.channel("Calm"));
    let shuffled =
        json!({ "strategy": "exstreamtv.sequence", "settings": { "order": { "by": "shuffle", "seed": 3 } } });
    for answer in [give(&host, &hung, "test.hang"), put(&host, &calm, &shuffled)] {
        assert!(answer.is_ok_and(|answer| answer.status().is_success()));
    }
    wait_for("rows of the other channel's new schedule", LONG, || {
        let now = now_ms();
        let rows: Vec<Value> = host.documents(&calm, now, now + 600_000);
        rows.iter().any(|row| row["why"].as_str().is_some_and(|why| why.contains("shuffled with seed 3"))).then_some(())
    });
    let view = plugin_view(&host, "test.hang");
    assert_eq!(view["failures"], 0, "the other channel had to wait until the hanging one was given up: {view}");
    wait_for_fallback(&host, &hung, "test.hang");
    host.stop();
}

#[test]
fn a_plugin_that_kills_the_host_is_not_run_inside_it_again() {
    for strategy in ["test.abort", "test.segfault"] {
        let stage = Stage::new().channel("Calm", &CALM);
        let setup = setup(&stage, "in_process");
        let mut host = setup.start();
        let channel = host.channel("Calm");
        // The host may die before it has answered.
        let _ = give(&host, &channel, strategy);
        let exit = host.wait_for_exit(LONG).unwrap_or_else(|| panic!("{strategy} did not kill the host"));
        assert!(!exit.success(), "{strategy}: {exit}");
        drop(host);

        let host = setup.start();
        let view = plugin_view(&host, strategy);
        assert_ne!(view["isolation"], "in_process", "{view}");
        assert!(!view["remarks"].as_array().is_none_or(Vec::is_empty), "nobody is told why: {view}");
        let channel = host.channel("Calm");
        let viewer = Viewer::tune(&host.at(&channel.ts()));
        viewer.wait_for_seconds(12.0);
        let rows: Vec<Row> = host.rows(&channel, now_ms() - 5_000, now_ms() + 5_000);
        assert!(rows.iter().any(|row| row.media.is_some()), "nothing but slates: {rows:?}");
        assert_clean(viewer);
        host.stop();
    }
}
