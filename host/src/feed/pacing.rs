//! How one viewer is to be treated: what he, his channel and the configuration wish, in this order.
//!
//! Invariant: a target that is only inherited never starves a channel; looking whether something changed costs no lock.

use exstreamtv_core::throttle::{Terms, effective_bps};
use exstreamtv_model::{OutputProfile, ThrottleMode, ThrottleWish};
use tokio::sync::watch;

use crate::config::{SlowClient, StreamThrottler};

/// Everybody's wishes for one viewer.
#[derive(Debug)]
pub(super) struct Pacing {
    pub(super) configured: watch::Receiver<StreamThrottler>,
    pub(super) channel: watch::Receiver<ThrottleWish>,
    pub(super) session: watch::Receiver<ThrottleWish>,
    pub(super) profile: OutputProfile,
    /// What happens to a viewer who cannot keep up.
    pub(super) slow_client: SlowClient,
}

impl Pacing {
    /// Returns whether somebody wishes otherwise than at the last [`Self::terms`].
    pub(super) fn has_changed(&self) -> bool {
        // Who is gone wishes what he wished last.
        self.configured.has_changed().unwrap_or(false)
            || self.channel.has_changed().unwrap_or(false)
            || self.session.has_changed().unwrap_or(false)
    }

    /// Returns the terms that follow from all wishes.
    pub(super) fn terms(&mut self) -> Terms {
        let configured = *self.configured.borrow_and_update();
        let channel = *self.channel.borrow_and_update();
        let wish = self.session.borrow_and_update().or(channel);
        let target_bps = effective_bps(wish.target_bitrate_bps, configured.target_bitrate_bps, &self.profile);
        let mode = match configured.enabled {
            true => wish.mode.unwrap_or(configured.mode),
            false => ThrottleMode::Disabled,
        };
        Terms { mode, target_bps, may_skip: self.slow_client == SlowClient::Skip }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Wishes {
        configured: watch::Sender<StreamThrottler>,
        channel: watch::Sender<ThrottleWish>,
        session: watch::Sender<ThrottleWish>,
        pacing: Pacing,
    }

    fn wishes() -> Wishes {
        let (configured, channel, session) = (
            watch::channel(StreamThrottler::default()),
            watch::channel(ThrottleWish::default()),
            watch::channel(ThrottleWish::default()),
        );
        let pacing = Pacing {
            configured: configured.1,
            channel: channel.1,
            session: session.1,
            profile: OutputProfile::default(),
            slow_client: SlowClient::Skip,
        };
        Wishes { configured: configured.0, channel: channel.0, session: session.0, pacing }
    }

    fn wish(mode: Option<ThrottleMode>, target_bitrate_bps: Option<u32>) -> ThrottleWish {
        ThrottleWish { mode, target_bitrate_bps }
    }

    #[test]
    fn the_session_comes_before_the_channel_and_the_channel_before_the_configuration() {
        let mut all = wishes();
        let peak_bps = exstreamtv_core::throttle::peak_bps(&OutputProfile::default());
        let mut terms = || (all.pacing.terms().mode, all.pacing.terms().target_bps);
        assert_eq!(terms(), (ThrottleMode::Realtime, peak_bps));
        all.configured.send_replace(StreamThrottler {
            mode: ThrottleMode::Burst,
            target_bitrate_bps: 9_000_000,
            enabled: true,
        });
        assert_eq!(terms(), (ThrottleMode::Burst, 9_000_000));
        all.channel.send_replace(wish(Some(ThrottleMode::Disabled), Some(500_000)));
        assert_eq!(terms(), (ThrottleMode::Disabled, 500_000));
        all.session.send_replace(wish(Some(ThrottleMode::Adaptive), None));
        assert_eq!(terms(), (ThrottleMode::Adaptive, 500_000));
    }

    #[test]
    fn a_throttler_that_is_switched_off_hears_no_wishes() {
        let mut all = wishes();
        all.session.send_replace(wish(Some(ThrottleMode::Burst), None));
        assert!(all.pacing.has_changed());
        all.configured.send_replace(StreamThrottler { enabled: false, ..Default::default() });
        assert_eq!(all.pacing.terms().mode, ThrottleMode::Disabled);
        assert!(!all.pacing.has_changed());
    }

    #[test]
    fn who_is_closed_when_he_falls_behind_does_not_skip() {
        let mut all = wishes();
        assert!(all.pacing.terms().may_skip);
        all.pacing.slow_client = SlowClient::Close;
        assert!(!all.pacing.terms().may_skip);
    }
}
