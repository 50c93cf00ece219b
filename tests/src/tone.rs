//! What pitch and loudness the sound of a capture has.
//!
//! Does: let FFmpeg decode the sound, and measure stretches of it.
//! Does not: know where in the stream a stretch is shown; it counts samples from the first one.
//! Invariant: silence has no pitch, and a click inside a steady tone is found.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Samples a second.
const HERTZ: usize = 48_000;
/// A stretch that is looked at by itself: 20 ms.
const STRETCH: usize = HERTZ / 50;

/// Decoded sound, one channel.
pub struct Sound(Vec<f64>);

impl Sound {
    /// Decodes the sound of a file.
    ///
    /// # Panics
    /// When FFmpeg cannot.
    pub fn of(file: &Path) -> Self {
        let output = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-i"])
            .arg(file)
            .args(["-map", "0:a:0", "-f", "s16le", "-ac", "1", "-ar", "48000", "pipe:1"])
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("run ffmpeg: {error}"));
        let sample = |pair: &[u8]| f64::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0;
        Self(output.stdout.chunks_exact(2).map(sample).collect())
    }

    /// Returns a part of it.
    ///
    /// # Panics
    /// When it is shorter.
    pub fn between(&self, from_s: f64, to_s: f64) -> Self {
        let at = |seconds: f64| (seconds * HERTZ as f64) as usize;
        assert!(at(to_s) <= self.0.len(), "there are only {:.1} s of sound", self.0.len() as f64 / HERTZ as f64);
        Self(self.0[at(from_s)..at(to_s)].to_vec())
    }

    /// Returns its pitch in hertz, by counting waves; 0 where it is silent.
    pub fn pitch(&self) -> f64 {
        let waves = self.0.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
        if self.loudness() < 0.001 { 0.0 } else { waves as f64 * HERTZ as f64 / self.0.len() as f64 }
    }

    /// Returns its mean level, full scale being 1.
    pub fn loudness(&self) -> f64 {
        level(&self.0)
    }

    /// Returns the largest jump between neighbouring samples: what a click is.
    pub fn largest_jump(&self) -> f64 {
        self.0.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max)
    }

    /// Returns the least and the greatest level of stretches of 20 ms.
    pub fn levels(&self) -> (f64, f64) {
        let levels = self.0.chunks_exact(STRETCH).map(level);
        levels.fold((f64::MAX, 0.0), |(least, most), level| (least.min(level), most.max(level)))
    }
}

fn level(samples: &[f64]) -> f64 {
    (samples.iter().map(|sample| sample * sample).sum::<f64>() / samples.len().max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f64, gap: std::ops::Range<usize>) -> Sound {
        let sample = |at: usize| {
            if gap.contains(&at) { 0.0 } else { 0.1 * (at as f64 * hertz * std::f64::consts::TAU / HERTZ as f64).sin() }
        };
        Sound((0..HERTZ).map(sample).collect())
    }

    #[test]
    fn a_tone_has_its_pitch_and_silence_has_none() {
        assert!((tone(440.0, 0..0).pitch() - 440.0).abs() < 2.0);
        assert_eq!(Sound(vec![0.0; HERTZ]).pitch(), 0.0);
    }

    #[test]
    fn a_gap_and_a_click_are_found() {
        let (least, most) = tone(440.0, 0..0).levels();
        assert!(most / least < 1.1);
        let (least, most) = tone(440.0, 20_000..22_000).levels();
        assert!(most / least > 2.0);
        let mut clicked = tone(440.0, 0..0);
        assert!(clicked.largest_jump() < 0.01);
        clicked.0[30_000] += 0.1;
        assert!(clicked.largest_jump() > 0.05);
    }
}
