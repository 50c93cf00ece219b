//! Slates: the picture behind a message, the message, and the sound.
//!
//! Does: choose generators and filters for each mode.
//! Does not: decide what is said; that comes with the order.
//! Invariant: text is in files and never in a filter graph, so that no character of it can break one; a picture is linked to under a name of ours.

use std::path::PathBuf;

use exstreamtv_model::{
    OutputProfile, Screen,
    profile::{FrameRate, SAMPLE_RATE_HZ},
    slate::{AudioMode, PatternKind, Rgb, Visual},
};

use crate::{
    filter::in_system,
    plan::Input,
    subtitles::{Link, Overlay},
};

mod layout;

use layout::{Layout, Row};

/// A small file that a plan needs in FFmpeg's working directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFile {
    /// Its name; letters, digits and a dot.
    pub name: String,
    /// What is in it.
    pub contents: String,
}

/// How a slate's picture is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// What is read; the first one is the picture.
    pub inputs: Vec<Input>,
    /// What is done to it, up to where something is laid over it.
    pub filters: Vec<String>,
    /// What is laid over it, and what follows.
    pub overlay: Option<Overlay>,
    /// Files with text.
    pub files: Vec<TextFile>,
    /// The name of the image.
    pub links: Vec<Link>,
}

/// What the image is called where FFmpeg looks: without an extension, so that its contents alone say what it is.
const IMAGE: &str = "image";
/// Snow has about as many lines on any screen.
const SNOW_LINES: u32 = 240;
/// How much of the picture behind it a box lets through, in percent.
const BOX_OPACITY: u32 = 85;

/// Returns how the picture of `screen` is made; without `draw_text` nothing is written on it. `finish` are the filters that make it what a
/// channel sends.
pub fn picture(screen: &Screen, profile: &OutputProfile, draw_text: bool, finish: Vec<String>) -> Picture {
    let layout = (draw_text && screen.draws_text()).then(|| Layout::of(&screen.message, profile.width, profile.height));
    let boxed = !matches!(screen.visual, Visual::Text | Visual::Slate);
    let (drawn, files) = layout.map(|layout| draw(&layout, screen, boxed)).unwrap_or_default();
    let background = Input::Generator(plain(&ffmpeg_color(screen.background), profile));
    let moving = |source: Input, made: Vec<String>| Picture {
        inputs: vec![source],
        filters: [made, drawn.clone(), finish.clone()].concat(),
        overlay: None,
        files: files.clone(),
        links: Vec::new(),
    };
    let still = |source: Input| Picture {
        inputs: vec![source],
        filters: [drawn.clone(), finish.clone(), hold_for_ever(profile)].concat(),
        overlay: None,
        files: files.clone(),
        links: Vec::new(),
    };
    match &screen.visual {
        Visual::Text | Visual::Slate => still(background),
        Visual::Pattern { kind: PatternKind::Smpte } => still(Input::Generator(sized("smptehdbars", profile))),
        Visual::Pattern { kind: PatternKind::Testsrc } => {
            // Where most of a picture stands still, the encoder would take B pictures; noise that nobody sees makes them dear.
            let ours = "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,noise=c0s=2:c0f=t".to_owned();
            moving(Input::Generator(sized("testsrc", profile)), vec![ours])
        }
        Visual::Noise => moving(Input::Generator(snow(profile)), vec![scale_snow(profile)]),
        Visual::Image { path } => Picture {
            inputs: vec![background, image()],
            filters: Vec::new(),
            overlay: Some(lay_image(profile, [drawn, finish].concat())),
            files,
            links: vec![Link { name: IMAGE.to_owned(), target: path.clone() }],
        },
    }
}

/// Returns the generator of a sound that can be looped: see [`exstreamtv_model::slate`] for when it begins and how long its period is.
pub fn sound(mode: AudioMode, profile: &OutputProfile) -> String {
    let layout = if profile.audio_channels == 1 { "mono" } else { "stereo" };
    let Some(wave) = wave(mode) else { return format!("anullsrc=r={SAMPLE_RATE_HZ}:cl={layout}") };
    let channels = vec![wave; usize::from(profile.audio_channels.max(1))].join("|");
    format!("aevalsrc=exprs={channels}:s={SAMPLE_RATE_HZ}:c={layout}")
}

/// A quarter of a second of silence, then the sound, 18 dB below full scale: the level of a line-up tone.
fn wave(mode: AudioMode) -> Option<String> {
    let tone = |hertz: u32| format!("0.125*sin(2*PI*{hertz}*t)");
    match mode {
        AudioMode::Silent => None,
        AudioMode::Sine => Some(format!("{}*gte(t\\,0.256)", tone(440))),
        AudioMode::Noise => Some("0.125*(2*random(0)-1)*gte(t\\,0.256)".to_owned()),
        // From 0.5 s to 0.7 s of every 0.8 s, with edges of 10 ms, so that it does not click.
        AudioMode::Beep => Some(format!("{}*clip(10-abs(mod(t\\,0.8)-0.6)*100\\,0\\,1)", tone(1_000))),
    }
}

fn draw(layout: &Layout, screen: &Screen, boxed: bool) -> (Vec<String>, Vec<TextFile>) {
    let Layout { rows, area } = layout;
    let area = format!(
        "drawbox=x={}:y={}:w={}:h={}:color={}@0.{BOX_OPACITY}:t=fill",
        area.left,
        area.top,
        area.width,
        area.height,
        ffmpeg_color(screen.background)
    );
    let write = |(at, row): (usize, &Row)| {
        let name = format!("line{at}.txt");
        let color =
            if row.muted { between(screen.background, screen.foreground) } else { screen.foreground.channels() };
        let filter = format!(
            "drawtext=textfile={name}:expansion=none:fontcolor={}:fontsize={}:x=(w-text_w)/2:y={}-ascent",
            hexadecimal(color),
            row.font_px,
            row.baseline_px
        );
        (filter, TextFile { name, contents: row.text.clone() })
    };
    let (lines, files): (Vec<_>, Vec<_>) = rows.iter().enumerate().map(write).unzip();
    (boxed.then_some(area).into_iter().chain(lines).collect(), files)
}

/// One picture for ever: drawn once, however many are encoded.
fn hold_for_ever(profile: &OutputProfile) -> Vec<String> {
    let FrameRate { num, den } = profile.frame_rate;
    vec!["loop=loop=-1:size=1:start=0".to_owned(), format!("setpts=N*{den}/({num}*TB)")]
}

fn image() -> Input {
    Input::File { path: PathBuf::from(IMAGE), in_point_ms: 0 }
}

/// The image over the background: whatever is transparent in it shows that, and where it has no picture nothing else is seen.
fn lay_image(profile: &OutputProfile, after: Vec<String>) -> Overlay {
    let OutputProfile { width, height, .. } = profile;
    let fit = format!(
        "scale={width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2:flags=bicubic:out_color_matrix=bt709:out_range=tv"
    );
    Overlay {
        input: 1,
        stream: 0,
        images: vec![fit, "format=yuva420p".to_owned()],
        filter: "overlay=x=(W-w)/2:y=(H-h)/2:eof_action=repeat:format=yuv420".to_owned(),
        after: in_system(after),
    }
}

fn snow(profile: &OutputProfile) -> String {
    let OutputProfile { frame_rate: FrameRate { num, den }, .. } = profile;
    let (width, height) = snow_size(profile);
    format!("color=c=gray:s={width}x{height}:r={num}/{den},format=yuv420p,noise=c0s=100:c0f=t+u")
}

fn scale_snow(profile: &OutputProfile) -> String {
    format!("scale={}:{}:flags=neighbor", profile.width, profile.height)
}

fn snow_size(profile: &OutputProfile) -> (u32, u32) {
    let coarse = profile.height.div_ceil(SNOW_LINES).max(1);
    let even = |side: u32| side.div_ceil(coarse).next_multiple_of(2);
    (even(profile.width), even(profile.height))
}

/// Returns a generator of a picture in one colour.
pub fn plain(color: &str, profile: &OutputProfile) -> String {
    sized(&format!("color=c={color}"), profile)
}

fn sized(generator: &str, profile: &OutputProfile) -> String {
    let OutputProfile { width, height, frame_rate: FrameRate { num, den }, .. } = profile;
    let separator = if generator.contains('=') { ':' } else { '=' };
    format!("{generator}{separator}s={width}x{height}:r={num}/{den}")
}

fn ffmpeg_color(color: Rgb) -> String {
    hexadecimal(color.channels())
}

fn hexadecimal([red, green, blue]: [u8; 3]) -> String {
    format!("0x{red:02x}{green:02x}{blue:02x}")
}

/// Nearer to the second colour, so that it can still be read.
fn between(from: Rgb, to: Rgb) -> [u8; 3] {
    let (from, to) = (from.channels(), to.channels());
    std::array::from_fn(|at| ((u32::from(from[at]) + 2 * u32::from(to[at])) / 3) as u8)
}

#[cfg(test)]
mod tests {
    use exstreamtv_model::slate::Message;

    use super::*;

    fn made(visual: Visual, title: &str) -> Picture {
        let screen = Screen { visual, ..Screen::plain(Message::titled(title)) };
        picture(&screen, &OutputProfile::default(), true, Vec::new())
    }

    #[test]
    fn text_is_in_files_only() {
        let text = "it's 100% sure: [a],;\\n %{pts}";
        let image = Visual::Image { path: "/srv/it's [odd]:.png".into() };
        for visual in [Visual::Text, Visual::Noise, Visual::Pattern { kind: PatternKind::Testsrc }, image] {
            let picture = made(visual, text);
            let rows: Vec<_> = picture.files.iter().map(|file| file.contents.as_str()).collect();
            assert_eq!(rows.join(" "), text);
            let overlay = picture.overlay.iter().flat_map(|overlay| &overlay.after);
            assert!(
                picture
                    .filters
                    .iter()
                    .chain(overlay.map(|filter| &filter.text))
                    .all(|filter| !filter.contains("sure") && !filter.contains("odd"))
            );
        }
    }

    #[test]
    fn a_blank_message_and_a_plain_colour_draw_nothing() {
        assert_eq!(made(Visual::Text, " \n\t\0 ").files, []);
        assert_eq!(made(Visual::Slate, "title").files, []);
        let bars = made(Visual::Pattern { kind: PatternKind::Smpte }, "");
        assert!(bars.filters.iter().all(|filter| !filter.contains("drawbox")), "no empty box: {:?}", bars.filters);
    }

    #[test]
    fn a_message_on_a_picture_has_a_box_and_one_on_the_background_has_none() {
        let has_box = |picture: Picture| picture.filters.iter().any(|filter| filter.starts_with("drawbox"));
        assert!(has_box(made(Visual::Noise, "title")));
        assert!(!has_box(made(Visual::Text, "title")));
    }

    #[test]
    fn snow_is_as_coarse_on_any_screen() {
        let lines = |width, height| snow_size(&OutputProfile { width, height, ..Default::default() });
        assert_eq!(lines(320, 180), (320, 180));
        assert_eq!(lines(1280, 720), (428, 240));
        assert_eq!(lines(3840, 2160), (428, 240));
    }

    #[test]
    fn silence_has_a_generator_of_its_own_and_a_tone_one_wave_for_each_channel() {
        let mono = OutputProfile { audio_channels: 1, ..Default::default() };
        assert_eq!(sound(AudioMode::Silent, &mono), "anullsrc=r=48000:cl=mono");
        assert_eq!(sound(AudioMode::Sine, &mono), "aevalsrc=exprs=0.125*sin(2*PI*440*t)*gte(t\\,0.256):s=48000:c=mono");
        assert_eq!(sound(AudioMode::Sine, &OutputProfile::default()).matches("440").count(), 2);
    }
}
