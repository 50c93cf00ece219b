//! Tests of the audio picker: one table per rule, then what holds for any request.

use exstreamtv_model::{media::Disposition, pick::LfePolicy};
use proptest::prelude::*;

use super::*;

/// Builds a sound stream; the test says what matters.
fn sound(absolute: u32, language: &str, channels: u8) -> AudioCandidate {
    let layout = match channels {
        1 => Some("mono"),
        2 => Some("stereo"),
        6 => Some("5.1"),
        8 => Some("7.1"),
        _ => None,
    };
    AudioCandidate {
        absolute,
        relative: absolute.saturating_sub(1),
        codec: "aac".into(),
        profile: None,
        channels,
        layout: layout.map(Into::into),
        language: (!language.is_empty()).then(|| language.into()),
        title: None,
        disposition: Disposition::default(),
    }
}

fn titled(stream: AudioCandidate, title: &str) -> AudioCandidate {
    AudioCandidate { title: Some(title.into()), ..stream }
}

fn coded(stream: AudioCandidate, codec: &str) -> AudioCandidate {
    AudioCandidate { codec: codec.into(), ..stream }
}

fn by_default(mut stream: AudioCandidate) -> AudioCandidate {
    stream.disposition.default = true;
    stream
}

fn wanting(languages: &[&str]) -> AudioPreferences {
    AudioPreferences { languages: languages.iter().map(|language| (*language).into()).collect(), ..Default::default() }
}

fn request(streams: Vec<AudioCandidate>, preferences: AudioPreferences) -> AudioRequest {
    AudioRequest { streams, preferences, original_language: None, output_channels: 2 }
}

fn ask(request: &AudioRequest) -> AudioAnswer {
    let answer = AudioPicker.pick_audio(request).unwrap();
    assert_eq!(answer.check(request), Ok(()));
    answer
}

#[track_caller]
fn assert_chosen(streams: &[AudioCandidate], preferences: AudioPreferences, absolute: u32) {
    let answer = ask(&request(streams.to_vec(), preferences));
    assert_eq!(answer.chosen.map(|chosen| chosen.absolute), Some(absolute), "{}", answer.why);
}

#[test]
fn the_most_wanted_language_that_is_there_is_played() {
    let streams = [by_default(sound(1, "eng", 6)), sound(2, "fre", 2), sound(3, "ger", 2)];
    assert_chosen(&streams, wanting(&["de", "fr"]), 3);
    assert_chosen(&streams, wanting(&["Japanese", "français"]), 2);
    assert_chosen(&streams, wanting(&[]), 1);
}

#[test]
fn a_region_that_was_asked_for_comes_before_another() {
    let streams = [sound(1, "pt-PT", 2), sound(2, "por", 2), titled(sound(3, "por", 2), "Brasil")];
    assert_chosen(&streams, wanting(&["pt-BR"]), 3);
    assert_chosen(&streams[..2], wanting(&["pt-BR"]), 2);
    assert_chosen(&streams[..1], wanting(&["pt-BR"]), 1);
    assert_chosen(&streams, wanting(&["pt"]), 1);
    let why = ask(&request(streams[..1].to_vec(), wanting(&["pt-BR"]))).why;
    assert!(why.contains("Portuguese (PT) is the nearest to the wanted Portuguese (BR)"), "{why}");
}

#[test]
fn without_a_preferred_language_the_authors_default_decides_which_one_is_heard() {
    let streams = [sound(1, "fre", 2), by_default(sound(2, "eng", 6)), sound(3, "eng", 2)];
    assert_chosen(&streams, wanting(&["de"]), 2);
    let stereo = AudioPreferences { layout: LayoutPreference::Stereo, ..wanting(&["de"]) };
    assert_chosen(&streams, stereo, 3);
    assert_chosen(&[sound(1, "fre", 2), sound(2, "eng", 2)], wanting(&["de"]), 1);
}

#[test]
fn the_original_language_comes_first_when_wanted() {
    let original = AudioPreferences { original_language: true, ..wanting(&["en"]) };
    let mut flagged = sound(2, "jpn", 2);
    flagged.disposition.original = true;
    let streams = [by_default(sound(1, "eng", 2)), flagged];
    let mut ask_for = request(streams.to_vec(), original.clone());
    for known in [None, Some("Japanese".to_owned()), Some("und".to_owned())] {
        ask_for.original_language = known;
        assert_eq!(ask(&ask_for).chosen.unwrap().absolute, 2);
    }
    ask_for.original_language = Some("ko".into());
    assert_eq!(ask(&ask_for).chosen.unwrap().absolute, 1);
    ask_for.original_language = Some("ja".into());
    ask_for.preferences.original_language = false;
    assert_eq!(ask(&ask_for).chosen.unwrap().absolute, 1);
}

#[test]
fn a_commentary_or_description_is_played_only_when_there_is_nothing_else() {
    for title in ["Director's Commentary", "Audio Description"] {
        let special = by_default(titled(sound(1, "eng", 2), title));
        assert_chosen(&[special.clone(), sound(2, "eng", 2)], wanting(&["en"]), 2);
        assert_chosen(&[special.clone(), sound(2, "fre", 2)], wanting(&["en"]), 2);
        assert_chosen(&[special], wanting(&["en"]), 1);
    }
}

#[test]
fn a_wanted_commentary_comes_before_others_of_its_language_only() {
    let comment = titled(sound(2, "eng", 2), "Commentary");
    let prefer = |wish| AudioPreferences { commentary: wish, ..wanting(&["en"]) };
    let streams = [sound(1, "eng", 2), comment];
    assert_chosen(&streams, prefer(Wish::Prefer), 2);
    assert_chosen(&streams, prefer(Wish::Allow), 1);
    let german = AudioPreferences { commentary: Wish::Prefer, ..wanting(&["de"]) };
    assert_chosen(&[streams[0].clone(), streams[1].clone(), sound(3, "ger", 2)], german, 3);
    let described = AudioPreferences { audio_description: Wish::Prefer, ..wanting(&["en"]) };
    assert_chosen(&[streams[0].clone(), titled(sound(4, "eng", 2), "English AD")], described, 4);
}

#[test]
fn titles_that_only_look_like_commentaries_are_films() {
    let cut = by_default(titled(sound(1, "eng", 2), "Director's Cut"));
    assert_chosen(&[cut, sound(2, "eng", 2)], wanting(&["en"]), 1);
    assert_chosen(&[titled(sound(1, "eng", 2), "Dublin"), sound(2, "eng", 2)], wanting(&["en"]), 1);
}

#[test]
fn a_preferred_layout_comes_before_the_authors_default() {
    let streams = [by_default(sound(1, "eng", 6)), sound(2, "eng", 2), sound(3, "eng", 8), sound(4, "eng", 1)];
    let layout = |layout| AudioPreferences { layout, ..Default::default() };
    assert_chosen(&streams, layout(LayoutPreference::Stereo), 2);
    assert_chosen(&streams[1..], layout(LayoutPreference::Surround), 3);
    assert_chosen(&streams[3..], layout(LayoutPreference::Surround), 4);
}

#[test]
fn without_a_preferred_layout_the_nearest_to_what_is_sent_wins() {
    let streams = [sound(1, "", 1), sound(2, "", 8), sound(3, "", 6), sound(4, "", 2)];
    for (sent, offered, expected) in [(2, 4, 4), (2, 3, 3), (2, 2, 2), (6, 4, 3), (6, 2, 2), (1, 4, 1), (6, 1, 1)] {
        let mut ask_for = request(streams[..offered].to_vec(), AudioPreferences::default());
        ask_for.output_channels = sent;
        assert_eq!(ask(&ask_for).chosen.unwrap().absolute, expected, "{sent} of {offered}");
    }
}

#[test]
fn listed_codecs_come_first_and_else_the_better_one() {
    let mut ma = coded(sound(3, "", 6), "dts");
    ma.profile = Some("DTS-HD MA".into());
    let streams = [coded(sound(1, "", 6), "ac3"), coded(sound(2, "", 6), "dts"), ma, sound(4, "", 6)];
    assert_chosen(&streams, AudioPreferences::default(), 3);
    assert_chosen(&streams[..2], AudioPreferences::default(), 2);
    let listed = AudioPreferences { codecs: vec!["opus".into(), "AC3".into()], ..Default::default() };
    assert_chosen(&streams, listed, 1);
}

#[test]
fn a_codec_that_ffmpeg_does_not_know_is_never_played() {
    let unknown = by_default(coded(sound(1, "eng", 2), ""));
    assert_chosen(&[unknown.clone(), sound(2, "fre", 2)], wanting(&["en"]), 2);
    let answer = ask(&request(vec![unknown], wanting(&["en"])));
    assert_eq!((answer.chosen, answer.downmix), (None, None));
    assert!(answer.ranked[0].reason.contains("codec") && answer.why.contains("silent"));
}

#[test]
fn equals_are_chosen_in_file_order_and_a_file_without_sound_is_silent() {
    assert_chosen(&[sound(3, "eng", 2), sound(1, "eng", 2)], wanting(&["en"]), 3);
    assert_eq!(ask(&request(Vec::new(), wanting(&["en"]))).chosen, None);
}

#[test]
fn both_indices_the_reasons_and_the_downmix_are_told() {
    let comment = titled(sound(5, "ger", 2), "Kommentar");
    let answer = ask(&request(vec![sound(1, "eng", 2), sound(3, "ger", 6), comment], wanting(&["de", "xyzzy"])));
    assert_eq!(answer.chosen, Some(StreamRef { absolute: 3, relative: 2 }));
    assert_eq!(answer.downmix.as_ref().map(|downmix| downmix.to.as_str()), Some("stereo"));
    let reasons: Vec<_> = answer.ranked.iter().map(|ranked| ranked.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "the language that is wanted most, German",
            "English is not among the preferred languages (German)",
            "it is a commentary, which is only played when there is nothing else",
        ]
    );
    assert_eq!(
        answer.why,
        "stream 3 (German, 5.1, aac): the language that is wanted most, German; its 5.1 is mixed to stereo; not known as languages: xyzzy"
    );
}

#[test]
fn a_stream_that_is_offered_twice_is_refused() {
    let twice = request(vec![sound(1, "", 2), sound(1, "", 6)], AudioPreferences::default());
    assert!(matches!(AudioPicker.pick_audio(&twice), Err(PickError::Declined { .. })));
}

fn word() -> impl Strategy<Value = String> {
    let known =
        prop::sample::select(vec!["en", "ger", "pt-BR", "und", "mul", "Commentary", "AD", "日本語", "aac", "5.1"]);
    prop_oneof![known.prop_map(str::to_owned), "\\PC{0,12}"]
}

prop_compose! {
    fn any_stream()(
        codec in prop_oneof![Just(String::new()), word()], layout in prop::option::of(word()), channels in 0_u8..12,
        language in prop::option::of(word()), title in prop::option::of(word()), profile in prop::option::of(word()),
        flags in any::<[bool; 5]>(),
    ) -> AudioCandidate {
        let [default, original, comment, hearing_impaired, visual_impaired] = flags;
        let disposition =
            Disposition { default, original, comment, hearing_impaired, visual_impaired, ..Default::default() };
        AudioCandidate { absolute: 0, relative: 0, codec, profile, channels, layout, language, title, disposition }
    }
}

prop_compose! {
    fn any_request()(
        streams in prop::collection::vec(any_stream(), 0..8), languages in prop::collection::vec(word(), 0..4),
        codecs in prop::collection::vec(word(), 0..3), original in any::<bool>(),
        layout in prop::sample::select(vec![LayoutPreference::Any, LayoutPreference::Stereo, LayoutPreference::Surround]),
        commentary in prop::sample::select(vec![Wish::Avoid, Wish::Allow, Wish::Prefer]),
        audio_description in prop::sample::select(vec![Wish::Avoid, Wish::Allow, Wish::Prefer]),
        original_language in prop::option::of(word()), output_channels in any::<u8>(),
    ) -> AudioRequest {
        let place = |(at, stream): (usize, AudioCandidate)| {
            let relative = u32::try_from(at).unwrap();
            AudioCandidate { absolute: 2 * relative + 1, relative, ..stream }
        };
        let preferences = AudioPreferences {
            languages, original_language: original, layout, commentary, audio_description, codecs, lfe: LfePolicy::Mix,
        };
        let streams = streams.into_iter().enumerate().map(place).collect();
        AudioRequest { streams, preferences, original_language, output_channels }
    }
}

proptest! {
    #[test]
    fn any_request_gets_an_answer_that_the_host_takes_and_always_the_same(request in any_request()) {
        let answer = AudioPicker.pick_audio(&request).unwrap();
        prop_assert_eq!(answer.check(&request), Ok(()));
        prop_assert_eq!(AudioPicker.pick_audio(&request).unwrap(), answer.clone());
        let is_playable = |stream: &AudioCandidate| !stream.codec.is_empty() && stream.channels > 0;
        prop_assert_eq!(answer.chosen.is_some(), request.streams.iter().any(is_playable));
        let by_index = |chosen: StreamRef| request.streams.iter().find(|stream| stream.absolute == chosen.absolute).unwrap();
        prop_assert!(answer.chosen.is_none_or(|chosen| is_playable(by_index(chosen))));
        prop_assert!(answer.ranked.iter().all(|ranked| !ranked.reason.is_empty()) && !answer.why.is_empty());
        prop_assert!(answer.ranked.first().is_none_or(|first| first.chosen == answer.chosen.is_some()));
    }

    #[test]
    fn of_two_equal_streams_the_first_offered_is_chosen(stream in any_stream(), request in any_request()) {
        let playable = AudioCandidate { codec: "aac".into(), channels: 2, ..stream };
        let second = AudioCandidate { absolute: 9, relative: 1, ..playable.clone() };
        let answer = AudioPicker.pick_audio(&AudioRequest { streams: vec![second, playable], ..request }).unwrap();
        prop_assert_eq!(answer.chosen.map(|chosen| chosen.absolute), Some(9));
    }
}
