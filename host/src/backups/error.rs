//! Why a backup cannot be made, read or restored.

use std::{io, path::PathBuf};

use exstreamtv_core::backup::{BackupId, BackupIdError};
use exstreamtv_store::{ExamineError, StoreError, StoreErrorKind};

/// Why a job about backups failed; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is none of this name.
    #[error("find the backup {id} in {}: `exstreamtv backup list` shows what is there", .folder.display())]
    None {
        /// The name.
        id: BackupId,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// The text names no backup.
    #[error(transparent)]
    Name(#[from] BackupIdError),
    /// The folder cannot be made or read.
    #[error("use the backup folder {}", .path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no room.
    #[error(
        "write to {}: the disk is full: about {} are needed, {} are free; free some space or choose another [database_backup] backup_directory",
        .folder.display(), size(*.needed), size(*.free)
    )]
    NoSpace {
        /// Where.
        folder: PathBuf,
        /// What is needed at most.
        needed: u64,
        /// What there is.
        free: u64,
    },
    /// A file cannot be written or renamed.
    #[error("write {}", .path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("read {}", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The backup is no good.
    #[error("use the backup {id}: {fault}")]
    Unfit {
        /// Which.
        id: BackupId,
        /// Why.
        fault: Fault,
    },
    /// The present state cannot be backed up, so nothing is put in its place.
    #[error("back up the present state first; nothing was restored")]
    Safety(#[source] Box<BackupError>),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server is stopping.
    #[error("finish: the server is stopping")]
    Stopping,
}

/// What is wrong with a backup.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It ends too early.
    #[error("it is cut short")]
    Truncated,
    /// It is not what its name says.
    #[error("it is not compressed as its name says, or damaged ({0})")]
    Packing(String),
    /// It is not what was written.
    #[error("it was changed or damaged since it was made: its hash is another one than was written down")]
    Changed,
    /// It does not hold what was written down.
    #[error("table {table} has {found} rows, and had {expected} when it was made")]
    Rows {
        /// Which table.
        table: String,
        /// How many there are.
        found: u64,
        /// How many there were.
        expected: u64,
    },
    /// The file in it is no database that this program can open.
    #[error("{}", in_one_line(.0))]
    Database(ExamineError),
}

impl BackupError {
    /// Returns the exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::None { .. } => 66,
            Self::Name(_) => 64,
            Self::Unfit { .. } => 65,
            Self::NoSpace { .. } | Self::Folder { .. } | Self::Write { .. } => 73,
            Self::Read { .. } => 74,
            Self::Safety(source) => source.code(),
            Self::Stopping => 75,
            Self::Store(source) => code_of(source),
        }
    }

    /// Returns whether there is no room on a disk.
    pub fn is_full(&self) -> bool {
        match self {
            Self::NoSpace { .. } => true,
            Self::Safety(source) => source.is_full(),
            Self::Store(source) => source.kind() == StoreErrorKind::DiskFull,
            _ => false,
        }
    }
}

/// "use the database in it: it is damaged (…)" after "use the backup …:" would say it twice.
fn in_one_line(error: &ExamineError) -> String {
    let text = error.to_string();
    let bare = text.split_once(": ").map_or(text.as_str(), |(_, rest)| rest).to_owned();
    match error {
        ExamineError::NotADatabase => "what is in it is no database".into(),
        ExamineError::Foreign => "the database in it belongs to another program".into(),
        ExamineError::NewerSchema { .. } => bare,
        ExamineError::Damaged { .. } => {
            format!("the database in it is damaged{}", bare.trim_start_matches("it is damaged"))
        }
        ExamineError::Read(source) => format!("the database in it cannot be read ({source})"),
    }
}

/// Returns the exit code of an error of the database.
pub fn code_of(error: &StoreError) -> u8 {
    match error.kind() {
        StoreErrorKind::Locked => 75,
        StoreErrorKind::Place | StoreErrorKind::DiskFull => 73,
        StoreErrorKind::Newer | StoreErrorKind::Damaged => 65,
        StoreErrorKind::Conflict | StoreErrorKind::NotFound | StoreErrorKind::Engine => 74,
    }
}

/// Writes a number of bytes for people.
pub(super) fn size(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    if bytes < MIB { format!("{} KiB", bytes.div_ceil(1024)) } else { format!("{:.1} MiB", bytes as f64 / MIB as f64) }
}
