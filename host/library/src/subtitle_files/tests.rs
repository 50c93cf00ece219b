//! Tests of the names of subtitle files.

use proptest::prelude::*;

use super::*;

fn found(media: &str, names: &[&str]) -> Vec<SubtitleFile> {
    let names: Vec<OsString> = names.iter().map(Into::into).collect();
    beside(Path::new(media), &names)
}

/// Writes a file's description in short: "en forced", "-", "German sdh".
fn short(file: &SubtitleFile) -> String {
    let flags = [(file.forced, " forced"), (file.sdh, " sdh"), (file.default, " default")];
    let said = flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, word)| word);
    file.language.as_deref().unwrap_or("-").to_owned() + &said.collect::<String>()
}

#[test]
fn names_say_language_and_kind() {
    for (name, said, codec) in [
        ("Movie.srt", "-", "subrip"),
        ("Movie.en.srt", "en", "subrip"),
        ("Movie.en.forced.ass", "en forced", "ass"),
        ("Movie.en.sdh.vtt", "en sdh", "webvtt"),
        ("Movie.pt-BR.srt", "pt-BR", "subrip"),
        ("Movie.German.forced.srt", "German forced", "subrip"),
        ("Movie.forced.eng.SRT", "eng forced", "subrip"),
        ("Movie.EN.Forced.Ssa", "EN forced", "ass"),
        ("Movie.en.cc.default.srt", "en sdh default", "subrip"),
        ("Movie.hi.srt", "hi", "subrip"),
        ("Movie.en.hi.srt", "en sdh", "subrip"),
        ("Movie.en.2.srt", "en", "subrip"),
        ("Movie.Director.en.srt", "en", "subrip"),
        ("Movie.zh-Hant.srt", "zh-Hant", "subrip"),
        ("Movie.日本語.srt", "日本語", "subrip"),
        ("Movie..srt", "-", "subrip"),
    ] {
        let files = found("/films/Movie.mkv", &[name]);
        assert_eq!(files.iter().map(short).collect::<Vec<_>>(), [said], "{name}");
        assert_eq!((files[0].name.as_str(), files[0].codec), (name, codec));
    }
}

#[test]
fn what_belongs_to_another_film_is_left_alone() {
    for name in [
        "Movie 2.en.srt",
        "movie.en.srt",
        "Movie2.srt",
        "Movie",
        "Movie.mkv",
        "Movie.nfo",
        "Movie.en.sub",
        "Movie.en.srt.bak",
        "Movie.S01E01.Pilot.en.srt",
        "The Movie.srt",
        "srt",
        ".srt",
    ] {
        assert_eq!(found("/films/Movie.mkv", &[name]), [], "{name}");
    }
    let both = ["Movie.mkv", "Movie.German.mkv", "Movie.German.srt", "Movie.German.en.srt", "Movie.fr.srt"];
    let names = |media| found(media, &both).into_iter().map(|file| file.name).collect::<Vec<_>>();
    assert_eq!(names("Movie.mkv"), ["Movie.fr.srt"]);
    assert_eq!(names("Movie.German.mkv"), ["Movie.German.en.srt", "Movie.German.srt"]);
}

#[test]
fn stems_with_dots_quotes_and_brackets_are_taken_whole() {
    let file = &found("/films/It's [1080p].2019 - A.B.mkv", &["It's [1080p].2019 - A.B.en.srt"])[0];
    assert_eq!(file.language.as_deref(), Some("en"));
}

#[test]
fn a_picker_is_offered_flags_language_and_title() {
    let file = found("Movie.mkv", &["Movie.Commentary.en.forced.srt"]).remove(0);
    let candidate = file.into_candidate();
    assert_eq!(candidate.source, SubtitleSource::Sidecar { name: "Movie.Commentary.en.forced.srt".into() });
    assert_eq!((candidate.language.as_deref(), candidate.title.as_deref()), (Some("en"), Some("Commentary")));
    assert!(candidate.disposition.forced && SubtitleForm::of_codec(&candidate.codec) == Some(candidate.form));
}

#[test]
fn a_folder_is_listed_in_order_and_only_files_count() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["Movie.mkv", "Movie.fr.srt", "Movie.en.srt", "Other.en.srt"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    fs::create_dir(folder.path().join("Movie.de.srt")).unwrap();
    let names = list(&folder.path().join("Movie.mkv")).unwrap().into_iter().map(|file| file.name);
    assert_eq!(names.collect::<Vec<_>>(), ["Movie.en.srt", "Movie.fr.srt"]);
    assert!(list(&folder.path().join("gone/Movie.mkv")).is_err());
}

proptest! {
    #[test]
    fn no_name_makes_it_panic_and_only_what_was_given_comes_back(
        stem in "\\PC{0,10}", rests in prop::collection::vec("(\\.\\PC{0,5}){0,4}(\\.srt|\\.VTT|\\.mkv)?", 0..6),
    ) {
        let names: Vec<OsString> = rests.iter().map(|rest| format!("{stem}{rest}").into()).collect();
        let files = beside(Path::new(&format!("{stem}.mkv")), &names);
        prop_assert!(files.iter().all(|file| names.contains(&OsString::from(&file.name))));
        prop_assert!(files.is_sorted_by(|one, other| one.name <= other.name));
    }
}
