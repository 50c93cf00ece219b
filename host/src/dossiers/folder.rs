//! Dossiers on the disk: a folder for each, small files for people in it.
//!
//! Does: write, read, list and remove them.
//! Does not: decide which are kept.
//! Invariant: a dossier is there when its `dossier.json` is, which is written last and replaced in one step; no secret gets to the disk.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use exstreamtv_core::redaction::redact;
use exstreamtv_model::{
    Cause, ChannelId, RunId,
    health::{LogLevel, Progress, RunEnd, Vitals},
};
use exstreamtv_worker_protocol::Testimony;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{DossierId, Failure, Timings, shelf::Limits, shelf::Shelf};

/// What the folder of dossiers is called, below the data folder.
pub const NAME: &str = "dossiers";

/// The file that makes a folder a dossier.
const HEAD: &str = "dossier.json";
/// What was to be played, with the probe.
const ORDER: &str = "order.json";
/// How FFmpeg was called, for a shell.
const COMMAND: &str = "command.txt";
/// How the order was carried out.
const PLAN: &str = "plan.txt";
/// What FFmpeg said last, with times.
const STDERR: &str = "stderr.txt";

/// No file of a dossier is longer; a probe of a file with thousands of chapters may be cut.
const MOST_BYTES: usize = 1 << 20;

/// Why dossiers cannot be read or written; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum DossierError {
    /// A file or folder cannot be written.
    #[error("write {}", .path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file or folder cannot be read.
    #[error("read {}", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file does not say what a dossier says.
    #[error("understand {}", .path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The host stops.
    #[error("read dossiers: the host is stopping")]
    Stopping,
}

impl DossierError {
    /// Returns whether there was no room.
    pub fn is_disk_full(&self) -> bool {
        let full =
            |error: &io::Error| matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        matches!(self, Self::Write { source, .. } if full(source))
    }
}

/// A dossier in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// Its name.
    pub id: DossierId,
    /// Whose run failed.
    pub channel: ChannelId,
    /// Which run.
    pub run: RunId,
    /// When it was noticed, Unix milliseconds.
    pub at_ms: i64,
    /// What went wrong, in one word.
    pub cause: Cause,
    /// The code that viewers may quote.
    pub code: String,
    /// What was seen, for people.
    pub why: String,
}

/// A dossier with everything in it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Dossier {
    /// What happened.
    #[serde(flatten)]
    pub head: Head,
    /// What was to be played, with the probe.
    #[schema(value_type = Option<Object>)]
    pub order: Option<Value>,
    /// How the order was carried out.
    pub plan: Option<String>,
    /// What FFmpeg said last: seconds since its start, level, text; a line each.
    pub stderr: Option<String>,
}

/// What happened: `dossier.json`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Head {
    /// What lists show.
    #[serde(flatten)]
    pub summary: Summary,
    /// How FFmpeg was called.
    pub command_line: Vec<String>,
    /// How it ended, as the worker reports it; absent if nobody knows.
    #[schema(value_type = Option<Object>)]
    pub end: Option<RunEnd>,
    /// Exit code, unless a signal ended it.
    pub exit_code: Option<i32>,
    /// The signal that ended it, whoever sent it.
    pub signal: Option<i32>,
    /// When what happened.
    pub timings: Timings,
    /// How far it was.
    pub progress: Option<Progress>,
    /// What the worker used when it was last measured.
    pub vitals: Option<Vitals>,
    /// Lines of stderr before the kept ones.
    pub lines_lost: u64,
}

/// A dossier that is to be written.
pub struct Draft {
    id: DossierId,
    files: Vec<(&'static str, Vec<u8>)>,
}

impl Draft {
    /// Writes a failure down in memory.
    pub fn of(id: &DossierId, failure: &Failure) -> Self {
        let testimony = failure.testimony.clone().unwrap_or_default();
        let order = failure.order.as_deref().map(serde_json::to_value);
        // A path that is no UTF-8 has no JSON.
        let order = order.map(|order| order.unwrap_or_else(|error| Value::String(error.to_string())));
        let command: Vec<String> = failure.command_line.iter().map(|word| for_a_shell(word)).collect();
        let texts = [
            (ORDER, order.map(without_secrets).map(|order| json(&order))),
            (COMMAND, (!command.is_empty()).then(|| text(&command.join(" ")))),
            (PLAN, (!testimony.plan.is_empty()).then(|| text(&testimony.plan))),
            (STDERR, failure.testimony.as_ref().map(|testimony| text(&lines(testimony)))),
            (
                HEAD,
                serde_json::to_value(head(id, failure, &testimony)).ok().map(without_secrets).map(|head| json(&head)),
            ),
        ];
        Self { id: id.clone(), files: texts.into_iter().filter_map(|(name, bytes)| Some((name, bytes?))).collect() }
    }

    /// Writes it to the disk, in place of an earlier one of this name; returns its size.
    ///
    /// # Errors
    /// There is no room, or no right to. Nothing is left of one that was not there before.
    pub fn write(&self, folder: &Path) -> Result<u64, DossierError> {
        let place = folder.join(&self.id.0);
        let written = self.write_to(&place);
        if written.is_err() && !place.join(HEAD).exists() {
            // What little was written helps nobody.
            _ = fs::remove_dir_all(&place);
        }
        written.map_err(|source| DossierError::Write { path: place, source })
    }

    fn write_to(&self, place: &Path) -> io::Result<u64> {
        fs::create_dir_all(place)?;
        let mut size = 0;
        for (name, bytes) in &self.files {
            let mut file = tempfile::NamedTempFile::new_in(place)?;
            file.write_all(bytes)?;
            file.persist(place.join(name)).map_err(|error| error.error)?;
            size += bytes.len() as u64;
        }
        Ok(size)
    }
}

fn head(id: &DossierId, failure: &Failure, testimony: &Testimony) -> Head {
    Head {
        summary: Summary {
            id: id.clone(),
            channel: failure.channel,
            run: failure.run,
            at_ms: failure.at_ms,
            cause: failure.cause,
            code: failure.cause.code().to_owned(),
            why: failure.why.clone(),
        },
        command_line: failure.command_line.clone(),
        end: failure.end.clone(),
        exit_code: testimony.exit_code,
        signal: testimony.signal,
        timings: failure.timings,
        progress: failure.progress,
        vitals: failure.vitals,
        lines_lost: testimony.lines_lost,
    }
}

fn lines(testimony: &Testimony) -> String {
    let level = |level| match level {
        LogLevel::Info => "info",
        LogLevel::Warning => "warning",
        LogLevel::Error => "error",
        LogLevel::Fatal => "fatal",
    };
    let lines = testimony.words.iter().map(|word| {
        format!("{:>6}.{:03} {:<7} {}\n", word.at_ms / 1_000, word.at_ms % 1_000, level(word.level), word.text)
    });
    lines.collect()
}

fn text(text: &str) -> Vec<u8> {
    let mut text = redact(text).into_owned();
    text.truncate(text.floor_char_boundary(MOST_BYTES));
    text.into_bytes()
}

fn json(value: &Value) -> Vec<u8> {
    let bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    if bytes.len() <= MOST_BYTES { bytes } else { b"\"it is too long to be kept\"".to_vec() }
}

fn without_secrets(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(redact(&text).into_owned()),
        Value::Array(items) => items.into_iter().map(without_secrets).collect(),
        Value::Object(members) => members.into_iter().map(|(key, value)| (key, without_secrets(value))).collect(),
        other => other,
    }
}

/// Returns a word as a shell reads it back.
fn for_a_shell(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,+%@".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Returns the dossiers of one channel or of all, newest first. One that is damaged is left out.
///
/// # Errors
/// The folder is there and cannot be read.
pub fn list(folder: &Path, channel: Option<ChannelId>) -> Result<Vec<Summary>, DossierError> {
    let mut ids = ids(folder)?;
    ids.sort_unstable_by(|one, other| other.cmp(one));
    let heads = ids.iter().filter_map(|id| read_head(folder, id).ok().flatten());
    Ok(heads
        .map(|head| head.summary)
        .filter(|summary| channel.is_none_or(|wanted| summary.channel == wanted))
        .collect())
}

/// Returns a dossier.
///
/// # Errors
/// It is there and cannot be read.
pub fn read(folder: &Path, id: &DossierId) -> Result<Option<Dossier>, DossierError> {
    let Some(head) = read_head(folder, id)? else { return Ok(None) };
    let place = folder.join(&id.0);
    let text = |name: &str| fs::read_to_string(place.join(name)).ok();
    let order = text(ORDER).and_then(|order| serde_json::from_str(&order).ok());
    Ok(Some(Dossier { head, order, plan: text(PLAN), stderr: text(STDERR) }))
}

fn read_head(folder: &Path, id: &DossierId) -> Result<Option<Head>, DossierError> {
    let path = folder.join(&id.0).join(HEAD);
    match fs::read(&path) {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(head) => Ok(Some(head)),
            Err(source) => Err(DossierError::Damaged { path, source }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DossierError::Read { path, source }),
    }
}

/// Returns the files of a dossier with their contents; empty if there is none of this name.
///
/// # Errors
/// It is there and cannot be read.
pub fn files(folder: &Path, id: &DossierId) -> Result<Vec<(&'static str, Vec<u8>)>, DossierError> {
    if read_head(folder, id)?.is_none() {
        return Ok(vec![]);
    }
    let place = folder.join(&id.0);
    let contents = |name| Some((name, fs::read(place.join(name)).ok()?));
    Ok([HEAD, COMMAND, ORDER, PLAN, STDERR].into_iter().filter_map(contents).collect())
}

/// Removes a dossier.
///
/// # Errors
/// It cannot be removed.
pub fn remove(folder: &Path, id: &DossierId) -> Result<(), DossierError> {
    let path = folder.join(&id.0);
    // From this moment on it is none.
    let gone = fs::remove_file(path.join(HEAD)).and_then(|()| fs::remove_dir_all(&path));
    gone.map_err(|source| DossierError::Write { path, source })
}

/// Returns what is in the folder; what is no dossier, such as one that the last host could not finish, is removed.
pub fn shelf(folder: &Path) -> Shelf {
    let mut shelf = Shelf::default();
    let all = Limits { kept: usize::MAX, bytes: u64::MAX };
    for id in ids(folder).unwrap_or_default() {
        let place = folder.join(&id.0);
        if place.join(HEAD).exists() {
            shelf.put(id, size(&place), all);
        } else {
            // The next start tries again.
            _ = fs::remove_dir_all(&place);
        }
    }
    shelf
}

fn size(place: &Path) -> u64 {
    let files = fs::read_dir(place).into_iter().flatten();
    files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).sum()
}

fn ids(folder: &Path) -> Result<Vec<DossierId>, DossierError> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(vec![]),
        Err(source) => Err(DossierError::Read { path: folder.to_owned(), source }),
    }
}
