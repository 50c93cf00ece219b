//! Faults with labels, and what a healer makes of them.
//!
//! Does: break what a channel plays in a known way, watch what the host says and does about it, and count.
//! Does not: mend anything; the host does, by itself.
//! Invariant: a fault knows its true name before it is injected; what the host calls it is read from outside.

mod fault;
mod mixed;
mod report;
mod saboteur;

use std::time::Duration;

pub use fault::{Blow, CATALOGUE, Fault};
pub use mixed::{Loss, mixed};
pub use report::{Episode, Report};
pub use saboteur::Saboteur;
use serde_json::Value;

use crate::{
    api::{Channel, now_ms},
    fixtures::{LONG, Recipe, ZULU},
    host::{Host, Setup, send},
    patience::{self, try_for, wait_for},
    stage::{Cast, Stage},
    viewer::Viewer,
};

/// What the channel plays, one after the other; each outlasts a fault.
const CLIPS: [Recipe; 2] = [LONG, ZULU];
/// How long a fault may take to be healed, or to be given to a person.
const PATIENCE: Duration = Duration::from_secs(150);
/// How long a control is looked at, by the stream's clock.
const CONTROL_S: f64 = 20.0;
/// A programme that was left for less than this cannot be struck.
const LEFT_MS: i64 = 100_000;
/// Frames a second of the small picture.
const FRAMES_S: f64 = 25.0;

/// Whether the host may heal by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Healer {
    /// It may.
    On,
    /// It only watches; the feeds' own supervision works as ever.
    Off,
}

/// A host with one channel that somebody is going to harm.
pub struct Scene {
    stage: Stage,
    setup: Setup,
    saboteur: Saboteur,
}

impl Default for Scene {
    fn default() -> Self {
        Self::new(Healer::On)
    }
}

impl Scene {
    /// Lays out the channel.
    pub fn new(healer: Healer) -> Self {
        let stage = Stage::new().channel("Show", &CLIPS);
        let saboteur = Saboteur::new(stage.path());
        let setup = saboteur.serve(stage.setup()).set("profile.video_bitrate_bps", 2_000_000);
        // A library that sees what becomes of files plans around them; here that is left to the healer.
        let setup = setup.set("library.watch", false);
        let setup = setup.set("ai_auto_heal.auto_resolve_enabled", healer == Healer::On);
        Self { stage, setup, saboteur }
    }

    /// Sets a key of the configuration.
    #[must_use]
    pub fn set(self, key: &str, value: impl std::fmt::Display) -> Self {
        Self { setup: self.setup.set(key, value), ..self }
    }

    /// Starts the host.
    pub fn start(&self) -> Host {
        self.setup.start()
    }

    /// Harms the channel, watches until it is healed or given up, and returns what was seen.
    ///
    /// # Panics
    /// When the host does not serve at all.
    pub fn live(&self, fault: &Fault) -> Episode {
        let fault_is_file = matches!(fault.blow, Blow::Forbid);
        let setup = if fault_is_file { self.setup.clone().without_powers() } else { self.setup.clone() };
        if fault_is_file {
            self.let_nobody_in();
        }
        let host = setup.start();
        let channel = host.channel("Show");
        let victim = self.victim(&host, &channel);
        let struck_ms;
        let viewer;
        if fault.blow.is_cold() {
            struck_ms = now_ms();
            self.strike(fault, victim, None);
            viewer = Viewer::tune(&host.at(&channel.ts()));
        } else {
            viewer = Viewer::tune(&host.at(&channel.ts()));
            viewer.wait_for_seconds(5.0);
            host.wait_for_feed(&channel, "the programme", |feed| feed.state == "on_air" && feed.on_air().is_some());
            struck_ms = now_ms();
            self.strike(fault, victim, Some((&host, &channel)));
        }
        let episode = self.watch(&host, &channel, fault, struck_ms, &viewer);
        assert_eq!(viewer.ended(), None, "{}: the viewer lost the stream", fault.name);
        episode
    }

    /// Waits for a programme that has time enough left, and returns its clip.
    fn victim(&self, host: &Host, channel: &Channel) -> Recipe {
        let row = mixed::struck_row(host, channel, PATIENCE);
        let clip = Cast::of(host, &CLIPS).clip(&row);
        clip.unwrap_or_else(|| panic!("{row:?} is none of the clips"))
    }

    fn let_nobody_in(&self) {
        use std::os::unix::fs::PermissionsExt;
        for clip in CLIPS {
            let file = self.file(clip);
            // A hard link is every test's clip.
            std::fs::remove_file(&file).and_then(|()| std::fs::copy(clip.make(), &file)).expect("copy a clip");
        }
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(self.stage.path(), open).expect("open the folder");
    }

    fn file(&self, clip: Recipe) -> std::path::PathBuf {
        self.stage.media().join("Show").join(clip.file_name)
    }

    fn strike(&self, fault: &Fault, victim: Recipe, on_air: Option<(&Host, &Channel)>) {
        let stem = victim.file_name.trim_end_matches(".mkv");
        let feed = on_air.and_then(|(host, channel)| host.feed(channel));
        match fault.blow {
            Blow::Nothing => {}
            Blow::Says(words) => self.saboteur.say(stem, words),
            Blow::Does(script) => self.saboteur.act(stem, script),
            Blow::Delete => std::fs::remove_file(self.file(victim)).expect("delete a clip"),
            Blow::BecomeFolder => {
                let file = self.file(victim);
                std::fs::remove_file(&file).and_then(|()| std::fs::create_dir(&file)).expect("replace a clip");
            }
            Blow::Forbid => {
                use std::os::unix::fs::PermissionsExt;
                let none = std::fs::Permissions::from_mode(0o000);
                std::fs::set_permissions(self.file(victim), none).expect("forbid a clip");
            }
            Blow::Ffmpeg(signal) => {
                let pid = feed.and_then(|feed| feed.on_air()).expect("an FFmpeg on air");
                send(pid, signal);
            }
            Blow::Worker(signal) => send(feed.and_then(|feed| feed.worker_pid).expect("a worker"), signal),
            Blow::Restart => {
                let (host, channel) = on_air.expect("the channel is on air");
                host.restart(channel);
            }
        }
    }

    fn watch(&self, host: &Host, channel: &Channel, fault: &Fault, struck_ms: i64, viewer: &Viewer) -> Episode {
        if fault.is_control() {
            viewer.wait_for_more(CONTROL_S);
        } else {
            // What it comes to within its time is what is judged.
            let _ = try_for(PATIENCE, || is_settled(host, channel, struck_ms).then_some(()));
        }
        let resolutions = resolutions(host, channel);
        let feed = feed(host, channel);
        let incidents = host.incidents(channel);
        let causes = incidents.iter().filter(|incident| incident.began_ms >= struck_ms - 1_000);
        Episode::of(fault, struck_ms, &resolutions, &feed, causes.map(|incident| incident.cause.clone()).collect())
    }
}

/// Returns whether the host has healed the fault, called a person, or its supervision has mended it.
fn is_settled(host: &Host, channel: &Channel, struck_ms: i64) -> bool {
    let done = resolutions(host, channel);
    if done.iter().any(|of| matches!(of["outcome"].as_str(), Some("healed" | "called"))) {
        return true;
    }
    let view: Value = host.get("/api/v1/healing");
    if view["cases"].as_array().is_some_and(|cases| !cases.is_empty()) {
        return false;
    }
    // Nothing was done from outside: the programme is back, and every incident is over.
    let over = host.incidents(channel).iter().any(|of| of.began_ms >= struck_ms - 1_000 && of.ended_ms.is_some());
    done.is_empty() && over && feed(host, channel)["state"] == "on_air"
}

/// Returns what was done on a channel, the oldest first.
pub fn resolutions(host: &Host, channel: &Channel) -> Vec<Value> {
    let page: Value = host.get(&format!("/api/v1/resolutions?channel={}&limit=100", channel.id));
    let mut items = page["items"].as_array().cloned().unwrap_or_default();
    items.reverse();
    items
}

/// Returns a channel's feed as the host writes it.
pub fn feed(host: &Host, channel: &Channel) -> Value {
    let page: Value = host.get("/api/v1/feeds");
    let feeds = page["items"].as_array().cloned().unwrap_or_default();
    feeds.into_iter().find(|feed| feed["channel"] == channel.id.as_str()).unwrap_or_default()
}

/// Waits for something that the healer did on a channel.
///
/// # Panics
/// When it does not do it.
pub fn wait_for_resolution(host: &Host, channel: &Channel, outcome: &str) -> Value {
    wait_for(&format!("something {outcome}"), patience::LONG.max(PATIENCE), || {
        resolutions(host, channel).into_iter().find(|of| of["outcome"] == outcome)
    })
}
