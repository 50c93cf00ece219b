//! Finds the subtitle files that lie beside a media file: `Movie.en.forced.srt` beside `Movie.mkv`.
//!
//! Does: read names, and list a folder.
//! Does not: open subtitles, or know languages; what a name writes is passed on as it is written.
//! Invariant: a file that begins with another media file's whole name belongs to that one; names that are no Unicode belong to nobody.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    path::Path,
};

use exstreamtv_model::{
    media::Disposition,
    pick::{SubtitleCandidate, SubtitleForm, SubtitleSource},
};

use crate::walk::is_media;

/// A subtitle file beside a media file, as its name describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubtitleFile {
    /// Its name, without the folder.
    pub name: String,
    /// The language as the name writes it: "en", "pt-BR", "German".
    pub language: Option<String>,
    /// What else the name says: "Commentary".
    pub title: Option<String>,
    /// Whether it holds only what must be shown.
    pub forced: bool,
    /// Whether it is for the deaf and hard of hearing.
    pub sdh: bool,
    /// Whether it is the one that is meant to be shown.
    pub default: bool,
    /// FFmpeg's codec name.
    pub codec: &'static str,
}

impl SubtitleFile {
    /// Returns it as a picker is offered it.
    pub fn into_candidate(self) -> SubtitleCandidate {
        SubtitleCandidate {
            disposition: Disposition {
                default: self.default,
                forced: self.forced,
                hearing_impaired: self.sdh,
                ..Default::default()
            },
            source: SubtitleSource::Sidecar { name: self.name },
            codec: self.codec.into(),
            form: SubtitleForm::Text,
            language: self.language,
            title: self.title,
        }
    }
}

/// Lists the folder of a media file and returns the subtitle files that belong to it, sorted by name.
///
/// # Errors
/// The folder cannot be read.
pub fn list(media: &Path) -> io::Result<Vec<SubtitleFile>> {
    let folder = media.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        // Followed, because libraries of links are common; a folder called "x.srt" is no subtitle.
        let is_subtitle = codec_of(&name).is_some() && folder.join(&name).is_file();
        if is_subtitle || is_media(Path::new(&name)) {
            names.push(name);
        }
    }
    Ok(beside(media, &names))
}

/// Returns the subtitle files among `names`, the names in the folder of `media`, that belong to it, sorted by name.
pub fn beside(media: &Path, names: &[OsString]) -> Vec<SubtitleFile> {
    let Some(stem) = media.file_stem().and_then(OsStr::to_str) else { return Vec::new() };
    // "Movie.German.srt" is no German of "Movie.mkv" where there is a "Movie.German.mkv".
    let longer: Vec<&str> = names.iter().filter_map(|name| longer_stem(name, stem)).collect();
    let is_theirs = |name: &str| longer.iter().any(|longer| rest_after(name, longer).is_some());
    let own = names.iter().filter_map(|name| name.to_str()).filter(|name| !is_theirs(name));
    let mut files: Vec<SubtitleFile> = own.filter_map(|name| read(name, rest_after(name, stem)?)).collect();
    files.sort_by(|one, other| one.name.cmp(&other.name));
    files
}

fn longer_stem<'a>(name: &'a OsStr, stem: &str) -> Option<&'a str> {
    let path = Path::new(name);
    let other = path.file_stem().filter(|_| is_media(path))?.to_str()?;
    rest_after(other, stem).map(|_| other)
}

/// Returns what follows the stem and a full stop.
fn rest_after<'a>(name: &'a str, stem: &str) -> Option<&'a str> {
    name.strip_prefix(stem)?.strip_prefix('.')
}

/// Reads a name whose stem has been taken off: "en.forced.srt".
fn read(name: &str, rest: &str) -> Option<SubtitleFile> {
    let mut file = SubtitleFile {
        name: name.into(),
        language: None,
        title: None,
        forced: false,
        sdh: false,
        default: false,
        codec: codec_of(OsStr::new(name))?,
    };
    let parts = rest.rsplit_once('.').map_or("", |(parts, _)| parts);
    let mut words: Vec<&str> = Vec::new();
    for part in parts.split('.').filter(|part| !part.is_empty() && !is_number(part)) {
        match part.to_ascii_lowercase().as_str() {
            "forced" | "foreign" => file.forced = true,
            "sdh" | "cc" => file.sdh = true,
            "default" => file.default = true,
            // Hindi, unless a language has been named before.
            "hi" if !words.is_empty() => file.sdh = true,
            _ => words.push(part),
        }
    }
    // More words than a language and a title make it the file of something else, "Movie.S01E01.Pilot.en.srt".
    (words.len() <= MAX_WORDS).then(|| named(file, &words))
}

fn named(file: SubtitleFile, words: &[&str]) -> SubtitleFile {
    let language = words.iter().rfind(|word| is_code(word)).or(words.last());
    let title: Vec<&str> = words.iter().filter(|word| !is_code(word)).copied().collect();
    SubtitleFile {
        language: language.map(|language| (*language).into()),
        title: (!title.is_empty()).then(|| title.join(" ")),
        ..file
    }
}

/// "en", "eng", "pt-BR", "zh_Hant": short letters, perhaps with subtags.
fn is_code(word: &str) -> bool {
    let first = word.split(['-', '_']).next().unwrap_or_default();
    matches!(first.len(), 2 | 3) && first.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_number(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_digit())
}

fn codec_of(name: &OsStr) -> Option<&'static str> {
    let extension = Path::new(name).extension()?.to_str()?;
    CODECS.iter().find(|(known, _)| extension.eq_ignore_ascii_case(known)).map(|(_, codec)| *codec)
}

/// Extensions and what FFmpeg reads them as.
const CODECS: [(&str, &str); 4] = [("srt", "subrip"), ("ass", "ass"), ("ssa", "ass"), ("vtt", "webvtt")];

/// A language and a title.
const MAX_WORDS: usize = 2;

#[cfg(test)]
mod tests;
