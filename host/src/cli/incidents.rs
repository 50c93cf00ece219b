//! `exstreamtv incidents`: what went wrong, and the whole account of each, whether or not the server runs.
//!
//! Does: ask the server where one has the database open, else read the database and the dossiers itself.
//! Does not: change anything.

use axum::http::Method;
use clap::{Args, Subcommand};
use exstreamtv_healing::post_mortem::Facts;
use exstreamtv_store::{ClosedDatabase, NumberedIncident, PoolSettings, Store, StoreError};
use serde_json::{Value, json};

use super::{
    Common,
    backup::{Ground, Place},
    remote::{Remote, RemoteError},
};
use crate::{
    clock::{Clock, SystemClock},
    config::load::LoadError,
    dossiers::{DossierError, folder},
    http::{AccountView, IncidentView},
    incidents,
};

/// Incidents that a list shows.
const LISTED: u32 = 50;

/// Shows what went wrong.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Incidents {
    #[command(subcommand)]
    command: Option<IncidentsCommand>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Args)]
struct Flags {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum IncidentsCommand {
    /// Lists the newest, the newest first.
    List {
        #[command(flatten)]
        flags: Flags,
    },
    /// Gives the account of one: what happened, what it cost, why, what was done, what to do.
    Show {
        /// Which; the list shows the numbers.
        id: i64,
        #[command(flatten)]
        flags: Flags,
    },
}

/// Why incidents cannot be shown; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum IncidentsCommandError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] LoadError),
    /// The running server failed or refused.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The dossiers cannot be read.
    #[error(transparent)]
    Dossiers(#[from] DossierError),
    /// There is none of this number.
    #[error("find incident {0}: `exstreamtv incidents` lists them")]
    None(i64),
}

impl IncidentsCommandError {
    /// Returns the exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Config(LoadError::Read { .. }) | Self::None(_) => 66,
            Self::Config(_) => 78,
            Self::Remote(error) => error.code(),
            Self::Store(error) => crate::backups::code_of(error),
            Self::Dossiers(_) => 74,
        }
    }
}

/// Runs a command.
///
/// # Errors
/// The database or the server cannot be asked, or there is no such incident.
pub async fn run(Incidents { command, flags }: Incidents) -> Result<(), IncidentsCommandError> {
    match command {
        None => list(flags).await,
        Some(IncidentsCommand::List { flags }) => list(flags).await,
        Some(IncidentsCommand::Show { id, flags }) => show(id, flags).await,
    }
}

async fn list(flags: Flags) -> Result<(), IncidentsCommandError> {
    let items = match Ground::of(&flags.common)?.place()? {
        Place::Server(remote) => {
            let mut page = remote.ask(Method::GET, &format!("/api/v1/incidents?limit={LISTED}"), None).await?;
            page["items"].take()
        }
        Place::Here(closed) => {
            let store = open(closed).await?;
            let found = store.chronicle().incidents(None, None, LISTED).await;
            store.close().await;
            json!(found?.into_iter().map(IncidentView::from).collect::<Vec<_>>())
        }
    };
    if flags.json {
        say!("{}", serde_json::to_string_pretty(&items).unwrap_or_default());
        return Ok(());
    }
    let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().for_each(|item| say!("{}", line(item)));
    if items.is_empty() {
        say!("nothing has gone wrong");
    }
    Ok(())
}

/// One incident in a line: number, when, how long, where, what.
fn line(item: &Value) -> String {
    let text = |name: &str| item[name].as_str().unwrap_or_default().lines().next().unwrap_or_default().to_owned();
    let began_ms = item["began_ms"].as_i64().unwrap_or_default();
    let began = chrono::DateTime::from_timestamp_millis(began_ms).unwrap_or_default();
    let lasted = match item["ended_ms"].as_i64() {
        Some(ended_ms) => format!("{:.1} s", (ended_ms - began_ms) as f64 / 1_000.0),
        None => "goes on".to_owned(),
    };
    let (id, began) = (text("id"), began.format("%Y-%m-%d %H:%M:%S UTC"));
    format!(
        "{id:>5}  {began}  {lasted:>8}  channel {}  {} {}: {}",
        text("channel"),
        text("code"),
        text("cause"),
        text("detail")
    )
}

async fn show(id: i64, flags: Flags) -> Result<(), IncidentsCommandError> {
    let text = match Ground::of(&flags.common)?.place()? {
        Place::Server(remote) => asked(&remote, id, flags.json).await?,
        Place::Here(closed) => {
            let store = open(closed).await?;
            let facts = read(&store, id, &flags.common).await;
            store.close().await;
            let facts = facts?;
            let account = facts.account();
            if flags.json { pretty(&json!(AccountView::of(facts, account))) } else { facts.markdown(&account) }
        }
    };
    say!("{}", text.trim_end());
    Ok(())
}

async fn asked(remote: &Remote, id: i64, json: bool) -> Result<String, IncidentsCommandError> {
    Ok(match json {
        true => pretty(&remote.ask(Method::GET, &format!("/api/v1/incidents/{id}"), None).await?),
        false => remote.text(&format!("/api/v1/incidents/{id}.md")).await?,
    })
}

async fn read(store: &Store, id: i64, common: &Common) -> Result<Facts, IncidentsCommandError> {
    let found: Option<NumberedIncident> = store.chronicle().incident(id).await?;
    let numbered = found.ok_or(IncidentsCommandError::None(id))?;
    let dossiers = folder::list(&common.data_folder().join(folder::NAME), Some(numbered.incident.channel))?;
    Ok(incidents::facts(store, numbered, None, dossiers, SystemClock.now()).await?)
}

async fn open(closed: ClosedDatabase) -> Result<Store, StoreError> {
    closed.open(PoolSettings::default(), SystemClock.now()).await
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_is_one_line() {
        let item = json!({
            "id": "12", "channel": "5", "cause": "ffmpeg_crashed", "code": "EX-21", "began_ms": 1_767_225_600_000_i64,
            "ended_ms": 1_767_225_603_250_i64, "detail": "FFmpeg was ended by signal 9\nmore"
        });
        let expected =
            "   12  2026-01-01 00:00:00 UTC     3.2 s  channel 5  EX-21 ffmpeg_crashed: FFmpeg was ended by signal 9";
        assert_eq!(line(&item), expected);
        assert!(line(&json!({"id": "1", "began_ms": 0})).contains("goes on"));
    }
}
