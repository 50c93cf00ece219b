//! What has to happen after the database was replaced while the server runs.
//!
//! Does: make declared channels what the configuration says, plan anew, let feeds read their timelines again, look at the library.
//! Does not: stop a feed: what is on air goes on, and takes up the restored timeline like any other edit.

use std::sync::Arc;

use exstreamtv_store::Store;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::declared::Declared;
use crate::{feed::Feeds, library::Library, playout::Playouts};

/// Everything that has read from the database before.
pub(super) struct Restored {
    pub(super) store: Store,
    pub(super) playouts: Playouts,
    pub(super) feeds: Arc<Feeds>,
    pub(super) library: Library,
    pub(super) declared: watch::Receiver<Declared>,
}

impl Restored {
    /// Follows restores until the server stops.
    pub(super) async fn follow(self, mut restored: watch::Receiver<u64>, stopping: CancellationToken) {
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                changed = restored.changed() => match changed {
                    Ok(()) => self.begin_anew().await,
                    Err(_) => return,
                },
            }
        }
    }

    async fn begin_anew(&self) {
        let declared = self.declared.borrow().clone();
        if let Err(error) = declared.apply(&self.store, &self.playouts).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the channels of the configuration cannot be made in the restored database"
            );
        }
        self.playouts.library_changed();
        self.feeds.refresh_all();
        self.library.request_scan(None);
    }
}
