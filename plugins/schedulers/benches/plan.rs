//! How long planning a day takes. The goals are 50 ms for 10,000 items and a second for 100,000, in a release build.

use criterion::{Criterion, criterion_group, criterion_main};
use exstreamtv_plugin_sdk::{
    MediaId, MediaKind, Scheduler,
    schedule::{MAIN_POOL, PlanRequest, Pool, PoolItem, Window},
};
use exstreamtv_schedulers::{Balance, Sequence};
use serde_json::{Value, json};

fn items(from: i64, count: i64) -> Vec<PoolItem> {
    let item = |id: i64| PoolItem {
        id: MediaId(id),
        duration_ms: 1_320_000 + id % 7 * 60_000,
        kind: MediaKind::Episode,
        title: format!("The one with the number {}", id * 7_919 % 10_000),
        show: Some(format!("A series that is called {}", id % 97)),
        season: u32::try_from(id / 97 / 22 + 1).ok(),
        episode: u32::try_from(id / 97 % 22 + 1).ok(),
        position: None,
        chapters_ms: Vec::new(),
    };
    (from..from + count).map(item).collect()
}

fn request(settings: Value, pools: Vec<Pool>) -> PlanRequest {
    PlanRequest {
        channel: "1".into(),
        zone: "Europe/Berlin".into(),
        window: Window { start_ms: 1_800_000_000_000, stop_ms: 1_800_086_400_000 },
        settings,
        pools,
        state: None,
        seed: 1,
        aired: Vec::new(),
    }
}

/// Ten sources that share `count` items, half of them shuffled, one resting.
fn balanced(count: i64) -> PlanRequest {
    let source = |number: i64| {
        let order_mode = if number % 2 == 0 { "ordered" } else { "shuffle" };
        let cooldown_minutes = if number == 3 { 60 } else { 0 };
        json!({ "name": number.to_string(), "weight": number, "collection_id": "1", "order_mode": order_mode, "cooldown_minutes": cooldown_minutes })
    };
    let pool = |number: i64| Pool::whole(&number.to_string(), items(number * count, count / 10));
    request(json!({ "sources": (1..=10).map(source).collect::<Vec<_>>() }), (1..=10).map(pool).collect())
}

fn plan(criterion: &mut Criterion) {
    for count in [10_000, 100_000] {
        let sequence = |order: Value| request(json!({ "order": order }), vec![Pool::whole(MAIN_POOL, items(1, count))]);
        let cases: [(&str, &dyn Scheduler, PlanRequest); 3] = [
            ("by name", &Sequence, sequence(json!({ "by": "name" }))),
            ("shuffled", &Sequence, sequence(json!({ "by": "shuffle", "seed": 1 }))),
            ("balanced", &Balance, balanced(count)),
        ];
        for (name, scheduler, first) in cases {
            let second = PlanRequest { state: scheduler.plan(&first).ok().map(|answer| answer.state), ..first };
            criterion
                .bench_function(&format!("24 h from {count} items, {name}"), |b| b.iter(|| scheduler.plan(&second)));
        }
    }
}

criterion_group!(benches, plan);
criterion_main!(benches);
