//! Lets FFmpeg write the text subtitles of a file as WebVTT.
//!
//! Does: run FFmpeg within limits, and put its output in place when it is whole.
//! Does not: read or change what it writes.
//! Invariant: what is asked for is there whole or not at all, and is smaller than the limit.

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
    event::Extraction,
    isolation::Reach,
};

/// A film's subtitles lie all over its file, and a disk in the network reads one of some 30 GB in this time.
const LIMITS: Limits =
    Limits { time: Duration::from_secs(5 * 60), stdout_bytes: 64 * 1024, stderr_bytes: STDERR_BYTES };

/// The most that is written; the longest films have some hundred KiB.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// What old subtitle files that are no UTF-8 are written in, nearly always.
const OLD_ENCODING: &str = "CP1252";

/// Writes what `extraction` asks for, or says why it cannot be.
pub async fn extract(ffmpeg: PathBuf, extraction: Extraction, restrictions: &Restrictions) -> Result<(), String> {
    let draft = extraction.to.with_extension("part");
    // FFmpeg may change this one file and make none, so it has to be there.
    tokio::fs::write(&draft, b"").await.map_err(|error| format!("they cannot be kept: {error}"))?;
    let task = Task { ffmpeg: &ffmpeg, extraction: &extraction, draft: &draft, restrictions };
    let mut result = task.write(None).await;
    if result.as_ref().is_err_and(|reason| reason.contains("UTF-8")) {
        result = task.write(Some(OLD_ENCODING)).await;
    }
    let kept = match result {
        Ok(()) => keep(&draft, &extraction.to).await,
        Err(reason) => Err(reason),
    };
    if kept.is_err() {
        // It may not be there at all.
        _ = tokio::fs::remove_file(&draft).await;
    }
    kept
}

/// An extraction and everything that it needs.
struct Task<'a> {
    ffmpeg: &'a Path,
    extraction: &'a Extraction,
    draft: &'a Path,
    restrictions: &'a Restrictions,
}

impl Task<'_> {
    async fn write(&self, encoding: Option<&str>) -> Result<(), String> {
        let Self { ffmpeg, extraction, draft, restrictions } = self;
        let reach = Reach::of(ffmpeg).reading(&extraction.path).writing(draft);
        let command = command(ffmpeg, extraction, draft, encoding);
        match capture_within(command, LIMITS, reach, restrictions).await {
            // FFmpeg leaves out what it cannot decode and is content.
            Ok(Captured { status, stderr, .. }) if status.success() && !stderr.contains("UTF-8") => Ok(()),
            Ok(Captured { stderr, .. }) => Err(explain(&stderr)),
            Err(CaptureError::TimedOut { limit }) => {
                Err(format!("FFmpeg did not read the file within {} s: its disk is too slow", limit.as_secs()))
            }
            Err(error) => Err(format!("failed to {}", chain(&error))),
        }
    }
}

async fn keep(draft: &Path, to: &Path) -> Result<(), String> {
    let size_bytes = tokio::fs::metadata(draft).await.map_err(|error| format!("they are gone: {error}"))?.len();
    if size_bytes == 0 {
        return Err("FFmpeg wrote nothing".to_owned());
    }
    if size_bytes >= MOST_BYTES {
        return Err(format!("they are longer than {MOST_BYTES} bytes, which no film's are"));
    }
    tokio::fs::rename(draft, to).await.map_err(|error| format!("they cannot be kept: {error}"))
}

fn command(ffmpeg: &Path, extraction: &Extraction, draft: &Path, encoding: Option<&str>) -> Command {
    let mut command = Command::new(ffmpeg);
    command.args(["-nostdin", "-hide_banner", "-v", "error", "-y"]).args(allowed_protocols(SourceKind::File));
    if let Some(encoding) = encoding {
        command.args(["-sub_charenc", encoding]);
    }
    // The name decides what a subtitle file is, so that one that claims to be a list of other files is not followed.
    if let Some(format) = format(&extraction.path) {
        command.args(["-f", format]);
    }
    command.arg("-i").arg(url(&extraction.path));
    command.args(["-map", &format!("0:{}", extraction.stream), "-c:s", "webvtt", "-f", "webvtt"]);
    command.args(["-fs", &MOST_BYTES.to_string()]).arg(url(draft));
    command
}

/// Returns FFmpeg's name for what a subtitle file is; `None` for media.
fn format(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "srt" => Some("srt"),
        "ass" | "ssa" => Some("ass"),
        "vtt" => Some("webvtt"),
        _ => None,
    }
}

fn url(path: &Path) -> OsString {
    let mut url = OsString::from("file:");
    url.push(path);
    url
}

/// Returns the first complaint that is about the subtitles' encoding, or else the last one.
fn explain(stderr: &str) -> String {
    let mut lines = stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let telling = lines.clone().find(|line| line.contains("UTF-8"));
    match telling.or_else(|| lines.next_back()) {
        Some(line) => format!("FFmpeg says: {}", line.chars().take(300).collect::<String>()),
        None => "FFmpeg failed and did not say why".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_about_letters_come_first() {
        assert_eq!(explain("Invalid UTF-8 in x\nConversion failed!\n"), "FFmpeg says: Invalid UTF-8 in x");
        assert_eq!(explain("a\nb\n\n"), "FFmpeg says: b");
        assert_eq!(explain(""), "FFmpeg failed and did not say why");
    }

    #[test]
    fn a_subtitle_file_is_what_its_name_says() {
        assert_eq!(format(Path::new("/m/Film.en.SRT")), Some("srt"));
        assert_eq!(format(Path::new("/m/Film.mkv")), None);
    }
}
