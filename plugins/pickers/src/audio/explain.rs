//! Says in plain words why a sound was chosen and why the others were not.

use exstreamtv_model::pick::{Downmix, LayoutPreference};

use super::{Criterion, Track, Wants};
use crate::{language::stated, ranking::listed, titles::Special};

/// Says what is played and why.
pub(super) fn answer(best: Option<&Track<'_>>, wants: &Wants<'_>, downmix: Option<&Downmix>) -> String {
    let Some(best) = best else { return "there is no sound that FFmpeg can decode, so the programme is silent".into() };
    let mut why = format!("stream {} ({}): {}", best.stream.absolute, description(best), choice(best, wants));
    if let Some(downmix) = downmix {
        why += &format!("; its {} is mixed to {}", downmix.from, downmix.to);
    }
    if !wants.languages.unread().is_empty() {
        why += &format!("; not known as languages: {}", listed(wants.languages.unread()));
    }
    why
}

/// Says why a track is the best.
pub(super) fn choice(track: &Track<'_>, wants: &Wants<'_>) -> String {
    let mut reason = by_language(track, wants);
    if let Some(special) = track.special {
        let cause = if wants.avoids(track) { "there is nothing else" } else { "that is allowed" };
        reason += &format!("; it is {}, but {cause}", name(special));
    }
    reason
}

fn by_language(track: &Track<'_>, wants: &Wants<'_>) -> String {
    if wants.original_by_flag && track.stream.disposition.original {
        return "the file marks it as the original".into();
    }
    let default = if track.stream.disposition.default { "the author's default" } else { "the best of what is there" };
    match wants.languages.praise(track.language) {
        Some(praise) => praise,
        None if wants.languages.is_empty() => format!("no language is preferred, and it is {default}"),
        None => format!("none is in a preferred language ({}), and it is {default}", listed(wants.languages.iter())),
    }
}

/// Says by what a track lost against the best.
pub(super) fn rejection(
    criterion: Option<Criterion>,
    track: &Track<'_>,
    best: &Track<'_>,
    wants: &Wants<'_>,
) -> String {
    let Some(criterion) = criterion else { return "as good as the chosen one, but later in the file".into() };
    match criterion {
        Criterion::Avoided => {
            format!("it is {}, which is only played when there is nothing else", track.special.map_or("special", name))
        }
        Criterion::Language => by_other_language(track, best, wants),
        Criterion::Wanted => {
            format!("{} is preferred, and this is not", best.special.map_or("another kind", name))
        }
        Criterion::Layout => format!("it has {}, and {} is preferred", channels(track), layout(wants)),
        Criterion::Codec => format!("the codec {} is preferred to {}", best.stream.codec, track.stream.codec),
        Criterion::Author => "it is not the author's default".into(),
        Criterion::Channels => {
            format!("{} are nearer to what the channel sends than its {}", channels(best), track.stream.channels)
        }
        Criterion::Quality => format!("{} usually sounds better than {}", best.stream.codec, track.stream.codec),
    }
}

fn by_other_language(track: &Track<'_>, best: &Track<'_>, wants: &Wants<'_>) -> String {
    let (own, other) = (stated(track.language), stated(best.language));
    if track.language.is_none() {
        return format!("its language is not stated, and that of the chosen one is {other}");
    }
    match wants.languages.fit(track.language) {
        Some(_) => format!("{own} is less wanted than {other}"),
        None if wants.languages.is_empty() => {
            format!("it is in {own}, and the sound that the author meant is in {other}")
        }
        None => format!("{own} is not among the preferred languages ({})", listed(wants.languages.iter())),
    }
}

fn description(track: &Track<'_>) -> String {
    let layout = track.stream.layout.clone().unwrap_or_else(|| channels(track));
    format!("{}, {layout}, {}", stated(track.language), track.stream.codec)
}

fn channels(track: &Track<'_>) -> String {
    match track.stream.channels {
        1 => "1 channel".into(),
        several => format!("{several} channels"),
    }
}

fn layout(wants: &Wants<'_>) -> &'static str {
    match wants.preferences.layout {
        LayoutPreference::Any => "any layout",
        LayoutPreference::Stereo => "stereo",
        LayoutPreference::Surround => "surround",
    }
}

fn name(special: Special) -> &'static str {
    match special {
        Special::Commentary => "a commentary",
        Special::AudioDescription => "an audio description",
        Special::HearingImpaired => "a version for the hard of hearing",
    }
}
