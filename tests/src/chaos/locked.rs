//! Somebody else who works on the database.
//!
//! Does: hold the lock that every writer needs, from another process, for as long as the value lives.
//! Does not: change anything in it.
//! Invariant: the lock is held when [`Lock::take`] returns.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
};

/// A held lock; dropped, it is free.
pub struct Lock(Child);

impl Lock {
    /// Takes the lock, as soon as nobody else has it.
    ///
    /// # Panics
    /// When sqlite3 is not installed, or does not get it.
    pub fn take(database: &Path) -> Self {
        assert!(database.is_file(), "{} is no file", database.display());
        let mut child = Command::new("sqlite3")
            .arg(database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("run sqlite3: {error}"));
        let mut orders = child.stdin.take().expect("stdin is piped");
        let begin = b".bail on\n.timeout 30000\nBEGIN EXCLUSIVE;\nSELECT 'held';\n";
        orders.write_all(begin).and_then(|()| orders.flush()).unwrap_or_else(|error| panic!("order a lock: {error}"));
        child.stdin = Some(orders);
        let mut answer = String::new();
        let mut answers = BufReader::new(child.stdout.as_mut().expect("stdout is piped"));
        // A second line, because `.timeout` may answer, too.
        while answer.trim() != "held" {
            answer.clear();
            let read = answers.read_line(&mut answer).unwrap_or_else(|error| panic!("wait for the lock: {error}"));
            assert!(read > 0, "sqlite3 did not get the lock");
        }
        Self(child)
    }
}

impl Drop for Lock {
    /// The end of its input makes it roll back and go.
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        if let Err(error) = self.0.wait() {
            eprintln!("sqlite3 did not end: {error}");
        }
    }
}
