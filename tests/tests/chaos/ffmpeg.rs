//! What happens to FFmpeg, and what is put in its place.
//!
//! Does: kill it, stop it, replace it by programs that do the worst, restart it by order again and again.
//! Does not: touch the worker or the source.
//! Invariant: a stand-in gets well again only after its viewers were shown the slate.

use exstreamtv_tests::{
    chaos::{
        Ordeal, Slate, Verdict, ffmpeg_of, is_full,
        stand_in::{Mood, StandIn},
    },
    fixtures::KILO,
    host,
};
use nix::sys::signal::Signal;

use crate::{LONG_ALONE, begin_long, begin_long_and_next, long, long_and_next, setup};

/// Forced restarts of `make chaos`, and of the short form.
const RESTARTS: (usize, usize) = (1_000, 25);

#[test]
fn an_ffmpeg_that_is_killed_is_replaced_under_its_viewers() {
    let stage = long();
    let mut ordeal = begin_long(&stage);
    let before = ordeal.strike(|feed| host::send(ffmpeg_of(feed), Signal::SIGKILL));
    ordeal.wait_for_another_ffmpeg(&before);
    ordeal.survive(&Verdict::new(Slate::Allowed, &["ffmpeg_crashed"]));
}

#[test]
fn an_ffmpeg_that_is_stopped_is_noticed_covered_and_replaced() {
    let stage = long();
    let mut ordeal = begin_long(&stage);
    let before = ordeal.strike(|feed| host::send(ffmpeg_of(feed), Signal::SIGSTOP));
    ordeal.wait_for_another_ffmpeg(&before);
    ordeal.survive(&Verdict::new(Slate::Seen, &["ffmpeg_hung"]));
}

/// Tunes in while FFmpeg is in a bad mood, which ends when the slate is on air.
fn cold(mood: Mood, verdict: &Verdict) {
    let stage = long();
    let stand_in = StandIn::new(stage.path());
    let host = stand_in.serve(setup(&stage)).start();
    host.channel("Long");
    stand_in.turn(mood);
    let ordeal = Ordeal::tune(host, "Long", &LONG_ALONE);
    ordeal.wait_for_slate();
    stand_in.turn(Mood::Well);
    ordeal.wait_for_programme();
    ordeal.survive(verdict);
}

#[test]
fn an_ffmpeg_that_exits_at_once_is_covered_until_there_is_a_better_one() {
    cold(Mood::Exits, &Verdict::new(Slate::Seen, &["ffmpeg_crashed"]));
}

#[test]
#[ignore = "long form: make chaos"]
fn an_ffmpeg_that_writes_garbage_is_covered_until_there_is_a_better_one() {
    cold(Mood::Garbage, &Verdict::new(Slate::Seen, &["ffmpeg_garbled"]));
}

#[test]
#[ignore = "long form: make chaos"]
fn an_ffmpeg_that_writes_nothing_is_covered_until_there_is_a_better_one() {
    cold(Mood::Silent, &Verdict::new(Slate::Seen, &["ffmpeg_hung"]));
}

#[test]
#[ignore = "long form: make chaos"]
fn an_ffmpeg_that_ignores_sigterm_is_ended_all_the_same() {
    cold(Mood::Deaf, &Verdict::new(Slate::Seen, &["ffmpeg_hung"]));
}

#[test]
#[ignore = "long form: make chaos"]
fn an_ffmpeg_that_floods_its_stderr_plays_as_if_nothing_were_said() {
    let stage = long();
    let stand_in = StandIn::new(stage.path());
    let host = stand_in.serve(setup(&stage)).start();
    host.channel("Long");
    stand_in.turn(Mood::Floods);
    let ordeal = Ordeal::tune(host, "Long", &LONG_ALONE);
    ordeal.wait_for_programme();
    ordeal.viewer.wait_for_more(20.0);
    ordeal.survive(&Verdict::new(Slate::Allowed, &[]).with_company("yes"));
}

#[test]
#[ignore = "long form: make chaos"]
fn an_ffmpeg_that_breaks_at_the_next_join_is_covered_until_there_is_a_better_one() {
    let stage = long_and_next(KILO);
    let stand_in = StandIn::new(stage.path());
    let (mut ordeal, _) = begin_long_and_next(stand_in.serve(setup(&stage)).start(), KILO);
    ordeal.strike(|_| stand_in.turn(Mood::Exits));
    ordeal.wait_for_slate();
    stand_in.turn(Mood::Well);
    ordeal.wait_for_programme();
    ordeal.survive(&Verdict::new(Slate::Seen, &["ffmpeg_crashed"]));
}

#[test]
fn forced_restarts_without_end_cost_no_viewer() {
    let stage = long();
    let mut ordeal = begin_long(&stage);
    ordeal.strike(|_| {});
    for count in 1..=if is_full() { RESTARTS.0 } else { RESTARTS.1 } {
        ordeal.restart();
        if count % 100 == 0 {
            println!("{count} restarts");
        }
    }
    ordeal.survive(&Verdict::new(Slate::Allowed, &[]));
}
