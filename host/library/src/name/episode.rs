//! Finds the episode number or the date in a file's name.
//!
//! Does: try the known spellings, the surest first.
//! Does not: clean what stands before and after; that is `release`.

use std::{ops::Range, sync::LazyLock};

use chrono::NaiveDate;
use regex::{Captures, Regex};

/// An episode number or a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// Season and episode; `last` for a file that holds several.
    Number { season: u32, episode: u32, last: Option<u32> },
    /// First broadcast.
    Date(NaiveDate),
}

/// A mark and what stands around it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found<'a> {
    pub mark: Mark,
    /// The show, mostly.
    pub before: &'a str,
    /// The title, and release tags.
    pub after: &'a str,
    /// Whether a bare number ends the name, so that the words before it are the title as likely as the show.
    pub trails: bool,
}

/// Finds the surest mark in `stem`; `season` is what the folder says.
pub(super) fn find(stem: &str, season: Option<u32>) -> Option<Found<'_>> {
    let sure = numbered(stem).or_else(|| dated(stem));
    let loose = || match season {
        Some(season) => in_season_folder(stem, season),
        None => worded(stem, 1).or_else(|| fansub(stem)),
    };
    let trails = || {
        let (mark, at) = bare_number(stem, &TRAILING, season?)?;
        Some((mark, at, true))
    };
    let (mark, at, trails) = sure.or_else(loose).map(|(mark, at)| (mark, at, false)).or_else(trails)?;
    Some(Found { mark, before: stem.get(..at.start)?, after: stem.get(at.end..)?, trails })
}

type Hit = Option<(Mark, Range<usize>)>;

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is constant, and the tests use it")
}

// "S01E02", "s1.e2", "S01E02E03", "S01E02-E04", "S01E02-04", "Season 1 Episode 2".
static SE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:^|[^\p{L}\p{N}])(?:s|season[ ._]?)(\d{1,4})[ ._,-]*(?:episode[ ._]?|ep?[ ._]?)(\d{1,4})((?:(?:[ ._]?-?[ ._]?ep?|-)\d{1,4})*)",
    )
});
// "1x02", "1x02-03", "01x02x03"; not "1920x1080".
static CROSS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)(?:^|[^\p{L}\p{N}])(\d{1,2})x(\d{2,3})((?:(?:-(?:\d{1,2}x)?|x)\d{2,3})*)"));
static YMD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:^|[^\p{L}\p{N}])((?:19|20)\d\d)[ ._-](\d\d)[ ._-](\d\d)(?:$|[^\p{L}\p{N}])"));
static DMY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:^|[^\p{L}\p{N}])(\d\d)[ ._-](\d\d)[ ._-]((?:19|20)\d\d)(?:$|[^\p{L}\p{N}])"));
static COMPACT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^((?:19|20)\d\d)(\d\d)(\d\d)(?:$|[^\p{L}\p{N}])"));
// "E05", "Ep 5", "Episode 5", "Folge 5", "E05-06".
static WORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:^|[^\p{L}\p{N}])(?:e|ep|episode|folge|episodio|épisode|afl)[ ._]?(\d{1,4})((?:(?:-e?p?|e)\d{1,4})*)",
    )
});
static LEADING: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\d{1,3})((?:-\d{1,3})*)(?:$|[ ._)-])"));
static TRAILING: LazyLock<Regex> = LazyLock::new(|| pattern(r"[ ._-](\d{1,3})()$"));
// "[Group] Show - 05 (1080p)", "[Group] Show - 05v2".
static FANSUB: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\[[^\]]+\].*[ _]-[ _](\d{1,4})(?:v\d)?(?:$|[ _\[(])"));

fn numbered(stem: &str) -> Hit {
    hit_after(stem, &SE, |found| Some((number(found, 1)?, number(found, 2)?)), 3)
        .or_else(|| hit_after(stem, &CROSS, |found| Some((number(found, 1)?, number(found, 2)?)), 3))
}

fn worded(stem: &str, season: u32) -> Hit {
    hit_after(stem, &WORD, |found| Some((season, number(found, 1)?)), 2)
}

/// In a season folder a bare number is enough: "02 - Title", "02".
fn in_season_folder(stem: &str, season: u32) -> Hit {
    worded(stem, season).or_else(|| bare_number(stem, &LEADING, season))
}

/// Reads a bare number; "102" in season 1 is episode 2.
fn bare_number(stem: &str, pattern: &Regex, season: u32) -> Hit {
    let read = |found: &Captures<'_>| {
        let bare = number(found, 1)?;
        let with_season = bare >= 100 && bare / 100 == season && bare % 100 > 0;
        Some((season, if with_season { bare % 100 } else { bare }))
    };
    hit_after(stem, pattern, read, 2)
}

fn fansub(stem: &str) -> Hit {
    let found = FANSUB.captures(stem)?;
    let mark = Mark::Number { season: 1, episode: number(&found, 1)?, last: None };
    let digits = found.get(1)?;
    let version = stem.get(digits.end()..).filter(|rest| rest.starts_with('v')).map_or(0, |_| 2);
    Some((mark, digits.start()..digits.end() + version))
}

fn hit_after(stem: &str, pattern: &Regex, read: impl Fn(&Captures<'_>) -> Option<(u32, u32)>, rest: usize) -> Hit {
    let found = pattern.captures(stem)?;
    let (season, episode) = read(&found)?;
    let first_digit = found.iter().skip(1).flatten().next()?.start();
    let end_of_first = found.get(rest - 1)?.end();
    let (last, end) = last_episode(stem, found.get(rest).map(|m| m.range()), episode, end_of_first);
    // "S01E02p" or "1x1080p" is no number at all; the mark must end where the word ends.
    if stem.get(end..)?.chars().next().is_some_and(|c| c.is_ascii_digit() || c == 'p') {
        return None;
    }
    let start = found.get(0)?.start().min(first_digit);
    Some((Mark::Number { season, episode, last }, start..end))
}

/// Reads "E03-E04" after the first number; a number that is no later episode ("-1080p", "-04" after 10) ends the mark before it.
fn last_episode(stem: &str, rest: Option<Range<usize>>, first: u32, end_of_first: usize) -> (Option<u32>, usize) {
    let Some(rest) = rest.filter(|rest| !rest.is_empty()) else { return (None, end_of_first) };
    let (mut last, mut end, mut digits_from) = (None, end_of_first, None);
    let bytes = stem.as_bytes();
    for at in rest.start..=rest.end {
        let is_digit = at < rest.end && bytes.get(at).is_some_and(u8::is_ascii_digit);
        match (is_digit, digits_from) {
            (true, None) => digits_from = Some(at),
            (false, Some(from)) => {
                digits_from = None;
                if bytes.get(at).is_some_and(|next| matches!(next, b'p' | b'i' | b'x')) {
                    // A season before "x" ("1x02-1x03") is skipped; "720p" ends the list.
                    if bytes.get(at) == Some(&b'x') { continue } else { break }
                }
                let Some(next) = stem.get(from..at).and_then(|text| text.parse::<u32>().ok()) else { break };
                if next <= last.unwrap_or(first) || next > first + 99 {
                    break;
                }
                (last, end) = (Some(next), at);
            }
            _ => {}
        }
    }
    (last, end)
}

fn dated(stem: &str) -> Hit {
    let ymd = |found: &Captures<'_>| day(number(found, 1)?, number(found, 2)?, number(found, 3)?);
    let dmy = |found: &Captures<'_>| day(number(found, 3)?, number(found, 2)?, number(found, 1)?);
    let try_one = |pattern: &Regex, read: &dyn Fn(&Captures<'_>) -> Option<NaiveDate>| -> Hit {
        let found = pattern.captures(stem)?;
        Some((Mark::Date(read(&found)?), found.get(1)?.start()..found.get(3)?.end()))
    };
    try_one(&YMD, &ymd).or_else(|| try_one(&DMY, &dmy)).or_else(|| try_one(&COMPACT, &ymd))
}

fn day(year: u32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

fn number(found: &Captures<'_>, group: usize) -> Option<u32> {
    found.get(group)?.as_str().parse().ok()
}
