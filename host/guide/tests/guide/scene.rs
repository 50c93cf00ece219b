//! A small lineup with a morning of programmes.

use chrono::{DateTime, TimeDelta, Utc};
use exstreamtv_guide::{ChannelView, ProgrammeView, XmltvChannels};
use exstreamtv_model::{
    Channel, ChannelId, EntryKind, ItemOrder, MediaId, MediaItem, MediaKind, MediaState, Metadata, PlayoutEntry,
    PlayoutEntryId,
    metadata::{Credit, CreditRole},
};

pub fn channel(id: i64, number: &str, name: &str) -> Channel {
    Channel {
        id: ChannelId(id),
        number: number.parse().unwrap(),
        name: name.into(),
        group: "Films; more, \"all\"".into(),
        logo: None,
        zone: chrono_tz::Europe::Berlin,
        profile: Default::default(),
        collection: None,
        order: ItemOrder::Name,
        schedule: None,
        tracks: Default::default(),
        throttle: Default::default(),
        enabled: true,
    }
}

pub fn media(metadata: Metadata) -> MediaItem {
    let path = "/media/x.mkv".into();
    MediaItem { id: MediaId(1), path, size_bytes: 1, mtime_ms: 1, state: MediaState::Ready, probe: None, metadata }
}

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Makes adjacent rows from lengths in milliseconds.
pub fn rows(start: DateTime<Utc>, lengths: &[(EntryKind, i64, &str)]) -> Vec<PlayoutEntry> {
    let mut next = start;
    let row = |(kind, length_ms, title): &(EntryKind, i64, &str)| {
        let start = next;
        next += TimeDelta::milliseconds(*length_ms);
        let (id, channel, in_point_ms) = (PlayoutEntryId(0), ChannelId(1), 0);
        PlayoutEntry {
            id,
            channel,
            start,
            stop: next,
            media: None,
            in_point_ms,
            kind: *kind,
            title: (*title).into(),
            rule: String::new(),
            why: "a test".into(),
        }
    };
    lengths.iter().map(row).collect()
}

pub fn film() -> Metadata {
    let credit = |role, name: &str, character: Option<&str>| Credit {
        role,
        name: name.into(),
        character: character.map(Into::into),
    };
    Metadata {
        kind: MediaKind::Movie,
        title: "Tom & Jerry's \"Best\" <3".into(),
        year: Some(1999),
        plot: Some("Line one.\r\nLine two\u{7} & more.".into()),
        genres: vec!["Comedy".into(), "movie".into(), "comedy".into()],
        credits: vec![
            credit(CreditRole::Producer, "P. Roducer", None),
            credit(CreditRole::Actor, "A. Ctor", Some("The \"Cat\"")),
            credit(CreditRole::Director, "D. Irector", Some("never shown")),
            credit(CreditRole::Writer, "W. Riter", None),
            credit(CreditRole::Actor, "\u{1}", None),
        ],
        rating: Some("PG-13".into()),
        score: Some(8.44),
        external_ids: [("imdb".to_owned(), "tt0133093".to_owned())].into(),
        ..Default::default()
    }
}

pub fn episode() -> Metadata {
    Metadata {
        kind: MediaKind::Episode,
        title: "Der Anfang".into(),
        show: Some("Die Serie".into()),
        season: Some(1),
        episode: Some(2),
        aired: chrono::NaiveDate::from_ymd_opt(2005, 3, 4),
        rating: Some("TV-PG".into()),
        ..Default::default()
    }
}

/// Writes a guide of two channels: one with a film, an episode, a clip and a filler over the end of summer time, and one with nothing to play.
pub fn guide() -> String {
    let (one, two) = (channel(1, "1", "One & Only"), channel(2, "2.10", "  "));
    let (film, episode) = (media(film()), media(episode()));
    let clip = media(Metadata { title: "beach".into(), ..Default::default() });
    use EntryKind::{Filler, Programme, Slate};
    let start = at("2026-10-25T00:10:00.250Z");
    let entries = rows(
        start,
        &[
            (Filler, 5_000, "ident"),
            (Programme, 1_800_000, "film"),
            (Filler, 30_000, "spot"),
            (Programme, 1_799_600, "episode"),
            (Programme, 100, "blink"),
            (Programme, 60_000, "clip"),
            (Slate, 60_000, "Nothing is scheduled"),
            (Slate, 60_000, "Nothing is scheduled"),
        ],
    );
    let media = [None, Some(&film), None, Some(&episode), None, Some(&clip), None, None];
    let views: Vec<ProgrammeView<'_>> = entries
        .iter()
        .zip(media)
        .map(|(entry, media)| {
            let icon_url = media
                .filter(|item| item.metadata.year.is_some())
                .map(|_| "http://tv.lan:8411/art/1.jpg?a=1&b=2".into());
            ProgrammeView { entry, media, icon_url }
        })
        .collect();
    let mut channels = XmltvChannels::start(Vec::new()).unwrap();
    channels.channel(&ChannelView { channel: &one, icon_url: Some("http://tv.lan:8411/logo/1.png") }).unwrap();
    channels.channel(&ChannelView { channel: &two, icon_url: None }).unwrap();
    let mut programmes = channels.into_programmes();
    programmes.channel(&one, &views).unwrap();
    programmes.channel(&two, &views[7..]).unwrap();
    String::from_utf8(programmes.finish().unwrap()).unwrap()
}
