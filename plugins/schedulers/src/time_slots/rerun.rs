//! Slots that show the same items.
//!
//! Does: keep what a round of a rerun group shows, and how far each of its slots has come.
//! Does not: choose items; the group's order does, whenever a slot comes further than all before it.
//! Invariant: the list loses an item only when every slot of the group has shown it.

use std::collections::BTreeMap;

use exstreamtv_model::MediaId;
use serde::{Deserialize, Serialize};

/// A rerun group's present round.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Round {
    /// What the round has shown so far, in order.
    list: Vec<MediaId>,
    /// How many of the list each slot has shown.
    shown: BTreeMap<String, usize>,
    /// The airing that shows the list now, and how far it has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    showing: Option<Showing>,
}

/// One airing of one slot of the group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Showing {
    slot: String,
    start_ms: i64,
    next: usize,
}

impl Round {
    /// Goes on with the airing of `slot` that began at `start_ms`; a new airing begins the list again, or the next round if all `members` have
    /// shown it.
    pub(super) fn enter<'m>(&mut self, slot: &str, start_ms: i64, members: impl Iterator<Item = &'m str>) {
        if self.showing.as_ref().is_some_and(|showing| showing.slot == slot && showing.start_ms == start_ms) {
            return;
        }
        let shown_by_all = members.map(|member| self.shown.get(member).copied().unwrap_or(0)).min().unwrap_or(0);
        if shown_by_all > 0 {
            self.list.drain(..shown_by_all.min(self.list.len()));
            self.shown.clear();
        }
        self.showing = Some(Showing { slot: slot.to_owned(), start_ms, next: 0 });
    }

    /// Returns what the airing shows next; empty where it has come further than all before it.
    pub(super) fn upcoming(&self) -> &[MediaId] {
        self.showing.as_ref().and_then(|showing| self.list.get(showing.next..)).unwrap_or_default()
    }

    /// Notes that the airing shows `id`, and says whether that was on the list; if not it is put there.
    pub(super) fn show(&mut self, id: MediaId) -> bool {
        let Some(showing) = &mut self.showing else { return false };
        let listed = self.list.iter().skip(showing.next).position(|item| *item == id);
        match listed {
            Some(ahead) => showing.next += ahead + 1,
            None if self.list.len() < MAX_LIST => {
                self.list.push(id);
                showing.next = self.list.len();
            }
            None => {}
        }
        let shown = self.shown.entry(showing.slot.clone()).or_default();
        *shown = showing.next.max(*shown);
        listed.is_some()
    }

    /// Returns how many items are kept.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }
}

/// Most items of a round; what a slot shows beyond them is not shown again by the others.
const MAX_LIST: usize = 200;
