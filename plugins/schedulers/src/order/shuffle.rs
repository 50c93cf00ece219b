//! A new permutation for each pass.
//!
//! Does: draw two numbers per item: one for ever, which puts it into the first or the second half of every pass, and one per pass, by which
//! the halves are sorted.
//! Does not: remember what was on: a pass is computed again from seed, pass and ids, and a number per item stays when others come and go.
//! Invariant: each item once per pass; as halves stay halves, half the pool is on between two airings of an item.

use exstreamtv_model::{MediaId, schedule::PoolItem};
use serde::{Deserialize, Serialize};

use super::{
    Mark, Place, Stream, Upcoming,
    draw::{Numbers, Purpose},
};

/// Where a shuffle stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ShufflePlace {
    pub(super) seed: u64,
    pass: u64,
    /// Items whose number is lower are in the first half: in this pass, and in the one before. Fixed when a pass begins, so that an edit
    /// moves nothing else.
    split: u64,
    split_before: u64,
    /// The last item of this pass.
    last: Option<MediaId>,
}

/// One pass of a shuffle and the place in it.
pub(super) struct Shuffle {
    seed: u64,
    /// Each item once, though it be listed twice: number for ever, id, index into the pool.
    items: Vec<(u64, MediaId, usize)>,
    /// The pass, and the last item drawn of it.
    at: ShufflePlace,
    /// This pass in order.
    order: Vec<(Key, usize)>,
    next: usize,
}

/// What a pass is sorted by: which part of the pass, the pass's number, the id.
type Key = (u8, u64, MediaId);

impl Shuffle {
    pub(super) fn new(pool: &[PoolItem], seed: u64, place: Option<&ShufflePlace>) -> Self {
        let mut halves = Numbers::new(seed, Purpose::Half, 0);
        let number = |(index, item): (usize, &PoolItem)| (halves.of(item.id.0.cast_unsigned()), item.id, index);
        let mut items: Vec<_> = pool.iter().enumerate().map(number).collect();
        items.sort_unstable();
        items.dedup_by_key(|(_, id, _)| *id);
        let split = middle(&items);
        let at = place.copied().unwrap_or(ShufflePlace { seed, pass: 0, split, split_before: split, last: None });
        let mut shuffle = Self { seed, items, at, order: Vec::new(), next: 0 };
        shuffle.begin_pass(at);
        shuffle
    }

    /// Sorts the pass of `at` and goes behind its last item.
    fn begin_pass(&mut self, at: ShufflePlace) {
        self.at = at;
        let mut numbers = Numbers::new(self.seed, Purpose::Pass, at.pass);
        let key = |&(half, id, index): &(u64, MediaId, usize)| (at.key(half, &mut numbers, id), index);
        self.order = self.items.iter().map(key).collect();
        self.order.sort_unstable();
        self.next = at.last.map_or(0, |last| {
            let half = Numbers::new(self.seed, Purpose::Half, 0).of(last.0.cast_unsigned());
            let key = at.key(half, &mut numbers, last);
            self.order.partition_point(|entry| entry.0 <= key)
        });
    }
}

impl Stream for Shuffle {
    fn draw(&mut self) -> Upcoming {
        if self.next >= self.order.len() {
            let ShufflePlace { seed, pass, split, .. } = self.at;
            let pass = pass.wrapping_add(1);
            let next = ShufflePlace { seed, pass, split: middle(&self.items), split_before: split, last: None };
            self.begin_pass(next);
        }
        let ((.., id), item) = self.order[self.next];
        self.next += 1;
        self.at.last = Some(id);
        Upcoming { item, behind: self.mark() }
    }

    fn mark(&self) -> Mark {
        Mark::Shuffle(self.at)
    }

    fn jump(&mut self, from: Option<Mark>, id: MediaId) -> Option<Mark> {
        let split = middle(&self.items);
        let start = ShufflePlace { seed: self.seed, pass: 0, split, split_before: split, last: None };
        self.begin_pass(if let Some(Mark::Shuffle(place)) = from { place } else { start });
        let place = self.order.iter().position(|((.., item), _)| *item == id)?;
        // What was on in this pass already had an airing more; nothing moves.
        if place >= self.next {
            self.next = place + 1;
            self.at.last = Some(id);
        }
        Some(self.mark())
    }

    fn place(&self, mark: Mark) -> Place {
        Place::Shuffle(if let Mark::Shuffle(place) = mark { place } else { self.at })
    }

    fn why(&self, mark: Mark) -> String {
        let pass = if let Mark::Shuffle(place) = mark { place.pass } else { self.at.pass };
        format!("shuffled with seed {}, pass {}", self.seed, pass.wrapping_add(1))
    }
}

impl ShufflePlace {
    fn key(&self, half: u64, numbers: &mut Numbers, id: MediaId) -> Key {
        let part = match half < self.split {
            // An edit has moved the middle: what was in the second half of the pass before comes last in this first half.
            true if half >= self.split_before => 1,
            true => 0,
            false => 2,
        };
        (part, numbers.of(id.0.cast_unsigned()), id)
    }
}

/// Returns the number that parts the sorted items into halves.
fn middle(items: &[(u64, MediaId, usize)]) -> u64 {
    items.get(items.len() / 2).map_or(0, |(number, ..)| *number)
}
