//! Questions to pickers.

use std::collections::HashSet;

use exstreamtv_model::{
    media::Disposition,
    pick::{
        AudioCandidate, AudioPreferences, AudioRequest, FormPreference, LayoutPreference, LfePolicy, StreamRef,
        SubtitleCandidate, SubtitleDelivery, SubtitleForm, SubtitleMode, SubtitlePreferences, SubtitleRequest,
        SubtitleSource, Wish,
    },
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Occasion;

const LANGUAGES: [Option<&str>; 10] = [
    None,
    Some("ger"),
    Some("deu"),
    Some("eng"),
    Some("pt-BR"),
    Some("Japanese"),
    Some("und"),
    Some("fre"),
    Some("zxx"),
    Some("not a language"),
];
const TITLES: [Option<&str>; 8] = [
    None,
    Some("Director's Cut"),
    Some("Soccer"),
    Some("Kommentar des Regisseurs"),
    Some("Descriptive Audio"),
    Some("SDH"),
    Some("Dublin"),
    Some("\u{202e}odd\u{0} \"title\""),
];
const SOUNDS: [(&str, u8, Option<&str>); 9] = [
    ("aac", 2, Some("stereo")),
    ("ac3", 6, Some("5.1(side)")),
    ("truehd", 8, Some("7.1")),
    ("dts", 6, Some("5.1")),
    ("mp3", 1, Some("mono")),
    ("flac", 4, Some("quad")),
    ("eac3", 5, Some("5.0(side)")),
    ("", 0, None),
    ("opus", 16, None),
];
const SUBTITLES: [(&str, SubtitleForm); 5] = [
    ("subrip", SubtitleForm::Text),
    ("ass", SubtitleForm::Text),
    ("hdmv_pgs_subtitle", SubtitleForm::Image),
    ("dvd_subtitle", SubtitleForm::Image),
    ("webvtt", SubtitleForm::Text),
];

pub(super) fn audio(occasion: Occasion) -> AudioRequest {
    let (mut rng, count) = scale(occasion);
    let wishes = [Wish::Avoid, Wish::Allow, Wish::Prefer];
    let preferences = AudioPreferences {
        languages: languages(&mut rng),
        original_language: rng.random(),
        layout: one_of(&[LayoutPreference::Any, LayoutPreference::Stereo, LayoutPreference::Surround], &mut rng),
        commentary: one_of(&wishes, &mut rng),
        audio_description: one_of(&wishes, &mut rng),
        codecs: vec!["ac3".into(), "aac".into()],
        lfe: one_of(&[LfePolicy::Drop, LfePolicy::Mix], &mut rng),
    };
    let streams = (0..count).map(|relative| audio_candidate(relative, &mut rng)).collect();
    let original_language = text(one_of(&LANGUAGES, &mut rng));
    AudioRequest { streams, preferences, original_language, output_channels: one_of(&[1, 2, 6], &mut rng) }
}

pub(super) fn subtitle(occasion: Occasion) -> SubtitleRequest {
    let (mut rng, count) = scale(occasion);
    let modes = [SubtitleMode::Preferred, SubtitleMode::ForcedOnly, SubtitleMode::WhenAudioDiffers, SubtitleMode::Off];
    let preferences = SubtitlePreferences {
        mode: if occasion == Occasion::Ordinary { SubtitleMode::Preferred } else { one_of(&modes, &mut rng) },
        languages: languages(&mut rng),
        form: one_of(&[FormPreference::Any, FormPreference::Text, FormPreference::Image], &mut rng),
        sdh: one_of(&[Wish::Avoid, Wish::Allow, Wish::Prefer], &mut rng),
        sidecars: rng.random(),
        delivery: one_of(&[SubtitleDelivery::BurnIn, SubtitleDelivery::WebVtt], &mut rng),
    };
    let streams = (0..count).map(|relative| subtitle_candidate(relative, &mut rng)).collect();
    SubtitleRequest { streams, preferences, audio_language: text(one_of(&LANGUAGES, &mut rng)) }
}

/// Returns where the choices come from, and how many tracks there are.
fn scale(occasion: Occasion) -> (ChaCha8Rng, u32) {
    match occasion {
        Occasion::Ordinary | Occasion::LeapDay => (ChaCha8Rng::seed_from_u64(1), 6),
        Occasion::Large => (ChaCha8Rng::seed_from_u64(2), 1_000),
        Occasion::Random(seed) => {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let count = one_of(&[0, 1, 2, 5, 12, 40], &mut rng);
            (rng, count)
        }
    }
}

fn audio_candidate(relative: u32, rng: &mut ChaCha8Rng) -> AudioCandidate {
    let (codec, channels, layout) = one_of(&SOUNDS, rng);
    AudioCandidate {
        absolute: absolute(relative),
        relative,
        codec: codec.into(),
        profile: (codec == "dts").then(|| "DTS-HD MA".into()),
        channels,
        layout: text(layout),
        language: text(one_of(&LANGUAGES, rng)),
        title: text(one_of(&TITLES, rng)),
        disposition: disposition(rng),
    }
}

fn subtitle_candidate(relative: u32, rng: &mut ChaCha8Rng) -> SubtitleCandidate {
    let (codec, form) = one_of(&SUBTITLES, rng);
    let sidecar = form == SubtitleForm::Text && rng.random_bool(0.3);
    let source = if sidecar {
        SubtitleSource::Sidecar { name: format!("Film 'x' {relative}.en.srt") }
    } else {
        SubtitleSource::Embedded(StreamRef { absolute: absolute(relative), relative })
    };
    SubtitleCandidate {
        source,
        codec: codec.into(),
        form,
        language: text(one_of(&LANGUAGES, rng)),
        title: text(one_of(&TITLES, rng)),
        disposition: disposition(rng),
    }
}

/// Attachments and pictures lie between the tracks, so the place in the file is not the place among its kind.
fn absolute(relative: u32) -> u32 {
    relative.saturating_mul(2).saturating_add(1)
}

fn disposition(rng: &mut ChaCha8Rng) -> Disposition {
    Disposition {
        default: rng.random_bool(0.3),
        forced: rng.random_bool(0.2),
        original: rng.random_bool(0.1),
        comment: rng.random_bool(0.1),
        hearing_impaired: rng.random_bool(0.1),
        visual_impaired: rng.random_bool(0.1),
        attached_pic: false,
    }
}

fn languages(rng: &mut ChaCha8Rng) -> Vec<String> {
    (0..rng.random_range(0..4)).filter_map(|_| text(one_of(&LANGUAGES, rng))).collect()
}

fn one_of<T: Copy>(choices: &[T], rng: &mut ChaCha8Rng) -> T {
    choices[rng.random_range(0..choices.len())]
}

fn text(choice: Option<&str>) -> Option<String> {
    choice.map(str::to_owned)
}

/// Returns whether no two streams share a place, as in any file.
pub(super) fn is_possible_audio(request: &AudioRequest) -> bool {
    let places: HashSet<_> = request.streams.iter().map(|stream| stream.absolute).collect();
    let ranks: HashSet<_> = request.streams.iter().map(|stream| stream.relative).collect();
    places.len() == request.streams.len()
        && ranks.len() == request.streams.len()
        && [1, 2, 6].contains(&request.output_channels)
}

/// Returns whether no two candidates are in the same place.
pub(super) fn is_possible_subtitle(request: &SubtitleRequest) -> bool {
    let place = |candidate: &SubtitleCandidate| match &candidate.source {
        SubtitleSource::Embedded(stream) => (Some(stream.absolute), String::new()),
        SubtitleSource::Sidecar { name } => (None, name.clone()),
    };
    request.streams.iter().map(place).collect::<HashSet<_>>().len() == request.streams.len()
}
