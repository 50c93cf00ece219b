//! How long a plan takes all the way: written as a document, paged, read, planned, answered and checked, by the library that is shipped.
//!
//! The goals are 50 ms for a day from 10,000 items and a second from 100,000. `cargo build --release -p exstreamtv-shipped` comes first.

#![expect(clippy::expect_used, reason = "a bench without its library has nothing to say")]

use std::{path::Path, sync::Arc};

use criterion::{Criterion, criterion_group, criterion_main};
use exstreamtv::{
    clock::SystemClock,
    config::Isolation,
    lifecycle::Lifecycle,
    plugins::{Choice, Options, Strategies},
};
use exstreamtv_model::{
    MediaId, MediaKind,
    schedule::{MAIN_POOL, PlanRequest, Pool, PoolItem, Window},
};
use serde_json::{Value, json};

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

fn request(pool: &str, items: i64, settings: Value) -> PlanRequest {
    PlanRequest {
        channel: "1".into(),
        zone: "Europe/Berlin".into(),
        window: Window { start_ms: 1_800_000_000_000, stop_ms: 1_800_086_400_000 },
        settings,
        pools: vec![Pool::whole(pool, (1..=items).map(item).collect())],
        state: None,
        seed: 1,
        aired: Vec::new(),
    }
}

/// Four slots of six hours, half of them shuffled.
fn slots() -> Value {
    let slot = |start: &str, order: &str| json!({ "slot_id": start, "start_time": start, "duration_minutes": 360, "order_mode": order, "pad_to_minutes": 30 });
    let of_the_day =
        [slot("00:00", "ordered"), slot("06:00", "shuffle"), slot("12:00", "ordered"), slot("18:00", "shuffle")];
    json!({ "slots": of_the_day })
}

fn plan(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let own = std::env::current_exe().expect("this program has a path");
    let built = own.parent().and_then(Path::parent).expect("benches lie in target/release/deps");
    for (name, isolation) in [("inside the host", Isolation::InProcess), ("in a process", Isolation::Process)] {
        let options = Options {
            flags: vec![],
            variable: None,
            paths: vec![],
            isolation,
            safe_mode: false,
            data: Some(folder.path().to_owned()),
            serving: true,
            program: built.join("exstreamtv"),
        };
        let life = Lifecycle::default();
        let started = Strategies::start(options, Choice::default(), Arc::new(SystemClock), &life);
        let strategies = runtime.block_on(started);
        let mut group = criterion.benchmark_group(format!("24 h, {name}"));
        group.sample_size(10);
        for items in [10_000, 100_000] {
            for (strategy, first) in [
                ("exstreamtv.sequence", request(MAIN_POOL, items, Value::Null)),
                ("exstreamtv.time-slots", request(MAIN_POOL, items, slots())),
            ] {
                let planned = runtime.block_on(strategies.plan(strategy, first.clone()));
                assert_eq!(planned.fallback, None, "{strategy} did not answer");
                let second = PlanRequest { state: Some(planned.answer.state), ..first };
                group.bench_function(format!("{items} items, {strategy}"), |bench| {
                    bench.iter(|| runtime.block_on(strategies.plan(strategy, second.clone())));
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, plan);
criterion_main!(benches);
