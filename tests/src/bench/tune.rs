//! How long it takes until there is a picture.
//!
//! Does: tune cold and warm, by transport stream and by HLS, and run the host's own FFmpeg command bare beside it.
//! Does not: pace the bare FFmpeg; it runs as fast as it can, which is the hardest thing to be measured against.
//! Invariant: the bare command is taken from the running process, so it cannot differ.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use reqwest::blocking::Response;

use super::{Recording, Table, film, median};
use crate::{
    api::Channel,
    fixtures::FILM_720,
    hls::{Playlist, first_variant},
    host::Host,
    patience::{LONG, wait_for},
    ts::{self, Rules},
    viewer::Viewer,
};

const RUNS: usize = 5;

/// Stream that is recorded per run; a default probe wants about five seconds.
const RECORDED_S: f64 = 6.0;

/// Measures and enters every kind of tuning.
pub fn measure(table: &mut Table) {
    let (_stage, setup) = film();
    let host = setup.set("ffmpeg.idle_stop_s", 3).start();
    let channel = host.channel("Film");

    let (cold, reference) = pairs(&host, &channel, first_picture, bare_first_picture);
    table.ratio("cold tune, first decodable programme frame", cold, reference, "s", "bare FFmpeg", "≤ 1.25");

    let player_of_channel = |host: &Host, channel: &Channel| player(&host.at(&channel.ts()));
    let (cold, reference) = pairs(&host, &channel, player_of_channel, bare_player);
    table.ratio("cold tune, first picture of a player", cold, reference, "s", "bare FFmpeg", "≤ 1.25");

    let (cold, reference) = pairs(&host, &channel, first_segment, bare_first_group);
    table.ratio("HLS cold, first segment", cold, reference, "s", "bare FFmpeg, same segment", "≤ 1.5");

    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(10.0);
    table.number("warm join, first decodable frame", repeat(|| warm(&host, &channel)), "s", "≤ 0.100");
    let warm_player = repeat(|| player(&host.at(&channel.ts())));
    table.number("warm join, first picture of a player", warm_player, "s", "-");
    drop(viewer);
    host.stop();
}

/// Measures and enters what a reconnecting viewer waits for after the host itself was killed and started again, and what he waits for where
/// there is nothing to show.
pub fn measure_hardship(table: &mut Table) {
    let (stage, setup) = film();
    let setup = setup.set("ffmpeg.idle_stop_s", 3);
    let pair = |_| {
        let mut host = setup.start();
        let channel = host.channel("Film");
        let viewer = Viewer::tune(&host.at(&channel.ts()));
        viewer.wait_for_seconds(8.0);
        host.signal(Signal::SIGKILL);
        host.wait_for_exit(LONG);
        let host = setup.start();
        let ours = first_picture(&host, &channel);
        let command = bare_command(&host, &channel);
        until_cold(&host, &channel);
        let theirs = bare_first_picture(&command);
        host.stop();
        (ours.as_secs_f64(), theirs.as_secs_f64())
    };
    let (ours, theirs): (Vec<_>, Vec<_>) = (0..RUNS).map(pair).unzip();
    let what = "host killed and started again: a viewer who reconnects, first decodable programme frame";
    table.ratio(what, median(ours), median(theirs), "s", "bare FFmpeg", "≤ 1.25");

    let host = setup.start();
    let channel = host.channel("Film");
    let file = stage.media().join("Film").join(FILM_720.file_name);
    std::fs::remove_file(&file).unwrap_or_else(|error| panic!("remove {}: {error}", file.display()));
    let cold = || {
        until_cold(&host, &channel);
        let since = Instant::now();
        let recording = Recording::of(open(&host.at(&channel.ts())), since, 3.0);
        let report = ts::check(&recording.bytes, &Rules::channel((30, 1)));
        recording.first_keyframe(&report).expect("a stream begins with a keyframe")
    };
    table.number("cold tune, the file is gone: first decodable frame of the slate", repeat(cold), "s", "≤ 1");
    host.stop();
}

fn repeat(mut once: impl FnMut() -> Duration) -> f64 {
    median((0..RUNS).map(|_| once().as_secs_f64()).collect())
}

/// Measures the cold channel and, right after each time, the very command that it ran: same in-point, same mood of the machine.
fn pairs(
    host: &Host,
    channel: &Channel,
    cold: impl Fn(&Host, &Channel) -> Duration,
    bare: fn(&[String]) -> Duration,
) -> (f64, f64) {
    let pair = |_| {
        until_cold(host, channel);
        let ours = cold(host, channel);
        let command = bare_command(host, channel);
        until_cold(host, channel);
        (ours.as_secs_f64(), bare(&command).as_secs_f64())
    };
    let (ours, theirs) = (0..RUNS).map(pair).unzip();
    (median(ours), median(theirs))
}

/// Waits until nothing of the channel is left.
fn until_cold(host: &Host, channel: &Channel) {
    wait_for("the channel to go cold", LONG, || {
        (host.feed(channel).is_none() && host.ffmpegs().is_empty()).then_some(())
    });
}

fn first_picture(host: &Host, channel: &Channel) -> Duration {
    let since = Instant::now();
    let recording = Recording::of(open(&host.at(&channel.ts())), since, RECORDED_S);
    recording.first_programme_picture().expect("six seconds of a cold channel show its programme")
}

fn warm(host: &Host, channel: &Channel) -> Duration {
    let since = Instant::now();
    let recording = Recording::of(open(&host.at(&channel.ts())), since, 1.0);
    let report = ts::check(&recording.bytes, &Rules::channel((30, 1)));
    recording.first_keyframe(&report).expect("a stream begins with a keyframe")
}

fn first_segment(host: &Host, channel: &Channel) -> Duration {
    let since = Instant::now();
    let address = host.at(&channel.hls());
    let text = open(&address).text().unwrap_or_default();
    let base = reqwest::Url::parse(&address).expect("addresses of the host can be read");
    // As players do it: by way of the multivariant playlist.
    let variant = first_variant(&text).unwrap_or_else(|| panic!("no variant in {text}"));
    let base = base.join(variant).expect("addresses of lists can be read");
    let text = open(base.as_str()).text().unwrap_or_default();
    let playlist = Playlist::parse(&text).unwrap_or_else(|problem| panic!("{problem} in {text}"));
    let segment = base.join(&playlist.segments[0].uri).expect("addresses of segments can be read");
    open(segment.as_str()).bytes().unwrap_or_else(|error| panic!("read {segment}: {error}"));
    since.elapsed()
}

/// Runs what most players are: FFmpeg with its default probing.
fn player(url: &str) -> Duration {
    let since = Instant::now();
    let status = picture_from(url).status().unwrap_or_else(|error| panic!("run ffmpeg: {error}"));
    assert!(status.success(), "the player found no picture");
    since.elapsed()
}

fn picture_from(input: &str) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "quiet", "-i", input, "-frames:v", "1", "-f", "null", "-"]).stdin(Stdio::null());
    command
}

/// Takes the command line of the FFmpeg on air, without the pipe for its progress.
fn bare_command(host: &Host, channel: &Channel) -> Vec<String> {
    let feed = host.wait_for_feed(channel, "an FFmpeg on air", |feed| feed.on_air().is_some());
    let process = host.ffmpegs().into_iter().find(|process| Some(process.pid) == feed.on_air());
    let words = process.expect("the FFmpeg on air is alive").arguments;
    let progress = words.iter().position(|word| word == "-progress");
    let is_progress = |index: usize| progress.is_some_and(|at| index == at || index == at + 1);
    words.into_iter().enumerate().filter(|(index, _)| !is_progress(*index)).map(|(_, word)| word).collect()
}

fn start(bare: &[String]) -> Child {
    let mut command = Command::new(&bare[0]);
    command.args(&bare[1..]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| panic!("run {bare:?}: {error}"))
}

fn record(bare: &[String]) -> Recording {
    let since = Instant::now();
    let mut child = start(bare);
    let recording = Recording::of(child.stdout.take().expect("stdout is piped"), since, RECORDED_S);
    end(child);
    recording
}

fn bare_first_picture(bare: &[String]) -> Duration {
    record(bare).first_programme_picture().expect("six seconds of the bare command show the programme")
}

fn bare_first_group(bare: &[String]) -> Duration {
    let recording = record(bare);
    let report = ts::check(&recording.bytes, &Rules::channel((30, 1)));
    recording.first_group(&report).expect("six seconds hold more than one group")
}

fn bare_player(bare: &[String]) -> Duration {
    let since = Instant::now();
    let mut child = start(bare);
    let mut command = picture_from("pipe:0");
    let status = command.stdin(child.stdout.take().expect("stdout is piped")).status();
    let elapsed = since.elapsed();
    end(child);
    assert!(status.is_ok_and(|status| status.success()), "the player found no picture in the bare stream");
    elapsed
}

fn end(mut child: Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

fn open(url: &str) -> Response {
    let client = reqwest::blocking::Client::builder().timeout(None).build();
    let client = client.unwrap_or_else(|error| panic!("make an HTTP client: {error}"));
    let response = client.get(url).send().unwrap_or_else(|error| panic!("get {url}: {error}"));
    assert_eq!(response.status(), 200, "{url}");
    response
}
