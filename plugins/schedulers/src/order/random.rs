//! Any item, any time, but none twice in a row.
//!
//! Does: draw by weight among all items but the last.
//! Does not: care how long ago an item was on, beyond that.
//! Invariant: the n-th draw is a function of seed, n, pool and last item.

use exstreamtv_model::{MediaId, schedule::PoolItem};
use serde::{Deserialize, Serialize};

use super::{
    Mark, Place, Stream, Upcoming,
    draw::{Numbers, Purpose, below},
};

/// Where the draws stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RandomPlace {
    pub(super) seed: u64,
    /// How many draws there were.
    drawn: u64,
    last: Option<MediaId>,
}

/// The pool by id, with the sums of its weights.
pub(super) struct Random {
    /// Each item once: its id, its index into the pool, the weights up to and with it.
    items: Vec<(MediaId, usize, u64)>,
    numbers: Numbers,
    at: RandomPlace,
}

impl Random {
    pub(super) fn new(
        pool: &[PoolItem],
        seed: u64,
        place: Option<&RandomPlace>,
        weight: impl Fn(&PoolItem) -> u32,
    ) -> Self {
        let nothing_weighs = pool.iter().all(|item| weight(item) == 0);
        let mut items: Vec<_> = pool.iter().enumerate().map(|(index, item)| (item.id, index, 0)).collect();
        items.sort_unstable();
        items.dedup_by_key(|(id, ..)| *id);
        let mut sum = 0;
        for (_, index, up_to) in &mut items {
            sum += if nothing_weighs { 1 } else { u64::from(weight(&pool[*index])) };
            *up_to = sum;
        }
        let at = place.copied().unwrap_or(RandomPlace { seed, drawn: 0, last: None });
        Self { items, numbers: Numbers::new(seed, Purpose::Draw, 0), at }
    }

    /// Returns the range of sums that belongs to the last item; none if it is gone.
    fn last(&self) -> (u64, u64) {
        let place = self.at.last.and_then(|last| self.items.binary_search_by_key(&last, |(id, ..)| *id).ok());
        place.map_or((0, 0), |place| {
            let before = place.checked_sub(1).map_or(0, |before| self.items[before].2);
            (before, self.items[place].2)
        })
    }
}

impl Stream for Random {
    fn draw(&mut self) -> Upcoming {
        let sum = self.items.last().map_or(0, |(.., sum)| *sum);
        let (mut from, mut to) = self.last();
        if to - from == sum {
            // There is nothing else.
            (from, to) = (0, 0);
        }
        let number = self.numbers.of(self.at.drawn);
        let mut drawn = below(sum - (to - from), number);
        if drawn >= from {
            drawn += to - from;
        }
        let place = self.items.partition_point(|(.., up_to)| *up_to <= drawn);
        let (id, item, _) = self.items[place];
        self.at = RandomPlace { drawn: self.at.drawn.wrapping_add(1), last: Some(id), ..self.at };
        Upcoming { item, behind: self.mark() }
    }

    fn mark(&self) -> Mark {
        Mark::Random(self.at)
    }

    fn jump(&mut self, from: Option<Mark>, id: MediaId) -> Option<Mark> {
        let start = RandomPlace { drawn: 0, last: None, ..self.at };
        self.at = if let Some(Mark::Random(place)) = from { place } else { start };
        self.items.binary_search_by_key(&id, |(id, ..)| *id).ok()?;
        self.at = RandomPlace { drawn: self.at.drawn.wrapping_add(1), last: Some(id), ..self.at };
        Some(self.mark())
    }

    fn place(&self, mark: Mark) -> Place {
        Place::Random(if let Mark::Random(place) = mark { place } else { self.at })
    }

    fn why(&self, _: Mark) -> String {
        format!("drawn at random with seed {}", self.at.seed)
    }
}
