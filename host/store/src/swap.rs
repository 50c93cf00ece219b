//! Puts another file in the place of the database's.
//!
//! Does: rename, keep what was there until it is known to be dispensable, bring it back.
//! Does not: look into files, or keep anybody from using them: whoever calls has the database alone.
//! Invariant: at every moment, also after `kill -9`, the database's path names one whole database, the old or the new one.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// What was in the place of the new file.
#[derive(Debug)]
pub(crate) struct Replaced {
    database: PathBuf,
    before: PathBuf,
}

/// Puts `staged`, a file in the same folder, in the place of `database`. Whatever log lies beside the old file belongs to it.
pub(crate) fn put_in_place(database: &Path, staged: &Path) -> io::Result<Replaced> {
    let replaced = Replaced { database: database.to_owned(), before: beside(database, BEFORE) };
    replaced.forget()?;
    File::open(staged)?.sync_all()?;
    // A log that is left would be played into the new file.
    for suffix in LOGS {
        rename_if_there(&beside(database, suffix), &beside(&replaced.before, suffix))?;
    }
    match fs::hard_link(database, &replaced.before) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        linked => linked?,
    }
    fs::rename(staged, database)?;
    sync_folder(database)?;
    Ok(replaced)
}

impl Replaced {
    /// Brings the old file back.
    pub(crate) fn undo(self) -> io::Result<()> {
        remove_logs(&self.database)?;
        if !rename_if_there(&self.before, &self.database)? {
            // There was nothing before.
            fs::remove_file(&self.database)?;
        }
        for suffix in LOGS {
            rename_if_there(&beside(&self.before, suffix), &beside(&self.database, suffix))?;
        }
        sync_folder(&self.database)
    }

    /// Removes the old file.
    pub(crate) fn forget(&self) -> io::Result<()> {
        remove_with_logs(&self.before)
    }

    /// Gives the old file, which is damaged, a name under which it stays.
    pub(crate) fn set_aside(self, name: &Path) -> io::Result<()> {
        rename_if_there(&self.before, name)?;
        for suffix in LOGS {
            rename_if_there(&beside(&self.before, suffix), &beside(name, suffix))?;
        }
        sync_folder(&self.database)
    }
}

/// Returns where a file is prepared that is to be put in place.
pub(crate) fn staging_place(database: &Path) -> PathBuf {
    beside(database, STAGED)
}

/// Removes what a swap that was killed left behind; the database's path names a whole one all the same.
pub(crate) fn clean_up(database: &Path) -> io::Result<()> {
    remove_with_logs(&beside(database, STAGED))?;
    let before = beside(database, BEFORE);
    if is_untouched(database, &before) {
        // It was killed before the rename: the logs still belong to what is in place.
        for suffix in LOGS {
            rename_if_there(&beside(&before, suffix), &beside(database, suffix))?;
        }
    }
    if database.exists() { remove_with_logs(&before) } else { Ok(()) }
}

fn is_untouched(database: &Path, before: &Path) -> bool {
    let file = |path: &Path| fs::metadata(path).map(|about| (about.dev(), about.ino())).ok();
    file(before).is_none_or(|old| Some(old) == file(database))
}

/// Returns a path with something behind its name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Removes the logs of a database whose content is in its file.
pub(crate) fn remove_logs(database: &Path) -> io::Result<()> {
    LOGS.iter().try_for_each(|suffix| remove_if_there(&beside(database, suffix)))
}

fn remove_with_logs(path: &Path) -> io::Result<()> {
    remove_if_there(path)?;
    remove_logs(path)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<bool> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        renamed => renamed.map(|()| true),
    }
}

/// A rename lasts once the folder is on the disk.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

const STAGED: &str = ".incoming";
const BEFORE: &str = ".before";
/// The shared memory first: without it a log is nobody's any more.
const LOGS: [&str; 3] = ["-shm", "-wal", "-journal"];

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (database, staged) = (folder.path().join("tv.db"), folder.path().join("tv.db.incoming"));
        fs::write(&database, "old").unwrap();
        fs::write(folder.path().join("tv.db-wal"), "old log").unwrap();
        fs::write(&staged, "new").unwrap();
        (folder, database, staged)
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_new_file_is_never_beside_the_old_one_s_log() {
        let (folder, database, staged) = folder();
        let replaced = put_in_place(&database, &staged).unwrap();
        assert_eq!(fs::read_to_string(&database).unwrap(), "new");
        assert_eq!(names(folder.path()), ["tv.db", "tv.db.before", "tv.db.before-wal"]);
        replaced.forget().unwrap();
        assert_eq!(names(folder.path()), ["tv.db"]);
    }

    #[test]
    fn what_was_there_comes_back_with_its_log() {
        let (folder, database, staged) = folder();
        let replaced = put_in_place(&database, &staged).unwrap();
        fs::write(folder.path().join("tv.db-wal"), "new log").unwrap();
        replaced.undo().unwrap();
        assert_eq!(fs::read_to_string(&database).unwrap(), "old");
        assert_eq!(fs::read_to_string(folder.path().join("tv.db-wal")).unwrap(), "old log");
        assert_eq!(names(folder.path()), ["tv.db", "tv.db-wal"]);
    }

    #[test]
    fn a_damaged_file_stays_under_another_name() {
        let (folder, database, staged) = folder();
        put_in_place(&database, &staged).unwrap().set_aside(&folder.path().join("tv.db.damaged")).unwrap();
        assert_eq!(names(folder.path()), ["tv.db", "tv.db.damaged", "tv.db.damaged-wal"]);
    }

    #[test]
    fn where_there_was_nothing_nothing_comes_back() {
        let (folder, database, staged) = folder();
        fs::remove_file(&database).unwrap();
        put_in_place(&database, &staged).unwrap().undo().unwrap();
        assert!(!database.exists());
        assert_eq!(names(folder.path()), ["tv.db-wal"]);
    }

    #[test]
    fn a_swap_that_was_killed_before_its_rename_costs_no_log() {
        let (folder, database, _) = folder();
        fs::rename(folder.path().join("tv.db-wal"), folder.path().join("tv.db.before-wal")).unwrap();
        clean_up(&database).unwrap();
        assert_eq!(names(folder.path()), ["tv.db", "tv.db-wal"]);
        fs::rename(folder.path().join("tv.db-wal"), folder.path().join("tv.db.before-wal")).unwrap();
        fs::hard_link(&database, folder.path().join("tv.db.before")).unwrap();
        clean_up(&database).unwrap();
        assert_eq!(names(folder.path()), ["tv.db", "tv.db-wal"]);
    }

    #[test]
    fn what_a_killed_swap_left_goes() {
        let (folder, database, _) = folder();
        fs::write(folder.path().join("tv.db.before"), "older").unwrap();
        clean_up(&database).unwrap();
        assert_eq!(names(folder.path()), ["tv.db", "tv.db-wal"]);
    }
}
