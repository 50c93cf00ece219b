//! Which source is next, on the timeline.
//!
//! Does: know for any moment which sources rest, choose among the others, and take the next item of the chosen one.
//! Does not: know the present; a rest begins where an entry stops.
//! Invariant: laying an entry and folding the same entry in later leave the same rota behind.

use std::collections::BTreeMap;

use exstreamtv_model::{
    MediaId,
    schedule::{PlanEntry, PlanRequest, PoolItem},
};
use serde::{Deserialize, Serialize};

use super::{
    selection::{Claim, ITEM, odds, shares},
    settings::{AllResting, BalanceMode, BalanceSchedule},
};
use crate::order::{
    Cursor, Order, OrderMode,
    draw::{Numbers, Purpose, below},
};

/// What a rota remembers between windows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RotaState {
    /// How many times a source was drawn.
    picks: u64,
    /// The sources and the fallback, by name.
    sources: BTreeMap<String, SourceState>,
    last: Option<Last>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct SourceState {
    /// What is owed to it, in parts of [`ITEM`].
    credit: i64,
    /// When its last item stopped, Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stopped_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cursor: Option<Cursor>,
}

/// What was on last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Last {
    source: String,
    item: MediaId,
    /// How many of this source were on in a row.
    run: u32,
}

/// The sources and the fallback at some moment of the timeline.
pub(super) struct Rota<'a> {
    tracks: Vec<Track<'a>>,
    mode: BalanceMode,
    all_resting: AllResting,
    picks: u64,
    numbers: Numbers,
    last: Option<Last>,
}

/// One source, or the fallback.
struct Track<'a> {
    name: &'a str,
    role: Role,
    order: Order<'a>,
    is_empty: bool,
    credit: i64,
    stopped_ms: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Shares the time.
    Source { weight: u32, cooldown_ms: i64, max_consecutive: Option<u32> },
    /// Plays while all others rest.
    Fallback,
}

/// What comes next.
pub(super) enum Next<'a> {
    /// An item, its source, and why.
    Item(&'a PoolItem, &'a str, String),
    /// Nothing, until a source may play again.
    Rest { until_ms: i64, source: &'a str },
    /// Nothing at all.
    Nothing,
}

/// Which track is chosen, or until when none is.
enum Choice {
    Track(usize, &'static str),
    Rest(usize, i64),
    Nothing,
}

impl<'a> Rota<'a> {
    /// Takes up the rota behind `state`, which was left at or before `at_ms`.
    pub(super) fn new(
        schedule: &'a BalanceSchedule,
        request: &'a PlanRequest,
        mut state: RotaState,
        at_ms: i64,
    ) -> Self {
        let mut track = |name: &'a str, role: Role, mode: OrderMode| {
            let items = request.pool(name);
            let SourceState { credit, stopped_ms, cursor } = state.sources.remove(name).unwrap_or_default();
            // What a state says is input from outside: nobody is owed more than a few items, and nothing stopped in the future.
            let (credit, stopped_ms) = (credit.clamp(-MAX_CREDIT, MAX_CREDIT), stopped_ms.map(|stop| stop.min(at_ms)));
            let order = Order::new(items, mode, order_seed(request.seed, name), cursor.as_ref());
            Track { name, role, order, is_empty: items.is_empty(), credit, stopped_ms }
        };
        let mut tracks = Vec::new();
        for source in schedule.sources.iter().filter(|source| source.weight > 0) {
            let (weight, max_consecutive) = (source.weight, source.max_consecutive);
            let cooldown_ms = i64::from(source.cooldown_minutes) * 60_000;
            let role = Role::Source { weight, cooldown_ms, max_consecutive };
            tracks.push(track(&source.name, role, source.order_mode));
        }
        if let Some(fallback) = &schedule.fallback {
            tracks.push(track(&fallback.name, Role::Fallback, fallback.order_mode));
        }
        let BalanceSchedule { mode, all_resting, .. } = *schedule;
        let numbers = Numbers::new(request.seed, Purpose::Source, 0);
        Self { tracks, mode, all_resting, picks: state.picks, numbers, last: state.last }
    }

    /// Returns the names of the sources that have no items.
    pub(super) fn empty(&self) -> impl Iterator<Item = &'a str> {
        self.tracks.iter().filter(|track| track.is_empty).map(|track| track.name)
    }

    /// Chooses what is on at `at_ms` and takes it.
    pub(super) fn next(&mut self, at_ms: i64) -> Next<'a> {
        let available = self.available(at_ms);
        let (index, why) = match self.choose(&available, at_ms) {
            Choice::Track(index, why) => (index, why),
            Choice::Rest(index, until_ms) => return Next::Rest { until_ms, source: self.tracks[index].name },
            Choice::Nothing => return Next::Nothing,
        };
        let last = self.last.take();
        let track = &mut self.tracks[index];
        let ahead = track.ahead(last.as_ref());
        let Some(item) = track.order.take(ahead) else { return Next::Nothing };
        let why = format!("{}, {why}; {}", track.name, track.order.why());
        self.settle(&available, index, item.id, at_ms.saturating_add(item.duration_ms), last);
        Next::Item(item, self.tracks[index].name, why)
    }

    /// Goes behind an entry that is on the timeline already, and says whether its item is known where it came from.
    pub(super) fn fold(&mut self, entry: &PlanEntry) -> bool {
        let Some(item) = entry.item else { return true };
        let available = self.available(entry.start_ms);
        let last = self.last.take();
        let Some(index) = self.tracks.iter().position(|track| track.name == entry.rule) else {
            self.last = Some(Last { source: entry.rule.clone(), item, run: 1 });
            return true;
        };
        let known = self.tracks[index].fold(item, last.as_ref());
        self.settle(&available, index, item, entry.stop_ms, last);
        known
    }

    /// Returns what must be remembered to go on here.
    pub(super) fn state(&self) -> RotaState {
        let source = |track: &Track<'_>| {
            let Track { credit, stopped_ms, .. } = *track;
            (track.name.to_owned(), SourceState { credit, stopped_ms, cursor: track.order.cursor() })
        };
        RotaState { picks: self.picks, sources: self.tracks.iter().map(source).collect(), last: self.last.clone() }
    }

    fn available(&self, at_ms: i64) -> Vec<usize> {
        let may = |track: &Track<'_>| {
            track.free_ms().is_some_and(|free_ms| free_ms <= at_ms) && !track.is_worn_out(self.last.as_ref())
        };
        (0..self.tracks.len()).filter(|&index| may(&self.tracks[index])).collect()
    }

    fn choose(&mut self, available: &[usize], at_ms: i64) -> Choice {
        if !available.is_empty() {
            return Choice::Track(self.draw(available), "drawn by weight");
        }
        let fallback = self.tracks.iter().position(|track| track.role == Role::Fallback && !track.is_empty);
        if let Some(index) = fallback {
            return Choice::Track(index, "as no source may play now");
        }
        let free = |(index, track): (usize, &Track<'_>)| Some((track.free_ms()?, index));
        match self.tracks.iter().enumerate().filter_map(free).min() {
            None => Choice::Nothing,
            // It has been on often enough in a row, but there is nothing else.
            Some((free_ms, index)) if free_ms <= at_ms => Choice::Track(index, "nothing else may play"),
            Some((free_ms, index)) if self.all_resting == AllResting::Wait => Choice::Rest(index, free_ms),
            Some((_, index)) => Choice::Track(index, "every source rests, this one for the shortest time"),
        }
    }

    /// Draws one of the available sources: by weight, or by what is owed to it, which is its weight corrected by its deficit.
    fn draw(&mut self, available: &[usize]) -> usize {
        let all: Vec<(usize, u64)> = match self.mode {
            BalanceMode::WeightedRandom => {
                available.iter().map(|&index| (index, u64::from(self.tracks[index].weight()))).collect()
            }
            BalanceMode::Balanced => {
                let shares = self.shares(available).into_iter();
                let claim = |(index, share): (&usize, i64)| Claim { credit: self.tracks[*index].credit + share, share };
                let claims: Vec<_> = available.iter().zip(shares).map(claim).collect();
                odds(&claims).into_iter().map(|(place, odds)| (available[place], odds)).collect()
            }
        };
        let mut number = below(all.iter().map(|(_, odds)| odds).sum(), self.numbers.of(self.picks));
        let drawn = all.iter().find(|(_, odds)| {
            let is_here = number < *odds;
            number = number.saturating_sub(*odds);
            is_here
        });
        // The number lies below the sum, so one is found; only where nobody is owed anything there is no sum.
        drawn.or(all.first()).map_or(available[0], |(index, _)| *index)
    }

    fn shares(&self, available: &[usize]) -> Vec<i64> {
        shares(&available.iter().map(|&index| self.tracks[index].weight()).collect::<Vec<_>>())
    }

    /// Writes down that `item` of track `index` was on until `stop_ms`.
    fn settle(&mut self, available: &[usize], index: usize, item: MediaId, stop_ms: i64, last: Option<Last>) {
        // What plays because nothing else may takes nothing from anybody's share.
        if available.contains(&index) {
            self.picks = self.picks.wrapping_add(1);
            if self.mode == BalanceMode::Balanced {
                for (share, &other) in self.shares(available).into_iter().zip(available) {
                    self.tracks[other].credit += share;
                }
                self.tracks[index].credit -= ITEM;
            }
        }
        let track = &mut self.tracks[index];
        track.credit = track.credit.clamp(-MAX_CREDIT, MAX_CREDIT);
        track.stopped_ms = Some(stop_ms);
        let run = last.filter(|last| last.source == track.name).map_or(0, |last| last.run);
        self.last = Some(Last { source: track.name.to_owned(), item, run: run.saturating_add(1) });
    }
}

impl Track<'_> {
    fn weight(&self) -> u32 {
        if let Role::Source { weight, .. } = self.role { weight } else { 0 }
    }

    /// Returns from when on it may play; `None` for the fallback and for what has nothing to play.
    fn free_ms(&self) -> Option<i64> {
        let Role::Source { cooldown_ms, .. } = self.role else { return None };
        let free_ms = self.stopped_ms.map_or(i64::MIN, |stopped_ms| stopped_ms.saturating_add(cooldown_ms));
        (!self.is_empty).then_some(free_ms)
    }

    /// Returns whether it has been on as often in a row as it may.
    fn is_worn_out(&self, last: Option<&Last>) -> bool {
        let Role::Source { max_consecutive: Some(most), .. } = self.role else { return false };
        last.is_some_and(|last| last.source == self.name && last.run >= most)
    }

    /// Returns which of its next items to take: not the one that another source has just played, where there is another one.
    fn ahead(&mut self, last: Option<&Last>) -> usize {
        let Some(last) = last.filter(|last| last.source != self.name) else { return 0 };
        let next = self.order.peek(2);
        usize::from(next.len() == 2 && next[0].id == last.item && next[1].id != last.item)
    }

    /// Takes `item` as [`Self::ahead`] did when it was laid, else goes behind it.
    fn fold(&mut self, item: MediaId, last: Option<&Last>) -> bool {
        let ahead = self.ahead(last);
        if self.order.peek(ahead + 1).get(ahead).is_some_and(|next| next.id == item) {
            return self.order.take(ahead).is_some();
        }
        self.order.aired(item)
    }
}

/// Returns the seed of a source's own order, so that two sources with the same items do not play them alike.
fn order_seed(seed: u64, name: &str) -> u64 {
    // FNV-1a: the hash only has to tell names apart, and to be the same for ever.
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, fold);
    Numbers::new(seed, Purpose::Order, 0).of(hash)
}

/// Nobody is owed more than this, however many sources came and went.
const MAX_CREDIT: i64 = 2 * ITEM;
