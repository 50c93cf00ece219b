//! The doors between the parts: what HTTP asks, answered by feeds, library and timelines.
//!
//! Does: translate between the parts' own words.
//! Does not: decide or keep anything but a counter of changes.
//! Invariant: no part knows another one but through here.

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use exstreamtv_model::ChannelId;
use exstreamtv_store::Store;
use futures::{FutureExt, future::BoxFuture};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config::{Config, ValueError},
    feed::{self, Feeds, broadcaster},
    http::{
        BaseUrl, HttpSettings, HttpState, TrustedProxies,
        state::{
            Broadcaster, FeedState, FeedView, HealthPort, LibraryPort, LibraryStatus, PartHealth, Playlist, PlayoutPort, RunKind,
            RunView, TsStream, TuneError, ViewerInfo,
        },
    },
    library::Library,
    playout::Playouts,
};

/// What the doors lead to.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The feeds.
    pub feeds: Arc<Feeds>,
    /// The library.
    pub library: Library,
    /// The timelines.
    pub playouts: Playouts,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Settings of the HTTP side.
    pub settings: watch::Receiver<HttpSettings>,
}

/// Returns what HTTP works with.
pub fn http_state(parts: Parts) -> HttpState {
    let health = Health { library: parts.library.clone(), feeds: Arc::clone(&parts.feeds), store: parts.store.clone() };
    HttpState {
        store: parts.store,
        broadcaster: Arc::new(FeedsDoor(Arc::clone(&parts.feeds))),
        library: Arc::new(LibraryDoor(parts.library)),
        playout: Arc::new(PlayoutDoor { playouts: parts.playouts, feeds: parts.feeds }),
        clock: parts.clock,
        settings: parts.settings,
        health: Arc::new(health),
    }
}

/// Tells feeds when timelines changed.
pub async fn spread_news(feeds: Arc<Feeds>, playouts: Playouts, stopping: CancellationToken) {
    let mut changes = playouts.changes();
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            changed = changes.changed() => match changed {
                Ok(()) => feeds.refresh_all(),
                Err(_) => return,
            },
        }
    }
}
