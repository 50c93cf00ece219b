//! What a reload of the configuration changes while the server runs.
//!
//! Does: hold the settings that running parts watch, and name the keys that wait for the next start.
//! Does not: read the configuration.
//! Invariant: a configuration that cannot be used changes nothing.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use exstreamtv_core::{RestartBudget, supervision::BudgetRules};
use tokio::sync::watch;

use super::{StartError, declared::Declared, doors, programs};
use crate::{
    config::{Config, SlowClient, ValueError},
    feed::on_air::Settings,
    http::state::HttpSettings,
};

/// Settings that running parts watch.
pub(super) struct Knobs {
    pub(super) feed: watch::Sender<Settings>,
    pub(super) budget: Arc<Mutex<RestartBudget>>,
    pub(super) slow_client: watch::Sender<SlowClient>,
    pub(super) http: watch::Sender<HttpSettings>,
    pub(super) declared: watch::Sender<Declared>,
}

pub(super) type KnobValues = (Settings, BudgetRules, SlowClient, HttpSettings);

impl Knobs {
    pub(super) fn new(config: &Config, safe_mode: bool) -> Result<Self, StartError> {
        let (feed, budget, slow_client, http) = Self::values(config)?;
        Ok(Self {
            feed: watch::channel(feed).0,
            budget: Arc::new(Mutex::new(RestartBudget::new(budget))),
            slow_client: watch::channel(slow_client).0,
            http: watch::channel(http).0,
            declared: watch::channel(Declared::of(config, safe_mode)?).0,
        })
    }

    pub(super) fn values(config: &Config) -> Result<KnobValues, ValueError> {
        let feed = Settings {
            idle_stop: Duration::from_secs(config.ffmpeg.idle_stop_s),
            slate_after_ms: config.ffmpeg.slate_after_ms.into(),
            supervision: config.supervision.rules(),
        };
        Ok((feed, config.supervision.budget(), config.server.slow_client, doors::http_settings(config)?))
    }

    pub(super) fn set(&self, (feed, budget, slow_client, http): KnobValues) {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).set_rules(budget);
        self.feed.send_replace(feed);
        self.slow_client.send_replace(slow_client);
        self.http.send_replace(http);
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
