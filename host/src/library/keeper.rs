//! The task that owns the library: it decides what is scanned when.
//!
//! Does: gather requests, changes and the periodic rescan; run one scan after the other; publish how far it is.
//! Does not: scan itself; that is a task of its own, so that requests are heard meanwhile.

use std::{path::PathBuf, time::Duration};

use tokio::{
    sync::{mpsc, watch as latest},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval_at, sleep_until},
};

use super::{
    Order, Settings,
    queue::{Care, Queue, Target},
    scan::{Desk, Ended, Scan},
    status::ScanStatus,
    watch::{Change, Settled, Settling, Watched, watch},
};

/// Where the keeper publishes.
pub(super) struct Outlet {
    pub status: latest::Sender<ScanStatus>,
    pub changes: latest::Sender<u64>,
}

/// The owner of the library.
pub(super) struct Keeper {
    desk: Desk,
    outlet: Outlet,
    rescan_interval: Option<Duration>,
    watches: bool,
    queue: Queue,
    settling: Settling,
    watched: Option<(Watched, mpsc::Receiver<Change>)>,
    scan: Option<(Target, JoinHandle<Ended>)>,
}

enum Event {
    Order(Order),
    Roots(Vec<PathBuf>),
    Change(Change),
    Settled,
    Rescan,
    Ended(Ended),
    Stop,
}

impl Keeper {
    pub fn new(desk: Desk, outlet: Outlet, settings: &Settings) -> Self {
        Self {
            desk,
            outlet,
            rescan_interval: settings.rescan_interval,
            watches: settings.watch,
            queue: Queue::default(),
            settling: Settling::default(),
            watched: None,
            scan: None,
        }
    }

    /// Keeps the library until the host stops.
    pub async fn run(mut self, mut orders: mpsc::Receiver<Order>, mut roots: latest::Receiver<Vec<PathBuf>>) {
        let stopping = self.desk.life.stopping();
        // Without an interval the timer is armed for a time that never comes.
        let period = self.rescan_interval.unwrap_or(Duration::from_secs(u32::MAX.into()));
        let mut rescan = interval_at(Instant::now() + period, period);
        rescan.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let first = roots.borrow_and_update().clone();
        self.apply(Event::Roots(first)).await;
        loop {
            let quiet_at = self.settling.deadline();
            let event = tokio::select! {
                () = stopping.cancelled() => Event::Stop,
                order = orders.recv() => order.map_or(Event::Stop, Event::Order),
                changed = roots.changed() => match changed {
                    Ok(()) => Event::Roots(roots.borrow_and_update().clone()),
                    Err(_) => Event::Stop,
                },
                change = next_change(&mut self.watched) => Event::Change(change),
                () = sleep_until(quiet_at.unwrap_or_else(Instant::now)), if quiet_at.is_some() => Event::Settled,
                _ = rescan.tick() => Event::Rescan,
                ended = end_of(&mut self.scan) => Event::Ended(ended),
            };
            if matches!(event, Event::Stop) {
                return;
            }
            self.apply(event).await;
        }
    }

    async fn apply(&mut self, event: Event) {
        match event {
            Event::Order(Order::Scan(None)) => self.queue.ask_all(Care::THOROUGH),
            Event::Order(Order::Scan(Some(root))) => self.queue.ask(&root, Care::THOROUGH),
            Event::Order(Order::AcceptRemovals(root)) => {
                self.queue.ask(&root, Care { sidecars: false, believe_removals: true });
            }
            Event::Roots(roots) => self.change_roots(&roots).await,
            Event::Change(change) => self.settling.add(change, Instant::now()),
            Event::Settled => self.ask_settled(),
            Event::Rescan => self.queue.ask_all(Care::QUICK),
            Event::Ended(ended) => self.finish(ended),
            Event::Stop => {}
        }
        self.start_next();
    }

    async fn change_roots(&mut self, roots: &[PathBuf]) {
        let fresh = self.queue.set_roots(roots);
        fresh.iter().for_each(|root| self.queue.ask(root, Care::QUICK));
        let roots = self.queue.roots().to_vec();
        self.outlet.status.send_modify(|status| {
            status.notes.retain(|root, _| roots.contains(root));
            status.roots.clone_from(&roots);
        });
        if self.watches {
            self.watch(roots).await;
        }
    }

    async fn watch(&mut self, roots: Vec<PathBuf>) {
        let (watched, changes, failures) = watch(&self.desk.life, roots).await;
        for (root, error) in &failures {
            let error: &dyn std::error::Error = error;
            tracing::warn!(root = %root.display(), error, "the folder cannot be watched; rescans find its changes");
        }
        self.watched = watched.is_active().then_some((watched, changes));
    }

    fn ask_settled(&mut self) {
        match self.settling.take(Instant::now()) {
            Some(Settled::Everything) => self.queue.ask_all(Care::THOROUGH),
            Some(Settled::Folders(folders)) => folders.iter().for_each(|folder| self.queue.ask(folder, Care::THOROUGH)),
            None => {}
        }
    }

    fn start_next(&mut self) {
        if self.scan.is_some() {
            return;
        }
        let Some(target) = self.queue.next() else { return };
        let now = self.desk.clock.now();
        self.outlet.status.send_modify(|status| {
            if !status.scanning {
                status.begin(now);
            }
            status.root = Some(target.root.clone());
        });
        tracing::info!(root = %target.root.display(), folder = %target.folder.display(), "scan begins");
        let scan = Scan::new(self.desk.clone(), target.clone(), self.outlet.status.clone());
        self.scan = Some((target, self.desk.life.spawn(scan.run())));
    }

    fn finish(&mut self, ended: Ended) {
        let Some((target, _)) = self.scan.take() else { return };
        let now = self.desk.clock.now();
        let is_at_rest = self.queue.is_empty();
        self.outlet.status.send_modify(|status| {
            status.completed_scans += 1;
            status.finished = Some(now);
            status.root = None;
            status.scanning = !is_at_rest;
            if target.folder == target.root {
                status.notes.remove(&target.root);
            }
            let known = status.notes.entry(target.root.clone()).or_default();
            ended.notes.texts.into_iter().for_each(|text| known.add(text));
            known.left_out += ended.notes.left_out;
            status.notes.retain(|_, notes| !notes.texts.is_empty());
        });
        tracing::info!(root = %target.root.display(), changed = ended.changed, "scan ended");
        if ended.changed {
            self.outlet.changes.send_modify(|number| *number += 1);
        }
    }
}

async fn next_change(watched: &mut Option<(Watched, mpsc::Receiver<Change>)>) -> Change {
    let change = match watched {
        Some((_, changes)) => changes.recv().await,
        None => std::future::pending().await,
    };
    match change {
        Some(change) => change,
        // The system's side has ended; rescans go on.
        None => {
            *watched = None;
            std::future::pending().await
        }
    }
}

async fn end_of(scan: &mut Option<(Target, JoinHandle<Ended>)>) -> Ended {
    let ended = match scan {
        Some((_, task)) => task.await,
        None => std::future::pending().await,
    };
    ended.unwrap_or_else(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "the scan's task broke off");
        Ended::default()
    })
}
