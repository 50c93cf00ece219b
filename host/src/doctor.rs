//! `exstreamtv doctor`: checks what channels need.
//!
//! Does: look at programs, folders, the data folder and the port, and say what to do about each fault.
//! Does not: change anything.
//! Invariant: every finding that is not fine carries an advice.

use std::{path::Path, time::Duration};

use exstreamtv_store::Condition;
use exstreamtv_worker_protocol::FfmpegFacts;
use serde::Serialize;

use crate::{
    app,
    backups::free_bytes,
    cli::say,
    config::Config,
    hardware::{Ask, Hardware},
    lifecycle::Lifecycle,
    plugins::Options,
    worker::{Spawner, Utility},
};

mod places;
mod strategies;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// Whether it is fine.
    pub ok: bool,
    /// What was found.
    pub detail: String,
    /// What to do, if it is not fine.
    pub advice: Option<String>,
    #[serde(skip)]
    code: u8,
}

impl Finding {
    fn fine(what: &str, detail: String) -> Self {
        Self { what: what.to_owned(), ok: true, detail, advice: None, code: 0 }
    }

    fn fault(what: &str, code: u8, detail: String, advice: &str) -> Self {
        Self { what: what.to_owned(), ok: false, detail, advice: Some(advice.to_owned()), code }
    }

    /// Returns the exit code of a fault.
    pub fn code(&self) -> Option<u8> {
        (!self.ok).then_some(self.code)
    }
}

/// Looks at everything.
pub async fn examine(config: &Config, hardware: Hardware, plugins: Options, data_folder: &Path) -> Vec<Finding> {
    let facts = identify(config).await;
    let database_file = data_folder.join(&config.database.path);
    let mut findings = vec![ffmpeg(&facts), isolation(config, &facts), video_cards(hardware).await];
    findings.push(places::data(data_folder, &database_file));
    findings.push(places::address(config));
    findings.push(places::open_files(config.session_manager.max_sessions.into()));
    if config.library.folders.is_empty() {
        let advice = "name one with --media DIR or in [library] folders";
        findings.push(Finding::fault("media", 66, "no folder is configured".into(), advice));
    }
    findings.extend(config.library.folders.iter().map(|folder| places::media(folder)));
    findings.push(strategies::plugins(&config.plugins, plugins).await);
    findings.push(database(&database_file).await);
    findings.push(places::backups(&config.database_backup.settings(data_folder)));
    findings
}

/// Prints findings for people, or as JSON.
pub fn print(findings: &[Finding], json: bool) {
    if json {
        say!("{}", serde_json::to_string_pretty(findings).unwrap_or_default());
        return;
    }
    for finding in findings {
        let mark = if finding.ok { "ok   " } else { "FAULT" };
        say!("{mark}  {}: {}", finding.what, finding.detail);
        if let Some(advice) = &finding.advice {
            say!("       {advice}");
        }
    }
}

async fn identify(config: &Config) -> Result<FfmpegFacts, String> {
    let life = Lifecycle::default();
    let identity = match Spawner::start("error", None) {
        Ok(spawner) => {
            Utility::start(spawner, app::programs(config), &life).identify().await.map_err(|fault| fault.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    life.stop(Duration::from_secs(4)).await;
    identity
}

fn ffmpeg(facts: &Result<FfmpegFacts, String>) -> Finding {
    match facts {
        Ok(facts) => Finding::fine("FFmpeg", format!("{} at {}", facts.version, facts.path.display())),
        Err(detail) => Finding::fault("FFmpeg", 69, format!("failed to {detail}"), app::FFMPEG_ADVICE),
    }
}

/// An old kernel is no fault: channels play, with less between FFmpeg and the rest of the machine.
fn isolation(config: &Config, facts: &Result<FfmpegFacts, String>) -> Finding {
    let detail = match facts {
        _ if !config.ffmpeg.isolation => "FFmpeg may read every file of this user: [ffmpeg] isolation is off".into(),
        Ok(FfmpegFacts { landlock: 0, .. }) => {
            "FFmpeg may read every file of this user: this system has no Landlock (Linux 5.13 and newer have it)".into()
        }
        Ok(facts) => format!("FFmpeg opens its media and nothing else of this machine (Landlock {})", facts.landlock),
        Err(_) => "nobody knows, without an FFmpeg".into(),
    };
    Finding::fine("isolation", detail)
}

/// A machine without a card is fine; one without the card that somebody wants is not.
async fn video_cards(hardware: Hardware) -> Finding {
    let found = hardware.detect(Ask::IfChanged).await;
    let (what, advice) = ("video cards", "`exstreamtv hardware` shows which there are, and why others are not");
    let view = hardware.view();
    match (found, view.remark) {
        (Ok(_), None) => Finding::fine(what, format!("the order of use is {}", view.used.join(", "))),
        (Ok(_), Some(detail)) => Finding::fault(what, 69, detail, advice),
        (Err(error), _) => Finding::fault(what, error.code(), format!("failed to {error}"), advice),
    }
}

/// Reads all of it, also while a server has it open.
async fn database(path: &Path) -> Finding {
    let what = "database";
    let found = match exstreamtv_store::condition_of(path).await {
        Ok(Condition::Absent) => Ok("there is none yet".to_owned()),
        Ok(Condition::Current) => Ok("whole".to_owned()),
        Ok(Condition::Older { found, supported }) => {
            Ok(format!("whole; the next start brings its tables from version {found} to {supported}"))
        }
        Ok(Condition::Damaged { fault }) => {
            Err((format!("damaged ({fault})"), "restore a backup: `exstreamtv backup list`"))
        }
        Err(error) => Err((error.to_string(), "restore a backup, or install the version that wrote it")),
    };
    let size = std::fs::metadata(path).map_or(0, |about| about.len()).div_ceil(1024);
    let free = free_bytes(path).map_or_else(|_| "?".to_owned(), |free| (free >> 20).to_string());
    let said = |text| format!("{}: {text}, {size} KiB, {free} MiB free", path.display());
    match found {
        Ok(text) => Finding::fine(what, said(text)),
        Err((text, advice)) => Finding::fault(what, 65, said(text), advice),
    }
}
