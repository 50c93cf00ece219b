//! The splice on its own: whatever is called in whatever order with whatever times, the timeline stays legal.

use std::sync::Arc;

use bytes::Bytes;
use exstreamtv_model::OutputProfile;
use exstreamtv_transport::{AccessUnit, FrameGrid, PlacedUnit, RunDemux, Slate, Splice, UnitKind};
use proptest::prelude::*;

use crate::generator;

#[derive(Debug, Clone)]
enum Call {
    Begin { ahead: i64, frames: i64 },
    Picture { keyframe: bool, pts: i64 },
    Sound { pts: i64 },
    End,
    Fill { frames: i64 },
}

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => (0i64..60).prop_map(|frame| frame * 3_000),
        2 => -10_000i64..400_000,
        1 => -(1i64 << 40)..1 << 40,
        1 => prop::sample::select(vec![i64::MIN, i64::MAX, 0]),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        1 => (-20i64..40, 0i64..120).prop_map(|(ahead, frames)| Call::Begin { ahead, frames }),
        8 => (prop::bool::weighted(0.2), time()).prop_map(|(keyframe, pts)| Call::Picture { keyframe, pts }),
        8 => time().prop_map(|pts| Call::Sound { pts }),
        1 => Just(Call::End),
        1 => (0i64..40).prop_map(|frames| Call::Fill { frames }),
    ]
}

fn perform(splice: &mut Splice, call: &Call) {
    let data = Bytes::from_static(b"unit");
    match *call {
        Call::Begin { ahead, frames } => {
            let first = splice.next_index() + ahead;
            splice.begin_run(first, first + frames);
        }
        Call::Picture { keyframe, pts } => {
            splice.push(AccessUnit { kind: UnitKind::Video { keyframe }, pts, dts: pts, data });
        }
        Call::Sound { pts } => splice.push(AccessUnit { kind: UnitKind::Audio, pts, dts: pts, data }),
        Call::End => {
            splice.end_run();
        }
        Call::Fill { frames } => splice.fill_slate(splice.next_index() + frames),
    }
}

fn broadcast(calls: &[Call], first: i64, slate: Option<Arc<Slate>>) -> Vec<PlacedUnit> {
    let mut splice = Splice::new(FrameGrid::new(&OutputProfile::default()), first, slate);
    let mut units = Vec::new();
    for call in calls {
        perform(&mut splice, call);
        units.extend(std::iter::from_fn(|| splice.pop()));
    }
    splice.end_run();
    units.extend(std::iter::from_fn(|| splice.pop()));
    units
}

fn assert_legal(units: &[PlacedUnit]) {
    assert!(units.windows(2).all(|pair| pair[0].index <= pair[1].index), "sent in order");
    assert!(units.iter().all(|unit| unit.pts >= unit.dts));
    let (video, audio): (Vec<_>, Vec<_>) = units.iter().partition(|unit| unit.kind.is_video());
    assert!(video.windows(2).all(|pair| pair[0].dts < pair[1].dts));
    assert!(audio.windows(2).all(|pair| pair[0].pts < pair[1].pts && pair[1].pts % 1_920 == 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_calls_make_a_legal_and_gapless_timeline(
        calls in prop::collection::vec(call(), 0..200),
        first in 0i64..100_000_000_000,
    ) {
        let slate = Arc::new(Slate::from_run(&generator::slate(10)).unwrap());
        let units = broadcast(&calls, first, Some(slate));
        assert_legal(&units);
        let (video, audio): (Vec<_>, Vec<_>) = units.iter().partition(|unit| unit.kind.is_video());
        prop_assert!(video.iter().enumerate().all(|(at, unit)| unit.index == first + at as i64));
        let mut shown: Vec<_> = video.iter().map(|unit| unit.pts).collect();
        shown.sort_unstable();
        prop_assert!(shown.windows(2).all(|pair| pair[1] - pair[0] == 3_000));
        prop_assert!(audio.windows(2).all(|pair| pair[1].pts - pair[0].pts == 1_920));
    }

    #[test]
    fn without_a_slate_the_timeline_is_still_legal(
        calls in prop::collection::vec(call(), 0..200),
        first in 0i64..100_000_000_000,
    ) {
        assert_legal(&broadcast(&calls, first, None));
    }

    #[test]
    fn arbitrary_bytes_never_harm_the_demultiplexer(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..700), 0..12),
        seed in prop::collection::vec((0usize..30_000, any::<u8>()), 0..60),
    ) {
        let mut demux = RunDemux::new();
        // Noise, then a slate with noise in it: the second kind gets deeper.
        parts.iter().for_each(|part| demux.push(part));
        let mut bytes = generator::slate(12);
        for (at, value) in seed {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        demux.push(&bytes);
        demux.finish();
        let units = std::iter::from_fn(|| demux.pop()).count() as u64;
        prop_assert_eq!(units, demux.stats().pictures + demux.stats().sound_frames);
        let _ = Slate::from_run(&bytes);
    }
}
