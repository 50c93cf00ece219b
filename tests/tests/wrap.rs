//! The 33-bit clock of the stream starts over after 26 and a half hours; nobody may notice.
//!
//! Does: set the stream's clock so that it wraps within the capture.
//! Does not: wait a day.
//! Invariant: the rules are the very same as without a wrap.

use exstreamtv_tests::{
    air::{ChannelClock, contradictions},
    api::now_ms,
    fixtures::{CALM, MIXED},
    flash,
    stage::{Cast, RATE, Stage, seconds_for_joins},
    ts::{TICKS_PER_SECOND, WRAP_TICKS},
    viewer::Viewer,
};

/// The wrap comes this long after the host has started.
const WRAP_IN_S: i64 = 20;

/// Returns the offset that makes a stream's clock wrap [`WRAP_IN_S`] seconds from now.
fn offset_s() -> i64 {
    let now_ticks = now_ms() * (TICKS_PER_SECOND / 1000);
    let goal_ticks = WRAP_TICKS - WRAP_IN_S * TICKS_PER_SECOND;
    (goal_ticks - now_ticks).rem_euclid(WRAP_TICKS) / TICKS_PER_SECOND
}

#[test]
fn joins_of_mixed_files_across_the_wrap_are_one_clean_stream() {
    let stage = Stage::new().channel("Mixed", &MIXED);
    // The first start probes the files, so that the second is on air before the wrap.
    let host = stage.setup().start();
    host.channel("Mixed");
    host.stop();
    let host = stage.setup().set("playout.stream_clock_offset_s", offset_s()).start();
    let channel = host.channel("Mixed");
    let seconds = seconds_for_joins(&host, &channel, 10);

    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(seconds.max(2.0 * WRAP_IN_S as f64));
    let capture = viewer.leave();

    let report = capture.check(RATE);
    println!("{report}");
    assert!(report.wrapped, "the capture was meant to cross the wrap: {report}");
    report.assert_clean();
    assert_eq!(capture.complaints(), "", "ffmpeg has something to say against the capture");
    let flashes = flash::measure(&capture.path, &report, &capture.watch(&report));
    let last = flash::median_of_last(&flashes, 3).unwrap();
    assert!(last.abs() <= 20.0, "{last:.1} ms between sound and picture: {flashes:?}");
    host.stop();
}

#[test]
fn the_programme_is_on_time_on_both_sides_of_the_wrap() {
    let stage = Stage::new().channel("Calm", &CALM);
    let host = stage.setup().start();
    host.channel("Calm");
    host.stop();
    let offset_s = offset_s();
    let host = stage.setup().set("playout.stream_clock_offset_s", offset_s).start();
    let channel = host.channel("Calm");

    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(1.5 * WRAP_IN_S as f64 + 10.0);
    let capture = viewer.leave();

    let report = capture.check(RATE);
    assert!(report.wrapped, "the capture was meant to cross the wrap: {report}");
    let near_ms = now_ms();
    let rows = host.rows(&channel, near_ms - 120_000, near_ms + 60_000);
    let cast = Cast::of(&host, &CALM);
    let clock = ChannelClock { frame_rate: RATE, offset_s, near_ms };
    let wrong = contradictions(&capture.watch(&report), &clock, &rows, |row| cast.code(row));
    assert!(wrong.is_empty(), "{} pictures, first {:#?}", wrong.len(), &wrong[..wrong.len().min(5)]);
    host.stop();
}
