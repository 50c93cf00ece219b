//! One media playlist.
//!
//! Does: read it strictly and check what one playlist alone can break.
//! Does not: compare it with the one before; that is the follower.
//! Invariant: a playlist that exists has segments with consecutive numbers and a date each.

use chrono::DateTime;

/// A media playlist of a live channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Playlist {
    /// EXT-X-TARGETDURATION.
    pub target_s: u64,
    /// EXT-X-MEDIA-SEQUENCE.
    pub sequence: u64,
    /// In order.
    pub segments: Vec<Segment>,
}

/// One segment as it is listed.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Its number.
    pub sequence: u64,
    /// As it is written.
    pub uri: String,
    /// EXTINF.
    pub duration_s: f64,
    /// EXT-X-PROGRAM-DATE-TIME, Unix milliseconds.
    pub date_ms: i64,
}

impl Playlist {
    /// Reads a playlist, or says what is wrong with it.
    ///
    /// # Errors
    /// The first rule that it breaks, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with("#EXTM3U\n") && !text.starts_with("#EXTM3U\r\n") {
            return Err("no #EXTM3U first".into());
        }
        for banned in ["#EXT-X-ENDLIST", "#EXT-X-DISCONTINUITY", "#EXT-X-PLAYLIST-TYPE"] {
            if text.lines().any(|line| line.starts_with(banned)) {
                return Err(format!("{banned} in a live playlist without discontinuities"));
            }
        }
        if !text.lines().any(|line| line == "#EXT-X-INDEPENDENT-SEGMENTS") {
            return Err("no #EXT-X-INDEPENDENT-SEGMENTS".into());
        }
        if tag::<u32>(text, "#EXT-X-VERSION:")? < 3 {
            return Err("decimals need version 3".into());
        }
        let (target_s, sequence) = (tag(text, "#EXT-X-TARGETDURATION:")?, tag(text, "#EXT-X-MEDIA-SEQUENCE:")?);
        let playlist = Self { target_s, sequence, segments: segments(text, sequence)? };
        playlist.check()?;
        Ok(playlist)
    }

    /// Returns the number of the segment that will come next.
    pub fn end(&self) -> u64 {
        self.sequence + self.segments.len() as u64
    }

    fn check(&self) -> Result<(), String> {
        if self.segments.is_empty() {
            return Err("no segment".into());
        }
        if let Some(long) = self.segments.iter().find(|segment| segment.duration_s.round() > self.target_s as f64) {
            return Err(format!("{long:?} is longer than the target duration {}", self.target_s));
        }
        for pair in self.segments.windows(2) {
            let expected_ms = pair[0].date_ms as f64 + pair[0].duration_s * 1000.0;
            if (pair[1].date_ms as f64 - expected_ms).abs() > 2.0 {
                return Err(format!("the date of {:?} does not follow from {:?}", pair[1], pair[0]));
            }
        }
        Ok(())
    }
}

/// Returns the address of the first variant of a multivariant playlist.
pub fn first_variant(text: &str) -> Option<&str> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("#EXT-X-STREAM-INF"));
    lines.next()?;
    lines.find(|line| !line.starts_with('#') && !line.is_empty())
}

fn tag<T: std::str::FromStr>(text: &str, name: &str) -> Result<T, String> {
    let values: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(name)).collect();
    match values[..] {
        [value] => value.trim().parse().map_err(|_| format!("{name}{value} cannot be read")),
        _ => Err(format!("{name} occurs {} times", values.len())),
    }
}

fn segments(text: &str, first: u64) -> Result<Vec<Segment>, String> {
    let (mut duration_s, mut date_ms) = (None, None);
    let mut segments = Vec::new();
    for line in text.lines() {
        if let Some(value) = line.strip_prefix("#EXTINF:") {
            let number = value.split(',').next().unwrap_or_default();
            duration_s = Some(number.parse().map_err(|_| format!("{line} cannot be read"))?);
        } else if let Some(value) = line.strip_prefix("#EXT-X-PROGRAM-DATE-TIME:") {
            let date = DateTime::parse_from_rfc3339(value).map_err(|error| format!("{line}: {error}"))?;
            date_ms = Some(date.timestamp_millis());
        } else if !line.starts_with('#') && !line.is_empty() {
            let (Some(duration_s), Some(date_ms)) = (duration_s.take(), date_ms.take()) else {
                return Err(format!("{line} has no duration or no date"));
            };
            segments.push(Segment {
                sequence: first + segments.len() as u64,
                uri: line.to_owned(),
                duration_s,
                date_ms,
            });
        }
    }
    Ok(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n\
        #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n#EXTINF:2.000,\nseg/7.ts\n\
        #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z\n#EXTINF:2.000,\nseg/8.ts\n";

    #[test]
    fn a_good_playlist_is_read() {
        let playlist = Playlist::parse(GOOD).unwrap();
        assert_eq!((playlist.target_s, playlist.sequence, playlist.end()), (4, 7, 9));
        assert_eq!(playlist.segments[1].uri, "seg/8.ts");
    }

    #[test]
    fn every_rule_of_one_playlist_has_a_way_to_be_broken() {
        for (from, to) in [
            ("#EXTM3U\n", ""),
            ("#EXT-X-VERSION:3", "#EXT-X-VERSION:2"),
            ("#EXT-X-TARGETDURATION:4", "#EXT-X-TARGETDURATION:1"),
            ("#EXT-X-MEDIA-SEQUENCE:7\n", ""),
            ("#EXT-X-INDEPENDENT-SEGMENTS\n", ""),
            ("00:02.000Z", "00:03.000Z"),
            ("#EXTINF:2.000,\nseg/8.ts", "#EXT-X-DISCONTINUITY\n#EXTINF:2.000,\nseg/8.ts"),
            ("#EXTINF:2.000,\nseg/8.ts", "seg/8.ts"),
            ("seg/8.ts\n", "seg/8.ts\n#EXT-X-ENDLIST\n"),
        ] {
            let broken = GOOD.replacen(from, to, 1);
            assert_ne!(broken, GOOD, "{from:?} is not there");
            assert!(Playlist::parse(&broken).is_err(), "{to:?} for {from:?} is accepted");
        }
    }
}
