//! Schedules on the air: declared in TOML, switched by REST, tried out, and refused.
//!
//! Does: compare rows, guide and pictures with what a schedule says; look at timelines before and after a change.
//! Does not: test what time slots mean; the schedulers' own tests do.
//! Invariant: slots are laid around the moment of the test, in UTC, and may cross midnight.

use chrono::DateTime;
use exstreamtv_tests::{
    air::{ChannelClock, contradictions},
    api::{Channel, Row, now_ms, rfc3339},
    fixtures::{CALM, LONG as LONG_CLIP, Recipe},
    guide,
    host::{Host, Setup},
    patience::{LONG, wait_for},
    stage::{Cast, RATE, Stage},
    viewer::Viewer,
};
use nix::sys::signal::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// A row with what the schedule says about it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Ruled {
    start_ms: i64,
    stop_ms: i64,
    media: Option<String>,
    kind: String,
    rule: String,
    title: String,
}

fn ruled(host: &Host, channel: &Channel, from_ms: i64, to_ms: i64) -> Vec<Ruled> {
    let rows = host.documents(channel, from_ms, to_ms).into_iter();
    let read = |row: Value| serde_json::from_value(row.clone()).unwrap_or_else(|error| panic!("{row}: {error}"));
    rows.map(read).collect()
}

/// Writes a moment as the time of day in UTC.
fn time_of_day(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap_or_default().format("%H:%M:%S").to_string()
}

/// Declares a channel "Slots": the folder Early until `border_ms`, and Late from there on for ten hours.
fn slots(stage: &Stage, border_ms: i64) -> String {
    let mut text = String::new();
    for name in ["Early", "Late"] {
        let folder = stage.media().join(name);
        text += &format!("\n[[collection]]\nname = {name:?}\nfolder = {folder:?}\n");
    }
    text +=
        "\n[[channel]]\nnumber = \"7\"\nname = \"Slots\"\n[channel.schedule]\nstrategy = \"exstreamtv.time-slots\"\n";
    for (name, start_ms, minutes) in [("Early", border_ms - HOUR_MS, 60), ("Late", border_ms, 600)] {
        let start = time_of_day(start_ms);
        text += &format!("[[channel.schedule.slot]]\nslot_id = \"{}\"\n", name.to_lowercase());
        text += &format!("start_time = {start}\nduration_minutes = {minutes}\ncollection_id = {name:?}\n");
    }
    text
}

fn send(host: &Host, method: reqwest::Method, path: &str, body: &Value) -> (u16, Value) {
    let request = host.http.request(method, host.at(path)).header("content-type", "application/json");
    let response = request.body(body.to_string()).send().unwrap_or_else(|error| panic!("{path}: {error}"));
    let (status, text) = (response.status().as_u16(), response.text().unwrap_or_default());
    (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}")))
}

fn schedule_path(channel: &Channel) -> String {
    format!("/api/v1/channels/{}/schedule", channel.id)
}

fn shuffled() -> Value {
    json!({"strategy": "exstreamtv.sequence", "settings": {"order": {"by": "shuffle", "seed": 3}}})
}

#[test]
fn a_schedule_declared_in_toml_is_on_air_and_in_the_guide() {
    let clips = [CALM[0], CALM[1]];
    let stage = Stage::new().channel("Early", &clips[..1]).channel("Late", &clips[1..]);
    // The host needs some seconds for its scan, and a viewer gets some from before.
    let border_ms = (now_ms() / 1_000 + 30) * 1_000;
    let host = stage.setup().set("playout.horizon_h", 2).declare(&slots(&stage, border_ms)).start();
    let channel = host.channel("Slots");
    assert_eq!(channel.number, "7");
    let viewer = Viewer::tune(&host.at(&channel.ts()));

    let near_ms = now_ms();
    let rows = ruled(&host, &channel, near_ms - 30_000, border_ms + HOUR_MS);
    let (early, late): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.start_ms < border_ms);
    assert!(early.len() > 1 && late.len() > 100, "{} rows before and {} after", early.len(), late.len());
    assert!(early.iter().all(|row| row.rule == "early" && row.title == clips[0].title()), "{early:#?}");
    assert!(late.iter().all(|row| row.rule == "late" && row.title == clips[1].title()), "{:#?}", &late[..5]);
    assert_eq!((early[early.len() - 1].stop_ms, late[0].start_ms), (border_ms, border_ms), "the slot ends on time");

    let listed = guide::parse(&host.text("/iptv/xmltv.xml"));
    for row in rows.iter().filter(|row| row.start_ms % 1_000 == 0 && row.stop_ms % 1_000 == 0) {
        let programme = listed.iter().find(|programme| programme.start_s == row.start_ms / 1_000);
        let programme = programme.unwrap_or_else(|| panic!("{row:?} is not in the guide"));
        assert_eq!((programme.title.as_str(), programme.stop_s), (row.title.as_str(), row.stop_ms / 1_000));
    }

    viewer.wait_for_seconds((border_ms - near_ms) as f64 / 1_000.0 + 16.0);
    assert_on_air(&host, &channel, viewer, &clips);
    host.stop();
}

/// Fails unless the viewer got one clean stream that shows what the timeline says, all clips in turn.
fn assert_on_air(host: &Host, channel: &Channel, viewer: Viewer, clips: &[Recipe]) {
    assert_eq!(viewer.ended(), None);
    let capture = viewer.leave();
    let report = capture.check(RATE);
    report.assert_clean();
    let near_ms = now_ms();
    let rows: Vec<Row> = host.rows(channel, near_ms - 600_000, near_ms + 60_000);
    let (cast, clock) = (Cast::of(host, clips), ChannelClock { frame_rate: RATE, offset_s: 0, near_ms });
    let shown = capture.watch(&report);
    let wrong = contradictions(&shown, &clock, &rows, |row| cast.code(row));
    assert!(wrong.is_empty(), "{} pictures, first {:#?}", wrong.len(), &wrong[..wrong.len().min(5)]);
    let mut codes: Vec<_> = shown.iter().filter_map(|picture| picture.mark.map(|mark| mark.clip)).collect();
    codes.dedup();
    assert!(clips.iter().all(|clip| codes.contains(&clip.code)), "only {codes:?} was seen");
}

#[test]
fn switching_on_a_running_channel_changes_nothing_before_the_chosen_time() {
    let clips = [LONG_CLIP, CALM[0]];
    let stage = Stage::new().channel("Long", &clips[..1]).channel("Calm", &clips[1..]);
    let host = stage.setup().set("playout.horizon_h", 2).start();
    let channel = host.channel("Long");
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(4.0);
    let place = schedule_path(&channel);
    let start_ms = now_ms();
    let before = ruled(&host, &channel, start_ms - MINUTE_MS, start_ms + HOUR_MS);

    let from_ms = start_ms + 14_000;
    let all_day = json!({"slot_id": "all", "start_time": "00:00", "duration_minutes": 1440, "collection_id": "Calm"});
    let settings = json!({ "slots": [all_day] });
    let change = json!({"strategy": "exstreamtv.time-slots", "settings": settings, "from": rfc3339(from_ms)});
    let (status, view) = send(&host, reqwest::Method::PUT, &place, &change);
    assert_eq!((status, &view["schedule"]), (200, &Value::Null), "nothing is in force before its time: {view}");
    assert_eq!(view["waiting"]["schedule"]["strategy"], "exstreamtv.time-slots");

    let after = wait_for("rows of the new schedule", LONG, || {
        let rows = ruled(&host, &channel, start_ms - MINUTE_MS, start_ms + HOUR_MS);
        rows.iter().any(|row| row.start_ms == from_ms).then_some(rows)
    });
    let untouched = |rows: &[Ruled]| rows.iter().filter(|row| row.stop_ms <= from_ms).cloned().collect::<Vec<_>>();
    assert_eq!(untouched(&after), [untouched(&before), cut_at(&before, from_ms)].concat());

    wait_for("the new schedule to be in force", LONG, || {
        let view: Value = host.get(&place);
        (view["waiting"].is_null() && view["schedule"]["strategy"] == "exstreamtv.time-slots").then_some(())
    });
    let later = ruled(&host, &channel, start_ms - MINUTE_MS, start_ms + HOUR_MS / 2);
    assert_eq!(later, after.iter().filter(|row| row.start_ms < start_ms + HOUR_MS / 2).cloned().collect::<Vec<_>>());
    viewer.wait_for_seconds((from_ms - start_ms) as f64 / 1_000.0 + 16.0);
    assert_on_air(&host, &channel, viewer, &clips);
    host.stop();
}

/// Returns the row that is on air at a moment, ended there.
fn cut_at(rows: &[Ruled], at_ms: i64) -> Vec<Ruled> {
    let crossing = rows.iter().filter(|row| row.start_ms < at_ms && row.stop_ms > at_ms);
    crossing.map(|row| Ruled { stop_ms: at_ms, ..row.clone() }).collect()
}

#[test]
fn a_preview_shows_what_would_be_on_air_and_stores_nothing() {
    let clips = [LONG_CLIP, CALM[0], CALM[1]];
    let stage = Stage::new().channel("Long", &clips);
    let host = stage.setup().set("playout.horizon_h", 4).start();
    let channel = host.channel("Long");
    let place = schedule_path(&channel);
    let now = now_ms();
    let timeline = || ruled(&host, &channel, now, now + 3 * HOUR_MS);
    wait_for("a timeline of three hours", LONG, || {
        timeline().last().is_some_and(|last| last.stop_ms >= now + 3 * HOUR_MS).then_some(())
    });
    let before = timeline();

    let (status, tried) = send(&host, reqwest::Method::POST, &format!("{place}/preview?hours=3"), &shuffled());
    assert_eq!(status, 200, "{tried}");
    assert_eq!((&tried["by"], &tried["fallback"]), (&json!("exstreamtv.sequence"), &Value::Null));
    let shares: f64 =
        tried["distribution"].as_array().unwrap().iter().filter_map(|share| share["share"].as_f64()).sum();
    assert!((shares - 1.0).abs() < 1e-6, "{tried}");
    assert_eq!(timeline(), before, "a preview changed the timeline");
    assert_eq!(host.get::<Value>(&place), json!({"schedule": null, "waiting": null}));

    // What was shown is what comes, if the schedule is taken over before the programme on air has ended.
    let shown: Vec<Ruled> = serde_json::from_value(tried["entries"].clone()).unwrap();
    let (status, view) = send(&host, reqwest::Method::PUT, &place, &shuffled());
    assert_eq!(status, 200, "{view}");
    wait_for("the rows that were shown", LONG, || {
        let rows: Vec<_> = timeline().into_iter().filter(|row| row.start_ms >= shown[0].start_ms).collect();
        (rows.len() > 20 && rows[..20] == shown[..20]).then_some(())
    });
    host.stop();
}

#[test]
fn bad_settings_are_answered_with_every_fault_and_its_place() {
    let stage = Stage::new().channel("Calm", &CALM[..1]);
    let host = stage.setup().set("playout.horizon_h", 1).start();
    let channel = host.channel("Calm");
    let place = schedule_path(&channel);
    let bad = json!({"strategy": "exstreamtv.time-slots", "settings": {"slots": [
        {"slot_id": "a", "start_time": "06:00", "duration_minutes": 60, "collection_id": "Calm"},
        {"slot_id": "b", "start_time": "25:00", "duration_minutes": 60, "collection_id": "Clam"},
    ]}});
    for path in [place.clone(), format!("{place}/preview")] {
        let method = if path.ends_with("preview") { reqwest::Method::POST } else { reqwest::Method::PUT };
        let (status, problem) = send(&host, method, &path, &bad);
        assert_eq!(status, 422, "{problem}");
        let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
        assert!(pointers.contains(&&json!("/settings/slots/1/start_time")), "{problem}");
    }
    let (status, problem) = send(&host, reqwest::Method::PUT, &place, &json!({"strategy": "exstreamtv.time-slot"}));
    assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/strategy")), "{problem}");
    let mut lost = bad.clone();
    lost["settings"]["slots"][1]["start_time"] = "07:00".into();
    let (status, problem) = send(&host, reqwest::Method::PUT, &place, &lost);
    assert_eq!(
        (status, &problem["errors"][0]["pointer"]),
        (422, &json!("/settings/slots/1/collection_id")),
        "{problem}"
    );
    assert_eq!(host.get::<Value>(&place), json!({"schedule": null, "waiting": null}));
    host.stop();
}

#[test]
fn bad_declarations_end_the_start_and_leave_a_running_host_as_it_was() {
    let stage = Stage::new().channel("Early", &CALM[..1]).channel("Late", &CALM[1..2]);
    let good = slots(&stage, (now_ms() / 1_000 + HOUR_MS / 1_000) * 1_000);
    let with = |text: &str| stage.setup().set("playout.horizon_h", 1).declare(text);
    for (text, complaints) in [
        (
            good.replace("duration_minutes = 600", "duration_minutes = 0"),
            ["channel[0].schedule.slot[1].duration_minutes", ""],
        ),
        (
            good.replace("collection_id = \"Late\"", "collection_id = \"Lat\""),
            ["channel[0].schedule.slot[1].collection_id", "\"Lat\""],
        ),
        (good.replace("exstreamtv.time-slots", "exstreamtv.slots"), ["channel[0].schedule.strategy", "plugin list"]),
        (good.replace("number = ", "nummer = "), ["nummer", "did you mean `number`?"]),
        (good.replace("folder = ", "folders = "), ["folders", "did you mean `folder`?"]),
    ] {
        let outcome = with(&text).run();
        assert_eq!(outcome.code, Some(78), "{outcome:?}");
        assert!(complaints.iter().all(|part| outcome.stderr.contains(part)), "{complaints:?}: {}", outcome.stderr);
    }

    let host = with(&good).start();
    let channel = host.channel("Slots");
    let before: Value = host.get(&format!("/api/v1/channels/{}", channel.id));
    reload(
        &host,
        &with(&good.replace("duration_minutes = 600", "duration_minutes = 0").replace("\"Slots\"", "\"Bad\"")),
    );
    wait_for("a complaint about the declaration", LONG, || {
        host.said().iter().any(|line| line.contains("slot[1].duration_minutes")).then_some(())
    });
    assert_eq!(host.get::<Value>(&format!("/api/v1/channels/{}", channel.id)), before);

    reload(&host, &with(&good.replace("name = \"Slots\"", "name = \"Renamed\"")));
    let renamed = host.channel("Renamed");
    assert_eq!((renamed.id, renamed.number), (channel.id, channel.number), "the number says which channel is meant");
    reload(&host, &with(""));
    wait_for("a word about the channel that is not declared any more", LONG, || {
        host.said().iter().any(|line| line.contains("not in the configuration any more")).then_some(())
    });
    assert_eq!(host.channels().len(), 1);
    host.stop();
}

fn reload(host: &Host, setup: &Setup) {
    setup.write_config();
    host.signal(Signal::SIGHUP);
}
