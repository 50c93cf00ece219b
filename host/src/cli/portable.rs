//! `exstreamtv export` and `import`: channels, schedules and collections as one document, whether or not the server runs.
//!
//! Does: read and write the document; ask the server where one has the database open, else do the work itself.
//! Does not: import anything before there is a backup of the state before.

use std::{io, path::PathBuf};

use axum::http::Method;
use clap::{Args, ValueEnum};
use exstreamtv_core::backup::BackupKind;
use exstreamtv_store::{ClosedDatabase, PoolSettings, Store, StoreError};

use super::{
    Common,
    backup::{Ground, Place},
    remote::RemoteError,
};
use crate::{
    backups::{BackupError, Live},
    clock::{Clock, SystemClock},
    config::load::LoadError,
    portable::{self, Document, DocumentError, ImportError, Report},
};

/// Writes channels, schedules and collections to one document.
#[derive(Debug, Args)]
pub struct Export {
    /// Where to; standard output if it is not said.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// In which form.
    #[arg(long, default_value = "toml")]
    format: Format,
    #[command(flatten)]
    common: Common,
}

/// Makes channels, schedules and collections what a document says; others stay.
#[derive(Debug, Args)]
pub struct Import {
    /// The document, TOML or JSON.
    file: PathBuf,
    /// Only says what would change.
    #[arg(long)]
    dry_run: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Toml,
    Json,
}

/// Why an export or an import failed; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum PortableCommandError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] LoadError),
    /// The document cannot be read or written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The document cannot be used.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The running server failed or refused.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state before cannot be backed up.
    #[error("back up the present state first; nothing was imported")]
    Safety(#[source] BackupError),
    /// The file cannot be read.
    #[error("read {}", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("write {}", .path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The server answers with something else than it should.
    #[error("understand the running server: is it of another version?")]
    Answer(#[source] serde_json::Error),
}

impl PortableCommandError {
    /// Returns the exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Config(LoadError::Read { .. }) | Self::Read { .. } => 66,
            Self::Config(_) => 78,
            Self::Document(_) | Self::Import(ImportError::Faults(_)) => 65,
            Self::Import(ImportError::Store(error)) | Self::Store(error) => crate::backups::code_of(error),
            Self::Remote(error) => error.code(),
            Self::Safety(error) => error.code(),
            Self::Write { .. } => 73,
            Self::Answer(_) => 74,
        }
    }
}

/// Writes the document.
///
/// # Errors
/// If the database cannot be read, or the file not be written.
pub async fn export(command: Export) -> Result<(), PortableCommandError> {
    let Export { to, format, common } = command;
    let document = match Ground::of(&common)?.place()? {
        Place::Server(remote) => {
            let answer = remote.ask(Method::GET, "/api/v1/export", None).await?;
            serde_json::from_value(answer).map_err(PortableCommandError::Answer)?
        }
        Place::Here(closed) => {
            let store = open(closed).await?;
            let document = portable::export(&store).await;
            store.close().await;
            document?
        }
    };
    let text = match format {
        Format::Toml => document.to_toml()?,
        Format::Json => document.to_json() + "\n",
    };
    match to {
        Some(path) => std::fs::write(&path, text).map_err(|source| PortableCommandError::Write { path, source }),
        None => {
            print!("{text}");
            Ok(())
        }
    }
}

/// Makes what there is what the document says.
///
/// # Errors
/// Names every mistake of the document; then nothing is changed.
pub async fn import(command: Import) -> Result<(), PortableCommandError> {
    let Import { file, dry_run, json, common } = command;
    let text = std::fs::read_to_string(&file);
    let text = text.map_err(|source| PortableCommandError::Read { path: file, source })?;
    let document = Document::read(&text)?;
    let ground = Ground::of(&common)?;
    let report = match ground.place()? {
        Place::Server(remote) => {
            let body = serde_json::to_value(&document).map_err(PortableCommandError::Answer)?;
            let path = format!("/api/v1/import?dry_run={dry_run}");
            let answer = remote.ask(Method::POST, &path, Some(&body)).await?;
            serde_json::from_value(answer).map_err(PortableCommandError::Answer)?
        }
        Place::Here(closed) => import_here(&ground, closed, &document, dry_run).await?,
    };
    print_report(&report, json);
    Ok(())
}

async fn import_here(
    ground: &Ground,
    closed: ClosedDatabase,
    document: &Document,
    dry_run: bool,
) -> Result<Report, PortableCommandError> {
    let store = open(closed).await?;
    let imported = async {
        // Mistakes are told before anything is written, a backup included.
        let planned = portable::import(&store, document, true).await?;
        if dry_run || planned.changes.is_empty() {
            return Ok(Report { dry_run, ..planned });
        }
        let before = ground.job().create(&Live::Open(&store), BackupKind::PreRestore, SystemClock.now()).await;
        let before = before.map_err(PortableCommandError::Safety)?;
        let report = portable::import(&store, document, false).await?;
        Ok(Report { before: Some(before.id), ..report })
    };
    let imported = imported.await;
    store.close().await;
    imported
}

async fn open(closed: ClosedDatabase) -> Result<Store, StoreError> {
    closed.open(PoolSettings::default(), SystemClock.now()).await
}

fn print_report(report: &Report, json: bool) {
    if json {
        say!("{}", serde_json::to_string_pretty(report).unwrap_or_default());
        return;
    }
    let would = if report.dry_run { "would be " } else { "" };
    for change in &report.changes {
        let fields = if change.fields.is_empty() { String::new() } else { format!(": {}", change.fields.join(", ")) };
        say!("{} {} {would}{}{fields}", change.what, change.name, change.change);
    }
    for missing in &report.missing {
        say!("collection {}: this library has no {}", missing.collection, missing.file.path.display());
    }
    say!("{} {would}changed, {} as they are", report.changes.len(), report.unchanged);
    if let Some(before) = &report.before {
        say!("the state before is the backup {before}");
    }
}
