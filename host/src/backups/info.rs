//! What is known of a backup, and the file beside it that keeps it.
//!
//! Does: write and read the sidecar.
//! Invariant: a backup without a readable sidecar is listed with what its name says, and counts as not verified.

use std::{collections::BTreeMap, path::Path};

use chrono::{DateTime, Utc};
use exstreamtv_core::backup::{BackupId, BackupKind};
use exstreamtv_store::Examined;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is known of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackupInfo {
    /// Its name: the time in UTC, and why it was made.
    pub id: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// "manual", "auto", "pre_restore" or "pre_migration".
    pub kind: String,
    /// The name of its file in the backup folder.
    pub file: String,
    /// Whether it is compressed.
    pub compressed: bool,
    /// The size of its file.
    pub size_bytes: u64,
    /// SHA-256 of its file.
    pub sha256: Option<String>,
    /// The size of the database in it.
    pub database_bytes: Option<u64>,
    /// SHA-256 of the database in it.
    pub database_sha256: Option<String>,
    /// The version of its tables.
    pub schema_version: Option<i64>,
    /// The program that wrote it.
    pub written_by: Option<String>,
    /// How many rows each table has.
    pub rows: BTreeMap<String, u64>,
    /// Whether it was read again from end to end and found to be what was written.
    pub verified: bool,
    /// What was wrong when it was last verified.
    pub fault: Option<String>,
}

impl BackupInfo {
    /// Returns what the name and the size of a file say.
    pub(super) fn of_file(id: BackupId, compressed: bool, size_bytes: u64) -> Self {
        Self {
            id: id.to_string(),
            created: id.at(),
            kind: id.kind().word().to_owned(),
            file: id.file_name(compressed),
            compressed,
            size_bytes,
            sha256: None,
            database_bytes: None,
            database_sha256: None,
            schema_version: None,
            written_by: None,
            rows: BTreeMap::new(),
            verified: false,
            fault: None,
        }
    }

    /// Takes over what is in the database.
    pub(super) fn examined(self, examined: Examined) -> Self {
        let Examined { schema_version, opened_by, rows } = examined;
        Self { schema_version: Some(schema_version), written_by: opened_by, rows, ..self }
    }

    /// Returns the identity.
    pub(super) fn id(&self) -> BackupId {
        self.id.parse().unwrap_or_else(|_| BackupId::new(self.created, BackupKind::Manual))
    }

    /// Reads what is kept beside a backup; what does not fit the file is not about it.
    pub(super) fn read(sidecar: &Path, of_file: &Self) -> Option<Self> {
        let text = std::fs::read_to_string(sidecar).ok()?;
        let kept: Self = serde_json::from_str(&text).ok()?;
        let fits = kept.id == of_file.id && kept.compressed == of_file.compressed;
        // A file that grew or shrank is no longer what was verified.
        let verified = kept.verified && kept.size_bytes == of_file.size_bytes;
        // When and why it was made is what the name says; retention goes by nothing else.
        let Self { created, kind, file, size_bytes, .. } = of_file.clone();
        fits.then_some(Self { verified, created, kind, file, size_bytes, ..kept })
    }
}
