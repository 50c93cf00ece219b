//! Lets time take effect on sessions, and writes totals down.
//!
//! Invariant: a crash loses the totals of one clean-up interval at most, a stop loses none.

use std::collections::BTreeSet;

use exstreamtv_core::session::{SessionError, Totals};
use exstreamtv_model::ChannelId;
use exstreamtv_store::{ChannelTotal, Store};
use tokio::time::{Duration, Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::Sessions;

/// How often time takes effect; nothing that is asked for in between is late.
const TICK: Duration = Duration::from_secs(1);
/// How long the last sessions may take to end when the host stops.
const LAST: Duration = Duration::from_secs(3);

/// Keeps the sessions until the host stops.
pub(super) async fn keep(sessions: Sessions, store: Store, stopping: CancellationToken) {
    let mut cleaned = Instant::now();
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            () = sleep(TICK) => {}
        }
        sessions.tick();
        let interval = sessions.shared.settings.borrow().cleanup_interval;
        if cleaned.elapsed() >= interval {
            cleaned = Instant::now();
            sessions.clean();
            save(&sessions, &store).await;
        }
    }
    // Now, in case there is no later, and once more when the last viewer is gone.
    save(&sessions, &store).await;
    let deadline = Instant::now() + LAST;
    while sessions.is_watched() && Instant::now() < deadline {
        sleep(TICK / 10).await;
    }
    save(&sessions, &store).await;
}

async fn save(sessions: &Sessions, store: &Store) {
    let more = sessions.settled(|book, _, _| book.register.unsaved());
    if more.is_empty() {
        return;
    }
    let row = |(channel, totals): &(ChannelId, Totals)| ChannelTotal {
        channel: *channel,
        sessions: totals.sessions,
        bytes: totals.bytes,
    };
    match store.session_totals().add(&more.iter().map(row).collect::<Vec<_>>()).await {
        Ok(()) => sessions.at_once(|book, _| book.register.saved(&more)),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the totals of sessions cannot be saved yet");
        }
    }
}

impl Sessions {
    pub(super) fn tick(&self) {
        self.settled(|book, shared, now| {
            let watched: BTreeSet<_> = book.register.alive().map(|session| session.about().channel_id).collect();
            book.failures.retain(|channel, _| watched.contains(channel));
            for (channel, edge) in watched.into_iter().filter_map(|channel| Some((channel, shared.edge(channel)?))) {
                // What failed before somebody watched is nobody's; a feed that begins anew counts from nothing.
                let told = book.failures.insert(channel, edge.failures).unwrap_or(edge.failures);
                if edge.failures > told {
                    let text = format!("{} more runs of the channel failed", edge.failures - told);
                    book.register.channel_failed(channel, &SessionError { at: now, text });
                }
            }
            book.handles.values_mut().for_each(|handle| handle.cut_if_due(now));
        });
    }

    /// Sessions that are over leave the list.
    pub(super) fn clean(&self) {
        self.settled(|book, _, _| {
            for id in book.register.clean() {
                book.handles.remove(&id).into_iter().for_each(|mut handle| handle.cut());
            }
        });
    }

    fn is_watched(&self) -> bool {
        self.settled(|book, _, _| book.register.alive().next().is_some())
    }
}
