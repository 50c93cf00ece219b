//! Finds out what FFmpeg is there, and whether it can do what plans need.
//!
//! Nothing from outside is read here, so these processes have no walls; the fonts that they find are remembered by the library that looks
//! for them, where walls would keep it from writing that down.

use std::{path::Path, process::Command, time::Duration};

use exstreamtv_pipeline::Abilities;
use exstreamtv_worker_protocol::{FfmpegFacts, FfmpegFault};

use crate::{
    capture::{CaptureError, Captured, Limits, STDERR_BYTES, capture},
    chain,
    event::Tools,
    isolation,
};

/// What a question to FFmpeg may take.
const LIMITS: Limits = Limits { time: Duration::from_secs(10), stdout_bytes: 1024 * 1024, stderr_bytes: STDERR_BYTES };

/// Oldest version that knows `-fps_mode`.
const OLDEST: (u32, u32) = (5, 1);

/// What every plan needs.
const ENCODERS: [&str; 2] = ["libx264", "aac"];
const FILTERS: [&str; 19] = [
    "anullsrc",
    "color",
    "aresample",
    "apad",
    "afade",
    "pan",
    "atrim",
    "asetpts",
    "trim",
    "setpts",
    "overlay",
    "fps",
    "scale",
    "pad",
    "format",
    "setsar",
    "setparams",
    "tpad",
    "yadif",
];

/// What is there, and what it can do beyond the necessary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// For the host.
    pub ffmpeg: Result<FfmpegFacts, FfmpegFault>,
    /// For plans.
    pub abilities: Abilities,
}

/// Asks the tools; takes a few tenths of a second.
pub async fn identify(tools: Tools) -> Identity {
    let (ffmpeg, filters) = match facts(&tools).await {
        Ok((facts, filters)) => (Ok(facts), filters),
        Err(fault) => (Err(fault), String::new()),
    };
    let tone_map = lacks_none("", "filter", &["zscale", "tonemap"], &filters).is_ok();
    let draw_text = ffmpeg.is_ok() && can_draw_text(&tools.ffmpeg).await;
    let burn_text = ffmpeg.is_ok() && can_burn_text(&tools.ffmpeg).await;
    Identity { ffmpeg, abilities: Abilities { draw_text, burn_text, tone_map } }
}

/// Returns what is there, and the list of its filters.
async fn facts(tools: &Tools) -> Result<(FfmpegFacts, String), FfmpegFault> {
    let answer = ask(&tools.ffmpeg, "ffmpeg", "-version").await?;
    let version = accept(&answer).map_err(|fault| match fault {
        FfmpegFault::Unintelligible { message } => {
            FfmpegFault::Unintelligible { message: format!("{}, {message}", tools.ffmpeg.display()) }
        }
        other => other,
    })?;
    lacks_none(&version, "encoder", &ENCODERS, &ask(&tools.ffmpeg, "ffmpeg", "-encoders").await?)?;
    let filters = ask(&tools.ffmpeg, "ffmpeg", "-filters").await?;
    lacks_none(&version, "filter", &FILTERS, &filters)?;
    ask(&tools.ffprobe, "ffprobe", "-version").await?;
    let facts = FfmpegFacts { version, path: tools.ffmpeg.clone(), landlock: isolation::version() };
    Ok((facts, filters))
}

async fn ask(program: &Path, tool: &str, question: &str) -> Result<String, FfmpegFault> {
    let mut command = Command::new(program);
    command.args(["-hide_banner", question]);
    match capture(command, LIMITS).await {
        Ok(Captured { status, stdout, .. }) if status.success() => Ok(String::from_utf8_lossy(&stdout).into_owned()),
        Ok(Captured { status, stderr, .. }) => {
            let said = stderr.lines().next().unwrap_or("nothing");
            Err(FfmpegFault::Unintelligible {
                message: format!("{tool} {question} ended with {status} and said {said:?}"),
            })
        }
        Err(CaptureError::Spawn { source, .. }) => {
            Err(FfmpegFault::Missing { tool: tool.to_owned(), message: format!("{}: {source}", program.display()) })
        }
        Err(error) => {
            Err(FfmpegFault::Unintelligible { message: format!("{tool} {question}: failed to {}", chain(&error)) })
        }
    }
}

/// Whether it has the filter, a font library and a font is found out by drawing.
async fn can_draw_text(ffmpeg: &Path) -> bool {
    let mut command = Command::new(ffmpeg);
    command.args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", "color=s=64x64:d=0.1", "-vf", "drawtext=text=a"]);
    command.args(["-frames:v", "1", "-f", "null", "-"]);
    matches!(capture(command, LIMITS).await, Ok(captured) if captured.status.success())
}

/// The filter comes with a library of its own; fonts it finds are a matter of the file, too.
async fn can_burn_text(ffmpeg: &Path) -> bool {
    let mut command = Command::new(ffmpeg);
    command.args(["-v", "error", "-nostdin", "-h", "filter=subtitles"]);
    // An unknown filter is no error.
    matches!(capture(command, LIMITS).await, Ok(captured) if captured.stdout.starts_with(b"Filter subtitles"))
}

/// Returns the version in the first line of `ffmpeg -version` if it is new enough.
fn accept(answer: &str) -> Result<String, FfmpegFault> {
    let first = answer.lines().next().unwrap_or_default();
    let unintelligible = || FfmpegFault::Unintelligible {
        message: match first.trim() {
            "" => "asked for its version it said nothing".to_owned(),
            said => format!("asked for its version it said {:?}", said.chars().take(200).collect::<String>()),
        },
    };
    let version =
        first.strip_prefix("ffmpeg version ").and_then(|rest| rest.split(' ').next()).ok_or_else(unintelligible)?;
    // Builds of the development branch have no number: "N-12345-gabcdef", "2024-05-13-git-37db0454e4".
    if version.starts_with("N-") || version.contains("git-") {
        return Ok(version.to_owned());
    }
    let number = version.trim_start_matches(['n', 'v']);
    let mut parts = number.split(|c: char| !c.is_ascii_digit());
    let major: u32 = parts.next().and_then(|part| part.parse().ok()).ok_or_else(unintelligible)?;
    let minor: u32 = parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
    if (major, minor) >= OLDEST {
        Ok(version.to_owned())
    } else {
        Err(FfmpegFault::TooOld { version: version.to_owned() })
    }
}

/// Checks the lists of `ffmpeg -encoders` and `-filters`, whose lines are "flags name description".
fn lacks_none(version: &str, kind: &str, wanted: &[&str], list: &str) -> Result<(), FfmpegFault> {
    let has = |name: &str| list.lines().any(|line| line.split_whitespace().nth(1) == Some(name));
    match wanted.iter().find(|name| !has(name)) {
        Some(name) => Err(FfmpegFault::Lacks { version: version.to_owned(), what: format!("{kind} {name}") }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(version: &str) -> Result<String, FfmpegFault> {
        accept(&format!("ffmpeg version {version} Copyright (c) 2000-2026 the FFmpeg developers\nbuilt with gcc"))
    }

    #[test]
    fn versions_from_5_1_on_and_development_builds_are_accepted() {
        for version in [
            "5.1.9-0+deb12u1",
            "5.1",
            "n7.1",
            "n9.0.2-17-g2a571b6068",
            "6.0-static",
            "10.0",
            "8",
            "N-12345-gabc",
            "2024-05-13-git-37db",
        ] {
            assert_eq!(judged(version), Ok(version.to_owned()));
        }
    }

    #[test]
    fn older_versions_are_refused_by_name() {
        for version in ["5.0.3", "4.4.2-0ubuntu0.22.04.1", "n4.4", "0.8"] {
            assert_eq!(judged(version), Err(FfmpegFault::TooOld { version: version.to_owned() }));
        }
    }

    #[test]
    fn what_is_no_ffmpeg_is_quoted() {
        for answer in ["", "avconv version 12", "ffmpeg version unknown x"] {
            assert!(matches!(accept(answer), Err(FfmpegFault::Unintelligible { .. })), "{answer:?}");
        }
    }

    #[test]
    fn a_missing_encoder_is_named() {
        let list = " V..... = Video\n ------\n A..... aac                  AAC (Advanced Audio Coding)\n V..... libx264rgb  libx264 RGB\n";
        let lacks = lacks_none("6.0", "encoder", &ENCODERS, list);
        assert_eq!(lacks, Err(FfmpegFault::Lacks { version: "6.0".to_owned(), what: "encoder libx264".to_owned() }));
        assert_eq!(lacks_none("6.0", "encoder", &["aac"], list), Ok(()));
    }
}
