//! Writes one programme.
//!
//! Does: every child that our metadata can fill, in the DTD's order.
//! Does not: write placeholders; what is not known is left out.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use exstreamtv_model::{
    Channel, MediaKind, Metadata,
    metadata::{Credit, CreditRole},
};
use quick_xml::{Writer, events::BytesText};

use super::{channel_name, numbering};
use crate::{
    identity::channel_guide_id,
    rows::GuideRow,
    text::{one_line, printable},
};

/// Writes the row.
pub(super) fn write<W: Write>(xml: &mut Writer<W>, channel: &Channel, row: &GuideRow<'_>) -> io::Result<()> {
    let nothing = Metadata::default();
    let metadata = row.view.media.map_or(&nothing, |media| &media.metadata);
    let titles = Titles::of(channel, row, metadata);
    let id = channel_guide_id(channel.id);
    let (start, stop) = (time(row.start, channel), time(row.stop, channel));
    let attributes = [("start", start.as_str()), ("stop", stop.as_str()), ("channel", id.as_str())];
    xml.create_element("programme").with_attributes(attributes).write_inner_content(|xml| {
        text(xml, "title", &titles.title)?;
        text(xml, "sub-title", titles.sub_title.as_deref().unwrap_or_default())?;
        text(xml, "desc", &metadata.plot.as_deref().map(printable).unwrap_or_default())?;
        credits(xml, &metadata.credits)?;
        date(xml, metadata)?;
        categories(xml, metadata)?;
        icon(xml, row.view.icon_url.as_deref())?;
        link(xml, metadata)?;
        for (system, number) in numbering::numbers(metadata, row.start.with_timezone(&channel.zone).naive_local()) {
            xml.create_element("episode-num")
                .with_attribute(("system", system))
                .write_text_content(BytesText::new(&number))?;
        }
        rating(xml, metadata)?;
        star_rating(xml, metadata)
    })?;
    Ok(())
}

/// Writes the address of a picture, if there is one.
pub(super) fn icon<W: Write>(xml: &mut Writer<W>, url: Option<&str>) -> io::Result<()> {
    if let Some(url) = url.map(one_line).filter(|url| !url.is_empty()) {
        xml.create_element("icon").with_attribute(("src", url.as_str())).write_empty()?;
    }
    Ok(())
}

/// What a viewer reads first.
struct Titles {
    title: String,
    sub_title: Option<String>,
}

impl Titles {
    /// A series is known by its name, and its episode's title stands below; everything else has one title.
    fn of(channel: &Channel, row: &GuideRow<'_>, metadata: &Metadata) -> Self {
        let show = metadata.show.as_deref().filter(|_| metadata.kind == MediaKind::Episode).map(one_line);
        let own = one_line(&metadata.title);
        let in_row = one_line(&row.view.entry.title);
        let known = show.into_iter().chain([own.clone(), in_row]).find(|title| !title.is_empty());
        let title = known.unwrap_or_else(|| channel_name(channel));
        let is_series = metadata.kind == MediaKind::Episode && metadata.show.is_some();
        let sub_title = (is_series && !own.is_empty() && own != title).then_some(own);
        Self { title, sub_title }
    }
}

/// Writes the time in the channel's zone, with its offset.
fn time(at: DateTime<Utc>, channel: &Channel) -> String {
    at.with_timezone(&channel.zone).format("%Y%m%d%H%M%S %z").to_string()
}

/// Writes an element that is left out when it would be empty.
fn text<W: Write>(xml: &mut Writer<W>, name: &str, text: &str) -> io::Result<()> {
    if !text.is_empty() {
        xml.create_element(name).write_text_content(BytesText::new(text))?;
    }
    Ok(())
}

fn credits<W: Write>(xml: &mut Writer<W>, credits: &[Credit]) -> io::Result<()> {
    let named = |credit: &&Credit| !one_line(&credit.name).is_empty();
    let mut credits: Vec<&Credit> = credits.iter().filter(named).collect();
    if credits.is_empty() {
        return Ok(());
    }
    // The order of the roles is the DTD's; within a role the file's order stays.
    credits.sort_by_key(|credit| credit.role);
    xml.create_element("credits")
        .write_inner_content(|xml| credits.iter().try_for_each(|credit| person(xml, credit)))?;
    Ok(())
}

fn person<W: Write>(xml: &mut Writer<W>, credit: &Credit) -> io::Result<()> {
    let name = match credit.role {
        CreditRole::Director => "director",
        CreditRole::Actor => "actor",
        CreditRole::Writer => "writer",
        CreditRole::Producer => "producer",
    };
    let character = credit.character.as_deref().map(one_line).filter(|part| !part.is_empty());
    let character = character.filter(|_| credit.role == CreditRole::Actor);
    let role = character.as_deref().map(|part| ("role", part));
    xml.create_element(name).with_attributes(role).write_text_content(BytesText::new(&one_line(&credit.name)))?;
    Ok(())
}

/// Writes the first broadcast as YYYYMMDD, or the year of production as YYYY; players know no other form.
fn date<W: Write>(xml: &mut Writer<W>, metadata: &Metadata) -> io::Result<()> {
    let aired = metadata.aired.map(|aired| aired.format("%Y%m%d").to_string());
    let year = metadata.year.map(|year| format!("{year:04}"));
    let four_digits = |date: &String| matches!(date.len(), 4 | 8) && date.bytes().all(|b| b.is_ascii_digit());
    text(xml, "date", &aired.or(year).filter(four_digits).unwrap_or_default())
}

fn categories<W: Write>(xml: &mut Writer<W>, metadata: &Metadata) -> io::Result<()> {
    let of_kind = match metadata.kind {
        MediaKind::Movie => Some("Movie"),
        MediaKind::Episode => Some("Series"),
        MediaKind::Clip => None,
    };
    let mut written: Vec<String> = Vec::new();
    for category in metadata.genres.iter().map(String::as_str).chain(of_kind).map(one_line) {
        if !written.iter().any(|other| other.eq_ignore_ascii_case(&category)) {
            text(xml, "category", &category)?;
            written.push(category);
        }
    }
    Ok(())
}

/// A film's id stands in its address: an `episode-num` would make Plex take it for a series.
fn link<W: Write>(xml: &mut Writer<W>, metadata: &Metadata) -> io::Result<()> {
    if metadata.kind != MediaKind::Movie {
        return Ok(());
    }
    match (metadata.external_ids.get("imdb"), metadata.external_ids.get("tmdb")) {
        (Some(id), _) => text(xml, "url", &one_line(&format!("https://www.imdb.com/title/{id}/"))),
        (None, Some(id)) => text(xml, "url", &one_line(&format!("https://www.themoviedb.org/movie/{id}"))),
        (None, None) => Ok(()),
    }
}

fn rating<W: Write>(xml: &mut Writer<W>, metadata: &Metadata) -> io::Result<()> {
    let Some(rating) = metadata.rating.as_deref().map(one_line).filter(|rating| !rating.is_empty()) else {
        return Ok(());
    };
    let system = rating_system(&rating).map(|system| ("system", system));
    xml.create_element("rating").with_attributes(system).write_inner_content(|xml| text(xml, "value", &rating))?;
    Ok(())
}

fn rating_system(rating: &str) -> Option<&'static str> {
    match rating {
        "G" | "PG" | "PG-13" | "R" | "NC-17" | "X" => Some("MPAA"),
        _ if rating.starts_with("TV-") => Some("VCHIP"),
        _ if rating.starts_with("FSK") => Some("FSK"),
        _ => None,
    }
}

fn star_rating<W: Write>(xml: &mut Writer<W>, metadata: &Metadata) -> io::Result<()> {
    let Some(score) = metadata.score.filter(|score| (0.0..=10.0).contains(score)) else { return Ok(()) };
    let value = format!("{score:.1}/10");
    xml.create_element("star-rating").write_inner_content(|xml| text(xml, "value", &value))?;
    Ok(())
}
