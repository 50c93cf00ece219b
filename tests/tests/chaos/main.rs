//! Chaos: whatever happens behind a channel, its viewers stay, and the programme comes back.
//!
//! Does: strike once per test, with a viewer by TS and one by HLS there the whole time, and judge what they saw.
//! Does not: assert how long anything took; the slate's own bound is measured by `make bench`.
//! Invariant: one blow, one host; tests that are `ignore`d are the long form, which `make chaos` runs.

#![expect(clippy::unwrap_used, reason = "tests")]

mod ffmpeg;
mod machine;
mod source;
mod worker;

use exstreamtv_tests::{
    api::Row,
    chaos::Ordeal,
    fixtures::{LONG, Recipe, ZULU},
    host::{Host, Setup},
    stage::Stage,
};

const LONG_ALONE: [Recipe; 1] = [LONG];

/// A channel with one programme that outlasts the test.
fn long() -> Stage {
    Stage::new().channel("Long", &LONG_ALONE)
}

/// The same, and a folder of what can be planned next: something short or long enough to be struck, and what outlasts the test.
fn long_and_next(struck: Recipe) -> Stage {
    long().channel("Next", &[struck, ZULU])
}

/// A small picture with bits enough that FFmpeg's pipe holds seconds of it and not minutes: a blow is felt soon.
fn setup(stage: &Stage) -> Setup {
    stage.setup().set("profile.video_bitrate_bps", 2_000_000)
}

fn begin_long(stage: &Stage) -> Ordeal {
    Ordeal::begin(setup(stage).start(), "Long", &LONG_ALONE)
}

/// Puts the long programme on air and plans the folder Next, `struck` first, far enough ahead that nobody has opened its file.
fn begin_long_and_next(host: Host, struck: Recipe) -> (Ordeal, Row) {
    let ordeal = Ordeal::begin(host, "Long", &[LONG, struck, ZULU]);
    let row = ordeal.then_play("Next", 28);
    assert_eq!(row.title, struck.title());
    (ordeal, row)
}
