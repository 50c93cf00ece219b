//! Makes backups when they are due.
//!
//! Does: wait, make one, try again after a failure.
//! Does not: remember anything: the newest automatic backup in the folder says when the next one is due, so a host that starts again and
//! again makes no more of them.

use std::time::Duration;

use chrono::TimeDelta;
use exstreamtv_core::backup::{BackupKind, next_run};

use super::Backups;

/// How long to wait at most before the clock, which may have been set, is read again.
const ROUND: Duration = Duration::from_secs(600);
/// The pause after a failure.
const AGAIN: TimeDelta = TimeDelta::minutes(30);

pub(super) async fn keep(backups: Backups) {
    let stopping = backups.life.stopping();
    let mut settings = backups.settings.clone();
    let mut not_before = None;
    loop {
        let now = backups.clock.now();
        let wait = match due(&backups).await.map(|due| not_before.map_or(due, |pause| due.max(pause))) {
            Some(due) if due <= now => {
                let made = backups.create(BackupKind::Auto).await;
                not_before = made.is_err().then(|| now + AGAIN);
                if let Err(error) = made {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the backup that was due could not be made"
                    );
                }
                Duration::ZERO
            }
            Some(due) => (due - now).to_std().unwrap_or(ROUND).min(ROUND),
            None => ROUND,
        };
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            // Whoever changed them is gone when the host stops.
            changed = settings.changed() => if changed.is_err() { stopping.cancelled().await },
        }
    }
}

/// Returns when the next automatic backup is due; `None` where none is wanted, or nobody can say.
pub(super) async fn due(backups: &Backups) -> Option<chrono::DateTime<chrono::Utc>> {
    let settings = backups.settings();
    if !settings.enabled {
        return None;
    }
    let all = backups.list().await;
    let made = backups.store.checks().created().await;
    match (all, made) {
        (Ok(all), Ok(created)) => {
            let newest = all.iter().filter(|info| info.kind == BackupKind::Auto.word()).map(|info| info.created).max();
            Some(next_run(newest, created, settings.interval, backups.clock.now()))
        }
        (Err(error), _) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "nobody knows when the next backup is due");
            None
        }
        (_, Err(error)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "nobody knows when the next backup is due");
            None
        }
    }
}
