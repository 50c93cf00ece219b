//! How far sound is from picture.
//!
//! Does: find flashes and beeps in a capture and measure the distance of each pair.
//! Does not: judge it.
//! Invariant: times are those of the stream itself, read by `ts`; FFmpeg only decodes.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    picture::{Mark, Shown},
    ts::{AUDIO_FRAME_TICKS, Report},
};

/// A flash farther from its beep than this has none.
const REACH_TICKS: i64 = 250 * 90;

/// Samples of one AAC frame.
const FRAME_SAMPLES: usize = 1024;

/// What counts as sound: about -22 dB of full scale; beeps have -9 dB before downmix.
const LOUD: u16 = 2_600;

/// Quiet that must lie before a beep: 100 ms.
const QUIET_SAMPLES: usize = 4_800;

/// One flash.
#[derive(Debug, Clone, Copy)]
pub struct Flash {
    /// When it is shown, unwrapped ticks.
    pub pts: i64,
    /// Which clip it is from, and where in it.
    pub mark: Option<Mark>,
    /// Beep minus flash, if there is a beep near; positive is late sound.
    pub offset_ms: Option<f64>,
}

/// Measures every flash of a capture.
///
/// # Panics
/// When FFmpeg cannot decode the sound.
pub fn measure(capture: &Path, report: &Report, shown: &[Shown]) -> Vec<Flash> {
    let beeps = beeps(&sound(capture), report);
    let flashes = shown.windows(2).filter(|pair| pair[1].flash && !pair[0].flash).map(|pair| pair[1]);
    flashes
        .map(|picture| {
            let nearest = beeps.iter().map(|beep| beep - picture.pts).min_by_key(|distance| distance.abs());
            let near = nearest.filter(|distance| distance.abs() <= REACH_TICKS);
            Flash { pts: picture.pts, mark: picture.mark, offset_ms: near.map(|ticks| ticks as f64 / 90.0) }
        })
        .collect()
}

/// Returns the middle of the last `count` offsets.
pub fn median_of_last(flashes: &[Flash], count: usize) -> Option<f64> {
    let offsets = flashes.iter().filter_map(|flash| flash.offset_ms);
    let mut last: Vec<_> = offsets.rev().take(count).collect();
    last.sort_by(f64::total_cmp);
    last.get(last.len() / 2).copied()
}

fn sound(capture: &Path) -> Vec<i16> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(capture)
        .args(["-map", "0:a:0", "-f", "s16le", "-ac", "1", "pipe:1"])
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("run ffmpeg: {error}"));
    output.stdout.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// Finds the first loud sample after each quiet stretch, in ticks of the stream.
fn beeps(samples: &[i16], report: &Report) -> Vec<i64> {
    let mut quiet = QUIET_SAMPLES;
    let mut found = Vec::new();
    for (index, sample) in samples.iter().enumerate() {
        let is_loud = sample.unsigned_abs() > LOUD;
        if is_loud && quiet >= QUIET_SAMPLES {
            found.extend(time_of(index, report));
        }
        quiet = if is_loud { 0 } else { quiet + 1 };
    }
    found
}

fn time_of(sample: usize, report: &Report) -> Option<i64> {
    let frame = report.audio.get(sample / FRAME_SAMPLES)?;
    Some(frame.pts + (sample % FRAME_SAMPLES) as i64 * AUDIO_FRAME_TICKS / FRAME_SAMPLES as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixtures::CALM, picture, ts};

    /// A clip as FFmpeg would send it, with its sound `late_ms` late.
    fn sent(late_ms: i32, folder: &Path) -> std::path::PathBuf {
        let path = folder.join(format!("{late_ms}.ts"));
        let clip = CALM[0].make();
        let delay = f64::from(late_ms) / 1000.0;
        let status = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-y", "-i"])
            .arg(&clip)
            .args(["-itsoffset", &delay.to_string(), "-i"])
            .arg(&clip)
            .args(["-map", "0:v", "-map", "1:a", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"])
            .args(["-pcr_period", "20"])
            .arg(&path)
            .status()
            .unwrap();
        assert!(status.success());
        path
    }

    #[test]
    fn sound_that_is_late_or_early_is_measured_to_a_few_milliseconds() {
        let folder = tempfile::tempdir().unwrap();
        for late_ms in [0, 60, -60, 150] {
            let path = sent(late_ms, folder.path());
            let report = ts::check(&std::fs::read(&path).unwrap(), &ts::Rules::channel((25, 1)));
            let flashes = measure(&path, &report, &picture::watch(&path, &report));
            let offset = median_of_last(&flashes, 3).unwrap();
            assert!((offset - f64::from(late_ms)).abs() < 4.0, "{late_ms} ms measured as {offset} in {flashes:?}");
        }
    }
}
