//! In which order the items of a pool are played.
//!
//! Does: give an endless order of a pool, show what comes next, take it in turn or out of turn, and remember the place.
//! Does not: know about time; whoever lays the items decides when.
//! Invariant: the same pool, mode, seed and cursor give the same order, on any machine and in any version.

use std::{collections::VecDeque, sync::Arc};

use exstreamtv_model::{MediaId, schedule::PoolItem};
use serde::{Deserialize, Serialize};

pub(crate) mod draw;
mod natural;
mod ordered;
mod random;
mod shuffle;

pub(crate) use ordered::Sorted;
use ordered::{NamePlace, Ordered};
use random::{Random, RandomPlace};
use shuffle::{Shuffle, ShufflePlace};

/// In which order the items of a pool are played.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OrderMode {
    /// Place in the list, else show, season, episode and name, as a person would sort them; after the highest comes the lowest.
    #[default]
    Ordered,
    /// A new permutation for each pass; no item within half a cycle of its last airing.
    Shuffle,
    /// Each time any item but the one that was just on.
    Random,
}

/// An endless order of a pool's items.
pub struct Order<'a> {
    items: &'a [PoolItem],
    mode: OrderMode,
    stream: Box<dyn Stream + Send + 'a>,
    /// What was drawn from the stream and not taken yet.
    queue: VecDeque<Upcoming>,
    /// How many at the front of the queue were passed over: something behind them was taken out of turn.
    waiting: usize,
    /// The place behind the furthest item that was taken.
    behind: Option<Mark>,
    /// Where the order was taken up; kept while there is nothing to play.
    resumed: Option<Cursor>,
}

/// What must be remembered to go on with an order: about 100 bytes, a little more where items have long names or were taken out of turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    #[serde(flatten)]
    place: Place,
    /// What was passed over and is still owed, first one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    waiting: Vec<MediaId>,
}

/// Most items that are remembered as passed over; more are forgotten, the oldest first, and come again in their next turn.
pub const MAX_WAITING: usize = 32;

impl<'a> Order<'a> {
    /// Takes up the order of `items` behind `cursor`; a cursor of another mode or seed counts as none.
    pub fn new(items: &'a [PoolItem], mode: OrderMode, seed: u64, cursor: Option<&Cursor>) -> Self {
        Self::weighted(items, mode, seed, cursor, |_| 1)
    }

    /// Does the same with a weight per item, which the mode `random` draws by; where all are 0, all are equal.
    pub fn weighted(
        items: &'a [PoolItem],
        mode: OrderMode,
        seed: u64,
        cursor: Option<&Cursor>,
        weight: impl Fn(&PoolItem) -> u32,
    ) -> Self {
        let cursor = cursor.filter(|cursor| cursor.fits(mode, seed));
        let place = cursor.map(|cursor| &cursor.place);
        let stream: Box<dyn Stream + Send> = match (mode, place) {
            (OrderMode::Ordered, _) => return Self::sorted(items, Arc::new(Sorted::of(items)), cursor),
            (OrderMode::Shuffle, Some(Place::Shuffle(place))) => Box::new(Shuffle::new(items, seed, Some(place))),
            (OrderMode::Shuffle, _) => Box::new(Shuffle::new(items, seed, None)),
            (OrderMode::Random, Some(Place::Random(place))) => Box::new(Random::new(items, seed, Some(place), weight)),
            (OrderMode::Random, _) => Box::new(Random::new(items, seed, None, weight)),
        };
        Self::take_up(items, mode, stream, cursor)
    }

    /// Takes up the ordered sequence of `items`, which `sorted` was made of.
    pub fn sorted(items: &'a [PoolItem], sorted: Arc<Sorted>, cursor: Option<&Cursor>) -> Self {
        let (cursor, last) = match cursor {
            Some(cursor @ Cursor { place: Place::Ordered(last), .. }) => (Some(cursor), Some(last)),
            _ => (None, None),
        };
        Self::take_up(items, OrderMode::Ordered, Box::new(Ordered::new(items, sorted, last)), cursor)
    }

    fn take_up(
        items: &'a [PoolItem],
        mode: OrderMode,
        stream: Box<dyn Stream + Send + 'a>,
        cursor: Option<&Cursor>,
    ) -> Self {
        let behind = cursor.map(|_| stream.mark());
        let owed = cursor.map_or(&[][..], |cursor| &cursor.waiting).iter().take(MAX_WAITING);
        let owed = owed.filter_map(|id| items.iter().position(|item| item.id == *id));
        let queue: VecDeque<_> = owed.map(|item| Upcoming { item, behind: stream.mark() }).collect();
        Self { items, mode, stream, waiting: queue.len(), queue, behind, resumed: cursor.cloned() }
    }

    /// Returns the next `count` items without moving; fewer only where there is nothing to play.
    pub fn peek(&mut self, count: usize) -> Vec<&'a PoolItem> {
        self.draw(count);
        self.queue.iter().take(count).map(|upcoming| &self.items[upcoming.item]).collect()
    }

    /// Takes the next item; `None` only where there is nothing to play.
    pub fn next(&mut self) -> Option<&'a PoolItem> {
        self.take(0)
    }

    /// Takes what [`Self::peek`] shows at `ahead`; what is before it is passed over and stays next.
    pub fn take(&mut self, ahead: usize) -> Option<&'a PoolItem> {
        self.draw(ahead.saturating_add(1));
        let taken = self.queue.remove(ahead)?;
        if ahead < self.waiting {
            self.waiting -= 1;
        } else {
            self.waiting = ahead;
            self.behind = Some(taken.behind);
        }
        while self.waiting > MAX_WAITING {
            self.queue.pop_front();
            self.waiting -= 1;
        }
        Some(&self.items[taken.item])
    }

    /// Moves as if item `id` had been on just now, and says whether it is known here.
    ///
    /// An ordered sequence goes on behind it; of a shuffle it is taken out of turn; at random it is not drawn next.
    pub fn aired(&mut self, id: MediaId) -> bool {
        let in_reach = match self.mode {
            OrderMode::Ordered => self.waiting + 1,
            OrderMode::Shuffle => MAX_WAITING,
            OrderMode::Random => 1,
        };
        if let Some(ahead) = self.peek(in_reach).iter().position(|item| item.id == id) {
            return self.take(ahead).is_some();
        }
        // The stream goes back to `behind`, so what was drawn beyond that is drawn again.
        self.queue.truncate(self.waiting);
        let jumped = self.stream.jump(self.behind, id);
        self.behind = jumped.or(self.behind);
        jumped.is_some()
    }

    /// Returns what must be remembered to go on here; `None` before anything was ever taken.
    pub fn cursor(&self) -> Option<Cursor> {
        if self.items.is_empty() {
            return self.resumed.clone();
        }
        let waiting = self.queue.iter().take(self.waiting).map(|upcoming| self.items[upcoming.item].id);
        Some(Cursor { place: self.stream.place(self.behind?), waiting: waiting.collect() })
    }

    /// Says in words for people by which order the last item was taken.
    pub fn why(&self) -> String {
        self.behind.map_or_else(String::new, |mark| self.stream.why(mark))
    }

    fn draw(&mut self, count: usize) {
        while self.queue.len() < count && !self.items.is_empty() {
            let upcoming = self.stream.draw();
            self.queue.push_back(upcoming);
        }
    }
}

impl Cursor {
    /// Returns whether an order of this mode and seed can go on from here.
    pub fn fits(&self, mode: OrderMode, seed: u64) -> bool {
        match &self.place {
            Place::Ordered(_) => mode == OrderMode::Ordered,
            Place::Shuffle(place) => mode == OrderMode::Shuffle && place.seed == seed,
            Place::Random(place) => mode == OrderMode::Random && place.seed == seed,
        }
    }
}

/// Where an order stands, as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
enum Place {
    Ordered(NamePlace),
    Shuffle(ShufflePlace),
    Random(RandomPlace),
}

/// Where a stream stands, cheap to keep for each item drawn.
#[derive(Debug, Clone, Copy)]
enum Mark {
    /// Behind this place of the sorted pool.
    Ordered(usize),
    Shuffle(ShufflePlace),
    Random(RandomPlace),
}

/// An item that was drawn, and where the stream stands behind it.
#[derive(Debug, Clone, Copy)]
struct Upcoming {
    /// Index into the pool.
    item: usize,
    behind: Mark,
}

/// One mode's endless order. `draw` is never called on an empty pool.
trait Stream {
    fn draw(&mut self) -> Upcoming;

    /// Returns where the stream stands.
    fn mark(&self) -> Mark;

    /// Goes back to `from` (`None`: to the beginning), and from there behind item `id`, or says that it is not known here.
    fn jump(&mut self, from: Option<Mark>, id: MediaId) -> Option<Mark>;

    fn place(&self, mark: Mark) -> Place;

    fn why(&self, mark: Mark) -> String;
}

#[cfg(test)]
mod tests;
