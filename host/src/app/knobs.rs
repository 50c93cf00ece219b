//! What a reload of the configuration changes while the server runs.
//!
//! Does: hold the settings that running parts watch, and name the keys that wait for the next start.
//! Does not: read the configuration.
//! Invariant: a configuration that cannot be used changes nothing.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::TimeDelta;
use exstreamtv_core::{RestartBudget, session::Limits, supervision::BudgetRules};
use exstreamtv_healing::monitor::Rules;
use tokio::sync::watch;

use super::{StartError, declared::Declared, doors, programs};
use crate::{
    admission, backups,
    config::{Config, SlowClient, StreamThrottler, ValueError},
    database, dossiers,
    feed::{on_air::Settings, slates::SlateSettings},
    healing::healer::HealerSettings,
    http::state::HttpSettings,
    incidents::wording::Wording,
    logs, loudness, monitor,
    patterns::learning,
    sessions, watermarks,
};

/// Settings that running parts watch.
pub(super) struct Knobs {
    pub(super) feed: watch::Sender<Settings>,
    pub(super) budget: Arc<Mutex<RestartBudget>>,
    pub(super) slow_client: watch::Sender<SlowClient>,
    pub(super) http: watch::Sender<HttpSettings>,
    pub(super) error_screens: watch::Sender<SlateSettings>,
    pub(super) declared: watch::Sender<Declared>,
    pub(super) dossiers: watch::Sender<dossiers::Limits>,
    pub(super) admission: watch::Sender<admission::Settings>,
    pub(super) sessions: watch::Sender<sessions::Settings>,
    pub(super) throttler: watch::Sender<StreamThrottler>,
    pub(super) loudness: watch::Sender<loudness::Settings>,
    pub(super) watermarks: watch::Sender<Vec<watermarks::Rule>>,
    pub(super) logs: watch::Sender<logs::Settings>,
    pub(super) monitor: watch::Sender<monitor::Settings>,
    pub(super) healer: watch::Sender<HealerSettings>,
    pub(super) patterns: watch::Sender<learning::Rules>,
    pub(super) wording: watch::Sender<Option<Wording>>,
    pub(super) database: watch::Sender<database::Settings>,
    pub(super) backups: watch::Sender<backups::Settings>,
    data: PathBuf,
}

/// What a configuration says about all of them.
pub(super) struct KnobValues {
    feed: Settings,
    budget: BudgetRules,
    slow_client: SlowClient,
    http: HttpSettings,
    error_screens: SlateSettings,
    dossiers: dossiers::Limits,
    admission: admission::Settings,
    sessions: sessions::Settings,
    throttler: StreamThrottler,
    loudness: loudness::Settings,
    watermarks: Vec<watermarks::Rule>,
    logs: logs::Settings,
    monitor: monitor::Settings,
    healer: HealerSettings,
    patterns: learning::Rules,
    wording: Option<Wording>,
    database: database::Settings,
}

impl Knobs {
    pub(super) fn new(config: &Config, data: &Path, safe_mode: bool) -> Result<Self, StartError> {
        let KnobValues {
            feed,
            budget,
            slow_client,
            http,
            error_screens,
            dossiers,
            admission,
            sessions,
            throttler,
            loudness,
            watermarks,
            logs,
            monitor,
            patterns,
            healer,
            wording,
            database,
        } = Self::values(config)?;
        Ok(Self {
            feed: watch::channel(feed).0,
            budget: Arc::new(Mutex::new(RestartBudget::new(budget))),
            slow_client: watch::channel(slow_client).0,
            http: watch::channel(http).0,
            dossiers: watch::channel(dossiers).0,
            admission: watch::channel(admission).0,
            error_screens: watch::channel(error_screens).0,
            declared: watch::channel(Declared::of(config, safe_mode)?).0,
            sessions: watch::channel(sessions).0,
            throttler: watch::channel(throttler).0,
            loudness: watch::channel(loudness).0,
            watermarks: watch::channel(watermarks).0,
            logs: watch::channel(logs).0,
            monitor: watch::channel(monitor).0,
            patterns: watch::channel(patterns).0,
            healer: watch::channel(healer).0,
            wording: watch::channel(wording).0,
            database: watch::channel(database).0,
            backups: watch::channel(config.database_backup.settings(data)).0,
            data: data.to_owned(),
        })
    }

    pub(super) fn values(config: &Config) -> Result<KnobValues, ValueError> {
        let feed = Settings {
            idle_stop: Duration::from_secs(config.ffmpeg.idle_stop_s),
            slate_after_ms: config.ffmpeg.slate_after_ms.into(),
            supervision: config.supervision.rules(),
        };
        let supervision = &config.supervision;
        let channels = Some(supervision.max_channels_on_air).filter(|channels| *channels > 0);
        Ok(KnobValues {
            feed,
            budget: supervision.budget(),
            slow_client: config.server.slow_client,
            http: doors::http_settings(config)?,
            error_screens: SlateSettings::from(&config.error_screens),
            dossiers: dossiers::Limits { kept: supervision.dossiers_kept, bytes: supervision.dossiers_bytes },
            admission: admission::Settings { channels, when_full: supervision.when_full },
            sessions: session_settings(config),
            throttler: config.stream_throttler,
            loudness: config.loudness.settings(),
            watermarks: config.watermarks.iter().map(|watermark| watermark.rule()).collect(),
            logs: log_settings(config),
            monitor: monitor_settings(config),
            healer: healer_settings(config),
            patterns: pattern_rules(config),
            wording: config.ai_auto_heal.wording(),
            database: database::Settings {
                sizing: config.database.sizing(),
                pool: config.database.pool(),
                interval: Duration::from_secs(config.database.health_interval_s),
            },
        })
    }

    pub(super) fn set(&self, values: KnobValues, config: &Config) {
        self.database.send_replace(values.database);
        self.backups.send_replace(config.database_backup.settings(&self.data));
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).set_rules(values.budget);
        self.feed.send_replace(values.feed);
        self.slow_client.send_replace(values.slow_client);
        self.http.send_replace(values.http);
        self.dossiers.send_replace(values.dossiers);
        self.admission.send_replace(values.admission);
        self.sessions.send_replace(values.sessions);
        self.throttler.send_replace(values.throttler);
        self.loudness.send_replace(values.loudness);
        self.watermarks.send_replace(values.watermarks);
        self.logs.send_replace(values.logs);
        self.monitor.send_replace(values.monitor);
        self.healer.send_replace(values.healer);
        self.wording.send_replace(values.wording);
        // What has been seen of patterns is forgotten when this changes.
        self.patterns.send_if_modified(|known| std::mem::replace(known, values.patterns) != values.patterns);
        let screens = values.error_screens;
        // Slates that did not change need not be looked at again.
        self.error_screens.send_if_modified(|known| std::mem::replace(known, screens.clone()) != screens);
    }
}

fn pattern_rules(config: &Config) -> learning::Rules {
    let keys = &config.ai_auto_heal;
    learning::Rules {
        enabled: keys.pattern_detection_enabled,
        learns: keys.learning_enabled,
        window: TimeDelta::seconds(keys.learning_window_seconds.into()),
        tell_from: keys.prediction_confidence_threshold,
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

fn monitor_settings(config: &Config) -> monitor::Settings {
    let keys = &config.ai_auto_heal;
    let rules = Rules { healthy: keys.ffmpeg_health_threshold, confident: keys.prediction_confidence_threshold };
    let memory_limit_bytes = config.ffmpeg.memory_limit_bytes;
    monitor::Settings { enabled: keys.ffmpeg_monitor_enabled, rules, memory_limit_bytes }
}

fn healer_settings(config: &Config) -> HealerSettings {
    let keys = &config.ai_auto_heal;
    HealerSettings {
        resolver: keys.healing(),
        confident: keys.prediction_confidence_threshold,
        webhook: keys.escalation_webhook.clone(),
    }
}

fn log_settings(config: &Config) -> logs::Settings {
    let keys = &config.ai_auto_heal;
    let age = TimeDelta::minutes(keys.log_buffer_minutes.into());
    let limits = exstreamtv_healing::Limits { events: keys.log_buffer_events, bytes: keys.log_buffer_bytes, age };
    logs::Settings { limits, realtime: keys.realtime_streaming }
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
        ("[ffmpeg] programs, isolation or limits", {
            let key = |c: &Config| (programs(c), c.ffmpeg.cpu_weight, c.ffmpeg.pids_limit);
            key(old) != key(new)
        }),
        ("[hardware]", old.hardware != new.hardware),
        ("[profile]", old.profile != new.profile),
        ("[plugins]", old.plugins != new.plugins),
        ("[ai_auto_heal] enabled, plex_log or jellyfin_log", {
            let key = |c: &Config| {
                (c.ai_auto_heal.enabled, c.ai_auto_heal.plex_log.clone(), c.ai_auto_heal.jellyfin_log.clone())
            };
            key(old) != key(new)
        }),
        ("[database] path", old.database.path != new.database.path),
    ];
    changed.into_iter().filter_map(|(key, differs)| differs.then_some(key)).collect()
}
