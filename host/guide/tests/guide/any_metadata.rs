//! Whatever metadata holds, the guide is well-formed, in order, and says it.

use std::collections::BTreeMap;

use exstreamtv_guide::{ProgrammeView, XmltvChannels};
use exstreamtv_model::{
    EntryKind, MediaKind, Metadata,
    metadata::{Credit, CreditRole},
};
use proptest::prelude::*;
use quick_xml::{Reader, XmlVersion, escape::resolve_predefined_entity, events::Event};

use crate::scene;

/// Name, attributes and own text of an element.
pub type Element = (String, BTreeMap<String, String>, String);

/// Reads a document strictly and lists its elements in document order.
pub fn parse(xml: &str) -> Vec<Element> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_comments = true;
    let (mut elements, mut open): (Vec<Element>, Vec<usize>) = (Vec::new(), Vec::new());
    loop {
        let event = reader.read_event().unwrap();
        match &event {
            Event::Start(tag) | Event::Empty(tag) => {
                let attributes = tag.attributes().map(|attribute| {
                    let attribute = attribute.unwrap();
                    let value = attribute.normalized_value(XmlVersion::Explicit1_0).unwrap().into_owned();
                    (attribute.key.as_ref().to_owned(), value)
                });
                elements.push((tag.name().as_ref().to_owned(), attributes.collect(), String::new()));
                if matches!(event, Event::Start(_)) {
                    open.push(elements.len() - 1);
                }
            }
            Event::End(_) => {
                open.pop().unwrap();
            }
            Event::Text(text) => add(&mut elements, &open, text),
            Event::GeneralRef(entity) => {
                let character = entity.resolve_char_ref().unwrap().map(String::from);
                let text = character.unwrap_or_else(|| resolve_predefined_entity(entity).unwrap().to_owned());
                add(&mut elements, &open, &text);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(open.is_empty());
    elements
}

fn add(elements: &mut [Element], open: &[usize], text: &str) {
    if let Some(at) = open.last() {
        elements[*at].2.push_str(text);
    }
}

/// The children of a programme that we write, in the DTD's order.
const ORDER: [&str; 12] = [
    "title",
    "sub-title",
    "desc",
    "credits",
    "date",
    "category",
    "icon",
    "url",
    "episode-num",
    "rating",
    "star-rating",
    "programme",
];

fn any_metadata() -> impl Strategy<Value = Metadata> {
    let text = || "\\PC{0,12}|[\u{0}-\u{20}<>&'\"\\]x\u{fffe}\u{ffff}\u{85}]{0,12}";
    let kind = prop::sample::select(vec![MediaKind::Movie, MediaKind::Episode, MediaKind::Clip]);
    let role =
        prop::sample::select(vec![CreditRole::Director, CreditRole::Actor, CreditRole::Writer, CreditRole::Producer]);
    let credit = (role, text(), proptest::option::of(text())).prop_map(|(role, name, character)| Credit {
        role,
        name,
        character,
    });
    let numbers = proptest::option::of(prop_oneof![Just(0_u32), 1..30_u32, Just(u32::MAX)]);
    let first = (kind, text(), proptest::option::of(text()), numbers.clone(), numbers.clone(), numbers);
    let second = (
        proptest::option::of(any::<i32>()),
        proptest::option::of(text()),
        proptest::collection::vec(text(), 0..3),
        proptest::collection::vec(credit, 0..4),
        proptest::option::of(text()),
        proptest::option::of(any::<f32>()),
        proptest::collection::btree_map(prop::sample::select(vec!["imdb".to_owned(), "tmdb".to_owned()]), text(), 0..2),
    );
    (first, second).prop_map(
        |((kind, title, show, season, episode, episode_end), (year, plot, genres, credits, rating, score, ids))| {
            let (aired, artwork, external_ids) =
                (year.and_then(|year| chrono::NaiveDate::from_yo_opt(year, 60)), None, ids);
            Metadata {
                kind,
                title,
                show,
                season,
                episode,
                episode_end,
                year,
                aired,
                plot,
                original_language: None,
                genres,
                credits,
                rating,
                score,
                external_ids,
                artwork,
            }
        },
    )
}

fn written(metadata: &Metadata) -> String {
    let channel = scene::channel(1, "1", "One");
    let media = scene::media(metadata.clone());
    let entries = scene::rows(scene::at("2026-03-01T10:00:00Z"), &[(EntryKind::Programme, 60_000, "")]);
    let view = ProgrammeView { entry: &entries[0], media: Some(&media), icon_url: Some(metadata.title.clone()) };
    let mut guide = XmltvChannels::start(Vec::new()).unwrap().into_programmes();
    guide.channel(&channel, &[view]).unwrap();
    String::from_utf8(guide.finish().unwrap()).unwrap()
}

/// What a reader sees of a text: no control characters, words parted by single spaces.
fn seen(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let shown =
        |word: &str| word.chars().filter(|c| !matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')).collect::<String>();
    words.map(shown).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

proptest! {
    #[test]
    fn any_metadata_gives_a_programme_that_reads_back_the_same(metadata in any_metadata()) {
        let xml = written(&metadata);
        prop_assert!(xml.chars().all(|c| c == '\n' || !c.is_control()), "{}", xml);
        let elements = parse(&xml);
        let texts = |name: &str| -> Vec<String> { elements.iter().filter(|e| e.0 == name).map(|e| seen(&e.2)).collect() };
        let title = texts("title");
        prop_assert_eq!(title.len(), 1);
        prop_assert!(!title[0].is_empty());
        let show = metadata.show.as_deref().map(seen).filter(|show| metadata.kind == MediaKind::Episode && !show.is_empty());
        let own = Some(seen(&metadata.title)).filter(|title| !title.is_empty());
        prop_assert_eq!(&title[0], &show.or(own).unwrap_or("One".into()));
        let plot = metadata.plot.as_deref().map(seen).unwrap_or_default();
        prop_assert_eq!(texts("desc").first().map(|d| seen(d)).unwrap_or_default(), plot);
        let actors: Vec<String> = metadata.credits.iter().filter(|c| c.role == CreditRole::Actor).map(|c| seen(&c.name)).filter(|n| !n.is_empty()).collect();
        prop_assert_eq!(texts("actor"), actors);
        let is_film = metadata.kind == MediaKind::Movie;
        prop_assert_eq!(texts("episode-num").is_empty(), is_film);
        for date in texts("date") {
            prop_assert!(matches!(date.len(), 4 | 8), "{}", date);
        }
    }

    #[test]
    fn children_come_in_the_order_of_the_dtd(metadata in any_metadata()) {
        let places: Vec<usize> =
            parse(&written(&metadata)).iter().filter_map(|element| ORDER.iter().position(|name| *name == element.0)).collect();
        prop_assert!(places[1..].is_sorted(), "{:?}", places);
    }
}

#[test]
fn an_episode_without_a_title_of_its_own_gets_no_second_title() {
    let untitled = Metadata { title: "Die Serie".into(), ..scene::episode() };
    assert!(!written(&untitled).contains("<sub-title>"));
    assert!(written(&scene::episode()).contains("<sub-title>Der Anfang</sub-title>"));
}
