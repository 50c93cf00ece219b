//! What a viewer notices of faults, and how long a stop takes.
//!
//! Does: kill and stop FFmpeg and kill the worker under a viewer; stop a host with twenty viewers.
//! Does not: check the stream; the tests do.
//! Invariant: silence is measured at the viewer, on one connection.

use std::{
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use super::{Recording, Table, film};
use crate::{
    api::{Channel, Feed},
    host::{self, Host},
    patience::LONG,
    viewer::Viewer,
};

/// Measures and enters what faults cost.
pub fn measure(table: &mut Table) {
    let (_stage, setup) = film();
    let mut host = setup.start();
    let channel = host.channel("Film");
    for (what, signal) in [("killed", Signal::SIGKILL), ("stopped (SIGSTOP)", Signal::SIGSTOP)] {
        let silence = silence(&host, &channel, |feed| host::send(feed.on_air().expect("it was waited for"), signal));
        table.number(&format!("FFmpeg {what}: longest silence at the viewer"), silence, "s", "≤ 1 (3 for SIGSTOP)");
    }
    let silence = silence(&host, &channel, |feed| {
        host::send(feed.worker_pid.expect("a feed on air has a worker"), Signal::SIGKILL)
    });
    table.number("worker killed: longest silence at the viewer", silence, "s", "≤ 1");

    let viewers: Vec<_> = (0..20).map(|_| Viewer::tune(&host.at(&channel.ts()))).collect();
    viewers.iter().for_each(|viewer| viewer.wait_for_seconds(4.0));
    let since = Instant::now();
    host.signal(Signal::SIGTERM);
    host.wait_for_exit(LONG);
    table.number("stop with 20 viewers", since.elapsed().as_secs_f64(), "s", "≤ 5");
}

fn silence(host: &Host, channel: &Channel, strike: impl FnOnce(&Feed)) -> f64 {
    let response = host.http.get(host.at(&channel.ts())).timeout(Duration::from_secs(300)).send();
    let response = response.unwrap_or_else(|error| panic!("tune: {error}"));
    let since = Instant::now();
    let recorder = thread::spawn(move || Recording::of(response, since, 30.0));
    // Long enough for the burst to be over and the pace to be even.
    thread::sleep(Duration::from_secs(10));
    let feed = host.wait_for_feed(channel, "an FFmpeg on air", |feed| feed.on_air().is_some());
    let struck = since.elapsed();
    strike(&feed);
    let recording = recorder.join().unwrap_or_else(|_| panic!("the viewer failed"));
    recording.longest_silence(struck).as_secs_f64()
}
