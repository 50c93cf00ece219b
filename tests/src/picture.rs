//! What a decoded picture shows.
//!
//! Does: let FFmpeg decode a capture, and read from each picture which clip and which second it is, and whether it flashes.
//! Does not: look at letters; the row of blocks is for us, the title for people.
//! Invariant: a picture whose sync or check bits are wrong has no mark, so a slate or rubbish is never taken for a clip.

use std::{
    io::Read,
    path::Path,
    process::{Command, Stdio},
};

use crate::ts::Report;

/// Blocks in the row: four of sync, six of clip, four of second, two of check.
pub const CELLS: usize = 16;

const WIDTH: usize = 320;
const HEIGHT: usize = 180;

/// Which part of a 16:9 picture the clip fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// All of it.
    Wide,
    /// A column in the middle, 9:16.
    Tall,
}

/// What the row of blocks says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The clip's code.
    pub clip: u8,
    /// Nominal second of the clip, modulo 16.
    pub second: u8,
}

/// One picture of a capture.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    /// When it is shown, unwrapped ticks of the stream.
    pub pts: i64,
    /// What it is; `None` for slates and black.
    pub mark: Option<Mark>,
    /// Whether it is a white flash.
    pub flash: bool,
}

/// Returns the blocks for a clip at a second, white being true.
pub fn bits_of(clip: u8, second: u8) -> [bool; CELLS] {
    let bit = |value: u8, index: u8| value >> index & 1 == 1;
    let mut bits = [false; CELLS];
    bits[..4].copy_from_slice(&[true, false, true, false]);
    (0..6).for_each(|index| bits[4 + usize::from(index)] = bit(clip, index));
    (0..4).for_each(|index| bits[10 + usize::from(index)] = bit(second, index));
    let parity = |from: usize| bits[from..14].iter().step_by(2).filter(|bit| **bit).count() % 2 == 0;
    let checks = [parity(4), parity(5)];
    bits[14..].copy_from_slice(&checks);
    bits
}

/// Decodes a capture and returns its pictures with the times that `report` found for them.
///
/// # Panics
/// When FFmpeg cannot decode the capture, or decodes fewer pictures than there are.
pub fn watch(capture: &Path, report: &Report) -> Vec<Shown> {
    let times = report.shown();
    let mut shown = Vec::with_capacity(times.len());
    each_frame(capture, |frame| {
        if let Some(pts) = times.get(shown.len()) {
            let mark = read(frame, Shape::Wide).or_else(|| read(frame, Shape::Tall));
            shown.push(Shown { pts: *pts, mark, flash: is_white(frame) });
        }
    });
    assert_eq!(shown.len(), times.len(), "FFmpeg decodes fewer pictures than there are in {}", capture.display());
    shown
}

/// Decodes a file and returns what each of its pictures says.
///
/// # Panics
/// When FFmpeg cannot be run.
pub fn marks_of_file(file: &Path, shape: Shape) -> Vec<Option<Mark>> {
    let mut marks = Vec::new();
    each_frame(file, |frame| marks.push(read(frame, shape)));
    marks
}

/// Decodes a file and returns how much of each picture's middle is bright, from 0 to 1: clips are dark there, letters are not.
///
/// # Panics
/// When FFmpeg cannot be run.
pub fn middle_of_file(file: &Path) -> Vec<f64> {
    let mut shares = Vec::new();
    each_frame(file, |frame| {
        let rows = HEIGHT * 2 / 5..HEIGHT * 3 / 5;
        let middle = rows.flat_map(|row| &frame[row * WIDTH + WIDTH / 5..row * WIDTH + WIDTH * 4 / 5]);
        let (bright, count) =
            middle.fold((0.0, 0.0), |(bright, count), level| (bright + f64::from(u8::from(*level > 180)), count + 1.0));
        shares.push(bright / count);
    });
    shares
}

/// Returns which clips were shown one after the other; slates and black count as `None`.
pub fn programme_order(shown: &[Shown]) -> Vec<Option<u8>> {
    let mut order: Vec<_> = shown.iter().map(|picture| picture.mark.map(|mark| mark.clip)).collect();
    order.dedup();
    order
}

fn each_frame(file: &Path, mut see: impl FnMut(&[u8])) {
    // Scaled as a set shows it: into 16:9, whatever shape the samples have.
    let scale =
        format!("scale='min({WIDTH},{HEIGHT}*dar)':'min({HEIGHT},{WIDTH}/dar)':flags=area,pad={WIDTH}:{HEIGHT}:-1:-1");
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(file)
        .args(["-map", "0:v:0", "-vf", &scale, "-fps_mode", "passthrough"])
        .args(["-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("run ffmpeg: {error}"));
    let mut pixels = ffmpeg.stdout.take().expect("stdout is piped");
    let mut frame = vec![0; WIDTH * HEIGHT];
    while pixels.read_exact(&mut frame).is_ok() {
        see(&frame);
    }
    ffmpeg.wait().unwrap_or_else(|error| panic!("wait for ffmpeg: {error}"));
}

/// Reads the row of blocks of a clip of this shape.
fn read(frame: &[u8], shape: Shape) -> Option<Mark> {
    let bits: Vec<_> = (0..CELLS).map(|index| cell(frame, shape, index)).collect::<Option<_>>()?;
    let number = |bits: &[bool]| bits.iter().rev().fold(0, |value, bit| value << 1 | u8::from(*bit));
    let mark = Mark { clip: number(&bits[4..10]), second: number(&bits[10..14]) };
    (bits == bits_of(mark.clip, mark.second) && mark.clip > 0).then_some(mark)
}

/// Reads one block; `None` when it is neither black nor white.
fn cell(frame: &[u8], shape: Shape, index: usize) -> Option<bool> {
    let width = match shape {
        Shape::Wide => WIDTH as f64,
        Shape::Tall => HEIGHT as f64 * 9.0 / 16.0,
    };
    let left = (WIDTH as f64 - width) / 2.0;
    let x = left + width * (0.1 + 0.05 * (index as f64 + 0.5));
    let y = HEIGHT as f64 * 0.91;
    let pixel = |dx: f64, dy: f64| f64::from(frame[(y + dy) as usize * WIDTH + (x + dx) as usize]);
    let level = (pixel(-0.5, -2.0) + pixel(0.5, -2.0) + pixel(-0.5, 2.0) + pixel(0.5, 2.0)) / 4.0;
    match level {
        ..80.0 => Some(false),
        170.0.. => Some(true),
        _ => None,
    }
}

/// Looks at the middle, which every shape fills and no title touches.
fn is_white(frame: &[u8]) -> bool {
    let rows = HEIGHT * 2 / 5..HEIGHT * 3 / 5;
    let middle = rows.flat_map(|row| &frame[row * WIDTH + WIDTH * 9 / 20..row * WIDTH + WIDTH * 11 / 20]);
    let (sum, count) = middle.fold((0, 0), |(sum, count), pixel| (sum + u32::from(*pixel), count + 1));
    sum / count > 200
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_differ_in_at_least_two_blocks() {
        let all: Vec<_> = (1..64).flat_map(|clip| (0..16).map(move |second| bits_of(clip, second))).collect();
        for (index, one) in all.iter().enumerate() {
            for other in &all[index + 1..] {
                assert!(one.iter().zip(other).filter(|(a, b)| a != b).count() >= 2);
            }
        }
    }

    #[test]
    fn black_and_white_are_no_marks() {
        for level in [0, 128, 255] {
            let frame = vec![level; WIDTH * HEIGHT];
            assert_eq!(read(&frame, Shape::Wide), None);
            assert_eq!(is_white(&frame), level == 255);
        }
    }
}
