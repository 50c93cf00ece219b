//! One channel, one fault after the other, with or without the healer.
//!
//! Does: hold each fault for a while, lift it, let the channel recover, and add up the slate.
//! Does not: choose by chance: the same faults come in the same order.
//! Invariant: a fault needs a person where the programme is still off when its time is over.

use std::time::{Duration, Instant};

use super::{Blow, CATALOGUE, Fault, Healer, LEFT_MS, Scene, feed};
use crate::{
    api::{Channel, now_ms},
    fixtures::Recipe,
    host::{Host, send},
    patience::{try_for, wait_for},
    viewer::Viewer,
};

/// How long a fault stays, and how long the channel has to itself after it.
const HELD: Duration = Duration::from_secs(60);
const REST: Duration = Duration::from_secs(15);

/// What a channel lost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Loss {
    /// How many faults there were.
    pub faults: u32,
    /// Seconds of slate.
    pub lost_s: f64,
    /// Faults after whose time the programme was still off.
    pub for_a_person: u32,
}

/// Lives through mixed faults for so many minutes.
///
/// # Panics
/// When the host does not serve at all.
pub fn mixed(healer: Healer, minutes: f64) -> Loss {
    let scene = Scene::new(healer);
    let host = scene.start();
    let channel = host.channel("Show");
    let viewer = Viewer::tune(&host.at(&channel.ts()));
    viewer.wait_for_seconds(5.0);
    let end = Instant::now() + Duration::from_secs_f64(minutes * 60.0);
    let mut loss = Loss::default();
    let usable = |fault: &&Fault| !fault.is_control() && !fault.for_a_person && is_reversible(fault.blow);
    // Neighbours of the catalogue are alike; every seventh is not.
    let faults: Vec<_> = CATALOGUE.iter().filter(usable).collect();
    for turn in 0.. {
        if Instant::now() >= end {
            break;
        }
        let fault = faults[turn * 7 % faults.len()];
        let victim = scene.victim(&host, &channel);
        strike(&scene, &host, &channel, fault, victim);
        wait(HELD);
        loss.faults += 1;
        loss.for_a_person += u32::from(feed(&host, &channel)["state"] != "on_air");
        scene.saboteur.act("no such file", ":");
        wait(REST);
    }
    loss.lost_s = feed(&host, &channel)["slate_frames"].as_f64().unwrap_or_default() / super::FRAMES_S;
    drop(viewer);
    loss
}

fn is_reversible(blow: Blow) -> bool {
    matches!(blow, Blow::Says(_) | Blow::Does(_) | Blow::Ffmpeg(_) | Blow::Worker(_))
}

/// What plays is not touched by a script for the next run, so its FFmpeg has to go first.
fn strike(scene: &Scene, host: &Host, channel: &Channel, fault: &Fault, victim: Recipe) {
    scene.strike(fault, victim, Some((host, channel)));
    if matches!(fault.blow, Blow::Says(_) | Blow::Does(_)) {
        let pid = host.feed(channel).and_then(|feed| feed.on_air());
        pid.into_iter().for_each(|pid| send(pid, nix::sys::signal::Signal::SIGKILL));
    }
}

/// Lets time pass by the machine's clock: with the programme off there is no other.
fn wait(time: Duration) {
    let _ = try_for(time, || None::<()>);
}

/// Returns the row that is on air now, if it lasts long enough to be struck.
pub(super) fn struck_row(host: &Host, channel: &Channel, patience: Duration) -> crate::api::Row {
    wait_for("a programme with enough left", patience, || {
        let now = now_ms();
        host.rows(channel, now, now + 1).into_iter().find(|row| row.stop_ms - now > LEFT_MS)
    })
}
