//! Subtitles, seen and read.
//!
//! Does: join a film in its middle, look for letters in its pictures, and read WebVTT as a player does, both against the file's own times.
//! Does not: read letters; a cue fills a part of the picture that is dark otherwise.
//! Invariant: times come from the timeline and the file beside the film, never from what the host says about subtitles.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

use exstreamtv_tests::{
    air::ChannelClock,
    api::{Channel, Row, now_ms},
    fixtures::{LONG as FILM, Recipe},
    hls::Playlist,
    host::Host,
    patience::{LONG, wait_for},
    picture,
    stage::{RATE, Stage},
    viewer::Viewer,
};
use serde_json::{Value, json};

const CLIPS: [Recipe; 1] = [FILM];

/// Each five seconds of the film begin with two seconds of text, half a second late.
const PERIOD_MS: i64 = 5_000;
const ON_MS: i64 = 500;
const OFF_MS: i64 = 2_500;

/// A channel with a film that has subtitles beside it, wanted as `delivery` says.
fn stage() -> Stage {
    let stage = Stage::new().channel("Films", &CLIPS);
    let mut text = String::new();
    for number in 0..(FILM.seconds as i64 * 1_000 / PERIOD_MS) {
        let (on, off) = (number * PERIOD_MS + ON_MS, number * PERIOD_MS + OFF_MS);
        let line = "MMMMMMMMMMMMMMMMMMMMMMMMM";
        write!(text, "{}\n{} --> {}\n{{\\an5}}{line}\n<i>{line}</i>\n{line}\n\n", number + 1, srt(on), srt(off))
            .unwrap();
    }
    fs::write(stage.media().join("Films/Clip Long.de.srt"), text).unwrap();
    stage
}

fn srt(ms: i64) -> String {
    format!("{:02}:{:02}:{:02},{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000)
}

/// Returns the channel, after it was told which subtitles it wants.
fn wanting(host: &Host, delivery: &str) -> Channel {
    let channel = host.channel("Films");
    let subtitles = json!({ "mode": "preferred", "languages": ["de"], "delivery": delivery });
    let body = json!({ "tracks": { "subtitles": subtitles } });
    let url = host.at(&format!("/api/v1/channels/{}", channel.id));
    let answer = host.http.patch(url).header("content-type", "application/json").body(body.to_string()).send().unwrap();
    let (status, text) = (answer.status(), answer.text().unwrap_or_default());
    assert!(status.is_success(), "{status}: {text}");
    channel
}

/// Waits until somebody who tunes in is in the middle of the film and stays there for `seconds`; returns the film's row.
fn wait_for_the_middle(host: &Host, channel: &Channel, seconds: i64) -> Row {
    wait_for("the middle of the film", LONG, || {
        let now = now_ms();
        let rows = host.rows(channel, now, now + 1);
        let row = rows.into_iter().next()?;
        // The first byte is up to ten seconds old.
        (row.start_ms + 15_000 < now && now + seconds * 1_000 < row.stop_ms).then_some(row)
    })
}

/// Returns whether the film has text at this moment of the wall clock; `None` within a tenth of a second of a change.
fn has_text(row: &Row, wall_ms: f64) -> Option<bool> {
    let into_ms = (wall_ms - row.start_ms as f64 + row.in_point_ms as f64).rem_euclid(PERIOD_MS as f64);
    let near = |edge: i64| (into_ms - edge as f64).abs() < 100.0;
    (!near(ON_MS) && !near(OFF_MS)).then_some(into_ms > ON_MS as f64 && into_ms < OFF_MS as f64)
}

#[test]
fn burnt_in_text_is_seen_at_its_seconds_after_joining_in_the_middle() {
    let stage = stage();
    let host = stage.setup().start();
    let channel = wanting(&host, "burn_in");
    let row = wait_for_the_middle(&host, &channel, 60);
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(16.0);
    let capture = viewer.leave();
    let report = capture.check(RATE);
    report.assert_clean();

    let clock = ChannelClock { frame_rate: RATE, offset_s: 0, near_ms: now_ms() };
    let levels = picture::middle_of_file(&capture.path);
    let times = report.shown();
    assert!(levels.len() >= times.len(), "{} pictures of {}", levels.len(), times.len());
    let (mut with, mut without) = (0, 0);
    for (pts, bright) in times.iter().zip(&levels) {
        let wall_ms = clock.wall_ms(*pts);
        let Some(text) = has_text(&row, wall_ms) else { continue };
        // A flash is white all over.
        if *bright > 0.9 {
            continue;
        }
        assert_eq!(
            *bright > 0.03,
            text,
            "{bright:.3} of the middle is bright {:.0} ms into the film",
            wall_ms - row.start_ms as f64
        );
        if text { with += 1 } else { without += 1 }
    }
    assert!(with > 100 && without > 150, "{with} pictures with text, {without} without");
    host.stop();
}

#[test]
fn text_beside_the_pictures_says_what_the_file_says_when_the_film_shows_it() {
    let stage = stage();
    let host = stage.setup().start();
    let channel = wanting(&host, "web_vtt");
    let row = wait_for_the_middle(&host, &channel, 60);
    let picks: Value = host.get(&format!("/api/v1/media/{}/picks?channel={}", row.media.clone().unwrap(), channel.id));
    assert_eq!((&picks["web_vtt"], &picks["burnt_in"]), (&json!(true), &json!(false)), "{picks}");

    let master = host.text(&channel.hls());
    let media = master.lines().find(|line| line.starts_with("#EXT-X-MEDIA:")).unwrap_or_else(|| panic!("{master}"));
    assert!(media.contains("TYPE=SUBTITLES") && media.contains("LANGUAGE=\"de\""), "{media}");
    assert!(master.contains("CODECS=\"avc1.") && master.contains("SUBTITLES=\"subs\""), "{master}");
    let list = media.split("URI=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let video = master.lines().last().unwrap();
    let at = |uri: &str| format!("/iptv/channel/{uri}");

    let (mut checked, mut newest, mut segments) = (0, 0, 0);
    let begin_ms = parsed(&host.text(&at(list))).segments[0].date_ms;
    wait_for("half a minute of subtitles", LONG, || {
        // Between two answers a segment may have been added.
        let (pictures, text) = (parsed(&host.text(&at(video))), parsed(&host.text(&at(list))));
        assert_eq!(pictures.target_s, text.target_s);
        for segment in text.segments.iter().filter(|segment| segment.sequence > newest) {
            let twin = pictures.segments.iter().find(|twin| twin.sequence == segment.sequence);
            assert!(twin.is_none_or(|twin| (twin.date_ms, twin.duration_s) == (segment.date_ms, segment.duration_s)));
            let uri = at(&list.replace("subtitles.m3u8", &segment.uri));
            let body = host.text(&uri);
            assert_eq!(body, host.text(&uri), "a segment stays as it is");
            let span = (segment.date_ms, segment.date_ms + (segment.duration_s * 1_000.0).round() as i64);
            checked += check(&body, &row, begin_ms, span);
            segments += 1;
        }
        newest = text.segments.last().map_or(newest, |last| last.sequence);
        (segments >= 15).then_some(())
    });
    assert!(checked >= 6, "{checked} cues in {segments} segments");
    host.stop();
}

fn parsed(text: &str) -> Playlist {
    Playlist::parse(text).unwrap_or_else(|problem| panic!("{problem} in\n{text}"))
}

/// Compares a segment with what the file beside the film says, and returns how many cues it has. What the film said before the channel
/// went on air at `begin_ms` was never shown.
fn check(body: &str, row: &Row, begin_ms: i64, (from_ms, to_ms): (i64, i64)) -> usize {
    let mut lines = body.lines();
    assert_eq!(lines.next(), Some("WEBVTT"));
    let map = lines.next().and_then(|line| line.strip_prefix("X-TIMESTAMP-MAP=")).unwrap_or_else(|| panic!("{body}"));
    let value = |name: &str| map.split(',').find_map(|part| part.strip_prefix(name)).unwrap_or_else(|| panic!("{map}"));
    let clock = ChannelClock { frame_rate: RATE, offset_s: 0, near_ms: now_ms() };
    let anchor_ms = clock.wall_ms(value("MPEGTS:").parse().unwrap());
    assert!((anchor_ms - from_ms as f64).abs() <= 1.0, "the map is {anchor_ms:.1}, the segment begins {from_ms}");
    let to_wall = anchor_ms - vtt(value("LOCAL:")) as f64;

    let times = body.lines().filter_map(|line| line.split_once(" --> "));
    let read: Vec<_> = times.map(|(on, off)| (vtt(on) as f64 + to_wall, vtt(off) as f64 + to_wall)).collect();
    let origin_ms = row.start_ms - row.in_point_ms;
    let expected: Vec<_> = (0..FILM.seconds as i64 * 1_000 / PERIOD_MS)
        .map(|number| (origin_ms + number * PERIOD_MS + ON_MS, origin_ms + number * PERIOD_MS + OFF_MS))
        .filter(|(on, off)| *on < to_ms && from_ms < *off)
        .map(|(on, off)| (on.max(begin_ms), off))
        .collect();
    assert_eq!(read.len(), expected.len(), "{body}");
    for ((on, off), (wanted_on, wanted_off)) in read.iter().zip(&expected) {
        assert!(
            (on - *wanted_on as f64).abs() <= 50.0 && (off - *wanted_off as f64).abs() <= 50.0,
            "{on} {off}: {body}"
        );
    }
    let words = body.matches("<i>MMMM").count();
    assert_eq!(words, expected.len(), "every cue says what the file says");
    // FFmpeg calls a segment without cues an empty file.
    assert!(expected.is_empty() || complaints(body).is_empty(), "{}: {body}", complaints(body));
    expected.len()
}

/// Reads "20:15:00.250" as milliseconds.
fn vtt(time: &str) -> i64 {
    let digits: Vec<i64> =
        time.split([':', '.']).map(|part| part.parse().unwrap_or_else(|_| panic!("{time}"))).collect();
    let [hours, minutes, seconds, ms] = digits[..] else { panic!("{time}") };
    ((hours * 60 + minutes) * 60 + seconds) * 1_000 + ms
}

/// Returns whatever FFmpeg says against a segment of subtitles.
fn complaints(text: &str) -> String {
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-v", "warning", "-f", "webvtt", "-i", "pipe:0", "-f", "srt", "pipe:1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    ffmpeg.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    String::from_utf8_lossy(&ffmpeg.wait_with_output().unwrap().stderr).into_owned()
}
