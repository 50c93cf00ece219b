//! Many viewers, one feed.
//!
//! Does: count processes while viewers come, go and stall, and check what the others receive.
//! Does not: measure load; `make bench` does.
//! Invariant: what is on air depends on the clock, never on who watches.

use exstreamtv_tests::{
    air::{ChannelClock, contradictions},
    api::{Channel, now_ms},
    fixtures::{LONG, Recipe},
    host::Host,
    patience,
    process::Process,
    stage::{Cast, RATE, Stage},
    viewer::{Capture, Stalled, Viewer},
};

const CLIPS: [Recipe; 1] = [LONG];

fn on_air() -> (Stage, Host, Channel) {
    let stage = Stage::new().channel("Long", &CLIPS);
    let host = stage.setup().start();
    let channel = host.channel("Long");
    (stage, host, channel)
}

/// Fails when a picture is not what the timeline says.
fn assert_on_time(host: &Host, channel: &Channel, capture: &Capture) {
    let report = capture.check(RATE);
    report.assert_clean();
    let near_ms = now_ms();
    let rows = host.rows(channel, near_ms - 600_000, near_ms + 60_000);
    let (cast, clock) = (Cast::of(host, &CLIPS), ChannelClock { frame_rate: RATE, offset_s: 0, near_ms });
    let wrong = contradictions(&capture.watch(&report), &clock, &rows, |row| cast.code(row));
    assert!(wrong.is_empty(), "{} pictures, first {:#?}", wrong.len(), &wrong[..wrong.len().min(5)]);
}

#[test]
fn two_viewers_share_one_worker_and_one_ffmpeg() {
    let (_stage, host, channel) = on_air();
    let first = Viewer::tune(&host.at(&channel.ts()));
    first.wait_for_seconds(8.0);
    let alone = host.wait_for_feed(&channel, "one viewer on air", |feed| feed.viewers == 1 && feed.on_air().is_some());
    let processes = host.census();
    assert_eq!(processes.iter().filter(|process| process.is_ffmpeg()).count(), 1, "{processes:#?}");
    let worker = processes.iter().find(|process| Some(process.pid) == alone.worker_pid);
    assert!(worker.is_some_and(Process::is_worker), "{alone:?} in {processes:#?}");

    let second = Viewer::tune(&host.at(&channel.ts()));
    second.wait_for_seconds(8.0);
    let both = host.wait_for_feed(&channel, "two viewers", |feed| feed.viewers == 2);
    assert_eq!(host.census(), processes, "the second viewer cost a process");
    assert_eq!((both.worker_pid, both.on_air()), (alone.worker_pid, alone.on_air()));

    drop(first);
    host.wait_for_feed(&channel, "one viewer again", |feed| feed.viewers == 1);
    second.wait_for_more(4.0);
    assert_on_time(&host, &channel, &second.leave());
    host.stop();
}

#[test]
fn a_viewer_who_reads_nothing_harms_nobody() {
    let (_stage, host, channel) = on_air();
    let mut stalled: Vec<_> = (0..3).map(|_| Stalled::tune(&host.url, &channel.ts())).collect();
    assert_eq!(stalled[0].first_line(), "HTTP/1.1 200 OK");
    let good = Viewer::tune(&host.at(&channel.ts()));
    good.wait_for_seconds(25.0);
    assert_on_time(&host, &channel, &good.leave());
    host.stop();
}

#[test]
fn fifty_reconnects_do_not_move_the_programme() {
    let (_stage, host, channel) = on_air();
    let url = host.at(&channel.ts());
    let first = Viewer::tune(&url);
    first.wait_for_seconds(6.0);
    let feed = host.wait_for_feed(&channel, "an FFmpeg on air", |feed| feed.on_air().is_some());
    drop(first.leave());

    for _ in 0..50 {
        let viewer = Viewer::tune(&url);
        viewer.wait_for_seconds(0.5);
        drop(viewer);
    }

    let viewer = Viewer::tune(&url);
    viewer.wait_for_seconds(8.0);
    let after = host.wait_for_feed(&channel, "only the last viewer", |feed| feed.viewers == 1);
    assert_eq!(after.on_air(), feed.on_air(), "reconnecting started another FFmpeg");
    assert_eq!(host.ffmpegs().len(), 1);
    assert_on_time(&host, &channel, &viewer.leave());
    host.stop();
}

#[test]
fn nobody_watching_costs_no_ffmpeg() {
    let (stage, host, channel) = on_air();
    // Two slates are rendered once, before anybody needs them.
    let slates = stage.setup().data().join("cache/slates");
    patience::wait_for("the slates to be ready", patience::LONG, || {
        let kept = std::fs::read_dir(&slates).ok()?.filter_map(Result::ok);
        let ready = kept.filter(|file| file.path().extension().is_some_and(|extension| extension == "ts")).count();
        (ready >= 2 && host.ffmpegs().is_empty()).then_some(())
    });
    assert_eq!(host.ffmpegs(), [], "an FFmpeg runs although nobody watches");
    assert!(host.feed(&channel).is_none());
    // Asking what is on is not watching.
    let head = host.http.head(host.at(&channel.ts())).send().unwrap();
    assert_eq!(head.status(), 200);
    host.text("/iptv/channels.m3u");
    host.text("/iptv/xmltv.xml");
    host.text("/");
    assert_eq!(host.ffmpegs(), []);
    host.stop();
}
