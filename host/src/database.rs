//! Looks after the database while the server runs.
//!
//! Does: fit the number of connections to the channels, take the database's pulse, fold its log, look for damage in idle time, and tell
//! when connections run out.
//! Does not: mend anything; it measures, and others decide.
//! Invariant: a look never waits behind another one, and what it found is there to read without asking the database.

use std::{path::Path, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_core::sizing::PoolSizing;
use exstreamtv_store::{
    Checkpointed, DB_POOL_EXHAUSTED, Exhaustion, LastCheck, PoolSettings, Probe, Role, Store, StoreError, UsageReport,
};
use tokio::sync::{broadcast, watch};

use crate::{backups, clock::Clock, lifecycle::Lifecycle};

pub mod view;

/// How old an integrity check may be before a new one is wanted.
const CHECK_EVERY: TimeDelta = TimeDelta::hours(24);
/// How long a new one waits for an idle moment.
const CHECK_PATIENCE: TimeDelta = TimeDelta::hours(24);
/// How long the pulse may take before the database counts as out of order.
const PULSE: Duration = Duration::from_secs(5);

/// How the database is looked after.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How many connections read.
    pub sizing: PoolSizing,
    /// How connections are waited for.
    pub pool: PoolSettings,
    /// The time between two looks.
    pub interval: Duration,
}

/// What the last look found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// When that was.
    pub at: Option<DateTime<Utc>>,
    /// How long the simplest question and change took.
    pub probe: Option<Probe>,
    /// Why there is none.
    pub failure: Option<String>,
    /// The last integrity check.
    pub check: Option<LastCheck>,
    /// What folding the log into the file did.
    pub checkpoint: Option<Checkpointed>,
    /// How often it was folded since the start.
    pub checkpoints: u64,
    /// The size of the database file.
    pub bytes: u64,
    /// The size of its log.
    pub log_bytes: u64,
    /// What may still be written where it lies.
    pub free_bytes: Option<u64>,
}

/// The database of a running server as it is looked after; clones share one.
#[derive(Clone)]
pub struct Database {
    store: Store,
    health: watch::Receiver<Health>,
    settings: watch::Receiver<Settings>,
    growth: Arc<watch::Sender<Growth>>,
}

/// Readers that were added to what the number of channels asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Growth {
    now: u32,
    /// As it was before the last change.
    before: u32,
}

impl Database {
    /// Starts looking after a database.
    pub fn start(store: Store, clock: Arc<dyn Clock>, settings: watch::Receiver<Settings>, life: &Lifecycle) -> Self {
        let (found, health) = watch::channel(Health::default());
        let growth = Arc::new(watch::Sender::new(Growth::default()));
        let keeper =
            Keeper { store: store.clone(), clock, settings: settings.clone(), found, growth: growth.subscribe() };
        keeper.fit();
        life.spawn(keeper.run(life.clone()));
        Self { store, health, settings, growth }
    }

    /// Returns whether there may be more readers than there are.
    pub fn may_grow(&self) -> bool {
        self.usage().readers.size < self.settings.borrow().sizing.most
    }

    /// Adds half as many readers as there are, as far as there may be so many; returns how many there are then.
    ///
    /// # Errors
    /// If there may be no more.
    pub fn grow(&self) -> Result<u32, String> {
        let (size, most) = (self.usage().readers.size, self.settings.borrow().sizing.most);
        let more = size.div_ceil(2).min(most.saturating_sub(size));
        if more == 0 {
            return Err(format!("there are {size} readers, and may not be more"));
        }
        self.growth.send_modify(|growth| *growth = Growth { now: growth.now + more, before: growth.now });
        fit(&self.store, *self.settings.borrow(), self.growth.borrow().now);
        Ok(self.usage().readers.size)
    }

    /// Takes back what was added last; returns how many readers there may be then.
    pub fn shrink(&self) -> u32 {
        self.growth.send_modify(|growth| growth.now = growth.before);
        fit(&self.store, *self.settings.borrow(), self.growth.borrow().now);
        self.usage().readers.size
    }

    /// Returns what the last look found.
    pub fn health(&self) -> Health {
        self.health.borrow().clone()
    }

    /// Changes with each look.
    pub fn watch(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    /// Returns how it is used.
    pub fn usage(&self) -> UsageReport {
        self.store.usage()
    }

    /// Returns how many channels there are.
    pub fn channels(&self) -> u64 {
        *self.store.channel_count().borrow()
    }

    /// Tells when connections run out: the signal [`DB_POOL_EXHAUSTED`].
    pub fn exhaustions(&self) -> broadcast::Receiver<Exhaustion> {
        self.store.exhaustions()
    }
}

struct Keeper {
    store: Store,
    clock: Arc<dyn Clock>,
    settings: watch::Receiver<Settings>,
    found: watch::Sender<Health>,
    growth: watch::Receiver<Growth>,
}

impl Keeper {
    async fn run(self, life: Lifecycle) {
        let (stopping, mut channels) = (life.stopping(), self.store.channel_count());
        let (mut alarms, mut settings) = (self.store.exhaustions(), self.settings.clone());
        let mut last = None;
        loop {
            tokio::select! {
                biased;
                () = stopping.cancelled() => return,
                changed = channels.changed() => if changed.is_ok() { self.fit() },
                alarm = alarms.recv() => if let Ok(alarm) = alarm { warn_of(&alarm) },
                () = next_of(&mut settings) => self.fit(),
                () = self.turn_after(last) => {
                    self.look().await;
                    last = Some(tokio::time::Instant::now());
                }
            }
        }
    }

    /// Waits until the next look is due: at once, or an interval after the last one.
    async fn turn_after(&self, last: Option<tokio::time::Instant>) {
        let interval = self.settings.borrow().interval;
        if let Some(last) = last {
            tokio::time::sleep_until(last + interval).await;
        }
    }

    /// Fits connections to the settings and to the number of channels.
    fn fit(&self) {
        let settings = *self.settings.borrow();
        self.store.set_pool(settings.pool);
        fit(&self.store, settings, self.growth.borrow().now);
    }

    async fn look(&self) {
        let now = self.clock.now();
        self.store.tidy();
        let before = self.found.borrow().clone();
        let mut health = Health { at: Some(now), ..before };
        match self.pulse(now).await {
            Ok(probe) => (health.probe, health.failure) = (Some(probe), None),
            Err(failure) => (health.probe, health.failure) = (None, Some(failure)),
        }
        if health.failure.is_none() {
            self.look_closer(&mut health, now).await;
        }
        self.found.send_replace(sizes(&self.store.path(), health));
    }

    async fn pulse(&self, now: DateTime<Utc>) -> Result<Probe, String> {
        match tokio::time::timeout(PULSE, self.store.checks().probe(now)).await {
            Ok(Ok(probe)) => Ok(probe),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("it does not answer".into()),
        }
    }

    async fn look_closer(&self, health: &mut Health, now: DateTime<Utc>) {
        match self.store.checks().checkpoint().await {
            Ok(done) => (health.checkpoint, health.checkpoints) = (Some(done), health.checkpoints + 1),
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "the log could not be folded"),
        }
        match self.check(now).await {
            Ok(check) => health.check = Some(check),
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "the database could not be checked"),
        }
    }

    /// Returns the last integrity check, or a new one where it is time and nobody works with the database.
    async fn check(&self, now: DateTime<Utc>) -> Result<LastCheck, StoreError> {
        let checks = self.store.checks();
        let last = checks.last().await?;
        let usage = self.store.usage();
        let idle = usage.readers.in_use == 0 && usage.writer.in_use == 0;
        // A first check follows a start, which has looked at the file itself.
        let age = last.at.map_or(CHECK_EVERY, |at| (now - at).abs());
        if age < CHECK_EVERY || !idle && age < CHECK_EVERY + CHECK_PATIENCE {
            return Ok(last);
        }
        let check = checks.quick_check(now).await?;
        if let Some(fault) = &check.fault {
            tracing::error!(fault, "the database is damaged: restore a backup (`exstreamtv backup list`)");
        }
        Ok(check)
    }
}

/// Gives the number of channels its readers, and as many more as were added, as far as there may be so many.
fn fit(store: &Store, settings: Settings, more: u32) {
    let optimal = settings.sizing.optimal(*store.channel_count().borrow());
    store.resize(optimal.max((optimal.saturating_add(more)).min(settings.sizing.most)));
}

/// Waits for other settings; for ever once nobody can change them any more.
async fn next_of(settings: &mut watch::Receiver<Settings>) {
    if settings.changed().await.is_err() {
        std::future::pending().await
    }
}

fn sizes(path: &Path, before: Health) -> Health {
    let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |about| about.len());
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    Health {
        bytes: bytes(path),
        log_bytes: bytes(Path::new(&log)),
        free_bytes: backups::free_bytes(path).ok(),
        ..before
    }
}

fn warn_of(alarm: &Exhaustion) {
    let Exhaustion { role, waited_ms, size, in_use, waiting } = alarm;
    let role = role_name(*role);
    tracing::warn!(signal = DB_POOL_EXHAUSTED, role, waited_ms, size, in_use, waiting, "database connections run out");
}

/// Returns the one word for a role.
pub(crate) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Reader => "reader",
        Role::Writer => "writer",
    }
}

#[cfg(test)]
mod tests;
