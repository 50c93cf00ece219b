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
    backups::{self, Folder, free_bytes},
    config::Config,
    hardware::{Ask, Hardware},
    lifecycle::Lifecycle,
    worker::{Spawner, Utility},
};

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
    /// Returns the exit code of a fault.
    pub fn code(&self) -> Option<u8> {
        (!self.ok).then_some(self.code)
    }
}

/// Looks at everything.
pub async fn examine(config: &Config, hardware: Hardware, data_folder: &Path) -> Vec<Finding> {
    let facts = identify(config).await;
    let cards = video_cards(hardware).await;
    let mut findings = vec![ffmpeg(&facts), isolation(config, &facts), cards, data(data_folder), port(config)];
    if config.library.folders.is_empty() {
        let advice = Some("name one with --media DIR or in [library] folders".into());
        let detail = "no folder is configured".into();
        findings.push(Finding { what: "media".into(), ok: false, detail, advice, code: 66 });
    }
    findings.extend(config.library.folders.iter().map(|folder| media(folder)));
    findings.push(database(&data_folder.join(&config.database.path)).await);
    findings.push(backups(&config.database_backup.settings(data_folder)));
    findings
}

/// Prints findings for people, or as JSON.
pub fn print(findings: &[Finding], json: bool) {
    if json {
        println!("{}", serde_json::to_string_pretty(findings).unwrap_or_default());
        return;
    }
    for finding in findings {
        let mark = if finding.ok { "ok   " } else { "FAULT" };
        println!("{mark}  {}: {}", finding.what, finding.detail);
        if let Some(advice) = &finding.advice {
            println!("       {advice}");
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
    let what = "FFmpeg".into();
    match facts {
        Ok(facts) => {
            let detail = format!("{} at {}", facts.version, facts.path.display());
            Finding { what, ok: true, detail, advice: None, code: 69 }
        }
        Err(detail) => {
            let (detail, advice) = (format!("failed to {detail}"), Some(app::FFMPEG_ADVICE.into()));
            Finding { what, ok: false, detail, advice, code: 69 }
        }
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
    Finding { what: "isolation".into(), ok: true, detail, advice: None, code: 69 }
}

/// A machine without a card is fine; one without the card that somebody wants is not.
async fn video_cards(hardware: Hardware) -> Finding {
    let found = hardware.detect(Ask::IfChanged).await;
    let what = "video cards".into();
    let advice = Some("`exstreamtv hardware` shows which there are, and why others are not".into());
    let view = hardware.view();
    match (found, view.remark) {
        (Ok(_), None) => {
            let detail = format!("the order of use is {}", view.used.join(", "));
            Finding { what, ok: true, detail, advice: None, code: 69 }
        }
        (Ok(_), Some(detail)) => Finding { what, ok: false, detail, advice, code: 69 },
        (Err(error), _) => {
            Finding { what, ok: false, detail: format!("failed to {error}"), advice, code: error.code() }
        }
    }
}

fn data(folder: &Path) -> Finding {
    let tried = std::fs::create_dir_all(folder).and_then(|()| tempfile::NamedTempFile::new_in(folder));
    let what = "data folder".into();
    match tried {
        Ok(_) => Finding { what, ok: true, detail: folder.display().to_string(), advice: None, code: 73 },
        Err(error) => {
            let advice = Some("give a writable folder with --data-dir".into());
            Finding { what, ok: false, detail: format!("{}: {error}", folder.display()), advice, code: 73 }
        }
    }
}

/// Reads all of it, also while a server has it open.
async fn database(path: &Path) -> Finding {
    let what = "database".into();
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
        Ok(text) => Finding { what, ok: true, detail: said(text), advice: None, code: 65 },
        Err((text, advice)) => Finding { what, ok: false, detail: said(text), advice: Some(advice.into()), code: 65 },
    }
}

/// A new installation has none yet, so only a folder that cannot be read is a fault.
fn backups(settings: &backups::Settings) -> Finding {
    let (what, folder) = ("backups".into(), Folder::new(&settings.folder));
    match folder.list() {
        Ok(all) => {
            let newest = all.iter().find(|info| info.verified).map_or("none verified".into(), |info| info.id.clone());
            let mode = if settings.enabled { "" } else { "; none is made by itself" };
            let detail = format!("{} in {}, newest: {newest}{mode}", all.len(), settings.folder.display());
            Finding { what, ok: true, detail, advice: None, code: 73 }
        }
        Err(error) => {
            let advice = Some("let this user read and write it, or set [database_backup] backup_directory".into());
            Finding { what, ok: false, detail: error.to_string(), advice, code: 73 }
        }
    }
}

fn port(config: &Config) -> Finding {
    let what = "address".into();
    match std::net::TcpListener::bind(&config.server.listen) {
        Ok(_) => {
            Finding { what, ok: true, detail: format!("{} is free", config.server.listen), advice: None, code: 75 }
        }
        Err(error) => {
            let advice = Some("another server may be running; stop it or choose another port with --listen".into());
            Finding { what, ok: false, detail: format!("{}: {error}", config.server.listen), advice, code: 75 }
        }
    }
}

fn media(folder: &Path) -> Finding {
    let what = "media".into();
    match std::fs::read_dir(folder) {
        Ok(_) => Finding { what, ok: true, detail: folder.display().to_string(), advice: None, code: 66 },
        Err(error) => {
            let advice = Some("mount it, correct its name, or let this user read it".into());
            Finding { what, ok: false, detail: format!("{}: {error}", folder.display()), advice, code: 66 }
        }
    }
}
