//! Chooses the picture that stands beside a file.
//!
//! Does: rank the names of a folder's pictures, for a file and for a series.
//! Does not: list folders or open pictures; it is given the names.

use std::ffi::{OsStr, OsString};

use exstreamtv_model::MediaKind;

/// Extensions of pictures that every client can show.
const PICTURES: [&str; 5] = ["jpg", "jpeg", "png", "webp", "tbn"];

/// What may follow a film's own name, the best first; an empty one is the name itself.
const OF_FILM: [&str; 7] = ["-poster", "-cover", "", "-movie", "-landscape", "-thumb", "-fanart"];
const OF_EPISODE: [&str; 4] = ["-thumb", "", "-poster", "-fanart"];
/// Names that speak for the whole folder.
const OF_FOLDER: [&str; 10] =
    ["poster", "folder", "cover", "movie", "default", "show", "landscape", "thumb", "fanart", "backdrop"];

/// Returns the picture of one file among `names`, the names in its folder.
pub fn artwork_of_file<'a>(stem: &OsStr, kind: MediaKind, names: &'a [OsString]) -> Option<&'a OsStr> {
    let stem = stem.to_string_lossy().to_lowercase();
    let suffixes = if kind == MediaKind::Episode { OF_EPISODE.as_slice() } else { OF_FILM.as_slice() };
    best(names, |name| suffixes.iter().position(|suffix| name.strip_prefix(&stem) == Some(suffix)))
}

/// Returns the picture of a folder among `names`, the names in it; a season's own poster may lie in its series' folder.
pub fn artwork_of_folder(season: Option<u32>, names: &[OsString]) -> Option<&OsStr> {
    let of_season = season.map(|season| match season {
        0 => "season-specials-poster".to_owned(),
        season => format!("season{season:02}-poster"),
    });
    best(names, |name| {
        if of_season.as_deref() == Some(name) {
            return Some(0);
        }
        OF_FOLDER.iter().position(|known| *known == name).map(|rank| rank + 1)
    })
}

/// Returns the picture whose lower-case stem ranks lowest; the first of several.
fn best(names: &[OsString], rank: impl Fn(&str) -> Option<usize>) -> Option<&OsStr> {
    let ranked = names.iter().filter_map(|name| {
        let lower = name.to_string_lossy().to_lowercase();
        let (stem, extension) = lower.rsplit_once('.')?;
        PICTURES.contains(&extension).then(|| rank(stem)).flatten().map(|rank| (rank, name.as_os_str()))
    });
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<OsString> {
        names.iter().map(Into::into).collect()
    }

    fn of_file(stem: &str, kind: MediaKind, beside: &[&str]) -> Option<String> {
        artwork_of_file(stem.as_ref(), kind, &names(beside)).map(|name| name.to_string_lossy().into_owned())
    }

    #[test]
    fn a_film_shows_its_poster_before_its_still() {
        let beside = ["Movie-fanart.jpg", "Movie.jpg", "Movie-poster.PNG", "Other-poster.jpg", "Movie.nfo"];
        assert_eq!(of_file("Movie", MediaKind::Movie, &beside).as_deref(), Some("Movie-poster.PNG"));
        assert_eq!(of_file("movie", MediaKind::Movie, &beside[..2]).as_deref(), Some("Movie.jpg"));
        assert_eq!(of_file("Mov", MediaKind::Movie, &beside), None);
    }

    #[test]
    fn an_episode_shows_its_still() {
        let beside = ["S01E01-poster.jpg", "S01E01-thumb.jpg", "S01E01.tbn", "S01E02-thumb.jpg"];
        assert_eq!(of_file("S01E01", MediaKind::Episode, &beside).as_deref(), Some("S01E01-thumb.jpg"));
    }

    #[test]
    fn a_folder_shows_its_poster_and_a_season_its_own() {
        let beside =
            names(&["fanart.jpg", "Folder.jpg", "poster.jpg", "season02-poster.jpg", "season-specials-poster.jpg"]);
        let of = |season| artwork_of_folder(season, &beside).unwrap().to_str().unwrap();
        assert_eq!(of(None), "poster.jpg");
        assert_eq!(of(Some(2)), "season02-poster.jpg");
        assert_eq!(of(Some(0)), "season-specials-poster.jpg");
        assert_eq!(of(Some(1)), "poster.jpg");
        assert_eq!(artwork_of_folder(None, &names(&["poster.txt", "x.jpg"])), None);
    }
}
