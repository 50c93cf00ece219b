//! Turns an order into a plan: which inputs, which streams, which filters, which encoding.

use std::path::{Path, PathBuf};

use exstreamtv_model::{
    MediaProbe, OutputProfile, PlayOrder, Screen,
    media::{Stream, VideoStream},
    order::{BurnIn, Source},
    pick::Downmix,
    slate::AudioMode,
};

use crate::{
    cards::OnCard,
    downmix::pan,
    encoding::{Encoding, Pictures},
    filter::{Filter, anywhere, in_system},
    picture::{Chain, Picture},
    slate::{self, TextFile},
    sound::Sound,
    subtitles::{Burn, Link, Overlay, begin_at},
    watermark,
};

/// What this machine's FFmpeg can do beyond what every plan needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Abilities {
    /// It can write text into pictures, and has a font for it.
    pub draw_text: bool,
    /// It can write text subtitles into pictures.
    pub burn_text: bool,
    /// It can take HDR pictures down to standard range.
    pub tone_map: bool,
}

/// How an order is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What is read, in the order in which `video` and `audio` count it.
    pub inputs: Vec<Input>,
    /// The pictures, up to where something is laid over them.
    pub video: Branch,
    /// What is laid over them, one after the other, and what follows each.
    pub overlays: Vec<Overlay>,
    /// The sound.
    pub audio: Branch,
    /// What the encoders are told.
    pub encoding: Encoding,
    /// What is written.
    pub output: Output,
    /// Files that must be in FFmpeg's working directory.
    pub files: Vec<TextFile>,
    /// Other names of files that must be there.
    pub links: Vec<Link>,
    /// What a card has to do with it.
    pub card: Option<OnCard>,
}

/// What FFmpeg writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// What the channel sends.
    Stream,
    /// The first picture, for people.
    Png,
}

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file.
    File {
        /// Absolute path.
        path: PathBuf,
        /// Where to begin.
        in_point_ms: i64,
    },
    /// A source filter with its options.
    Generator(String),
}

/// One stream of one input and what is done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Which input.
    pub input: usize,
    /// Absolute index of the stream in it.
    pub stream: u32,
    /// Filters, in order.
    pub filters: Vec<Filter>,
}

/// Returns how `order` is carried out. Every order has a plan: a chosen stream that the probe does not have is played as black or silence.
pub fn plan(order: &PlayOrder, abilities: Abilities) -> Plan {
    match &order.source {
        Source::File { path, probe, in_point_ms, video, audio, downmix, subtitles } => {
            let (in_point_ms, downmix, subtitles) = (*in_point_ms, downmix.as_ref(), subtitles.as_ref());
            let file = FileChoice { path, probe, in_point_ms, video: *video, audio: *audio, downmix, subtitles };
            plan_file(order, &file, abilities)
        }
        Source::Slate { screen } => plan_slate(order, screen, abilities),
        Source::Still { screen } => Plan { output: Output::Png, ..plan_slate(order, screen, abilities) },
    }
}

struct FileChoice<'a> {
    path: &'a Path,
    probe: &'a MediaProbe,
    in_point_ms: i64,
    video: Option<u32>,
    audio: Option<u32>,
    downmix: Option<&'a Downmix>,
    subtitles: Option<&'a BurnIn>,
}

fn plan_file(order: &PlayOrder, file: &FileChoice<'_>, abilities: Abilities) -> Plan {
    let mut inputs = Vec::new();
    let chosen_video = file.video.and_then(|index| file.probe.video().find(|(stream, _)| stream.index == index));
    let chosen_audio = file.audio.and_then(|index| file.probe.audio().find(|(stream, _)| stream.index == index));
    // Subtitles alone are no picture.
    let wanted = file.subtitles.filter(|_| chosen_video.is_some());
    let burn = Burn::choose(wanted, file.path, file.probe, abilities);
    let mut links: Vec<Link> = burn.link().cloned().into_iter().collect();
    let look_back_ms = burn.look_back_ms(file.in_point_ms);
    if chosen_video.is_some() || chosen_audio.is_some() {
        inputs.push(Input::File { path: file.path.to_owned(), in_point_ms: file.in_point_ms - look_back_ms });
    }
    let (mut video, mut overlays, time) = match chosen_video {
        Some(chosen) => picture_of(chosen, burn, file.in_point_ms, order, abilities),
        None => {
            let filters = generated_picture_filters(&order.profile);
            (generated(&mut inputs, black(&order.profile), filters), Vec::new(), Vec::new())
        }
    };
    if let (Some(watermark), Some(_)) = (&order.watermark, chosen_video) {
        let (read, link, overlay) = watermark::lay(watermark, &order.profile, inputs.len());
        inputs.push(read);
        links.push(link);
        overlays.push(overlay);
    }
    // Pictures are repeated last, which spares everything before it.
    overlays.last_mut().map_or(&mut video.filters, |overlay| &mut overlay.after).extend(time);
    let audio = match chosen_audio {
        Some((stream, _)) => {
            let downmix = file.downmix.and_then(|downmix| pan(downmix, order.profile.audio_channels));
            let sound = sound_at(file.in_point_ms).filters(downmix, order.gain_db);
            Branch { input: 0, stream: stream.index, filters: anywhere([begin_at(look_back_ms, "a"), sound].concat()) }
        }
        None => generated(&mut inputs, silence(&order.profile), Vec::new()),
    };
    let encoding = Encoding::of(order, Pictures::Reordered);
    Plan { inputs, video, overlays, audio, encoding, output: Output::Stream, files: Vec::new(), links, card: None }
}

fn picture_of(
    (stream, video): (&Stream, &VideoStream),
    burn: Burn,
    in_point_ms: i64,
    order: &PlayOrder,
    abilities: Abilities,
) -> (Branch, Vec<Overlay>, Vec<Filter>) {
    let begin = anywhere(begin_at(burn.look_back_ms(in_point_ms), ""));
    let chain = Chain::new(Picture::decoded(stream, video, abilities.tone_map), &order.profile);
    let (filters, overlay, time) = burn.into_picture(chain, video, in_point_ms);
    let branch = Branch { input: 0, stream: stream.index, filters: [begin, filters].concat() };
    (branch, overlay.into_iter().collect(), time)
}

fn plan_slate(order: &PlayOrder, screen: &Screen, abilities: Abilities) -> Plan {
    let PlayOrder { profile, .. } = order;
    let finish = generated_picture_filters(profile).into_iter().map(|filter| filter.text).collect();
    let slate::Picture { mut inputs, filters, overlay, files, links } =
        slate::picture(screen, profile, abilities.draw_text, finish);
    let video = Branch { input: 0, stream: 0, filters: in_system(filters) };
    let audio = generated(&mut inputs, slate::sound(screen.audio, profile), Vec::new());
    let encoding = Encoding::of(order, Pictures::AsShown);
    Plan {
        inputs,
        video,
        overlays: overlay.into_iter().collect(),
        audio,
        encoding,
        output: Output::Stream,
        files,
        links,
        card: None,
    }
}

/// Adds a generator to `inputs` and returns the branch of its only stream.
fn generated(inputs: &mut Vec<Input>, generator: String, filters: Vec<Filter>) -> Branch {
    inputs.push(Input::Generator(generator));
    Branch { input: inputs.len() - 1, stream: 0, filters }
}

fn generated_picture_filters(profile: &OutputProfile) -> Vec<Filter> {
    Chain::new(Picture::generated(profile), profile).whole()
}

fn sound_at(in_point_ms: i64) -> Sound {
    if in_point_ms > 0 { Sound::FromTheMiddle } else { Sound::FromTheStart }
}

fn black(profile: &OutputProfile) -> String {
    slate::plain("black", profile)
}

fn silence(profile: &OutputProfile) -> String {
    slate::sound(AudioMode::Silent, profile)
}
