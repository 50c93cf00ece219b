//! Everything that people have on their disks, one after the other, seen by one viewer.
//!
//! Does: capture more than twenty joins of the mixed library and hold them against every rule of the stream.
//! Does not: look at the inside of the host.
//! Invariant: the capture is one connection; whatever fails shows where in the capture and keeps it.

use exstreamtv_tests::{
    fixtures::{MIXED, Recipe, Sound},
    flash::{self, Flash},
    picture,
    stage::{Cast, RATE, Stage, seconds_for_joins},
    viewer::Viewer,
};

/// What the issue allows between sound and picture.
const AV_LIMIT_MS: f64 = 20.0;

#[test]
fn twenty_joins_of_mixed_and_damaged_files_are_one_clean_stream() {
    let stage = Stage::new().channel("Mixed", &MIXED);
    let host = stage.setup().start();
    let channel = host.channel("Mixed");

    let seconds = seconds_for_joins(&host, &channel, 22);
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(seconds);
    let capture = viewer.leave();

    let report = capture.check(RATE);
    println!("{report}");
    report.assert_clean();
    assert_eq!(capture.complaints(), "", "ffmpeg has something to say against the capture");

    let shown = capture.watch(&report);
    let order = picture::programme_order(&shown);
    println!("on air: {order:?}");
    let clips: Vec<_> = order.iter().flatten().collect();
    assert!(order.len() > 20, "only {} joins were seen: {order:?}", order.len() - 1);
    for clip in MIXED.iter().filter(|clip| clip.is_playable() && clip.picture.is_some()) {
        assert!(clips.contains(&&clip.code), "{} was never seen in {order:?}", clip.file_name);
    }

    let flashes = flash::measure(&capture.path, &report, &shown);
    // At the very start of a clip the beep begins with the join; its edge says more about the encoder than about the join.
    let inside: Vec<_> = flashes.into_iter().filter(|flash| flash.mark.is_some_and(|mark| mark.second > 0)).collect();
    let audible = |clip: u8| recipe(clip).is_some_and(|recipe| recipe.sound != Sound::Silent);
    let silent: Vec<_> = inside.iter().filter(|flash| flash.offset_ms.is_none()).collect();
    assert!(silent.iter().all(|flash| !flash.mark.is_some_and(|mark| audible(mark.clip))), "no beep near {silent:?}");
    let last = flash::median_of_last(&inside, 3).unwrap();
    println!("sound minus picture after the last join: {last:.1} ms; all: {inside:?}");
    assert!(last.abs() <= AV_LIMIT_MS, "{last:.1} ms after the last join: {inside:?}");
    // Only the first programme was joined in its middle, where a rate that is not the channel's falls between the channel's frames.
    let first = inside.first().and_then(|flash| flash.mark).map(|mark| mark.clip);
    let after_first = inside.iter().position(|flash| flash.mark.map(|mark| mark.clip) != first).unwrap_or(0);
    let far = |(index, flash): &(usize, &Flash)| {
        let limit_ms = if *index < after_first { first.map_or(AV_LIMIT_MS, limit_ms) } else { AV_LIMIT_MS };
        flash.offset_ms.is_some_and(|offset_ms| offset_ms.abs() > limit_ms)
    };
    let far: Vec<_> = inside.iter().enumerate().filter(far).collect();
    assert!(far.is_empty(), "sound and picture are apart: {far:#?}");

    // Nothing broken was scheduled, nor will be.
    let now_ms = exstreamtv_tests::api::now_ms();
    let cast = Cast::of(&host, &MIXED);
    let rows = host.rows(&channel, now_ms - 60_000, now_ms + 3_600_000);
    let broken: Vec<_> = rows.iter().filter(|row| cast.clip(row).is_some_and(|clip| !clip.is_playable())).collect();
    assert!(broken.is_empty(), "broken files are scheduled: {broken:?}");
    let files = host.files();
    for clip in MIXED.iter().filter(|clip| !clip.is_playable()) {
        let file = files.values().find(|file| file.path.ends_with(clip.file_name)).unwrap();
        assert_eq!(file.state, "broken", "{file:?}");
        assert!(file.reason.as_ref().is_some_and(|reason| !reason.is_empty()), "{file:?}");
    }
    host.stop();
}

/// A picture whose rate is not the channel's is shown at the nearest frame of the channel, up to half a frame from its own time.
fn limit_ms(code: u8) -> f64 {
    let rate = recipe(code).and_then(|recipe| recipe.picture).map(|picture| picture.rate);
    let fits = rate.is_some_and(|(num, den)| den == 1 && num % RATE.0 == 0);
    AV_LIMIT_MS + if fits { 0.0 } else { 500.0 * f64::from(RATE.1) / f64::from(RATE.0) }
}

fn recipe(code: u8) -> Option<&'static Recipe> {
    MIXED.iter().find(|recipe| recipe.code == code)
}
