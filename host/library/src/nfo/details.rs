//! Reads the fields of one document.
//!
//! Does: know the tags of Kodi and their older and foreign spellings.
//! Does not: trust a number, a date or a length.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use exstreamtv_model::{
    Metadata,
    metadata::{Credit, CreditRole},
};

use super::{NfoSubject, tree::Element};

const MAX_CREDITS: usize = 60;
const MAX_GENRES: usize = 20;
const MAX_TITLE_CHARS: usize = 300;
const MAX_PLOT_CHARS: usize = 8_000;

/// Reads one document; fields that it does not have stay empty.
pub(super) fn read(subject: NfoSubject, document: &Element) -> Metadata {
    let line =
        |name: &str| document.text_of(name).map(|text| one_line(text, MAX_TITLE_CHARS)).filter(|text| !text.is_empty());
    let number = |name: &str| document.text_of(name).and_then(|text| text.parse::<u32>().ok());
    let of_episode = subject == NfoSubject::Episode;
    let aired = ["aired", "premiered", "releasedate"].iter().find_map(|name| date(document.text_of(name)?));
    Metadata {
        title: line("title").or_else(|| line("localtitle")).or_else(|| line("originaltitle")).unwrap_or_default(),
        show: line("showtitle").filter(|_| of_episode),
        season: number("season").filter(|_| of_episode),
        episode: number("episode").filter(|_| of_episode),
        episode_end: number("episodenumberend").filter(|_| of_episode),
        year: document.text_of("year").and_then(year).or(aired.and_then(|date| year(&date.format("%Y").to_string()))),
        aired,
        plot: document
            .text_of("plot")
            .or_else(|| document.text_of("outline"))
            .map(paragraph)
            .filter(|text| !text.is_empty()),
        genres: genres(document),
        credits: credits(document),
        // Kodi 22's own tag, then that of other exporters. "language" and "languages" are no such thing: they say what is spoken, or what the text is in.
        original_language: line("originallanguage").or_else(|| line("original_language")),
        rating: line("mpaa").or_else(|| line("certification")).and_then(|text| age_rating(&text)),
        score: score(document),
        external_ids: ids(document),
        ..Metadata::default()
    }
}

fn genres(document: &Element) -> Vec<String> {
    let mut genres: Vec<String> = Vec::new();
    for genre in document.all("genre").flat_map(|genre| genre.text.split(['/', '|', ';', ','])) {
        let genre = one_line(genre, MAX_TITLE_CHARS);
        if !genre.is_empty() && !genres.contains(&genre) && genres.len() < MAX_GENRES {
            genres.push(genre);
        }
    }
    genres
}

fn credits(document: &Element) -> Vec<Credit> {
    let plain = |name: &'static str, role: CreditRole| {
        let names = document.all(name).flat_map(|element| element.text.split(['/', '|', ';']));
        names.map(move |name| Credit { role, name: one_line(name, MAX_TITLE_CHARS), character: None })
    };
    let actors = document.all("actor").map(|actor| {
        let name = actor.text_of("name").unwrap_or(&actor.text);
        let character = actor.text_of("role").map(|role| one_line(role, MAX_TITLE_CHARS));
        Credit { role: CreditRole::Actor, name: one_line(name, MAX_TITLE_CHARS), character }
    });
    let everybody = plain("director", CreditRole::Director)
        .chain(actors)
        .chain(plain("credits", CreditRole::Writer))
        .chain(plain("writer", CreditRole::Writer))
        .chain(plain("producer", CreditRole::Producer));
    let mut credits: Vec<Credit> = Vec::new();
    for credit in everybody.filter(|credit| !credit.name.is_empty()) {
        let known = credits.iter().any(|other| other.role == credit.role && other.name == credit.name);
        if !known && credits.len() < MAX_CREDITS {
            credits.push(credit);
        }
    }
    credits
}

/// Reads "Rated PG-13 for violence" as "PG-13" and "Germany:FSK 12 / US:R" as its first part.
fn age_rating(text: &str) -> Option<String> {
    let first = text.split(" / ").next().unwrap_or(text);
    let first = first.rsplit_once(':').map_or(first, |(_, rating)| rating).trim();
    let is_word = first.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("rated "));
    let rating = if is_word { first.get(6..)?.split(" for ").next()? } else { first };
    let rating = rating.trim();
    (!rating.is_empty() && rating.chars().count() <= 20).then(|| rating.to_owned())
}

/// Reads `<ratings><rating max="10" default="true"><value>`, or the older `<rating>`, on a scale from 0 to 10.
fn score(document: &Element) -> Option<f32> {
    let rated: Vec<&Element> = document.all("ratings").flat_map(|ratings| ratings.all("rating")).collect();
    let chosen = rated.iter().find(|rating| rating.attribute("default") == Some("true")).or(rated.first());
    let from_list = chosen.and_then(|rating| {
        let most = rating.attribute("max").and_then(decimal).filter(|max| *max > 0.0).unwrap_or(10.0);
        Some(decimal(rating.text_of("value")?)? / most * 10.0)
    });
    let score = from_list.or_else(|| decimal(document.text_of("rating")?))?;
    // A score of 0 is how tools write "nobody has rated it".
    (score > 0.0 && score <= 10.0).then_some((score * 10.0).round() / 10.0)
}

fn decimal(text: &str) -> Option<f32> {
    text.trim().replace(',', ".").parse::<f32>().ok().filter(|number| number.is_finite())
}

fn ids(document: &Element) -> BTreeMap<String, String> {
    let mut ids = BTreeMap::new();
    for (tag, system) in [("imdbid", "imdb"), ("imdb_id", "imdb"), ("tmdbid", "tmdb"), ("tvdbid", "tvdb")] {
        if let Some(id) = document.text_of(tag).and_then(id) {
            ids.insert(system.to_owned(), id);
        }
    }
    // The oldest form: <id>tt0133093</id>.
    if let Some(id) = document.text_of("id").filter(|text| text.starts_with("tt")).and_then(id) {
        ids.entry("imdb".to_owned()).or_insert(id);
    }
    for unique in document.all("uniqueid").take(16) {
        let system = unique.attribute("type").unwrap_or("unknown").trim().to_lowercase();
        if let (true, Some(id)) = (!system.is_empty() && system.len() <= 20 && system != "unknown", id(&unique.text)) {
            ids.insert(system, id);
        }
    }
    ids
}

fn id(text: &str) -> Option<String> {
    let text = text.trim();
    let sound = (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    sound.then(|| text.to_owned())
}

fn year(text: &str) -> Option<i32> {
    text.trim().get(..4)?.parse().ok().filter(|year| (1850..=2200).contains(year))
}

fn date(text: &str) -> Option<NaiveDate> {
    let date = NaiveDate::parse_from_str(text.trim().get(..10)?, "%Y-%m-%d").ok()?;
    // "0001-01-01" and "1601-01-01" are how tools write "unknown".
    year(&date.format("%Y").to_string()).map(|_| date)
}

fn one_line(text: &str, max_chars: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").chars().take(max_chars).collect()
}

fn paragraph(text: &str) -> String {
    let text: String = text.trim().replace("\r\n", "\n").chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    text.chars().take(MAX_PLOT_CHARS).collect()
}
