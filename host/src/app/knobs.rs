//! What a reload of the configuration changes while the server runs.
//!
//! Does: hold the settings that running parts watch, and name the keys that wait for the next start.
//! Does not: read the configuration.
//! Invariant: a configuration that cannot be used changes nothing.

use std::time::Duration;

use tokio::sync::watch;

use super::{StartError, declared::Declared, doors, programs};
use crate::{
    config::{Config, SlowClient, ValueError},
    feed::{on_air::Settings, slates::SlateSettings},
    http::state::HttpSettings,
};

/// Settings that running parts watch.
pub(super) struct Knobs {
    pub(super) feed: watch::Sender<Settings>,
    pub(super) slow_client: watch::Sender<SlowClient>,
    pub(super) http: watch::Sender<HttpSettings>,
    pub(super) error_screens: watch::Sender<SlateSettings>,
    pub(super) declared: watch::Sender<Declared>,
}

pub(super) type KnobValues = (Settings, SlowClient, HttpSettings, SlateSettings);

impl Knobs {
    pub(super) fn new(config: &Config, safe_mode: bool) -> Result<Self, StartError> {
        let (feed, slow_client, http, error_screens) = Self::values(config)?;
        Ok(Self {
            feed: watch::channel(feed).0,
            slow_client: watch::channel(slow_client).0,
            http: watch::channel(http).0,
            error_screens: watch::channel(error_screens).0,
            declared: watch::channel(Declared::of(config, safe_mode)?).0,
        })
    }

    pub(super) fn values(config: &Config) -> Result<KnobValues, ValueError> {
        let feed = Settings {
            idle_stop: Duration::from_secs(config.ffmpeg.idle_stop_s),
            slate_after_ms: config.ffmpeg.slate_after_ms.into(),
        };
        let screens = SlateSettings::from(&config.error_screens);
        Ok((feed, config.server.slow_client, doors::http_settings(config)?, screens))
    }

    pub(super) fn set(&self, (feed, slow_client, http, screens): KnobValues) {
        self.feed.send_replace(feed);
        self.slow_client.send_replace(slow_client);
        self.http.send_replace(http);
        // Slates that did not change need not be looked at again.
        self.error_screens.send_if_modified(|known| std::mem::replace(known, screens.clone()) != screens);
    }
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
