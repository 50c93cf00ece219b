//! What is shown when a programme cannot be shown as planned.
//!
//! Does: take files away and give them back, and look at pictures, restarts, incidents and the as-run log.
//! Does not: test when what is tried; the supervision's own tests do, in virtual time.
//! Invariant: the library does not watch its folders, so that only the player of the channel notices what is gone.

use std::{
    fs,
    path::{Path, PathBuf},
};

use exstreamtv_tests::{
    air::{ChannelClock, contradictions},
    api::{Channel, Row, now_ms},
    fixtures::{CALM, LONG as LONG_CLIP, Recipe},
    host::{Host, Setup},
    patience::{LONG, wait_for},
    picture::Shown,
    stage::{Cast, RATE, Stage},
    viewer::Viewer,
};
use serde_json::Value;

/// Two files with the same film.
const VERSIONS: [Recipe; 2] = [
    Recipe { file_name: "Film One (2001).mkv", code: 33, ..LONG_CLIP },
    Recipe { file_name: "Film One (2001) 1080p.mkv", code: 34, ..LONG_CLIP },
];

fn setup(stage: &Stage) -> Setup {
    stage.setup().set("library.watch", false).set("library.rescan_interval_s", 0)
}

/// Returns the feed as the host writes it.
fn feed(host: &Host, channel: &Channel) -> Option<Value> {
    let feeds: Value = host.get("/api/v1/feeds");
    feeds["items"].as_array()?.iter().find(|feed| feed["channel"] == channel.id.as_str()).cloned()
}

fn incidents(host: &Host, channel: &Channel) -> Vec<Value> {
    let page: Value = host.get(&format!("/api/v1/incidents?channel={}", channel.id));
    page["items"].as_array().cloned().unwrap_or_default()
}

fn wait_for_end_of_incident(host: &Host, channel: &Channel) -> Value {
    wait_for("the incident to be over", LONG, || {
        incidents(host, channel).into_iter().next().filter(|incident| incident["ended_ms"].is_number())
    })
}

fn row_on_air(host: &Host, channel: &Channel) -> Row {
    let now_ms = now_ms();
    let rows = host.rows(channel, now_ms, now_ms + 1_000);
    rows.into_iter().next().unwrap_or_else(|| panic!("nothing is scheduled on {}", channel.name))
}

fn path_of(host: &Host, row: &Row) -> PathBuf {
    let media = row.media.clone().unwrap_or_else(|| panic!("{row:?} plays nothing"));
    host.files()[&media].path.clone()
}

fn aside(path: &Path) -> PathBuf {
    path.with_extension("away")
}

/// Leaves and returns what was shown, after checking that it was one clean stream.
fn seen(viewer: Viewer) -> Vec<Shown> {
    assert_eq!(viewer.ended(), None);
    let capture = viewer.leave();
    let report = capture.check(RATE);
    println!("{report}");
    report.assert_clean();
    assert_eq!(capture.complaints(), "", "ffmpeg has something to say against the capture");
    capture.watch(&report)
}

#[test]
fn another_file_with_the_same_film_takes_over_at_the_same_place() {
    let stage = Stage::new().channel("Films", &VERSIONS);
    let host = setup(&stage).start();
    let channel = host.channel("Films");
    let row = row_on_air(&host, &channel);
    let planned = path_of(&host, &row);
    fs::rename(&planned, aside(&planned)).unwrap_or_else(|error| panic!("{}: {error}", planned.display()));

    let viewer = Viewer::tune(&host.at(&channel.ts()));
    host.wait_for_feed(&channel, "the other version on air", |feed| feed.on_air().is_some() && feed.state == "on_air");
    viewer.wait_for_more(8.0);
    let incident = wait_for_end_of_incident(&host, &channel);
    assert_eq!((incident["cause"].as_str(), incident["code"].as_str()), (Some("source_missing"), Some("EX-11")));
    let near_ms = now_ms();
    let rows = host.rows(&channel, near_ms - 600_000, near_ms + 60_000);
    let shown = seen(viewer);
    let end = &shown[shown.len() - 40..];
    let other = VERSIONS.iter().find(|clip| !planned.ends_with(clip.file_name)).map(|clip| clip.code);
    let clock = ChannelClock { frame_rate: RATE, offset_s: 0, near_ms };
    let wrong = contradictions(end, &clock, &rows, |_| other);
    assert!(wrong.is_empty(), "the other version is not at the same place: {:#?}", &wrong[..wrong.len().min(5)]);
    host.stop();
}

#[test]
fn a_missing_file_costs_no_restart_and_is_shown_as_soon_as_it_is_there_again() {
    let stage = Stage::new().channel("Long", &[LONG_CLIP]);
    let host = setup(&stage).start();
    let channel = host.channel("Long");
    let path = path_of(&host, &row_on_air(&host, &channel));
    fs::rename(&path, aside(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));

    let viewer = Viewer::tune(&host.at(&channel.ts()));
    let is_missing = |feed: &Value| feed["state"] == "slate" && feed["cause"] == "source_missing";
    wait_for("the slate that says so", LONG, || feed(&host, &channel).filter(is_missing));
    viewer.wait_for_more(6.0);
    let feed_now = feed(&host, &channel).unwrap_or_default();
    assert_eq!(feed_now["restarts"], 0, "{feed_now:#}");
    assert_eq!(incidents(&host, &channel).len(), 1);

    fs::rename(aside(&path), &path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    host.wait_for_feed(&channel, "the programme on air", |feed| feed.on_air().is_some() && feed.state == "on_air");
    viewer.wait_for_more(8.0);
    let incident = wait_for_end_of_incident(&host, &channel);
    assert_eq!(incident["cause"], "source_missing");
    assert_eq!(incidents(&host, &channel).len(), 1);
    assert_eq!(feed(&host, &channel).unwrap_or_default()["restarts"], 0);

    let near_ms = now_ms();
    let rows = host.rows(&channel, near_ms - 600_000, near_ms + 60_000);
    let cast = Cast::of(&host, &[LONG_CLIP]);
    let shown = seen(viewer);
    let clock = ChannelClock { frame_rate: RATE, offset_s: 0, near_ms };
    assert!(shown.iter().any(|picture| picture.mark.is_none()), "no slate was seen");
    let wrong = contradictions(&shown[shown.len() - 40..], &clock, &rows, |row| cast.code(row));
    assert!(wrong.is_empty(), "the programme is not back: {:#?}", &wrong[..wrong.len().min(5)]);
    host.stop();
}

/// Declares a channel "Mixed" with one slot a day that plays the folder Long and fills with the folder Short.
fn mixed(stage: &Stage) -> String {
    let mut text = String::new();
    for name in ["Long", "Short"] {
        let folder = stage.media().join(name);
        text += &format!("\n[[collection]]\nname = {name:?}\nfolder = {folder:?}\n");
    }
    text + "
[[channel]]
number = \"7\"
name = \"Mixed\"
[channel.schedule]
strategy = \"exstreamtv.time-slots\"
pad_to_minutes = 5
filler = { collection_id = \"Short\" }
[[channel.schedule.slot]]
slot_id = \"day\"
start_time = \"00:00\"
duration_minutes = 1440
collection_id = \"Long\"
padding_mode = \"filler\"
"
}

#[test]
fn a_filler_stands_in_for_a_programme_that_has_no_other_file() {
    let stage = Stage::new().channel("Long", &[LONG_CLIP]).channel("Short", &CALM[..1]);
    let host = setup(&stage).declare(&mixed(&stage)).start();
    let channel = host.channel("Mixed");
    let path = stage.media().join("Long").join(LONG_CLIP.file_name);
    fs::remove_file(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));

    let viewer = Viewer::tune(&host.at(&channel.ts()));
    host.wait_for_feed(&channel, "the filler on air", |feed| feed.on_air().is_some() && feed.state == "on_air");
    viewer.wait_for_more(10.0);
    let shown = seen(viewer);
    let codes: Vec<_> = exstreamtv_tests::picture::programme_order(&shown);
    assert!(codes.contains(&Some(CALM[0].code)), "{codes:?}");
    assert!(!codes.contains(&Some(LONG_CLIP.code)), "{codes:?}");
    host.stop();
}

#[test]
fn what_the_log_says_was_aired_is_what_a_viewer_saw() {
    let stage = Stage::new().channel("Calm", &CALM);
    let host = stage.setup().start();
    let channel = host.channel("Calm");
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(6.0);
    let feed = host.wait_for_feed(&channel, "an FFmpeg on air", |feed| feed.on_air().is_some());
    let pid = feed.on_air().unwrap_or_else(|| panic!("{feed:?}"));
    exstreamtv_tests::host::send(pid, nix::sys::signal::Signal::SIGSTOP);
    host.wait_for_feed(&channel, "the slate", |feed| feed.state == "slate");
    host.wait_for_feed(&channel, "the programme", |feed| feed.state == "on_air" && feed.on_air() != Some(pid));
    viewer.wait_for_more(14.0);
    let shown = seen(viewer);

    let clock = ChannelClock { frame_rate: RATE, offset_s: 0, near_ms: now_ms() };
    let ends_ms = clock.wall_ms(shown[shown.len() - 1].pts) as i64;
    let address = format!("/api/v1/channels/{}/timeline?limit=500", channel.id);
    let aired = wait_for("the log of all that was seen", LONG, || {
        let page: Value = host.get(&address);
        let rows = page["items"].as_array().cloned().unwrap_or_default();
        rows.last().is_some_and(|row| row["stop_ms"].as_i64() > Some(ends_ms)).then_some(rows)
    });
    assert!(aired.windows(2).all(|pair| pair[0]["stop_ms"] == pair[1]["start_ms"]), "the log has a hole: {aired:#?}");
    let slates: Vec<_> = aired.iter().filter(|row| row["kind"] == "slate").collect();
    assert!(slates.iter().any(|row| row["cause"].is_string()), "no slate is in the log: {aired:#?}");

    let rows: Vec<Row> =
        aired.iter().map(|row| serde_json::from_value(row.clone()).unwrap_or_else(|e| panic!("{e}"))).collect();
    let cast = Cast::of(&host, &CALM);
    let wrong = contradictions(&shown, &clock, &rows, |row| cast.code(row));
    assert!(wrong.is_empty(), "the log contradicts the pictures: {:#?}", &wrong[..wrong.len().min(5)]);
    let in_slate = |picture: &&Shown| {
        let wall_ms = clock.wall_ms(picture.pts) as i64;
        slates.iter().any(|row| (row["start_ms"].as_i64()..row["stop_ms"].as_i64()).contains(&Some(wall_ms)))
    };
    assert!(
        shown.iter().filter(|p| p.mark.is_none() && !p.flash).filter(in_slate).count() > 5,
        "the slate was not where the log says"
    );
    host.stop();
}
