//! Subtitles that become part of the picture.
//!
//! Does: say which filters write text and lay images over the picture, and where in the chain.
//! Does not: choose subtitles, or read them; FFmpeg does.
//! Invariant: no path is part of a filter: text is read through a link of a fixed name in FFmpeg's working directory.

use std::path::{Path, PathBuf};

use exstreamtv_model::{
    MediaProbe,
    media::{Stream, StreamKind, VideoStream},
    order::BurnIn,
    pick::SubtitleForm,
};

use crate::{
    filter::{Filter, in_system},
    geometry::Size,
    picture::{Chain, upright},
    plan::Abilities,
};

/// A second name of a file, in FFmpeg's working directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The name; letters, digits and a dot.
    pub name: String,
    /// Absolute path of the file.
    pub target: PathBuf,
}

/// What becomes part of the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Burn {
    /// Nothing.
    Nothing,
    /// Text that FFmpeg draws.
    Text {
        /// What the filter reads.
        link: Link,
        /// Place among the file's subtitle streams.
        relative: u32,
        /// Whether its author placed it on the picture, rather than leaving that to the player.
        placed: bool,
    },
    /// Images.
    Images {
        /// Absolute index of the stream.
        stream: u32,
    },
}

/// Images laid over a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// Which input has the images.
    pub input: usize,
    /// Absolute index of their stream in it.
    pub stream: u32,
    /// What is done to the images, in order.
    pub images: Vec<String>,
    /// What lays them over the picture.
    pub filter: String,
    /// What is done to the picture afterwards, in order.
    pub after: Vec<Filter>,
}

/// How long before the in-point images are read: one that began before it may still be on screen, and seeking skips what began earlier.
/// Longer than people are asked to read; what lies before is decoded for nothing.
const LOOK_BACK_MS: i64 = 8_000;

impl Burn {
    /// Returns what of `wanted` this FFmpeg can make part of the picture.
    pub fn choose(wanted: Option<&BurnIn>, media: &Path, probe: &MediaProbe, abilities: Abilities) -> Self {
        let (burn, form) = match wanted {
            None => return Self::Nothing,
            Some(BurnIn::Embedded(stream)) => embedded(stream.absolute, media, probe),
            Some(BurnIn::Sidecar { path }) => (sidecar(path), Some(SubtitleForm::Text)),
        };
        match form {
            Some(SubtitleForm::Image) => burn,
            Some(SubtitleForm::Text) if abilities.burn_text => burn,
            Some(SubtitleForm::Text) | None => Self::Nothing,
        }
    }

    /// Returns how long before the in-point the file must be read.
    pub fn look_back_ms(&self, in_point_ms: i64) -> i64 {
        match self {
            Self::Images { .. } => in_point_ms.clamp(0, LOOK_BACK_MS),
            Self::Nothing | Self::Text { .. } => 0,
        }
    }

    /// Returns the link that the filter reads, if it reads one.
    pub fn link(&self) -> Option<&Link> {
        match self {
            Self::Text { link, .. } => Some(link),
            Self::Nothing | Self::Images { .. } => None,
        }
    }

    /// Returns the filters of a picture with this in it: those up to the images, the images if there are any, and those that follow in either case.
    pub fn into_picture(
        self,
        chain: Chain,
        video: &VideoStream,
        in_point_ms: i64,
    ) -> (Vec<Filter>, Option<Overlay>, Vec<Filter>) {
        let Chain { fitted, shape, frame, time } = chain;
        let look_back_ms = self.look_back_ms(in_point_ms);
        match self {
            Self::Nothing => ([shape, frame].concat(), None, time),
            Self::Text { link, relative, placed } => {
                let text = in_system(draw(&link, relative, in_point_ms));
                // Placed text belongs to the picture; all other may use the bars.
                let filters = if placed { [shape, text, frame] } else { [shape, frame, text] };
                (filters.concat(), None, time)
            }
            Self::Images { stream } => {
                let mut images = shift_back(look_back_ms, "");
                images.push(scale(fitted, video));
                let filter = "overlay=x=(W-w)/2:y=(H-h)/2:eof_action=pass:format=yuv420".to_owned();
                let overlay = Overlay { input: 0, stream, images, filter, after: Vec::new() };
                ([shape, frame].concat(), Some(overlay), time)
            }
        }
    }
}

/// Returns the filters after which what was at `by_ms` is at zero; `prefix` is "a" for sound.
pub fn shift_back(by_ms: i64, prefix: &str) -> Vec<String> {
    if by_ms <= 0 { Vec::new() } else { vec![format!("{prefix}setpts=PTS-{}", ticks(by_ms))] }
}

/// Returns the filters after which what was before `at_ms` is gone and what was there is at zero; `prefix` is "a" for sound.
pub fn begin_at(at_ms: i64, prefix: &str) -> Vec<String> {
    if at_ms <= 0 {
        return Vec::new();
    }
    let trim = format!("{prefix}trim=start={}", seconds(at_ms));
    [vec![trim], shift_back(at_ms, prefix)].concat()
}

/// FFmpeg's clock is at zero at the in-point; the filter must see the file's own.
fn draw(link: &Link, relative: u32, in_point_ms: i64) -> Vec<String> {
    let draw = format!("subtitles=filename={}:si={relative}", link.name);
    if in_point_ms <= 0 {
        return vec![draw];
    }
    vec![format!("setpts=PTS+{}", ticks(in_point_ms)), draw, format!("setpts=PTS-{}", ticks(in_point_ms))]
}

/// A whole number, or there and back would not be where it began.
fn ticks(ms: i64) -> String {
    format!("round({}/TB)", seconds(ms))
}

fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn embedded(absolute: u32, media: &Path, probe: &MediaProbe) -> (Burn, Option<SubtitleForm>) {
    let is_subtitle = |stream: &&Stream| stream.kind == StreamKind::Subtitle;
    let Some(stream) = probe.streams.iter().filter(is_subtitle).find(|stream| stream.index == absolute) else {
        return (Burn::Nothing, None);
    };
    let form = SubtitleForm::of_codec(&stream.codec);
    if form == Some(SubtitleForm::Image) {
        return (Burn::Images { stream: absolute }, form);
    }
    let before = probe.streams.iter().filter(is_subtitle).filter(|other| other.index < absolute).count();
    let link = Link { name: link_name("media", media), target: media.to_owned() };
    let placed = matches!(stream.codec.as_str(), "ass" | "ssa");
    (Burn::Text { link, relative: u32::try_from(before).unwrap_or(u32::MAX), placed }, form)
}

fn sidecar(path: &Path) -> Burn {
    let link = Link { name: link_name("subtitles", path), target: path.to_owned() };
    let placed = [".ass", ".ssa"].iter().any(|end| link.name.ends_with(end));
    Burn::Text { link, relative: 0, placed }
}

/// FFmpeg recognises some formats by their extension alone, so it is kept where it is a plain one.
fn link_name(stem: &str, path: &Path) -> String {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let plain = (1..=8).contains(&extension.len()) && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if plain { format!("{stem}.{}", extension.to_ascii_lowercase()) } else { stem.to_owned() }
}

/// Returns the scaler of images whose canvas only FFmpeg knows.
///
/// A canvas and its picture share their middle. Rippers cut black bars off pictures and leave the canvas as it was, so it covers the picture in
/// both directions. That of a disc in standard definition has the picture's samples, any other has square ones.
fn scale(fitted: Size, video: &VideoStream) -> String {
    let (coded, _) = upright(video);
    let Size { width, height } = fitted;
    if coded.width == 0 || coded.height == 0 {
        return format!("scale={width}:{height}:flags=bicubic");
    }
    let across = u64::from(width) * u64::from(coded.height);
    let down = u64::from(height) * u64::from(coded.width);
    let aspect = format!("if(lte(ih\\,576)\\,{across}/{down}\\,1)");
    let factor = format!("max({width}/(iw*{aspect})\\,{height}/ih)");
    format!("scale=w=iw*{aspect}*{factor}:h=ih*{factor}:flags=bicubic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_have_plain_names() {
        let name = |path: &str| link_name("media", Path::new(path));
        assert_eq!(name("/m/it's: a.MKV"), "media.mkv");
        assert_eq!(name("/m/a.b;[c]"), "media");
        assert_eq!(name("/m/a"), "media");
        assert_eq!(name("/m/a.ext,movie=x"), "media");
    }

    #[test]
    fn times_are_whole_ticks() {
        assert_eq!(begin_at(0, "a"), Vec::<String>::new());
        assert_eq!(begin_at(1_005, "a"), ["atrim=start=1.005", "asetpts=PTS-round(1.005/TB)"]);
    }
}
