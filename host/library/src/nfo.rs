//! Reads `.nfo` sidecars as Kodi, Jellyfin, Plex exporters and people write them.
//!
//! Does: understand movie, tvshow and episodedetails documents, several episodes in one file, and files that hold only a link.
//! Does not: open files (it is given their bytes), resolve entities, or fetch what a link names.
//! Invariant: never panics, never expands a declared entity, never returns more than a bounded amount of text.

mod details;
mod text;
mod tree;

use std::{collections::BTreeMap, sync::LazyLock};

use exstreamtv_model::{MediaKind, Metadata};
use regex::Regex;

use self::tree::Element;

/// Largest sidecar that is read.
pub const MAX_NFO_BYTES: usize = 1024 * 1024;

/// What a sidecar says; an empty field says nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Nfo {
    /// What it describes.
    pub subject: NfoSubject,
    /// What it says. The title may be empty here.
    pub says: Metadata,
}

/// What a sidecar describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NfoSubject {
    /// A film.
    Movie,
    /// A series: `says.title` is the show's.
    Show,
    /// One episode, or several in one file.
    Episode,
    /// A music video or something like it.
    Clip,
    /// Only links: nothing but ids.
    Link,
}

/// Why a sidecar cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NfoError {
    /// It is too large to be a sidecar.
    #[error("read the sidecar: it has {bytes} bytes, more than the {MAX_NFO_BYTES} that are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It declares entities, which no honest sidecar needs.
    #[error("read the sidecar: it declares XML entities, which are refused")]
    Entities,
    /// It describes nothing that we know.
    #[error("read the sidecar: it holds neither a film, a series, an episode nor a link")]
    Nothing,
}

/// Reads a sidecar.
///
/// # Errors
/// When it is too large, declares entities or describes nothing; everything else is read as far as it can be.
pub fn parse_nfo(bytes: &[u8]) -> Result<Nfo, NfoError> {
    if bytes.len() > MAX_NFO_BYTES {
        return Err(NfoError::TooLarge { bytes: bytes.len() });
    }
    let text = text::decode(bytes);
    let forest = tree::parse(&text)?;
    let documents: Vec<(NfoSubject, &Element)> = forest.iter().flat_map(documents_in).collect();
    let Some((subject, first)) = documents.first().copied() else {
        return links_in(&text).ok_or(NfoError::Nothing);
    };
    let mut says = details::read(subject, first);
    if subject == NfoSubject::Episode {
        let rest = documents.iter().skip(1).filter(|(kind, _)| *kind == subject).take(MAX_EPISODES_PER_FILE);
        rest.map(|(kind, element)| details::read(*kind, element)).for_each(|next| join_episode(&mut says, next));
    }
    Ok(Nfo { subject, says })
}

const MAX_EPISODES_PER_FILE: usize = 20;

impl Nfo {
    /// Lays what the sidecar says over what the name said.
    pub fn merge_into(self, metadata: &mut Metadata) {
        match self.subject {
            NfoSubject::Show => return merge_show(self.says, metadata),
            NfoSubject::Movie => {
                metadata.kind = MediaKind::Movie;
                (metadata.show, metadata.season, metadata.episode, metadata.episode_end) = (None, None, None, None);
            }
            NfoSubject::Episode => metadata.kind = MediaKind::Episode,
            NfoSubject::Clip | NfoSubject::Link => {}
        }
        let says = self.says;
        if !says.title.is_empty() {
            metadata.title = says.title;
        }
        if says.episode.is_some() {
            (metadata.episode, metadata.episode_end) = (says.episode, says.episode_end.or(metadata.episode_end));
            metadata.episode_end = metadata.episode_end.filter(|end| Some(*end) > says.episode);
        }
        over(&mut metadata.show, says.show);
        over(&mut metadata.season, says.season);
        over(&mut metadata.year, says.year);
        over(&mut metadata.aired, says.aired);
        over(&mut metadata.plot, says.plot);
        over(&mut metadata.original_language, says.original_language);
        over(&mut metadata.rating, says.rating);
        over(&mut metadata.score, says.score);
        over_list(&mut metadata.genres, says.genres);
        over_list(&mut metadata.credits, says.credits);
        metadata.external_ids.extend(says.external_ids);
    }
}

/// The series names the show; what it says about genre, language and rating holds where the episode is silent.
fn merge_show(says: Metadata, metadata: &mut Metadata) {
    if says.title.is_empty() {
        return;
    }
    // An untitled episode is called like its show, also when the sidecar spells the show differently.
    if metadata.show.as_ref() == Some(&metadata.title) {
        metadata.title.clone_from(&says.title);
    }
    metadata.show = Some(says.title);
    if metadata.kind == MediaKind::Clip && metadata.season.is_some() {
        metadata.kind = MediaKind::Episode;
    }
    if metadata.genres.is_empty() {
        metadata.genres = says.genres;
    }
    metadata.original_language = metadata.original_language.take().or(says.original_language);
    metadata.rating = metadata.rating.take().or(says.rating);
    metadata.year = metadata.year.or(says.year);
}

/// Adds a further episode of the same file: its number and its title.
fn join_episode(says: &mut Metadata, next: Metadata) {
    if next.season == says.season {
        let last = says.episode_end.max(says.episode);
        says.episode_end = next.episode.filter(|episode| Some(*episode) > last).or(says.episode_end);
    }
    if !next.title.is_empty() && !says.title.contains(&next.title) {
        let divider = if says.title.is_empty() { "" } else { " / " };
        says.title = format!("{}{divider}{}", says.title, next.title);
    }
}

fn over<T>(field: &mut Option<T>, said: Option<T>) {
    if said.is_some() {
        *field = said;
    }
}

fn over_list<T>(field: &mut Vec<T>, said: Vec<T>) {
    if !said.is_empty() {
        *field = said;
    }
}

/// Finds the documents that an element is or, one level down, holds ("xbmcmultiepisode").
fn documents_in(element: &Element) -> Vec<(NfoSubject, &Element)> {
    let known = |element: &Element| match element.name.as_str() {
        "movie" => Some(NfoSubject::Movie),
        "tvshow" => Some(NfoSubject::Show),
        "episodedetails" => Some(NfoSubject::Episode),
        "musicvideo" | "video" => Some(NfoSubject::Clip),
        _ => None,
    };
    match known(element) {
        Some(subject) => vec![(subject, element)],
        None => element.children.iter().filter_map(|child| Some((known(child)?, child))).collect(),
    }
}

static IMDB: LazyLock<Regex> = LazyLock::new(|| link(r"imdb\.com/[^\s]*?(tt\d{7,9})"));
static TMDB: LazyLock<Regex> = LazyLock::new(|| link(r"themoviedb\.org/(?:movie|tv)/(\d{1,10})"));
static TVDB: LazyLock<Regex> = LazyLock::new(|| link(r"thetvdb\.com/[^\s]*?(?:id=|series/)(\d{1,10})"));

fn link(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is constant, and the tests use it")
}

fn links_in(text: &str) -> Option<Nfo> {
    let id = |system: &str, pattern: &Regex| {
        let id = pattern.captures(text)?.get(1)?.as_str().to_owned();
        Some((system.to_owned(), id))
    };
    let ids = [id("imdb", &IMDB), id("tmdb", &TMDB), id("tvdb", &TVDB)];
    let external_ids: BTreeMap<_, _> = ids.into_iter().flatten().collect();
    let says = Metadata { external_ids, ..Metadata::default() };
    (!says.external_ids.is_empty()).then_some(Nfo { subject: NfoSubject::Link, says })
}
