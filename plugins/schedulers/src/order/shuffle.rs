//! A new permutation for each pass.
//!
//! Does: draw two numbers per item and pass: one says in which half of the pass it is on, by the other one the halves are sorted.
//! Does not: remember what was on: a pass is computed again from seed, pass and ids, and an item's numbers stay when others come and go.
//! It does not sort a whole pass either: a day takes a few dozen items of perhaps a hundred thousand, so only what comes next is looked for.
//! Invariant: each item once per pass; between two airings of an item at least half of the others are on.
//!
//! Why that holds, in a pool of n items: one that stays in its half has about n/2 airings between. One that goes from the first half to the second
//! has more. One that goes from the second half to the first is on at the very beginning of the one and at the very end of the other, and at most
//! half of the second half goes that way: where the numbers would move more, the new halves change places.

use std::collections::VecDeque;

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
pub(super) struct Shuffle<'a> {
    pool: &'a [PoolItem],
    seed: u64,
    /// The pass, and the last item drawn of it.
    at: ShufflePlace,
    /// What comes next, as far as it was looked for: ids and indexes into the pool.
    coming: VecDeque<(MediaId, usize)>,
    /// How many will be looked for next time.
    reach: usize,
}

/// What a pass is sorted by: the part of the pass, the number drawn, the id.
type Key = (u8, u64, MediaId);

/// Parts of a pass: what was in the first half before, what was not; what will be in the first half, what will not.
const PARTS: u8 = 4;

/// How many items are looked for at first; each time twice as many, so that a whole pass costs little more than sorting it.
const FIRST_REACH: usize = 32;

impl<'a> Shuffle<'a> {
    pub(super) fn new(pool: &'a [PoolItem], seed: u64, place: Option<&ShufflePlace>) -> Self {
        let at = ShufflePlace { seed, pass: 0, halves: [Half::default(); 3], last: None };
        let mut shuffle = Self { pool, seed, at, coming: VecDeque::new(), reach: FIRST_REACH };
        shuffle.at = place.copied().unwrap_or_else(|| shuffle.start());
        shuffle
    }

    /// Returns the place before the first item of the first pass.
    fn start(&self) -> ShufflePlace {
        let (seed, pass, ids) = (self.seed, 0_u64, self.ids());
        let [before, now, next] = [pass.wrapping_sub(1), pass, pass + 1].map(|pass| numbers(seed, pass).of_each(&ids));
        // Before everything began, all were in the first half, so none moves.
        let first = half_behind(Half(u64::MAX, false), &before, &before);
        let second = half_behind(first, &before, &now);
        ShufflePlace { seed, pass, halves: [first, second, half_behind(second, &now, &next)], last: None }
    }

    /// Returns every item once, though it be listed twice.
    fn ids(&self) -> Vec<u64> {
        let mut ids: Vec<_> = self.pool.iter().map(|item| item.id.0.cast_unsigned()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    fn go_to(&mut self, at: ShufflePlace) {
        (self.at, self.reach) = (at, FIRST_REACH);
        self.coming.clear();
    }

    fn begin_next_pass(&mut self) {
        let (ids, ShufflePlace { seed, pass, halves: [_, before, now], .. }) = (self.ids(), self.at);
        let pass = pass.wrapping_add(1);
        let [old, new] = [pass, pass.wrapping_add(1)].map(|pass| numbers(seed, pass).of_each(&ids));
        let halves = [before, now, half_behind(now, &old, &new)];
        self.go_to(ShufflePlace { seed, pass, halves, last: None });
    }

    /// Looks for what comes behind the last item of this pass; finds nothing at its end.
    fn look_ahead(&mut self) {
        let behind = self.at.last.map(|last| self.at.key(last));
        let parts = behind.map_or(0, |(part, ..)| part)..PARTS;
        let ids: Vec<_> = self.pool.iter().map(|item| item.id.0.cast_unsigned()).collect();
        let numbers = numbers(self.seed, self.at.pass).of_each(&ids);
        let mut found = parts.map(|part| self.part(part, behind, &numbers));
        self.coming = found.find(|items| !items.is_empty()).unwrap_or_default();
        self.reach = self.reach.saturating_mul(2);
    }

    /// Returns the first items of a part behind a place, at least as many as are looked for unless the part ends.
    fn part(&self, part: u8, behind: Option<Key>, numbers: &[[u64; 2]]) -> VecDeque<(MediaId, usize)> {
        let [_, is, _] = self.at.halves;
        let in_half =
            self.pool.iter().zip(numbers).enumerate().filter(|(_, (_, [_, half]))| is.is_first(*half) == (part < 2));
        let keyed = in_half.map(|(index, (item, [number, _]))| ((part, *number, item.id), index));
        let mut keyed: Vec<_> = keyed.filter(|(key, _)| behind.is_none_or(|behind| *key > behind)).collect();
        let (mut found, mut rest) = (VecDeque::new(), &mut keyed[..]);
        while found.len() < self.reach && !rest.is_empty() {
            // About half of them belong to the other part of this half.
            let some = rest.len().min(2 * self.reach);
            rest.select_nth_unstable(some - 1);
            let (near, far) = rest.split_at_mut(some);
            near.sort_unstable();
            for ((_, _, id), index) in self.at.of_part(part, near) {
                if found.back().is_none_or(|(last, _)| *last != id) {
                    found.push_back((id, index));
                }
            }
            rest = far;
        }
        found
    }
}

/// Returns the halves of a pass, of which those before it were `before`; of all items the numbers of the pass before and of this one.
fn half_behind(before: Half, old: &[[u64; 2]], new: &[[u64; 2]]) -> Half {
    let mut sorted: Vec<_> = new.iter().map(|[_, half]| *half).collect();
    if sorted.is_empty() {
        return before;
    }
    let (_, middle, _) = sorted.select_nth_unstable(new.len() / 2);
    let half = Half(*middle, false);
    let second = || old.iter().zip(new).filter(|([_, old], _)| !before.is_first(*old));
    let moving = second().filter(|(_, [_, new])| half.is_first(*new)).count();
    Half(*middle, 2 * moving > second().count())
}

fn numbers(seed: u64, pass: u64) -> Numbers {
    Numbers::new(seed, Purpose::Pass, pass)
}

impl Stream for Shuffle<'_> {
    fn draw(&mut self) -> Upcoming {
        loop {
            if let Some((id, item)) = self.coming.pop_front() {
                self.at.last = Some(id);
                return Upcoming { item, behind: self.mark() };
            }
            self.look_ahead();
            if self.coming.is_empty() {
                self.begin_next_pass();
            }
        }
    }

    fn mark(&self) -> Mark {
        Mark::Shuffle(self.at)
    }

    fn jump(&mut self, from: Option<Mark>, id: MediaId) -> Option<Mark> {
        let from = if let Some(Mark::Shuffle(place)) = from { place } else { self.start() };
        self.go_to(from);
        self.pool.iter().find(|item| item.id == id)?;
        // What was on in this pass already had an airing more; nothing moves.
        if from.last.is_none_or(|last| from.key(id) > from.key(last)) {
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
    /// Returns what the pass is sorted by.
    fn key(&self, id: MediaId) -> Key {
        let [_, is, _] = self.halves;
        let [number, half] = numbers(self.seed, self.pass).of_two(id.0.cast_unsigned());
        let (pass, beside, first) = self.beside(is.is_first(half));
        let [_, other] = numbers(self.seed, pass).of_two(id.0.cast_unsigned());
        (first + u8::from(!beside.is_first(other)), number, id)
    }

    /// Returns those that belong to a part, of items that are in its half.
    fn of_part(&self, part: u8, in_half: &[(Key, usize)]) -> Vec<(Key, usize)> {
        let (pass, beside, first) = self.beside(part < 2);
        let ids: Vec<_> = in_half.iter().map(|((.., id), _)| id.0.cast_unsigned()).collect();
        let others = numbers(self.seed, pass).of_each(&ids);
        let belongs = |[_, other]: [u64; 2]| first + u8::from(!beside.is_first(other)) == part;
        in_half.iter().zip(others).filter(|(_, other)| belongs(*other)).map(|(item, _)| *item).collect()
    }

    /// Returns what the first or the second half of this pass is parted by: the pass before or the next one, its half, and the first part.
    fn beside(&self, first_half: bool) -> (u64, Half, u8) {
        let [was, _, will] = self.halves;
        if first_half { (self.pass.wrapping_sub(1), was, 0) } else { (self.pass.wrapping_add(1), will, 2) }
    }
}

impl Half {
    fn is_first(self, number: u64) -> bool {
        (number < self.0) != self.1
    }
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::MediaKind;
    use proptest::prelude::*;

    use super::*;

    fn pool(ids: &[i64]) -> Vec<PoolItem> {
        let item = |id: &i64| PoolItem {
            id: MediaId(*id),
            duration_ms: 1,
            kind: MediaKind::Clip,
            title: String::new(),
            show: None,
            season: None,
            episode: None,
            position: None,
            chapters_ms: Vec::new(),
        };
        ids.iter().map(item).collect()
    }

    proptest! {
        #[test]
        fn what_is_looked_for_is_what_sorting_the_whole_pass_would_give(
            ids in prop::collection::vec(-300_i64..300, 1..400), seed: u64, passes in 1_usize..4,
        ) {
            let pool = pool(&ids);
            let mut shuffle = Shuffle::new(&pool, seed, None);
            for _ in 0..passes {
                let mut drawn = vec![shuffle.draw()];
                let Mark::Shuffle(at) = drawn[0].behind else { unreachable!() };
                let mut sorted: Vec<_> = ids.iter().map(|id| at.key(MediaId(*id))).collect();
                sorted.sort_unstable();
                sorted.dedup();
                drawn.extend((1..sorted.len()).map(|_| shuffle.draw()));
                let drawn: Vec<_> = drawn.iter().map(|upcoming| pool[upcoming.item].id).collect();
                prop_assert_eq!(drawn, sorted.iter().map(|(.., id)| *id).collect::<Vec<_>>());
            }
        }
    }
}
