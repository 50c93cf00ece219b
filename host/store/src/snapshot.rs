//! A copy of the database at one instant, taken while others write.
//!
//! Does: let SQLite write a copy that is one file, without a log beside it.
//! Does not: copy bytes of a live file, which would be halves of different states.
//! Invariant: what was committed when the copy began is in it, and nothing else; nobody waits for it.

use std::path::{Path, PathBuf};

use sqlx::{ConnectOptions, Connection};

use crate::{StoreError, connections::base_options};

/// Writes a snapshot of the database at `path` to `into`, which must not exist; it is not synced to the disk yet.
#[tracing::instrument(name = "db.file.snapshot", level = "debug", skip_all, fields(into = %into.display()))]
pub(crate) async fn snapshot(path: &Path, into: &Path) -> Result<(), StoreError> {
    let act = "copy the database";
    let target = into.to_str().ok_or_else(|| StoreError::PathNotText { path: PathBuf::from(into) })?;
    let mut connection = base_options(path).connect().await.map_err(|error| StoreError::query(act, error))?;
    let copied = sqlx::query("VACUUM INTO ?1").bind(target).execute(&mut connection).await;
    // It only read; the copy is what counts.
    let _ = connection.close().await;
    copied.map(|_| ()).map_err(|error| StoreError::query(act, error))
}
