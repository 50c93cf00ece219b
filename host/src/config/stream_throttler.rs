//! `[stream_throttler]`: how fast viewers of the continuous stream are sent it.

use exstreamtv_core::throttle::{effective_bps, mean_bps};
use exstreamtv_model::{
    OutputProfile, ThrottleMode,
    throttle::{MAX_TARGET_BPS, MIN_TARGET_BPS},
};
use serde::{Deserialize, Serialize};

use super::{ValueError, within};

/// How fast viewers of the continuous stream are sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StreamThrottler {
    /// Whether there is a throttler at all; without one, wishes of channels and sessions count for nothing.
    pub enabled: bool,
    /// The target bit rate of channels and sessions that have none of their own; raised to what the channel itself sends.
    pub target_bitrate_bps: u32,
    /// The mode of channels and sessions that have none of their own.
    pub mode: ThrottleMode,
}

impl Default for StreamThrottler {
    fn default() -> Self {
        Self { enabled: true, target_bitrate_bps: 4_000_000, mode: ThrottleMode::Realtime }
    }
}

impl StreamThrottler {
    /// Returns what is to be said where a channel sends more than the target, which is then raised for it.
    pub fn remark(&self, who: &str, profile: &OutputProfile) -> Option<String> {
        let (mean_bps, target_bps) = (mean_bps(profile), self.target_bitrate_bps);
        let matters = self.enabled && matches!(self.mode, ThrottleMode::Realtime | ThrottleMode::Burst);
        (matters && mean_bps > target_bps.into()).then(|| {
            format!(
                "{who} sends {mean_bps} b/s, more than [stream_throttler] target_bitrate_bps = {target_bps}: its viewers are sent up to \
                 {} b/s all the same; give the channel a target of its own to hold them back",
                effective_bps(None, target_bps, profile)
            )
        })
    }

    /// Checks every value.
    ///
    /// # Errors
    /// Names the first that cannot be used.
    pub(super) fn check(&self) -> Result<(), ValueError> {
        let bps = self.target_bitrate_bps.into();
        within("[stream_throttler] target_bitrate_bps", bps, MIN_TARGET_BPS.into(), MAX_TARGET_BPS.into())
    }
}
