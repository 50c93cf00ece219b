//! Keeps the library true to the disk.
//!
//! Does: scan folders at start, on request, periodically and when something changes in them; tell how far it is.
//! Does not: probe (that is a [`Prober`]), decide what is on air, or delete anything from disk or database.
//! Invariant: one scan at a time, so no two scans of one root ever meet; a request during a scan leads to one more scan.

mod findings;
mod keeper;
mod known;
mod prober;
mod queue;
mod scan;
mod status;
#[cfg(test)]
mod tests;
mod watch;

use std::{path::PathBuf, sync::Arc, time::Duration};

use exstreamtv_store::Store;
use tokio::sync::{mpsc, watch as latest};

pub use self::{
    prober::{ProbeFailure, Prober},
    status::{Notes, ScanStatus},
};
use crate::{clock::Clock, lifecycle::Lifecycle};

/// How the library is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Absolute folders with media.
    pub roots: Vec<PathBuf>,
    /// Pause between full rescans; `None` never rescans by itself.
    pub rescan_interval: Option<Duration>,
    /// Whether changes are noticed as they happen.
    pub watch: bool,
    /// Files probed at once; at least 1.
    pub probe_concurrency: usize,
}

/// The library's scans. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Library {
    orders: mpsc::Sender<Order>,
    roots: latest::Sender<Vec<PathBuf>>,
    status: latest::Receiver<ScanStatus>,
    changes: latest::Receiver<u64>,
}

/// What people may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Order {
    /// Scans one root, or all.
    Scan(Option<PathBuf>),
    /// Scans a root and believes it, however much has vanished.
    AcceptRemovals(PathBuf),
}

impl Library {
    /// Starts keeping the library; the first scan of every root begins at once.
    pub fn start(
        store: Store,
        prober: Arc<dyn Prober>,
        clock: Arc<dyn Clock>,
        life: Lifecycle,
        settings: Settings,
    ) -> Self {
        let (orders, inbox) = mpsc::channel(64);
        let (roots, wanted_roots) = latest::channel(settings.roots.clone());
        let (status_sender, status) = latest::channel(ScanStatus::default());
        let (changes_sender, changes) = latest::channel(0);
        let outlet = keeper::Outlet { status: status_sender, changes: changes_sender };
        let desk = scan::Desk {
            store,
            prober,
            clock,
            life: life.clone(),
            probe_concurrency: settings.probe_concurrency.max(1),
        };
        life.spawn(keeper::Keeper::new(desk, outlet, &settings).run(inbox, wanted_roots));
        Self { orders, roots, status, changes }
    }

    /// Returns where the scan is, and the means to wait for news.
    pub fn status(&self) -> latest::Receiver<ScanStatus> {
        self.status.clone()
    }

    /// Returns a number that grows after a scan that changed the library.
    pub fn changes(&self) -> latest::Receiver<u64> {
        self.changes.clone()
    }

    /// Asks for a scan of one root, or of all; sidecars are read anew. Requests that nobody has begun to serve are served together.
    pub fn request_scan(&self, root: Option<PathBuf>) {
        self.order(Order::Scan(root));
    }

    /// Asks for a scan of a root in which whatever is not there is marked as missing, however much it is.
    pub fn accept_removals(&self, root: PathBuf) {
        self.order(Order::AcceptRemovals(root));
    }

    /// Replaces the roots; new ones are scanned at once, files of dropped ones stay as they are.
    pub fn set_roots(&self, roots: Vec<PathBuf>) {
        self.roots.send_if_modified(|current| {
            let changed = *current != roots;
            *current = roots;
            changed
        });
    }

    fn order(&self, order: Order) {
        // The keeper empties its inbox even while it scans; a full one means 64 requests within a moment, or the end of the host.
        if let Err(error) = self.orders.try_send(order) {
            tracing::warn!(error = &error as &dyn std::error::Error, "a request for a scan is dropped");
        }
    }
}
