//! Reads what the kernel says, where there is a journal.
//!
//! Does: ask `journalctl` for what is new from time to time, and pass on what concerns us.
//! Does not: judge; that is `exstreamtv_healing::journal`. Keep a child: one that follows the journal would outlive a host that is killed.
//! Invariant: a system without a journal, or one that we may not read, costs one attempt and no line in the log.

use std::{path::PathBuf, process::Stdio, sync::Arc, time::Duration};

use exstreamtv_healing::journal::{Line, line};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::Intake;

/// The program that reads the journal.
pub const JOURNALCTL: &str = "journalctl";
/// Time between two looks.
pub const PAUSE: Duration = Duration::from_secs(10);
/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Lines of one look; of more the newest.
const MOST_LINES: &str = "500";

/// Looks until the host stops.
pub async fn watch(program: PathBuf, pause: Duration, intake: Arc<Intake>, stopping: CancellationToken) {
    // What was said before anybody listened is history.
    let Some(newest) = look(&program, &["-n", "1"]).await else { return };
    let mut cursor = newest.last().map(|line| line.cursor.clone());
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let after = cursor.as_ref().map(|cursor| format!("--after-cursor={cursor}"));
        let words: Vec<&str> = after.as_deref().into_iter().chain(["-n", MOST_LINES]).collect();
        // A look that fails once may do better the next time.
        let Some(lines) = look(&program, &words).await else { continue };
        for Line { cursor: place, draft } in lines {
            cursor = Some(place);
            draft.into_iter().for_each(|draft| intake.say(draft));
        }
    }
}

/// Returns what a look shows; `None` where it cannot be looked.
async fn look(program: &PathBuf, words: &[&str]) -> Option<Vec<Line>> {
    let mut command = Command::new(program);
    command.args(["-k", "-q", "-o", "json", "--no-pager"]).args(words);
    command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| text.lines().filter_map(line).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A journal with one line before, and one after the first look.
    const JOURNAL: &str = r#"#!/bin/sh
case "$*" in
  *--after-cursor=a*) echo '{"__CURSOR":"b","__REALTIME_TIMESTAMP":"1800000000000000","MESSAGE":"Out of memory: Killed process 7 (ffmpeg)"}' ;;
  *--after-cursor=b*) ;;
  *) echo '{"__CURSOR":"a","__REALTIME_TIMESTAMP":"1800000000000000","MESSAGE":"I/O error, dev sda"}' ;;
esac
"#;

    #[tokio::test]
    async fn what_is_new_in_the_journal_is_said_once_and_history_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("journalctl");
        std::fs::write(&program, JOURNAL).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let before = look(&program, &["-n", "1"]).await.unwrap();
        assert_eq!(before[0].cursor, "a");
        let news = look(&program, &["--after-cursor=a", "-n", MOST_LINES]).await.unwrap();
        assert_eq!((news.len(), news[0].draft.as_ref().unwrap().tags[0].as_str()), (1, "oom_kill"));
        assert_eq!(look(&program, &["--after-cursor=b"]).await, Some(Vec::new()));

        let (intake, stopping) = (Arc::new(Intake::default()), CancellationToken::new());
        intake.open();
        let watching = watch(program, Duration::ZERO, Arc::clone(&intake), stopping.clone());
        let heard = async {
            intake.filled().await;
            stopping.cancel();
        };
        tokio::join!(watching, heard);
        let said = intake.take().unwrap();
        assert_eq!(said.message, "Out of memory: Killed process 7 (ffmpeg)");
        assert!(intake.take().is_none(), "it is said once");
    }

    #[tokio::test]
    async fn where_there_is_no_journal_nobody_looks() {
        let intake = Arc::new(Intake::default());
        watch("/nowhere/journalctl".into(), PAUSE, intake, CancellationToken::new()).await;
    }
}
