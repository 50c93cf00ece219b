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
    chaos::Ordeal,
    fixtures::{CHAIN, LONG, Recipe},
    host::Setup,
    stage::Stage,
};

const LONG_ALONE: [Recipe; 1] = [LONG];

/// A channel with one programme that outlasts the test.
fn long() -> Stage {
    Stage::new().channel("Long", &LONG_ALONE)
}

/// A channel with a programme, one that something can be done to meanwhile, and one that outlasts the test.
fn chain() -> Stage {
    Stage::new().channel("Chain", &CHAIN)
}

/// A small picture with bits enough that FFmpeg's pipe holds seconds of it and not minutes: a blow is felt soon.
fn setup(stage: &Stage) -> Setup {
    stage.setup().set("profile.video_bitrate_bps", 2_000_000)
}

fn begin_long(stage: &Stage) -> Ordeal {
    Ordeal::begin(setup(stage).start(), "Long", &LONG_ALONE)
}
