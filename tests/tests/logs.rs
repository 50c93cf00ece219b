//! What the server, FFmpeg, media servers and the machine say is in one place.
//!
//! Does: break things, append to log files, send webhooks, and look for what was said of it.
//! Does not: test every form of a line; the parsers' own tests do.
//! Invariant: what is found is about what was done, with its channel and its process.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    sync::mpsc,
    thread,
};

use exstreamtv_tests::{
    chaos::ffmpeg_of,
    fixtures::{KILO, LONG},
    host::{self, Host},
    patience::{LONG as PATIENCE, wait_for},
    stage::Stage,
    viewer::Viewer,
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

fn said(host: &Host, query: &str) -> Vec<Value> {
    let page: Value = host.get(&format!("/api/v1/logs?{query}"));
    page["items"].as_array().unwrap().clone()
}

fn wait_for_event(host: &Host, query: &str) -> Value {
    wait_for(&format!("an event with {query}"), PATIENCE, || said(host, query).into_iter().next())
}

/// Listens to live events; each is its name and its document.
fn listen(host: &Host, query: &str) -> mpsc::Receiver<(String, Value)> {
    let client = reqwest::blocking::Client::builder().timeout(None).build().unwrap();
    let answer = client.get(host.at(&format!("/api/v1/logs/stream?{query}"))).send().unwrap();
    assert_eq!(answer.status(), 200);
    let (sender, heard) = mpsc::channel();
    thread::spawn(move || {
        let mut name = String::new();
        for line in BufReader::new(answer).lines().map_while(Result::ok) {
            if let Some(event) = line.strip_prefix("event: ") {
                event.clone_into(&mut name);
            } else if let Some(data) = line.strip_prefix("data: ")
                && sender.send((name.clone(), serde_json::from_str(data).unwrap())).is_err()
            {
                return;
            }
        }
    });
    heard
}

#[test]
fn a_failure_is_told_by_the_server_and_by_ffmpeg_with_channel_run_and_process() {
    let stage = Stage::new().channel("Long", &[LONG]).channel("Cut", &[KILO]);
    // A clip that is cut in the middle is complained about by FFmpeg.
    let clip = stage.media().join("Cut").join(KILO.file_name);
    fs::remove_file(&clip).and_then(|()| fs::copy(KILO.make(), &clip)).unwrap();
    // The lines of the log file are one thing, what is collected another.
    let host = stage.setup().set("server.log", "\"error\"").start();
    let long = host.channel("Long");
    let live = listen(&host, &format!("level=warning&channel={}", long.id));

    let viewer = Viewer::tune(&host.at(&long.ts()));
    viewer.wait_for_seconds(6.0);
    let feed = host.wait_for_feed(&long, "an FFmpeg on air", |feed| feed.on_air().is_some());
    host::send(ffmpeg_of(&feed), Signal::SIGKILL);
    let told = wait_for_event(&host, &format!("channel={}&tag=ffmpeg_crashed&text=broke", long.id));
    assert_eq!((&told["source"], &told["level"]), (&json!("APPLICATION"), &json!("WARNING")));
    assert!(
        told["parsed_data"]["run.id"].is_string() && told["component"].as_str().unwrap().starts_with("feed::on_air")
    );
    let (name, first) = live.recv_timeout(PATIENCE).unwrap();
    assert_eq!((name.as_str(), &first["channel_id"]), ("log", &told["channel_id"]));
    drop(viewer);

    let file = fs::OpenOptions::new().write(true).open(&clip).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    let cut = host.channel("Cut");
    let viewer = Viewer::tune(&host.at(&cut.ts()));
    let complaint = wait_for_event(&host, &format!("source=ffmpeg&channel={}&tag=invalid_data", cut.id));
    assert_eq!((&complaint["source"], &complaint["level"]), (&json!("FFMPEG"), &json!("ERROR")));
    assert!(complaint["ffmpeg_pid"].as_u64().is_some_and(|pid| pid > 1), "{complaint}");
    assert!(complaint["parsed_data"]["advice"].is_string(), "{complaint}");
    viewer.wait_for_seconds(1.0);
    drop(viewer);

    let context: Value = host.get(&format!("/api/v1/logs/{}/context", complaint["event_id"].as_str().unwrap()));
    let around = context["items"].as_array().unwrap();
    let channels: Vec<_> = around.iter().filter_map(|event| event["channel_id"].as_str()).collect();
    assert!(channels.len() > 2 && channels.iter().all(|channel| *channel == cut.id), "{around:#?}");
    let template: Value = host.get("/api/v1/logs/templates?source=FFMPEG");
    assert!(template["items"].as_array().unwrap().iter().any(|template| template["id"] == complaint["template"]));
    host.stop();
}

#[test]
fn media_servers_are_heard_by_webhook_and_by_their_log_files() {
    let stage = Stage::new();
    let logs = stage.path().join("jellyfin");
    fs::create_dir(&logs).unwrap();
    let (jellyfin, plex) = (logs.join("log_20261127.log"), stage.path().join("Plex Media Server.log"));
    fs::write(&jellyfin, "[2026-11-27 10:00:00.000 +00:00] [INF] [1] Main: before anybody listened\n").unwrap();
    fs::write(&plex, "").unwrap();
    let setup = stage.setup().set("ai_auto_heal.plex_log", format!("{:?}", plex.display().to_string()));
    let host = setup.set("ai_auto_heal.jellyfin_log", format!("{:?}", logs.display().to_string())).start();

    let append = |path: &std::path::Path, line: &str| {
        let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
        writeln!(file, "{line}").unwrap();
    };
    // A line at a time until the first is heard: what is written before the first look is history.
    wait_for("a line of Jellyfin", PATIENCE, || {
        append(
            &jellyfin,
            "[2026-11-27 18:41:36.123 +01:00] [ERR] [42] Emby.Tasks: disk /mnt/x is gone, api_key=hunter2",
        );
        said(&host, "source=jellyfin&level=error").into_iter().next()
    });
    wait_for("a line of Plex", PATIENCE, || {
        append(&plex, "Nov 27, 2026 18:41:36.123 [1402] WARN - [Transcode] Transcode runner appears to have died.");
        said(&host, "source=plex&level=warning&component=Transcode").into_iter().next()
    });
    let told = &said(&host, "source=jellyfin&level=error")[0];
    assert_eq!((&told["component"], &told["timestamp"]), (&json!("Emby.Tasks"), &json!("2026-11-27T17:41:36.123Z")));
    assert!(told["message"].as_str().unwrap().ends_with("api_key=***"), "{told}");
    assert!(said(&host, "text=before anybody").is_empty());

    let answer = host.http.post(host.at("/api/v1/webhooks/jellyfin")).json(&json!({
        "NotificationType": "PlaybackStart", "ServerName": "nas", "Name": "Metropolis", "NotificationUsername": "anna"
    }));
    assert_eq!(answer.send().unwrap().status(), 204);
    let told = wait_for_event(&host, "tag=webhook&text=PlaybackStart");
    assert_eq!((&told["source"], &told["message"]), (&json!("JELLYFIN"), &json!("Jellyfin: PlaybackStart Metropolis")));
    host.stop();
}

#[test]
fn failures_that_belong_together_are_a_pattern_with_its_root_and_its_evidence() {
    let stage = Stage::new();
    let setup = stage.setup();
    let host = setup.start();
    let complain = |host: &Host, error: &str| {
        let document =
            json!({ "NotificationType": "TaskCompleted", "ResultStatus": "Failed", "ResultErrorMessage": error });
        let answer = host.http.post(host.at("/api/v1/webhooks/jellyfin")).json(&document).send();
        assert_eq!(answer.unwrap().status(), 204);
    };
    let found = |host: &Host| -> Vec<Value> {
        let page: Value = host.get("/api/v1/patterns");
        page["items"].as_array().unwrap().clone()
    };
    complain(&host, "https://nas.lan/x: connection reset");
    wait_for_event(&host, "text=reset");
    assert!(found(&host).is_empty(), "once is no pattern");
    (0..5).for_each(|_| complain(&host, "https://nas.lan/x: connection refused"));
    let pattern = wait_for("the pattern", PATIENCE, || found(&host).into_iter().next());
    assert_eq!((&pattern["pattern"], &pattern["risk"]), (&json!("NETWORK_INSTABILITY"), &json!("HIGH")));
    assert_eq!(pattern["suspects"][0]["resource"], "server nas.lan");
    let told: Value = host.get(&format!("/api/v1/logs/{}", pattern["evidence"][0].as_str().unwrap()));
    assert!(told["message"].as_str().unwrap().contains("connection refused"), "{told}");
    wait_for_event(&host, "source=application&component=patterns&level=warning");

    setup.set("ai_auto_heal.pattern_detection_enabled", false).write_config();
    host.signal(Signal::SIGHUP);
    wait_for("no more looking", PATIENCE, || found(&host).is_empty().then_some(()));
    host.stop();
}

#[test]
fn who_does_not_want_to_be_listened_to_is_not() {
    let stage = Stage::new();
    let setup = stage.setup().set("ai_auto_heal.enabled", false);
    let host = setup.start();
    let answer = host.http.post(host.at("/api/v1/webhooks/emby")).json(&json!({ "Event": "library.new" })).send();
    assert_eq!(answer.unwrap().status(), 204);
    let counts: Value = host.get("/api/v1/logs/counts");
    assert_eq!((&counts["events"], &counts["lost"]), (&json!(0), &json!(0)));
    host.stop();

    let host = setup.set("ai_auto_heal.enabled", true).set("ai_auto_heal.realtime_streaming", false).start();
    wait_for_event(&host, "source=application");
    let answer = host.http.get(host.at("/api/v1/logs/stream")).send().unwrap();
    assert_eq!(answer.status(), 403);
    assert!(answer.text().unwrap().contains("realtime_streaming"));
    host.stop();
}

#[test]
fn a_channel_that_does_worse_is_seen_and_told_and_its_numbers_are_those_of_its_ffmpeg() {
    let stage = Stage::new().channel("Long", &[LONG]);
    let setup = stage.setup().set("library.watch", false);
    let host = setup.start();
    let long = host.channel("Long");
    let path = format!("/api/v1/channels/{}/health", long.id);
    assert_eq!(host.http.get(host.at(&path)).send().unwrap().status(), 404, "it is not on air");

    let viewer = Viewer::tune(&host.at(&long.ts()));
    let health = wait_for("a measured speed", PATIENCE, || {
        let health: Value = host.http.get(host.at(&path)).send().ok()?.json().ok()?;
        health["current_speed"].as_f64().filter(|speed| *speed > 0.0)?;
        Some(health)
    });
    assert_eq!((&health["status"], &health["expected_fps"]), (&json!("HEALTHY"), &json!(25.0)));
    assert!(
        health["current_bitrate_kbps"].as_f64().unwrap() > 10.0 && health["current_fps"].as_f64().unwrap() > 1.0,
        "{health}"
    );
    let all: Value = host.get("/api/v1/channel-health");
    assert_eq!(all["items"][0]["channel_id"], long.id);

    // Without its file and its FFmpeg there is nothing but the slate.
    let file = stage.media().join("Long").join(LONG.file_name);
    fs::rename(&file, stage.path().join("away")).unwrap();
    let feed = host.wait_for_feed(&long, "an FFmpeg on air", |feed| feed.on_air().is_some());
    host::send(ffmpeg_of(&feed), Signal::SIGKILL);
    // By way of "degraded", or at once: the reserves may be enough for a while.
    let worse = format!("channel={}&component=monitor&level=warning&text=worse", long.id);
    wait_for("the channel to be called failed", PATIENCE, || {
        said(&host, &worse).into_iter().find(|told| told["parsed_data"]["to"] == "Failed")
    });
    let health: Value = host.get(&path);
    assert_eq!((&health["status"], &health["health"]), (&json!("FAILED"), &json!(0.0)));
    assert!(health["error_count"].as_u64().unwrap() >= 1);
    drop(viewer);

    // Who does not want to be judged is not.
    setup.set("ai_auto_heal.ffmpeg_monitor_enabled", false).write_config();
    host.signal(Signal::SIGHUP);
    wait_for("no more judging", PATIENCE, || {
        let all: Value = host.get("/api/v1/channel-health");
        all["items"].as_array().unwrap().is_empty().then_some(())
    });
    host.stop();
}
