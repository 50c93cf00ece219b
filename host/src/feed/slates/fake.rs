//! A renderer for tests: it writes a slate without FFmpeg and remembers what it was asked for.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

use bytes::{Bytes, BytesMut};
use exstreamtv_model::{OutputProfile, PlayOrder, Screen, order::Source, slate::Visual};
use exstreamtv_transport::{AUDIO_FRAME_TICKS, FrameGrid, Origin, PlacedUnit, TsMux, UnitKind};
use futures::{FutureExt, future::BoxFuture};

use super::Render;

/// Refuses every image, and everything while it is broken.
#[derive(Debug, Default)]
pub(crate) struct FakeRenderer {
    orders: Mutex<Vec<Screen>>,
    broken: AtomicBool,
    wordless: AtomicBool,
}

impl FakeRenderer {
    /// What it was asked for.
    pub(crate) fn screens(&self) -> Vec<Screen> {
        self.orders.lock().unwrap().clone()
    }

    pub(crate) fn set_broken(&self, broken: bool) {
        self.broken.store(broken, Ordering::Relaxed);
    }

    /// Whether text cannot be written.
    pub(crate) fn set_wordless(&self, wordless: bool) {
        self.wordless.store(wordless, Ordering::Relaxed);
    }
}

impl Render for FakeRenderer {
    fn render(&self, order: PlayOrder) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        let (Source::Slate { screen } | Source::Still { screen }) = order.source else { panic!("not a slate") };
        self.orders.lock().unwrap().push(screen.clone());
        let result = match screen.visual {
            _ if self.broken.load(Ordering::Relaxed) => Err("no space left on device".to_owned()),
            _ if self.wordless.load(Ordering::Relaxed) && screen.draws_text() => {
                Err("no space left in /tmp".to_owned())
            }
            Visual::Image { .. } => Err("this is no picture".to_owned()),
            _ => Ok(slate()),
        };
        async { result }.boxed()
    }
}

/// Four seconds: pictures and sound that nobody can decode, but everybody can splice.
fn slate() -> Vec<u8> {
    let grid = FrameGrid::new(&OutputProfile::default());
    let mut units: Vec<PlacedUnit> = (0..120).map(|index| picture(&grid, index)).collect();
    units.extend((0..180).map(|number| sound(&grid, number)));
    units.sort_by_key(|unit| (unit.index, !unit.kind.is_video()));
    let (mut mux, mut out) = (TsMux::new("Fake", grid), BytesMut::new());
    units.iter().for_each(|unit| mux.write(unit, &mut out));
    out.to_vec()
}

fn picture(grid: &FrameGrid, index: i64) -> PlacedUnit {
    let keyframe = grid.is_key(index);
    let slice: &[u8] =
        if keyframe { b"\0\0\x01\x67\x64\x00\x1F\0\0\x01\x68\xEE\0\0\x01\x65\x88" } else { b"\0\0\x01\x41\x9A" };
    PlacedUnit {
        kind: UnitKind::Video { keyframe },
        index,
        pts: grid.pts(index),
        dts: grid.tick(index),
        origin: Origin::Run,
        data: Bytes::from([b"\0\0\0\x01\x09\xF0", slice, &index.to_be_bytes().map(|byte| byte | 0x80)].concat()),
    }
}

fn sound(grid: &FrameGrid, number: i64) -> PlacedUnit {
    let pts = grid.pts(0) + number * AUDIO_FRAME_TICKS;
    let payload = number.to_be_bytes();
    let length = payload.len() + 7;
    let header = [0xFF, 0xF1, 0x4C, 0x80 | (length >> 11) as u8, (length >> 3) as u8, (length << 5) as u8 | 0x1F, 0xFC];
    let index = (pts - grid.pts(0)) * 30 / 90_000;
    PlacedUnit {
        kind: UnitKind::Audio,
        index,
        pts,
        dts: pts,
        origin: Origin::Run,
        data: [&header[..], &payload].concat().into(),
    }
}
