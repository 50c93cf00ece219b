//! A new permutation for each pass.
//!
//! Does: draw two numbers per item and pass: one says in which half of the pass it is on, by the other one the halves are sorted.
//! Does not: remember what was on: a pass is computed again from seed, pass and ids, and an item's numbers stay when others come and go.
//! Invariant: each item once per pass; between two airings of an item at least half of the others are on.
//!
//! Why that holds, in a pool of n items: one that stays in its half has about n/2 airings between. One that goes from the first half to the second
//! has more. One that goes from the second half to the first is on at the very beginning of the one and at the very end of the other, and at most
//! half of the second half goes that way: where the numbers would move more, the new halves change places.

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
    /// The halves of the pass before, of this one and of the next. Fixed a pass ahead, so that an edit of the pool moves nothing else.
    halves: [Half; 3],
    /// The last item of this pass.
    last: Option<MediaId>,
}

/// Which numbers are in the first half of a pass: those below, or those from it on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Half(u64, bool);

/// One pass of a shuffle and the place in it.
pub(super) struct Shuffle {
    seed: u64,
    /// Each item once, though it be listed twice: its id, its index into the pool.
    items: Vec<(MediaId, usize)>,
    /// The pass, and the last item drawn of it.
    at: ShufflePlace,
    /// This pass in order.
    order: Vec<(Key, usize)>,
    next: usize,
}

/// What a pass is sorted by: the part of the pass, the number drawn, the id.
type Key = (u8, u64, MediaId);

impl Shuffle {
    pub(super) fn new(pool: &[PoolItem], seed: u64, place: Option<&ShufflePlace>) -> Self {
        let mut items: Vec<_> = pool.iter().enumerate().map(|(index, item)| (item.id, index)).collect();
        items.sort_unstable();
        items.dedup_by_key(|(id, _)| *id);
        let at = ShufflePlace { seed, pass: 0, halves: [Half::default(); 3], last: None };
        let mut shuffle = Self { seed, items, at, order: Vec::new(), next: 0 };
        let at = place.copied().unwrap_or_else(|| shuffle.start());
        shuffle.begin_pass(at);
        shuffle
    }

    /// Returns the place before the first item of the first pass.
    fn start(&self) -> ShufflePlace {
        let (seed, pass) = (self.seed, 0_u64);
        let before = self.half_behind(Half(u64::MAX, false), pass.wrapping_sub(1));
        let now = self.half_behind(before, pass);
        let halves = [before, now, self.half_behind(now, pass + 1)];
        ShufflePlace { seed, pass, halves, last: None }
    }

    /// Returns the halves of `pass`, of which those before it were `before`.
    fn half_behind(&self, before: Half, pass: u64) -> Half {
        let (mut old, mut new) = (self.numbers(pass.wrapping_sub(1)), self.numbers(pass));
        let pairs = self.items.iter().map(|(id, _)| (halving(&mut old, *id), halving(&mut new, *id)));
        let pairs: Vec<_> = pairs.collect();
        let mut sorted: Vec<_> = pairs.iter().map(|(_, new)| *new).collect();
        if sorted.is_empty() {
            return before;
        }
        let (_, middle, _) = sorted.select_nth_unstable(pairs.len() / 2);
        let half = Half(*middle, false);
        let second: Vec<_> = pairs.iter().filter(|(old, _)| !before.is_first(*old)).collect();
        let moving = second.iter().filter(|(_, new)| half.is_first(*new)).count();
        Half(*middle, 2 * moving > second.len())
    }

    /// Sorts the pass of `at` and goes behind its last item.
    fn begin_pass(&mut self, at: ShufflePlace) {
        self.at = at;
        let mut numbers = [at.pass.wrapping_sub(1), at.pass, at.pass.wrapping_add(1)].map(|pass| self.numbers(pass));
        self.order.clear();
        self.order.extend(self.items.iter().map(|&(id, index)| (at.key(&mut numbers, id), index)));
        self.order.sort_unstable();
        self.next = at.last.map_or(0, |last| {
            let key = at.key(&mut numbers, last);
            self.order.partition_point(|entry| entry.0 <= key)
        });
    }

    fn numbers(&self, pass: u64) -> Numbers {
        Numbers::new(self.seed, Purpose::Pass, pass)
    }
}

impl Stream for Shuffle {
    fn draw(&mut self) -> Upcoming {
        if self.next >= self.order.len() {
            let ShufflePlace { seed, pass, halves: [_, before, now], .. } = self.at;
            let pass = pass.wrapping_add(1);
            let halves = [before, now, self.half_behind(now, pass.wrapping_add(1))];
            self.begin_pass(ShufflePlace { seed, pass, halves, last: None });
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
        let from = if let Some(Mark::Shuffle(place)) = from { place } else { self.start() };
        self.begin_pass(from);
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
    /// Returns what the pass is sorted by, from the numbers of the pass before, of this one and of the next.
    fn key(&self, [before, now, next]: &mut [Numbers; 3], id: MediaId) -> Key {
        let [was, is, will] = self.halves;
        let [number, half] = now.of_two(id.0.cast_unsigned());
        let part = if is.is_first(half) {
            u8::from(!was.is_first(halving(before, id)))
        } else {
            2 + u8::from(!will.is_first(halving(next, id)))
        };
        (part, number, id)
    }
}

impl Half {
    fn is_first(self, number: u64) -> bool {
        (number < self.0) != self.1
    }
}

/// Returns the number that says in which half of a pass an item is.
fn halving(numbers: &mut Numbers, id: MediaId) -> u64 {
    numbers.of_two(id.0.cast_unsigned())[1]
}
