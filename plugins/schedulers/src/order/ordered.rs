//! The order in which a person would sort.
//!
//! Does: sort by place in the list, then show, season, episode and title, and remember the last item by what it was sorted by.
//! Does not: remember an index; items come and go.
//! Invariant: behind an item that is still there comes its neighbour; behind one that is gone, what would have been.

use std::sync::Arc;

use exstreamtv_model::{MediaId, schedule::PoolItem};
use serde::{Deserialize, Serialize};

use super::{Mark, Place, Stream, Upcoming, natural};

/// What an item is sorted by. Also what is remembered of the last one: its place can be found when the item is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NamePlace {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    position: Option<u32>,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    season: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    episode: Option<u32>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    title: String,
    id: MediaId,
}

/// How a pool is sorted, for as many orders as go through it: sorting is most of what taking up an order costs.
pub(crate) struct Sorted {
    /// What each item is sorted by, in the pool's own order.
    keys: Vec<Vec<u8>>,
    /// Indexes into the pool, in order.
    places: Vec<usize>,
}

impl Sorted {
    pub(crate) fn of(items: &[PoolItem]) -> Self {
        let keys: Vec<_> = items.iter().map(|item| NamePlace::of(item).key()).collect();
        let mut places: Vec<_> = (0..items.len()).collect();
        places.sort_by(|a, b| keys[*a].cmp(&keys[*b]));
        Self { keys, places }
    }
}

/// The sorted pool and the place of the next item.
pub(super) struct Ordered<'a> {
    items: &'a [PoolItem],
    sorted: Arc<Sorted>,
    next: usize,
}

impl<'a> Ordered<'a> {
    /// Takes up the order of `items`, which `sorted` was made of, behind `last`.
    pub(super) fn new(items: &'a [PoolItem], sorted: Arc<Sorted>, last: Option<&NamePlace>) -> Self {
        let mut ordered = Self { items, sorted, next: 0 };
        ordered.next = last.map_or(0, |last| ordered.behind(last));
        ordered
    }

    /// Returns the place behind `last`: by its id while it is there, else by what it was sorted by.
    fn behind(&self, last: &NamePlace) -> usize {
        // A list may hold an item twice; the one meant is the one nearest to where it was.
        let distance = |item: &PoolItem| item.position.unwrap_or(0).abs_diff(last.position.unwrap_or(0));
        let places = self.sorted.places.iter().map(|&index| &self.items[index]).enumerate();
        match places.filter(|(_, item)| item.id == last.id).min_by_key(|(_, item)| distance(item)) {
            Some((place, _)) => place + 1,
            None => {
                let key = last.key();
                self.sorted.places.partition_point(|&index| self.sorted.keys[index] <= key)
            }
        }
    }
}

impl Stream for Ordered<'_> {
    fn draw(&mut self) -> Upcoming {
        let place = self.next % self.sorted.places.len();
        self.next = place + 1;
        Upcoming { item: self.sorted.places[place], behind: self.mark() }
    }

    fn mark(&self) -> Mark {
        Mark::Ordered(self.next)
    }

    fn jump(&mut self, from: Option<Mark>, id: MediaId) -> Option<Mark> {
        let count = self.sorted.places.len();
        let from = if let Some(Mark::Ordered(next)) = from { next } else { 0 };
        let mut ahead = (from..from + count).map(|place| place % count);
        let found = ahead.find(|&place| self.items[self.sorted.places[place]].id == id);
        self.next = found.map_or(from, |place| place + 1);
        found.map(|_| self.mark())
    }

    fn place(&self, mark: Mark) -> Place {
        let next = if let Mark::Ordered(next) = mark { next } else { self.next };
        let count = self.sorted.places.len();
        let last = (next + count - 1) % count;
        Place::Ordered(NamePlace::of(&self.items[self.sorted.places[last]]))
    }

    fn why(&self, _: Mark) -> String {
        "by name".into()
    }
}

impl NamePlace {
    fn of(item: &PoolItem) -> Self {
        Self {
            position: item.position,
            name: folded(item.show.as_deref().unwrap_or(&item.title)),
            season: item.season,
            episode: item.episode,
            title: item.show.as_deref().map_or_else(String::new, |_| folded(&item.title)),
            id: item.id,
        }
    }

    /// Returns bytes that compare as the items do.
    fn key(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(self.name.len() + self.title.len() + 48);
        key.extend(last_if_absent(self.position));
        natural::append_key(&mut key, &self.name);
        // Specials come behind the last season, what has no season behind them.
        let (rank, season) = match self.season {
            Some(0) => (1, 0),
            Some(season) => (0, season),
            None => (2, 0),
        };
        key.push(rank);
        key.extend(season.to_be_bytes());
        key.extend(last_if_absent(self.episode));
        natural::append_key(&mut key, &self.title);
        // Flipping the sign bit makes negative ids come first, as numbers do.
        key.extend((self.id.0.cast_unsigned() ^ 1 << 63).to_be_bytes());
        key
    }
}

fn last_if_absent(number: Option<u32>) -> [u8; 8] {
    number.map_or(u64::MAX, u64::from).to_be_bytes()
}

/// Folds case and bounds the length, because the text is remembered.
fn folded(text: &str) -> String {
    // Most names are ASCII, and folding is most of the work of sorting a large pool.
    if text.is_ascii() {
        return text[..text.len().min(NAME_CHARS)].to_ascii_lowercase();
    }
    text.chars().take(NAME_CHARS).flat_map(char::to_lowercase).collect()
}

const NAME_CHARS: usize = 100;
