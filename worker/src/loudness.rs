//! Lets FFmpeg measure how loud a sound is.
//!
//! Does: run FFmpeg's meter (EBU R 128) over the whole stream within limits, and read its summary.
//! Does not: change or keep anything.

use std::{ffi::OsString, path::PathBuf, process::Command, time::Duration};

use exstreamtv_model::{media::Loudness, pick::Downmix};
use exstreamtv_pipeline::{SourceKind, allowed_protocols, downmix::pan};
use exstreamtv_worker_protocol::Restrictions;

use crate::{
    capture::{CaptureError, Captured, Limits, STDERR_BYTES, capture_within},
    chain,
    isolation::Reach,
};

/// A slow disk in the network, and a film of four hours; nobody waits for it.
const LIMITS: Limits = Limits { time: Duration::from_secs(30 * 60), stdout_bytes: 1024, stderr_bytes: STDERR_BYTES };

/// What the meter says of silence: below the gate of BS.1770 nothing is counted.
const SILENCE_LUFS: f64 = -70.0;

/// A sound to be measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// The question's ticket.
    pub ticket: u64,
    /// The file.
    pub path: PathBuf,
    /// Absolute index of the stream.
    pub stream: u32,
    /// How it is mixed down before.
    pub downmix: Option<Downmix>,
    /// How many channels are left then.
    pub channels: u8,
}

/// Measures it, or says why it cannot be.
pub async fn measure(ffmpeg: PathBuf, wanted: Measurement, restrictions: &Restrictions) -> Result<Loudness, String> {
    let reach = Reach::of(&ffmpeg).reading(&wanted.path);
    match capture_within(command(&ffmpeg, &wanted), LIMITS, reach, restrictions).await {
        Ok(Captured { status, stderr, .. }) if status.success() => {
            summary(&stderr).ok_or_else(|| "FFmpeg's meter said nothing".to_owned())
        }
        Ok(Captured { stderr, .. }) => {
            let last = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it did not say why");
            Err(format!("FFmpeg says: {}", last.trim().chars().take(300).collect::<String>()))
        }
        Err(CaptureError::TimedOut { limit }) => {
            Err(format!("FFmpeg did not read the file within {} s: its disk is too slow", limit.as_secs()))
        }
        Err(error) => Err(format!("failed to {}", chain(&error))),
    }
}

fn command(ffmpeg: &std::path::Path, wanted: &Measurement) -> Command {
    let mut url = OsString::from("file:");
    url.push(&wanted.path);
    let layout = if wanted.channels == 1 { "mono" } else { "stereo" };
    let mixed = wanted.downmix.as_ref().and_then(|downmix| pan(downmix, wanted.channels));
    let mixed = mixed.unwrap_or_else(|| format!("aformat=channel_layouts={layout}"));
    let mut command = Command::new(ffmpeg);
    command.args(["-nostdin", "-hide_banner", "-nostats", "-v", "info", "-vn", "-sn", "-dn"]);
    command.args(allowed_protocols(SourceKind::File)).arg("-i").arg(url);
    command.args(["-map", &format!("0:{}", wanted.stream)]);
    // The meter says something ten times a second, which goes to a level that is not shown; its summary comes at the end.
    command.args(["-af", &format!("{mixed},ebur128=peak=true:framelog=verbose"), "-f", "null", "-"]);
    command
}

/// Reads what the meter says at the end.
fn summary(stderr: &str) -> Option<Loudness> {
    let (_, summary) = stderr.rsplit_once("Summary:")?;
    let value = |name: &str| {
        let line = summary.lines().map(str::trim).find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    let integrated = value("I:")?;
    let heard = integrated.is_finite() && integrated > SILENCE_LUFS;
    let peak = value("Peak:").filter(|peak| peak.is_finite());
    Some(Loudness { integrated_lufs: heard.then_some(integrated), true_peak_dbtp: peak.filter(|_| heard) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "[Parsed_ebur128_1 @ 0x55] Summary:\n\n  Integrated loudness:\n    I:         -18.4 LUFS\n    Threshold: -28.5 LUFS\n\n  \
        Loudness range:\n    LRA:         5.1 LU\n\n  True peak:\n    Peak:       -0.3 dBFS\n";

    #[test]
    fn the_summary_is_read() {
        let known = Loudness { integrated_lufs: Some(-18.4), true_peak_dbtp: Some(-0.3) };
        assert_eq!(summary(SAID), Some(known));
    }

    #[test]
    fn silence_is_no_loudness_and_no_summary_is_nothing() {
        let silence = Some(Loudness { integrated_lufs: None, true_peak_dbtp: None });
        assert_eq!(summary(&SAID.replace("-18.4", "-70.0").replace("-0.3", "-inf")), silence);
        assert_eq!(summary("Output #0, null"), None);
    }
}
