//! Lines of the log files of media servers.
//!
//! Does: find time, level and part in lines of Plex Media Server and Jellyfin.
//! Does not: read files.
//! Invariant: any line gives an event; one that looks otherwise goes on where the one before it ended (stack traces do).

use std::sync::LazyLock;

use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};
use regex::{Captures, Regex};

use crate::event::{Draft, LogLevel, LogSource};

/// `Nov 27, 2026 18:41:36.123 [140250]  WARN - [Req#1/Transcode] text`; the time is that of the machine that wrote it.
static PLEX: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(\w{3}\s+\d{1,2}, \d{4} \d{2}:\d{2}:\d{2}\.\d{3}) \[[^\]]*\]\s+(\w+) - (?:\[([^\]]{1,60})\] )?(.*)$")
});

/// `[2026-11-27 18:41:36.123 +01:00] [ERR] [12] Emby.Server.Part: text`
static JELLYFIN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\[(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3} [+-]\d{2}:\d{2})\] \[(\w{3})\] \[\d+\] ([^:\s]{1,100}): (.*)$",
    )
});

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern that its tests compile")
}

/// Reads one log file, line by line.
#[derive(Debug, Clone)]
pub struct ServerLog {
    source: LogSource,
    /// How far the clock of the machine that writes is ahead of UTC; only Plex does not say.
    zone: FixedOffset,
    level: LogLevel,
    component: Option<String>,
}

impl ServerLog {
    /// Returns a reader of lines of this source; `zone` is that of the machine that writes them.
    pub fn new(source: LogSource, zone: FixedOffset) -> Self {
        Self { source, zone, level: LogLevel::Info, component: None }
    }

    /// Returns what a line says; `now` is its time where it has none. Empty lines say nothing.
    pub fn read(&mut self, line: &str, now: DateTime<Utc>) -> Option<Draft> {
        let line = line.trim_end();
        if line.trim().is_empty() {
            return None;
        }
        let read = match self.source {
            LogSource::Plex => PLEX.captures(line).map(|found| (self.local_time(&found), found)),
            _ => JELLYFIN.captures(line).map(|found| (stated_time(&found), found)),
        };
        let part = |found: &Captures<'_>, at| found.get(at).map(|text| text.as_str().to_owned());
        let (time, text) = match read {
            Some((time, found)) => {
                self.level = level_named(&part(&found, 2).unwrap_or_default());
                self.component = part(&found, 3);
                (time, part(&found, 4).unwrap_or_default())
            }
            None => (None, line.to_owned()),
        };
        let mut draft = Draft::new(time.unwrap_or(now), self.source, self.level, text);
        draft.component.clone_from(&self.component);
        draft.tags.push("log_file".to_owned());
        Some(draft)
    }

    fn local_time(&self, found: &Captures<'_>) -> Option<DateTime<Utc>> {
        let local = NaiveDateTime::parse_from_str(found.get(1)?.as_str(), "%b %d, %Y %H:%M:%S%.3f").ok()?;
        local.and_local_timezone(self.zone).single().map(|time| time.with_timezone(&Utc))
    }
}

fn stated_time(found: &Captures<'_>) -> Option<DateTime<Utc>> {
    let stated = DateTime::parse_from_str(found.get(1)?.as_str(), "%Y-%m-%d %H:%M:%S%.3f %:z").ok()?;
    Some(stated.with_timezone(&Utc))
}

fn level_named(name: &str) -> LogLevel {
    match name {
        "VERBOSE" | "DEBUG" | "VRB" | "DBG" => LogLevel::Debug,
        "WARN" | "WRN" => LogLevel::Warning,
        "ERROR" | "ERR" => LogLevel::Error,
        "FATAL" | "FTL" => LogLevel::Critical,
        _ => LogLevel::Info,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::tests::at;

    fn east(hours: i32) -> FixedOffset {
        FixedOffset::east_opt(hours * 3_600).unwrap()
    }

    #[test]
    fn plex_writes_in_its_own_time() {
        let mut log = ServerLog::new(LogSource::Plex, east(1));
        let line = "Nov 27, 2026 18:41:36.123 [140250531855160] WARN - [Req#a5/Transcode] Transcode runner appears to have died.";
        let draft = log.read(line, at(0)).unwrap();
        assert_eq!(draft.timestamp.to_rfc3339(), "2026-11-27T17:41:36.123+00:00");
        assert_eq!((draft.level, draft.component.as_deref()), (LogLevel::Warning, Some("Req#a5/Transcode")));
        assert_eq!(draft.message, "Transcode runner appears to have died.");
        let plain = log.read("Nov  7, 2026 08:01:02.000 [12] ERROR - Database corruption", at(0));
        assert_eq!(plain.map(|draft| draft.level), Some(LogLevel::Error));
    }

    #[test]
    fn jellyfin_says_which_part_and_what_follows_a_fault_belongs_to_it() {
        let mut log = ServerLog::new(LogSource::Jellyfin, east(0));
        let line = "[2026-11-27 18:41:36.123 +01:00] [ERR] [42] Emby.Server.Implementations.ScheduledTasks.TaskManager: Error executing Scheduled Task";
        let draft = log.read(line, at(0)).unwrap();
        assert_eq!(draft.timestamp.to_rfc3339(), "2026-11-27T17:41:36.123+00:00");
        assert_eq!((draft.level, draft.message.as_str()), (LogLevel::Error, "Error executing Scheduled Task"));
        let trace = log.read("   at System.IO.FileStream.Open(String path)\r", at(5)).unwrap();
        assert_eq!((trace.level, trace.timestamp, &trace.component), (LogLevel::Error, at(5), &draft.component));
        assert_eq!(log.read("  \r", at(5)), None);
    }

    #[test]
    fn a_time_that_is_none_is_the_moment_at_which_it_was_read() {
        let mut log = ServerLog::new(LogSource::Jellyfin, east(0));
        let draft = log.read("[2026-13-99 18:41:36.123 +01:00] [WRN] [42] Part: odd", at(7)).unwrap();
        assert_eq!((draft.timestamp, draft.level), (at(7), LogLevel::Warning));
    }

    proptest! {
        #[test]
        fn any_line_is_read(lines in prop::collection::vec("\\PC{0,120}", 0..20)) {
            for source in [LogSource::Plex, LogSource::Jellyfin] {
                let mut log = ServerLog::new(source, east(0));
                for line in &lines {
                    prop_assert_eq!(log.read(line, at(0)).is_none(), line.trim().is_empty());
                }
            }
        }
    }
}
