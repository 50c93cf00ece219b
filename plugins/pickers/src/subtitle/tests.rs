//! Tests of the subtitle picker: one table per rule, then what holds for any request.

use exstreamtv_model::{media::Disposition, pick::StreamRef};
use proptest::prelude::*;

use super::*;

/// Builds subtitles from a terse description: "eng text default", "ger image forced", "fre text sdh".
fn subtitles(described: &[&str]) -> Vec<SubtitleCandidate> {
    described.iter().enumerate().map(|(at, words)| candidate(at, words)).collect()
}

fn candidate(at: usize, described: &str) -> SubtitleCandidate {
    let (language, traits) = described.split_once(' ').unwrap_or((described, ""));
    let has = |name: &str| traits.split(' ').any(|word| word == name);
    let relative = u32::try_from(at).unwrap();
    let form = if has("image") { SubtitleForm::Image } else { SubtitleForm::Text };
    let source = match has("file") {
        true => SubtitleSource::Sidecar { name: format!("film.{at}.srt") },
        false => SubtitleSource::Embedded(StreamRef { absolute: relative + 2, relative }),
    };
    let codec = match form {
        _ if has("unknown") => "",
        SubtitleForm::Image => "hdmv_pgs_subtitle",
        SubtitleForm::Text => "subrip",
    };
    let disposition = Disposition {
        default: has("default"),
        forced: has("forced"),
        hearing_impaired: has("sdh"),
        comment: has("comment"),
        ..Default::default()
    };
    let language = Some(language.to_owned()).filter(|language| language != "-");
    SubtitleCandidate { source, codec: codec.into(), form, language, title: None, disposition }
}

fn wanting(languages: &[&str]) -> SubtitlePreferences {
    let languages = languages.iter().map(|language| (*language).into()).collect();
    SubtitlePreferences { mode: SubtitleMode::Preferred, languages, ..Default::default() }
}

fn ask(request: &SubtitleRequest) -> SubtitleAnswer {
    let answer = SubtitlePicker.pick_subtitle(request).unwrap();
    assert_eq!(answer.check(request), Ok(()));
    answer
}

/// Checks which of the described subtitles is chosen, by its place.
#[track_caller]
fn assert_chosen(described: &[&str], preferences: &SubtitlePreferences, audio: Option<&str>, expected: Option<usize>) {
    let streams = subtitles(described);
    let request = SubtitleRequest { streams, preferences: preferences.clone(), audio_language: audio.map(Into::into) };
    let answer = ask(&request);
    let chosen =
        answer.chosen.map(|chosen| request.streams.iter().position(|offered| offered.source == chosen).unwrap());
    assert_eq!(chosen, expected, "{described:?}: {}", answer.why);
}

#[test]
fn the_four_priorities_hold_in_their_order() {
    let text = SubtitlePreferences { form: FormPreference::Text, ..wanting(&["de"]) };
    for (described, expected) in [
        // 1: language and form.
        (&["fre text default", "ger image", "ger text"][..], 2),
        // 2: language in any form.
        (&["fre text default", "ger image"], 1),
        // 3: the author's default.
        (&["fre image", "eng image default", "spa text"], 1),
        // 4: the first, whatever it is.
        (&["fre image", "eng text"], 0),
    ] {
        assert_chosen(described, &text, None, Some(expected));
    }
    let image = SubtitlePreferences { form: FormPreference::Image, ..wanting(&["de"]) };
    assert_chosen(&["ger text default", "ger image"], &image, None, Some(1));
    assert_chosen(&["ger text default", "ger image"], &wanting(&["de"]), None, Some(0));
    assert_chosen(&[], &text, None, None);
}

#[test]
fn earlier_languages_and_asked_regions_come_first() {
    assert_chosen(&["eng text", "ger image"], &wanting(&["Deutsch", "en"]), None, Some(1));
    assert_chosen(&["eng text", "fre image"], &wanting(&["de", "eng"]), None, Some(0));
    assert_chosen(&["pt-PT", "por", "pt-BR"], &wanting(&["pt-BR"]), None, Some(2));
    assert_chosen(&["pt-PT", "pt-BR"], &wanting(&["pt"]), None, Some(0));
    assert_chosen(&["- text", "ger text"], &wanting(&["de"]), None, Some(1));
}

#[test]
fn without_a_preferred_language_all_languages_are_right() {
    assert_chosen(&["fre text", "eng text default"], &wanting(&[]), None, Some(1));
    assert_chosen(&["fre text", "eng text"], &wanting(&[]), None, Some(0));
    let text = SubtitlePreferences { form: FormPreference::Text, ..wanting(&[]) };
    assert_chosen(&["fre image default", "eng text"], &text, None, Some(1));
}

#[test]
fn off_shows_nothing() {
    let off = SubtitlePreferences { mode: SubtitleMode::Off, ..wanting(&["de"]) };
    assert_chosen(&["ger text default forced"], &off, Some("ger"), None);
}

#[test]
fn forced_only_shows_forced_ones_in_the_language_of_the_sound_or_a_preferred_one() {
    let forced = SubtitlePreferences { mode: SubtitleMode::ForcedOnly, ..wanting(&["fr", "de"]) };
    let all = ["eng text default", "ger text forced", "fre text forced", "eng image forced"];
    assert_chosen(&all, &forced, Some("en"), Some(3));
    assert_chosen(&all[..3], &forced, Some("en"), Some(2));
    assert_chosen(&all[..2], &forced, None, Some(1));
    assert_chosen(&all[..1], &forced, Some("en"), None);
    assert_chosen(&["spa text forced default", "- text forced"], &forced, Some("en"), None);
    assert_chosen(
        &["eng image forced", "eng text forced"],
        &SubtitlePreferences { form: FormPreference::Text, ..forced },
        Some("en"),
        Some(1),
    );
}

#[test]
fn when_audio_differs_shows_full_ones_only_with_foreign_sound() {
    let differs = SubtitlePreferences { mode: SubtitleMode::WhenAudioDiffers, ..wanting(&["de", "en"]) };
    let all = ["eng text", "ger text", "ger text forced", "fre text forced"];
    assert_chosen(&all, &differs, Some("jpn"), Some(1));
    assert_chosen(&all, &differs, Some("ger"), Some(2));
    assert_chosen(&all, &differs, Some("English"), Some(2));
    assert_chosen(&all[..2], &differs, Some("ger"), None);
    // A sound that does not say its language may be foreign.
    assert_chosen(&all, &differs, None, Some(1));
    assert_chosen(&all, &differs, Some("und"), Some(1));
    let nobody = SubtitlePreferences { mode: SubtitleMode::WhenAudioDiffers, ..wanting(&[]) };
    assert_chosen(&all, &nobody, Some("fre"), Some(3));
    assert_chosen(&all, &nobody, Some("jpn"), None);
}

#[test]
fn forced_and_commentary_subtitles_do_not_stand_in_for_full_ones() {
    assert_chosen(&["ger text forced default", "ger image"], &wanting(&["de"]), None, Some(1));
    assert_chosen(&["ger text forced", "eng text"], &wanting(&["de", "en"]), None, Some(1));
    assert_chosen(&["ger text comment", "ger text"], &wanting(&["de"]), None, Some(1));
    assert_chosen(&["ger text forced"], &wanting(&["de"]), None, Some(0));
    assert_chosen(&["ger text comment"], &wanting(&["de"]), None, Some(0));
}

#[test]
fn subtitles_for_the_deaf_follow_the_wish() {
    for (wish, expected) in [(Wish::Avoid, 1), (Wish::Allow, 0), (Wish::Prefer, 0)] {
        let wants = SubtitlePreferences { sdh: wish, ..wanting(&["en"]) };
        assert_chosen(&["eng text sdh", "eng text"], &wants, None, Some(expected));
    }
    let prefer = SubtitlePreferences { sdh: Wish::Prefer, ..wanting(&["en"]) };
    assert_chosen(&["eng text", "ger text sdh", "eng text sdh"], &prefer, None, Some(2));
    assert_chosen(&["eng text sdh"], &wanting(&["en"]), None, Some(0));
}

#[test]
fn titles_count_as_whole_words() {
    let mut streams = subtitles(&["eng text", "eng text"]);
    streams[0].title = Some("Soccer".into());
    let mut request = SubtitleRequest { streams, preferences: wanting(&["en"]), audio_language: None };
    assert_eq!(ask(&request).chosen.as_ref(), Some(&request.streams[0].source));
    request.streams[0].title = Some("English [CC]".into());
    assert_eq!(ask(&request).chosen.as_ref(), Some(&request.streams[1].source));
}

#[test]
fn files_beside_the_media_count_unless_they_are_not_wanted() {
    let all = ["eng text", "ger text file", "ger text"];
    assert_chosen(&all[..2], &wanting(&["de"]), None, Some(1));
    assert_chosen(&all, &wanting(&["de"]), None, Some(1));
    let without = SubtitlePreferences { sidecars: false, ..wanting(&["de"]) };
    assert_chosen(&all, &without, None, Some(2));
    assert_chosen(&all[1..2], &without, None, None);
}

#[test]
fn a_codec_that_ffmpeg_does_not_know_is_never_shown() {
    assert_chosen(&["ger text default unknown", "fre text"], &wanting(&["de"]), None, Some(1));
    assert_chosen(&["ger text default unknown"], &wanting(&["de"]), None, None);
}

#[test]
fn the_reasons_are_told() {
    let preferences = SubtitlePreferences { form: FormPreference::Text, ..wanting(&["de"]) };
    let streams = subtitles(&["eng text default", "ger image", "ger text sdh", "ger text", "- text unknown"]);
    let answer = ask(&SubtitleRequest { streams, preferences, audio_language: Some("eng".into()) });
    assert_eq!(answer.why, "stream 5 (German, text): the language that is wanted most, German");
    let reasons: Vec<_> = answer.ranked.iter().map(|ranked| ranked.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "the language that is wanted most, German",
            "it is for the deaf and hard of hearing, and there is another",
            "it is images, and text is preferred",
            "English is not among the preferred languages (German)",
            "FFmpeg does not know its codec",
        ]
    );
}

#[test]
fn subtitles_that_are_offered_twice_are_refused() {
    let streams = [subtitles(&["eng text"]), subtitles(&["ger text"])].concat();
    let twice = SubtitleRequest { streams, preferences: wanting(&[]), audio_language: None };
    assert!(matches!(SubtitlePicker.pick_subtitle(&twice), Err(PickError::Declined { .. })));
}

fn word() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec!["en", "ger", "pt-BR", "und", "zxx", "Forced", "SDH", "日本語", "Commentary"]);
    prop_oneof![known.prop_map(str::to_owned), "\\PC{0,12}"]
}

prop_compose! {
    fn any_candidate()(
        beside in any::<bool>(), codec in prop_oneof![Just(""), Just("subrip"), Just("dvd_subtitle")],
        image in any::<bool>(), language in prop::option::of(word()), title in prop::option::of(word()),
        flags in any::<[bool; 4]>(),
    ) -> SubtitleCandidate {
        let [default, forced, hearing_impaired, comment] = flags;
        let disposition = Disposition { default, forced, hearing_impaired, comment, ..Default::default() };
        let form = if image { SubtitleForm::Image } else { SubtitleForm::Text };
        let source = match beside {
            true => SubtitleSource::Sidecar { name: String::new() },
            false => SubtitleSource::Embedded(StreamRef { absolute: 0, relative: 0 }),
        };
        SubtitleCandidate { source, codec: codec.into(), form, language, title, disposition }
    }
}

fn placed((at, candidate): (usize, SubtitleCandidate)) -> SubtitleCandidate {
    let relative = u32::try_from(at).unwrap();
    let source = match candidate.source {
        SubtitleSource::Sidecar { .. } => SubtitleSource::Sidecar { name: format!("{at}.srt") },
        SubtitleSource::Embedded(_) => SubtitleSource::Embedded(StreamRef { absolute: 3 * relative, relative }),
    };
    SubtitleCandidate { source, ..candidate }
}

prop_compose! {
    fn any_request()(
        streams in prop::collection::vec(any_candidate(), 0..8), languages in prop::collection::vec(word(), 0..4),
        mode in prop::sample::select(vec![
            SubtitleMode::Off, SubtitleMode::Preferred, SubtitleMode::ForcedOnly, SubtitleMode::WhenAudioDiffers,
        ]),
        form in prop::sample::select(vec![FormPreference::Any, FormPreference::Text, FormPreference::Image]),
        sdh in prop::sample::select(vec![Wish::Avoid, Wish::Allow, Wish::Prefer]),
        sidecars in any::<bool>(), audio_language in prop::option::of(word()),
    ) -> SubtitleRequest {
        let streams = streams.into_iter().enumerate().map(placed).collect();
        let preferences = SubtitlePreferences { mode, languages, form, sdh, sidecars, ..Default::default() };
        SubtitleRequest { streams, preferences, audio_language }
    }
}

proptest! {
    #[test]
    fn any_request_gets_an_answer_that_the_host_takes_and_always_the_same(request in any_request()) {
        let answer = SubtitlePicker.pick_subtitle(&request).unwrap();
        prop_assert_eq!(answer.check(&request), Ok(()));
        prop_assert_eq!(SubtitlePicker.pick_subtitle(&request).unwrap(), answer.clone());
        prop_assert!(answer.ranked.iter().all(|ranked| !ranked.reason.is_empty()) && !answer.why.is_empty());
        let chosen = request.streams.iter().find(|offered| Some(&offered.source) == answer.chosen.as_ref());
        prop_assert!(chosen.is_none_or(|chosen| !chosen.codec.is_empty()));
        let wants = &request.preferences;
        let is_beside = |chosen: &SubtitleCandidate| matches!(chosen.source, SubtitleSource::Sidecar { .. });
        prop_assert!(chosen.is_none_or(|chosen| wants.sidecars || !is_beside(chosen)));
        prop_assert!(wants.mode != SubtitleMode::Off || chosen.is_none());
        // With the mode "preferred" something is shown whenever something can be.
        let can_show = |offered: &SubtitleCandidate| !offered.codec.is_empty() && (wants.sidecars || !is_beside(offered));
        if wants.mode == SubtitleMode::Preferred {
            prop_assert_eq!(chosen.is_some(), request.streams.iter().any(can_show));
        }
    }
}
