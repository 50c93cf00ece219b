//! What others may ask of a feed.
//!
//! Does: carry out orders, and say what could be ordered.
//! Does not: decide whether an order is wise; whoever gives it does.
//! Invariant: no order stops the stream but the one to stop, and no cover stays for ever.

use exstreamtv_core::{Rung, supervision::BreakerState};
use tokio::time::Instant;

use super::{
    super::{Order, view::Ways},
    OnAir,
};

/// How long the slate stays when nobody does anything about the programme.
const COVER_MS: i64 = 30_000;

impl OnAir {
    pub(super) fn obey(&mut self, order: Order) {
        let next = self.splice.next_index();
        match order {
            Order::Refresh => self.outlook.ask(self.time.wall_ms(next)),
            Order::Restart(rung) => self.conductor.order(rung),
            Order::RestartWorker => {
                self.worker_ordered = self.worker.pid().is_some();
                self.conductor.uncover();
                self.worker.kill();
            }
            Order::Reconsider => self.reconsider(next),
            Order::Cover => {
                let until_ms = self.monotonic_ms(Instant::now()) + COVER_MS;
                self.conductor.order_slate(until_ms);
            }
            Order::Uncover => self.conductor.uncover(),
            Order::BackToPlan => {
                let back = self.conductor.order_back(next);
                back.into_iter().for_each(|action| self.perform(action));
            }
            Order::Spare(spares) => {
                let dropped = self.conductor.spare(spares);
                dropped.into_iter().for_each(|action| self.perform(action));
            }
            Order::Prefer(tracks) => self.outlook.prefer(*tracks),
            Order::Dress(changes) => self.screen.change(*changes),
            // Whoever gathers has seen it.
            Order::Stop => {}
        }
    }

    fn reconsider(&mut self, next: i64) {
        self.outlook.ask(self.time.wall_ms(next));
        let due = self.conductor.slot_at(next).map(|slot| slot.entry);
        if let Some(entry) = due {
            self.outlook.forget_versions(entry);
            self.outlook.look_for_versions(entry);
            self.conductor.source_changed(entry);
        }
        self.conductor.order(Rung::SameCommand);
    }

    /// Returns what could be done about what is due.
    pub(super) fn ways(&self) -> Ways {
        let means = self.conductor.means(self.splice.next_index());
        let now_ms = self.monotonic_ms(Instant::now());
        let breaker = self.conductor.supervision().breaker(now_ms);
        Ways {
            playable: means.is_some(),
            card: self.card_used,
            other_version: means.is_some_and(|means| means.versions > 0),
            filler: means.is_some_and(|means| means.filler_frames > 0),
            next_item: means.is_some_and(|means| means.next_frames > 0),
            prepared: self.conductor.has_prepared(),
            breaker_open: matches!(breaker, BreakerState::Open { .. }),
            stand_in: self.conductor.stands_in(),
            restarts_lately: self.conductor.supervision().restarts_lately(now_ms),
        }
    }
}
