//! Places on air: who has one, who waits for one, whose turn it is to begin.
//!
//! Does: look at the machine, ask the table, wake those who wait when something changes.
//! Does not: decide (that is `exstreamtv_core::admission`), or start and stop anything.
//! Invariant: a place is free as soon as its [`Place`] is dropped, and a turn as soon as the channel has caught up.

use std::{
    num::NonZero,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use exstreamtv_core::admission::{Applicant, Capacity, Resources, Shortage, Table, Ticket};
use exstreamtv_model::{ChannelId, OutputProfile, health::Vitals};
use nix::sys::resource::{Resource, getrlimit};
use sysinfo::System;
use tokio::{sync::watch, time::Instant};

use crate::config::supervision::WhenFull;

pub mod view;

use view::CapacityView;

/// How often those who wait look at the machine again: memory may have become free without anybody saying so.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Files that the host needs for itself.
const OWN_FILES: u64 = 256;

/// Memory that is left to everybody else.
const OTHERS_MEMORY_BYTES: u64 = 128 << 20;

/// Settings that may change while the host runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The most channels on air; `None` lets the machine decide.
    pub channels: Option<u32>,
    /// What happens when there is no room.
    pub when_full: WhenFull,
}

/// Says what the machine has at this moment; memory without what channels on air use already.
type Machine = Box<dyn Fn() -> Resources + Send + Sync>;

/// The places on air. Cheap to clone.
#[derive(Clone)]
pub struct Admission {
    inner: Arc<Inner>,
}

struct Inner {
    table: Mutex<Table>,
    /// Grows whenever somebody leaves or the settings change.
    changes: watch::Sender<u64>,
    settings: watch::Receiver<Settings>,
    machine: Machine,
    /// How many channels may encode as fast as they can at a time.
    beginners: usize,
    started: Instant,
}

impl Admission {
    /// Gives places on this machine.
    pub fn new(settings: watch::Receiver<Settings>) -> Self {
        Self::on(Box::new(this_machine), settings)
    }

    fn on(machine: Machine, settings: watch::Receiver<Settings>) -> Self {
        let (table, changes, started) = (Mutex::default(), watch::channel(0).0, Instant::now());
        let beginners = beginners(&machine());
        Self { inner: Arc::new(Inner { table, changes, settings, machine, beginners, started }) }
    }

    /// Asks for a place. Where there is none the place waits for one, or there is no place, as the settings say.
    ///
    /// # Errors
    /// Says why, where the settings want viewers to be sent away.
    pub fn ask(&self, channel: ChannelId, profile: &OutputProfile) -> Result<Place, Shortage> {
        let applicant = Applicant { channel, profile: profile.clone(), card: None };
        let when_full = self.inner.settings.borrow().when_full;
        let mut table = self.inner.table();
        let ticket = table.ticket();
        let entered = self.inner.enter(&mut table, ticket, &applicant);
        if let Err(shortage) = entered {
            tracing::warn!(channel.id = %channel, why = shortage.plain(), ?when_full, "no room for one more channel");
            table.refuse();
            match when_full {
                WhenFull::Refuse => return Err(shortage),
                WhenFull::Slate => table.wait(ticket, channel),
            }
        }
        let phase = if entered.is_ok() { self.inner.begin(&mut table, ticket) } else { Phase::Outside };
        Ok(Place { inner: Arc::clone(&self.inner), ticket, applicant, phase })
    }

    /// Returns what there is and who has it.
    pub fn view(&self) -> CapacityView {
        let table = self.inner.table();
        CapacityView::of(&table, &self.inner.capacity(&table))
    }
}

impl Inner {
    fn enter(&self, table: &mut Table, ticket: Ticket, applicant: &Applicant) -> Result<(), Shortage> {
        let capacity = self.capacity(table);
        table.enter(ticket, applicant, &capacity, self.now_ms())
    }

    fn begin(&self, table: &mut Table, ticket: Ticket) -> Phase {
        if table.begin(ticket, self.beginners, self.now_ms()) { Phase::Begins } else { Phase::Queued }
    }

    fn capacity(&self, table: &Table) -> Capacity {
        let mut resources = (self.machine)();
        resources.memory_bytes = resources.memory_bytes.saturating_add(table.memory_bytes());
        // How many sessions a card has nobody knows yet.
        Capacity { resources, channels: self.settings.borrow().channels, ..Capacity::default() }
    }

    /// Something changed for those who wait.
    fn tell(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Locked for moments only.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// There is no room for it.
    Outside,
    /// It has a place, and others begin before it.
    Queued,
    /// It begins: it encodes as fast as it can.
    Begins,
    /// It has caught up with the clock.
    Paced,
}

/// A place on air, or in the queue for one.
pub struct Place {
    inner: Arc<Inner>,
    ticket: Ticket,
    applicant: Applicant,
    phase: Phase,
}

impl Place {
    /// Returns whether it is a place on air.
    pub fn is_admitted(&self) -> bool {
        self.phase != Phase::Outside
    }

    /// Returns whether the channel may begin, or has begun.
    pub fn may_begin(&self) -> bool {
        matches!(self.phase, Phase::Begins | Phase::Paced)
    }

    /// Waits until the channel may begin, and says so once; may be dropped at any await.
    pub async fn turn(&mut self) {
        if self.may_begin() {
            return std::future::pending().await;
        }
        let mut changes = self.inner.changes.subscribe();
        let mut settings = self.inner.settings.clone();
        loop {
            if self.try_begin() {
                return;
            }
            tokio::select! {
                // The sender of changes lives in here; that of settings may be gone.
                _ = changes.changed() => {}
                Ok(()) = settings.changed() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }

    fn try_begin(&mut self) -> bool {
        let before = self.phase;
        let mut table = self.inner.table();
        if self.phase == Phase::Outside && self.inner.enter(&mut table, self.ticket, &self.applicant).is_ok() {
            self.phase = Phase::Queued;
        }
        if self.phase == Phase::Queued {
            self.phase = self.inner.begin(&mut table, self.ticket);
        }
        drop(table);
        if self.phase != before {
            // Whoever is next in the queue may fit, too.
            self.inner.tell();
        }
        self.may_begin()
    }

    /// The channel has caught up with the clock: others may begin.
    pub fn caught_up(&mut self) {
        if self.phase == Phase::Begins {
            self.phase = Phase::Paced;
            self.inner.table().caught_up(self.ticket);
            self.inner.tell();
        }
    }

    /// The channel's worker was measured.
    pub fn measured(&self, vitals: Vitals) {
        self.inner.table().measured(self.ticket, vitals, self.inner.now_ms());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.inner.table().leave(self.ticket);
        self.inner.tell();
    }
}

/// One for each core: encoders use several, but wait for their files, too. Two where there is one, so that one that hangs is alone.
fn beginners(machine: &Resources) -> usize {
    (machine.cores.min(1_024.0) as usize).max(2)
}

/// What the system gives us now; what it does not tell is no limit.
fn this_machine() -> Resources {
    let cores = std::thread::available_parallelism()
        .map_or(u32::MAX, |cores| u32::try_from(NonZero::get(cores)).unwrap_or(u32::MAX));
    let open_files = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft.saturating_sub(OWN_FILES));
    Resources { cores: cores.into(), memory_bytes: free_memory_bytes().saturating_sub(OTHERS_MEMORY_BYTES), open_files }
}

fn free_memory_bytes() -> u64 {
    let Ok(mut system) = System::new() else { return u64::MAX };
    system.refresh_memory();
    let in_group = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    system.available_memory().min(in_group)
}

#[cfg(test)]
mod tests;
