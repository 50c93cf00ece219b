//! `exstreamtv backup`: backups of the database, whether or not the server runs.
//!
//! Does: ask the server where one has the database open, else do the work itself.
//! Does not: work on a database that somebody else has open.

use std::path::PathBuf;

use axum::http::Method;
use clap::Subcommand;
use exstreamtv_core::backup::{BackupId, BackupKind};
use exstreamtv_store::{ClosedDatabase, Condition, StoreError, StoreErrorKind};
use serde_json::{Value, json};

use super::{
    Common,
    remote::{Remote, RemoteError},
};
use crate::{
    backups::{BackupError, BackupInfo, Folder, Job, Live, Settings, name_of_damaged, progress::Reporter},
    clock::{Clock, SystemClock},
    config::load::LoadError,
    lifecycle::Lifecycle,
};

/// Looks after backups of the database.
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Makes one, also while the server runs.
    Create {
        #[command(flatten)]
        common: Common,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Lists them, newest first.
    List {
        #[command(flatten)]
        common: Common,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Reads one from end to end and says whether it can be restored.
    Verify {
        /// Which; `exstreamtv backup list` shows the names.
        id: String,
        #[command(flatten)]
        common: Common,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Puts one in the place of the database, after a backup of the present state. A server that runs goes on.
    Restore {
        /// Which; `exstreamtv backup list` shows the names.
        id: String,
        #[command(flatten)]
        common: Common,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Why a command about the database failed; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum BackupCommandError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] LoadError),
    /// The job failed.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The running server failed or refused.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// There is nothing to back up.
    #[error("back up the database {}: there is none", .path.display())]
    Nothing {
        /// Where it should be.
        path: PathBuf,
    },
    /// What is there cannot be copied.
    #[error("back up the database {}: it is damaged ({fault}); `exstreamtv backup restore` puts a good one in its place", .path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What SQLite found.
        fault: String,
    },
    /// The server answers with something else than it should.
    #[error("understand the running server: is it of another version?")]
    Answer(#[source] serde_json::Error),
}

impl BackupCommandError {
    /// Returns the exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Config(LoadError::Read { .. }) | Self::Nothing { .. } => 66,
            Self::Config(_) => 78,
            Self::Backup(error) => error.code(),
            Self::Remote(error) => error.code(),
            Self::Damaged { .. } => 65,
            Self::Answer(_) => 74,
        }
    }
}

impl From<StoreError> for BackupCommandError {
    fn from(error: StoreError) -> Self {
        Self::Backup(BackupError::Store(error))
    }
}

/// Where the database is and who has it.
pub(super) enum Place {
    /// A server that runs.
    Server(Remote),
    /// Nobody.
    Here(ClosedDatabase),
}

/// What the configuration says about the database.
pub(super) struct Ground {
    pub(super) database: PathBuf,
    pub(super) settings: Settings,
}

impl Ground {
    pub(super) fn of(common: &Common) -> Result<Self, LoadError> {
        let (config, data) = (common.load()?, common.data_folder());
        Ok(Self { database: data.join(&config.database.path), settings: config.database_backup.settings(&data) })
    }

    /// Finds out who has the database.
    pub(super) fn place(&self) -> Result<Place, StoreError> {
        match ClosedDatabase::lock(&self.database) {
            Ok(closed) => Ok(Place::Here(closed)),
            Err(error) if error.kind() == StoreErrorKind::Locked => {
                Remote::find(&self.database).map(Place::Server).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn job(&self) -> Job {
        Job::new(self.settings.clone(), Reporter::default(), Lifecycle::default())
    }
}

/// Runs a command.
///
/// # Errors
/// Says what failed; nothing is lost then.
pub async fn run(command: BackupCommand) -> Result<(), BackupCommandError> {
    match command {
        BackupCommand::Create { common, json } => print(&[create(&Ground::of(&common)?).await?], json, "backup made"),
        BackupCommand::List { common, json } => {
            let all = Folder::new(&Ground::of(&common)?.settings.folder).list()?;
            list(&all, json);
        }
        BackupCommand::Verify { id, common, json } => {
            let info = verify(&Ground::of(&common)?, id.parse().map_err(BackupError::from)?).await?;
            print(&[info], json, "backup can be restored");
        }
        BackupCommand::Restore { id, common, json } => {
            let id = id.parse().map_err(BackupError::from)?;
            let before = restore(&Ground::of(&common)?, id).await?;
            say_restored(id, before.as_ref(), json);
        }
    }
    Ok(())
}

async fn create(ground: &Ground) -> Result<BackupInfo, BackupCommandError> {
    match ground.place()? {
        Place::Server(remote) => read(remote.ask(Method::POST, BACKUPS, None).await?),
        Place::Here(closed) => {
            expect_whole(&closed).await?;
            let now = SystemClock.now();
            let made = ground.job().create(&Live::Closed(&closed), BackupKind::Manual, now).await?;
            if let Err(error) = ground.job().retain(now).await {
                eprintln!("exstreamtv: old backups could not be removed: {error}");
            }
            Ok(made)
        }
    }
}

async fn expect_whole(closed: &ClosedDatabase) -> Result<(), BackupCommandError> {
    let path = closed.path().to_owned();
    match closed.condition().await? {
        Condition::Absent => Err(BackupCommandError::Nothing { path }),
        Condition::Damaged { fault } => Err(BackupCommandError::Damaged { path, fault }),
        Condition::Current | Condition::Older { .. } => Ok(()),
    }
}

async fn verify(ground: &Ground, id: BackupId) -> Result<BackupInfo, BackupCommandError> {
    match ground.place()? {
        Place::Server(remote) => read(remote.ask(Method::POST, &format!("{BACKUPS}/{id}/verify"), None).await?),
        Place::Here(_held) => Ok(ground.job().verify(id).await?),
    }
}

/// Returns the backup of the state before; there is none where nothing whole was there.
async fn restore(ground: &Ground, id: BackupId) -> Result<Option<BackupInfo>, BackupCommandError> {
    let closed = match ground.place()? {
        Place::Server(remote) => {
            let mut answer = remote.ask(Method::POST, &format!("{BACKUPS}/{id}/restore"), None).await?;
            return read(answer["before"].take()).map(Some);
        }
        Place::Here(closed) => closed,
    };
    let now = SystemClock.now();
    match closed.condition().await {
        Ok(Condition::Current | Condition::Older { .. }) => {
            Ok(Some(ground.job().restore(&Live::Closed(&closed), id, now).await?))
        }
        // Nothing that could be copied; what is there is kept as it is. So is what a newer version has written.
        Ok(Condition::Absent | Condition::Damaged { .. }) | Err(StoreError::NewerSchema { .. }) => {
            let aside = name_of_damaged(&ground.database, now);
            ground.job().replace_damaged(&closed, id, &aside, now).await?;
            if aside.exists() {
                eprintln!("exstreamtv: what was there before is kept as {}", aside.display());
            }
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn read<T: serde::de::DeserializeOwned>(answer: Value) -> Result<T, BackupCommandError> {
    serde_json::from_value(answer).map_err(BackupCommandError::Answer)
}

fn print(infos: &[BackupInfo], json: bool, said: &str) {
    for info in infos {
        match json {
            true => say!("{}", serde_json::to_string_pretty(info).unwrap_or_default()),
            false => say!("{said}: {}", line(info)),
        }
    }
}

fn list(all: &[BackupInfo], json: bool) {
    if json {
        say!("{}", serde_json::to_string_pretty(all).unwrap_or_default());
        return;
    }
    all.iter().for_each(|info| say!("{}", line(info)));
    if all.is_empty() {
        say!("there is no backup; `exstreamtv backup create` makes one");
    }
}

fn line(info: &BackupInfo) -> String {
    let rows = |table| info.rows.get(table).map_or_else(|| "?".to_owned(), u64::to_string);
    let good = match (&info.fault, info.verified) {
        (Some(fault), _) => format!("no good: {fault}"),
        (None, true) => "verified".into(),
        (None, false) => "not verified".into(),
    };
    let kib = info.size_bytes.div_ceil(1024);
    format!("{}  {kib} KiB  {} channels, {} files  {good}", info.id, rows("channels"), rows("media"))
}

fn say_restored(id: BackupId, before: Option<&BackupInfo>, json: bool) {
    if json {
        say!("{}", json!({ "restored": id.to_string(), "before": before }));
        return;
    }
    say!("restored {id}");
    if let Some(before) = before {
        say!("the state before is the backup {}", before.id);
    }
}

const BACKUPS: &str = "/api/v1/database/backups";
