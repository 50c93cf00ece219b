//! Questions to schedulers.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use exstreamtv_model::{
    MediaId, MediaKind,
    schedule::{MAIN_POOL, PlanRequest, Pool, PoolItem, PoolNeed, PoolSource, Preparation, PrepareRequest, Window},
};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use super::{Ask, Breach, Occasion, SENT_ITEMS};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const ZONE: &str = "Europe/Berlin";

/// A week in which a zone changes its clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DstWeek {
    /// IANA zone.
    pub zone: &'static str,
    /// The day of the change, in the zone.
    pub day: NaiveDate,
}

/// Both changes of 2026 in four zones: one that starts at a whole hour, west of Greenwich, by half an hour in the south, and at midnight.
pub fn dst_weeks() -> Vec<DstWeek> {
    const CHANGES: [(&str, [(u32, u32); 2]); 4] = [
        ("Europe/Berlin", [(3, 29), (10, 25)]),
        ("America/New_York", [(3, 8), (11, 1)]),
        ("Australia/Lord_Howe", [(4, 5), (10, 4)]),
        ("America/Santiago", [(4, 5), (9, 6)]),
    ];
    let week = |zone, (month, day)| NaiveDate::from_ymd_opt(2026, month, day).map(|day| DstWeek { zone, day });
    CHANGES.into_iter().flat_map(|(zone, days)| days.into_iter().filter_map(move |day| week(zone, day))).collect()
}

impl DstWeek {
    /// Returns the question for the week: from three days before the change to four days after it.
    pub fn ask(&self, settings: &Value, preparation: &Preparation) -> Ask {
        let noon_ms = at_noon_ms(self.day);
        let window = Window { start_ms: noon_ms - 3 * DAY_MS, stop_ms: noon_ms + 4 * DAY_MS };
        Ask::Plan(Box::new(request(self.zone, window, settings, pools(preparation, 300))))
    }
}

pub(super) fn prepare(settings: &Value) -> PrepareRequest {
    PrepareRequest { zone: ZONE.into(), settings: settings.clone() }
}

pub(super) fn plan(occasion: Occasion, settings: &Value, preparation: &Preparation) -> PlanRequest {
    let from = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).map_or(0, at_noon_ms);
    let hours = |start_ms, hours| Window { start_ms, stop_ms: start_ms + hours * HOUR_MS };
    match occasion {
        Occasion::Ordinary => request(ZONE, hours(from(2026, 3, 4), 24), settings, pools(preparation, 300)),
        Occasion::Large => request(ZONE, hours(from(2026, 3, 4), 24), settings, pools(preparation, 100_000)),
        Occasion::LeapDay => request(ZONE, hours(from(2028, 2, 28), 48), settings, pools(preparation, 300)),
        Occasion::Random(seed) => random(seed, settings, preparation),
    }
}

fn random(seed: u64, settings: &Value, preparation: &Preparation) -> PlanRequest {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let zones = ["UTC", ZONE, "America/St_Johns", "Asia/Kathmandu", "Pacific/Chatham", "Africa/Casablanca"];
    let zone = zones[rng.random_range(0..zones.len())];
    // Any second from 2024 to 2031, and windows from one second to two days.
    let start_ms = rng.random_range(1_704_067_200..1_924_992_000_i64) * 1_000;
    let length_ms =
        if rng.random_bool(0.2) { rng.random_range(1_000..HOUR_MS) } else { rng.random_range(1..48) * HOUR_MS };
    let count = [0, 1, 2, 7, 60, 900][rng.random_range(0..6)];
    let window = Window { start_ms, stop_ms: start_ms + length_ms };
    PlanRequest { seed: rng.next_u64(), ..request(zone, window, settings, pools(preparation, count)) }
}

fn request(zone: &str, window: Window, settings: &Value, pools: Vec<Pool>) -> PlanRequest {
    PlanRequest {
        channel: "5.1 Conformance".into(),
        zone: zone.into(),
        window,
        settings: settings.clone(),
        pools,
        state: None,
        seed: 0xD1CE_5EED_0000_0001,
        aired: Vec::new(),
    }
}

/// Returns one pool of `count` items per need; the pool "main" for a strategy that was not asked.
fn pools(preparation: &Preparation, count: usize) -> Vec<Pool> {
    let main = [PoolNeed { key: MAIN_POOL.into(), source: PoolSource::Channel }];
    let needs = if preparation.pools.is_empty() { &main } else { preparation.pools.as_slice() };
    // 100,000 items are meant for all pools together, as one library would give them.
    let each = count.div_ceil(needs.len());
    needs.iter().enumerate().map(|(index, need)| Pool::whole(&need.key, items(index, each, &need.source))).collect()
}

fn items(pool: usize, count: usize, source: &PoolSource) -> Vec<PoolItem> {
    let salt = u64::try_from(pool).unwrap_or(u64::MAX);
    let mut rng = ChaCha8Rng::seed_from_u64(salt);
    let first_id = i64::try_from(pool).unwrap_or(0) * 1_000_000 + 1;
    (first_id..).take(count).map(|id| item(id, source, &mut rng)).collect()
}

/// Returns a clip, an episode or a film, in the proportions of a library.
fn item(id: i64, source: &PoolSource, rng: &mut ChaCha8Rng) -> PoolItem {
    let place = u32::try_from(id % 1_000_000).unwrap_or(0);
    let show = match source {
        PoolSource::Show { show } => Some(show.clone()),
        _ => (place % 5 < 3).then(|| format!("Série № {}", place % 3)),
    };
    let (kind, seconds) = match (&show, place % 5) {
        (Some(_), _) => (MediaKind::Episode, rng.random_range(1_200..3_300)),
        (None, 3) => (MediaKind::Movie, rng.random_range(4_800..7_800)),
        (None, _) => (MediaKind::Clip, rng.random_range(15..180)),
    };
    let duration_ms = seconds * 1_000 + rng.random_range(0..1_000);
    let chapters_ms = if place.is_multiple_of(4) { (1..4).map(|n| duration_ms * n / 4).collect() } else { Vec::new() };
    PoolItem {
        id: MediaId(id),
        duration_ms,
        kind,
        title: format!("Titel \"{place}\" – ⅓"),
        season: show.as_ref().map(|_| 1 + place / 60),
        episode: show.as_ref().map(|_| 1 + place / 3 % 20),
        show,
        position: None,
        chapters_ms,
    }
}

/// Returns the request with the first items of its pools only.
pub(super) fn sent(request: &PlanRequest) -> PlanRequest {
    let first = |pool: &Pool| Pool { items: pool.items.iter().take(SENT_ITEMS).cloned().collect(), ..pool.clone() };
    PlanRequest { pools: request.pools.iter().map(first).collect(), ..request.clone() }
}

pub(super) fn judge_preparation(preparation: &Preparation) -> Result<(), Breach> {
    let mut keys: Vec<_> = preparation.pools.iter().map(|need| need.key.as_str()).collect();
    keys.sort_unstable();
    let twice = keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
    if let Some(key) = twice.or(keys.first().copied().filter(|key| key.is_empty())) {
        return Err(Breach::PoolKey { key: key.into() });
    }
    let silent = preparation.faults.iter().find(|fault| fault.message.trim().is_empty());
    silent.map_or(Ok(()), |fault| Err(Breach::SilentFault { path: fault.path.clone() }))
}

/// Returns whether a host could ask this: a real zone, a window of at most two weeks in this century, and items as a scan finds them.
pub(super) fn is_possible(request: &PlanRequest) -> bool {
    let Window { start_ms, stop_ms } = request.window;
    let century_ms = 0..4_102_444_800_000;
    let possible = |item: &PoolItem| (1..=30 * DAY_MS).contains(&item.duration_ms);
    let whole = |pool: &Pool| pool.count == pool.items.len() as u64 && pool.items.iter().all(possible);
    is_zone(&request.zone)
        && century_ms.contains(&start_ms)
        && start_ms < stop_ms
        && stop_ms.saturating_sub(start_ms) <= 14 * DAY_MS
        && request.pools.iter().all(whole)
        && agree(&request.pools)
}

/// Returns whether an item that is in several pools is as long in each.
fn agree(pools: &[Pool]) -> bool {
    let mut lengths_ms = HashMap::new();
    let mut items = pools.iter().flat_map(|pool| &pool.items);
    items.all(|item| *lengths_ms.entry(item.id).or_insert(item.duration_ms) == item.duration_ms)
}

pub(super) fn is_zone(zone: &str) -> bool {
    zone.parse::<chrono_tz::Tz>().is_ok()
}

fn at_noon_ms(day: NaiveDate) -> i64 {
    let noon = day.and_hms_opt(12, 0, 0).unwrap_or_default();
    DateTime::<Utc>::from_naive_utc_and_offset(noon, Utc).timestamp_millis()
}
