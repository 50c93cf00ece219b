//! How the database is used: counts and times, taken as it happens.
//!
//! Does: count what happens to connections, how long they are waited for and how long each family of statements takes.
//! Does not: judge; who reads the reports does.
//! Invariant: counting costs a handful of atomic operations and never waits.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tokio::sync::Notify;

mod histogram;

use histogram::Histogram;
pub use histogram::HistogramReport;

/// The name by which the rest of the house knows an exhausted pool.
pub const DB_POOL_EXHAUSTED: &str = "DB_POOL_EXHAUSTED";

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Questions.
    Reader,
    /// Changes, one at a time.
    Writer,
}

/// Somebody has waited for a connection for too long and still waits: [`DB_POOL_EXHAUSTED`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exhaustion {
    /// For which.
    pub role: Role,
    /// How long so far.
    pub waited_ms: u64,
    /// Places of the pool.
    pub size: u32,
    /// How many of them are in use.
    pub in_use: u32,
    /// How many wait.
    pub waiting: u32,
}

/// How a pool is and what has happened in it since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolReport {
    /// Connections that there may be.
    pub size: u32,
    /// Connections that somebody works with.
    pub in_use: u32,
    /// Connections that wait for work.
    pub idle: u32,
    /// Who waits for a connection.
    pub waiting: u32,
    /// Connections that were opened.
    pub created: u64,
    /// Connections that were lent.
    pub checked_out: u64,
    /// Connections that came back.
    pub checked_in: u64,
    /// Connections that were closed because the file behind them was replaced.
    pub invalidated: u64,
    /// Connections that were closed because nobody needed them any more.
    pub recycled: u64,
    /// Who gave up waiting.
    pub timeouts: u64,
    /// Who waited longer than the threshold.
    pub exhausted: u64,
    /// How long connections were waited for.
    pub wait: HistogramReport,
}

impl PoolReport {
    /// Returns how much of the pool is in use, from 0 to 1; above 1 while a shrink waits for connections to come back.
    pub fn saturation(&self) -> f64 {
        f64::from(self.in_use) / f64::from(self.size.max(1))
    }
}

/// How long one family's statements took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FamilyReport {
    /// The repository: "channel", "playout", …
    pub family: &'static str,
    /// Questions, from the connection in hand to the answer.
    pub reads: HistogramReport,
    /// Changes, from the begin of the transaction to its end.
    pub writes: HistogramReport,
}

/// Counts for one pool.
#[derive(Debug, Default)]
pub(crate) struct PoolMeter {
    created: AtomicU64,
    checked_out: AtomicU64,
    checked_in: AtomicU64,
    invalidated: AtomicU64,
    recycled: AtomicU64,
    timeouts: AtomicU64,
    exhausted: AtomicU64,
    waiting: AtomicU32,
    wait: Histogram,
    returned: Notify,
}

/// Somebody waits as long as this lives.
pub(crate) struct Waiting<'a>(&'a PoolMeter);

impl PoolMeter {
    pub(crate) fn created(&self) {
        self.created.fetch_add(1, Relaxed);
    }

    pub(crate) fn checked_out(&self) {
        self.checked_out.fetch_add(1, Relaxed);
    }

    pub(crate) fn checked_in(&self) {
        self.checked_in.fetch_add(1, Relaxed);
    }

    pub(crate) fn invalidated(&self) {
        self.invalidated.fetch_add(1, Relaxed);
    }

    pub(crate) fn recycled(&self) {
        self.recycled.fetch_add(1, Relaxed);
    }

    pub(crate) fn timed_out(&self) {
        self.timeouts.fetch_add(1, Relaxed);
    }

    pub(crate) fn exhausted(&self) {
        self.exhausted.fetch_add(1, Relaxed);
    }

    pub(crate) fn waited(&self, waited: Duration) {
        self.wait.record(waited);
    }

    pub(crate) fn waiting(&self) -> u32 {
        self.waiting.load(Relaxed)
    }

    pub(crate) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Relaxed);
        Waiting(self)
    }

    pub(crate) fn tell_returned(&self) {
        self.returned.notify_one();
    }

    /// Waits until a connection came back.
    pub(crate) async fn returned(&self) {
        self.returned.notified().await;
    }

    pub(crate) fn report(&self, size: u32, in_use: u32, idle: u32) -> PoolReport {
        PoolReport {
            size,
            in_use,
            idle,
            waiting: self.waiting(),
            created: self.created.load(Relaxed),
            checked_out: self.checked_out.load(Relaxed),
            checked_in: self.checked_in.load(Relaxed),
            invalidated: self.invalidated.load(Relaxed),
            recycled: self.recycled.load(Relaxed),
            timeouts: self.timeouts.load(Relaxed),
            exhausted: self.exhausted.load(Relaxed),
            wait: self.wait.report(),
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}

/// Times of one family.
#[derive(Debug, Default)]
pub(crate) struct FamilyMeter {
    reads: Histogram,
    writes: Histogram,
}

impl FamilyMeter {
    pub(crate) fn took(&self, time: Duration, wrote: bool) {
        if wrote { self.writes.record(time) } else { self.reads.record(time) }
    }

    pub(crate) fn report(&self, family: &'static str) -> FamilyReport {
        FamilyReport { family, reads: self.reads.report(), writes: self.writes.report() }
    }
}
