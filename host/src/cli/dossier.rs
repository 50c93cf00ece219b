//! `exstreamtv dossier`: what is known about failures, from the data folder; the server need not run.
//!
//! Does: list dossiers, write one as a file to send on.
//! Does not: remove any; the server keeps as many as it may.

use std::{io, path::PathBuf};

use clap::Subcommand;

use super::Common;
use crate::dossiers::{DossierError, DossierId, archive, folder};

/// Looks at the dossiers of failures.
#[derive(Debug, Subcommand)]
pub enum DossierCommand {
    /// Lists them, newest first.
    List {
        #[command(flatten)]
        common: Common,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Writes one as a single file, to be sent to somebody who can help. Passwords and tokens are not in it.
    Export {
        /// Which; `exstreamtv dossier list` shows the names.
        id: DossierId,
        /// Where to; exstreamtv-ID.tar.gz in this folder if it is not said.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
}

/// Why a command about dossiers failed; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum DossierCommandError {
    /// They cannot be read.
    #[error(transparent)]
    Read(#[from] DossierError),
    /// There is none of this name.
    #[error("find the dossier {id} in {}: `exstreamtv dossier list` shows what is there", .folder.display())]
    None {
        /// The name.
        id: DossierId,
        /// Where it was looked for.
        folder: PathBuf,
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
}

impl DossierCommandError {
    /// Returns the exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Read(_) => 74,
            Self::None { .. } => 66,
            Self::Write { .. } => 73,
        }
    }
}

/// Runs a command.
///
/// # Errors
/// The dossiers cannot be read, or the file cannot be written.
pub fn run(command: DossierCommand) -> Result<(), DossierCommandError> {
    match command {
        DossierCommand::List { common, json } => list(&common.data_folder().join(folder::NAME), json),
        DossierCommand::Export { id, to, common } => export(common.data_folder().join(folder::NAME), id, to),
    }
}

fn list(folder: &std::path::Path, json: bool) -> Result<(), DossierCommandError> {
    let summaries = folder::list(folder, None)?;
    if json {
        say!("{}", serde_json::to_string_pretty(&summaries).unwrap_or_default());
        return Ok(());
    }
    for summary in &summaries {
        let why = summary.why.lines().next().unwrap_or_default();
        say!("{}  channel {}  {} {}: {why}", summary.id, summary.channel, summary.code, summary.cause.word());
    }
    if summaries.is_empty() {
        say!("nothing has failed");
    }
    Ok(())
}

fn export(folder: PathBuf, id: DossierId, to: Option<PathBuf>) -> Result<(), DossierCommandError> {
    let Some(archive) = archive::pack(&folder, &id)? else { return Err(DossierCommandError::None { id, folder }) };
    let path = to.unwrap_or_else(|| format!("exstreamtv-{id}.tar.gz").into());
    std::fs::write(&path, archive).map_err(|source| DossierCommandError::Write { path: path.clone(), source })?;
    say!("{}", path.display());
    Ok(())
}
