//! How long a plan takes all the way, and how much memory: written as a document, paged, read, planned, answered and checked, by the library
//! that is shipped.
//!
//! The goals are 50 ms for a day from 10,000 items and a second from 100,000, and 300 MiB at most. `cargo build --release -p exstreamtv-shipped` comes first.

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
use tokio::runtime::Runtime;

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

/// A day in slots of the same length, in turn in these orders; each slot has a place of its own in the one pool.
fn slots(count: u32, orders: &[&str]) -> Value {
    let hours = 24 / count;
    let slot = |number: u32| {
        let (start, order) = (format!("{:02}:00", number * hours), orders[number as usize % orders.len()]);
        json!({ "slot_id": start, "start_time": start, "duration_minutes": hours * 60, "order_mode": order, "pad_to_minutes": 30 })
    };
    json!({ "slots": (0..count).map(slot).collect::<Vec<_>>() })
}

/// The strategies that are measured, with their names and settings.
fn cases() -> [(&'static str, &'static str, Value); 3] {
    [
        ("sequence", "exstreamtv.sequence", Value::Null),
        ("4 slots", "exstreamtv.time-slots", slots(4, &["ordered", "shuffle"])),
        ("24 shuffled slots", "exstreamtv.time-slots", slots(24, &["shuffle"])),
    ]
}

/// Finds the shipped library, and runs its strategies inside this program or in processes.
fn strategies(runtime: &Runtime, folder: &Path, isolation: Isolation) -> Strategies {
    let own = std::env::current_exe().expect("this program has a path");
    let built = own.parent().and_then(Path::parent).expect("benches lie in target/release/deps");
    let options = Options {
        flags: vec![],
        variable: None,
        paths: vec![],
        isolation,
        safe_mode: false,
        data: Some(folder.to_owned()),
        serving: true,
        program: built.join("exstreamtv"),
    };
    let life = Lifecycle::default();
    runtime.block_on(Strategies::start(options, Choice::default(), Arc::new(SystemClock), &life))
}

fn plan(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime can be made");
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (name, isolation) in [("inside the host", Isolation::InProcess), ("in a process", Isolation::Process)] {
        let strategies = strategies(&runtime, folder.path(), isolation);
        let mut group = criterion.benchmark_group(format!("24 h, {name}"));
        group.sample_size(10);
        for items in [10_000, 100_000] {
            for (case, strategy, settings) in cases() {
                let first = request(MAIN_POOL, items, settings);
                let planned = runtime.block_on(strategies.plan(strategy, first.clone()));
                assert_eq!(planned.fallback, None, "{strategy} did not answer");
                let second = PlanRequest { state: Some(planned.answer.state), ..first };
                group.bench_function(format!("{items} items, {case}"), |bench| {
                    bench.iter(|| runtime.block_on(strategies.plan(strategy, second.clone())));
                });
            }
        }
        group.finish();
    }
}

/// Prints by how much the most memory that this program ever held grows with a plan: the planner's pool, the documents, and what the plugin makes of them.
fn memory(_: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime can be made");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let strategies = strategies(&runtime, folder.path(), Isolation::InProcess);
    for items in [10_000, 100_000] {
        for (case, strategy, settings) in cases() {
            let Some(before_kib) = forget_peak() else { return println!("memory of a plan: this system does not say") };
            let request = request(MAIN_POOL, items, settings);
            let pool_kib = status_kib("VmRSS").map_or(0, |now_kib| now_kib.saturating_sub(before_kib));
            let planned = runtime.block_on(strategies.plan(strategy, request));
            assert_eq!(planned.fallback, None, "{strategy} did not answer");
            let peak_kib = status_kib("VmHWM").map_or(0, |peak_kib| peak_kib.saturating_sub(before_kib));
            let mib = |kib: u64| kib as f64 / 1_024.0;
            println!(
                "24 h from {items} items, {case}: {:.1} MiB, of which the pool {:.1} MiB",
                mib(peak_kib),
                mib(pool_kib)
            );
        }
    }
}

/// Lets the peak of the memory begin anew, and returns what is held now. Linux alone can do so.
fn forget_peak() -> Option<u64> {
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    status_kib("VmRSS")
}

fn status_kib(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

criterion_group!(benches, memory, plan);
criterion_main!(benches);
