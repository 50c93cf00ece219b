//! What went wrong is told as a good post-mortem, and what was learnt of it is kept.
//!
//! Does: kill FFmpegs of a running server, read the accounts over HTTP and on the command line, restart a server that has learnt something.
//! Does not: test figures and sentences; the pure tests do.
//! Invariant: what is asked for is about what was done, and survives a restart.

#![expect(clippy::unwrap_used, reason = "tests")]

use exstreamtv_tests::{
    api::Channel,
    chaos::ffmpeg_of,
    database,
    fixtures::LONG,
    host::{self, Host},
    patience::{LONG as PATIENCE, wait_for},
    stage::Stage,
    viewer::Viewer,
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// Kills the FFmpeg on air, and returns the incident when it is over.
fn break_and_heal(host: &Host, channel: &Channel, known: usize) -> Value {
    let feed = host.wait_for_feed(channel, "an FFmpeg on air", |feed| feed.on_air().is_some());
    host::send(ffmpeg_of(&feed), Signal::SIGKILL);
    wait_for("an incident that is over", PATIENCE, || {
        let page: Value = host.get("/api/v1/incidents?limit=500");
        let items = page["items"].as_array()?;
        (items.len() > known && items[0]["ended_ms"].is_i64()).then(|| items[0].clone())
    })
}

fn text(host: &Host, path: &str, accept: &str) -> String {
    let answer = host.http.get(host.at(path)).header("accept", accept).send().unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/markdown"));
    answer.text().unwrap()
}

fn told(host: &Host, title: &str) {
    let document = json!({"NotificationType": "ItemAdded", "ServerName": "nas", "Name": title});
    let answer = host.http.post(host.at("/api/v1/webhooks/jellyfin")).json(&document).send().unwrap();
    assert_eq!(answer.status(), 204);
    wait_for("the server to have heard it", PATIENCE, || {
        let page: Value = host.get(&format!("/api/v1/logs?source=jellyfin&text={title}"));
        page["items"].as_array()?.first().cloned()
    });
}

#[test]
fn a_killed_ffmpeg_is_accounted_for_with_evidence_timeline_impact_root_and_advice() {
    let stage = Stage::new().channel("Long", &[LONG]);
    let setup = stage.setup();
    let host = setup.start();
    let long = host.channel("Long");
    let viewer = Viewer::tune(&host.at(&long.ts()));
    viewer.wait_for_seconds(6.0);
    let incident = break_and_heal(&host, &long, 0);
    let id = incident["id"].as_str().unwrap();

    // What was sent is written down a little later.
    let account = wait_for("an account of a recovered channel", PATIENCE, || {
        let account: Value = host.get(&format!("/api/v1/incidents/{id}"));
        (account["outcome"] == "recovered" && !account["failed_runs"].as_array()?.is_empty()).then_some(account)
    });
    assert_eq!((&account["cause"], &account["channel_name"]), (&json!("ffmpeg_crashed"), &json!("Long")));
    assert_eq!(account["impact"]["viewers"], json!(1));
    assert!(account["impact"]["over_after_s"].as_f64().is_some());
    let root = account["root_cause"].as_str().unwrap();
    assert!(root.starts_with("The player of the server failed (EX-21): ") && root.contains("signal 9"), "{root}");
    let moments: Vec<_> =
        account["timeline"].as_array().unwrap().iter().map(|entry| entry["moment"].as_str().unwrap()).collect();
    for moment in ["failure", "detected", "action", "recovered"] {
        assert!(moments.contains(&moment), "{moment}: {account:#}");
    }
    let said = account["evidence"].as_array().unwrap();
    let broke = said.iter().find(|said| said["message"].as_str().unwrap().starts_with("a run broke"));
    let broke = broke.unwrap_or_else(|| panic!("{account:#}"));
    let event: Value = host.get(&format!("/api/v1/logs/{}", broke["event_id"].as_str().unwrap()));
    assert_eq!(event["template"], broke["template"]);
    let dossier = account["failed_runs"][0]["dossier"].as_str().unwrap();
    let dossier: Value = host.get(&format!("/api/v1/dossiers/{dossier}"));
    assert_eq!(dossier["signal"], json!(9));
    assert!(account["what_to_do"].as_array().unwrap().len() >= 2);

    let page = text(&host, &format!("/api/v1/incidents/{id}"), "text/markdown");
    assert_eq!(page, text(&host, &format!("/api/v1/incidents/{id}?format=markdown"), "*/*"));
    let command = |words: &[&str]| {
        let outcome = database::run(&setup, words);
        assert_eq!(outcome.code, Some(0), "{outcome:#?}");
        outcome.stdout
    };
    let running = command(&["incidents", "show", id]);
    assert_eq!(running.trim_end(), page.trim_end());
    assert!(command(&["incidents"]).contains("EX-21 ffmpeg_crashed"));
    println!("{page}");
    drop(viewer);
    wait_for("evidence that is written down", PATIENCE, || {
        let account: Value = host.get(&format!("/api/v1/incidents/{id}"));
        (account["evidence"] != json!([])).then_some(())
    });
    host.stop();
    assert_eq!(database::run(&setup, &["incidents", "show", "99"]).code, Some(66));

    // The log is gone with the server; the account is not.
    let closed = command(&["incidents", "show", id]);
    for part in ["signal 9", "a run broke", "- Who watched: 1 viewer", "## Timeline", "dossier `"] {
        assert!(closed.contains(part), "{part}: {closed}");
    }
    let listed: Value = serde_json::from_str(&command(&["incidents", "list", "--json"])).unwrap();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"]), (1, &incident["id"]));
}

/// What the server learnt yesterday, as it keeps it.
const LEARNT: &str = r#"{"id":7,"standing":"proposed","leads_to":{"ffmpeg_crashed":6},
"steps":[{"whose":"general","template":"3","source":"JELLYFIN","text":"Jellyfin: ItemAdded <*>"}],
"statistics":{"support":6,"incidents":8,"quiet":200,"quiet_with":0,"confidence":1.0,"lift":26.0,"p":1e-10,"p_adjusted":1e-5},
"samples":[],"record":{"came_true":0,"occasions":0,"did_not":0},"proposed":"2026-11-26T00:00:00Z","decided":null,
"seen":"2026-11-26T00:00:00Z","last_occasion":null}"#;

#[test]
fn a_learnt_pattern_survives_restarts_is_confirmed_foretells_and_is_forgotten_when_asked() {
    let stage = Stage::new().channel("Long", &[LONG]);
    let setup = stage.setup();
    setup.start().stop();
    let database = setup.data().join("exstreamtv.db");
    let insert = format!("INSERT INTO learnt_patterns (id, standing, document) VALUES (7, 'proposed', '{LEARNT}')");
    database::sqlite(&database, &insert);

    let patterns = |host: &Host| -> Value { host.get("/api/v1/patterns") };
    let host = setup.start();
    assert_eq!(patterns(&host)["learned"][0]["standing"], json!("proposed"));
    let answer = host.http.post(host.at("/api/v1/patterns/learned/7/confirm")).send().unwrap();
    assert_eq!(answer.status(), 200);
    host.stop();

    let host = setup.start();
    let known = &patterns(&host)["learned"][0];
    assert_eq!(
        (&known["id"], &known["standing"], &known["decided_by"]),
        (&json!(7), &json!("confirmed"), &json!("person"))
    );
    assert_eq!(known["statistics"]["support"], json!(6));
    let long = host.channel("Long");
    let viewer = Viewer::tune(&host.at(&long.ts()));
    viewer.wait_for_seconds(2.0);
    let foretold = wait_for("a prediction", PATIENCE, || {
        told(&host, "Another");
        patterns(&host)["foretold"].as_array()?.first().cloned()
    });
    assert_eq!((&foretold["pattern"], &foretold["leads_to"]), (&json!(7), &json!("ffmpeg_crashed")));
    assert_eq!(foretold["channel"], json!(long.id));
    assert!(foretold["probability"].as_f64().unwrap() > 0.5, "{foretold}");
    drop(viewer);
    let answer = host.http.delete(host.at("/api/v1/patterns/learned")).send().unwrap();
    assert_eq!(answer.json::<Value>().unwrap(), json!({"patterns": 1}));
    host.stop();
    let host = setup.start();
    assert_eq!(patterns(&host)["learned"], json!([]));
    host.stop();
}
