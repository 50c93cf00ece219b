//! Reads what file and folder names say about a programme.
//!
//! Does: find show, season, episode, date, year, title and ids in a path.
//! Does not: open files or list folders; sidecars are `nfo`, and they win.
//! Invariant: every path yields metadata with a title; nothing panics, whatever the bytes of the name.

mod episode;
mod folder;
mod release;

use std::path::Path;

use chrono::{Datelike, NaiveDate};
use exstreamtv_model::{MediaKind, Metadata};

use self::{
    episode::Mark,
    folder::Folders,
    release::{CleanName, clean},
};

/// Returns what the path says about the file; `root` is the library folder in which it was found.
///
/// Folders above `root` say nothing, but the root's own name is the show's when season folders lie directly in it.
pub fn metadata_from_path(root: &Path, path: &Path) -> Metadata {
    let folders = Folders::read(root, path);
    let stem = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    let (stem, ids) = release::take_ids(&stem);
    let mut metadata = match episode::find(&stem, folders.season) {
        Some(found) => from_mark(&found, &folders),
        None => from_title(&stem, &folders),
    };
    if metadata.title.is_empty() {
        metadata.title = fallback_title(path);
    }
    metadata.external_ids = ids;
    metadata
}

fn from_mark(found: &episode::Found<'_>, folders: &Folders) -> Metadata {
    let before = clean(found.before);
    let show = show_of(&before, folders);
    let mut title = release::clean_rest(found.after).title;
    if found.trails && !show.title.as_deref().is_some_and(|show| same_words(&before.title, show)) {
        title = before.title;
    }
    let mut metadata = Metadata { title, ..Metadata::default() };
    match found.mark {
        Mark::Number { season, episode, last } => {
            metadata.kind = MediaKind::Episode;
            (metadata.season, metadata.episode, metadata.episode_end) = (Some(season), Some(episode), last);
        }
        Mark::Date(date) => {
            metadata.aired = Some(date);
            metadata.kind = if show.title.is_some() { MediaKind::Episode } else { MediaKind::Clip };
        }
    }
    metadata.year = show.year.or(metadata.aired.map(|date| date.year()));
    if metadata.title.is_empty() {
        metadata.title = untitled(&metadata, show.title.as_deref());
    }
    metadata.show = show.title;
    metadata
}

/// Without a title of its own an episode is called like its show, so that no guide invents one.
fn untitled(metadata: &Metadata, show: Option<&str>) -> String {
    let dated = || metadata.aired.map(|date: NaiveDate| date.format("%Y-%m-%d").to_string());
    show.map(str::to_owned).or_else(dated).unwrap_or_default()
}

#[derive(Default)]
struct Show {
    title: Option<String>,
    year: Option<i32>,
}

/// A season folder vouches for the folder above it; without one the file's own words come first, because such a folder may hold anything.
fn show_of(before: &CleanName, folders: &Folders) -> Show {
    let own = (!before.title.is_empty()).then(|| Show { title: Some(before.title.clone()), year: before.year });
    let folder = folders.show.as_deref().map(clean).filter(|name| !name.title.is_empty());
    let folder = folder.map(|name| Show { title: Some(name.title), year: name.year });
    let root = folders.root.as_deref().map(clean).filter(|name| !name.title.is_empty());
    let root = root.map(|name| Show { title: Some(name.title), year: name.year });
    let by_folder = if folders.season.is_some() { folder.or(own) } else { own.or(folder) };
    by_folder.or(root).unwrap_or_default()
}

fn from_title(stem: &str, folders: &Folders) -> Metadata {
    let name = clean(stem);
    if let Some(season) = folders.season {
        let show = show_of(&CleanName::default(), folders);
        let kind = MediaKind::Episode;
        return Metadata {
            kind,
            title: name.title,
            show: show.title,
            season: Some(season),
            year: show.year,
            ..Metadata::default()
        };
    }
    let folder = folders.show.as_deref().map(clean).filter(|folder| folder.year.is_some() && !folder.title.is_empty());
    match folder {
        // "Movie (1999)/movie.mkv" and "Movie (1999)/grp-mv.1080p.mkv" are the film; "Holiday (2019)/beach.mp4" is a clip.
        Some(folder) if name.year.is_none() && (name.released || same_words(&name.title, &folder.title)) => {
            Metadata { kind: MediaKind::Movie, title: folder.title, year: folder.year, ..Metadata::default() }
        }
        _ => {
            let kind = if name.year.is_some() { MediaKind::Movie } else { MediaKind::Clip };
            Metadata { kind, title: name.title, year: name.year, ..Metadata::default() }
        }
    }
}

/// Returns whether one title begins with the other when only letters and digits count.
fn same_words(one: &str, other: &str) -> bool {
    let letters = |text: &str| -> String { text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect() };
    let (one, other) = (letters(one), letters(other));
    one.is_empty() || other.starts_with(&one) || one.starts_with(&other)
}

fn fallback_title(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let name = release::without_control(&name);
    if name.trim().is_empty() { "Untitled".to_owned() } else { name.trim().to_owned() }
}
