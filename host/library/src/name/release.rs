//! Turns the words of a file's name into a title.
//!
//! Does: cut release tags, take out years and ids, make separators into spaces.
//! Does not: look for episodes.
//! Invariant: cutting a name never leaves less than a title; a name that is all tags stays whole.

use std::{collections::BTreeMap, sync::LazyLock};

use regex::Regex;

/// A cleaned name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CleanName {
    /// May be empty, when the text held nothing but tags.
    pub title: String,
    /// Year in brackets, or before release tags.
    pub year: Option<i32>,
    /// Whether release tags stood in the name.
    pub released: bool,
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is constant, and the tests use it")
}

static IDS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)[\[{(](imdb|tmdb|tvdb)(?:id)?[-=]((?:tt)?\d{1,10})[\]})]|[\[{(](tt\d{7,9})[\]})]"));
static EDITION: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\{[^{}]*\}|\[[\w-]{11}\]$"));
static BRACKET_YEAR: LazyLock<Regex> = LazyLock::new(|| pattern(r"[(\[]((?:18|19|20)\d\d)[)\]]"));
static BARE_YEAR: LazyLock<Regex> = LazyLock::new(|| pattern(r"[ ._-]((?:18|19|20)\d\d)$"));
static LEADING_GROUP: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*\[[^\]]*\][ ._-]*"));
static BRACKETS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\s*\[[^\]]*\]|\(\s*\)"));
static TAG: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)(?:^|[ ._\-(\[])(",
        r"(?:480|540|576|720|1080|1440|2160|4320)[pi](?:\d\d)?|4k|uhd|[xh][ .]?26[45]|hevc|avc|xvid|divx|av1|10[ .-]?bit|8[ .-]?bit|hdr10\+?|hdr|dolby[ .]vision|sdr|",
        r"blu[ .-]?ray|bd[ .-]?rip|br[ .-]?rip|bd?remux|remux|web[ .-]?dl|web[ .-]?rip|hdtv(?:rip)?|pdtv|dsr|dvd[ .-]?rip|dvd[59]?|dvdscr|vhs[ .-]?rip|hd[ .-]?rip|tv[ .-]?rip|cam[ .-]?rip|",
        r"aac(?:[ .]?[25][ .][01])?|e?ac-?3|ddp?[ .]?(?:[257][ .][01])|dts(?:-hd)?|truehd|atmos|flac|opus|5[.]1|7[.]1|",
        r"amzn|dsnp|hmax|cd[12]|dis[ck] ?[12]",
        r")(?:$|[ ._\-)\]+])"
    ))
});
// Ordinary words, which are tags only in front of sure ones or at the end after a year.
static SOFT_TAG: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)[ ._-](?:proper|repack|rerip|extended(?:[ ._-](?:cut|edition))?|uncut|unrated|remastered|limited|internal|dubbed|subbed|dual(?:[ ._-]audio)?|multi|",
        r"web|nf|german|french|english|dl|directors?[ ._-]cut|theatrical|imax|complete|3d|ws|hdcam|ts)$"
    ))
});

/// Takes ids in brackets ("{imdb-tt0133093}", "[tmdbid=603]") out of a name.
pub(super) fn take_ids(stem: &str) -> (String, BTreeMap<String, String>) {
    let mut ids = BTreeMap::new();
    for found in IDS.captures_iter(stem) {
        let (system, id) = match (found.get(1), found.get(2), found.get(3)) {
            (Some(system), Some(id), _) => (system.as_str().to_lowercase(), id.as_str()),
            (_, _, Some(id)) => ("imdb".to_owned(), id.as_str()),
            _ => continue,
        };
        ids.insert(system, id.to_owned());
    }
    (IDS.replace_all(stem, "").into_owned(), ids)
}

/// Cleans a name that must stay a name: a film, a show, a clip.
pub(super) fn clean(text: &str) -> CleanName {
    clean_down_to(text, Least::Title)
}

/// Cleans what follows an episode's number, where nothing but tags may stand.
pub(super) fn clean_rest(text: &str) -> CleanName {
    clean_down_to(text, Least::Nothing)
}

/// What cutting must leave.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Least {
    Title,
    Nothing,
}

fn clean_down_to(text: &str, least: Least) -> CleanName {
    let text = without_control(&IDS.replace_all(text, ""));
    let text = EDITION.replace_all(text.trim(), " ");
    let text = without_leading_group(&text);
    let (text, released) = without_tags(text, least);
    if let Some(name) = with_bracket_year(text, released) {
        return name;
    }
    let dotted = !text.contains(' ');
    let (text, year) = match BARE_YEAR.captures(text) {
        // "Wonder Woman 1984" is a title; "Blade.Runner.2049.2017.1080p" ends in a year.
        Some(found) if released || dotted => {
            let at = found.get(0).map_or(text.len(), |all| all.start());
            (text.get(..at).unwrap_or(text), found.get(1).and_then(|year| year.as_str().parse().ok()))
        }
        _ => (text, None),
    };
    let text = if released || year.is_some() { without_soft_tags(text) } else { text };
    CleanName { title: spaced(text), year, released }
}

fn with_bracket_year(text: &str, released: bool) -> Option<CleanName> {
    let found =
        BRACKET_YEAR.captures_iter(text).filter(|found| found.get(0).is_some_and(|all| all.start() > 0)).last()?;
    let title = spaced(text.get(..found.get(0)?.start())?);
    let year = found.get(1)?.as_str().parse().ok();
    (!title.is_empty()).then_some(CleanName { title, year, released })
}

fn without_leading_group(text: &str) -> &str {
    let rest = LEADING_GROUP.find(text).and_then(|group| text.get(group.end()..)).unwrap_or(text);
    if rest.trim().is_empty() { text } else { rest }
}

/// Cuts at the first sure tag that leaves enough.
fn without_tags(text: &str, least: Least) -> (&str, bool) {
    let leaves_title = |at: usize| !spaced(text.get(..at).unwrap_or_default()).is_empty();
    let cut = TAG.find_iter(text).find(|tag| least == Least::Nothing || leaves_title(tag.start()));
    let Some(cut) = cut else { return (text, false) };
    let kept = text.get(..cut.start()).unwrap_or(text);
    (without_soft_tags(kept), true)
}

fn without_soft_tags(mut text: &str) -> &str {
    while let Some(soft) = SOFT_TAG.find(text).filter(|soft| soft.start() > 0) {
        text = text.get(..soft.start()).unwrap_or(text);
    }
    text
}

/// Makes separators into single spaces and trims what no title begins or ends with.
fn spaced(text: &str) -> String {
    let text = BRACKETS.replace_all(text, " ");
    let dotted = !text.trim().contains(' ');
    let space = |c: char| if c == '_' || (dotted && c == '.') || c.is_whitespace() { ' ' } else { c };
    let text: String = text.chars().map(space).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.trim_start_matches([' ', '-', '–', '—', '.', ',', '_', ':', ')', ']']);
    let text = text.trim_end_matches([' ', '-', '–', '—', ',', '_', ':', '(', '[']);
    let text = if dotted { text.trim_end_matches('.') } else { text };
    text.to_owned()
}

/// Drops control characters, which no player and no XML document can show.
pub(super) fn without_control(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && *c != '\u{feff}').collect()
}
