//! What happens to a channel's worker.
//!
//! Does: kill it and stop it.
//! Does not: touch its FFmpeg, which has to go with it.
//! Invariant: whoever ran before the blow is gone after it.

use exstreamtv_tests::{
    chaos::{Slate, Verdict, worker_of},
    host,
    patience::{LONG, wait_for},
};
use nix::sys::signal::Signal;

use crate::{begin_long, long};

/// Strikes the worker; it and its FFmpeg have to go, and others have to come.
fn strike(signal: Signal, verdict: &Verdict) {
    let stage = long();
    let mut ordeal = begin_long(&stage);
    let ffmpegs = ordeal.host.ffmpegs();
    let before = ordeal.strike(|feed| host::send(worker_of(feed), signal));
    ordeal.wait_for("another worker", |feed| feed.worker_pid.is_some_and(|pid| Some(pid) != before.worker_pid));
    wait_for("the end of the old FFmpeg", LONG, || ffmpegs.iter().all(|process| !process.lives()).then_some(()));
    ordeal.wait_for_another_ffmpeg(&before);
    ordeal.survive(verdict);
}

#[test]
fn a_worker_that_is_killed_takes_its_ffmpeg_along_and_is_replaced_under_its_viewers() {
    strike(Signal::SIGKILL, &Verdict::new(Slate::Allowed, &["worker_lost"]));
}

#[test]
fn a_worker_that_is_stopped_is_noticed_and_replaced_under_its_viewers() {
    strike(Signal::SIGSTOP, &Verdict::new(Slate::Allowed, &["worker_hung", "worker_lost"]));
}
