//! The guide is what is on air.
//!
//! Does: read the burnt-in codes of a capture and compare them with the guide and the timeline, over a restart too.
//! Does not: trust the host's own word for what it sent.
//! Invariant: instants are drawn from a fixed seed, so a failure repeats.

use std::collections::BTreeMap;

use exstreamtv_tests::{
    air::{ChannelClock, contradictions},
    api::{Channel, now_ms},
    fixtures::{CALM, MIXED},
    guide::{self, Programme},
    host::Host,
    picture::Shown,
    stage::{Cast, RATE, Stage},
    viewer::Viewer,
};

/// How many instants are drawn from a capture.
const INSTANTS: usize = 200;

/// The guide has whole seconds; closer than this to a boundary either side is right.
const EDGE_MS: f64 = 1_100.0;

fn watch(host: &Host, channel: &Channel, seconds: f64) -> Vec<Shown> {
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(seconds);
    let capture = viewer.leave();
    let report = capture.check(RATE);
    report.assert_clean();
    capture.watch(&report)
}

fn clock() -> ChannelClock {
    ChannelClock { frame_rate: RATE, offset_s: 0, near_ms: now_ms() }
}

/// Draws instants and fails where the guide names another programme than the picture.
fn assert_guide_is_on_air(guide: &[Programme], shown: &[Shown], seed: u64) {
    let codes: BTreeMap<_, _> = CALM.iter().map(|clip| (clip.title(), clip.code)).collect();
    let (clock, mut draw, mut compared) = (clock(), seed, 0);
    for _ in 0..INSTANTS {
        // Xorshift: the same instants on every machine.
        draw ^= draw << 13;
        draw ^= draw >> 7;
        draw ^= draw << 17;
        let picture = shown[(draw % shown.len() as u64) as usize];
        let wall_ms = clock.wall_ms(picture.pts);
        let inside = |programme: &&Programme| {
            wall_ms > programme.start_s as f64 * 1000.0 + EDGE_MS
                && wall_ms < programme.stop_s as f64 * 1000.0 - EDGE_MS
        };
        let Some(programme) = guide.iter().find(inside) else { continue };
        let code = codes.get(programme.title.as_str()).copied();
        assert_eq!(picture.mark.map(|mark| mark.clip), code, "at {wall_ms:.0} the guide says {programme:?}");
        compared += 1;
    }
    assert!(compared > INSTANTS / 3, "only {compared} of {INSTANTS} instants lay inside a programme of the guide");
}

#[test]
fn what_the_guide_says_is_on_air_over_a_restart_too() {
    let stage = Stage::new().channel("Calm", &CALM);
    let host = stage.setup().start();
    let channel = host.channel("Calm");
    let from_ms = now_ms() - 20_000;
    let guide = guide::parse(&host.text("/iptv/xmltv.xml"));
    let rows = host.rows(&channel, from_ms, from_ms + 3_600_000);
    let cast = Cast::of(&host, &CALM);

    let shown = watch(&host, &channel, 30.0);
    assert_guide_is_on_air(&guide, &shown, 0x5EED);
    let wrong = contradictions(&shown, &clock(), &rows, |row| cast.code(row));
    assert!(wrong.is_empty(), "{} pictures, first {:#?}", wrong.len(), &wrong[..wrong.len().min(5)]);
    host.stop();

    let host = stage.setup().start();
    let channel = host.channel("Calm");
    let rows_after = host.rows(&channel, from_ms, from_ms + 3_600_000);
    assert_eq!(rows_after, rows, "the restart changed the timeline");
    let shown = watch(&host, &channel, 20.0);
    assert_guide_is_on_air(&guide, &shown, 0xFEED);
    let wrong = contradictions(&shown, &clock(), &rows, |row| cast.code(row));
    assert!(wrong.is_empty(), "{} pictures, first {:#?}", wrong.len(), &wrong[..wrong.len().min(5)]);
    host.stop();
}

#[test]
fn the_guide_is_valid_without_overlap_or_hole_and_matches_the_channel_list() {
    let stage = Stage::new().channel("Mixed & <odd> \"names\"", &MIXED).channel("Calm", &CALM);
    // Two hours of clips that last three seconds are programmes enough for any validator.
    let host = stage.setup().set("playout.horizon_h", 2).start();
    host.channel("Calm");
    host.channel("Mixed & <odd> \"names\"");
    let xml = host.text("/iptv/xmltv.xml");

    let (complaints, missing) = guide::judge(&xml, stage.path());
    assert_eq!(complaints, "", "validators that are not installed here: {missing:?}");

    let programmes = guide::parse(&xml);
    for pair in programmes.windows(2).filter(|pair| pair[0].channel == pair[1].channel) {
        assert_eq!(pair[0].stop_s, pair[1].start_s, "{pair:?}");
    }
    let listed = host.text("/iptv/channels.m3u");
    for channel in programmes.iter().map(|programme| &programme.channel) {
        assert!(listed.contains(&format!("tvg-id=\"{channel}\"")), "{channel} is not in\n{listed}");
    }
    let titles: Vec<_> = programmes.iter().map(|programme| programme.title.as_str()).collect();
    for clip in MIXED.iter().filter(|clip| !clip.is_playable()) {
        assert!(!titles.contains(&clip.title()), "{} cannot be played and is in the guide", clip.file_name);
    }
    assert!(titles.iter().all(|title| !title.is_empty()));
    host.stop();
}
