//! Image subtitles are seen at the right second and at the right place, wherever a run begins.

use std::{fs, path::PathBuf};

use exstreamtv_model::{
    FrameRate, PlayOrder,
    media::{StreamKind, VideoStream},
    order::{BurnIn, Source},
    pick::StreamRef,
};

use crate::harness::{Bright, Run, assert_near, burnt, film, make, stream, video};

/// A white bar of 640x160 at (640, 800) on a canvas of 1920x1080, from 1 s to 2 s and from 5 s to 7 s.
fn presentation() -> Vec<u8> {
    // FFmpeg takes the first event for the start of a file, so an empty one is at zero.
    let mut stream = [segment(0, 0x16, &composition(0, false)), segment(0, 0x80, &[])].concat();
    for (number, (start_ms, stop_ms)) in (1_u8..).step_by(2).zip([(1_000, 2_000), (5_000, 7_000)]) {
        stream.extend(segment(start_ms, 0x16, &composition(number, true)));
        stream.extend(segment(start_ms, 0x17, &[1, 0, 0x02, 0x80, 0x03, 0x20, 0x02, 0x80, 0, 160]));
        stream.extend(segment(start_ms, 0x14, &[0, 0, 1, 235, 128, 128, 255]));
        stream.extend(segment(start_ms, 0x15, &bitmap()));
        stream.extend(segment(start_ms, 0x80, &[]));
        stream.extend(segment(stop_ms, 0x16, &composition(number + 1, false)));
        stream.extend(segment(stop_ms, 0x80, &[]));
    }
    stream
}

fn segment(at_ms: u32, kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap();
    [b"PG", &(at_ms * 90).to_be_bytes()[..], &[0; 4], &[kind], &length.to_be_bytes(), body].concat()
}

fn composition(number: u8, shown: bool) -> Vec<u8> {
    let mut body = vec![0x07, 0x80, 0x04, 0x38, 0x10, 0, number, if shown { 0x80 } else { 0 }, 0, 0, u8::from(shown)];
    if shown {
        body.extend([0, 0, 0, 0, 0x02, 0x80, 0x03, 0x20]);
    }
    body
}

/// 640x160 of colour 1 as run lengths.
fn bitmap() -> Vec<u8> {
    let data = [0x00, 0xC2, 0x80, 1, 0x00, 0x00].repeat(160);
    let length = u32::try_from(data.len() + 4).unwrap().to_be_bytes();
    [&[0, 0, 0, 0xC0], &length[1..], &[0x02, 0x80, 0, 160], &data].concat()
}

/// A dark film of `size` whose second subtitle stream is made of the bar.
fn dark_film(size: &str, name: &str, coders: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let bars = folder.path().join("bars.sup");
    fs::write(&bars, presentation()).unwrap();
    let bars = bars.to_str().unwrap();
    let arguments = format!(
        "-f lavfi -i color=c=black:s={size}:r=25:d=10 -f lavfi -i sine=440:r=48000:d=10 -fix_sub_duration -i {bars} \
         -map 0 -map 1 -map 2 {coders} -t 10"
    );
    let path = make(folder.path(), name, &arguments);
    (folder, path)
}

const MATROSKA: &str = "-c:v libx264 -preset ultrafast -g 25 -c:a aac";
const BAR: BurnIn = BurnIn::Embedded(StreamRef { absolute: 2, relative: 0 });

fn order(path: &std::path::Path, codec: &str, frames: u32) -> PlayOrder {
    film(path, vec![stream(2, codec, StreamKind::Subtitle)], frames)
}

fn is_seen_at_the_right_second(order: &PlayOrder) {
    // From the start, from between the bars, and from the middle of one that began before the in-point.
    for (in_point_ms, expected) in [(0, 25..50), (4_000, 25..75), (6_000, 0..25), (1_520, 0..12)] {
        let run = Run::of(&burnt(order.clone(), in_point_ms, BAR));
        assert_near(&run.lit(), &expected, &format!("from {in_point_ms} ms"));
        assert_eq!(run.packets("v").len(), usize::try_from(order.frames).unwrap());
        let sound_s = run.packets("a").iter().map(|packet| packet.pts_s).fold(f64::MIN, f64::max);
        let picture_s = run.packets("v").iter().map(|packet| packet.pts_s).fold(f64::MIN, f64::max);
        assert!((sound_s - picture_s).abs() < 0.06, "sound and picture end together");
    }
}

#[test]
fn blu_ray_images_are_seen_at_the_right_second() {
    let (_folder, path) = dark_film("320x180", "film.mkv", &format!("{MATROSKA} -c:s copy"));
    is_seen_at_the_right_second(&order(&path, "hdmv_pgs_subtitle", 80));
}

#[test]
fn dvd_images_are_seen_at_the_right_second() {
    let (_folder, path) = dark_film("320x180", "film.mkv", &format!("{MATROSKA} -c:s dvdsub"));
    is_seen_at_the_right_second(&order(&path, "dvd_subtitle", 80));
}

/// Where the bar is on a film of `size`.
fn bar_on(width: u32, height: u32, sample_aspect: (u32, u32)) -> Bright {
    let (_folder, path) = dark_film(&format!("{width}x{height}"), "film.mkv", &format!("{MATROSKA} -c:s copy"));
    let mut order = order(&path, "hdmv_pgs_subtitle", 50);
    if let Source::File { probe, .. } = &mut order.source {
        let picture = VideoStream { sample_aspect, ..video(width, height, FrameRate::new(25, 1)) };
        probe.streams[0].kind = StreamKind::Video(picture);
    }
    Run::of(&burnt(order, 0, BAR)).bright()[35].unwrap()
}

fn assert_there(found: Bright, what: &str) {
    // A sixth of the canvas, and the scaler's soft edges.
    let expected = [(found.left, 107), (found.right, 212), (found.top, 133), (found.bottom, 159)];
    assert!(expected.iter().all(|(found, expected)| found.abs_diff(*expected) <= 2), "{what}: {found:?}");
}

#[test]
fn the_canvas_covers_the_picture_whatever_was_cut_off_that() {
    assert_there(bar_on(320, 180, (1, 1)), "whole");
    assert_there(bar_on(320, 134, (1, 1)), "bars above and below cut off: the bar is in them");
    assert_there(bar_on(240, 180, (1, 1)), "bars at the sides cut off");
    assert_there(bar_on(240, 180, (4, 3)), "anamorphic");
}

#[test]
fn images_do_not_change_what_the_encoder_promises() {
    let (_folder, path) = dark_film("320x180", "film.mkv", &format!("{MATROSKA} -c:s copy"));
    let order = order(&path, "hdmv_pgs_subtitle", 80);
    let (plain, burnt) = (Run::of(&order), Run::of(&burnt(order, 4_000, BAR)));
    assert_eq!(plain.parameter_sets(), burnt.parameter_sets());
    assert_eq!(burnt.keyframes(FrameRate::new(25, 1)), [0, 50]);
}
