//! Throughput of the stages between FFmpeg's pipe and the viewers, in bytes of the run.
//!
//! Run with `cargo bench -p exstreamtv-transport --bench splice`. Criterion prints GiB/s.

use std::hint::black_box;

use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use exstreamtv_model::OutputProfile;
use exstreamtv_transport::{AccessUnit, ChunkCutter, FrameGrid, Origin, PlacedUnit, RunDemux, Splice, TsMux, UnitKind};

/// What a read of a pipe returns.
const READ_BYTES: usize = 64 << 10;
const SECONDS: i64 = 20;

fn grid() -> FrameGrid {
    FrameGrid::new(&OutputProfile::default())
}

/// Returns a picture of 2.5 Mb/s at 30 Hz, or a sound frame of 192 kb/s.
fn unit(kind: UnitKind, index: i64, pts: i64) -> PlacedUnit {
    let data = match kind {
        UnitKind::Video { keyframe: true } => {
            [b"\0\0\x01\x67\x64\x00\x1F\0\0\x01\x68\xEE\0\0\x01\x65", &[0xA5; 60_000][..]].concat()
        }
        UnitKind::Video { keyframe: false } => [b"\0\0\x01\x41", &[0xA5; 9_400][..]].concat(),
        // A header of 512 bytes, 48 kHz, stereo.
        UnitKind::Audio => [b"\xFF\xF1\x4C\x80\x40\x1F\xFC", &[0xA5; 505][..]].concat(),
    };
    PlacedUnit { kind, index, pts, dts: grid().tick(index), origin: Origin::Run, data: data.into() }
}

/// Returns a run as its units in the order of sending.
fn units() -> Vec<PlacedUnit> {
    let picture = |index: i64| unit(UnitKind::Video { keyframe: index % 60 == 0 }, index, grid().pts(index));
    let sound = |number: i64| unit(UnitKind::Audio, number * 1_920 / 3_000, number * 1_920 + 6_000);
    let mut units: Vec<_> = (0..SECONDS * 30).map(picture).chain((0..SECONDS * 375 / 8).map(sound)).collect();
    units.sort_by_key(|unit| (unit.index, unit.kind == UnitKind::Audio));
    units
}

fn transport_stream(units: &[PlacedUnit]) -> BytesMut {
    let (mut mux, mut out) = (TsMux::new("Bench", grid()), BytesMut::new());
    units.iter().for_each(|unit| mux.write(unit, &mut out));
    out
}

fn demux(stream: &[u8], mut take: impl FnMut(AccessUnit)) {
    let mut demux = RunDemux::new();
    for read in stream.chunks(READ_BYTES) {
        demux.push(read);
        while let Some(unit) = demux.pop() {
            take(unit);
        }
    }
}

fn whole_way(stream: &[u8]) -> usize {
    let mut splice = Splice::new(grid(), 0, None);
    let mut cutter = ChunkCutter::new(grid(), TsMux::new("Bench", grid()));
    let mut sent_bytes = 0;
    splice.begin_run(0, i64::MAX / 8);
    demux(stream, |unit| {
        splice.push(unit);
        while let Some(unit) = splice.pop() {
            cutter.push(&unit);
        }
        while let Some(chunk) = cutter.pop() {
            sent_bytes += chunk.data.len();
        }
    });
    sent_bytes
}

fn splice(criterion: &mut Criterion) {
    let units = units();
    let stream = transport_stream(&units);
    assert!(whole_way(&stream) > stream.len() * 8 / 10, "the bench must splice what it is given");
    let mut group = criterion.benchmark_group("transport");
    group.throughput(Throughput::Bytes(stream.len() as u64));
    group.bench_function("demux", |bench| bench.iter(|| demux(black_box(&stream), |unit| drop(black_box(unit)))));
    group.bench_function("mux", |bench| bench.iter(|| transport_stream(black_box(&units))));
    group.bench_function("demux, splice, mux, chunks", |bench| bench.iter(|| whole_way(black_box(&stream))));
    group.finish();
}

criterion_group!(benches, splice);
criterion_main!(benches);
