//! A pool whose size changes while it is used.
//!
//! Does: keep places and idle connections; lend, take back, grow at once, shrink as connections come back, empty itself for a swap.
//! Does not: cut anything short: a connection that is lent is never closed under its borrower.
//! Invariant: there are never more connections than places, except lent ones that a shrink has already written off.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, broadcast},
    time::{Instant, timeout, timeout_at},
};

use super::PoolSettings;
use crate::{
    EngineError, StoreError,
    telemetry::{Exhaustion, PoolMeter, PoolReport, Role},
};

#[derive(Debug)]
pub(super) struct Pool {
    role: Role,
    options: SqliteConnectOptions,
    /// One permit for every place that nobody has.
    places: Arc<Semaphore>,
    state: Mutex<State>,
    meter: PoolMeter,
    alarm: broadcast::Sender<Exhaustion>,
}

#[derive(Debug)]
struct State {
    settings: PoolSettings,
    /// Newest last: the ones at the front grow cold and can be closed.
    idle: Vec<Idle>,
    size: u32,
    lent: u32,
    /// Places that a shrink wants back from whoever has them.
    owed: u32,
    /// What somebody asked for while the pool was drained.
    wanted: Option<u32>,
    drained: bool,
    last_alarm: Option<Instant>,
}

#[derive(Debug)]
struct Idle {
    connection: SqliteConnection,
    since: Instant,
}

/// A connection and its place; both go back when it is dropped.
#[derive(Debug)]
pub(super) struct Lent {
    connection: Option<SqliteConnection>,
    place: Option<OwnedSemaphorePermit>,
    pool: Arc<Pool>,
}

/// All places of a pool: nobody else gets a connection.
pub(super) struct Drained {
    pool: Arc<Pool>,
    places: Option<OwnedSemaphorePermit>,
}

impl Pool {
    pub(super) fn new(
        role: Role,
        options: SqliteConnectOptions,
        size: u32,
        settings: PoolSettings,
        alarm: broadcast::Sender<Exhaustion>,
    ) -> Arc<Self> {
        let state = State {
            settings,
            idle: Vec::new(),
            size,
            lent: 0,
            owed: 0,
            wanted: None,
            drained: false,
            last_alarm: None,
        };
        let (places, state) = (Arc::new(Semaphore::new(size as usize)), Mutex::new(state));
        Arc::new(Self { role, options, places, state, meter: PoolMeter::default(), alarm })
    }

    /// Opens a connection before anybody asks, to learn whether one can be opened.
    pub(super) async fn open_one(&self) -> Result<(), EngineError> {
        let connection = self.options.connect().await?;
        self.meter.created();
        self.state().idle.push(Idle { connection, since: Instant::now() });
        Ok(())
    }

    /// Lends a connection, once there is a place.
    pub(super) async fn checkout(self: &Arc<Self>) -> Result<Lent, StoreError> {
        let place = self.place().await?;
        // From here on, whatever happens, the place goes back through `Lent`.
        self.state().lent += 1;
        let mut lent = Lent { connection: None, place: Some(place), pool: Arc::clone(self) };
        let idle = self.state().idle.pop();
        lent.connection = Some(match idle {
            Some(idle) => idle.connection,
            None => {
                let opened = self.options.connect().await;
                let opened = opened.map_err(|error| StoreError::query("open a database connection", error))?;
                self.meter.created();
                opened
            }
        });
        self.meter.checked_out();
        Ok(lent)
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let settings = self.state().settings;
        let began = Instant::now();
        let _waiting = self.meter.wait();
        let mut wait = std::pin::pin!(Arc::clone(&self.places).acquire_owned());
        let threshold = settings.exhausted_after.min(settings.acquire_timeout);
        let mut place = timeout(threshold, &mut wait).await.ok();
        if place.is_none() {
            self.raise_alarm(began.elapsed());
            place = timeout_at(began + settings.acquire_timeout, wait).await.ok();
        }
        let waited = began.elapsed();
        self.meter.waited(waited);
        match place {
            Some(Ok(place)) => Ok(place),
            Some(Err(_)) => Err(StoreError::Closed),
            None => {
                self.meter.timed_out();
                let (role, size) = (self.role, self.state().size);
                Err(StoreError::Exhausted { role, waited_ms: millis(waited), size })
            }
        }
    }

    /// Tells of an exhaustion, at most once per threshold: a hundred who wait are one piece of news.
    fn raise_alarm(&self, waited: Duration) {
        self.meter.exhausted();
        let mut state = self.state();
        let now = Instant::now();
        if state.last_alarm.is_some_and(|last| now < last + state.settings.exhausted_after) {
            return;
        }
        state.last_alarm = Some(now);
        let waiting = self.meter.waiting();
        let news =
            Exhaustion { role: self.role, waited_ms: millis(waited), size: state.size, in_use: state.lent, waiting };
        drop(state);
        // Nobody has to listen.
        let _ = self.alarm.send(news);
    }

    /// Changes the number of places.
    pub(super) fn resize(&self, size: u32) {
        let mut state = self.state();
        if state.drained {
            state.wanted = Some(size);
            return;
        }
        let before = std::mem::replace(&mut state.size, size);
        if size >= before {
            let forgiven = state.owed.min(size - before);
            state.owed -= forgiven;
            self.places.add_permits((size - before - forgiven) as usize);
            return;
        }
        let free = self.places.forget_permits((before - size) as usize);
        state.owed += before - size - u32::try_from(free).unwrap_or(u32::MAX);
        let kept = size.saturating_sub(state.lent) as usize;
        let surplus = state.idle.len().saturating_sub(kept);
        self.recycle(state.idle.drain(..surplus).collect());
    }

    /// Takes other settings for whoever waits from now on.
    pub(super) fn set(&self, settings: PoolSettings) {
        self.state().settings = settings;
    }

    /// Closes what was idle for too long.
    pub(super) fn tidy(&self) {
        let mut state = self.state();
        let (now, patience) = (Instant::now(), state.settings.idle_timeout);
        let cold = state.idle.iter().take_while(|idle| now >= idle.since + patience).count();
        self.recycle(state.idle.drain(..cold).collect());
    }

    /// Dropped connections close on their own threads.
    fn recycle(&self, surplus: Vec<Idle>) {
        surplus.iter().for_each(|_| self.meter.recycled());
    }

    /// Takes every place and closes every connection.
    pub(super) async fn drain(self: &Arc<Self>) -> Result<Drained, StoreError> {
        let (size, patience) = {
            let mut state = self.state();
            if std::mem::replace(&mut state.drained, true) {
                return Err(StoreError::Busy { act: "have the database alone" });
            }
            (state.size, state.settings.acquire_timeout)
        };
        let mut drained = Drained { pool: Arc::clone(self), places: None };
        let places = timeout(patience, Arc::clone(&self.places).acquire_many_owned(size)).await;
        let places =
            places.map_err(|_| StoreError::Exhausted { role: self.role, waited_ms: millis(patience), size })?;
        drained.places = Some(places.map_err(|_| StoreError::Closed)?);
        let idle = std::mem::take(&mut self.state().idle);
        for idle in idle {
            self.meter.invalidated();
            let closed = idle.connection.close().await;
            closed.map_err(|error| StoreError::query("close the database", error))?;
        }
        Ok(drained)
    }

    pub(super) async fn close(&self) {
        self.places.close();
        loop {
            let idle = std::mem::take(&mut self.state().idle);
            for idle in idle {
                // What cannot be closed politely is closed by its thread's end.
                let _ = idle.connection.close().await;
            }
            if self.state().lent == 0 && self.state().idle.is_empty() {
                return;
            }
            self.meter.returned().await;
        }
    }

    pub(super) fn report(&self) -> PoolReport {
        let state = self.state();
        let (size, in_use, idle) = (state.size, state.lent, u32::try_from(state.idle.len()).unwrap_or(u32::MAX));
        drop(state);
        self.meter.report(size, in_use, idle)
    }

    fn take_back(&self, connection: Option<SqliteConnection>, place: Option<OwnedSemaphorePermit>) {
        let mut state = self.state();
        state.lent -= 1;
        if let Some(connection) = connection {
            self.meter.checked_in();
            if state.owed == 0 && !self.places.is_closed() {
                state.idle.push(Idle { connection, since: Instant::now() });
            } else {
                self.meter.recycled();
            }
        }
        if state.owed > 0
            && let Some(place) = place
        {
            state.owed -= 1;
            place.forget();
        }
        drop(state);
        self.meter.tell_returned();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lent {
    /// Takes a new connection in place of this one, which is of no use any more.
    pub(super) async fn replace(&mut self) -> Result<(), StoreError> {
        let opened = self.pool.options.connect().await;
        let opened = opened.map_err(|error| StoreError::query("open a database connection", error))?;
        self.connection = Some(opened);
        self.pool.meter.invalidated();
        self.pool.meter.created();
        Ok(())
    }

    pub(super) fn connection(&self) -> &SqliteConnection {
        self.connection.as_ref().expect("it is taken in drop alone")
    }

    pub(super) fn connection_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("it is taken in drop alone")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // The connection first: whoever gets the place finds it idle.
        self.pool.take_back(self.connection.take(), self.place.take());
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        self.places.take();
        let wanted = {
            let mut state = self.pool.state();
            state.drained = false;
            state.wanted.take()
        };
        if let Some(size) = wanted {
            self.pool.resize(size);
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
