//! Lines of the system's journal that say something about the machine below us.
//!
//! Does: read a line of `journalctl -k -o json` and tell processes that the kernel killed for memory, and disks that fail.
//! Does not: run anything.
//! Invariant: whatever a line holds, it becomes one event or none.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::event::{Draft, LogLevel, LogSource};

/// What the kernel says, and what it means: a part of the text, a tag, how serious.
const SAID: [(&str, &str, LogLevel); 9] = [
    ("out of memory: killed process", "oom_kill", LogLevel::Critical),
    ("memory cgroup out of memory: killed process", "oom_kill", LogLevel::Critical),
    ("i/o error", "io_error", LogLevel::Error),
    ("critical medium error", "io_error", LogLevel::Error),
    ("buffer i/o error on dev", "io_error", LogLevel::Error),
    ("remounting filesystem read-only", "io_error", LogLevel::Critical),
    ("nfs: server", "io_error", LogLevel::Warning),
    ("failed command: read", "io_error", LogLevel::Error),
    ("uncorrected error", "io_error", LogLevel::Error),
];

/// A line as it was read: where to go on after it, and what it says to us.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The journal's own mark of the place.
    pub cursor: String,
    /// What it says, if that is anything to us.
    pub draft: Option<Draft>,
}

/// Reads a line; `None` if it is none of a journal.
pub fn line(text: &str) -> Option<Line> {
    let fields: Value = serde_json::from_str(text).ok()?;
    let cursor = fields["__CURSOR"].as_str()?.to_owned();
    Some(Line { cursor, draft: draft(&fields) })
}

fn draft(fields: &Value) -> Option<Draft> {
    // What is no UTF-8 comes as an array of bytes, and is nothing that we know.
    let message = fields["MESSAGE"].as_str()?;
    let lower = message.to_lowercase();
    let (_, tag, level) = SAID.iter().find(|(said, ..)| lower.contains(said))?;
    let at_us: i64 = fields["__REALTIME_TIMESTAMP"].as_str()?.parse().ok()?;
    let at: DateTime<Utc> = DateTime::from_timestamp_micros(at_us)?;
    let mut draft = Draft::new(at, LogSource::System, *level, message);
    draft.component = Some("kernel".to_owned());
    draft.tags = vec![(*tag).to_owned()];
    Some(draft)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn journal(message: &str) -> String {
        serde_json::json!({
            "__CURSOR": "s=1;i=2", "__REALTIME_TIMESTAMP": "1800000000123456", "_TRANSPORT": "kernel", "PRIORITY": "3",
            "SYSLOG_IDENTIFIER": "kernel", "MESSAGE": message
        })
        .to_string()
    }

    #[test]
    fn kills_and_failing_disks_are_told_and_the_rest_is_only_passed_by() {
        for (message, expected) in [
            (
                "Out of memory: Killed process 4711 (ffmpeg) total-vm:812kB, anon-rss:4kB",
                Some(("oom_kill", LogLevel::Critical)),
            ),
            ("Memory cgroup out of memory: Killed process 12 (ffmpeg)", Some(("oom_kill", LogLevel::Critical))),
            ("blk_update_request: I/O error, dev sdb, sector 1953523984", Some(("io_error", LogLevel::Error))),
            ("EXT4-fs (sdb1): Remounting filesystem read-only", Some(("io_error", LogLevel::Critical))),
            ("nfs: server nas.lan not responding, still trying", Some(("io_error", LogLevel::Warning))),
            ("usb 1-1: new high-speed USB device number 5", None),
        ] {
            let read = line(&journal(message)).unwrap();
            assert_eq!(read.cursor, "s=1;i=2");
            let told = read.draft.as_ref().map(|draft| (draft.tags[0].as_str(), draft.level));
            assert_eq!(told, expected, "{message}");
            if let Some(draft) = read.draft {
                assert_eq!((draft.source, draft.timestamp.timestamp_millis()), (LogSource::System, 1_800_000_000_123));
            }
        }
    }

    proptest! {
        #[test]
        fn no_line_does_any_harm(text in "\\PC{0,300}") {
            prop_assert!(line(&text).is_none_or(|line| line.draft.is_none_or(|draft| draft.message.len() < 1_000)));
            let _ = line(&journal(&text));
        }
    }
}
