//! `[database_backup]`: when the database is backed up, where to, and what is kept.

use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use exstreamtv_core::backup::Retention;
use serde::{Deserialize, Serialize};

use super::{ValueError, within};
use crate::backups::Settings;

/// When the database is backed up, where to, and what is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseBackup {
    /// Whether backups are made by themselves.
    pub enabled: bool,
    /// Where they are kept; a relative path is below the data folder.
    pub backup_directory: PathBuf,
    /// Hours between two of them.
    pub interval_hours: u32,
    /// The most that are kept.
    pub keep_count: u32,
    /// Days after which they go.
    pub keep_days: u32,
    /// Whether they are compressed.
    pub compress: bool,
}

impl Default for DatabaseBackup {
    fn default() -> Self {
        Self {
            enabled: true,
            backup_directory: "backups".into(),
            interval_hours: 24,
            keep_count: 7,
            keep_days: 30,
            compress: true,
        }
    }
}

impl DatabaseBackup {
    /// Returns what backups go by, with the data folder that relative paths are below.
    pub fn settings(&self, data: &Path) -> Settings {
        Settings {
            enabled: self.enabled,
            folder: data.join(&self.backup_directory),
            interval: TimeDelta::hours(self.interval_hours.into()),
            retention: Retention { keep_count: self.keep_count, keep_days: self.keep_days },
            compress: self.compress,
        }
    }

    pub(super) fn check(&self) -> Result<(), ValueError> {
        within("[database_backup] interval_hours", self.interval_hours.into(), 1, 8_760)?;
        within("[database_backup] keep_count", self.keep_count.into(), 1, 10_000)?;
        within("[database_backup] keep_days", self.keep_days.into(), 1, 36_500)
    }
}
