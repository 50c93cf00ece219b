//! How a host lives, falls and dies.
//!
//! Does: send signals to the host, its workers and its FFmpegs, and count who is left.
//! Does not: assert how long anything took; limits only say when waiting is over.
//! Invariant: processes are known by id and start time, from before the blow.

use std::time::Duration;

use exstreamtv_tests::{
    air::{ChannelClock, contradictions},
    api::{Channel, Feed, now_ms},
    fixtures::{LONG, Recipe},
    guide,
    hls::Follower,
    host::Host,
    patience::{self, wait_for},
    process::Process,
    stage::{Cast, RATE, Stage},
    viewer::Viewer,
};
use nix::sys::signal::Signal;

const CLIPS: [Recipe; 1] = [LONG];

/// A drain must be over by then.
const DRAIN: Duration = Duration::from_secs(5);

/// Orphans must be gone by then.
const ORPHANS: Duration = Duration::from_secs(2);

/// What a viewer who is up to ten seconds behind needs to see what is on air now, and two seconds of it.
const CATCH_UP_S: f64 = 12.0;

fn stage() -> Stage {
    Stage::new().channel("Long", &CLIPS)
}

/// Starts a host with one viewer whose channel is on air.
fn on_air(stage: &Stage) -> (Host, Channel, Viewer, Feed) {
    let host = stage.setup().start();
    let channel = host.channel("Long");
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(6.0);
    let feed = host.wait_for_feed(&channel, "an FFmpeg on air", |feed| feed.on_air().is_some());
    (host, channel, viewer, feed)
}

/// Fails unless the viewer, on the same connection, got one clean stream whose end is what the timeline says.
fn assert_healed(host: &Host, channel: &Channel, viewer: Viewer) {
    viewer.wait_for_more(CATCH_UP_S);
    assert_eq!(viewer.ended(), None);
    let capture = viewer.leave();
    let report = capture.check(RATE);
    println!("{report}");
    report.assert_clean();
    assert_eq!(capture.complaints(), "", "ffmpeg has something to say against the capture");
    let near_ms = now_ms();
    let rows = host.rows(channel, near_ms - 600_000, near_ms + 60_000);
    let (cast, clock) = (Cast::of(host, &CLIPS), ChannelClock { frame_rate: RATE, offset_s: 0, near_ms });
    let shown = capture.watch(&report);
    let end = &shown[shown.len().saturating_sub(40)..];
    let wrong = contradictions(end, &clock, &rows, |row| cast.code(row));
    assert!(wrong.is_empty(), "the programme is not back: {:#?}", &wrong[..wrong.len().min(5)]);
    // Whatever covered the hole was a slate, never another place of the programme.
    let marked: Vec<_> = shown.iter().filter(|picture| picture.mark.is_some()).copied().collect();
    let wrong = contradictions(&marked, &clock, &rows, |row| cast.code(row));
    assert!(wrong.is_empty(), "off the timeline: {:#?}", &wrong[..wrong.len().min(5)]);
}

fn assert_gone(processes: &[Process], limit: Duration) {
    let left = || processes.iter().filter(|process| process.lives()).cloned().collect::<Vec<_>>();
    let gone = patience::try_for(limit, || left().is_empty().then_some(()));
    assert!(gone.is_some(), "still alive after {limit:?}: {:#?}", left());
}

#[test]
fn sigterm_drains_twenty_viewers_and_leaves_nobody_behind() {
    let stage = stage();
    let (mut host, channel, viewer, _) = on_air(&stage);
    let others: Vec<_> = (0..19).map(|_| Viewer::tune(&host.at(&channel.ts()))).collect();
    others.iter().for_each(|viewer| viewer.wait_for_seconds(2.0));
    let children = host.census();
    assert!(children.iter().any(Process::is_ffmpeg), "{children:#?}");

    host.signal(Signal::SIGTERM);
    let status = host.wait_for_exit(DRAIN);
    assert!(status.is_some_and(|status| status.success()), "{status:?}");
    assert_gone(&children, ORPHANS);
    for viewer in others.iter().chain([&viewer]) {
        assert!(viewer.wait_for_end(DRAIN).is_some(), "a viewer still hangs on a dead host");
    }
}

#[test]
fn kill_nine_leaves_no_orphan() {
    let stage = stage();
    let (mut host, _, viewer, _) = on_air(&stage);
    let children = host.census();
    let (workers, ffmpegs): (Vec<_>, Vec<_>) = children.iter().partition(|process| process.is_worker());
    assert!(!workers.is_empty() && !ffmpegs.is_empty(), "{children:#?}");

    host.signal(Signal::SIGKILL);
    assert!(host.wait_for_exit(DRAIN).is_some());
    assert_gone(&children, ORPHANS);
    assert_eq!(host.census(), [], "somebody was started meanwhile");
    drop(viewer);
}

#[test]
fn a_stop_while_a_channel_is_being_tuned_leaves_nobody_behind() {
    let stage = stage();
    let mut host = stage.setup().start();
    let channel = host.channel("Long");
    let mut tuning = exstreamtv_tests::viewer::Stalled::tune(&host.url, &channel.ts());
    wait_for("the worker to be started", patience::LONG, || host.feed(&channel));
    host.signal(Signal::SIGTERM);
    assert!(host.wait_for_exit(DRAIN).is_some_and(|status| status.success()));
    assert_eq!(host.census(), []);
    // Whatever the viewer got, it was an answer in HTTP.
    assert!(tuning.first_line().starts_with("HTTP/1.1 "));
}

#[test]
fn a_channel_without_viewers_stops_after_its_idle_time() {
    let stage = stage();
    let host = stage.setup().set("ffmpeg.idle_stop_s", 1).start();
    let channel = host.channel("Long");
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(6.0);
    let feed = host.wait_for_feed(&channel, "an FFmpeg on air", |feed| feed.on_air().is_some());
    drop(viewer);

    wait_for("the idle channel to stop", patience::LONG, || host.ffmpegs().is_empty().then_some(()));
    wait_for("the worker to go", patience::LONG, || {
        (!host.census().iter().any(|process| Some(process.pid) == feed.worker_pid)).then_some(())
    });
    assert!(host.feed(&channel).is_none());

    let again = Viewer::tune(&host.at(&channel.ts()));
    again.wait_for_seconds(6.0);
    assert_healed(&host, &channel, again);
    host.stop();
}

#[test]
fn sighup_takes_up_a_changed_configuration_and_refuses_a_broken_one() {
    let stage = stage();
    let (host, channel, viewer, _) = on_air(&stage);
    let reload = |value: &str| {
        stage.setup().set("server.public_url", value).write_config();
        host.signal(Signal::SIGHUP);
    };
    let listed = |url: &str| host.text("/iptv/channels.m3u").contains(url).then_some(());
    reload("\"http://tv.example:8080\"");
    wait_for("the new address in the channel list", patience::LONG, || listed("http://tv.example:8080/iptv/"));

    reload("17");
    wait_for("a complaint about the broken configuration", patience::LONG, || {
        host.said().iter().any(|line| line.contains("public_url")).then_some(())
    });
    assert!(listed("http://tv.example:8080/iptv/").is_some(), "half of a broken configuration was taken up");
    assert!(host.is_ready());
    assert_healed(&host, &channel, viewer);
    host.stop();
}

#[test]
fn after_kill_nine_the_next_start_goes_on_where_the_clock_is_with_the_same_guide_and_new_segments() {
    let stage = stage();
    let (mut host, channel, viewer, _) = on_air(&stage);
    let mut playlist = Follower::tune(&host.at(&channel.hls()));
    playlist.follow(4.0);
    let from_ms = now_ms() - 10_000;
    let rows = host.rows(&channel, from_ms, from_ms + 1_000_000);
    let announced = guide_from(&host, from_ms);
    host.signal(Signal::SIGKILL);
    assert!(host.wait_for_exit(DRAIN).is_some());
    assert!(viewer.wait_for_end(DRAIN).is_some(), "a viewer still hangs on a dead host");
    let address = host.url.trim_start_matches("http://").to_owned();
    drop(host);

    // Players come back to the address that they know.
    let host = stage.setup().listen(&address).start();
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    let mut after = Follower::tune(&host.at(&channel.hls()));
    assert_eq!(host.channel("Long").id, channel.id);
    assert_eq!(host.rows(&channel, from_ms, from_ms + 1_000_000), rows, "the crash changed the timeline");
    assert_eq!(guide_from(&host, from_ms), announced, "the crash changed the guide");
    after.follow(8.0);
    assert!(
        playlist.breaches.is_empty() && after.breaches.is_empty(),
        "{:#?} {:#?}",
        playlist.breaches,
        after.breaches
    );
    let first = after.segments().next().map(|segment| segment.sequence);
    assert!(first > Some(playlist.newest()), "{first:?} was used before the crash, up to {}", playlist.newest());
    assert_healed(&host, &channel, viewer);
    host.stop();
}

/// Returns what the guide announces for the hour after this moment, as text.
fn guide_from(host: &Host, from_ms: i64) -> Vec<String> {
    let programmes = guide::parse(&host.text("/iptv/xmltv.xml")).into_iter();
    let hour = from_ms / 1000..from_ms / 1000 + 3600;
    programmes.filter(|one| hour.contains(&one.start_s)).map(|one| format!("{one:?}")).collect()
}

#[test]
fn a_channel_that_is_switched_off_goes_off_air() {
    let stage = stage();
    let (host, channel, viewer, _) = on_air(&stage);
    let request = host.http.patch(host.at(&format!("/api/v1/channels/{}", channel.id)));
    let answer = request.header("content-type", "application/json").body(r#"{"enabled":false}"#).send();
    assert!(answer.is_ok_and(|answer| answer.status().is_success()), "the channel could not be switched off");
    assert!(
        viewer.wait_for_end(patience::LONG).is_some(),
        "the viewer of a channel that is switched off still gets bytes"
    );
    wait_for("the end of its FFmpeg", patience::LONG, || host.ffmpegs().is_empty().then_some(()));
    host.stop();
}
