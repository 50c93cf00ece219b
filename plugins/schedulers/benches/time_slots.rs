//! How long planning a day of slots takes. The goals are 50 ms for 10,000 items and a second for 100,000, in a release build.

use criterion::{Criterion, criterion_group, criterion_main};
use exstreamtv_plugin_sdk::{
    MediaId, MediaKind, Scheduler,
    schedule::{MAIN_POOL, PlanRequest, Pool, PoolItem, Window},
};
use exstreamtv_schedulers::TimeSlots;
use serde_json::json;

fn item(id: i64) -> PoolItem {
    PoolItem {
        id: MediaId(id),
        duration_ms: 1_320_000 + id % 7 * 60_000,
        kind: MediaKind::Episode,
        title: format!("The one with the number {}", id * 7_919 % 100_000),
        show: Some(format!("A series that is called {}", id % 97)),
        season: u32::try_from(id / 97 / 22 + 1).ok(),
        episode: u32::try_from(id / 97 % 22 + 1).ok(),
        position: None,
        chapters_ms: Vec::new(),
    }
}

fn clip(id: i64) -> PoolItem {
    PoolItem { duration_ms: 15_000 + id % 46 * 1_000, kind: MediaKind::Clip, show: None, ..item(1_000_000 + id) }
}

/// A day in `slots` slots of the same length, each with a place of its own in one large pool.
fn request(items: i64, order: &str, slots: u32) -> PlanRequest {
    let hours = 24 / slots;
    let slot = |number: u32| {
        let start = format!("{:02}:00", number * hours);
        let flex = ["none", "compress", "extend", "compress"][number as usize % 4];
        json!({
            "slot_id": start, "start_time": start, "duration_minutes": hours * 60, "order_mode": order, "flex_mode": flex,
            "padding_mode": "filler", "pad_to_minutes": 30, "breaks": { "every_minutes": 10 },
        })
    };
    let settings = json!({
        "slots": (0..slots).map(slot).collect::<Vec<_>>(),
        "filler": { "collection_id": "clips", "cooldown_minutes": 30 },
    });
    PlanRequest {
        channel: "1".into(),
        zone: "Europe/Berlin".into(),
        window: Window { start_ms: 1_800_000_000_000, stop_ms: 1_800_086_400_000 },
        settings,
        pools: vec![
            Pool::whole(MAIN_POOL, (1..=items).map(item).collect()),
            Pool::whole("collection:clips", (1..=500).map(clip).collect()),
        ],
        state: None,
        seed: 1,
        aired: Vec::new(),
    }
}

fn plan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("time slots, 24 h");
    group.sample_size(10);
    for items in [10_000, 100_000] {
        for (order, slots) in [("ordered", 4), ("ordered", 24), ("shuffle", 4), ("shuffle", 24), ("random", 4)] {
            let first = request(items, order, slots);
            let second = PlanRequest { state: TimeSlots.plan(&first).ok().map(|answer| answer.state), ..first };
            let name = format!("{slots} slots, {items} items, {order}");
            group.bench_function(name, |b| b.iter(|| TimeSlots.plan(&second)));
        }
    }
    group.finish();
}

criterion_group!(benches, plan);
criterion_main!(benches);
