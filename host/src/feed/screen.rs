//! What a channel's slate says at this moment.
//!
//! Does: turn "show this cause" into slates: at once one that is ready, then the one with the channel's own message.
//! Does not: decide when a slate is on air, or find the cause.
//! Invariant: it never waits and never makes the channel wait; while nothing fits, the generic slate of the profile does.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use exstreamtv_core::{Announced, Occasion, screen};
use exstreamtv_model::{Cause, Channel, Screen, slate::ScreenChanges};
use exstreamtv_transport::Slate;
use tokio::sync::{oneshot, watch};

use super::slates::{Hush, SlateSettings, Slates};
use crate::lifecycle::Lifecycle;

/// The screen of one channel on air.
pub struct ChannelScreen {
    slates: Slates,
    life: Lifecycle,
    channel: Channel,
    changes: ScreenChanges,
    generic: watch::Receiver<Option<Arc<Slate>>>,
    /// What the channel shows while its slate is on air.
    shown: Option<Shown>,
    /// Slates that are known already, and not given away yet.
    ready: Option<Arc<Slate>>,
    /// The slate with the message.
    coming: Option<oneshot::Receiver<Arc<Slate>>>,
    current: Option<Arc<Slate>>,
    /// A channel that starts has the machine for itself.
    hush: Option<Hush>,
}

/// What is shown, and since when.
#[derive(Debug, Clone, PartialEq)]
struct Shown {
    cause: Cause,
    next: Option<Announced>,
    now: DateTime<Utc>,
}

impl ChannelScreen {
    /// Returns the screen of a channel that shows nothing yet.
    pub fn new(slates: Slates, life: Lifecycle, channel: Channel, changes: ScreenChanges) -> Self {
        let mut generic = slates.of(&channel.profile);
        let current = generic.borrow_and_update().clone();
        Self { slates, life, channel, changes, generic, shown: None, ready: None, coming: None, current, hush: None }
    }

    /// Says why the programme is not on, and what comes next. May be called as often as one likes: nothing happens until something differs.
    pub fn show(&mut self, cause: Cause, next: Option<Announced>, now: DateTime<Utc>) {
        if self.shown.as_ref().is_some_and(|shown| shown.cause == cause && shown.next == next) {
            return;
        }
        self.hush = (cause == Cause::Starting).then(|| self.slates.hush());
        self.shown = Some(Shown { cause, next, now });
        self.prepare();
    }

    /// The programme is on.
    pub fn clear(&mut self) {
        self.hush = None;
        if self.shown.take().is_some() {
            self.coming = None;
            self.ready = self.generic.borrow().clone();
        }
    }

    /// The channel wants something else from now on.
    pub fn change(&mut self, changes: ScreenChanges) {
        self.changes = changes;
        self.prepare();
    }

    /// Returns the slate that was last given to the channel, or the generic one.
    pub fn current(&self) -> Option<Arc<Slate>> {
        self.current.clone()
    }

    /// Returns the next slate for the channel; may be dropped at any await.
    pub async fn changed(&mut self) -> Arc<Slate> {
        let slate = loop {
            if let Some(slate) = self.ready.take() {
                break slate;
            }
            tokio::select! {
                Ok(()) = self.generic.changed() => {
                    let generic = self.generic.borrow_and_update().clone();
                    self.ready = generic;
                    // The configuration may have changed, and the message with it.
                    self.prepare();
                }
                slate = arrival(&mut self.coming) => {
                    self.coming = None;
                    if let Some(slate) = slate {
                        break slate;
                    }
                }
            }
        };
        self.current = Some(Arc::clone(&slate));
        slate
    }

    /// Has what is shown now rendered; until then what is ready.
    fn prepare(&mut self) {
        self.coming = None;
        let Some(shown) = &self.shown else { return };
        let SlateSettings { enabled, style, .. } = self.slates.settings();
        if !enabled {
            return;
        }
        let occasion = Occasion {
            cause: shown.cause,
            channel: Some((&self.channel.number, &self.channel.name)),
            next: shown.next.as_ref(),
            now: shown.now,
            zone: self.channel.zone,
        };
        let screen = screen::compose(&style.with(&self.changes), self.slates.images(), &occasion);
        let starts = shown.cause == Cause::Starting;
        let starting = if starts && self.changes == ScreenChanges::default() {
            self.slates.starting(&self.channel.profile)
        } else {
            None
        };
        let ready = starting.or_else(|| self.generic.borrow().clone());
        // A message that is not true any more goes at once.
        if ready.as_ref().map(Arc::as_ptr) != self.current.as_ref().map(Arc::as_ptr) {
            self.ready = ready;
        }
        self.coming = Some(self.order(screen, starts));
    }

    /// A screen that is only for the moment of a start is not rendered in that moment.
    fn order(&self, screen: Screen, only_kept: bool) -> oneshot::Receiver<Arc<Slate>> {
        let (done, coming) = oneshot::channel();
        let (slates, profile) = (self.slates.clone(), self.channel.profile.clone());
        let stopping = self.life.stopping();
        self.life.spawn(async move {
            let made = async {
                if only_kept {
                    return slates.kept(&screen, &profile).await;
                }
                let made = slates.get(&screen, &profile).await;
                made.inspect_err(|error| {
                    tracing::warn!(error = error as &dyn std::error::Error, "the generic slate stays");
                })
                .ok()
            };
            let mut done = done;
            let made = tokio::select! {
                () = stopping.cancelled() => None,
                // Nobody wants it any more.
                () = done.closed() => None,
                made = made => made,
            };
            if let Some(slate) = made {
                _ = done.send(slate);
            }
        });
        coming
    }
}

async fn arrival(coming: &mut Option<oneshot::Receiver<Arc<Slate>>>) -> Option<Arc<Slate>> {
    match coming {
        Some(coming) => coming.await.ok(),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
