//! HLS playlists (RFC 8216).
//!
//! Does: write the media playlist of a window and the master playlist of a channel.
//! Does not: choose addresses; the caller names them.
//! Invariant: one stream without end or discontinuity; a listed segment's line never changes, the target duration never does.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat};
use exstreamtv_model::OutputProfile;

use crate::{Segment, SegmentWindow, TICKS_PER_SECOND};

/// Packet headers, PES headers, tables and clock references: less than this share of the media, in percent.
const MUX_OVERHEAD_PERCENT: u64 = 8;

impl SegmentWindow {
    /// Returns the media playlist; `uri` names a segment. Legal from the first segment on.
    pub fn playlist(&self, uri: impl Fn(u64) -> String) -> String {
        let first = self.listed().next().map_or(self.next_sequence(), |segment| segment.sequence);
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-INDEPENDENT-SEGMENTS\n",
            self.target_seconds()
        );
        for segment in self.listed() {
            let start = date_time(segment);
            let seconds = seconds(segment.duration_ticks);
            // Writing into a String cannot fail.
            let _ = write!(text, "#EXT-X-PROGRAM-DATE-TIME:{start}\n#EXTINF:{seconds},\n{}\n", uri(segment.sequence));
        }
        text
    }
}

/// What a master playlist names.
#[derive(Debug, Clone, Copy)]
pub struct Master<'a> {
    /// What the channel sends.
    pub profile: &'a OutputProfile,
    /// What is in the stream, by the stream itself ("avc1.64001f,mp4a.40.2"); `None` where that is not known.
    pub codecs: Option<&'a str>,
    /// The media playlist of its one variant.
    pub uri: &'a str,
    /// The subtitles beside it.
    pub subtitles: Option<Rendition<'a>>,
}

/// Subtitles beside the variants.
#[derive(Debug, Clone, Copy)]
pub struct Rendition<'a> {
    /// What people call them.
    pub name: &'a str,
    /// Their language by BCP 47, if known.
    pub language: Option<&'a str>,
    /// Their media playlist.
    pub uri: &'a str,
}

/// Returns the master playlist of a channel.
pub fn master_playlist(Master { profile, codecs, uri, subtitles }: Master<'_>) -> String {
    let (video, audio) = (u64::from(profile.video_bitrate_bps), u64::from(profile.audio_bitrate_bps));
    let muxed = |media: u64| media * (100 + MUX_OVERHEAD_PERCENT) / 100;
    // The encoder's limits: half as much again as the mean, and a buffer of two seconds that one segment may use up.
    let peak_video = video * 3 / 2 + video * 2_000 / u64::from(profile.gop_ms.max(1));
    let (peak, average) = (muxed(peak_video + audio), muxed(video + audio));
    let (width, height, rate) = (profile.width, profile.height, profile.frame_rate.as_f64());
    let codecs = codecs.map_or_else(String::new, |codecs| format!("CODECS=\"{}\",", quotable(codecs)));
    let group = if subtitles.is_some() { ",SUBTITLES=\"subs\"" } else { "" };
    let media = subtitles.map_or_else(String::new, rendition);
    format!(
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n{media}\
         #EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},{codecs}\
         RESOLUTION={width}x{height},FRAME-RATE={rate:.3}{group}\n{uri}\n"
    )
}

fn rendition(Rendition { name, language, uri }: Rendition<'_>) -> String {
    let name = quotable(name);
    let language = language.map_or_else(String::new, |language| format!("LANGUAGE=\"{}\",", quotable(language)));
    format!(
        "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subs\",NAME=\"{name}\",{language}\
         DEFAULT=YES,AUTOSELECT=YES,FORCED=NO,URI=\"{uri}\"\n"
    )
}

/// Quoted strings hold neither quotes nor line breaks (RFC 8216, 4.2), and there is no way to escape them.
fn quotable(text: &str) -> String {
    text.chars().filter(|c| *c != '"' && !c.is_control()).collect()
}

/// Returns ticks as seconds with five decimals, which is as exact as players need and never rounds up a whole frame.
fn seconds(ticks: i64) -> String {
    format!("{}.{:05}", ticks / TICKS_PER_SECOND, ticks % TICKS_PER_SECOND * 10 / 9)
}

fn date_time(segment: &Segment) -> String {
    let start = DateTime::from_timestamp_millis(segment.start_wall_ms).unwrap_or_default();
    start.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use exstreamtv_model::FrameRate;

    use super::*;
    use crate::{Chunk, FrameGrid};

    fn window(rate: FrameRate, segments: i64) -> SegmentWindow {
        let grid = FrameGrid::new(&OutputProfile { frame_rate: rate, ..Default::default() });
        let (gop, first) = (grid.gop_frames(), grid.gop_start(grid.index_at(1_760_000_000_000)));
        let mut window = SegmentWindow::new(grid, 880_000_000);
        for number in 0..=segments {
            let data = Bytes::from_static(&[0x47; 188]);
            window.push(&Chunk { data, first_index: first + number * gop, frames: gop, starts_with_key: true });
        }
        window
    }

    #[test]
    fn a_playlist_reads_as_the_rfc_wants_it() {
        let text = window(FrameRate::new(30, 1), 1).playlist(|sequence| format!("seg/{sequence}.ts"));
        assert_eq!(
            text,
            "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:880000000\n\
             #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-PROGRAM-DATE-TIME:2025-10-09T08:53:20.000Z\n#EXTINF:2.00000,\nseg/880000000.ts\n"
        );
    }

    #[test]
    fn an_independent_reader_finds_gapless_dates_and_rising_numbers() {
        let mut last = 0;
        for segments in 1..30 {
            let text = window(FrameRate::new(24_000, 1_001), segments).playlist(|sequence| format!("{sequence}.ts"));
            let playlist = m3u8_rs::parse_media_playlist_res(text.as_bytes()).unwrap();
            assert!(playlist.media_sequence >= last && !playlist.end_list && playlist.independent_segments);
            last = playlist.media_sequence;
            assert_eq!(playlist.target_duration, 6);
            assert_eq!(playlist.segments.len(), (segments as usize).min(10));
            for pair in playlist.segments.windows(2) {
                let step = pair[1].program_date_time.unwrap() - pair[0].program_date_time.unwrap();
                assert!((step.num_milliseconds() as f32 - pair[0].duration * 1_000.0).abs() <= 1.0);
                assert!(!pair[1].discontinuity);
            }
        }
    }

    #[test]
    fn the_master_names_what_the_stream_is() {
        let profile = OutputProfile::default();
        let codecs = Some("avc1.64001f,mp4a.40.2");
        let text = master_playlist(Master { profile: &profile, codecs, uri: "5.m3u8", subtitles: None });
        let Ok(m3u8_rs::Playlist::MasterPlaylist(master)) = m3u8_rs::parse_playlist_res(text.as_bytes()) else {
            panic!("no master playlist: {text}")
        };
        let variant = &master.variants[0];
        assert_eq!(variant.uri, "5.m3u8");
        assert_eq!(variant.codecs.as_deref(), Some("avc1.64001f,mp4a.40.2"));
        assert_eq!(variant.resolution.map(|size| (size.width, size.height)), Some((1280, 720)));
        assert_eq!(variant.frame_rate, Some(30.0));
        assert!(variant.bandwidth > 6_250_000 && variant.average_bandwidth > Some(2_692_000));
    }

    #[test]
    fn the_master_names_its_subtitles_whatever_they_are_called() {
        let profile = OutputProfile::default();
        let subtitles = Some(Rendition { name: "Portuguese \"\n(Brazil)", language: Some("pt-BR"), uri: "s.m3u8" });
        let text = master_playlist(Master { profile: &profile, codecs: None, uri: "v.m3u8", subtitles });
        let Ok(m3u8_rs::Playlist::MasterPlaylist(master)) = m3u8_rs::parse_playlist_res(text.as_bytes()) else {
            panic!("no master playlist: {text}")
        };
        let subtitles = &master.alternatives[0];
        assert_eq!((subtitles.name.as_str(), subtitles.language.as_deref()), ("Portuguese (Brazil)", Some("pt-BR")));
        assert!(subtitles.default && subtitles.autoselect && !subtitles.forced);
        assert_eq!(subtitles.uri.as_deref(), Some("s.m3u8"));
        assert_eq!(master.variants[0].subtitles.as_deref(), Some(subtitles.group_id.as_str()));
        assert_eq!(master.variants[0].codecs, None);
    }
}
