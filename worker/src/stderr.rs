//! Reads what FFmpeg says on stderr.
//!
//! Does: find the level of each line, bound how many lines a second go on, remember the last errors and the last lines of all.
//! Invariant: no flood makes it pass on more than [`LINES_PER_S`] lines a second for long, or keep more than [`LAST_WORDS`] of each level
//! and [`MOST_WORDS`] in all.

use std::{collections::VecDeque, time::Duration};

use exstreamtv_model::health::{LogLevel, LogLine};
use exstreamtv_worker_protocol::{Word, testimony::MOST_WORDS};
use tokio::time::Instant;

use crate::lines::Lines;

/// Lines a second that are passed on, on average.
pub const LINES_PER_S: u32 = 20;

/// Lines that may come at once.
const BURST_LINES: u32 = 40;

/// Lines that are remembered for the message of a failure.
const LAST_WORDS: usize = 20;

/// Collects lines of FFmpeg's stderr.
#[derive(Debug)]
pub struct StderrReader {
    lines: Lines,
    budget: Budget,
    memory: Memory,
}

#[derive(Debug)]
struct Memory {
    began: Instant,
    errors: VecDeque<String>,
    warnings: VecDeque<String>,
    words: VecDeque<Word>,
    lost: u64,
}

#[derive(Debug)]
struct Budget {
    left: u32,
    counted_from: Instant,
    dropped: u64,
}

impl StderrReader {
    /// Begins at `now`.
    pub fn new(now: Instant) -> Self {
        let budget = Budget { left: BURST_LINES, counted_from: now, dropped: 0 };
        let (errors, warnings, words) = <_>::default();
        Self { lines: Lines::default(), budget, memory: Memory { began: now, errors, warnings, words, lost: 0 } }
    }

    /// Takes `bytes` that came at `now` and hands the lines in them to `take`, as far as the budget goes.
    pub fn feed(&mut self, now: Instant, bytes: &[u8], mut take: impl FnMut(LogLine)) {
        let Self { lines, budget, memory } = self;
        lines.feed(bytes, |line| {
            let line = parse(line);
            memory.keep(now, &line);
            budget.pass(now, line, &mut take);
        });
    }

    /// Says what was dropped and not yet said.
    pub fn finish(&mut self, now: Instant, mut take: impl FnMut(LogLine)) {
        let Self { lines, budget, memory } = self;
        lines.finish(|line| {
            let line = parse(line);
            memory.keep(now, &line);
            take(line);
        });
        budget.confess(&mut take);
    }

    /// Returns FFmpeg's last errors, or its last warnings if it named no error.
    pub fn last_words(&self) -> String {
        let Memory { errors, warnings, .. } = &self.memory;
        let words = if errors.is_empty() { warnings } else { errors };
        words.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// Hands over the last lines of all levels, and how many there were before them.
    pub fn take_words(&mut self) -> (Vec<Word>, u64) {
        (std::mem::take(&mut self.memory.words).into(), std::mem::take(&mut self.memory.lost))
    }
}

impl Memory {
    fn keep(&mut self, now: Instant, line: &LogLine) {
        remember(if line.level >= LogLevel::Error { &mut self.errors } else { &mut self.warnings }, &line.text);
        if self.words.len() == MOST_WORDS {
            self.words.pop_front();
            self.lost += 1;
        }
        let at_ms = millis(now.saturating_duration_since(self.began));
        self.words.push_back(Word { at_ms, level: line.level, text: line.text.clone() });
    }
}

/// Returns a length of time as it is told to the host.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Budget {
    fn pass(&mut self, now: Instant, line: LogLine, take: &mut impl FnMut(LogLine)) {
        let earned_after = Duration::from_secs(1) / LINES_PER_S;
        let waited = now.saturating_duration_since(self.counted_from);
        let earned = u32::try_from(waited.as_nanos() / earned_after.as_nanos()).unwrap_or(u32::MAX);
        if earned > 0 {
            self.left = self.left.saturating_add(earned).min(BURST_LINES);
            self.counted_from = now;
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                self.confess(take);
                take(line);
            }
            None => self.dropped += 1,
        }
    }

    fn confess(&mut self, take: &mut impl FnMut(LogLine)) {
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            take(LogLine { level: LogLevel::Warning, text: format!("{dropped} lines left out") });
        }
    }
}

fn remember(words: &mut VecDeque<String>, text: &str) {
    if words.len() == LAST_WORDS {
        words.pop_front();
    }
    words.push_back(text.to_owned());
}

/// Reads `[component @ 0x5590] [level] text`, where both brackets may be absent; the address says nothing to people.
fn parse(line: &str) -> LogLine {
    let mut rest = line;
    let mut component = "";
    let mut level = LogLevel::Info;
    while let Some((tag, after)) = rest.strip_prefix('[').and_then(|inner| inner.split_once("] ")) {
        match level_named(tag) {
            Some(found) => level = found,
            None if component.is_empty() && tag.contains(" @ 0x") => component = tag.split(" @ ").next().unwrap_or(""),
            None => break,
        }
        rest = after;
    }
    let text = if component.is_empty() { rest.to_owned() } else { format!("{component}: {rest}") };
    LogLine { level, text }
}

fn level_named(tag: &str) -> Option<LogLevel> {
    match tag {
        "info" | "verbose" | "debug" | "trace" => Some(LogLevel::Info),
        "warning" => Some(LogLevel::Warning),
        "error" => Some(LogLevel::Error),
        "fatal" | "panic" => Some(LogLevel::Fatal),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(level: LogLevel, text: &str) -> LogLine {
        LogLine { level, text: text.to_owned() }
    }

    #[test]
    fn lines_of_ffmpeg_5_and_later_have_a_level_and_a_component() {
        let captured = "[error] file:/x.mp4: Invalid data found when processing input\n\
                        [mov,mp4,m4a,3gp,3g2,mj2 @ 0x55d0] [error] moov atom not found\n\
                        [in#0/mpegts @ 0x7f] [warning] corrupt input packet in stream 0\n\
                        [libx264 @ 0x55d0b0c0] [warning] [weird] text\n\
                        [fatal] Error opening input files.\n\
                        [panic] out of memory\n    Last message repeated 3 times\n[aac @ 0x1]\n";
        let mut found = Vec::new();
        StderrReader::new(Instant::now()).feed(Instant::now(), captured.as_bytes(), |line| found.push(line));
        use LogLevel::{Error, Fatal, Info, Warning};
        assert_eq!(
            found,
            [
                line(Error, "file:/x.mp4: Invalid data found when processing input"),
                line(Error, "mov,mp4,m4a,3gp,3g2,mj2: moov atom not found"),
                line(Warning, "in#0/mpegts: corrupt input packet in stream 0"),
                line(Warning, "libx264: [weird] text"),
                line(Fatal, "Error opening input files."),
                line(Fatal, "out of memory"),
                line(Info, "    Last message repeated 3 times"),
                line(Info, "[aac @ 0x1]"),
            ]
        );
    }

    #[test]
    fn a_flood_is_cut_counted_and_its_last_errors_are_remembered() {
        let start = Instant::now();
        let mut reader = StderrReader::new(start);
        let mut found = Vec::new();
        for number in 0..10_000 {
            reader.feed(start, format!("[error] number {number}\n").as_bytes(), |line| found.push(line));
        }
        assert_eq!(found.len(), usize::try_from(BURST_LINES).unwrap());
        found.clear();
        reader.feed(start + Duration::from_secs(1), b"[error] later\n", |line| found.push(line));
        assert_eq!(found, [line(LogLevel::Warning, "9960 lines left out"), line(LogLevel::Error, "later")]);
        let words = reader.last_words();
        assert_eq!(words.lines().count(), LAST_WORDS);
        assert!(words.starts_with("number 9981\n") && words.ends_with("\nlater"));
        let (words, lost) = reader.take_words();
        assert_eq!((words.len(), lost), (MOST_WORDS, 10_001 - 200), "for the dossier");
        assert_eq!((words[0].text.as_str(), words[0].at_ms), ("number 9801", 0));
        assert_eq!((words[199].text.as_str(), words[199].at_ms), ("later", 1_000));
    }

    #[test]
    fn warnings_are_the_last_words_of_one_that_names_no_error() {
        let mut reader = StderrReader::new(Instant::now());
        reader.feed(Instant::now(), b"[warning] odd\nunfinished", |_| {});
        reader.finish(Instant::now(), |_| {});
        assert_eq!(reader.last_words(), "odd\nunfinished");
    }
}
