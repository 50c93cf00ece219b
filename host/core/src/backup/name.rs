//! Names of backups: `exstreamtv_backup_20260131_143022_auto.db.gz`.
//!
//! Does: write names, and read them without trusting them.
//! Invariant: a name that is read is written the same again, so no name leads out of the folder.

use std::{fmt, str::FromStr};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

/// Why a backup was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BackupKind {
    /// A person asked for it.
    Manual,
    /// It was time.
    Auto,
    /// Another state was about to be restored.
    PreRestore,
    /// The tables were about to be brought up to date.
    PreMigration,
}

/// The identity of a backup: when it was made, to the second, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BackupId {
    at: DateTime<Utc>,
    kind: BackupKind,
}

/// A text that names no backup; fits after "failed to".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("understand the backup's name {text:?}: it is written like 20260131_143022 or 20260131_143022_auto")]
pub struct BackupIdError {
    text: String,
}

impl BackupKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Manual, Self::Auto, Self::PreRestore, Self::PreMigration];

    /// Returns its one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Auto => "auto",
            Self::PreRestore => "pre_restore",
            Self::PreMigration => "pre_migration",
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Manual => "",
            Self::Auto => "_auto",
            Self::PreRestore => "_pre_restore",
            Self::PreMigration => "_pre_migration",
        }
    }
}

impl BackupId {
    /// Names a backup made at `at`; fractions of a second are dropped.
    pub fn new(at: DateTime<Utc>, kind: BackupKind) -> Self {
        Self { at: DateTime::from_timestamp(at.timestamp(), 0).unwrap_or(at), kind }
    }

    /// Returns when it was made.
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// Returns why it was made.
    pub fn kind(&self) -> BackupKind {
        self.kind
    }

    /// Returns the name a second later, for when this one is taken.
    #[must_use]
    pub fn later(&self) -> Self {
        Self { at: self.at + TimeDelta::seconds(1), ..*self }
    }

    /// Returns the name of its file.
    pub fn file_name(&self, compressed: bool) -> String {
        format!("{PREFIX}{self}{}", if compressed { PACKED } else { PLAIN })
    }

    /// Returns the name of the file that says what is in it.
    pub fn sidecar_name(&self) -> String {
        format!("{PREFIX}{self}{SIDECAR}")
    }

    /// Reads the name of a backup's file; returns the identity and whether it is compressed.
    pub fn of_file_name(name: &str) -> Option<(Self, bool)> {
        let rest = name.strip_prefix(PREFIX)?;
        let (stem, compressed) = match rest.strip_suffix(PACKED) {
            Some(stem) => (stem, true),
            None => (rest.strip_suffix(PLAIN)?, false),
        };
        Some((stem.parse().ok()?, compressed))
    }

    /// Reads the name of a file that says what is in a backup.
    pub fn of_sidecar_name(name: &str) -> Option<Self> {
        name.strip_prefix(PREFIX)?.strip_suffix(SIDECAR)?.parse().ok()
    }
}

impl fmt::Display for BackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.at.format(TIME), self.kind.suffix())
    }
}

impl FromStr for BackupId {
    type Err = BackupIdError;

    /// Reads what `Display` writes; a whole file name will do, too, because that is what people copy.
    fn from_str(text: &str) -> Result<Self, BackupIdError> {
        let bare = text.strip_prefix(PREFIX).unwrap_or(text);
        let bare = bare.strip_suffix(PACKED).or_else(|| bare.strip_suffix(PLAIN)).unwrap_or(bare);
        let read = || {
            let time = NaiveDateTime::parse_from_str(bare.get(..TIME_LENGTH)?, TIME).ok()?;
            let kind = BackupKind::ALL.into_iter().find(|kind| kind.suffix() == &bare[TIME_LENGTH..])?;
            // A second of 60 is read as a leap second.
            Some(Self { at: time.and_utc(), kind }).filter(|id| id.at.timestamp_subsec_nanos() == 0)
        };
        // A sign, for example, is read and never written; a name has one spelling.
        read().filter(|id: &Self| id.to_string() == bare).ok_or_else(|| BackupIdError { text: text.to_owned() })
    }
}

const PREFIX: &str = "exstreamtv_backup_";
const PACKED: &str = ".db.gz";
const PLAIN: &str = ".db";
const SIDECAR: &str = ".json";
const TIME: &str = "%Y%m%d_%H%M%S";
const TIME_LENGTH: usize = "20260131_143022".len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_specification() {
        let at = "2026-01-31T14:30:22.9Z".parse().unwrap();
        let name = |kind, compressed| BackupId::new(at, kind).file_name(compressed);
        assert_eq!(name(BackupKind::Manual, true), "exstreamtv_backup_20260131_143022.db.gz");
        assert_eq!(name(BackupKind::Auto, true), "exstreamtv_backup_20260131_143022_auto.db.gz");
        assert_eq!(name(BackupKind::PreRestore, true), "exstreamtv_backup_20260131_143022_pre_restore.db.gz");
        assert_eq!(name(BackupKind::PreMigration, false), "exstreamtv_backup_20260131_143022_pre_migration.db");
    }

    #[test]
    fn what_is_written_is_read() {
        for kind in BackupKind::ALL {
            let id = BackupId::new("2026-12-31T23:59:59Z".parse().unwrap(), kind);
            assert_eq!(BackupId::of_file_name(&id.file_name(true)), Some((id, true)));
            assert_eq!(BackupId::of_file_name(&id.file_name(false)), Some((id, false)));
            assert_eq!(BackupId::of_sidecar_name(&id.sidecar_name()), Some(id));
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(id.file_name(true).parse(), Ok(id), "people copy file names");
            assert!(id.later() > id && id.later().kind() == kind);
        }
    }

    #[test]
    fn other_texts_name_nothing() {
        for text in [
            "",
            "20260131_143022_automatic",
            "20261331_143022",
            "20260131_143060",
            "+20260131_14302",
            "20260131_143022/../../etc",
            "2026013ö_143022",
            "exstreamtv_backup_20260131_143022.db.gz.partial",
        ] {
            assert!(text.parse::<BackupId>().is_err(), "{text:?}");
            assert_eq!(BackupId::of_file_name(text), None, "{text:?}");
        }
        assert_eq!(BackupId::of_file_name("20260131_143022.db.gz"), None, "that is no file of ours");
    }
}
