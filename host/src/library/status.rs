//! Where the scan is, for people.
//!
//! Does: count, and keep a bounded list of what people should know.
//! Does not: log; the scan does.

use std::{collections::BTreeMap, path::PathBuf};

use chrono::{DateTime, Utc};

/// Where the scan is. The counts are of the scans since the library was last at rest, or of the last ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanStatus {
    /// The folders of the library.
    pub roots: Vec<PathBuf>,
    /// Whether a scan is under way or waits for its turn.
    pub scanning: bool,
    /// The root that is being scanned.
    pub root: Option<PathBuf>,
    /// Media files found.
    pub found: u64,
    /// Files probed, broken ones among them.
    pub probed: u64,
    /// Files known from before with the same size and time.
    pub unchanged: u64,
    /// Files left for the next scan, because they are still being written or ffprobe could not be run.
    pub put_off: u64,
    /// Files that cannot be scheduled, of those probed.
    pub broken: u64,
    /// Files that vanished.
    pub missing: u64,
    /// The file that was probed last.
    pub current: Option<PathBuf>,
    /// When the library was last at rest before these counts.
    pub started: Option<DateTime<Utc>>,
    /// When the last scan ended.
    pub finished: Option<DateTime<Utc>>,
    /// Scans ended since the start of the host.
    pub completed_scans: u64,
    /// What people should know, root by root: folders that cannot be read, removals held back.
    pub notes: BTreeMap<PathBuf, Notes>,
}

impl ScanStatus {
    /// Returns how many of the found files are dealt with.
    pub fn done(&self) -> u64 {
        self.probed + self.unchanged + self.put_off
    }

    /// Forgets the counts of the scans before.
    pub(super) fn begin(&mut self, now: DateTime<Utc>) {
        let (roots, notes) = (std::mem::take(&mut self.roots), std::mem::take(&mut self.notes));
        let (finished, completed_scans) = (self.finished, self.completed_scans);
        *self = Self { roots, notes, finished, completed_scans, scanning: true, started: Some(now), ..Self::default() };
    }
}

/// What people should know about one root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// The first remarks, the gravest first.
    pub texts: Vec<String>,
    /// How many more there were.
    pub left_out: u64,
}

/// The most remarks that are kept for one root.
const MAX_NOTES: usize = 40;

impl Notes {
    /// Adds a remark that is not there yet.
    pub(super) fn add(&mut self, text: String) {
        match self.texts.contains(&text) {
            true => {}
            false if self.texts.len() < MAX_NOTES => self.texts.push(text),
            false => self.left_out += 1,
        }
    }

    /// Adds a remark before all others.
    pub(super) fn add_first(&mut self, text: String) {
        self.texts.retain(|other| *other != text);
        self.texts.insert(0, text);
        self.texts.truncate(MAX_NOTES);
    }
}
