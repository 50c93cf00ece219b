//! Asks ffprobe what is in a file.
//!
//! Invariant: every question is answered within half a minute and a bit, in words for people where there is nothing to tell.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use exstreamtv_pipeline::{SourceKind, allowed_protocols};
use exstreamtv_worker_protocol::Restrictions;

use crate::{
    capture::{CaptureError, Captured, Limits, STDERR_BYTES, capture_within},
    chain,
    isolation::Reach,
};

/// What ffprobe may take for one file.
const LIMITS: Limits =
    Limits { time: Duration::from_secs(30), stdout_bytes: 4 * 1024 * 1024, stderr_bytes: STDERR_BYTES };

/// How long looking at a file's size may take; a disk behind a dead network takes for ever.
const STAT_LIMIT: Duration = Duration::from_secs(2);

/// Returns ffprobe's JSON for the file at `path`, or why there is none.
pub async fn probe(ffprobe: PathBuf, path: PathBuf, restrictions: &Restrictions) -> Result<String, String> {
    let reach = Reach::of(&ffprobe).reading(&path);
    match capture_within(command(&ffprobe, &path), LIMITS, reach, restrictions).await {
        Ok(Captured { status, stdout, .. }) if status.success() => {
            String::from_utf8(stdout).map_err(|_| "ffprobe answered in no known encoding".to_owned())
        }
        Ok(_) if is_empty(&path).await => Err("the file is empty (0 bytes)".to_owned()),
        Ok(Captured { stderr, .. }) => Err(explain(&stderr, &path)),
        Err(CaptureError::TimedOut { limit }) => {
            Err(format!("ffprobe did not answer within {} s: the file is damaged, or its disk is", limit.as_secs()))
        }
        Err(error) => Err(format!("failed to {}", chain(&error))),
    }
}

fn command(ffprobe: &Path, path: &Path) -> Command {
    let mut url = OsString::from("file:");
    url.push(path);
    let mut command = Command::new(ffprobe);
    command.args(["-v", "error", "-of", "json", "-show_format", "-show_streams", "-show_chapters"]);
    command.args(allowed_protocols(SourceKind::File)).arg("-i").arg(url);
    command
}

async fn is_empty(path: &Path) -> bool {
    let size = tokio::time::timeout(STAT_LIMIT, tokio::fs::metadata(path)).await;
    matches!(size, Ok(Ok(file)) if file.is_file() && file.len() == 0)
}

/// Returns in words for people what ffprobe complains about.
fn explain(stderr: &str, path: &Path) -> String {
    let known = [
        ("moov atom not found", "the file is incomplete: its index (moov atom) is missing; copy or download it again"),
        ("No such file or directory", "the file is not there"),
        ("Permission denied", "the file may not be read: give the server's user the right to"),
        ("Is a directory", "it is a folder, not a file"),
        ("not on whitelist", "the file refers to other files or addresses, and those are not followed"),
        ("EBML header parsing failed", "the beginning of the file is damaged"),
        ("Input/output error", "the disk cannot read the file"),
        ("End of file", "the file ends before anything in it can be played: it is incomplete or no media file"),
        ("Invalid data found", "it is no media file that FFmpeg knows, or it is damaged"),
    ];
    if let Some((_, words)) = known.iter().find(|(symptom, _)| stderr.contains(symptom)) {
        return (*words).to_owned();
    }
    let last = stderr.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let own_name = format!("file:{}: ", path.display());
    match last.map(|line| line.strip_prefix(&own_name).unwrap_or(line)) {
        Some(line) => format!("ffprobe says: {}", line.chars().take(300).collect::<String>()),
        None => "ffprobe failed and did not say why".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_told_in_plain_words() {
        let explained = |stderr: &str| explain(stderr, Path::new("/m/a b.mp4"));
        assert!(explained("[mov @ 0x1] moov atom not found\nfile:x: Invalid data found").contains("incomplete"));
        assert_eq!(explained("file:/m/a b.mp4: No such file or directory\n"), "the file is not there");
        assert_eq!(explained("file:/m/a b.mp4: Strange things\n\n"), "ffprobe says: Strange things");
        assert_eq!(explained(" \n"), "ffprobe failed and did not say why");
    }
}
