//! `[ai_auto_heal]`: what is listened to, how much of it is kept, and what may be done about it.
//!
//! Keys of the specification that are not here belong to parts that do not exist yet, and are refused like any other unknown key.

use std::path::PathBuf;

use exstreamtv_healing::resolver::{limits::Settings, risk::RiskLevel};
use serde::{Deserialize, Serialize};

use super::{ValueError, share, within};
use crate::incidents::wording::Wording;

/// What is listened to, how much of it is kept, and what may be done about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AiAutoHeal {
    /// Whether anything is listened to at all.
    pub enabled: bool,
    /// How old what is kept may be.
    pub log_buffer_minutes: u32,
    /// The most events that are kept.
    pub log_buffer_events: usize,
    /// The most memory that they take.
    pub log_buffer_bytes: usize,
    /// Whether clients may listen to events as they come.
    pub realtime_streaming: bool,
    /// Whether channels on air are judged: their health, and what is to be expected of them.
    pub ffmpeg_monitor_enabled: bool,
    /// From this health on a channel is healthy, 0 to 1.
    pub ffmpeg_health_threshold: f64,
    /// From these odds on a failure to be expected is told, 0 to 1.
    pub prediction_confidence_threshold: f64,
    /// Whether the known patterns of trouble are looked for in what is said.
    pub pattern_detection_enabled: bool,
    /// Whether anything is done without being asked; else whatever would be done waits for a person.
    pub auto_resolve_enabled: bool,
    /// The most fixes an hour, those apart that a person approved.
    pub max_auto_fixes_per_hour: u32,
    /// What is riskier than this waits for a person.
    pub require_approval_above_risk: RiskLevel,
    /// Whether the slate covers the picture while something is done to it.
    pub use_error_screen_fallback: bool,
    /// Whether a picture that is still there stays until its successor is.
    pub hot_swap_enabled: bool,
    /// Where a person is called: http:// and what follows; empty for nowhere but the log.
    pub escalation_webhook: String,
    /// Whether it is learnt what precedes incidents, and whether what came of fixes changes what is believed of them.
    pub learning_enabled: bool,
    /// How long before an incident its signs are looked for.
    pub learning_window_seconds: u32,
    /// Where a language model words accounts of incidents for people: the base of an OpenAI-compatible service; empty for nowhere.
    pub wording_url: String,
    /// Which model.
    pub wording_model: String,
    /// The log file of a Plex Media Server, or the folder with its logs; empty for none.
    pub plex_log: PathBuf,
    /// The log file of a Jellyfin server, or the folder with its logs; empty for none.
    pub jellyfin_log: PathBuf,
}

impl Default for AiAutoHeal {
    fn default() -> Self {
        Self {
            enabled: true,
            log_buffer_minutes: 30,
            log_buffer_events: 20_000,
            log_buffer_bytes: 16 << 20,
            realtime_streaming: true,
            ffmpeg_monitor_enabled: true,
            ffmpeg_health_threshold: 0.8,
            prediction_confidence_threshold: 0.75,
            pattern_detection_enabled: true,
            auto_resolve_enabled: true,
            max_auto_fixes_per_hour: 50,
            require_approval_above_risk: RiskLevel::Medium,
            use_error_screen_fallback: true,
            hot_swap_enabled: true,
            escalation_webhook: String::new(),
            learning_enabled: true,
            learning_window_seconds: 120,
            wording_url: String::new(),
            wording_model: String::new(),
            plex_log: PathBuf::new(),
            jellyfin_log: PathBuf::new(),
        }
    }
}

impl AiAutoHeal {
    /// Returns what the healer may do.
    pub fn healing(&self) -> Settings {
        Settings {
            enabled: self.enabled,
            auto_resolve_enabled: self.auto_resolve_enabled,
            max_auto_fixes_per_hour: self.max_auto_fixes_per_hour,
            require_approval_above_risk: self.require_approval_above_risk,
            use_error_screen_fallback: self.use_error_screen_fallback,
            hot_swap_enabled: self.hot_swap_enabled,
            learning_enabled: self.learning_enabled,
        }
    }

    /// Returns who words accounts, if anybody does.
    pub fn wording(&self) -> Option<Wording> {
        Wording::parse(&self.wording_url, &self.wording_model)
    }

    /// Checks every value.
    ///
    /// # Errors
    /// Names the first that cannot be used.
    pub(super) fn check(&self) -> Result<(), ValueError> {
        within("[ai_auto_heal] log_buffer_minutes", self.log_buffer_minutes.into(), 1, 10_080)?;
        within("[ai_auto_heal] log_buffer_events", self.log_buffer_events as u64, 100, 10_000_000)?;
        webhook(&self.escalation_webhook)?;
        within("[ai_auto_heal] log_buffer_bytes", self.log_buffer_bytes as u64, 1 << 20, 1 << 40)?;
        within("[ai_auto_heal] learning_window_seconds", self.learning_window_seconds.into(), 2, 3_600)?;
        if !self.wording_url.is_empty() && self.wording().is_none() {
            return Err(ValueError::Wording { url: self.wording_url.clone(), model: self.wording_model.clone() });
        }
        share("[ai_auto_heal] ffmpeg_health_threshold", self.ffmpeg_health_threshold)?;
        share("[ai_auto_heal] prediction_confidence_threshold", self.prediction_confidence_threshold)
    }
}

/// There is no TLS here: a person is called by something on this machine or in this house.
fn webhook(text: &str) -> Result<(), ValueError> {
    let is_usable = |text: &str| {
        let uri = text.parse::<hyper::Uri>().ok();
        uri.is_some_and(|uri| uri.scheme_str() == Some("http") && uri.authority().is_some())
    };
    if text.is_empty() || is_usable(text) { Ok(()) } else { Err(ValueError::Webhook { text: text.to_owned() }) }
}
