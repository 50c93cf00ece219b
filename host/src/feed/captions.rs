//! Which subtitles a feed has shown when, for the WebVTT beside its pictures.
//!
//! Does: remember which file was on air at which frame, and keep the segments that were cut.
//! Does not: read files or wait for them; whoever asks brings the cues.
//! Invariant: a segment never changes once somebody has it; slates, and what was cut off a run, have no cues.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use exstreamtv_transport::webvtt::{Cue, Span, Stretch};

use super::cue_files::TextTrack;

/// How many stretches are remembered; far more than a playlist is long.
const MOST_STRETCHES: usize = 256;

/// How many cut segments are kept; more than a playlist lists, or listed lately.
const MOST_SEGMENTS: usize = 128;

/// A stretch of the feed in which one file was on air.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aired {
    /// Its first frame.
    pub first: i64,
    /// The first frame of what followed.
    pub end: i64,
    /// When the file's own beginning would have been on air, Unix milliseconds.
    pub origin_ms: i64,
    /// The file's subtitles.
    pub track: TextTrack,
}

impl Aired {
    /// Returns the stretch with what its file says.
    pub fn stretch<'a>(&self, cues: &'a [Cue]) -> Stretch<'a> {
        let Self { first, end, origin_ms, .. } = *self;
        Stretch { first, end, origin_ms, cues }
    }
}

/// What is known about the subtitles of one feed.
#[derive(Debug, Default)]
pub struct Captions {
    aired: VecDeque<Aired>,
    cut: BTreeMap<u64, Bytes>,
}

impl Captions {
    /// A file with subtitles goes on air.
    pub fn begin(&mut self, aired: Aired) {
        self.end(aired.first);
        self.aired.push_back(aired);
        if self.aired.len() > MOST_STRETCHES {
            self.aired.pop_front();
        }
    }

    /// What is on air ends at a frame, whatever was planned.
    pub fn end(&mut self, at: i64) {
        if let Some(last) = self.aired.back_mut() {
            last.end = last.end.min(at);
        }
    }

    /// Returns what was on air in a segment, in order.
    pub fn in_span(&self, span: Span) -> Vec<Aired> {
        let touches = |aired: &&Aired| aired.first < span.end && span.first < aired.end;
        self.aired.iter().filter(touches).cloned().collect()
    }

    /// Returns a segment that somebody has already.
    pub fn segment(&self, sequence: u64) -> Option<Bytes> {
        self.cut.get(&sequence).cloned()
    }

    /// Keeps a segment, and returns it; the one that was there before, if two were cut at once.
    pub fn keep(&mut self, sequence: u64, text: String) -> Bytes {
        let kept = self.cut.entry(sequence).or_insert_with(|| text.into()).clone();
        if self.cut.len() > MOST_SEGMENTS {
            self.cut.pop_first();
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aired(first: i64, end: i64) -> Aired {
        let track = TextTrack { path: "/m/a.mkv".into(), stream: 2, name: first.to_string() };
        Aired { first, end, origin_ms: 0, track }
    }

    fn in_span(captions: &Captions, first: i64, end: i64) -> Vec<(i64, i64)> {
        captions.in_span(Span { first, end }).into_iter().map(|aired| (aired.first, aired.end)).collect()
    }

    #[test]
    fn a_run_that_breaks_leaves_a_hole_for_the_slate() {
        let mut captions = Captions::default();
        captions.begin(aired(0, 100));
        captions.end(40);
        captions.begin(aired(60, 100));
        captions.end(200);
        assert_eq!(in_span(&captions, 0, 100), [(0, 40), (60, 100)]);
        assert_eq!(in_span(&captions, 40, 60), []);
        captions.begin(aired(90, 120));
        assert_eq!(in_span(&captions, 60, 100), [(60, 90), (90, 120)]);
    }

    #[test]
    fn a_segment_stays_as_it_was_first_cut() {
        let mut captions = Captions::default();
        assert_eq!(captions.keep(7, "first".into()), "first");
        assert_eq!(captions.keep(7, "second".into()), "first");
        assert_eq!(captions.segment(7).unwrap(), "first");
        (8..7 + MOST_SEGMENTS as u64).for_each(|sequence| drop(captions.keep(sequence, String::new())));
        assert!(captions.segment(7).is_some());
        captions.keep(1_000, String::new());
        assert_eq!((captions.segment(7), captions.cut.len()), (None, MOST_SEGMENTS));
    }

    #[test]
    fn a_long_evening_is_bounded() {
        let mut captions = Captions::default();
        (0..1_000).for_each(|number| captions.begin(aired(number, number + 1)));
        assert_eq!(captions.aired.len(), MOST_STRETCHES);
    }
}
