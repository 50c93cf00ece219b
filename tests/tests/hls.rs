//! HLS as a player follows it.
//!
//! Does: follow the playlist for a minute of media, hold it against RFC 8216, and judge every segment alone and all of them together.
//! Does not: use a player; `make test-players` does.
//! Invariant: a breach of any rule is listed with what the playlist said.

use std::fs;

use exstreamtv_tests::{
    air::ChannelClock,
    api::now_ms,
    fixtures::CALM,
    hls::Follower,
    stage::{RATE, Stage},
    ts::{self, Rules},
    viewer,
};

#[test]
fn a_playlist_followed_for_a_minute_obeys_rfc_8216_and_every_segment_decodes_alone() {
    let stage = Stage::new().channel("Calm", &CALM);
    let host = stage.setup().start();
    let channel = host.channel("Calm");

    let mut follower = Follower::tune(&host.at(&channel.hls()));
    follower.follow(60.0);
    assert!(follower.breaches.is_empty(), "{:#?}", follower.breaches);

    let file = stage.path().join("segment.ts");
    let clock = ChannelClock { frame_rate: RATE, offset_s: 0, near_ms: now_ms() };
    let (mut whole, mut starts) = (Vec::new(), Vec::new());
    for segment in follower.segments() {
        let media = &follower.media[&segment.sequence];
        let report = ts::check(media, &Rules::channel(RATE));
        assert!(report.is_clean(), "{segment:?}: {report}");
        assert!(report.video[0].idr, "{segment:?} does not start with a keyframe");
        let early_ms = segment.date_ms as f64 - clock.wall_ms(report.video[0].pts);
        assert!(early_ms.abs() <= 1.0, "{segment:?} is dated {early_ms:.1} ms off its first picture");

        fs::write(&file, media).unwrap();
        assert_eq!(viewer::complaints(&file), "", "{segment:?} does not decode alone");
        whole.extend_from_slice(media);
        starts.push(report.video[0].dts);
    }
    ts::check(&whole, &Rules::channel(RATE)).assert_clean();
    // The last picture of a segment is only complete with the next one, so a segment lasts until the next one begins.
    let listed: Vec<_> = follower.segments().map(|segment| segment.duration_s).collect();
    for (pair, listed_s) in starts.windows(2).zip(&listed) {
        let real_s = (pair[1] - pair[0]) as f64 / 90_000.0;
        assert!(
            (real_s - listed_s).abs() < 0.001,
            "a segment of {real_s} s is listed with {listed_s} s: {starts:?} {listed:?}"
        );
    }
    host.stop();
}

#[test]
fn sequence_numbers_survive_a_restart_of_the_host() {
    let stage = Stage::new().channel("Calm", &CALM);
    let host = stage.setup().start();
    let channel = host.channel("Calm");
    let mut before = Follower::tune(&host.at(&channel.hls()));
    before.follow(8.0);
    host.stop();

    let host = stage.setup().start();
    let channel = host.channel("Calm");
    let mut after = Follower::tune(&host.at(&channel.hls()));
    after.follow(8.0);
    assert!(before.breaches.is_empty() && after.breaches.is_empty(), "{:#?} {:#?}", before.breaches, after.breaches);
    let first = after.segments().next().unwrap();
    assert!(
        first.sequence > before.newest(),
        "{} was used before the restart, up to {}",
        first.sequence,
        before.newest()
    );
    host.stop();
}

#[test]
fn who_only_fetched_the_playlist_does_not_keep_the_encoder_running() {
    let stage = Stage::new().channel("Calm", &CALM);
    let host = stage.setup().set("ffmpeg.idle_stop_s", 2).start();
    let channel = host.channel("Calm");
    host.text(&channel.hls());
    host.wait_for_feed(&channel, "the feed to be on air", |feed| !feed.runs.is_empty());
    exstreamtv_tests::patience::wait_for("the idle feed to end", exstreamtv_tests::patience::LONG, || {
        (host.feed(&channel).is_none() && host.ffmpegs().is_empty()).then_some(())
    });
    host.stop();
}
