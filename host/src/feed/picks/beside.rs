//! Subtitle files beside a medium: `Film.srt`, `Film.en.srt`, `Film.pt-BR.forced.ass`, `Film.en.sdh.vtt`.
//!
//! Does: look through the medium's folder, read languages and flags from names.
//! Does not: open the files; whether one can be read shows when it is played.
//! Invariant: the answer is bounded and in the order of names, however full the folder is.

use std::{ffi::OsStr, path::Path};

use exstreamtv_model::{
    media::Disposition,
    pick::{SubtitleCandidate, SubtitleForm, SubtitleSource},
};

/// Entries of a folder that are looked at.
const MOST_ENTRIES: usize = 20_000;

/// Files that are offered.
const MOST_FILES: usize = 64;

/// Returns the text subtitles beside `media`; none where its folder cannot be read.
pub fn beside(media: &Path) -> Vec<SubtitleCandidate> {
    let (Some(folder), Some(stem)) = (media.parent(), media.file_stem().and_then(OsStr::to_str)) else { return vec![] };
    let Ok(entries) = std::fs::read_dir(folder) else { return vec![] };
    let names = entries.take(MOST_ENTRIES).filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut found: Vec<(String, SubtitleCandidate)> =
        names.filter_map(|name| candidate(stem, &name).map(|candidate| (name, candidate))).collect();
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found.truncate(MOST_FILES);
    found.into_iter().map(|(_, candidate)| candidate).collect()
}

/// Reads a file's name; `None` if it is no text subtitle of the medium called `stem`.
fn candidate(stem: &str, name: &str) -> Option<SubtitleCandidate> {
    let mut parts: Vec<&str> = name.strip_prefix(stem)?.strip_prefix('.')?.split('.').collect();
    let codec = codec(&parts.pop()?.to_ascii_lowercase())?;
    let (mut language, mut title, mut disposition) = (None, None, Disposition::default());
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        match part.to_ascii_lowercase().as_str() {
            "forced" | "foreign" => disposition.forced = true,
            "default" => disposition.default = true,
            "sdh" | "cc" => disposition.hearing_impaired = true,
            // Before a language it is Hindi.
            "hi" if language.is_some() => disposition.hearing_impaired = true,
            _ if language.is_none() => language = Some(part.to_owned()),
            _ => title = title.or(Some(part.to_owned())),
        }
    }
    let source = SubtitleSource::Sidecar { name: name.to_owned() };
    Some(SubtitleCandidate { source, codec: codec.to_owned(), form: SubtitleForm::Text, language, title, disposition })
}

fn codec(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "srt" => "subrip",
        "ass" => "ass",
        "ssa" => "ssa",
        "vtt" => "webvtt",
        "smi" => "sami",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> Option<(String, Option<String>, [bool; 2])> {
        let found = candidate("Film 2", name)?;
        Some((found.codec, found.language, [found.disposition.forced, found.disposition.hearing_impaired]))
    }

    #[test]
    fn names_say_language_and_flags() {
        let language = |text: &str| Some(text.to_owned());
        assert_eq!(read("Film 2.srt"), Some(("subrip".into(), None, [false, false])));
        assert_eq!(read("Film 2.en.SRT"), Some(("subrip".into(), language("en"), [false, false])));
        assert_eq!(read("Film 2.pt-BR.forced.ass"), Some(("ass".into(), language("pt-BR"), [true, false])));
        assert_eq!(read("Film 2.en.sdh.vtt"), Some(("webvtt".into(), language("en"), [false, true])));
        assert_eq!(read("Film 2.hi.srt"), Some(("subrip".into(), language("hi"), [false, false])));
        assert_eq!(read("Film 2.en.hi.srt"), Some(("subrip".into(), language("en"), [false, true])));
    }

    #[test]
    fn other_files_are_none() {
        for name in ["Film 2.mkv", "Film 22.srt", "Film.srt", "Film 2.idx", "Film 2", "Film 2.en", "other.srt"] {
            assert_eq!(read(name), None, "{name}");
        }
    }

    #[test]
    fn the_folder_is_looked_through_in_the_order_of_names() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.mkv", "a.fr.srt", "a.de.srt", "b.srt"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found: Vec<_> = beside(&folder.path().join("a.mkv")).into_iter().map(|found| found.language).collect();
        assert_eq!(found, [Some("de".to_owned()), Some("fr".to_owned())]);
        assert_eq!(beside(&folder.path().join("gone/a.mkv")), []);
    }
}
