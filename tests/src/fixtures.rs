//! Media made for the tests: one clip for every way in which files differ.
//!
//! Does: make clips with FFmpeg once, keep them under `target/fixtures`, and lay them out as a library.
//! Does not: use media from anywhere else.
//! Invariant: every picture carries its clip's code and its own second in a row of blocks, and every nominal second begins with a white flash
//! and a beep at the same instant, so that a capture tells what is on air and how far sound is from picture.

mod clip;
mod damage;
mod subtitles;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::picture::Shape;

/// How one clip is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe {
    /// Name in the library.
    pub file_name: &'static str,
    /// Number in the picture, from 1 to 63.
    pub code: u8,
    /// Nominal length; one nominal second is a whole number of frames.
    pub seconds: f64,
    /// Its picture, if it has one.
    pub picture: Option<Picture>,
    /// Its sound.
    pub sound: Sound,
    /// What is wrong with it.
    pub damage: Damage,
}

/// The picture of a clip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Picture {
    /// Coded size.
    pub size: (u32, u32),
    /// Frames a second, numerator and denominator.
    pub rate: (u32, u32),
    /// How it is coded.
    pub codec: Codec,
}

/// How a picture is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// libx264.
    H264,
    /// libx265.
    Hevc,
    /// MPEG-2, interlaced, samples that are not square.
    Mpeg2Interlaced,
    /// libvpx-vp9.
    Vp9,
}

/// The sound of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// None at all.
    Silent,
    /// AAC, stereo, 48 kHz.
    Stereo,
    /// AAC, mono, 44.1 kHz.
    Mono,
    /// Opus, stereo.
    Opus,
    /// MPEG layer 2, stereo.
    Layer2,
    /// AC-3 in 5.1, then a stereo commentary whose beeps are half a second off, then text and image subtitles.
    SurroundAndCommentary,
}

/// What is wrong with a clip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Damage {
    /// Nothing.
    None,
    /// The file ends after this part of its bytes.
    CutAt(f64),
    /// The header claims this many seconds.
    ClaimsSeconds(u8),
    /// No byte at all.
    Empty,
}

impl Recipe {
    /// Returns whether it can be played at all; what cannot must be listed as broken and never be on air.
    pub fn is_playable(&self) -> bool {
        match self.damage {
            Damage::Empty => false,
            // The index of an MP4 lies at its end.
            Damage::CutAt(_) => !self.file_name.ends_with(".mp4"),
            Damage::None | Damage::ClaimsSeconds(_) => true,
        }
    }

    /// Returns whether flashes and beeps are both there.
    pub fn has_flash_and_beep(&self) -> bool {
        self.picture.is_some() && self.sound != Sound::Silent
    }

    /// Returns which part of a 16:9 picture it fills.
    pub fn shape(&self) -> Shape {
        match self.picture {
            Some(Picture { size: (width, height), .. }) if width < height => Shape::Tall,
            _ => Shape::Wide,
        }
    }

    /// Returns the name without its extension, which is what a library calls it.
    pub fn title(&self) -> &'static str {
        self.file_name.rsplit_once('.').map_or(self.file_name, |(stem, _)| stem)
    }

    /// Returns the clip's file, made on first use.
    ///
    /// # Panics
    /// When FFmpeg cannot make it.
    pub fn make(&self) -> PathBuf {
        let name = Path::new(self.file_name);
        let extension = name.extension().and_then(|extension| extension.to_str()).unwrap_or("mkv");
        let recipe = format!("{}|{self:?}", clip::VERSION);
        let hash: String = Sha256::digest(recipe).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let folder = cache();
        let made = folder.join(format!("{hash}.{extension}"));
        if !made.exists() {
            let draft = folder.join(format!("{hash}.{}.{extension}", std::process::id()));
            clip::make(self, &draft);
            damage::apply(self.damage, &draft);
            // Two tests may make the same clip at once: each renames its own, and both are the same.
            fs::rename(&draft, &made).unwrap_or_else(|error| panic!("keep {}: {error}", made.display()));
        }
        made
    }
}

/// Puts clips into `folder` under their own names.
///
/// # Panics
/// When a clip cannot be made or copied.
pub fn lay_out(folder: &Path, recipes: &[Recipe]) {
    fs::create_dir_all(folder).unwrap_or_else(|error| panic!("make {}: {error}", folder.display()));
    for recipe in recipes {
        let (from, to) = (recipe.make(), folder.join(recipe.file_name));
        link_or_copy(&from, &to).unwrap_or_else(|error| panic!("put {}: {error}", to.display()));
    }
}

fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
}

fn cache() -> PathBuf {
    let folder = crate::process::target_folder().join("fixtures");
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("make {}: {error}", folder.display()));
    folder
}

const FILM: (u32, u32) = (24_000, 1_001);
const PAL: (u32, u32) = (25, 1);
const NTSC: (u32, u32) = (30_000, 1_001);

const fn clip(file_name: &'static str, code: u8, seconds: f64, size: (u32, u32), rate: (u32, u32)) -> Recipe {
    let picture = Some(Picture { size, rate, codec: Codec::H264 });
    Recipe { file_name, code, seconds, picture, sound: Sound::Stereo, damage: Damage::None }
}

const fn coded(recipe: Recipe, codec: Codec, sound: Sound) -> Recipe {
    let picture = match recipe.picture {
        Some(picture) => Some(Picture { codec, ..picture }),
        None => None,
    };
    Recipe { picture, sound, ..recipe }
}

/// Four ordinary clips, for tests that need a quiet channel.
pub const CALM: [Recipe; 4] = [
    clip("Clip Alpha.mp4", 1, 6.0, (640, 360), PAL),
    clip("Clip Bravo.mkv", 2, 5.0, (640, 360), PAL),
    clip("Clip Charlie.mp4", 3, 7.0, (640, 360), PAL),
    clip("Clip Delta.mkv", 4, 6.0, (640, 360), PAL),
];

/// One clip that outlasts any test of one programme.
pub const LONG: Recipe = clip("Clip Long.mkv", 5, 240.0, (320, 180), PAL);

/// A short programme, one that lasts long enough for something to be done to it, and one that outlasts whatever follows.
pub const KILO: Recipe = clip("Clip Kilo.mkv", 7, 8.0, (320, 180), PAL);
/// See [`KILO`].
pub const MIKE: Recipe = clip("Clip Mike.mkv", 8, 30.0, (320, 180), PAL);
/// See [`KILO`].
pub const ZULU: Recipe = clip("Clip Zulu.mkv", 9, 240.0, (320, 180), PAL);

/// What somebody puts in the place of [`KILO`].
pub const SWAPPED: Recipe = coded(clip("Clip Kilo.mkv", 31, 8.0, (1280, 720), NTSC), Codec::Hevc, Sound::Opus);

/// What benchmarks play: two minutes that cost as much to encode as an ordinary film.
pub const FILM_720: Recipe = clip("Clip Film.mkv", 6, 120.0, (1280, 720), (30, 1));

/// The library of the issue: everything that people have on their disks.
pub const MIXED: [Recipe; 20] = [
    clip("Clip Ten.mp4", 10, 3.2, (1280, 720), (30, 1)),
    clip("Clip Eleven.mkv", 11, 2.8, (1280, 720), PAL),
    coded(clip("Clip Twelve.mkv", 12, 3.48, (1920, 1080), PAL), Codec::H264, Sound::SurroundAndCommentary),
    coded(clip("Clip Thirteen.mkv", 13, 3.0, (1280, 720), PAL), Codec::Hevc, Sound::Stereo),
    coded(clip("Clip Fourteen.mpg", 14, 3.0, (720, 480), NTSC), Codec::Mpeg2Interlaced, Sound::Layer2),
    coded(clip("Clip Fifteen.webm", 15, 3.0, (640, 360), (30, 1)), Codec::Vp9, Sound::Opus),
    coded(clip("Clip Sixteen.mp4", 16, 3.3, (640, 360), PAL), Codec::H264, Sound::Mono),
    coded(clip("Clip Seventeen.mkv", 17, 2.6, (640, 360), PAL), Codec::H264, Sound::Silent),
    Recipe { picture: None, ..clip("Clip Eighteen.mkv", 18, 2.6, (0, 0), PAL) },
    clip("Clip Nineteen.mkv", 19, 3.5, (1280, 720), FILM),
    clip("Clip Twenty.mp4", 20, 3.5, (640, 360), NTSC),
    clip("Clip Thirty.mp4", 21, 3.0, (640, 360), (50, 1)),
    clip("Clip Upright.mp4", 22, 3.0, (406, 720), (30, 1)),
    Recipe { damage: Damage::CutAt(0.6), ..clip("Clip Truncated.mkv", 23, 4.0, (640, 360), PAL) },
    Recipe { damage: Damage::ClaimsSeconds(6), ..clip("Clip Liar.mkv", 24, 3.0, (640, 360), PAL) },
    Recipe { damage: Damage::CutAt(0.6), ..clip("Clip Headless.mp4", 25, 3.0, (640, 360), PAL) },
    Recipe { damage: Damage::Empty, ..clip("Clip Empty.mkv", 26, 0.0, (640, 360), PAL) },
    clip("-i leading dash.mp4", 27, 2.6, (640, 360), PAL),
    clip("it's \"100%\": [a], $b & c;.mkv", 28, 2.6, (640, 360), PAL),
    clip("Größe – 日本語 🎬.mkv", 29, 2.6, (640, 360), PAL),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{picture, process};

    /// ffprobe's view of a file, or `None` when it cannot be read.
    fn probed(path: &Path) -> Option<serde_json::Value> {
        let output = std::process::Command::new("ffprobe")
            .args(["-v", "error", "-of", "json", "-show_format", "-show_streams"])
            .arg(path)
            .output()
            .unwrap();
        output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
    }

    #[test]
    fn every_clip_shows_its_code_and_its_seconds() {
        for recipe in MIXED.iter().filter(|recipe| recipe.picture.is_some() && recipe.is_playable()) {
            let marks = picture::marks_of_file(&recipe.make(), recipe.shape());
            let wrong = marks.iter().filter(|mark| mark.is_none_or(|mark| mark.clip != recipe.code)).count();
            // Whatever is left of a cut picture may be unreadable.
            assert!(wrong <= 1 && marks.len() > 30, "{recipe:?}: {wrong} of {} pictures are unreadable", marks.len());
            let last = marks.iter().rev().flatten().next().unwrap();
            assert!(u32::from(last.second) + 1 >= marks.len() as u32 / 50, "{recipe:?}: {last:?}");
        }
    }

    #[test]
    fn what_cannot_be_played_cannot_be_probed() {
        for recipe in MIXED.iter().filter(|recipe| !recipe.is_playable()) {
            assert!(probed(&recipe.make()).is_none(), "{recipe:?}");
        }
    }

    #[test]
    fn a_liar_claims_more_than_it_has() {
        let liar = MIXED.iter().find(|recipe| matches!(recipe.damage, Damage::ClaimsSeconds(_))).unwrap();
        let claimed: f64 = probed(&liar.make()).unwrap()["format"]["duration"].as_str().unwrap().parse().unwrap();
        assert!((claimed - 6.0).abs() < 0.1, "{claimed}");
        assert_eq!(picture::marks_of_file(&liar.make(), liar.shape()).len(), 75);
    }

    #[test]
    fn the_rich_clip_has_every_stream_it_promises() {
        let rich = MIXED.iter().find(|recipe| recipe.sound == Sound::SurroundAndCommentary).unwrap();
        let streams = probed(&rich.make()).unwrap()["streams"].clone();
        let codecs: Vec<_> = streams.as_array().unwrap().iter().map(|stream| stream["codec_name"].clone()).collect();
        assert_eq!(codecs, ["h264", "ac3", "aac", "subrip", "hdmv_pgs_subtitle"]);
        assert_eq!(streams[1]["channels"], 6);
        assert_eq!(streams[2]["disposition"]["comment"], 1);
    }

    #[test]
    fn a_library_keeps_names_that_hurt() {
        let folder = tempfile::tempdir().unwrap();
        lay_out(folder.path(), &MIXED[17..]);
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 3, "{names:?}");
        assert!(process::target_folder().join("fixtures").exists());
    }
}
