//! WebVTT: reads the cues of a file and writes those of a segment (RFC 8216, 3.5).
//!
//! Does: parse whatever claims to be WebVTT, and say which cues a stretch of the channel shows when.
//! Does not: find files, or choose subtitles.
//! Invariant: any bytes give cues that can be written, each longer than nothing; what is written is bounded, has no line that could be taken for
//! another cue, and names a cue that lies in several segments the same in all of them.

use std::fmt::Write as _;

use crate::{FrameGrid, REORDER_FRAMES, TICKS_PER_SECOND};

/// The most cues that are taken from a file; long films have some two thousand.
const MOST_CUES: usize = 50_000;
/// The most that one cue may say.
const MOST_TEXT_BYTES: usize = 4 * 1024;
/// The most that the settings of a cue may be.
const MOST_SETTINGS_BYTES: usize = 256;
/// The most cues in a segment; songs with every syllable twice have some dozens.
const MOST_CUES_OF_SEGMENT: usize = 500;
const HOUR_MS: i64 = 3_600_000;
/// Times beyond this are mistakes, and would overflow when added to others.
const LATEST_MS: i64 = 10_000 * HOUR_MS;
/// Clocks in a transport stream have 33 bits.
const WRAP_TICKS: i64 = 1 << 33;
const TICKS_PER_MS: i64 = TICKS_PER_SECOND / 1_000;

/// One cue of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// When it appears, milliseconds of the file.
    pub start_ms: i64,
    /// When it is gone; later than `start_ms`.
    pub end_ms: i64,
    /// How it is placed ("line:90% align:center"); empty for the usual place.
    pub settings: String,
    /// What it says, one or more lines of WebVTT's own markup.
    pub text: String,
}

/// A stretch of the channel that shows one file.
#[derive(Debug, Clone, Copy)]
pub struct Stretch<'a> {
    /// Its first frame.
    pub first: i64,
    /// The first frame of what follows.
    pub end: i64,
    /// When the file's own beginning would have been on air, Unix milliseconds.
    pub origin_ms: i64,
    /// The file's cues.
    pub cues: &'a [Cue],
}

/// The frames of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first one.
    pub first: i64,
    /// The first one that is no longer part of it.
    pub end: i64,
}

/// Returns the cues of a WebVTT file, by their beginning. What cannot be understood is left out.
pub fn cues(file: &[u8]) -> Vec<Cue> {
    let text = String::from_utf8_lossy(file);
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut lines = text.lines().peekable();
    let mut cues = Vec::new();
    while let Some(line) = lines.next() {
        if cues.len() == MOST_CUES {
            break;
        }
        if is_comment(line) {
            while lines.next_if(|line| !line.trim().is_empty()).is_some() {}
            continue;
        }
        let Some((start_ms, end_ms, settings)) = timing(line) else { continue };
        let mut said = String::new();
        while let Some(line) = lines.next_if(|line| !line.trim().is_empty() && timing(line).is_none()) {
            say(&mut said, line);
        }
        if start_ms < end_ms && !said.is_empty() {
            cues.push(Cue { start_ms, end_ms, settings, text: said });
        }
    }
    cues.sort_by_key(|cue| cue.start_ms);
    cues
}

/// Returns the segment of subtitles for the pictures of `span`, whose times in the stream are `offset_ticks` later than the grid's.
///
/// Times are those of the transport stream: FFmpeg 9 and the players made of it do not look at the map and are right nevertheless, and a cue is
/// written the same in each segment that it touches: whole, as the RFC wants it, not cut at the segment's edges. Its name is the same, too:
/// hls.js adds a cue once for each name and makes names up from times otherwise, where the last digit of a fraction would show a line twice.
/// No cue begins before its stretch or outlasts it.
pub fn segment(grid: &FrameGrid, span: Span, offset_ticks: i64, stretches: &[Stretch<'_>]) -> String {
    let clock = Clock::at(grid, span.first, offset_ticks);
    let mut text = format!("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:{},LOCAL:{}\n", clock.pts, Time(clock.pts / TICKS_PER_MS));
    let touched = stretches.iter().flat_map(|stretch| shown(grid, span, stretch));
    for Shown { name, on_ms, off_ms, cue } in touched.take(MOST_CUES_OF_SEGMENT) {
        let (on, off) = (clock.time(on_ms), clock.time(off_ms));
        let space = if cue.settings.is_empty() { "" } else { " " };
        // Writing into a String cannot fail.
        let _ = write!(text, "\n{name}\n{on} --> {off}{space}{}\n{}\n", cue.settings, cue.text);
    }
    text
}

/// The clock of the transport stream around a segment.
struct Clock {
    /// Presentation time of the segment's first picture, as it is written.
    pts: i64,
    /// From the wall clock's ticks to those of the stream.
    from_wall: i64,
}

impl Clock {
    fn at(grid: &FrameGrid, first: i64, offset_ticks: i64) -> Self {
        let unwrapped = grid.pts(first).saturating_add(offset_ticks);
        let pts = unwrapped.rem_euclid(WRAP_TICKS);
        let delay = grid.tick(REORDER_FRAMES).saturating_add(offset_ticks);
        Self { pts, from_wall: delay.saturating_sub(unwrapped - pts) }
    }

    /// What began before the clock did begins with it, which is before the segment.
    fn time(&self, wall_ms: i64) -> Time {
        let ticks = wall_ms.saturating_mul(TICKS_PER_MS).saturating_add(self.from_wall);
        Time(ticks.max(0) / TICKS_PER_MS)
    }
}

/// A cue as it is on air.
struct Shown<'a> {
    name: String,
    on_ms: i64,
    off_ms: i64,
    cue: &'a Cue,
}

fn shown<'a>(grid: &FrameGrid, span: Span, stretch: &Stretch<'a>) -> impl Iterator<Item = Shown<'a>> {
    let (stretch, edges_ms) = (*stretch, (grid.wall_ms(stretch.first), grid.wall_ms(stretch.end)));
    let (start_ms, end_ms) = (grid.wall_ms(span.first), grid.wall_ms(span.end));
    // Cues are sorted by their beginning: whatever begins after the segment is past.
    let before = stretch.cues.partition_point(|cue| cue.start_ms.saturating_add(stretch.origin_ms) < end_ms);
    stretch.cues[..before].iter().enumerate().filter_map(move |(index, cue)| {
        let on_ms = cue.start_ms.saturating_add(stretch.origin_ms).max(edges_ms.0);
        let off_ms = cue.end_ms.saturating_add(stretch.origin_ms).min(edges_ms.1);
        let touches = on_ms < off_ms && on_ms < end_ms && start_ms < off_ms;
        touches.then(|| Shown { name: format!("{}-{index}", stretch.first), on_ms, off_ms, cue })
    })
}

/// Returns whether a block that begins so is none of the cues.
fn is_comment(line: &str) -> bool {
    let begins =
        |word: &str| line.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
    !line.contains("-->") && ["WEBVTT", "NOTE", "STYLE", "REGION"].into_iter().any(begins)
}

/// Reads "00:01.500 --> 00:02.000 line:0".
fn timing(line: &str) -> Option<(i64, i64, String)> {
    let (start, rest) = line.split_once("-->")?;
    let mut words = rest.split_whitespace();
    let (start_ms, end_ms) = (time_ms(start.trim())?, time_ms(words.next()?)?);
    let plain = |word: &&str| word.contains(':') && !word.contains("-->") && !word.contains(char::is_control);
    let settings = words.filter(plain).collect::<Vec<_>>().join(" ");
    let settings = if settings.len() <= MOST_SETTINGS_BYTES { settings } else { String::new() };
    Some((start_ms, end_ms, settings))
}

/// Reads "01:02:03.400" or "02:03.400"; a comma does, too.
fn time_ms(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once(['.', ','])?;
    let number = |digits: &str, most: usize| {
        let plain = (1..=most).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse::<i64>().ok()).flatten()
    };
    let ms = if fraction.len() == 3 { number(fraction, 3)? } else { return None };
    let mut parts = whole.rsplit(':');
    let (seconds, minutes) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let hours = parts.next().map_or(Some(0), |hours| number(hours, 6))?;
    let all_ms = ((hours * 60 + minutes) * 60 + seconds) * 1_000 + ms;
    (parts.next().is_none() && minutes < 60 && seconds < 60 && all_ms <= LATEST_MS).then_some(all_ms)
}

/// Adds a line to what a cue says.
fn say(said: &mut String, line: &str) {
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    let line = line.trim_end().replace("-->", "--&gt;");
    if !line.trim().is_empty() && said.len() + line.len() < MOST_TEXT_BYTES {
        if !said.is_empty() {
            said.push('\n');
        }
        said.push_str(&line);
    }
}

/// Milliseconds, written as WebVTT wants them.
struct Time(i64);

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(ms) = self;
        write!(f, "{:02}:{:02}:{:02}.{:03}", ms / HOUR_MS, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000)
    }
}

#[cfg(test)]
mod tests;
