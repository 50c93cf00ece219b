//! Channels on a video card, with a card that is not there: an FFmpeg in between does on the processor what the card would do, and fails as cards fail.
//!
//! Does: look at what viewers see, at what the API says about the card, and at what is done after a failure.
//! Invariant: whatever the card does, a viewer has one clean stream and sees the slate for two seconds at most.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{path::Path, process::Command};

use exstreamtv_tests::{
    air::{ChannelClock, contradictions},
    api::{Channel, now_ms},
    cards::PretendedCard,
    fixtures::{CALM, LONG as LONG_CLIP, Recipe},
    host::Host,
    patience::{LONG, wait_for},
    picture::Shown,
    process::host_binary,
    stage::{Cast, RATE, Stage},
    translate::Mode,
    viewer::Viewer,
};
use serde_json::Value;

/// What the slate may take of a viewer's time, in frames: two seconds.
const MOST_SLATE_FRAMES: u64 = 2 * 25;

struct Scene {
    card: PretendedCard,
    host: Host,
    channel: Channel,
    cast: Cast,
    _stage: Stage,
}

impl Scene {
    /// A channel on a machine with a card that behaves like this.
    fn new(clips: &[Recipe], mode: Mode) -> Self {
        let stage = Stage::new().channel("Films", clips);
        let card = PretendedCard::new(stage.path(), Path::new(env!("CARGO_BIN_EXE_translating-ffmpeg")));
        card.turn(mode);
        let host = card.serve(stage.setup()).start();
        let channel = host.channel("Films");
        let scene = Self { card, cast: Cast::of(&host, clips), host, channel, _stage: stage };
        let used = |known: &Value| known["used"].as_array().is_some_and(|used| used.iter().any(|id| id == "cuda:0"));
        wait_for("the card to be found", LONG, || Some(scene.hardware()).filter(used));
        scene
    }

    fn hardware(&self) -> Value {
        self.host.get("/api/v1/hardware")
    }

    /// What the API says about the card, as host to people.
    fn standing(&self) -> Value {
        self.hardware()["standing"][0].clone()
    }

    fn feed(&self) -> Value {
        let feeds: Value = self.host.get("/api/v1/feeds");
        let items = feeds["items"].as_array().unwrap().iter();
        items.clone().find(|feed| feed["channel"] == self.channel.id.as_str()).cloned().unwrap_or_default()
    }

    /// Waits until a run is on air for which the card does this, and returns what is said about it.
    fn wait_for_card(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        wait_for(what, LONG, || {
            let feed = self.feed();
            let runs = feed["runs"].as_array()?.iter();
            let on_air = runs.clone().find(|run| run["kind"] == "on_air" && run["pid"].is_number())?;
            Some(on_air["card"].clone()).filter(|card| feed["state"] == "on_air" && wanted(card))
        })
    }

    fn slate_frames(&self) -> u64 {
        self.feed()["slate_frames"].as_u64().unwrap_or_default()
    }

    fn causes(&self) -> Vec<String> {
        let page: Value = self.host.get(&format!("/api/v1/incidents?channel={}", self.channel.id));
        let items = page["items"].as_array().cloned().unwrap_or_default();
        items.iter().filter_map(|incident| incident["cause"].as_str().map(str::to_owned)).collect()
    }

    /// Leaves, and checks that it was one clean stream that showed what was planned.
    fn see(self, viewer: Viewer) {
        assert_eq!(viewer.ended(), None);
        let capture = viewer.leave();
        let report = capture.check(RATE);
        println!("{report}");
        report.assert_clean();
        assert_eq!(capture.complaints(), "", "ffmpeg has something to say against the capture");
        let shown: Vec<Shown> = capture.watch(&report);
        let near_ms = now_ms();
        let rows = self.host.rows(&self.channel, near_ms - 600_000, near_ms + 60_000);
        let clock = ChannelClock { frame_rate: RATE, offset_s: 0, near_ms };
        let end = &shown[shown.len().saturating_sub(50)..];
        let wrong = contradictions(end, &clock, &rows, |row| self.cast.code(row));
        assert!(wrong.is_empty(), "the end is not what was planned: {:#?}", &wrong[..wrong.len().min(5)]);
        self.host.stop();
    }
}

fn does_all(card: &Value) -> bool {
    card["id"] == "cuda:0" && card["rung"] == "hw" && card["encodes"] == true
}

fn by_processor(card: &Value) -> bool {
    card["id"].is_null()
}

#[test]
fn a_card_plays_programme_after_programme_without_a_seam() {
    let scene = Scene::new(&CALM, Mode::Well);
    let viewer = Viewer::tune(&scene.host.at(&scene.channel.ts()));
    let card = scene.wait_for_card("the card at work", does_all);
    let steps = card["steps"].as_array().unwrap();
    assert!(steps.iter().any(|step| step["what"] == "encode" && step["how"] == "h264_nvenc"), "{card:#}");
    assert!(steps.iter().all(|step| step["why"].as_str().is_some_and(|why| !why.is_empty())), "{card:#}");
    assert_eq!(scene.standing()["most_sessions"], 8, "the driver's version says so");
    assert!(scene.standing()["sessions"].as_u64() >= Some(1));
    let before = scene.slate_frames();
    viewer.wait_for_more(20.0);
    assert_eq!(scene.slate_frames(), before, "no slate between programmes");
    assert_eq!(scene.causes(), Vec::<String>::new());
    scene.see(viewer);
}

#[test]
fn a_session_that_others_took_is_done_by_the_processor() {
    let scene = Scene::new(&[LONG_CLIP], Mode::NoSessionBeyond(0));
    let viewer = Viewer::tune(&scene.host.at(&scene.channel.ts()));
    let card = scene.wait_for_card("the processor at work", by_processor);
    assert!(card["why"].as_str().unwrap().contains("all 0 of its encoding sessions are taken"), "{card:#}");
    assert_eq!(scene.standing()["most_sessions"], 0);
    assert_eq!(scene.standing()["quarantined_for_ms"], 0, "nothing is wrong with the card");
    assert!(scene.slate_frames() <= MOST_SLATE_FRAMES, "{} frames of slate", scene.slate_frames());
    assert_eq!(scene.causes(), ["hardware_failed"]);
    viewer.wait_for_more(6.0);
    scene.see(viewer);
}

#[test]
fn a_card_that_is_lost_in_the_middle_of_a_programme_is_replaced_by_the_processor() {
    let scene = Scene::new(&[LONG_CLIP], Mode::LostAfter(14));
    let viewer = Viewer::tune(&scene.host.at(&scene.channel.ts()));
    scene.wait_for_card("the card at work", does_all);
    let before = scene.slate_frames();
    let card = scene.wait_for_card("the processor at work", by_processor);
    assert!(card["why"].as_str().unwrap().contains("it failed lately"), "{card:#}");
    assert!(scene.slate_frames() - before <= MOST_SLATE_FRAMES, "{} frames of slate", scene.slate_frames() - before);
    assert_eq!(scene.causes(), ["hardware_failed"]);
    let avoided = scene.standing()["avoided"][0].clone();
    assert_eq!(avoided["rung"], "software", "{avoided:#}");
    viewer.wait_for_more(6.0);
    scene.see(viewer);
}

#[test]
fn an_encoder_that_lies_is_found_out_at_once() {
    let scene = Scene::new(&[LONG_CLIP], Mode::Lies);
    let viewer = Viewer::tune(&scene.host.at(&scene.channel.ts()));
    let card = scene.wait_for_card("the processor at work", by_processor);
    assert!(card["why"].as_str().unwrap().contains("it failed lately"), "{card:#}");
    assert!(scene.slate_frames() <= MOST_SLATE_FRAMES, "{} frames of slate", scene.slate_frames());
    assert_eq!(scene.causes(), ["hardware_failed"]);
    // Only such sources are done by the processor: in its own words the card did not fail.
    let standing = scene.standing();
    assert_eq!((&standing["quarantined_for_ms"], standing["avoided"].as_array().map(Vec::len)), (&0.into(), Some(1)));
    viewer.wait_for_more(6.0);
    scene.see(viewer);
}

#[test]
fn a_decoder_that_is_not_used_in_silence_is_left_out_the_next_time() {
    let scene = Scene::new(&CALM, Mode::DecodesInSilence);
    let viewer = Viewer::tune(&scene.host.at(&scene.channel.ts()));
    let card = scene.wait_for_card("the processor decoding", |card| card["rung"] == "swdec-hwenc");
    assert_eq!((&card["decodes"], &card["encodes"]), (&Value::from(false), &Value::from(true)), "{card:#}");
    assert_eq!(scene.causes(), Vec::<String>::new(), "nobody saw anything of it");
    scene.see(viewer);
}

#[test]
fn a_card_that_starts_slowly_is_waited_for() {
    let scene = Scene::new(&[LONG_CLIP], Mode::StartsSlowly);
    let viewer = Viewer::tune(&scene.host.at(&scene.channel.ts()));
    let first = scene.wait_for_card("the card at work", does_all);
    viewer.wait_for_more(10.0);
    scene.wait_for_card("the card at work still", does_all);
    assert_eq!(scene.standing()["avoided"], serde_json::json!([]), "slow is not broken: {first:#}");
    assert_eq!(scene.causes(), Vec::<String>::new());
    scene.see(viewer);
}

#[test]
fn what_a_card_would_do_with_a_file_is_explained() {
    let scene = Scene::new(&CALM, Mode::Well);
    let file = scene.host.files().into_values().next().unwrap();
    let media = scene.host.files().into_keys().next().unwrap();
    let path = format!("/api/v1/hardware/explain?media={media}&channel={}", scene.channel.id);
    let answer: Value = scene.host.get(&path);
    assert_eq!((&answer["card"], &answer["rung"]), (&"cuda:0".into(), &"hw".into()), "{answer:#}");
    assert!(answer["command_line"].as_array().unwrap().iter().any(|word| word == "h264_nvenc"), "{answer:#}");

    let config = scene.card.serve(scene._stage.setup());
    config.write_config();
    let mut command = Command::new(host_binary());
    command.args(["hardware", "explain", "--channel", &scene.channel.number, "--file"]).arg(&file.path);
    let output =
        command.arg("--config").arg(config.config_file()).arg("--data-dir").arg(config.data()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for expected in
        ["card      cuda:0, hw: it was seen to do it\n", "encode", "h264_nvenc", "-init_hw_device cuda=cu:0"]
    {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let mut command = Command::new(host_binary());
    command.args(["hardware", "explain", "--file", "/nowhere.mkv", "--config"]).arg(config.config_file());
    let output = command.arg("--data-dir").arg(config.data()).output().unwrap();
    assert_eq!(output.status.code(), Some(66), "{}", String::from_utf8_lossy(&output.stderr));
    scene.host.stop();
}

/// `EXSTREAMTV_TEST_CARD=vaapi-intel` (a profile or a card of `exstreamtv hardware`) plays on a card that is really there.
#[test]
fn a_card_that_is_there_plays_programme_after_programme() {
    let Ok(wish) = std::env::var("EXSTREAMTV_TEST_CARD") else {
        println!("skipped: EXSTREAMTV_TEST_CARD names no card of this machine");
        return;
    };
    let stage = Stage::new().channel("Films", &CALM);
    let host = stage.setup().set("hardware.accel", format!("{wish:?}")).start();
    let channel = host.channel("Films");
    let used = |known: &Value| known["used"].as_array().is_some_and(|used| used[0].as_str() != Some("software"));
    let known: Value = wait_for("the card to be found", 5 * LONG, || Some(host.get("/api/v1/hardware")).filter(used));
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    let feed = wait_for("the card at work", LONG, || {
        let feeds: Value = host.get("/api/v1/feeds");
        let feed = feeds["items"].as_array()?.first()?.clone();
        let encodes =
            feed["runs"].as_array()?.iter().any(|run| run["kind"] == "on_air" && run["card"]["encodes"] == true);
        encodes.then_some(feed)
    });
    assert_eq!(feed["runs"][0]["card"]["id"], known["used"][0], "{feed:#}");
    viewer.wait_for_more(20.0);
    let capture = viewer.leave();
    let report = capture.check(RATE);
    println!("{report}");
    report.assert_clean();
    assert_eq!(capture.complaints(), "", "ffmpeg has something to say against the capture");
    host.stop();
}
