//! Real runs of FFmpeg, spliced, are decoded by FFmpeg without a word.

use std::{path::Path, process::Command, sync::Arc};

use bytes::BytesMut;
use exstreamtv_model::{FrameRate, OutputProfile};
use exstreamtv_transport::{FrameGrid, RunDemux, Slate, Splice, TsMux, avc1_codec};

use crate::checker::{self, assert_gapless};

const X264: &str = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 3 -b_strategy 1 -b:v 300k -sc_threshold 0 -c:a aac -b:a 96k -ar 48000 -ac 2 \
     -muxdelay 0 -muxpreload 0 -f mpegts pipe:1";

/// A quarter of a second of silence, then 440 Hz.
const TONE: &str = "aevalsrc=exprs=0.125*sin(2*PI*440*t)*gte(t\\,0.256):s=48000:c=mono";

/// Runs FFmpeg and returns what it wrote.
fn ffmpeg(arguments: &str) -> Vec<u8> {
    let output =
        Command::new("ffmpeg").args(["-v", "error", "-nostdin"]).args(arguments.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn programme(source: &str, hertz: u32, frames: i64, rate: FrameRate) -> Vec<u8> {
    let seconds = (frames * i64::from(rate.den)) as f64 / f64::from(rate.num);
    ffmpeg(&format!(
        "-f lavfi -i {source}=size=320x180:rate={rate} -f lavfi -i sine=frequency={hertz}:sample_rate=48000 -t {seconds:.6} \
         -force_key_frames expr:gte(t,n_forced*2) -af apad {X264}"
    ))
}

fn slate(rate: FrameRate) -> Arc<Slate> {
    let rendered = ffmpeg(&format!(
        "-f lavfi -i color=c=navy:size=320x180:rate={rate} -f lavfi -i {TONE} -t 4.2 -force_key_frames expr:gte(t,n_forced*2) \
         -x264-params b-adapt=1:b-bias=-100 {X264}"
    ));
    Arc::new(Slate::from_run(&rendered).unwrap())
}

/// What FFmpeg has to say about a file.
fn complaints(file: &Path) -> String {
    let output = Command::new("ffmpeg")
        .args(["-v", "warning", "-nostdin", "-i"])
        .arg(file)
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn ffprobe(file: &Path) -> String {
    let arguments = "-v error -count_frames -show_entries stream=codec_name,nb_read_frames -of csv=p=0";
    let output = Command::new("ffprobe").args(arguments.split(' ')).arg(file).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Plays three runs of `frames` pictures, the second one killed, and returns the stream.
fn spliced(rate: FrameRate, frames: i64, offset_from_wrap: Option<i64>) -> BytesMut {
    let grid = FrameGrid::new(&OutputProfile { frame_rate: rate, width: 320, height: 180, ..Default::default() });
    let first = grid.index_at(1_760_000_000_000);
    let offset = offset_from_wrap.map_or(0, |ticks| (1 << 33) - ticks - grid.tick(first));
    let mut mux = TsMux::new("FFmpeg", grid).with_offset(offset);
    let (mut splice, mut out, mut next) = (Splice::new(grid, first, Some(slate(rate))), BytesMut::new(), first);
    let runs = [
        (programme("testsrc2", 440, frames, rate), 100),
        (programme("testsrc", 880, frames, rate), 60),
        (programme("smptebars", 660, frames, rate), 100),
    ];
    for (bytes, percent) in runs {
        splice.begin_run(next, next + frames);
        let mut demux = RunDemux::new();
        for part in bytes[..bytes.len() * percent / 100].chunks(4_096) {
            demux.push(part);
        }
        demux.finish();
        let units: Vec<_> = std::iter::from_fn(|| demux.pop()).collect();
        assert_eq!(units.iter().filter(|unit| unit.kind.is_video()).count() as i64 == frames, percent == 100);
        units.into_iter().for_each(|unit| splice.push(unit));
        let summary = splice.end_run();
        assert_eq!(summary.joined_at, Some(next));
        assert!(summary.skipped_frames <= 4 && summary.damages == 0, "{summary:?}");
        assert!(summary.silent_frames == 0 || percent < 100, "FFmpeg wrote sound for every picture: {summary:?}");
        next += frames;
        splice.fill_slate(next);
    }
    std::iter::from_fn(|| splice.pop()).for_each(|unit| mux.write(&unit, &mut out));
    out
}

fn assert_clean(rate: FrameRate, frames: i64, offset_from_wrap: Option<i64>) {
    let out = spliced(rate, frames, offset_from_wrap);
    let stream = checker::check(&out);
    assert_gapless(&stream, (i64::from(rate.num), i64::from(rate.den)));
    assert_eq!(stream.video.len() as i64, 3 * frames);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.ts");
    std::fs::write(&file, &out).unwrap();
    assert_eq!(complaints(&file), "");
    let counts = ffprobe(&file);
    assert!(counts.contains(&format!("h264,{}", 3 * frames)), "{counts}");
    assert!(counts.contains(&format!("aac,{}", stream.audio.len())), "{counts}");
    assert!(avc1_codec(&stream.video[0].data).is_some_and(|name| name.starts_with("avc1.64")));
}

#[test]
fn ffmpeg_says_nothing_about_three_spliced_runs_of_which_one_was_killed() {
    assert_clean(FrameRate::new(25, 1), 75, None);
}

#[test]
fn ffmpeg_says_nothing_about_film_across_the_wrap_of_the_clock() {
    assert_clean(FrameRate::new(24_000, 1_001), 60, Some(300_000));
}
