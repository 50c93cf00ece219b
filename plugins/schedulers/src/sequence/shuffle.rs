//! A new permutation for each pass.
//!
//! Does: give every item a number drawn from seed, pass and id, and play by these numbers, holding back what was on lately.
//! Does not: shuffle a list in place: a number drawn per item stays when others come and go, so edits move nothing else.
//! Invariant: each item once per pass, and never among the last half pool's worth of airings (at most [`MAX_RECENT`]).

use std::collections::{BTreeSet, HashMap, VecDeque};

use exstreamtv_model::{
    MediaId,
    schedule::{PlanRequest, PoolItem},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{Memory, Order};

/// What is remembered of a shuffle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ShufflePlace {
    pub(super) seed: u32,
    pass: u64,
    /// The item of this pass that was drawn last.
    drawn: Option<MediaId>,
    /// What was on last, oldest first.
    recent: VecDeque<MediaId>,
    /// What was drawn but held back.
    held: Vec<MediaId>,
}

/// Most airings that an item is kept away from its last one, so that the memory stays small for any pool.
const MAX_RECENT: usize = 1_000;

pub(super) struct Shuffle<'a> {
    /// An item that is listed twice is shuffled in once.
    items: HashMap<MediaId, &'a PoolItem>,
    seed: u32,
    pass: u64,
    /// This pass in the order of the drawn numbers.
    order: Vec<(u64, MediaId)>,
    /// How many of `order` were drawn.
    drawn: usize,
    /// How many airings are counted: those remembered and all since.
    aired: u64,
    /// An item may be on again when this many were on since.
    apart: usize,
    recent: VecDeque<MediaId>,
    /// When each item of `recent` may be on again, as a count of airings.
    due: HashMap<MediaId, u64>,
    /// What was drawn but held back: when it may be on, in which order it was drawn.
    held: BTreeSet<(u64, usize, MediaId)>,
}

impl<'a> Shuffle<'a> {
    /// Takes up the shuffle of the pool, which is not empty, behind `place`.
    pub(super) fn new(
        request: &'a PlanRequest,
        seed: u32,
        place: Option<ShufflePlace>,
        notes: &mut Vec<String>,
    ) -> Self {
        let items: HashMap<_, _> = request.pool.iter().rev().map(|item| (item.id, item)).collect();
        let start = ShufflePlace { seed, pass: 0, drawn: None, recent: VecDeque::new(), held: Vec::new() };
        let mut place = place.unwrap_or(start);
        if let Some(after) = request.after {
            place.cut_behind(after, notes);
        }
        let apart = (items.len() / 2).min(MAX_RECENT);
        let order = draw(seed, place.pass, items.keys().copied());
        let drawn = place.drawn.map_or(0, |last| {
            let number = number(&mut generator(seed, place.pass), last);
            order.partition_point(|&entry| entry <= (number, last))
        });
        let mut shuffle = Self {
            items,
            seed,
            pass: place.pass,
            order,
            drawn,
            aired: 0,
            apart,
            recent: VecDeque::new(),
            due: HashMap::new(),
            held: BTreeSet::new(),
        };
        for id in place.recent {
            if shuffle.items.contains_key(&id) {
                shuffle.air(id);
            }
        }
        for id in place.held {
            if shuffle.items.contains_key(&id) {
                shuffle.hold(id);
            }
        }
        shuffle
    }

    /// Returns the next item: one that was held back long enough, else the next one drawn that need not be held back.
    fn pick(&mut self) -> MediaId {
        loop {
            if let Some(&(due, ..)) = self.held.first()
                && (due <= self.aired || self.drawn == self.order.len())
                && let Some((.., id)) = self.held.pop_first()
            {
                return id;
            }
            let Some(&(_, id)) = self.order.get(self.drawn) else {
                self.pass = self.pass.wrapping_add(1);
                self.order = draw(self.seed, self.pass, self.items.keys().copied());
                self.drawn = 0;
                continue;
            };
            self.drawn += 1;
            if self.due.get(&id).is_none_or(|due| *due <= self.aired) {
                return id;
            }
            self.hold(id);
        }
    }

    fn hold(&mut self, id: MediaId) {
        let due = self.due.get(&id).copied().unwrap_or(0);
        self.held.insert((due, self.held.len(), id));
    }

    fn air(&mut self, id: MediaId) {
        self.aired += 1;
        self.due.insert(id, self.aired + self.apart as u64);
        self.recent.push_back(id);
        if self.recent.len() > self.apart.max(1)
            && let Some(old) = self.recent.pop_front()
            && self.due.get(&old).is_some_and(|due| *due <= self.aired)
        {
            self.due.remove(&old);
        }
    }
}

impl Order for Shuffle<'_> {
    fn next(&mut self) -> (&PoolItem, String) {
        let id = self.pick();
        self.air(id);
        (self.items[&id], format!("shuffled with seed {}, pass {}", self.seed, self.pass.wrapping_add(1)))
    }

    fn memory(&self) -> Memory {
        let drawn = self.drawn.checked_sub(1).map(|last| self.order[last].1);
        let held = self.held.iter().map(|(.., id)| *id).take(MAX_RECENT).collect();
        Memory::Shuffle(ShufflePlace { seed: self.seed, pass: self.pass, drawn, recent: self.recent.clone(), held })
    }
}

impl ShufflePlace {
    /// Forgets what was planned behind `after` but never was on; it is played now instead, in the same order.
    fn cut_behind(&mut self, after: MediaId, notes: &mut Vec<String>) {
        let Some(place) = self.recent.iter().rposition(|id| *id == after) else {
            notes.push(format!("item {after} was on too long ago: the shuffle goes on from where it was planned to"));
            self.recent.push_back(after);
            return;
        };
        let mut held: Vec<_> = self.recent.split_off(place + 1).into();
        held.retain(|id| !self.held.contains(id));
        held.append(&mut self.held);
        self.held = held;
    }
}

/// Returns the pass in the order of its numbers. The order of `ids` does not matter.
fn draw(seed: u32, pass: u64, ids: impl Iterator<Item = MediaId>) -> Vec<(u64, MediaId)> {
    let mut generator = generator(seed, pass);
    let mut order: Vec<_> = ids.map(|id| (number(&mut generator, id), id)).collect();
    order.sort_unstable();
    order
}

/// Returns the generator of one pass; each item draws from its own stream of it.
fn generator(seed: u32, pass: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&pass.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

fn number(generator: &mut ChaCha8Rng, id: MediaId) -> u64 {
    generator.set_stream(id.0.cast_unsigned());
    generator.set_word_pos(0);
    generator.next_u64()
}
