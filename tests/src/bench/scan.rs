//! How fast a library is scanned.
//!
//! Does: scan some hundred files cold, then again unchanged, and probe the same files with bare ffprobe processes.
//! Does not: measure a slow disk; the files are in the cache.
//! Invariant: as many ffprobe processes run at once as the host is configured to run.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use serde_json::Value;

use super::Table;
use crate::{
    fixtures::CALM,
    host::{Host, Setup},
    patience::{LONG, wait_for},
    stage::Stage,
};

const FILES: usize = 300;
const AT_ONCE: usize = 2;

/// Measures and enters the rate of a scan.
pub fn measure(table: &mut Table) {
    let stage = Stage::new();
    let setup = Setup::new(stage.path()).media(&stage.media()).set("library.watch", false);
    let host = setup.set("library.probe_concurrency", AT_ONCE).start();
    host.wait_for_scan();
    let clip = CALM[0].make();
    let files: Vec<_> =
        (0..FILES).map(|index| stage.media().join(format!("Show {}/Part {index}.mp4", index % 10))).collect();
    for file in &files {
        fs::create_dir_all(file.parent().expect("files lie in folders")).unwrap_or_else(|error| panic!("{error}"));
        fs::copy(&clip, file).unwrap_or_else(|error| panic!("copy: {error}"));
    }
    let reference = FILES as f64 / bare(&files);
    let cold = FILES as f64 / scan(&host);
    table.ratio("scan, new files", cold, reference, "files/s", "bare ffprobe", "≥ 0.8");
    table.number("scan, unchanged files", FILES as f64 / scan(&host), "files/s", "-");
    host.stop();
}

fn scan(host: &Host) -> f64 {
    let state = || host.get::<Value>("/api/v1/library");
    let before = state()["scan"]["finished_ms"].clone();
    let since = Instant::now();
    let answer = host.http.post(host.at("/api/v1/library/scan")).send();
    answer.and_then(reqwest::blocking::Response::error_for_status).unwrap_or_else(|error| panic!("scan: {error}"));
    wait_for("the scan to end", 5 * LONG, || {
        let now = state();
        (now["scan"]["finished_ms"] != before && now["scan"]["scanning"] == false).then_some(())
    });
    let elapsed = since.elapsed().as_secs_f64();
    assert_eq!(state()["files"]["ready"], FILES);
    elapsed
}

fn bare(files: &[PathBuf]) -> f64 {
    let (since, next) = (Instant::now(), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut probe = Command::new("ffprobe");
                    probe
                        .args(["-v", "quiet", "-of", "json", "-show_format", "-show_streams", "-show_chapters"])
                        .arg(file);
                    let status = probe.stdin(Stdio::null()).stdout(Stdio::null()).status();
                    assert!(status.is_ok_and(|status| status.success()), "ffprobe failed");
                }
            });
        }
    });
    since.elapsed().as_secs_f64()
}
