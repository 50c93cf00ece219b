//! Five hundred channels.
//!
//! Does: define them over the API, then take the host's memory and the time of the guide.
//! Does not: watch any.
//! Invariant: every channel has its own timeline when the numbers are taken.

use std::{io::Read, time::Instant};

use serde_json::{Value, json};

use super::{Table, film};
use crate::{
    api::{Channel, now_ms},
    host::Host,
    patience::{LONG, wait_for},
    process,
};

const CHANNELS: usize = 500;
const MIB: f64 = 1024.0 * 1024.0;

/// Measures and enters memory and guide of a large lineup.
pub fn measure(table: &mut Table) {
    let (_stage, setup) = film();
    let host = setup.start();
    let film = host.channel("Film");
    table.number("host memory, one channel, idle", process::resident_bytes(host.pid()) as f64 / MIB, "MiB", "-");
    define(&host, &film);
    table.number("host memory, 500 channels, idle", process::resident_bytes(host.pid()) as f64 / MIB, "MiB", "≤ 60");

    let (first, whole, bytes) = guide(&host);
    table.number("guide of 500 channels, first byte", first, "s", "≤ 0.100");
    table.number("guide of 500 channels, all of it", whole, "s", "-");
    table.number("guide of 500 channels, length", bytes as f64 / MIB, "MiB", "-");
    table.number("host memory after the guide", process::resident_bytes(host.pid()) as f64 / MIB, "MiB", "-");
    host.stop();
}

fn define(host: &Host, film: &Channel) {
    let channel: Value = host.get(&format!("/api/v1/channels/{}", film.id));
    let mut last = None;
    for number in 1..CHANNELS {
        let body = json!({"number": (1000 + number).to_string(), "name": format!("Channel {number}"), "collection": channel["collection"]});
        let request = host.http.post(host.at("/api/v1/channels")).header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().and_then(reqwest::blocking::Response::error_for_status);
        let text = answer.and_then(reqwest::blocking::Response::text).unwrap_or_else(|error| panic!("define: {error}"));
        last = serde_json::from_str::<Channel>(&text).ok();
    }
    let last = last.expect("the host answers with the channel");
    let now_ms = now_ms();
    wait_for("the last channel's timeline", 5 * LONG, || {
        (!host.rows(&last, now_ms, now_ms + 3_600_000).is_empty()).then_some(())
    });
}

fn guide(host: &Host) -> (f64, f64, usize) {
    let since = Instant::now();
    let request = host.http.get(host.at("/iptv/xmltv.xml")).timeout(5 * LONG);
    let mut response = request.send().unwrap_or_else(|error| panic!("get the guide: {error}"));
    let mut buffer = vec![0; 256 * 1024];
    let mut bytes = response.read(&mut buffer).unwrap_or(0);
    let first = since.elapsed().as_secs_f64();
    while let Ok(count @ 1..) = response.read(&mut buffer) {
        bytes += count;
    }
    (first, since.elapsed().as_secs_f64(), bytes)
}
