//! What it costs to say something, and to collect it.
//!
//! Does: log through `tracing` as every part of the host does, with the collector listening.
//! Does not: write lines; they go where the operator wants them.

use std::{hint::black_box, sync::Arc};

use chrono::TimeDelta;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use exstreamtv::{
    clock::SystemClock,
    lifecycle::Lifecycle,
    logs::{Collector, Intake, Settings, TEMPLATES, ear::Ear},
};
use exstreamtv_healing::Templates;
use tokio::sync::watch;
use tracing_subscriber::layer::SubscriberExt;

fn emitting(criterion: &mut Criterion) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime");
    let _entered = runtime.enter();
    let limits = exstreamtv_healing::Limits { events: 20_000, bytes: 16 << 20, age: TimeDelta::minutes(30) };
    let (_settings, settings) = watch::channel(Settings { limits, realtime: true });
    let intake = Arc::new(Intake::default());
    let collector = Collector::start(
        Arc::clone(&intake),
        Templates::new(TEMPLATES),
        Arc::new(SystemClock),
        settings,
        &Lifecycle::default(),
    );
    let subscriber = tracing_subscriber::registry().with(Ear::new(intake));
    let mut group = criterion.benchmark_group("logs");
    group.throughput(Throughput::Elements(1));
    tracing::subscriber::with_default(subscriber, || {
        let span = tracing::info_span!("channel", channel.id = 7);
        let _inside = span.enter();
        let mut run = 0_u64;
        group.bench_function("say an event (the emitter's cost; what does not fit is lost and counted)", |bencher| {
            bencher.iter(|| {
                run += 1;
                tracing::warn!(
                    run.id = run,
                    cause = "ended_early",
                    why = black_box("matroska,webm: it ends early"),
                    "a run broke"
                );
            });
        });
    });
    group.finish();
    println!("{:?}", collector.counts());
}

criterion_group!(benches, emitting);
criterion_main!(benches);
