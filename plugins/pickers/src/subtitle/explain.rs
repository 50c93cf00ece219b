//! Says in plain words why subtitles were chosen and why others were not.

use exstreamtv_model::pick::{FormPreference, SubtitleForm, SubtitleMode, SubtitleSource};

use super::{Criterion, DEFAULT, LANGUAGE, Showing, Track, Wants};
use crate::{language::stated, ranking::listed};

/// Says what is shown and why, or why nothing is.
pub(super) fn answer(best: Option<&Track<'_>>, wants: &Wants<'_>) -> String {
    let mut why = match best {
        Some(best) => format!("{} ({}): {}", source(&best.candidate.source), description(best), choice(best, wants)),
        None => nothing(wants),
    };
    if wants.preferences.mode == SubtitleMode::WhenAudioDiffers {
        why += &format!("; {}", sound(wants));
    }
    if !wants.languages.unread().is_empty() {
        why += &format!("; not known as languages: {}", listed(wants.languages.unread()));
    }
    why
}

fn nothing(wants: &Wants<'_>) -> String {
    match wants.showing {
        Showing::Nothing => "subtitles are off".into(),
        Showing::Full => "there are no subtitles that can be shown".into(),
        Showing::ForcedOnly if wants.languages.is_empty() => {
            "only forced subtitles are shown, and neither the language of the sound nor a preferred one is known".into()
        }
        Showing::ForcedOnly => format!("there are no forced subtitles in {}", listed(wants.languages.iter())),
    }
}

fn sound(wants: &Wants<'_>) -> String {
    let is_foreign = if wants.showing == Showing::Full { "none of the preferred ones" } else { "a preferred one" };
    match wants.audio {
        _ if wants.preferences.languages.is_empty() => "no language is preferred, so only forced ones count".into(),
        Some(audio) => format!("the sound is in {audio}, {is_foreign}"),
        None => "the language of the sound is not stated, so it may be foreign".into(),
    }
}

/// Says why a candidate is the best.
pub(super) fn choice(track: &Track<'_>, wants: &Wants<'_>) -> String {
    let reason = match (wants.showing, wants.languages.praise(track.language)) {
        (Showing::ForcedOnly, _) if wants.audio.is_some() && wants.audio == track.language => {
            "it must be shown, and is in the language of the sound".into()
        }
        (Showing::ForcedOnly, _) => "it must be shown, and is in a preferred language".into(),
        (_, Some(praise)) => praise,
        (_, None) => unwanted_choice(track, wants),
    };
    let form = match wants.preferences.form {
        _ if wants.priority(track) != LANGUAGE => "",
        FormPreference::Text if track.candidate.form == SubtitleForm::Image => ", though images; there is no such text",
        FormPreference::Image if track.candidate.form == SubtitleForm::Text => {
            ", though text; there are no such images"
        }
        _ => "",
    };
    reason + form
}

fn unwanted_choice(track: &Track<'_>, wants: &Wants<'_>) -> String {
    let place = match track.candidate.disposition.default {
        true => "the author's default",
        false if wants.languages.is_empty() => "the best of what is there",
        false => "the first",
    };
    if wants.languages.is_empty() {
        return format!("no language is preferred, and it is {place}");
    }
    format!("none is in a preferred language ({}), and it is {place}", listed(wants.languages.iter()))
}

/// Says by what a candidate lost against the best.
pub(super) fn rejection(
    criterion: Option<Criterion>,
    track: &Track<'_>,
    best: &Track<'_>,
    wants: &Wants<'_>,
) -> String {
    let Some(criterion) = criterion else { return "as good as the chosen one, but comes later".into() };
    let (own, other) = (stated(track.language), stated(best.language));
    match criterion {
        Criterion::Commentary => "it belongs to a commentary".into(),
        Criterion::Priority if wants.priority(best) == DEFAULT => "it is not the author's default".into(),
        Criterion::Priority if track.language.is_none() => {
            format!("its language is not stated, and {other} is preferred")
        }
        Criterion::Priority => {
            format!("{own} is not among the preferred languages ({})", listed(wants.languages.iter()))
        }
        Criterion::Full => "it is forced, so it holds only what must be shown".into(),
        Criterion::Language => format!("{own} is less wanted than {other}"),
        Criterion::Form => format!("it is {}, and {} preferred", form(track), wanted_form(wants)),
        Criterion::Sdh if track.traits.sdh => "it is for the deaf and hard of hearing, and there is another".into(),
        Criterion::Sdh => "subtitles for the deaf and hard of hearing are preferred".into(),
        Criterion::Author if wants.priority(track) == LANGUAGE => "as good, but not the author's default".into(),
        Criterion::Author => "it is not the author's default".into(),
    }
}

/// Names where subtitles are.
pub(super) fn source(source: &SubtitleSource) -> String {
    match source {
        SubtitleSource::Embedded(stream) => format!("stream {}", stream.absolute),
        SubtitleSource::Sidecar { name } => format!("the file {name:?}"),
    }
}

fn description(track: &Track<'_>) -> String {
    let forced = if track.traits.forced { ", forced" } else { "" };
    let sdh = if track.traits.sdh { ", for the hard of hearing" } else { "" };
    format!("{}, {}{forced}{sdh}", stated(track.language), form(track))
}

fn form(track: &Track<'_>) -> &'static str {
    match track.candidate.form {
        SubtitleForm::Text => "text",
        SubtitleForm::Image => "images",
    }
}

fn wanted_form(wants: &Wants<'_>) -> &'static str {
    match wants.preferences.form {
        FormPreference::Image => "images are",
        FormPreference::Text | FormPreference::Any => "text is",
    }
}
