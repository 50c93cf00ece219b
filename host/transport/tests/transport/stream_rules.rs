//! Chunks, segments and joins of a whole stream.

use std::sync::Arc;

use bytes::BytesMut;
use exstreamtv_model::OutputProfile;
use exstreamtv_transport::{
    AccessUnit, Chunk, ChunkCutter, FrameGrid, Origin, PlacedUnit, RunDemux, SegmentWindow, Slate, Splice, TsMux,
    UnitKind,
};

use crate::{
    checker,
    generator::{self, Pattern, RunSpec, Tag},
};

fn grid() -> FrameGrid {
    FrameGrid::new(&OutputProfile::default())
}

fn slate() -> Arc<Slate> {
    Arc::new(Slate::from_run(&generator::slate(60)).unwrap())
}

fn run(frames: i64) -> RunSpec {
    RunSpec {
        id: 0,
        rate: (30, 1),
        frames,
        gop: 60,
        pattern: Pattern::Pyramid,
        start_ticks: 7_777,
        sound_late_ticks: 0,
        sounds_per_pes: 1,
        known_lengths: false,
        picture_bytes: 500,
    }
}

fn units(spec: &RunSpec) -> Vec<AccessUnit> {
    let mut demux = RunDemux::new();
    demux.push(&spec.transport_stream());
    demux.finish();
    std::iter::from_fn(|| demux.pop()).collect()
}

fn drain(splice: &mut Splice) -> Vec<PlacedUnit> {
    std::iter::from_fn(|| splice.pop()).collect()
}

fn run_pictures(units: &[PlacedUnit]) -> Vec<i64> {
    let pictures = units.iter().filter(|unit| unit.kind.is_video() && unit.origin == Origin::Run);
    pictures.map(|unit| unit.index).collect()
}

/// Ten seconds: slate, a run from picture 45 to 195, slate.
fn chunks(flush_each: bool) -> Vec<Chunk> {
    let mut splice = Splice::new(grid(), 0, Some(slate()));
    splice.begin_run(45, 195);
    units(&run(150)).into_iter().for_each(|unit| splice.push(unit));
    splice.end_run();
    splice.fill_slate(300);
    let mut cutter = ChunkCutter::new(grid(), TsMux::new("Chunks", grid()));
    for unit in drain(&mut splice) {
        cutter.push(&unit);
        if flush_each {
            cutter.flush();
        }
    }
    cutter.flush();
    std::iter::from_fn(|| cutter.pop()).collect()
}

#[test]
fn chunks_begin_at_the_channels_keyframes_and_at_joins() {
    let keys: Vec<_> = chunks(false).iter().map(|chunk| (chunk.first_index, chunk.starts_with_key)).collect();
    // Slate from 0, run from 45 with keyframes at 45, 105, 165, slate from 195.
    let expected = [0, 45, 105, 165, 195, 240];
    assert_eq!(keys, expected.map(|index| (index, true)));
}

#[test]
fn chunks_in_a_row_are_the_stream_however_often_they_are_flushed() {
    let join = |chunks: &[Chunk]| chunks.iter().flat_map(|chunk| chunk.data.to_vec()).collect::<Vec<_>>();
    let (few, many) = (chunks(false), chunks(true));
    assert!(many.len() > 100 && join(&few) == join(&many));
    assert!(few.windows(2).all(|pair| pair[0].end_index() == pair[1].first_index));
    assert!(many.windows(2).all(|pair| pair[0].end_index() == pair[1].first_index));
    checker::assert_gapless(&checker::check(&join(&few)), (30, 1));
}

#[test]
fn every_key_chunk_and_every_segment_can_be_played_alone_with_its_own_sound() {
    for chunk in chunks(false) {
        let stream = checker::check(&chunk.data);
        assert!(stream.video[0].is_key);
        assert_eq!(stream.video.len() as i64, chunk.frames);
        checker::assert_gapless(&stream, (30, 1));
    }
    let mut window = SegmentWindow::new(grid(), 1);
    let segments: Vec<_> = chunks(true).iter().filter_map(|chunk| window.push(chunk)).collect();
    assert_eq!(segments.iter().map(|segment| segment.first_index).collect::<Vec<_>>(), [0, 105, 165]);
    for segment in segments {
        let stream = checker::check(&segment.data.concat());
        assert_eq!(stream.video.len() as i64, segment.frames);
        checker::assert_gapless(&stream, (30, 1));
    }
}

#[test]
fn a_late_run_joins_at_its_next_keyframe_at_the_right_moment() {
    let mut splice = Splice::new(grid(), 1_000, Some(slate()));
    splice.begin_run(1_000, 1_180);
    splice.fill_slate(1_025);
    assert!(!splice.has_joined());
    units(&run(180)).into_iter().for_each(|unit| splice.push(unit));
    assert!(splice.has_joined());
    let summary = splice.end_run();
    assert_eq!((summary.joined_at, summary.ended_at), (Some(1_060), Some(1_180)));
    assert_eq!((summary.frames, summary.skipped_frames, summary.damages), (120, 60, 0));
    let units = drain(&mut splice);
    assert_eq!(run_pictures(&units), (1_060..1_180).collect::<Vec<_>>());
    // Its sound joins with it, in step.
    let first_sound = units.iter().find(|unit| unit.kind == UnitKind::Audio && unit.origin == Origin::Run).unwrap();
    let number = Tag::read(&first_sound.data).unwrap().shown;
    assert!((first_sound.pts - grid().pts(1_060)).abs() <= 960);
    assert!((first_sound.pts - grid().pts(1_000) - number * 1_920).abs() <= 960);
}

#[test]
fn a_run_that_is_too_long_is_cut_where_it_can_be_decoded() {
    let mut splice = Splice::new(grid(), 0, Some(slate()));
    splice.begin_run(0, 103);
    units(&run(180)).into_iter().for_each(|unit| splice.push(unit));
    let summary = splice.end_run();
    // Mini-GOPs of four begin at 61, so the last one before 103 ends at 101.
    assert_eq!((summary.ended_at, summary.frames), (Some(101), 101));
    assert_eq!(splice.next_index(), 101);
}

#[test]
fn dead_sound_does_not_stop_the_picture_and_comes_back_in_step() {
    let mut splice = Splice::new(grid(), 0, Some(slate()));
    splice.begin_run(0, 300);
    let mut sent = Vec::new();
    for unit in units(&run(300)) {
        let number = Tag::read(&unit.data).unwrap().shown;
        if unit.kind.is_video() || !(50..250).contains(&number) {
            splice.push(unit);
            sent.extend(drain(&mut splice));
            let pending = splice.next_index() - sent.last().map_or(0, |unit| unit.index);
            assert!(pending <= 32, "{pending} pictures wait for sound");
        }
    }
    let summary = splice.end_run();
    sent.extend(drain(&mut splice));
    assert_eq!((summary.frames, summary.skipped_frames), (300, 0));
    let sounds: Vec<_> = sent.iter().filter(|unit| unit.kind == UnitKind::Audio).collect();
    assert!(sounds.windows(2).all(|pair| pair[1].pts - pair[0].pts == 1_920));
    let silent = sounds.iter().filter(|unit| unit.origin == Origin::Silence).count();
    assert!((200..=203).contains(&silent), "{silent} silent frames");
    assert_eq!(summary.silent_frames, silent as i64);
}

#[test]
fn a_run_without_any_sound_is_silent_and_not_late_for_ever() {
    let mut splice = Splice::new(grid(), 0, Some(slate()));
    splice.begin_run(0, 180);
    units(&run(180)).into_iter().filter(|unit| unit.kind.is_video()).for_each(|unit| splice.push(unit));
    let waiting = splice.next_index() - drain(&mut splice).iter().filter(|unit| unit.kind.is_video()).count() as i64;
    assert_eq!(waiting, 0);
    assert_eq!(splice.end_run().frames, 180);
}

fn pictures(splice: &mut Splice) -> Vec<PlacedUnit> {
    drain(splice).into_iter().filter(|unit| unit.kind.is_video()).collect()
}

fn keyframes(pictures: &[PlacedUnit]) -> Vec<i64> {
    pictures.iter().filter(|unit| unit.kind.is_keyframe()).map(|unit| unit.index).collect()
}

#[test]
fn a_slate_goes_on_where_it_was_and_begins_anew_at_every_keyframe_of_the_clock() {
    let mut splice = Splice::new(grid(), 50, Some(slate()));
    for until in [53, 54, 59, 60, 61, 150, 200] {
        splice.fill_slate(until);
    }
    let pictures = pictures(&mut splice);
    assert_eq!(keyframes(&pictures), [50, 60, 120, 180]);
    for pair in pictures.windows(2) {
        let [before, after] = [0, 1].map(|at| Tag::read(&pair[at].data).unwrap().decoded);
        assert!(pair[1].kind.is_keyframe() || after == before + 1, "{after} cannot be decoded after {before}");
    }
}

#[test]
fn neighbouring_keyframes_of_a_slate_are_of_different_groups_across_every_cut() {
    let mut splice = Splice::new(grid(), 0, Some(slate()));
    for (first, end) in [(0, 59), (60, 70), (71, 119), (120, 300)] {
        splice.fill_slate(first);
        splice.begin_run(first, end);
        units(&run(end - first)).into_iter().for_each(|unit| splice.push(unit));
        splice.end_run();
    }
    splice.fill_slate(500);
    let keys: Vec<_> = pictures(&mut splice)
        .into_iter()
        .filter(|unit| unit.kind.is_keyframe() && unit.origin == Origin::Slate)
        .map(|unit| unit.data)
        .collect();
    assert!(keys.len() >= 7 && keys.windows(2).all(|pair| pair[0] != pair[1]), "{}", keys.len());
}

#[test]
fn another_slate_follows_at_the_next_keyframe_or_at_once_when_none_is_on_air() {
    let other =
        |id| Arc::new(Slate::from_run(&generator::slate_of(id, 60, Pattern::Plain).transport_stream()).unwrap());
    let mut splice = Splice::new(grid(), 0, Some(slate()));
    splice.set_slate(other(901));
    splice.fill_slate(70);
    splice.set_slate(other(902));
    splice.fill_slate(100);
    splice.set_slate(other(903));
    splice.fill_slate(130);
    let units = drain(&mut splice);
    let shown = |video: bool| {
        let of_kind = units.iter().filter(move |unit| unit.kind.is_video() == video);
        of_kind.map(|unit| Tag::read(&unit.data).unwrap().run).collect::<Vec<_>>()
    };
    assert_eq!(shown(true), [[901; 120].as_slice(), &[903; 10]].concat());
    let sounds = shown(false);
    let turns = sounds.iter().position(|run| *run == 903).unwrap();
    assert!(sounds[..turns].iter().all(|run| *run == 901) && sounds[turns..].iter().all(|run| *run == 903));
    let place = |index| (grid().pts(index) + 959) / 1_920;
    assert_eq!(turns as i64, place(120) - place(0), "the sound turns with the picture");
}

#[test]
fn a_slate_that_waited_is_shown_when_a_programme_came_in_between() {
    let other = Arc::new(Slate::from_run(&generator::slate_of(901, 60, Pattern::Plain).transport_stream()).unwrap());
    let mut splice = Splice::new(grid(), 0, Some(slate()));
    splice.fill_slate(10);
    splice.set_slate(other);
    splice.begin_run(10, 40);
    units(&run(30)).into_iter().for_each(|unit| splice.push(unit));
    splice.end_run();
    splice.fill_slate(50);
    assert_eq!(Tag::read(&pictures(&mut splice)[45].data).unwrap().run, 901);
}

#[test]
fn the_sound_of_a_slate_is_a_loop_and_holes_in_a_run_are_silent() {
    let mut splice = Splice::new(grid(), 0, Some(slate()));
    splice.fill_slate(300);
    splice.begin_run(300, 480);
    let is_kept = |unit: &AccessUnit| unit.kind.is_video() || !(40..60).contains(&Tag::read(&unit.data).unwrap().shown);
    units(&run(180)).into_iter().filter(is_kept).for_each(|unit| splice.push(unit));
    splice.end_run();
    let units = drain(&mut splice);
    let of = |origin: Origin| {
        let sounds = units.iter().filter(move |unit| !unit.kind.is_video() && unit.origin == origin);
        sounds.map(|unit| Tag::read(&unit.data).unwrap()).collect::<Vec<_>>()
    };
    let looped = of(Origin::Slate);
    assert!(
        looped.len() > 2 * 75
            && looped.windows(2).all(|pair| pair[1].shown == pair[0].shown + 1 || pair[0].shown - pair[1].shown == 74)
    );
    assert!(
        looped.iter().all(|tag| tag.run == generator::SLATE_RUN && (17..92).contains(&tag.shown)),
        "the steady part"
    );
    let silent = of(Origin::Silence);
    assert_eq!(silent.len(), 20);
    assert!(
        silent.iter().all(|tag| tag.run == generator::SLATE_RUN && tag.shown == 5),
        "from the silent beginning: {silent:?}"
    );
}

#[test]
fn what_cannot_be_looped_is_no_slate_and_says_why() {
    let refused = |spec: RunSpec| Slate::from_run(&spec.transport_stream()).unwrap_err().to_string();
    let sound = generator::slate_of(1, 50, Pattern::Plain);
    assert!(Slate::from_run(&sound.transport_stream()).is_ok());
    assert!(refused(RunSpec { pattern: Pattern::Pyramid, ..sound.clone() }).contains("no B pictures"));
    assert!(refused(RunSpec { gop: 1_000, ..sound.clone() }).contains("two groups of pictures"));
    assert!(refused(RunSpec { frames: 40, ..sound }).contains("93 frames of sound"));
}

#[test]
fn the_mux_writes_the_same_bytes_in_one_buffer_or_many() {
    let mut splice = Splice::new(grid(), 0, Some(slate()));
    splice.fill_slate(40);
    let units = drain(&mut splice);
    let (mut one, mut many) = (BytesMut::new(), Vec::new());
    let (mut first, mut second) = (TsMux::new("Same", grid()), TsMux::new("Same", grid()));
    for unit in &units {
        first.write(unit, &mut one);
        let mut out = BytesMut::new();
        second.write(unit, &mut out);
        many.extend_from_slice(&out);
    }
    assert_eq!(&one[..], &many[..]);
}
