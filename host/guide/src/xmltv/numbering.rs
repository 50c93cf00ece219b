//! Numbers programmes as clients expect.
//!
//! Does: `xmltv_ns` (counts from 0), `onscreen` (the only form Kodi parses), ids elsewhere.
//! Does not: number a film, ever: Plex takes whatever has an episode number for a series, and what has none for a film.

use chrono::{Datelike, NaiveDateTime, Timelike};
use exstreamtv_model::{MediaKind, Metadata};

/// Returns the `episode-num` elements, system and text, for a programme that starts at this local time.
pub(super) fn numbers(metadata: &Metadata, start: NaiveDateTime) -> Vec<(&'static str, String)> {
    if metadata.kind == MediaKind::Movie {
        return Vec::new();
    }
    let mut numbers = match (metadata.season, metadata.episode) {
        (season, Some(episode)) => numbered(metadata, season, episode),
        (_, None) => dated(metadata, start),
    };
    let imdb = metadata.external_ids.get("imdb").filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    numbers.extend(imdb.map(|id| ("imdb.com", format!("title/{id}"))));
    numbers
}

fn numbered(metadata: &Metadata, season: Option<u32>, episode: u32) -> Vec<(&'static str, String)> {
    // Specials are season 0, which a count from 0 cannot say: the season stays open.
    let season_from_zero = season.and_then(|season| season.checked_sub(1)).map(|season| season.to_string());
    let episode_from_zero = episode.checked_sub(1).map(|episode| episode.to_string());
    let onscreen = metadata.onscreen().unwrap_or_else(|| format!("E{episode:02}"));
    let ns = format!("{}.{}.", season_from_zero.unwrap_or_default(), episode_from_zero.unwrap_or_default());
    vec![("xmltv_ns", ns), ("onscreen", onscreen)]
}

/// Numbers by date what has no number: season is the year, episode the day of the year.
fn dated(metadata: &Metadata, start: NaiveDateTime) -> Vec<(&'static str, String)> {
    let date = metadata.aired.unwrap_or(start.date());
    let day = date.ordinal();
    // Two unnumbered episodes of one show on one day must not look like one episode shown twice.
    let same_show = metadata.aired.is_none() && metadata.kind == MediaKind::Episode;
    let episode = if same_show { day * 10_000 + start.hour() * 100 + start.minute() } else { day };
    let year = date.year().clamp(1, 9999);
    vec![
        ("xmltv_ns", format!("{}.{}.", year - 1, episode.saturating_sub(1))),
        ("onscreen", format!("S{year}E{episode:03}")),
    ]
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn line(metadata: &Metadata) -> String {
        let start = NaiveDate::from_ymd_opt(2026, 6, 27).unwrap().and_hms_opt(20, 15, 0).unwrap();
        let numbers = numbers(metadata, start);
        numbers.iter().map(|(system, number)| format!("{system} {number}")).collect::<Vec<_>>().join(", ")
    }

    fn episode(season: Option<u32>, episode: Option<u32>) -> Metadata {
        Metadata { kind: MediaKind::Episode, show: Some("Show".into()), season, episode, ..Default::default() }
    }

    #[test]
    fn episodes_are_counted_from_zero_and_shown_from_one() {
        assert_eq!(line(&episode(Some(1), Some(5))), "xmltv_ns 0.4., onscreen S01E05");
        assert_eq!(
            line(&Metadata { episode_end: Some(6), ..episode(Some(1), Some(5)) }),
            "xmltv_ns 0.4., onscreen S01E05-E06"
        );
        assert_eq!(line(&episode(Some(0), Some(3))), "xmltv_ns .2., onscreen S00E03");
        assert_eq!(line(&episode(None, Some(3))), "xmltv_ns .2., onscreen E03");
        assert_eq!(line(&episode(Some(1), Some(0))), "xmltv_ns 0.., onscreen S01E00");
    }

    #[test]
    fn what_has_no_number_is_numbered_by_its_date() {
        assert_eq!(line(&Metadata::default()), "xmltv_ns 2025.177., onscreen S2026E178");
        assert_eq!(line(&episode(None, None)), "xmltv_ns 2025.1782014., onscreen S2026E1782015");
        let daily = Metadata { aired: NaiveDate::from_ymd_opt(2024, 5, 17), ..episode(None, None) };
        assert_eq!(line(&daily), "xmltv_ns 2023.137., onscreen S2024E138");
    }

    #[test]
    fn a_film_has_no_episode_number_whatever_is_known() {
        let ids = [("imdb".to_owned(), "tt0133093".to_owned())].into();
        let film = Metadata { kind: MediaKind::Movie, external_ids: ids, ..episode(Some(1), Some(5)) };
        assert_eq!(line(&Metadata { kind: MediaKind::Movie, ..film.clone() }), "");
        assert_eq!(
            line(&Metadata { kind: MediaKind::Episode, ..film }),
            "xmltv_ns 0.4., onscreen S01E05, imdb.com title/tt0133093"
        );
    }
}
