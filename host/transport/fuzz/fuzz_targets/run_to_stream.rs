//! Arbitrary bytes as a run: demultiplexed, spliced, multiplexed, and the result read again.
//!
//! Run with `cargo +nightly fuzz run run_to_stream` in `host/transport`; seed the corpus with any small FFmpeg MPEG-TS file.

#![no_main]

use bytes::BytesMut;
use exstreamtv_model::OutputProfile;
use exstreamtv_transport::{FrameGrid, RunDemux, Slate, Splice, TsMux};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let grid = FrameGrid::new(&OutputProfile::default());
    let slate = Slate::from_run(bytes).ok().map(std::sync::Arc::new);
    let (mut splice, mut mux, mut out) = (Splice::new(grid, 1_000, slate), TsMux::new("Fuzz", grid), BytesMut::new());
    let (mut demux, mut last_dts, mut pictures) = (RunDemux::new(), i64::MIN, 0);
    splice.begin_run(1_000, 4_000);
    demux.push(bytes);
    demux.finish();
    while let Some(unit) = demux.pop() {
        splice.push(unit);
    }
    splice.end_run();
    splice.fill_slate(1_100);
    while let Some(unit) = splice.pop() {
        assert!(unit.pts >= unit.dts);
        if unit.kind.is_video() {
            assert!(unit.dts > last_dts, "decoding time went back");
            last_dts = unit.dts;
            pictures += 1;
        }
        mux.write(&unit, &mut out);
    }
    let mut again = RunDemux::new();
    again.push(&out);
    again.finish();
    let stats = again.stats();
    assert_eq!((stats.continuity_gaps, stats.bad_packets, stats.bad_tables), (0, 0, 0));
    assert!(stats.pictures <= pictures);
});
