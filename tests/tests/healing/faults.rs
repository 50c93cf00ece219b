//! Faults and controls, one by one.

use exstreamtv_tests::healing::{CATALOGUE, Episode, Fault, Healer, Scene};

fn fault(name: &str) -> &'static Fault {
    CATALOGUE.iter().find(|fault| fault.name == name).unwrap_or_else(|| panic!("no fault {name:?}"))
}

fn live(name: &str) -> Episode {
    let episode = Scene::default().live(fault(name));
    println!("{episode:#?}");
    episode
}

/// The fault is noticed, called by its name, and over: healed with its post-condition seen, mended by the feed itself, or a person's.
fn assert_overcome(name: &str) -> Episode {
    let episode = live(name);
    assert!(episode.detected, "{name}: nobody noticed");
    assert!(episode.is_right(), "{name}: it is called {:?}", episode.called);
    assert!(episode.is_over(), "{name}: {:?}", episode.actions);
    episode
}

#[test]
fn an_ffmpeg_that_hangs_on_a_programme_is_passed_by_with_what_comes_next() {
    let episode = assert_overcome("FFmpeg gives nothing");
    assert!(episode.healed && episode.probe.contains("flows"), "{episode:?}");
}

#[test]
fn a_file_that_is_deleted_is_passed_by_with_what_comes_next() {
    let episode = assert_overcome("a file is deleted");
    assert!(episode.actions.iter().any(|done| done == "play_next_item healed"), "{episode:?}");
}

#[test]
fn an_address_that_has_expired_is_asked_for_again_first() {
    let episode = assert_overcome("an address has expired");
    assert!(episode.actions[0].starts_with("refresh_source"), "{episode:?}");
}

#[test]
fn a_worker_that_is_killed_is_left_to_the_feed_itself() {
    let episode = assert_overcome("the worker is killed");
    assert!(episode.mended, "{episode:?}");
}

#[test]
fn a_healthy_channel_is_left_alone() {
    let episode = live("nothing happens");
    assert!(!episode.detected && episode.actions.is_empty(), "{episode:?}");
}

#[test]
fn a_person_s_own_restart_is_no_fault() {
    let episode = live("a person orders a restart");
    assert!(!episode.detected && episode.actions.is_empty(), "{episode:?}");
}

#[test]
fn without_leave_nothing_is_done() {
    let scene = Scene::new(Healer::Off).set("ai_auto_heal.enabled", false);
    let host = scene.start();
    let view: serde_json::Value = host.get("/api/v1/healing");
    assert_eq!(view["settings"]["enabled"], false);
    assert_eq!(view["cases"], serde_json::json!([]));
}

/// The rest of the catalogue.
#[test]
#[ignore = "long form: make heal-bench prints the same"]
fn every_fault_is_overcome() {
    for fault in CATALOGUE.iter().filter(|fault| !fault.is_control()) {
        assert_overcome(fault.name);
    }
}
