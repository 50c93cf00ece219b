//! Reads the folders between the library's root and a file.
//!
//! Does: tell season folders from show folders.
//! Does not: look at the file's own name.

use std::{path::Path, sync::LazyLock};

use regex::Regex;

/// What the folders above a file say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Folders {
    /// Season of the nearest folder, 0 for specials; `None` when that folder is no season.
    pub season: Option<u32>,
    /// The folder that would name the show or the film: above the season folder, else the nearest one.
    pub show: Option<String>,
    /// Name of the root itself, when no folder lies between it and the show's files.
    pub root: Option<String>,
}

impl Folders {
    /// Reads the folders of `path` below `root`.
    pub fn read(root: &Path, path: &Path) -> Self {
        let below = path.parent().and_then(|parent| parent.strip_prefix(root).ok());
        let mut names: Vec<String> = below
            .into_iter()
            .flat_map(Path::components)
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect();
        let mut season = names.last().and_then(|name| season_number(name));
        if season.is_some() {
            names.pop();
        } else if names.is_empty() {
            // The root itself may be a season folder; then its own parent is out of sight.
            season = root.file_name().and_then(|name| season_number(&name.to_string_lossy()));
        }
        let show = names.pop();
        let root_name = || root.file_name().map(|name| name.to_string_lossy().into_owned());
        let root = if show.is_none() { root_name().filter(|name| season_number(name).is_none()) } else { None };
        Self { season, show, root }
    }
}

static SEASON: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"season|series|staffel|saison|temporada|stagione|seizoen|sezon|säsong|sæson|kausi|シーズン";
    Regex::new(&format!(r"(?i)^(?:.*[ ._-])?(?:(?:{words})[ ._-]*(\d{{1,4}})|s(\d{{1,4}})|(\d{{1,2}})\.? ?(?:{words}))(?:[ ._-].*|[(\[].*)?$"))
        .expect("the pattern is constant, and the tests use it")
});

/// Returns the season that a folder's name says; 0 for specials.
pub(super) fn season_number(name: &str) -> Option<u32> {
    let name = name.trim();
    if ["specials", "special"].iter().any(|word| name.eq_ignore_ascii_case(word)) {
        return Some(0);
    }
    let found = SEASON.captures(name)?;
    found.iter().skip(1).flatten().next()?.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn season_folders_are_known_in_several_languages() {
        for (name, season) in [
            ("Season 1", 1),
            ("season 01", 1),
            ("Season.2", 2),
            ("S03", 3),
            ("s2024", 2024),
            ("Staffel 4", 4),
            ("Saison 5", 5),
            ("6. Staffel", 6),
            ("Series 7", 7),
            ("Season 8 (1080p)", 8),
            ("Show Season 9", 9),
            ("Show.S10.1080p.WEB-DL-GRP", 10),
            ("Specials", 0),
            ("Season 00", 0),
        ] {
            assert_eq!(season_number(name), Some(season), "{name}");
        }
    }

    #[test]
    fn other_folders_are_no_seasons() {
        for name in ["", "Seasons of Love", "Show (2005)", "s", "Series", "1999", "S1m0ne", "Four Seasons"] {
            assert_eq!(season_number(name), None, "{name}");
        }
    }
}
