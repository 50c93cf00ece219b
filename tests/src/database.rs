//! The database from outside: commands, backups, files, and SQLite's own program as a second opinion.
//!
//! Does: run commands beside a host, read what they print, look into database files with sqlite3.
//! Does not: know the tables better than an administrator who opens the file.
//! Invariant: whatever the product says of a backup is checked with gzip's and SQLite's own tools.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    host::{Host, Outcome, Setup},
    process::host_binary,
};

/// What is known of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Backup {
    /// Its name.
    pub id: String,
    /// "manual", "auto", "pre_restore" or "pre_migration".
    pub kind: String,
    /// Its file.
    pub file: String,
    /// Whether it was found good.
    pub verified: bool,
}

/// Runs a command of the product with a setup's configuration and data.
///
/// # Panics
/// When it cannot be started.
pub fn run(setup: &Setup, words: &[&str]) -> Outcome {
    setup.write_config();
    let mut command = Command::new(host_binary());
    command.args(words).arg("--config").arg(setup.config_file()).arg("--data-dir").arg(setup.data());
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("run {words:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Outcome { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// Runs a command that must succeed and reads its JSON.
///
/// # Panics
/// When it fails, or prints something else.
pub fn json_of(setup: &Setup, words: &[&str]) -> Value {
    let outcome = run(setup, words);
    assert_eq!(outcome.code, Some(0), "{words:?}: {outcome:#?}");
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{words:?}: {error}: {outcome:#?}"))
}

/// Lists the backups, newest first.
pub fn backups(setup: &Setup) -> Vec<Backup> {
    let listed = json_of(setup, &["backup", "list", "--json"]);
    serde_json::from_value(listed).unwrap_or_else(|error| panic!("read the list of backups: {error}"))
}

/// Returns where a backup lies.
pub fn file_of(setup: &Setup, backup: &Backup) -> PathBuf {
    setup.data().join("backups").join(&backup.file)
}

/// Fails unless every listed backup is a whole gzip file.
///
/// # Panics
/// When one is not.
pub fn assert_whole(setup: &Setup) {
    for backup in backups(setup) {
        let tested = Command::new("gzip").arg("-t").arg(file_of(setup, &backup)).status();
        assert!(tested.is_ok_and(|status| status.success()), "{backup:?} is listed and is not whole");
    }
}

/// Runs statements on a database file with SQLite's own program, and returns its lines.
///
/// # Panics
/// When sqlite3 is missing or fails.
pub fn sqlite(database: &Path, statements: &str) -> Vec<String> {
    let output = Command::new("sqlite3").arg("-bail").arg(database).arg(statements).output();
    let output = output.unwrap_or_else(|error| panic!("run sqlite3: {error}"));
    assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// Fails unless SQLite finds a database whole.
///
/// # Panics
/// When it is not.
pub fn assert_sound(database: &Path) {
    assert_eq!(sqlite(database, "PRAGMA integrity_check"), ["ok"], "{}", database.display());
    assert!(sqlite(database, "PRAGMA foreign_key_check").is_empty());
}

/// Takes a closed database back to what the program before the newest migrations left.
pub fn make_older(database: &Path) {
    sqlite(database, &format!("{}DELETE FROM _sqlx_migrations WHERE version >= 8", drop_newer()));
}

/// Returns every migration's version and text.
fn migrations() -> Vec<(u32, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/sqlite");
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let known = entries.filter_map(|entry| {
        let path = entry.ok()?.path();
        let version = path.file_name()?.to_str()?.split('_').next()?.parse().ok()?;
        Some((version, fs::read_to_string(&path).ok()?))
    });
    known.collect()
}

/// Returns the version of the newest migration.
pub fn newest_migration() -> u32 {
    migrations().iter().map(|(version, _)| *version).max().unwrap_or_default()
}

/// Returns the statements that take away what migrations from the eighth on have made.
fn drop_newer() -> String {
    let newer = migrations().into_iter().filter(|(version, _)| *version >= 8);
    let tables = newer.flat_map(|(_, text)| {
        let names = text.lines().filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split([' ', '(']).next());
        names.map(|name| format!("DROP TABLE {name}; ")).collect::<Vec<_>>()
    });
    tables.collect()
}

/// Unpacks a backup, changes it with SQLite's own program, packs it again and forgets what was known of it.
///
/// # Panics
/// When a tool is missing.
pub fn tamper(packed: &Path, statements: &str) {
    let plain = packed.with_extension("");
    let done = |command: &mut Command| assert!(command.status().is_ok_and(|status| status.success()), "{command:?}");
    done(Command::new("gzip").arg("-d").arg(packed));
    sqlite(&plain, statements);
    done(Command::new("gzip").arg(&plain));
    let sidecar = plain.with_extension("json");
    fs::remove_file(&sidecar).unwrap_or_else(|error| panic!("remove {}: {error}", sidecar.display()));
}

impl Host {
    /// Makes an order; returns the status and the answer.
    ///
    /// # Errors
    /// When the host is gone.
    pub fn try_post(&self, path: &str, body: &Value) -> reqwest::Result<(u16, Value)> {
        post(&self.http, &self.at(path), body)
    }

    /// Makes an order that must succeed.
    ///
    /// # Panics
    /// When it does not.
    pub fn post_json(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.try_post(path, body).unwrap_or_else(|error| panic!("POST {path}: {error}"));
        assert!((200..300).contains(&status), "POST {path}: {status} {answer}");
        answer
    }

    /// Adds a channel that plays nothing.
    pub fn add_channel(&self, number: &str) {
        self.post_json("/api/v1/channels", &json!({ "number": number, "name": format!("Channel {number}") }));
    }

    /// Returns the numbers of the channels.
    pub fn numbers(&self) -> Vec<String> {
        self.channels().into_iter().map(|channel| channel.number).collect()
    }
}

/// Makes an order of a host that may be killed meanwhile.
///
/// # Errors
/// When it is gone.
pub fn post(http: &reqwest::blocking::Client, url: &str, body: &Value) -> reqwest::Result<(u16, Value)> {
    let response = http.post(url).header("content-type", "application/json").body(body.to_string()).send()?;
    let status = response.status().as_u16();
    Ok((status, serde_json::from_str(&response.text()?).unwrap_or_default()))
}
