//! Follows the log file of a media server.
//!
//! Does: read what is appended, from the moment at which it begins; notice a file that was replaced or cut, and in a folder the newest one.
//! Does not: read what was written before, or understand lines (that is `exstreamtv_healing::server_logs`).
//! Invariant: a file that is missing, unreadable or endless costs a look a second and bounded memory.

use std::{
    fs::{File, Metadata},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use exstreamtv_healing::server_logs::ServerLog;

use super::Intake;
use crate::{clock::Clock, lifecycle::Lifecycle};

/// Time between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// What is read at a look; a server that writes more has its oldest lines left out.
const MOST_BYTES: u64 = 256 * 1024;
/// A line that goes on for longer is cut.
const MOST_LINE_BYTES: usize = 16 * 1024;

/// Follows the file, or the newest `.log` file of the folder, until the host stops.
pub async fn follow(path: PathBuf, mut log: ServerLog, intake: Arc<Intake>, clock: Arc<dyn Clock>, life: Lifecycle) {
    let (mut tail, stopping) = (Tail::new(path), life.stopping());
    loop {
        let looked = life.spawn_blocking(move || {
            let lines = tail.look();
            (tail, lines)
        });
        let Ok((back, lines)) = looked.await else { return };
        tail = back;
        let now = clock.now();
        lines.iter().filter_map(|line| log.read(line, now)).for_each(|draft| intake.say(draft));
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// A file that grows.
struct Tail {
    path: PathBuf,
    known: Option<Known>,
    /// Nothing has been looked at yet: what is there is history.
    first: bool,
    troubled: bool,
}

/// How far a file has been read.
struct Known {
    device_and_inode: (u64, u64),
    read: u64,
    /// The beginning of a line whose end is not written yet.
    rest: Vec<u8>,
}

impl Tail {
    fn new(path: PathBuf) -> Self {
        Self { path, known: None, first: true, troubled: false }
    }

    /// Returns the lines that came since the last look.
    fn look(&mut self) -> Vec<String> {
        let first = std::mem::take(&mut self.first);
        match self.read_more(first) {
            Ok(lines) => {
                self.troubled = false;
                lines
            }
            Err(error) => {
                if !std::mem::replace(&mut self.troubled, true) {
                    tracing::warn!(path = %self.path.display(), %error, "the log of a media server cannot be followed; trying again");
                }
                Vec::new()
            }
        }
    }

    fn read_more(&mut self, first: bool) -> io::Result<Vec<String>> {
        let path = newest(&self.path)?;
        let mut file = File::open(&path)?;
        let found = file.metadata()?;
        let identity = (found.dev(), found.ino());
        let known = self.known.get_or_insert_with(|| Known::at(&found, first));
        if known.device_and_inode != identity || found.len() < known.read {
            *known = Known::at(&found, false);
        }
        let from = known.read.max(found.len().saturating_sub(MOST_BYTES));
        file.seek(SeekFrom::Start(from))?;
        let mut fresh = Vec::new();
        file.take(MOST_BYTES).read_to_end(&mut fresh)?;
        if from > known.read {
            known.rest.clear();
        }
        known.read = from + fresh.len() as u64;
        Ok(known.lines(&fresh))
    }
}

impl Known {
    /// A file that was there before anybody looked is read from its end, any other from its beginning.
    fn at(found: &Metadata, at_its_end: bool) -> Self {
        let read = if at_its_end { found.len() } else { 0 };
        Self { device_and_inode: (found.dev(), found.ino()), read, rest: Vec::new() }
    }

    fn lines(&mut self, fresh: &[u8]) -> Vec<String> {
        self.rest.extend_from_slice(fresh);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            self.rest.truncate(MOST_LINE_BYTES);
            return Vec::new();
        };
        let rest = self.rest.split_off(end + 1);
        let whole = std::mem::replace(&mut self.rest, rest);
        let line = |line: &[u8]| String::from_utf8_lossy(&line[..line.len().min(MOST_LINE_BYTES)]).into_owned();
        whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(line).collect()
    }
}

/// Servers begin a new file each day.
fn newest(path: &Path) -> io::Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let log = |entry: io::Result<std::fs::DirEntry>| {
        let path = entry.ok()?.path();
        let written = path.metadata().ok().filter(Metadata::is_file)?.modified().ok()?;
        path.extension().is_some_and(|extension| extension == "log").then_some((written, path))
    };
    let found = std::fs::read_dir(path)?.filter_map(log).max();
    found.map(|(_, path)| path).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there is no .log file in it"))
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use super::*;

    fn append(path: &Path, text: &str) {
        let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn what_is_appended_is_read_line_by_line_and_what_was_there_is_history() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        append(&path, "old\n");
        let mut tail = Tail::new(path.clone());
        assert!(tail.look().is_empty());
        append(&path, "one\r\ntwo\nthr");
        assert_eq!(tail.look(), ["one\r", "two"]);
        append(&path, "ee\n");
        assert_eq!(tail.look(), ["three"]);
        assert!(tail.look().is_empty());
    }

    #[test]
    fn a_file_that_is_replaced_or_cut_is_read_from_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        append(&path, "old and long\n");
        let mut tail = Tail::new(path.clone());
        tail.look();
        fs::rename(&path, folder.path().join("server.1")).unwrap();
        assert!(tail.look().is_empty(), "it is gone for a moment");
        append(&path, "new\n");
        assert_eq!(tail.look(), ["new"]);
        fs::write(&path, "x\n").unwrap();
        assert_eq!(tail.look(), ["x"]);
    }

    #[test]
    fn in_a_folder_the_newest_log_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str, second: u64| {
            let path = folder.path().join(name);
            append(&path, text);
            let time = std::time::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + second);
            File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        };
        write("log_1.log", "first\n", 1);
        write("notes.txt", "no log\n", 9);
        let mut tail = Tail::new(folder.path().to_owned());
        assert!(tail.look().is_empty());
        write("log_2.log", "second\n", 2);
        assert_eq!(tail.look(), ["second"]);
    }

    #[test]
    fn a_flood_and_a_line_without_an_end_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        append(&path, "");
        let mut tail = Tail::new(path.clone());
        tail.look();
        append(&path, &"x".repeat(1 << 20));
        assert!(tail.look().is_empty());
        assert!(tail.known.as_ref().unwrap().rest.len() <= MOST_LINE_BYTES);
        append(&path, &format!("\n{}end\n", "line\n".repeat(100_000)));
        let lines = tail.look();
        assert!(lines.len() <= 60_000 && lines.last().unwrap() == "end", "{}", lines.len());
    }

    #[test]
    fn a_file_that_is_missing_is_waited_for_and_then_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        let mut tail = Tail::new(path.clone());
        assert!(tail.look().is_empty());
        append(&path, "begun\n");
        assert_eq!(tail.look(), ["begun"]);
    }
}
