//! The lock file beside the database.
//!
//! Does: keep a second host off the same data folder, and name the first one.
//! Does not: protect against programs that ignore the lock; SQLite's own locks do that.
//! Invariant: the operating system drops the lock when its holder dies, so a stale file never needs removing.

use std::{
    ffi::OsString,
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::StoreError;

/// The held lock; dropping it lets the next host in.
#[derive(Debug)]
pub(crate) struct InstanceLock {
    file: File,
}

impl InstanceLock {
    /// Takes the lock of the database at `database`, or says who has it.
    pub(crate) fn acquire(database: &Path) -> Result<Self, StoreError> {
        let path = lock_path(database);
        let lock_error = |source| StoreError::Lock { path: path.clone(), source };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(lock_error)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::OtherInstance { path: database.to_owned(), pid: holder(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(lock_error(source)),
        }
        write_holder(&mut file).map_err(lock_error)?;
        Ok(Self { file })
    }

    /// Writes down where the host can be reached, for who comes and finds the lock taken.
    pub(crate) fn announce(&mut self, address: &str) -> std::io::Result<()> {
        write_holder(&mut self.file)?;
        writeln!(self.file, "{address}")
    }
}

fn lock_path(database: &Path) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(".lock");
    name.into()
}

/// Reads who holds the lock; the text only serves the message, so an unreadable one is no error.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.lines().next()?.trim().parse().ok()
}

/// Returns where the host that has a database open said that it can be reached; `None` where nobody has it open, or nobody said.
pub fn address_of_holder(database: &Path) -> Option<String> {
    let file = File::open(lock_path(database)).ok()?;
    // Whoever gets the lock finds the words of somebody who is gone.
    if !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        return None;
    }
    let mut text = String::new();
    file.take(512).read_to_string(&mut text).ok()?;
    text.lines().nth(1).map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

fn write_holder(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{}", std::process::id())
}
