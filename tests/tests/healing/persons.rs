//! What only a person may allow, or do.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::mpsc,
};

use exstreamtv_tests::{
    api::Channel,
    fixtures::{LONG as LONG_CLIP, ZULU},
    healing::{CATALOGUE, Saboteur, Scene, wait_for_resolution},
    host::{Host, Setup},
    patience::{LONG, wait_for},
    stage::Stage,
    viewer::Viewer,
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

fn list(host: &Host, path: &str) -> Vec<Value> {
    let page: Value = host.get(path);
    page["items"].as_array().cloned().unwrap_or_default()
}

fn post(host: &Host, path: &str) -> (u16, Value) {
    let answer = host.http.post(host.at(path)).send().unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().unwrap()).unwrap_or_default())
}

/// A channel on which every programme hangs, so that nothing helps, and nothing is done without a person.
fn hopeless(stage: &Stage, saboteur: &Saboteur) -> Setup {
    saboteur.act("Clip", "exec sleep 100000");
    saboteur.serve(stage.setup()).set("ai_auto_heal.auto_resolve_enabled", false)
}

fn tuned(host: &Host) -> (Channel, Viewer) {
    let channel = host.channel("Show");
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    (channel, viewer)
}

#[test]
fn what_waits_for_a_person_is_done_when_it_is_approved_and_all_of_it_outlives_a_restart() {
    let stage = Stage::new().channel("Show", &[LONG_CLIP, ZULU]);
    let saboteur = Saboteur::new(stage.path());
    let setup = hopeless(&stage, &saboteur);
    let host = setup.start();
    let (channel, _viewer) = tuned(&host);
    let question = wait_for("a question", LONG, || list(&host, "/api/v1/approvals?state=pending").into_iter().next());
    assert_eq!((&question["deed"], &question["risk"]), (&json!("play_next_item"), &json!("SAFE")));
    assert!(
        !question["why"].as_str().unwrap().is_empty()
            && question["expires_ms"].as_i64() > question["asked_ms"].as_i64()
    );
    assert!(
        list(&host, "/api/v1/resolutions").iter().all(|of| of["deed"] != "play_next_item"),
        "it was not waited for"
    );

    let path = format!("/api/v1/approvals/{}", question["id"].as_str().unwrap());
    let (status, told) = post(&host, &format!("{path}/approve?note=Ada"));
    assert_eq!((status, &told["state"]), (200, &json!("approved")));
    assert_eq!(post(&host, &format!("{path}/reject")).0, 409);
    let done = wait_for_resolution(&host, &channel, "failed");
    assert_eq!((&done["deed"], &done["approval"]), (&json!("play_next_item"), &question["id"]));
    assert!(done["steps"].as_array().unwrap().iter().any(|step| step["phase"] == "probing" && step["ok"] == false));

    let learnt = |host: &Host| host.get::<Value>("/api/v1/healing")["posteriors"].clone();
    let before = learnt(&host);
    assert_eq!((&before[0]["deed"], &before[0]["tries"]), (&json!("play_next_item"), &json!(1)));
    assert!(before[0]["confidence"].as_f64() < before[0]["prior"].as_f64(), "{before}");
    host.stop();
    let host = setup.start();
    assert_eq!(learnt(&host)[0]["failed"], before[0]["failed"]);
    let kept = list(&host, "/api/v1/approvals");
    let same = kept.iter().find(|of| of["id"] == question["id"]).unwrap();
    assert_eq!((&same["state"], &same["note"]), (&json!("done"), &json!("Ada")));
    assert_eq!(post(&host, "/api/v1/healing/reset").1["records"], 1);
    assert_eq!(learnt(&host), json!([]));
}

/// Takes one POST and returns its body.
fn listen(inbox: TcpListener, told: mpsc::Sender<Value>) {
    std::thread::spawn(move || {
        let (mut stream, _) = inbox.accept().unwrap();
        let mut text = String::new();
        let mut buffer = [0; 4096];
        let body = loop {
            let read = stream.read(&mut buffer).unwrap();
            text += &String::from_utf8_lossy(&buffer[..read]);
            let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
            if let Ok(body) = serde_json::from_str(&body) {
                break body;
            }
            assert!(read > 0, "no document: {text}");
        };
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        told.send(body).unwrap();
    });
}

#[test]
fn what_only_a_person_can_mend_is_told_to_one() {
    let inbox = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/hook", inbox.local_addr().unwrap());
    let (sender, told) = mpsc::channel();
    listen(inbox, sender);
    let full = CATALOGUE.iter().find(|fault| fault.name == "a disk is full").unwrap();
    let episode = Scene::default().set("ai_auto_heal.escalation_webhook", format!("{address:?}")).live(full);
    assert!(episode.person && !episode.healed, "{episode:?}");
    let told = told.recv_timeout(LONG).unwrap();
    assert_eq!(
        (&told["issue"], &told["deed"], &told["context"]),
        (&json!("UNKNOWN"), &json!("call_person"), &json!("disk_full"))
    );
}

#[test]
fn a_reload_gives_the_healer_leave() {
    let stage = Stage::new().channel("Show", &[LONG_CLIP, ZULU]);
    let saboteur = Saboteur::new(stage.path());
    let host_of = hopeless(&stage, &saboteur);
    let host = host_of.start();
    let (channel, _viewer) = tuned(&host);
    wait_for("a question", LONG, || list(&host, "/api/v1/approvals?state=pending").into_iter().next());
    host_of.set("ai_auto_heal.auto_resolve_enabled", true).write_config();
    host.signal(Signal::SIGHUP);
    let done = wait_for_resolution(&host, &channel, "failed");
    assert_eq!((&done["deed"], &done["approval"]), (&json!("play_next_item"), &json!(null)));
}
