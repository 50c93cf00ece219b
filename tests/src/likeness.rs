//! How alike two pictures are.
//!
//! Does: let FFmpeg decode a picture of a file to grey, and compare two.
//! Does not: read letters; the same words in the same places look alike, others do not.
//! Invariant: a picture is like itself without end, and unlike one that says something else.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// A decoded picture, 320x180 levels of grey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Still(Vec<u8>);

const WIDTH: usize = 320;
const HEIGHT: usize = 180;

impl Still {
    /// Decodes the picture `number` of a file, counted from 0.
    ///
    /// # Panics
    /// When FFmpeg cannot decode it, or there are fewer.
    pub fn of(file: &Path, number: usize) -> Self {
        let filters = format!("select=eq(n\\,{number}),scale={WIDTH}:{HEIGHT}:flags=area");
        let output = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-i"])
            .arg(file)
            .args(["-map", "0:v:0", "-vf", &filters, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"])
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("run ffmpeg: {error}"));
        assert_eq!(output.stdout.len(), WIDTH * HEIGHT, "picture {number} of {}", file.display());
        Self(output.stdout)
    }

    /// Returns the peak signal-to-noise ratio against another picture, in dB; 99 where there is no noise.
    pub fn likeness_db(&self, other: &Self) -> f64 {
        let square = |(a, b): (&u8, &u8)| f64::from(a.abs_diff(*b)).powi(2);
        let noise = self.0.iter().zip(&other.0).map(square).sum::<f64>() / self.0.len() as f64;
        if noise == 0.0 { 99.0 } else { (10.0 * (255.0 * 255.0 / noise).log10()).min(99.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(folder: &Path, name: &str, text: &str) -> Still {
        let file = folder.join(format!("{name}.png"));
        let words = folder.join(format!("{name}.txt"));
        std::fs::write(&words, text).unwrap();
        let draw = format!("drawtext=textfile={}:fontcolor=white:fontsize=20:x=40:y=80", words.display());
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-f", "lavfi", "-i", "color=c=black:s=320x180", "-vf", &draw, "-frames:v", "1"])
            .arg(&file)
            .status();
        assert!(made.unwrap().success());
        Still::of(&file, 0)
    }

    #[test]
    fn other_words_are_another_picture() {
        let folder = tempfile::tempdir().unwrap();
        let one = written(folder.path(), "one", "The file is missing");
        assert_eq!(one.likeness_db(&written(folder.path(), "two", "The file is missing")), 99.0);
        let other = one.likeness_db(&written(folder.path(), "three", "The file is damaged"));
        assert!(other < 25.0, "{other} dB");
    }
}
