//! The order in which a person would sort.
//!
//! Does: sort by place in the list, then show, season, episode and title, and remember the last item by what it was sorted by.
//! Does not: remember an index; items come and go.
//! Invariant: behind an item that is still there comes its neighbour; behind one that is gone, what would have been.

use std::cmp::Ordering;

use exstreamtv_model::{
    MediaId,
    schedule::{PlanRequest, PoolItem},
};
use serde::{Deserialize, Serialize};

use super::{Memory, Order};

/// What an item is sorted by. Also what is remembered of the last one: its place can be found when the item is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NamePlace {
    position: Option<u32>,
    name: String,
    season: Option<u32>,
    episode: Option<u32>,
    title: String,
    id: MediaId,
}

/// The sorted pool and the place of the next item.
pub(super) struct ByName<'a> {
    sorted: Vec<(NamePlace, &'a PoolItem)>,
    next: usize,
    last: usize,
}

impl<'a> ByName<'a> {
    /// Sorts the pool, which is not empty, and finds the place behind `last`.
    pub(super) fn new(request: &'a PlanRequest, last: Option<NamePlace>, notes: &mut Vec<String>) -> Self {
        let mut sorted: Vec<_> = request.pool.iter().map(|item| (NamePlace::of(item), item)).collect();
        sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let mut next = last.map_or(0, |last| behind(&sorted, &last));
        if let Some(after) = request.after {
            match before_including(&sorted, next, after) {
                Some(place) => next = place + 1,
                None => notes.push(format!("item {after} is gone: the order goes on from where it was planned to")),
            }
        }
        let last = (next + sorted.len() - 1) % sorted.len();
        Self { sorted, next, last }
    }
}

impl Order for ByName<'_> {
    fn next(&mut self) -> (&PoolItem, String) {
        self.last = self.next % self.sorted.len();
        self.next = self.last + 1;
        (self.sorted[self.last].1, "by name".into())
    }

    fn memory(&self) -> Memory {
        Memory::Name(self.sorted[self.last].0.clone())
    }
}

impl NamePlace {
    fn of(item: &PoolItem) -> Self {
        Self {
            position: item.position,
            name: folded(item.show.as_deref().unwrap_or(&item.title)),
            season: item.season,
            episode: item.episode,
            title: folded(&item.title),
            id: item.id,
        }
    }

    /// Returns the season's rank: specials come behind the last season, what has no season behind them.
    fn season_rank(&self) -> (u8, u32) {
        match self.season {
            Some(0) => (1, 0),
            Some(season) => (0, season),
            None => (2, 0),
        }
    }
}

impl Ord for NamePlace {
    fn cmp(&self, other: &Self) -> Ordering {
        let place = |place: &Self| place.position.map_or(u64::MAX, u64::from);
        let episode = |place: &Self| place.episode.map_or(u64::MAX, u64::from);
        place(self)
            .cmp(&place(other))
            .then_with(|| natural(&self.name, &other.name))
            .then_with(|| self.season_rank().cmp(&other.season_rank()))
            .then_with(|| episode(self).cmp(&episode(other)))
            .then_with(|| natural(&self.title, &other.title))
            .then_with(|| self.id.cmp(&other.id))
    }
}

impl PartialOrd for NamePlace {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares as a person does: "Part 2" before "Part 10". Texts that differ never compare equal.
fn natural(a: &str, b: &str) -> Ordering {
    if a == b { Ordering::Equal } else { natord::compare(a, b).then_with(|| a.cmp(b)) }
}

/// Folds case and bounds the length, because the text is remembered.
fn folded(text: &str) -> String {
    text.chars().take(NAME_CHARS).flat_map(char::to_lowercase).collect()
}

/// Returns the place behind `last`: by its id while it is there, else by what it was sorted by.
fn behind(sorted: &[(NamePlace, &PoolItem)], last: &NamePlace) -> usize {
    // A list may hold an item twice; the one meant is the one nearest to where it was.
    let distance = |place: &NamePlace| place.position.unwrap_or(0).abs_diff(last.position.unwrap_or(0));
    let same = sorted.iter().enumerate().filter(|(_, (place, _))| place.id == last.id);
    match same.min_by_key(|(_, (place, _))| distance(place)) {
        Some((index, _)) => index + 1,
        None => sorted.partition_point(|(place, _)| place <= last),
    }
}

/// Returns the last place of item `id` before place `next`, looking round the end.
fn before_including(sorted: &[(NamePlace, &PoolItem)], next: usize, id: MediaId) -> Option<usize> {
    let count = sorted.len();
    (1..=count).map(|back| (next + 2 * count - back) % count).find(|&place| sorted[place].0.id == id)
}

const NAME_CHARS: usize = 200;
