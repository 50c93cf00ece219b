//! How long planning a day takes. The goal is 50 ms for 10,000 items in a release build.

use criterion::{Criterion, criterion_group, criterion_main};
use exstreamtv_model::{
    ItemOrder, MediaId, MediaKind,
    schedule::{PlanRequest, PoolItem, Window},
};
use exstreamtv_plugin_sdk::Scheduler;
use exstreamtv_schedulers::Sequence;

fn request(order: ItemOrder) -> PlanRequest {
    let item = |id: i64| PoolItem {
        id: MediaId(id),
        duration_ms: 1_320_000 + id % 7 * 60_000,
        kind: MediaKind::Episode,
        title: format!("The one with the number {}", id * 7_919 % 10_000),
        show: Some(format!("A series that is called {}", id % 97)),
        season: u32::try_from(id / 97 / 22 + 1).ok(),
        episode: u32::try_from(id / 97 % 22 + 1).ok(),
        position: None,
    };
    PlanRequest {
        zone: "Europe/Berlin".into(),
        window: Window { start_ms: 1_800_000_000_000, stop_ms: 1_800_086_400_000 },
        pool: (1..=10_000).map(item).collect(),
        order,
        state: None,
        seed: 1,
        after: None,
    }
}

fn plan(criterion: &mut Criterion) {
    for (name, order) in [("by name", ItemOrder::Name), ("shuffled", ItemOrder::Shuffle { seed: 1 })] {
        let first = request(order);
        let second = PlanRequest { state: Sequence.plan(&first).ok().map(|answer| answer.state), ..first };
        criterion.bench_function(&format!("24 h from 10,000 items, {name}"), |b| b.iter(|| Sequence.plan(&second)));
    }
}

criterion_group!(benches, plan);
criterion_main!(benches);
