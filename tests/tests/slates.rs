//! What viewers see and hear when there is nothing else.
//!
//! Does: take the programme away, watch what comes instead, and compare it with what the preview shows for the true cause.
//! Does not: read letters.
//! Invariant: everything is seen on one connection that never breaks.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::PathBuf};

use exstreamtv_tests::{
    api::Channel,
    fixtures::{LONG, Recipe},
    host::Host,
    likeness::Still,
    patience::{self, try_for, wait_for},
    stage::{RATE, Stage},
    tone::Sound,
    viewer::{Capture, Viewer},
};
use serde_json::{Value, json};
use tempfile::TempDir;

const CLIPS: [Recipe; 1] = [LONG];

/// Two pictures this alike say the same: what is left is the encoder's.
const ALIKE_DB: f64 = 27.0;

/// A channel without anything to show.
const EMPTY: &str = "
[[channel]]
number = \"9\"
name = \"Empty\"
";

/// What a viewer has on screen when everything is as it will stay: a picture two seconds before the end of the capture.
struct Seen {
    capture: Capture,
    last: Still,
}

impl Seen {
    fn by(viewer: Viewer) -> Self {
        let capture = viewer.leave();
        let pictures = capture.check(RATE).video.len();
        let last = Still::of(&capture.path, pictures - 2 * 25);
        Self { capture, last }
    }

    fn assert_clean(&self) {
        let report = self.capture.check(RATE);
        report.assert_clean();
        assert_eq!(self.capture.complaints(), "", "ffmpeg has something to say against the capture");
    }
}

/// A preview as a picture file.
struct Preview {
    _folder: TempDir,
    path: PathBuf,
}

impl Preview {
    fn of(host: &Host, format: &str, wanted: &Value) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join(format!("preview.{format}"));
        fs::write(&path, host.preview(format, wanted)).unwrap();
        Self { _folder: folder, path }
    }

    fn still(&self) -> Still {
        Still::of(&self.path, 0)
    }
}

fn declared(host: &Host, name: &str) -> Channel {
    wait_for("the declared channel", patience::LONG, || {
        host.channels().into_iter().find(|channel| channel.name == name)
    })
}

/// Fails unless the last picture is the screen for this cause, and not the one for another.
fn assert_shows(host: &Host, channel: &Channel, seen: &Seen, cause: &str, other: &str) {
    let likeness = |cause: &str| {
        let wanted = json!({ "channel": channel.id, "cause": cause });
        seen.last.likeness_db(&Preview::of(host, "png", &wanted).still())
    };
    let (right, wrong) = (likeness(cause), likeness(other));
    assert!(right > ALIKE_DB && wrong < right - 3.0, "{cause}: {right:.1} dB, {other}: {wrong:.1} dB");
}

#[test]
fn a_deleted_file_is_a_message_and_a_tone_until_it_is_back_on_the_same_connection() {
    let stage = Stage::new().channel("Long", &CLIPS);
    let setup = stage.setup().set("library.watch", false);
    let host = setup.set("error_screens.audio_mode", "\"sine\"").set("error_screens.show_next", false).start();
    let channel = host.channel("Long");
    let (film, away) = (stage.media().join("Long").join(LONG.file_name), stage.path().join("away"));
    fs::rename(&film, &away).unwrap();
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(25.0);
    assert_eq!(host.feed(&channel).unwrap().state, "slate");
    fs::rename(&away, &film).unwrap();
    let slate_s = viewer.seconds();
    host.wait_for_feed(&channel, "the programme is back", |feed| feed.state == "on_air" && feed.on_air().is_some());
    viewer.wait_for_more(12.0);
    assert_eq!(viewer.ended(), None);
    let capture = viewer.leave();
    let report = capture.check(RATE);
    println!("{report}");
    report.assert_clean();
    assert_eq!(capture.complaints(), "");

    let shown = capture.watch(&report);
    assert!(shown[shown.len() - 40..].iter().all(|picture| picture.mark.is_some()), "the programme is back");
    // The picture at the end of the slate's time.
    let last = Still::of(&capture.path, (slate_s * 25.0) as usize - 50);
    let seen = Seen { capture, last };
    assert_shows(&host, &channel, &seen, "source_missing", "source_damaged");

    let tone = Sound::of(&seen.capture.path).between(slate_s - 12.0, slate_s - 2.0);
    assert!((tone.pitch() - 440.0).abs() < 2.0, "{} Hz", tone.pitch());
    let (least, most) = tone.levels();
    assert!(least > 0.05 && most / least < 1.2, "a steady tone without gaps: {least:.3} to {most:.3}");
    assert!(tone.largest_jump() < 0.02, "no click where the loop begins again: {:.3}", tone.largest_jump());
}

#[test]
fn an_empty_channel_is_off_air_and_follows_its_wishes_while_it_is_watched() {
    let stage = Stage::new();
    let host = stage.setup().declare(EMPTY).start();
    let channel = declared(&host, "Empty");
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(25.0);
    let wishes = json!({ "visual_mode": "test_pattern", "audio_mode": "beep" });
    let before_s = viewer.seconds();
    host.put(&format!("/api/v1/channels/{}/error-screen", channel.id), &wishes);
    viewer.wait_for_more(25.0);
    let seen = Seen::by(viewer);
    seen.assert_clean();
    assert_shows(&host, &channel, &seen, "nothing_scheduled", "source_missing");
    let plain = Still::of(&seen.capture.path, (before_s * 25.0) as usize - 50);
    let look = json!({ "channel": channel.id, "cause": "nothing_scheduled", "visual_mode": "text" });
    let likeness = plain.likeness_db(&Preview::of(&host, "png", &look).still());
    assert!(likeness > ALIKE_DB, "before: {likeness:.1} dB");
    let sound = Sound::of(&seen.capture.path);
    assert!(sound.between(4.0, before_s - 4.0).loudness() < 0.001, "it was silent");
    let (least, most) = sound.between(before_s + 18.0, before_s + 21.0).levels();
    assert!(least < 0.001 && most > 0.05, "it beeps: {least:.4} to {most:.4}");
}

#[test]
fn a_reload_changes_what_is_on_screen() {
    let stage = Stage::new();
    let setup = stage.setup().declare(EMPTY);
    let mut host = setup.start();
    let channel = declared(&host, "Empty");
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(15.0);
    let changed =
        setup.set("error_screens.offline_title", "\"Sendepause\"").set("error_screens.foreground", "\"#ffcc00\"");
    changed.write_config();
    host.signal(nix::sys::signal::Signal::SIGHUP);
    viewer.wait_for_more(25.0);
    let seen = Seen::by(viewer);
    seen.assert_clean();
    let wanted = json!({ "channel": channel.id, "cause": "nothing_scheduled" });
    let title = json!({ "channel": channel.id, "cause": "nothing_scheduled", "message": { "title": "Off air" } });
    let [right, wrong] =
        [wanted, title].map(|wanted| seen.last.likeness_db(&Preview::of(&host, "png", &wanted).still()));
    assert!(right > ALIKE_DB && wrong < right - 3.0, "{right:.1} dB, with the old title {wrong:.1} dB");
    let _ = &mut host;
}

#[test]
fn a_preview_is_a_picture_or_a_stream_of_what_would_be_on_air() {
    let host = Stage::new().setup().start();
    let small = json!({ "width": 640, "height": 360 });
    let wanted = json!({ "profile": small, "cause": "disk_full", "visual_mode": "pattern", "audio_mode": "sine",
        "message": { "title": "it's 100% [sure]: \\n %{pts} äöü 漢" } });
    let (picture, stream) = (Preview::of(&host, "png", &wanted), Preview::of(&host, "ts", &wanted));
    assert!(fs::read(&picture.path).unwrap().starts_with(b"\x89PNG"));
    let likeness = picture.still().likeness_db(&Still::of(&stream.path, 60));
    assert!(likeness > ALIKE_DB, "{likeness:.1} dB");
    let tone = Sound::of(&stream.path).between(1.0, 3.0);
    assert!((tone.pitch() - 440.0).abs() < 2.0, "{} Hz", tone.pitch());
    assert!(try_for(std::time::Duration::ZERO, || host.is_ready().then_some(())).is_some());
}

/// A channel that wishes something of its own in the configuration.
const DRESSED: &str = "
[[channel]]
number = \"8\"
name = \"Dressed\"
error_screen = { background = \"#400000\", offline_title = \"Closed\" }
";

/// Each key of `[error_screens]` but those of the cache, otherwise than by default, and for which cause it can be seen or heard. Each stays
/// as it is while those after it change.
const KEYS: [(&str, &str, &str, &str); 16] = [
    ("background", "\"#203040\"", "disk_full", "png"),
    ("foreground", "\"#ffcc00\"", "disk_full", "png"),
    ("title", "\"One moment\"", "disk_full", "png"),
    ("subtitle", "\"The hotel's own channel\"", "disk_full", "png"),
    ("offline_title", "\"Sendepause\"", "nothing_scheduled", "png"),
    ("starting_title", "\"Here we go\"", "starting", "png"),
    ("show_channel", "false", "disk_full", "png"),
    ("show_reason", "false", "disk_full", "png"),
    ("show_next", "false", "disk_full", "png"),
    ("show_code", "false", "disk_full", "png"),
    ("audio_mode", "\"sine\"", "disk_full", "ts"),
    ("visual_mode", "\"pattern\"", "disk_full", "png"),
    ("pattern", "\"testsrc\"", "disk_full", "png"),
    ("visual_mode", "\"image\"", "disk_full", "png"),
    ("enabled", "false", "disk_full", "png"),
    ("enabled", "true", "disk_full", "png"),
];

#[test]
fn each_key_changes_what_is_shown_and_a_declared_channel_has_a_look_of_its_own() {
    let stage = Stage::new().channel("Long", &CLIPS);
    let mut setup = stage.setup().declare(EMPTY).declare(DRESSED);
    let host = setup.start();
    let shown = |channel: &Channel, cause: &str, format: &str| {
        let next = json!({ "title": "Night at the lobby", "start": "2026-11-27T22:15:00Z" });
        host.preview(format, &json!({ "channel": channel.id, "cause": cause, "next": next }))
    };
    let [long, dressed] = ["Empty", "Dressed"].map(|name| declared(&host, name));
    assert_ne!(shown(&long, "nothing_scheduled", "png"), shown(&dressed, "nothing_scheduled", "png"));

    for (key, value, cause, format) in KEYS {
        let before = shown(&long, cause, format);
        assert_eq!(before, shown(&long, cause, format), "{key}: the same screen is the same picture");
        setup = setup.set(&format!("error_screens.{key}"), value);
        setup.write_config();
        host.signal(nix::sys::signal::Signal::SIGHUP);
        wait_for(&format!("{key} = {value} to be seen"), patience::LONG, || {
            (shown(&long, cause, format) != before).then_some(())
        });
    }

    let image = setup.data().join("error_screens/lobby.png");
    fs::create_dir_all(image.parent().unwrap()).unwrap();
    fs::write(&image, shown(&long, "starting", "png")).unwrap();
    let before = shown(&long, "disk_full", "png");
    let setup = setup.set("error_screens.image", "\"lobby.png\"");
    setup.write_config();
    host.signal(nix::sys::signal::Signal::SIGHUP);
    wait_for("the picture of the lobby", patience::LONG, || (shown(&long, "disk_full", "png") != before).then_some(()));
    host.stop();
}
