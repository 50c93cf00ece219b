//! Why the store could not do what it was asked.
//!
//! Does: turn SQLite's result codes into what a person can act on.
//! Does not: retry; a busy or full database is the caller's to wait for.
//! Invariant: no type of sqlx is visible outside this crate.

use std::{error::Error, fmt, io, path::PathBuf};

use exstreamtv_model::{ChannelId, ChannelNumber, CollectionId};

use crate::{examine::ExamineError, telemetry::Role};

/// Why the store could not do what it was asked; reads well after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder of the database cannot be made.
    #[error("create the data folder {}; choose another with --data-dir", .path.display())]
    CreateFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The lock file cannot be made or locked.
    #[error("create the lock file {}; is the data folder writable by this user?", .path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another program uses the same database.
    #[error(
        "use the database {}: another exstreamtv{} has it open; stop that one or choose another --data-dir",
        .path.display(), .pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    OtherInstance {
        /// The database.
        path: PathBuf,
        /// The process that holds it, if it says so.
        pid: Option<u32>,
    },
    /// The file cannot be opened at all.
    #[error("open the database {}; check that the file and its folder are readable and writable by this user", .path.display())]
    Open {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: EngineError,
    },
    /// The file is something else.
    #[error("open the database {}: the file is not a database; move it away or restore a backup", .path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is another program's database.
    #[error("open the database {}: it belongs to another program; choose another --data-dir", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of this program has changed the tables.
    #[error(
        "open the database {}: it has schema version {found}{}, this program knows up to {supported}; install the newer version or restore an older backup",
        .path.display(), .opened_by.as_ref().map(|version| format!(" (written by exstreamtv {version})")).unwrap_or_default()
    )]
    NewerSchema {
        /// The database.
        path: PathBuf,
        /// The file's version.
        found: i64,
        /// The newest version this program knows.
        supported: i64,
        /// The program that opened it last, if it can be read.
        opened_by: Option<String>,
    },
    /// The tables could not be brought up to date; nothing was changed.
    #[error("bring the database {} up to date; it is as it was before", .path.display())]
    Migrate {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: EngineError,
    },
    /// No space is left.
    #[error("{act}: the disk is full; free some space where the database lies")]
    DiskFull {
        /// What was being done.
        act: &'static str,
    },
    /// Another program holds the database for longer than we wait.
    #[error("{act}: another program keeps the database locked; close it and try again")]
    Busy {
        /// What was being done.
        act: &'static str,
    },
    /// Every connection is in use for longer than we wait.
    #[error("get a database connection: all {size} {} are in use, waited {waited_ms} ms", if *.role == Role::Writer { "that write" } else { "that read" })]
    Exhausted {
        /// What it is for.
        role: Role,
        /// How long was waited.
        waited_ms: u64,
        /// How many there are.
        size: u32,
    },
    /// The database was closed: the program is stopping.
    #[error("use the database: it is closed")]
    Closed,
    /// SQLite takes file names that are text only.
    #[error("use the path {}: it holds bytes that are no text", .path.display())]
    PathNotText {
        /// Which.
        path: PathBuf,
    },
    /// Another file could not be put in the database's place; the old one is still there.
    #[error("put the file in the place of the database {}; the database is as it was before", .path.display())]
    Replace {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What was put in the database's place could not be used; the old one is back.
    #[error("use the database that was put in place; the one before is back")]
    Unusable(#[source] Box<StoreError>),
    /// A file cannot be used as a database.
    #[error(transparent)]
    Examine(#[from] ExamineError),
    /// SQLite found damage.
    #[error("{act}: the database is damaged; restore a backup")]
    Corrupt {
        /// What was being done.
        act: &'static str,
        /// What SQLite found.
        #[source]
        source: EngineError,
    },
    /// Anything else that SQLite refused.
    #[error("{act}")]
    Query {
        /// What was being done.
        act: &'static str,
        /// Why.
        #[source]
        source: EngineError,
    },
    /// A row holds what no version of this program writes.
    #[error(
        "read column {column} of table {table}, row {row}: the value makes no sense; restore a backup or correct it"
    )]
    BadRow {
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
        /// Id of the row; "?" where it could not be read.
        row: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A value cannot be written down as JSON.
    #[error("write {what} down")]
    Encode {
        /// What was to be written.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Two channels cannot share a number.
    #[error("give the channel number {0}: another channel has it")]
    NumberTaken(ChannelNumber),
    /// A channel still plays the collection.
    #[error("delete collection {0}: a channel plays it; give that channel another collection first")]
    InUse(CollectionId),
    /// What a row points at does not exist.
    #[error("use {what} {id}: there is none")]
    NoSuch {
        /// "channel", "collection" or "media".
        what: &'static str,
        /// Its id.
        id: i64,
    },
    /// A timeline entry has no length.
    #[error("extend the timeline of channel {channel}: an entry from {start_ms} to {stop_ms} ms has no length")]
    EmptyEntry {
        /// Whose timeline.
        channel: ChannelId,
        /// First millisecond.
        start_ms: i64,
        /// First millisecond after it.
        stop_ms: i64,
    },
    /// A timeline entry begins before the one before it ends.
    #[error(
        "extend the timeline of channel {channel}: an entry starts at {start_ms} ms, before the end of the one before it at {end_ms} ms"
    )]
    Overlap {
        /// Whose timeline.
        channel: ChannelId,
        /// Where the timeline ended.
        end_ms: i64,
        /// Where the entry starts.
        start_ms: i64,
    },
    /// A timeline entry begins after the one before it ends.
    #[error(
        "extend the timeline of channel {channel}: an entry starts at {start_ms} ms and leaves a hole after {end_ms} ms"
    )]
    Gap {
        /// Whose timeline.
        channel: ChannelId,
        /// Where the timeline ended.
        end_ms: i64,
        /// Where the entry starts.
        start_ms: i64,
    },
}

/// What sort of failure it is; maps to an exit code or an HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// A path cannot be used: missing, not permitted, not ours.
    Place,
    /// Somebody else has the database; later it may work.
    Locked,
    /// No space is left.
    DiskFull,
    /// The file is newer than this program.
    Newer,
    /// The file or a row of it is damaged.
    Damaged,
    /// The request contradicts what is stored.
    Conflict,
    /// What was named does not exist.
    NotFound,
    /// The engine failed in a way that the caller cannot mend.
    Engine,
}

impl StoreError {
    /// Returns what sort of failure it is.
    pub fn kind(&self) -> StoreErrorKind {
        match self {
            Self::CreateFolder { source, .. } | Self::Lock { source, .. } if is_full(source) => {
                StoreErrorKind::DiskFull
            }
            Self::CreateFolder { .. } | Self::Lock { .. } | Self::Open { .. } | Self::Foreign { .. } => {
                StoreErrorKind::Place
            }
            Self::OtherInstance { .. } | Self::Busy { .. } | Self::Exhausted { .. } => StoreErrorKind::Locked,
            Self::Replace { source, .. } if is_full(source) => StoreErrorKind::DiskFull,
            Self::PathNotText { .. } | Self::Replace { .. } => StoreErrorKind::Place,
            Self::Unusable(source) => source.kind(),
            Self::Examine(ExamineError::NewerSchema { .. }) => StoreErrorKind::Newer,
            Self::Examine(ExamineError::Read(_)) | Self::Closed => StoreErrorKind::Engine,
            Self::Examine(_) => StoreErrorKind::Damaged,
            Self::DiskFull { .. } => StoreErrorKind::DiskFull,
            Self::NewerSchema { .. } => StoreErrorKind::Newer,
            Self::NotADatabase { .. } | Self::Corrupt { .. } | Self::BadRow { .. } => StoreErrorKind::Damaged,
            Self::NumberTaken(_) | Self::InUse(_) => StoreErrorKind::Conflict,
            Self::EmptyEntry { .. } | Self::Overlap { .. } | Self::Gap { .. } => StoreErrorKind::Conflict,
            Self::NoSuch { .. } => StoreErrorKind::NotFound,
            Self::Migrate { .. } | Self::Query { .. } | Self::Encode { .. } => StoreErrorKind::Engine,
        }
    }

    /// Sorts an error of the engine that came up while doing `act` ("save the channel").
    pub(crate) fn query(act: &'static str, source: impl Into<EngineError>) -> Self {
        let source = source.into();
        match source.code().map(|code| code & 0xff) {
            _ if source.is_full() => Self::DiskFull { act },
            Some(SQLITE_BUSY | SQLITE_LOCKED) => Self::Busy { act },
            Some(SQLITE_CORRUPT | SQLITE_NOTADB) => Self::Corrupt { act, source },
            _ => Self::Query { act, source },
        }
    }

    /// Sorts an error of a statement whose row points at `what` number `id`.
    pub(crate) fn pointing(act: &'static str, what: &'static str, id: i64, source: sqlx::Error) -> Self {
        let source = EngineError::from(source);
        if source.is_foreign_key_violation() { Self::NoSuch { what, id } } else { Self::query(act, source) }
    }

    /// Sorts an error of the engine that came up while opening `path`.
    pub(crate) fn open(path: &std::path::Path, source: impl Into<EngineError>) -> Self {
        let (path, source) = (path.to_owned(), source.into());
        match source.code().map(|code| code & 0xff) {
            _ if source.is_full() => Self::DiskFull { act: "open the database" },
            Some(SQLITE_NOTADB) => Self::NotADatabase { path },
            Some(SQLITE_BUSY | SQLITE_LOCKED) => Self::OtherInstance { path, pid: None },
            Some(SQLITE_CORRUPT) => Self::Corrupt { act: "open the database", source },
            _ => Self::Open { path, source },
        }
    }
}

/// An error of the database engine, opaque outside this crate.
#[derive(Debug)]
pub struct EngineError(Box<sqlx::Error>);

impl EngineError {
    /// Returns SQLite's extended result code, if SQLite said anything.
    pub(crate) fn code(&self) -> Option<i32> {
        self.0.as_database_error()?.code()?.parse().ok()
    }

    fn is_full(&self) -> bool {
        match &*self.0 {
            sqlx::Error::Io(source) => is_full(source),
            // SQLite says "full" for ENOSPC on its files, but has its own code for the shared memory beside them.
            _ => self.code().is_some_and(|code| code & 0xff == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE),
        }
    }

    /// Returns whether SQLite takes the file for damaged, or for no database at all.
    pub(crate) fn is_damage(&self) -> bool {
        self.code().is_some_and(|code| matches!(code & 0xff, SQLITE_CORRUPT | SQLITE_NOTADB))
    }

    /// Returns whether SQLite takes the file for something else.
    pub(crate) fn is_no_database(&self) -> bool {
        self.code().is_some_and(|code| code & 0xff == SQLITE_NOTADB)
    }

    pub(crate) fn is_unique_violation(&self) -> bool {
        self.0.as_database_error().is_some_and(|error| error.is_unique_violation())
    }

    pub(crate) fn is_foreign_key_violation(&self) -> bool {
        self.0.as_database_error().is_some_and(|error| error.is_foreign_key_violation())
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for EngineError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // sqlx prints its cause itself, so the chain goes on below that cause.
        self.0.source().and_then(Error::source)
    }
}

impl From<sqlx::Error> for EngineError {
    fn from(source: sqlx::Error) -> Self {
        Self(Box::new(source))
    }
}

impl From<sqlx::migrate::MigrateError> for EngineError {
    fn from(source: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError;
        Self(Box::new(match source {
            MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) => cause,
            other => sqlx::Error::Migrate(Box::new(other)),
        }))
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

// SQLite's result codes (sqlite.org/rescode.html), written out because no crate below sqlx is a dependency.
const SQLITE_BUSY: i32 = 5;
const SQLITE_LOCKED: i32 = 6;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_FULL: i32 = 13;
const SQLITE_NOTADB: i32 = 26;
const SQLITE_IOERR_SHMSIZE: i32 = 4874;
