//! What of a slate is on air.
//!
//! Does: say which of its pictures comes next, and when another slate takes over.
//! Does not: place pictures or sound.
//! Invariant: a slate begins with a keyframe, begins anew at every keyframe of the channel's clock, and neighbouring keyframes are of
//! different groups.

use std::sync::Arc;

use bytes::Bytes;

use crate::{FrameGrid, Slate};

/// The slate of a timeline, and how far it is.
#[derive(Debug)]
pub(super) struct Showing {
    grid: FrameGrid,
    slate: Option<Arc<Slate>>,
    /// Follows at the next keyframe.
    next_slate: Option<Arc<Slate>>,
    /// Counts groups for ever, so that neighbours differ across every cut.
    turn: usize,
    /// The next picture of the group, while the slate is on air.
    place: Option<usize>,
}

/// A picture of a slate.
pub(super) struct Shown {
    /// Whose it is.
    pub slate: Arc<Slate>,
    pub keyframe: bool,
    pub data: Bytes,
}

impl Showing {
    pub(super) fn new(grid: FrameGrid, slate: Option<Arc<Slate>>) -> Self {
        Self { grid, slate, next_slate: None, turn: 0, place: None }
    }

    /// Returns whether there is a slate.
    pub(super) fn is_ready(&self) -> bool {
        self.slate.is_some()
    }

    /// Takes another slate.
    pub(super) fn replace(&mut self, slate: Arc<Slate>) {
        match self.place {
            Some(_) => self.next_slate = Some(slate),
            None => {
                self.slate = Some(slate);
                self.next_slate = None;
            }
        }
    }

    /// Something else goes on air.
    pub(super) fn interrupt(&mut self) {
        self.place = None;
        self.take_over();
    }

    /// Returns the picture for frame `index`, if there is a slate.
    pub(super) fn next(&mut self, index: i64) -> Option<Shown> {
        let going_on = self.place.filter(|_| !self.grid.is_key(index));
        let picture = going_on.and_then(|place| Some((place, self.slate.as_ref()?.picture(self.turn, place)?)));
        let (place, data) = match picture {
            Some(found) => found,
            None => (0, self.begin_group()?),
        };
        self.place = Some(place + 1);
        Some(Shown { slate: Arc::clone(self.slate.as_ref()?), keyframe: place == 0, data })
    }

    /// Returns the keyframe of the next group.
    fn begin_group(&mut self) -> Option<Bytes> {
        self.take_over();
        self.turn = self.turn.wrapping_add(1);
        self.slate.as_ref()?.picture(self.turn, 0)
    }

    fn take_over(&mut self) {
        if let Some(slate) = self.next_slate.take() {
            self.slate = Some(slate);
        }
    }
}
