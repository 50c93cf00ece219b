//! Values of columns.
//!
//! Does: write model values as SQLite stores them, and read them back or name the row and column that cannot be read.
//! Does not: run statements.
//! Invariant: what is written reads back equal, including paths that are not UTF-8.

use std::{
    error::Error,
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};

use crate::StoreError;

/// One row of one table while it is read; gives errors their place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowOf {
    pub(crate) table: &'static str,
    pub(crate) id: i64,
}

impl RowOf {
    /// Returns the error of a column that cannot be read.
    pub(crate) fn bad(self, column: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
        StoreError::BadRow { table: self.table, column: column.into(), row: self.id.to_string(), source: source.into() }
    }

    /// Reads a JSON column.
    pub(crate) fn json<T: DeserializeOwned>(self, column: &'static str, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|source| self.bad(column, source))
    }

    /// Reads a column of milliseconds.
    pub(crate) fn instant(self, column: &'static str, ms: i64) -> Result<DateTime<Utc>, StoreError> {
        DateTime::from_timestamp_millis(ms).ok_or_else(|| self.bad(column, format!("{ms} ms is out of range")))
    }

    /// Reads an integer that must fit a smaller type.
    pub(crate) fn integer<T: TryFrom<i64, Error: Error + Send + Sync + 'static>>(
        self,
        column: &'static str,
        value: i64,
    ) -> Result<T, StoreError> {
        T::try_from(value).map_err(|source| self.bad(column, source))
    }
}

/// Writes a value as JSON.
pub(crate) fn to_json<T: Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|source| StoreError::Encode { what, source })
}

/// Writes an enum of the model by its one name in JSON.
pub(crate) fn to_name<T: Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    Ok(to_json(what, value)?.trim_matches('"').to_owned())
}

/// Writes a path as the bytes that the file system uses.
pub(crate) fn path_bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

/// Reads a path.
pub(crate) fn path_from(bytes: Vec<u8>) -> PathBuf {
    OsString::from_vec(bytes).into()
}

/// The paths at or below a folder, as bounds of an index: the folder itself, and `from..before`.
pub(crate) struct Subtree {
    /// The folder itself, without slashes at its end.
    pub(crate) root: Vec<u8>,
    /// First byte string below it.
    pub(crate) from: Vec<u8>,
    /// First byte string behind them all.
    pub(crate) before: Vec<u8>,
}

impl Subtree {
    /// Returns the bounds of `folder`. Paths are compared by component: `/a/b` holds `/a/b/c`, not `/a/bc`.
    pub(crate) fn of(folder: &Path) -> Self {
        let mut root = path_bytes(folder).to_vec();
        while root.last() == Some(&b'/') {
            root.pop();
        }
        let with = |byte| root.iter().copied().chain([byte]).collect();
        // '0' is the byte after '/'.
        Self { from: with(b'/'), before: with(b'0'), root }
    }
}

/// Folds case for comparison, character by character so that a part of a text folds like the whole.
pub(crate) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Sorts an error of a statement on `table`: a column of the wrong type is a bad row.
pub(crate) fn read_error(act: &'static str, table: &'static str, error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::ColumnDecode { index, source } => {
            StoreError::BadRow { table, column: index.trim_matches('"').to_owned(), row: "?".into(), source }
        }
        other => StoreError::query(act, other),
    }
}
