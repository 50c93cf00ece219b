//! What a reload of the configuration changes while the server runs.
//!
//! Does: hold the settings that running parts watch, and name the keys that wait for the next start.
//! Does not: read the configuration.
//! Invariant: a configuration that cannot be used changes nothing.

use std::time::Duration;

use exstreamtv_core::session::Limits;
use tokio::sync::watch;

use super::{StartError, declared::Declared, doors, programs};
use crate::{
    config::{Config, SlowClient, StreamThrottler, ValueError},
    feed::on_air::Settings,
    http::state::HttpSettings,
    sessions,
};

/// Settings that running parts watch.
pub(super) struct Knobs {
    pub(super) feed: watch::Sender<Settings>,
    pub(super) slow_client: watch::Sender<SlowClient>,
    pub(super) http: watch::Sender<HttpSettings>,
    pub(super) declared: watch::Sender<Declared>,
    pub(super) sessions: watch::Sender<sessions::Settings>,
    pub(super) throttler: watch::Sender<StreamThrottler>,
}

pub(super) type KnobValues = (Settings, SlowClient, HttpSettings, sessions::Settings, StreamThrottler);

impl Knobs {
    pub(super) fn new(config: &Config, safe_mode: bool) -> Result<Self, StartError> {
        let (feed, slow_client, http, sessions, throttler) = Self::values(config)?;
        Ok(Self {
            feed: watch::channel(feed).0,
            slow_client: watch::channel(slow_client).0,
            http: watch::channel(http).0,
            declared: watch::channel(Declared::of(config, safe_mode)?).0,
            sessions: watch::channel(sessions).0,
            throttler: watch::channel(throttler).0,
        })
    }

    pub(super) fn values(config: &Config) -> Result<KnobValues, ValueError> {
        let feed = Settings {
            idle_stop: Duration::from_secs(config.ffmpeg.idle_stop_s),
            slate_after_ms: config.ffmpeg.slate_after_ms.into(),
        };
        let http = doors::http_settings(config)?;
        Ok((feed, config.server.slow_client, http, session_settings(config), config.stream_throttler))
    }

    pub(super) fn set(&self, (feed, slow_client, http, sessions, throttler): KnobValues) {
        self.feed.send_replace(feed);
        self.slow_client.send_replace(slow_client);
        self.http.send_replace(http);
        self.sessions.send_replace(sessions);
        self.throttler.send_replace(throttler);
    }
}

fn session_settings(config: &Config) -> sessions::Settings {
    let keys = &config.session_manager;
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let limits = Limits {
        per_channel: count(keys.max_sessions_per_channel),
        total: count(keys.max_sessions),
        idle_timeout_ms: i64::try_from(keys.idle_timeout_seconds).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000),
    };
    sessions::Settings { limits, cleanup_interval: Duration::from_secs(keys.cleanup_interval_seconds) }
}

/// Returns which changed keys take effect at the next start only.
pub(super) fn needs_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let changed = [
        ("[server] listen", old.server.listen != new.server.listen),
        ("[library] rescan_interval_s, watch or probe_concurrency", {
            let key = |c: &Config| (c.library.rescan_interval_s, c.library.watch, c.library.probe_concurrency);
            key(old) != key(new)
        }),
        ("[playout]", {
            let key = |c: &Config| (c.playout.horizon_h, c.playout.zone.clone(), c.playout.stream_clock_offset_s);
            key(old) != key(new)
        }),
        ("[ffmpeg] ffmpeg, ffprobe or worker", programs(old) != programs(new)),
        ("[profile]", old.profile != new.profile),
        ("[plugins]", old.plugins != new.plugins),
        ("[database] path", old.database != new.database),
    ];
    changed.into_iter().filter_map(|(key, differs)| differs.then_some(key)).collect()
}
