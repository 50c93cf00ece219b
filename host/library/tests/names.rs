//! Names as they are found in the wild, and what they say.

use std::path::Path;

use exstreamtv_library::metadata_from_path;
use exstreamtv_model::{MediaKind, Metadata};
use proptest::prelude::*;

/// Writes what a name says on one line: kind, show, numbers, date, title, year.
fn line(path: &str) -> String {
    let metadata = metadata_from_path(Path::new("/media/Library"), &Path::new("/media/Library").join(path));
    brief(&metadata)
}

fn brief(metadata: &Metadata) -> String {
    let mut parts = Vec::new();
    match metadata.kind {
        MediaKind::Movie => parts.push("movie".to_owned()),
        MediaKind::Episode => parts.push("episode".to_owned()),
        MediaKind::Clip => parts.push("clip".to_owned()),
    }
    parts.extend(metadata.show.clone());
    let number = metadata.onscreen().or(metadata.season.map(|season| format!("S{season:02}")));
    parts.extend(number);
    parts.extend(metadata.aired.map(|date| date.to_string()));
    parts.push(format!("\"{}\"", metadata.title));
    parts.extend(metadata.year.map(|year| year.to_string()));
    parts.join(" | ")
}

fn all_say(cases: &[(&str, &str)]) {
    let wrong: Vec<_> = cases
        .iter()
        .filter_map(|(path, expected)| {
            let found = line(path);
            (found != *expected).then(|| format!("{path}\n   found {found}\nexpected {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn episodes_are_numbered_in_every_usual_spelling() {
    all_say(&[
        ("Show/Season 01/Show - S01E02 - Title.mkv", "episode | Show | S01E02 | \"Title\""),
        (
            "Show (2005)/Season 01/Show (2005) - S01E02 - The Title.mkv",
            "episode | Show | S01E02 | \"The Title\" | 2005",
        ),
        ("Show/Season 1/s1e2-e3.mkv", "episode | Show | S01E02-E03 | \"Show\""),
        ("Show/Season 1/S01E02E03 Both.mkv", "episode | Show | S01E02-E03 | \"Both\""),
        ("Show/Season 1/Show S01E02-E03-E04 Three.mkv", "episode | Show | S01E02-E04 | \"Three\""),
        ("Show/Season 1/Show S01E02-03 Two.mkv", "episode | Show | S01E02-E03 | \"Two\""),
        ("Show/Season 1/Show S01E02-720p.mkv", "episode | Show | S01E02 | \"Show\""),
        ("Show/Season 1/Show S01E10-04 Odd.mkv", "episode | Show | S01E10 | \"04 Odd\""),
        ("Show/Show 1x02 Title.avi", "episode | Show | S01E02 | \"Title\""),
        ("Show/1x02-1x03 Pair.avi", "episode | Show | S01E02-E03 | \"Pair\""),
        ("Show/Show - 10x123 - Long.avi", "episode | Show | S10E123 | \"Long\""),
        ("Show/Season 1/02 - Title.mp4", "episode | Show | S01E02 | \"Title\""),
        ("Show/Season 1/02. Title.mp4", "episode | Show | S01E02 | \"Title\""),
        ("Show/Season 1/02.mp4", "episode | Show | S01E02 | \"Show\""),
        ("Show/Season 1/102 - Title.mp4", "episode | Show | S01E02 | \"Title\""),
        ("Show/Season 1/Episode 2.mp4", "episode | Show | S01E02 | \"Show\""),
        ("Show/Season 1/E02 Title.mp4", "episode | Show | S01E02 | \"Title\""),
        ("Show/Season 1/Pilot 01.mp4", "episode | Show | S01E01 | \"Pilot\""),
        ("Show/Season 1/Show 01.mp4", "episode | Show | S01E01 | \"Show\""),
        ("Show/Staffel 2/Folge 3 - Titel.mp4", "episode | Show | S02E03 | \"Titel\""),
        ("Show/Season 2024/S2024E137.mkv", "episode | Show | S2024E137 | \"Show\""),
        ("Show.S01E02.1080p.WEB-DL.DDP5.1.H.264-GRP.mkv", "episode | Show | S01E02 | \"Show\""),
        ("Two.Words.S01E02.The.Long.Title.720p.HDTV.x264-GRP.mkv", "episode | Two Words | S01E02 | \"The Long Title\""),
        ("two_words_s01e02_the_title.avi", "episode | two words | S01E02 | \"the title\""),
        ("Show.2005.S01E02.Title.1080p.BluRay.mkv", "episode | Show | S01E02 | \"Title\" | 2005"),
        ("Show - Season 1 Episode 2 - Title.mp4", "episode | Show | S01E02 | \"Title\""),
        ("Show S01 E02 Title.mp4", "episode | Show | S01E02 | \"Title\""),
        ("Show - Episode 7.mp4", "episode | Show | S01E07 | \"Show\""),
        ("[Group] Some Show - 05 (1080p) [ABCD1234].mkv", "episode | Some Show | S01E05 | \"Some Show\""),
        ("[Group] Some Show - 05v2 [720p].mkv", "episode | Some Show | S01E05 | \"Some Show\""),
        ("9-1-1/Season 1/9-1-1 - S01E02 - Let Go.mkv", "episode | 9-1-1 | S01E02 | \"Let Go\""),
        ("24/Season 1/24 - S01E02 - 1-00 A.M.mkv", "episode | 24 | S01E02 | \"1-00 A.M\""),
        ("Show/Season 1/show.s01e02.mkv", "episode | Show | S01E02 | \"Show\""),
        ("Downloads/Other.S03E04.mkv", "episode | Other | S03E04 | \"Other\""),
        ("Show/S01E02.mkv", "episode | Show | S01E02 | \"Show\""),
        ("S01E02.mkv", "episode | Library | S01E02 | \"Library\""),
        ("Season 1/03 - Third.mkv", "episode | Library | S01E03 | \"Third\""),
        ("Show [tvdbid-81189]/Season 01/Show S01E01.mkv", "episode | Show | S01E01 | \"Show\""),
    ]);
}

#[test]
fn specials_are_season_zero() {
    all_say(&[
        ("Show/Specials/Show - S00E03 - Making of.mkv", "episode | Show | S00E03 | \"Making of\""),
        ("Show/Specials/Making of.mkv", "episode | Show | S00 | \"Making of\""),
        ("Show/Season 00/01 - Making of.mkv", "episode | Show | S00E01 | \"Making of\""),
    ]);
}

#[test]
fn dates_number_daily_shows() {
    all_say(&[
        ("Late Show/Late Show 2024-05-17 Guest Name.mkv", "episode | Late Show | 2024-05-17 | \"Guest Name\" | 2024"),
        (
            "Late.Show.2024.05.17.Guest.Name.720p.WEB.h264-GRP.mkv",
            "episode | Late Show | 2024-05-17 | \"Guest Name\" | 2024",
        ),
        ("News/News - 17.05.2024.mp4", "episode | News | 2024-05-17 | \"News\" | 2024"),
        ("News/20240517 Evening.mp4", "episode | News | 2024-05-17 | \"Evening\" | 2024"),
        ("2024-05-17 Birthday.mp4", "episode | Library | 2024-05-17 | \"Birthday\" | 2024"),
        ("Show 2024-13-40.mp4", "clip | \"Show 2024-13-40\""),
    ]);
}

#[test]
fn films_have_a_year() {
    all_say(&[
        ("Movie (1999).mp4", "movie | \"Movie\" | 1999"),
        ("Movie [1999].mp4", "movie | \"Movie\" | 1999"),
        ("Movie (1999)/Movie (1999).mkv", "movie | \"Movie\" | 1999"),
        ("Movie (1999)/Movie.mkv", "movie | \"Movie\" | 1999"),
        ("Movie (1999)/grp-mv.1080p.x264.mkv", "movie | \"Movie\" | 1999"),
        ("Movie (1999) {imdb-tt0133093} {edition-Director's Cut}.mkv", "movie | \"Movie\" | 1999"),
        ("Movie.1999.1080p.BluRay.x264-GRP.mkv", "movie | \"Movie\" | 1999"),
        ("The.Long.Movie.1999.EXTENDED.1080p.BluRay.x264-GRP.mkv", "movie | \"The Long Movie\" | 1999"),
        ("Blade.Runner.2049.2017.2160p.UHD.BluRay.mkv", "movie | \"Blade Runner 2049\" | 2017"),
        ("2001.A.Space.Odyssey.1968.1080p.mkv", "movie | \"2001 A Space Odyssey\" | 1968"),
        ("1917 (2019).mkv", "movie | \"1917\" | 2019"),
        ("2012 (2009)/2012 (2009) 1080p.mkv", "movie | \"2012\" | 2009"),
        ("(500) Days of Summer (2009).mkv", "movie | \"(500) Days of Summer\" | 2009"),
        ("Movie.Title.1999.mkv", "movie | \"Movie Title\" | 1999"),
        ("Movie_Title_(1999).mkv", "movie | \"Movie Title\" | 1999"),
        ("Mr. Nobody (2009).mkv", "movie | \"Mr. Nobody\" | 2009"),
        ("Se7en (1995).mkv", "movie | \"Se7en\" | 1995"),
        ("WALL·E (2008).mkv", "movie | \"WALL·E\" | 2008"),
        ("千と千尋の神隠し (2001).mkv", "movie | \"千と千尋の神隠し\" | 2001"),
        ("Amélie - Le Fabuleux Destin (2001).mkv", "movie | \"Amélie - Le Fabuleux Destin\" | 2001"),
    ]);
}

#[test]
fn other_files_keep_their_names() {
    all_say(&[
        ("Wonder Woman 1984.mkv", "clip | \"Wonder Woman 1984\""),
        ("2012.mkv", "clip | \"2012\""),
        ("holiday_in_rome.mp4", "clip | \"holiday in rome\""),
        ("beach.day.mp4", "clip | \"beach day\""),
        ("notes v1.2 final.mp4", "clip | \"notes v1.2 final\""),
        ("Holiday (2019)/beach.mp4", "clip | \"beach\""),
        ("My web project.mp4", "clip | \"My web project\""),
        ("Clip 1080p x264-GRP.mp4", "clip | \"Clip\""),
        ("1080p.mp4", "clip | \"1080p\""),
        ("test 1920x1080.mp4", "clip | \"test 1920x1080\""),
        ("-leading dash.mp4", "clip | \"leading dash\""),
        ("it's \"quoted\".mp4", "clip | \"it's \"quoted\"\""),
        ("Tom & Jerry <3.mp4", "clip | \"Tom & Jerry <3\""),
        ("Some Talk [dQw4w9WgXcQ].webm", "clip | \"Some Talk\""),
        ("音楽/ライブ映像.mp4", "clip | \"ライブ映像\""),
        ("A\u{7}bell.mp4", "clip | \"Abell\""),
        ("S1m0ne.mp4", "clip | \"S1m0ne\""),
        ("x264.mkv", "clip | \"x264\""),
        (".mp4", "clip | \"mp4\""),
        ("   .mp4", "clip | \".mp4\""),
        ("---.mp4", "clip | \"---.mp4\""),
        ("[].mp4", "clip | \"[].mp4\""),
    ]);
}

#[test]
fn ids_in_brackets_are_kept() {
    let ids = |path: &str| metadata_from_path(Path::new("/l"), &Path::new("/l").join(path)).external_ids;
    assert_eq!(ids("Movie (1999) {imdb-tt0133093}.mkv")["imdb"], "tt0133093");
    assert_eq!(ids("Movie (1999) [tmdbid=603].mkv")["tmdb"], "603");
    assert_eq!(ids("Movie (1999) [tt0133093].mkv")["imdb"], "tt0133093");
    assert!(ids("Movie (1999).mkv").is_empty());
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_unicode_still_has_a_title() {
    use std::os::unix::ffi::OsStrExt;
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9 S01E02.mkv");
    let metadata = metadata_from_path(Path::new("/l"), &Path::new("/l").join(name));
    assert_eq!(brief(&metadata), "episode | caf\u{fffd} | S01E02 | \"caf\u{fffd}\"");
}

#[test]
fn a_path_outside_the_root_says_what_its_name_says() {
    let metadata = metadata_from_path(Path::new("/a"), Path::new("/b/Season 1/Movie (1999).mkv"));
    assert_eq!(brief(&metadata), "movie | \"Movie\" | 1999");
    assert!(!metadata_from_path(Path::new("/"), Path::new("/")).title.is_empty());
}

proptest! {
    #[test]
    fn any_path_has_a_title_and_nothing_panics(path in "\\PC{0,40}(/\\PC{0,40}){0,3}") {
        let metadata = metadata_from_path(Path::new("/media/Library"), &Path::new("/media/Library").join(&path));
        prop_assert!(!metadata.title.trim().is_empty());
        prop_assert!(!metadata.title.chars().any(char::is_control));
    }

    #[test]
    fn any_mixture_of_known_words_has_a_title(
        words in proptest::collection::vec(
            prop::sample::select(vec![
                "S01", "E02", "-E03", "1x02", "x", "2024", "05", "17", "(1999)", "[", "]", "(", ")", "1080p", "-", " ", ".", "_",
                "Season 1", "/", "é", "日", "{imdb-tt1234567}", "x264", "v2", "99999", "\u{0}", "ſ", "E", "s",
            ]),
            0..12,
        )
    ) {
        let path = words.concat();
        let metadata = metadata_from_path(Path::new("/l"), &Path::new("/l").join(path.trim_start_matches('/')));
        prop_assert!(!metadata.title.trim().is_empty());
        if let (Some(first), Some(last)) = (metadata.episode, metadata.episode_end) {
            prop_assert!(first < last);
        }
    }
}
