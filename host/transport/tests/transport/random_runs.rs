//! Random runs, killed, late, stalled, damaged and cut anywhere, become one gapless stream.

use std::sync::Arc;

use bytes::BytesMut;
use exstreamtv_model::{FrameRate, OutputProfile};
use exstreamtv_transport::{FrameGrid, RunDemux, RunSummary, Slate, Splice, TsMux};
use proptest::prelude::*;

use crate::{
    checker::{self, Stream, assert_gapless},
    generator::{self, Pattern, RunSpec, SLATE_RUN, Tag},
};

/// What happens to a run's bytes on the way.
#[derive(Debug, Clone)]
enum Damage {
    DropPacket,
    RepeatPacket,
    Garbage(Vec<u8>),
    FlipByte(usize),
}

/// One run and its fate.
#[derive(Debug, Clone)]
struct Fate {
    spec: RunSpec,
    /// Share of the bytes that arrive, in thousandths.
    arrives: usize,
    /// Slate frames on air before its first byte comes.
    late: i64,
    /// After this share of the bytes the slate goes on air for so many frames.
    stall: Option<(usize, i64)>,
    /// Each at a packet, in thousandths of the run.
    damage: Vec<(usize, Damage)>,
    /// Bytes per read.
    step: usize,
}

impl Fate {
    fn is_unharmed(&self) -> bool {
        self.arrives == 1_000 && self.late == 0 && self.stall.is_none() && self.damage.is_empty()
    }

    fn bytes(&self) -> Vec<u8> {
        let whole = self.spec.transport_stream();
        let mut packets: Vec<Vec<u8>> = whole.chunks(188).map(<[u8]>::to_vec).collect();
        for (at, damage) in &self.damage {
            // Bits may flip anywhere. Packets are lost later only, so that everybody still knows where the run begins.
            let from = if matches!(damage, Damage::FlipByte(_)) { 0 } else { packets.len() / 3 };
            let at = from + (packets.len() - from - 1) * at / 1_000;
            match damage {
                Damage::DropPacket => packets[at].clear(),
                Damage::RepeatPacket => packets[at] = packets[at].repeat(2),
                Damage::Garbage(bytes) => packets[at].extend_from_slice(bytes),
                Damage::FlipByte(byte) if !packets[at].is_empty() => packets[at][byte % 188] ^= 0x5A,
                Damage::FlipByte(_) => {}
            }
        }
        let mut bytes = packets.concat();
        bytes.truncate(bytes.len() * self.arrives / 1_000);
        bytes
    }
}

/// A channel with its feed's bare actions.
struct Channel {
    grid: FrameGrid,
    splice: Splice,
    mux: TsMux,
    out: BytesMut,
}

impl Channel {
    fn new(rate: (i64, i64), first_index: i64, offset: i64, slate: Option<Arc<Slate>>) -> Self {
        let frame_rate = FrameRate::new(rate.0 as u32, rate.1 as u32);
        let grid = FrameGrid::new(&OutputProfile { frame_rate, ..Default::default() });
        let mux = TsMux::new("Random", grid).with_offset(offset);
        Self { grid, splice: Splice::new(grid, first_index, slate), mux, out: BytesMut::new() }
    }

    fn drain(&mut self) {
        while let Some(unit) = self.splice.pop() {
            self.mux.write(&unit, &mut self.out);
        }
    }

    /// Plays a run at `first`, then covers what it left open.
    fn play(&mut self, fate: &Fate, first: i64) -> (RunSummary, i64) {
        let end = first + fate.spec.frames;
        self.splice.begin_run(first, end);
        self.splice.fill_slate(first + fate.late);
        let (bytes, mut demux, mut pictures) = (fate.bytes(), RunDemux::new(), 0);
        let mut stall = fate.stall.map(|(at, frames)| (bytes.len() * at / 1_000, frames));
        for (number, part) in bytes.chunks(fate.step).enumerate() {
            if let Some((_, frames)) = stall.take_if(|(at, _)| number * fate.step >= *at) {
                self.splice.fill_slate((self.splice.next_index() + frames).min(end));
            }
            demux.push(part);
            pictures += self.splice_units(&mut demux);
        }
        demux.finish();
        pictures += self.splice_units(&mut demux);
        let summary = self.splice.end_run();
        self.splice.fill_slate(end);
        self.drain();
        (summary, pictures)
    }

    fn splice_units(&mut self, demux: &mut RunDemux) -> i64 {
        let mut pictures = 0;
        while let Some(unit) = demux.pop() {
            pictures += i64::from(unit.kind.is_video());
            self.splice.push(unit);
            self.drain();
        }
        pictures
    }
}

/// Plays runs one after the other; returns the stream and where each run was meant to be.
fn broadcast(fates: &[Fate], first: i64, offset: i64) -> (Stream, Vec<i64>, Channel) {
    let slate = Arc::new(Slate::from_run(&generator::slate(10)).unwrap());
    let mut channel = Channel::new(fates[0].spec.rate, first, offset, Some(slate));
    let (mut next, mut starts) = (first, Vec::new());
    for fate in fates {
        let (summary, pictures) = channel.play(fate, next);
        assert_eq!(summary.frames + summary.skipped_frames, pictures, "every picture is accounted for");
        if fate.late == 0 && fate.stall.is_none() && fate.damage.is_empty() {
            assert!(summary.skipped_frames <= 4, "a kill loses at most a mini-GOP: {summary:?}");
        }
        starts.push(next);
        next += fate.spec.frames;
    }
    let stream = checker::check(&channel.out);
    assert_eq!(stream.video.len() as i64, next - first, "every frame of the clock is sent");
    assert_gapless(&stream, fates[0].spec.rate);
    (stream, starts, channel)
}

/// Every picture and sound of a run is where the run's own clock puts it.
fn assert_placed(stream: &Stream, fates: &[Fate], starts: &[i64], grid: FrameGrid) {
    let base = stream.video[0].pts - grid.pts(starts[0]);
    let mut before: Option<Tag> = None;
    for sent in &stream.video {
        let tag = Tag::read(&sent.data).unwrap();
        if tag.run != SLATE_RUN {
            let expected = base + grid.pts(starts[tag.run as usize] + tag.shown);
            assert_eq!(sent.pts, expected, "{tag:?} is shown at its own time");
            let follows = before.is_some_and(|last| last.run == tag.run && last.decoded + 1 == tag.decoded);
            assert!(sent.is_key || follows, "{tag:?} can be decoded after {before:?}");
        }
        before = Some(tag);
    }
    for sent in &stream.audio {
        let tag = Tag::read(&sent.data).unwrap();
        if tag.run != SLATE_RUN {
            let spec = &fates[tag.run as usize].spec;
            let ideal = base + grid.pts(starts[tag.run as usize]) + spec.sound_late_ticks + tag.shown * 1_920;
            assert!((sent.pts - ideal).abs() <= 960, "{tag:?} is heard {} ticks late", sent.pts - ideal);
        }
    }
}

/// A run to which nothing happened is on air whole, and nothing else is in its time.
fn assert_whole(stream: &Stream, fates: &[Fate], starts: &[i64]) {
    for (number, fate) in fates.iter().enumerate().filter(|(_, fate)| fate.is_unharmed()) {
        let at = (starts[number] - starts[0]) as usize;
        let mut pictures = stream.video[at..at + fate.spec.frames as usize].iter();
        assert!(pictures.all(|sent| Tag::read(&sent.data).unwrap().run == number as u32), "run {number} is whole");
        let sounds: Vec<_> = stream.audio.iter().map(|sent| Tag::read(&sent.data).unwrap()).collect();
        let own: Vec<_> = sounds.iter().filter(|tag| tag.run == number as u32).map(|tag| tag.shown).collect();
        assert!(own.windows(2).all(|pair| pair[0] + 1 == pair[1]), "no sound of run {number} is missing");
        let (first, last) = (own[0], own[own.len() - 1]);
        // A run whose sound is late by more than half a frame has a silent frame before it.
        assert!((0..=1).contains(&first) || fate.spec.sound_late_ticks != 0, "priming is not heard: {first}");
        let length = fate.spec.frames * 90_000 * fate.spec.rate.1 / fate.spec.rate.0;
        let expected = (length - fate.spec.sound_late_ticks) / 1_920;
        assert!((last - expected).abs() <= 2, "sound of run {number} lasts: {last} of {expected}");
    }
}

fn rate() -> impl Strategy<Value = (i64, i64)> {
    prop::sample::select(vec![
        (24_000, 1_001),
        (24, 1),
        (25, 1),
        (30_000, 1_001),
        (30, 1),
        (50, 1),
        (60_000, 1_001),
        (60, 1),
        (10, 1),
    ])
}

fn spec() -> impl Strategy<Value = RunSpec> {
    let pattern = prop::sample::select(vec![Pattern::Plain, Pattern::OneB, Pattern::Pyramid]);
    let start = prop_oneof![Just(0), Just((1 << 33) - 60_000), 0i64..1 << 33];
    let late = prop_oneof![3 => Just(0i64), 1 => -1_900i64..4_000];
    (15i64..140, 5i64..40, pattern, start, late, 1usize..12, any::<bool>(), 1usize..900).prop_map(
        |(frames, gop, pattern, start_ticks, sound_late_ticks, sounds_per_pes, known_lengths, picture_bytes)| RunSpec {
            id: 0,
            rate: (25, 1),
            frames,
            gop,
            pattern,
            start_ticks,
            sound_late_ticks,
            sounds_per_pes,
            known_lengths,
            picture_bytes,
        },
    )
}

fn visible_damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        Just(Damage::DropPacket),
        Just(Damage::RepeatPacket),
        prop::collection::vec(any::<u8>(), 1..600).prop_map(Damage::Garbage),
    ]
}

fn fates(damage: impl Strategy<Value = Damage> + 'static) -> impl Strategy<Value = Vec<Fate>> {
    let damage =
        prop_oneof![2 => Just(vec![]).boxed(), 1 => prop::collection::vec((0usize..1_000, damage), 1..5).boxed()];
    let fate = (
        spec(),
        prop_oneof![2 => Just(1_000usize), 1 => 0usize..1_000],
        prop_oneof![3 => Just(0i64), 1 => 0i64..60],
        prop::option::weighted(0.2, (0usize..1_000, 1i64..50)),
        damage,
        prop_oneof![1usize..400, 1_000usize..65_537],
    )
        .prop_map(|(spec, arrives, late, stall, damage, step)| Fate { spec, arrives, late, stall, damage, step });
    (rate(), prop::collection::vec(fate, 1..5)).prop_map(|(rate, mut fates)| {
        for (id, fate) in fates.iter_mut().enumerate() {
            fate.spec.id = id as u32;
            fate.spec.rate = rate;
            fate.late = fate.late.min(fate.spec.frames);
        }
        fates
    })
}

/// Places the 33-bit wrap somewhere in the first seconds, or nowhere.
fn offset(first_tick: i64, wraps_after: Option<i64>) -> i64 {
    wraps_after.map_or(0, |ticks| (1 << 33) - ticks - first_tick)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..Default::default() })]

    #[test]
    fn random_runs_become_one_gapless_stream(
        fates in fates(visible_damage()),
        first in 0i64..200_000_000_000,
        wraps_after in prop::option::of(0i64..400_000),
    ) {
        let grid = Channel::new(fates[0].spec.rate, 0, 0, None).grid;
        let (stream, starts, _) = broadcast(&fates, first, offset(grid.tick(first), wraps_after));
        assert_placed(&stream, &fates, &starts, grid);
        assert_whole(&stream, &fates, &starts);
    }

    #[test]
    fn flipped_bytes_never_break_a_rule_of_the_stream(
        fates in fates((0usize..188).prop_map(Damage::FlipByte)),
        first in 0i64..200_000_000_000,
    ) {
        broadcast(&fates, first, 0);
    }

    #[test]
    fn without_a_slate_the_stream_jumps_forward_and_never_back(
        fates in fates(visible_damage()),
        first in 0i64..200_000_000_000,
    ) {
        let mut channel = Channel::new(fates[0].spec.rate, first, 0, None);
        let mut next = first;
        for fate in &fates {
            channel.play(fate, next);
            next += fate.spec.frames;
        }
        let stream = checker::check_with_jumps(&channel.out);
        let base = stream.audio.first().map_or(0, |sent| sent.pts);
        prop_assert!(stream.audio.iter().all(|sent| (sent.pts - base) % 1_920 == 0));
    }
}
