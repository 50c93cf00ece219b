//! The doctor looks at folders, the address and limits of the system.
//!
//! Does: try what the server would try, and count what it could not read.
//! Does not: leave anything behind.

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use exstreamtv_library::{MediaWalk, WalkProblem};
use nix::sys::resource::{Resource, getrlimit};

use super::Finding;
use crate::{
    app::reachable,
    backups::{self, Folder, free_bytes},
    config::Config,
};

/// Files of a media folder that are tried; who cannot read the first thousands is not helped by the rest.
const TRIED_FILES: usize = 5_000;

/// What a data folder should have left beside room for a copy of the database: rendered screens, dossiers, subtitles.
const ROOM_BYTES: u64 = 64 << 20;

/// How long a server may take to say that it is one of ours.
const PATIENCE: Duration = Duration::from_secs(2);

/// Open files that are no viewers: the database, plugins, workers.
const OWN_FILES: u64 = 256;

/// Whether the data folder can be written, and has room.
pub fn data(folder: &Path, database: &Path) -> Finding {
    let what = "data folder";
    let tried = std::fs::create_dir_all(folder).and_then(|()| tempfile::NamedTempFile::new_in(folder));
    if let Err(error) = tried {
        let advice = "give a writable folder with --data-dir";
        return Finding::fault(what, 73, format!("{}: {error}", folder.display()), advice);
    }
    // The copy before an update of the tables lies beside the database.
    let needed = std::fs::metadata(database).map_or(0, |about| about.len()) + ROOM_BYTES;
    match free_bytes(folder) {
        Ok(free) if free < needed => {
            let detail = format!("{}: {} MiB free, {} are needed", folder.display(), free >> 20, needed >> 20);
            Finding::fault(what, 73, detail, "make room, or move it to a larger disk with --data-dir")
        }
        Ok(free) => Finding::fine(what, format!("{}, {} MiB free", folder.display(), free >> 20)),
        Err(_) => Finding::fine(what, folder.display().to_string()),
    }
}

/// A new installation has no backups yet, so only a folder that cannot be read or written is a fault.
pub fn backups(settings: &backups::Settings) -> Finding {
    let (what, advice) = ("backups", "let this user read and write it, or set [database_backup] backup_directory");
    let folder = &settings.folder;
    let all = match Folder::new(folder).list() {
        Ok(all) => all,
        Err(error) => return Finding::fault(what, 73, error.to_string(), advice),
    };
    if let Some(Err(error)) = folder.is_dir().then(|| tempfile::NamedTempFile::new_in(folder)) {
        return Finding::fault(what, 73, format!("{}: {error}", folder.display()), advice);
    }
    let newest = all.iter().find(|info| info.verified).map_or("none verified".into(), |info| info.id.clone());
    let mode = if settings.enabled { "" } else { "; none is made by itself" };
    Finding::fine(what, format!("{} in {}, newest: {newest}{mode}", all.len(), folder.display()))
}

/// Whether the address can be had, and who reaches it. A server of ours that has it is no fault.
pub fn address(config: &Config) -> Finding {
    let what = "address";
    let Ok(address) = config.listen() else {
        return Finding::fault(what, 78, config.server.listen.clone(), "[server] listen is ADDRESS:PORT");
    };
    let reach = if address.ip().is_loopback() {
        "only this machine reaches it ([server] listen = \"0.0.0.0:8411\" lets the network in)"
    } else {
        "the network reaches it"
    };
    match TcpListener::bind(address) {
        Ok(_) => Finding::fine(what, format!("{address} is free; {reach}")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_ours(address) => {
            Finding::fine(what, format!("EXStreamTV runs at {address}; {reach}"))
        }
        Err(error) => {
            let advice = "another program may use it: stop that one, or choose another port with --listen";
            Finding::fault(what, 75, format!("{address}: {error}"), advice)
        }
    }
}

fn is_ours(address: SocketAddr) -> bool {
    let ask = || -> io::Result<String> {
        let mut server = TcpStream::connect_timeout(&reachable(address), PATIENCE)?;
        server.set_read_timeout(Some(PATIENCE))?;
        server.write_all(b"GET /health/live HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut answer = String::new();
        server.take(4096).read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.contains("200 OK") && answer.ends_with("{\"live\":true}"))
}

/// Whether a media folder and what lies in it can be read.
pub fn media(folder: &Path) -> Finding {
    let (what, advice) = ("media", "mount it, correct its name, or let this user read it");
    if let Err(error) = std::fs::read_dir(folder) {
        return Finding::fault(what, 66, format!("{}: {error}", folder.display()), advice);
    }
    let (mut files, mut barred) = (0_usize, Vec::new());
    for found in MediaWalk::new(folder, None).take(TRIED_FILES) {
        match found {
            Ok(file) => {
                files += 1;
                barred.extend(File::open(&file.path).err().map(|_| file.path));
            }
            Err(WalkProblem::Root { path, .. } | WalkProblem::Unreadable { path, .. }) => barred.push(path),
            // The library lists these, and a person has laid them.
            Err(WalkProblem::Loop { .. } | WalkProblem::Dangling { .. } | WalkProblem::DiscFolder { .. }) => {}
        }
    }
    let more = if files == TRIED_FILES { " or more" } else { "" };
    let seen = format!("{}: {files}{more} media files", folder.display());
    match barred.first() {
        None => Finding::fine(what, seen),
        Some(first) => Finding::fault(what, 66, format!("{seen}; {}", unreadable(&barred, first)), advice),
    }
}

fn unreadable(all: &[PathBuf], first: &Path) -> String {
    let others = if all.len() > 1 { format!(" and {} more", all.len() - 1) } else { String::new() };
    format!("this user cannot read {}{others}", first.display())
}

/// Whether the system lets us have as many open files as viewers are allowed.
pub fn open_files(viewers: u64) -> Finding {
    let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return Finding::fine("open files", "the system does not say".into());
    };
    let needed = viewers + OWN_FILES;
    if most >= needed {
        return Finding::fine("open files", format!("enough for {viewers} viewers"));
    }
    let detail = format!("the system allows {most}, and {viewers} viewers need {needed}");
    let advice = "raise it (LimitNOFILE= of the service, ulimit -Hn), or lower [session_manager] max_sessions";
    Finding::fault("open files", 74, detail, advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::BufRead, io::BufReader, thread};

    fn config(address: SocketAddr) -> Config {
        let mut config = Config::default();
        config.server.listen = address.to_string();
        config
    }

    /// Answers one request with `body`.
    fn answering(body: &'static str) -> (SocketAddr, thread::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let mut request = BufReader::new(client.try_clone().unwrap());
            let mut line = String::new();
            while request.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            client.write_all(format!("HTTP/1.0 200 OK\r\n\r\n{body}").as_bytes()).unwrap();
        });
        (address, server)
    }

    #[test]
    fn a_server_of_ours_is_no_fault_and_a_stranger_is() {
        let (ours, server) = answering("{\"live\":true}");
        let found = address(&config(ours));
        assert!(found.ok && found.detail.contains("EXStreamTV runs"), "{found:?}");
        server.join().unwrap();
        let (stranger, server) = answering("It works!");
        let found = address(&config(stranger));
        assert!(!found.ok && found.code() == Some(75), "{found:?}");
        server.join().unwrap();
    }

    #[test]
    fn a_folder_of_media_is_counted_and_a_missing_one_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.mkv"), "").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "").unwrap();
        let found = media(folder.path());
        assert!(found.ok && found.detail.ends_with(": 1 media files"), "{found:?}");
        let missing = media(&folder.path().join("gone"));
        assert_eq!((missing.ok, missing.code()), (false, Some(66)));
    }

    #[test]
    fn viewers_without_files_are_a_fault() {
        assert!(open_files(1).ok);
        let none = open_files(u64::MAX / 2);
        // A system without a limit has none.
        assert!(none.ok || none.detail.contains("the system allows"), "{none:?}");
    }
}
