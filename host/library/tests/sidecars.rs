//! Sidecars as tools and people write them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use exstreamtv_library::{
    NfoError,
    nfo::{MAX_NFO_BYTES, Nfo, NfoSubject, parse_nfo},
};
use exstreamtv_model::{
    MediaKind, Metadata,
    metadata::{Credit, CreditRole},
};
use proptest::prelude::*;

fn read(text: &str) -> Nfo {
    parse_nfo(text.as_bytes()).unwrap()
}

fn merged(text: &str, by_name: Metadata) -> Metadata {
    let mut metadata = by_name;
    read(text).merge_into(&mut metadata);
    metadata
}

const MOVIE: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>
<!-- written by Kodi -->
<movie>
  <title>Das Boot</title><originaltitle>Das Boot</originaltitle>
  <ratings><rating name="imdb" max="10" default="true"><value>8.400000</value><votes>250000</votes></rating>
           <rating name="metacritic" max="100"><value>86</value></rating></ratings>
  <userrating>9</userrating>
  <plot>A U-boat &amp; its crew.&#13;&#10;War.</plot>
  <mpaa>Rated R for violence</mpaa>
  <uniqueid type="imdb" default="true">tt0082096</uniqueid><uniqueid type="tmdb">387</uniqueid>
  <genre>Drama</genre><genre>War / History</genre>
  <credits>Lothar-G. Buchheim</credits><director>Wolfgang Petersen</director>
  <premiered>1981-09-17</premiered><year>1981</year>
  <actor><name>Jürgen Prochnow</name><role>Capt.-Lt. Henrich Lehmann-Willenbrock</role><order>0</order><thumb>http://x/y.jpg</thumb></actor>
  <fileinfo><streamdetails><video><codec>h264</codec></video></streamdetails></fileinfo>
</movie>
"#;

#[test]
fn a_film_says_everything_about_itself() {
    let film = merged(MOVIE, Metadata { title: "boot".into(), show: Some("Films".into()), ..Default::default() });
    assert_eq!((film.kind, film.title.as_str(), film.show), (MediaKind::Movie, "Das Boot", None));
    assert_eq!(film.plot.as_deref(), Some("A U-boat & its crew.\nWar."));
    assert_eq!((film.year, film.aired.unwrap().to_string().as_str()), (Some(1981), "1981-09-17"));
    assert_eq!(film.genres, ["Drama", "War", "History"]);
    assert_eq!((film.rating.as_deref(), film.score), (Some("R"), Some(8.4)));
    assert_eq!(film.external_ids["imdb"], "tt0082096");
    assert_eq!(film.external_ids["tmdb"], "387");
    let credit = |role, name: &str, character: Option<&str>| Credit {
        role,
        name: name.into(),
        character: character.map(Into::into),
    };
    assert_eq!(
        film.credits,
        [
            credit(CreditRole::Director, "Wolfgang Petersen", None),
            credit(CreditRole::Actor, "Jürgen Prochnow", Some("Capt.-Lt. Henrich Lehmann-Willenbrock")),
            credit(CreditRole::Writer, "Lothar-G. Buchheim", None),
        ]
    );
}

#[test]
fn an_episode_corrects_what_its_name_says() {
    let by_name = Metadata {
        title: "Show".into(),
        show: Some("Show".into()),
        season: Some(1),
        episode: Some(1),
        ..Default::default()
    };
    let episode = merged(
        "<episodedetails><title>Pilot</title><showtitle>The Show</showtitle><season>2</season><episode>3</episode>\
         <aired>2010-01-02</aired><rating>7,5</rating></episodedetails>",
        by_name,
    );
    assert_eq!(
        (episode.kind, episode.title.as_str(), episode.show.as_deref()),
        (MediaKind::Episode, "Pilot", Some("The Show"))
    );
    assert_eq!(episode.onscreen().as_deref(), Some("S02E03"));
    assert_eq!((episode.year, episode.score), (Some(2010), Some(7.5)));
}

#[test]
fn several_episodes_of_one_file_become_a_range() {
    for text in [
        "<episodedetails><title>One</title><season>1</season><episode>2</episode></episodedetails>\n\
         <episodedetails><title>Two</title><season>1</season><episode>3</episode></episodedetails>",
        "<xbmcmultiepisode><episodedetails><title>One</title><season>1</season><episode>2</episode></episodedetails>\
         <episodedetails><title>Two</title><season>1</season><episode>3</episode></episodedetails></xbmcmultiepisode>",
    ] {
        let both = merged(text, Metadata::default());
        assert_eq!((both.title.as_str(), both.onscreen().as_deref()), ("One / Two", Some("S01E02-E03")));
    }
}

#[test]
fn a_series_names_the_show_and_lends_its_genres() {
    let nfo = "<tvshow><title>The Show</title><genre>Comedy</genre><mpaa>TV-PG</mpaa><plot>About it.</plot><year>2005</year></tvshow>";
    let by_name = Metadata {
        title: "show".into(),
        show: Some("show".into()),
        season: Some(1),
        episode: Some(2),
        ..Default::default()
    };
    let episode = merged(nfo, by_name);
    assert_eq!((episode.title.as_str(), episode.show.as_deref()), ("The Show", Some("The Show")));
    assert_eq!(
        (episode.genres, episode.rating.as_deref(), episode.plot),
        (vec!["Comedy".to_owned()], Some("TV-PG"), None)
    );
    let own = Metadata { title: "Pilot".into(), genres: vec!["Drama".into()], ..Default::default() };
    assert_eq!(merged(nfo, own).genres, ["Drama"]);
}

#[test]
fn the_original_language_is_what_a_film_a_series_or_an_episode_says() {
    for written in ["<originallanguage>jpn</originallanguage>", "<original_language> Japanese </original_language>"] {
        let film = merged(&format!("<movie><title>T</title>{written}</movie>"), Metadata::default());
        assert!(matches!(film.original_language.as_deref(), Some("jpn" | "Japanese")), "{film:?}");
    }
    let spoken = "<movie><title>T</title><language>de</language><languages>English, German</languages></movie>";
    assert_eq!(merged(spoken, Metadata::default()).original_language, None, "neither is the original one");
    let show = "<tvshow><title>S</title><originallanguage>da</originallanguage></tvshow>";
    let lent = merged(show, Metadata::default());
    assert_eq!(lent.original_language.as_deref(), Some("da"));
    let own = Metadata { original_language: Some("sv".into()), ..Metadata::default() };
    assert_eq!(merged(show, own).original_language.as_deref(), Some("sv"), "the episode knows better");
}

#[test]
fn a_link_alone_gives_an_id_and_changes_nothing_else() {
    let by_name = Metadata { title: "Movie".into(), kind: MediaKind::Movie, ..Default::default() };
    let film = merged("https://www.imdb.com/title/tt0133093/\r\n", by_name.clone());
    assert_eq!(film.external_ids["imdb"], "tt0133093");
    assert_eq!(Metadata { external_ids: Default::default(), ..film }, by_name);
    assert_eq!(read("https://www.themoviedb.org/movie/603-the-matrix").says.external_ids["tmdb"], "603");
    assert_eq!(read("https://thetvdb.com/?tab=series&id=81189").says.external_ids["tvdb"], "81189");
}

#[test]
fn junk_around_the_document_does_no_harm() {
    for text in [
        format!("\u{feff}{MOVIE}"),
        format!("{MOVIE}\nhttps://www.imdb.com/title/tt0082096/"),
        format!("{MOVIE}<<<>>> & junk </movie>"),
        MOVIE.replace("</genre>", "</genere>").replace("<userrating>", "<unknown a=b c>"),
        MOVIE.replace("</movie>", ""),
        MOVIE.replace("<movie>", "<MOVIE>").replace("title>", "Title>"),
    ] {
        let nfo = read(&text);
        assert_eq!((nfo.subject, nfo.says.title.as_str()), (NfoSubject::Movie, "Das Boot"), "{text}");
    }
}

#[test]
fn text_survives_careless_escaping() {
    assert_eq!(read("<movie><title>Tom & Jerry</title></movie>").says.title, "Tom & Jerry");
    assert_eq!(read("<movie><title>Tom &amp; Jerry&#8217;s</title></movie>").says.title, "Tom & Jerry\u{2019}s");
    assert_eq!(read("<movie><title><![CDATA[<b> & </b>]]></title></movie>").says.title, "<b> & </b>");
    assert_eq!(read("<movie><title>a&nbsp;b &unknown; c&#0;&#x110000;</title></movie>").says.title, "a b &unknown; c");
    assert_eq!(read("<movie><title>  two\n  lines\u{1} </title></movie>").says.title, "two lines");
}

#[test]
fn wrong_and_foreign_encodings_are_read() {
    let latin = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><movie><title>Am\xe9lie</title></movie>";
    assert_eq!(parse_nfo(latin).unwrap().says.title, "Amélie");
    let cyrillic = b"<?xml version='1.0' encoding='windows-1251'?><movie><title>\xcc\xe8\xf0</title></movie>";
    assert_eq!(parse_nfo(cyrillic).unwrap().says.title, "Мир");
    let claims_latin = "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><movie><title>Amélie</title></movie>";
    assert_eq!(read(claims_latin).says.title, "Amélie");
    let mut wide = vec![0xff, 0xfe];
    wide.extend("<movie><title>Amélie</title></movie>".encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(parse_nfo(&wide).unwrap().says.title, "Amélie");
}

#[test]
fn entity_bombs_and_huge_files_are_refused() {
    let bomb = "<!DOCTYPE movie [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><movie><title>&b;</title></movie>";
    assert_eq!(parse_nfo(bomb.as_bytes()), Err(NfoError::Entities));
    let huge = vec![b' '; MAX_NFO_BYTES + 1];
    assert_eq!(parse_nfo(&huge), Err(NfoError::TooLarge { bytes: MAX_NFO_BYTES + 1 }));
    for nothing in ["", "   ", "hello", "<html><body>404</body></html>", "Release by GRP\n\u{2588}\u{2588}"] {
        assert_eq!(parse_nfo(nothing.as_bytes()), Err(NfoError::Nothing), "{nothing:?}");
    }
}

#[test]
fn deep_nesting_is_cut_and_what_is_shallow_is_read() {
    let deep = format!("<movie>{}{}<title>Deep</title></movie>", "<a>".repeat(50_000), "</a>".repeat(50_000));
    let nfo = read(&deep);
    assert_eq!(nfo.subject, NfoSubject::Movie);
    let open = format!("<movie><title>Open</title>{}", "<a>".repeat(100_000));
    assert_eq!(read(&open).says.title, "Open");
}

#[test]
fn impossible_values_say_nothing() {
    let nfo = read(
        "<episodedetails><title>T</title><season>-1</season><episode>many</episode><year>0</year><aired>0001-01-01</aired>\
         <rating>0.0</rating><mpaa></mpaa><genre> </genre><actor><role>Nobody</role></actor><uniqueid type=\"imdb\"></uniqueid></episodedetails>",
    );
    assert_eq!(nfo.says, Metadata { title: "T".into(), ..Default::default() });
}

#[test]
fn certifications_of_several_countries_are_cut_to_the_first() {
    let rating = |text: &str| read(&format!("<movie><title>T</title><mpaa>{text}</mpaa></movie>")).says.rating;
    assert_eq!(rating("Germany:FSK 12 / USA:PG-13").as_deref(), Some("FSK 12"));
    assert_eq!(rating("US:TV-MA").as_deref(), Some("TV-MA"));
    assert_eq!(rating("Not Rated").as_deref(), Some("Not Rated"));
    assert_eq!(rating("Rated PG").as_deref(), Some("PG"));
    assert_eq!(rating("this film has not been rated by anybody at all"), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = parse_nfo(&bytes);
    }

    #[test]
    fn any_soup_of_tags_is_read_or_refused(
        words in proptest::collection::vec(prop::sample::select(vec![
            "<movie>", "</movie>", "<episodedetails>", "</episodedetails>", "<title>", "</title>", "<a", ">", "</", "<!--", "-->",
            "<![CDATA[", "]]>", "<?", "?>", "&amp;", "&", ";", "&#", "text", "<season>", "1", "<!DOCTYPE", "\"", "é", "<tvshow/>", "=",
        ]), 0..40)
    ) {
        if let Ok(nfo) = parse_nfo(words.concat().as_bytes()) {
            prop_assert!(!nfo.says.title.chars().any(char::is_control));
        }
    }
}
