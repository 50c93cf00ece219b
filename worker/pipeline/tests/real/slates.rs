//! Slates can be looped, seen and heard.

use std::{path::Path, process::Command};

use exstreamtv_model::{
    FrameRate, PlayOrder, Screen,
    order::Source,
    profile::SAMPLE_RATE_HZ,
    slate::{AudioMode, Message, PatternKind, SILENT_LEAD_FRAMES, SOUND_LOOP_FRAMES, Visual},
};

use crate::harness::{Run, make, slate, small};

const RATE: FrameRate = FrameRate::new(25, 1);

fn every_visual(image: &Path) -> [Visual; 6] {
    [
        Visual::Text,
        Visual::Slate,
        Visual::Noise,
        Visual::Pattern { kind: PatternKind::Smpte },
        Visual::Pattern { kind: PatternKind::Testsrc },
        Visual::Image { path: image.to_owned() },
    ]
}

fn picture(folder: &Path, name: &str, size: &str) -> std::path::PathBuf {
    make(folder, name, &format!("-f lavfi -i color=c=white:s={size} -frames:v 1"))
}

fn titled(visual: Visual, title: &str) -> PlayOrder {
    let mut order = slate(small(RATE), visual.clone(), AudioMode::Silent);
    order.source = Source::Slate { screen: Screen { visual, ..Screen::plain(Message::titled(title)) } };
    order
}

/// Samples of the sound, one channel.
fn samples(run: &Run) -> Vec<f64> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(run.path()).args(["-vn", "-ac", "1", "-f", "s16le", "-"]);
    let bytes = ffmpeg.output().unwrap().stdout;
    bytes.chunks_exact(2).map(|pair| f64::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0).collect()
}

fn loudness(samples: &[f64]) -> f64 {
    (samples.iter().map(|sample| sample * sample).sum::<f64>() / samples.len() as f64).sqrt()
}

fn hertz(samples: &[f64]) -> f64 {
    let rising = samples.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    rising as f64 * f64::from(SAMPLE_RATE_HZ) / samples.len() as f64
}

/// Whatever is said and seen: two groups of pictures that can be left after any of them.
#[test]
fn any_slate_is_whole_groups_of_pictures_in_the_order_in_which_they_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let image = picture(folder.path(), "it's [odd]: 100%.png", "64x64");
    let rates = [FrameRate::new(30_000, 1001), RATE];
    for (visual, rate) in every_visual(&image).into_iter().flat_map(|visual| rates.map(|rate| (visual.clone(), rate))) {
        let run = Run::of(&slate(small(rate), visual.clone(), AudioMode::Silent));
        let gop = run.packets("v").len() / 2;
        assert_eq!(run.keyframes(rate), [0, gop], "{visual:?}");
        assert_eq!(run.warnings, "", "{visual:?}");
        let packets = run.packets("v");
        assert_eq!(gop, small(rate).gop_frames() as usize, "{visual:?}");
        let mut delays = packets.iter().map(|packet| ((packet.pts_s - packet.dts_s) * rate.as_f64()).round());
        assert!(delays.all(|delay| delay == 2.0), "{visual:?}: all have the delay of keyframes");
    }
}

#[test]
fn a_message_is_in_the_middle_and_inside_the_picture() {
    let long = "A rather long title that needs two rows and would not fit into one of them, whatever one tried";
    for title in ["Off air", long, &"W".repeat(300)] {
        let run = Run::of(&titled(Visual::Text, title));
        let seen = run.bright()[10].unwrap();
        assert!(seen.left.abs_diff(319 - seen.right) <= 4, "{title}: {seen:?}");
        assert!(seen.top.abs_diff(179 - seen.bottom) <= 24 && seen.left > 4 && seen.top > 4, "{title}: {seen:?}");
        assert!(seen.bottom - seen.top > 9, "{title} can be read: {seen:?}");
        assert!(run.bright().iter().all(|frame| *frame == Some(seen)), "it stands still");
    }
}

#[test]
fn an_image_keeps_its_shape_and_the_background_is_seen_beside_it_and_through_it() {
    let folder = tempfile::tempdir().unwrap();
    let seen = |name: &str, size: &str| {
        let path = picture(folder.path(), name, size);
        Run::of(&titled(Visual::Image { path }, "")).bright()[30].unwrap()
    };
    let tall = seen("tall.png", "300x900");
    assert!(tall.top == 0 && tall.bottom == 179 && (tall.right - tall.left).abs_diff(59) <= 2, "{tall:?}");
    let wide = seen("wide.jpg", "2000x500");
    assert!(wide.left == 0 && wide.right == 319 && (wide.bottom - wide.top).abs_diff(79) <= 2, "{wide:?}");
    let filter = "-f lavfi -i color=c=white@0.0:s=320x180,format=rgba -frames:v 1";
    let glass = make(folder.path(), "glass.png", filter);
    assert_eq!(Run::of(&titled(Visual::Image { path: glass }, "")).bright()[30], None);
}

#[test]
fn an_image_that_is_missing_or_none_fails_or_shows_the_background() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing.png");
    assert!(Run::attempt(&titled(Visual::Image { path }, "hello")).is_err());
    let path = folder.path().join("text.png");
    std::fs::write(&path, "this is no picture").unwrap();
    assert!(Run::attempt(&titled(Visual::Image { path }, "hello")).is_err());
}

#[test]
fn a_tone_begins_after_a_silence_has_its_pitch_and_repeats_itself() {
    for (audio, pitch) in [(AudioMode::Sine, 440.0), (AudioMode::Beep, 1_000.0)] {
        let samples = samples(&Run::of(&slate(small(RATE), Visual::Slate, audio)));
        let lead = SILENT_LEAD_FRAMES * 1024;
        assert!(loudness(&samples[1024..lead - 2048]) < 0.0001, "{audio:?} begins with silence");
        let heard = if audio == AudioMode::Sine { lead + 2048.. } else { 26_000.. };
        let tone: Vec<f64> = samples[heard].iter().copied().take(7_500).collect();
        assert!((hertz(&tone) - pitch).abs() < 6.0, "{audio:?}: {} Hz", hertz(&tone));
        assert!((0.05..0.13).contains(&loudness(&tone)), "{audio:?}: {}", loudness(&tone));
        let (from, period) = (lead + 4096, SOUND_LOOP_FRAMES * 1024);
        let differences: Vec<f64> = (from..from + 9_000).map(|at| samples[at] - samples[at + period]).collect();
        assert!(loudness(&differences) < 0.003, "{audio:?} repeats itself: {}", loudness(&differences));
    }
    let noise = samples(&Run::of(&slate(small(RATE), Visual::Slate, AudioMode::Noise)));
    assert!((0.04..0.1).contains(&loudness(&noise[48_000..96_000])), "{}", loudness(&noise[48_000..96_000]));
}

#[test]
fn snow_moves_and_bars_stand_still() {
    let differs = |visual: Visual| {
        let run = Run::of(&titled(visual, ""));
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-i"]).arg(run.path()).args(["-vf", "format=gray", "-f", "rawvideo", "-"]);
        let pictures = ffmpeg.output().unwrap().stdout;
        let (one, other) = (&pictures[..57_600], &pictures[57_600 * 20..57_600 * 21]);
        one.iter().zip(other).filter(|(a, b)| a.abs_diff(**b) > 24).count()
    };
    assert!(differs(Visual::Noise) > 5_000);
    assert_eq!(differs(Visual::Pattern { kind: PatternKind::Smpte }), 0);
    assert!(differs(Visual::Pattern { kind: PatternKind::Testsrc }) > 100);
}
