//! How well channels do, and what is to be expected of them.
//!
//! Does: look at every feed once a second, let `exstreamtv_healing::monitor` judge, and tell of what changed.
//! Does not: act; a feed's own supervision does, and the healer.
//! Invariant: a feed is looked at from outside; it never waits for whoever looks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use exstreamtv_healing::monitor::{Change, ChannelHealthMetrics, FailurePrediction, Monitor, Rules, Sample};
use exstreamtv_model::ChannelId;
use serde::Serialize;
use tokio::{sync::watch, time::Instant};
use utoipa::ToSchema;

use crate::{
    feed::{
        Feeds,
        broadcaster::Observed,
        view::{FeedState, RunKind},
    },
    lifecycle::Lifecycle,
};

/// Time between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Settings that a reload may change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Whether anybody looks.
    pub enabled: bool,
    /// When a channel is called what.
    pub rules: Rules,
    /// What the processes of a channel may have; 0 is everything.
    pub memory_limit_bytes: u64,
}

/// How a channel does.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ChannelHealth {
    /// What was measured.
    #[serde(flatten)]
    pub metrics: ChannelHealthMetrics,
    /// What is to be expected, the likeliest first.
    pub predictions: Vec<FailurePrediction>,
}

/// The monitors of all channels on air. Cheap to clone.
#[derive(Clone, Default)]
pub struct Monitors {
    known: Arc<Mutex<BTreeMap<ChannelId, (i64, Monitor)>>>,
    rules: Arc<Mutex<Rules>>,
}

impl Monitors {
    /// Starts to look.
    pub fn start(feeds: Arc<Feeds>, settings: watch::Receiver<Settings>, life: &Lifecycle) -> Self {
        let monitors = Self::default();
        let (looking, stopping) = (monitors.clone(), life.stopping());
        let began = Instant::now();
        life.spawn(async move {
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(PAUSE) => {}
                }
                let settings = *settings.borrow();
                let now_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
                let observed = if settings.enabled { feeds.observed() } else { Vec::new() };
                looking.look(&observed, &settings, now_ms);
            }
        });
        monitors
    }

    fn look(&self, observed: &[Observed], settings: &Settings, now_ms: i64) {
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = settings.rules;
        let mut known = self.lock();
        known.retain(|channel, (since_ms, _)| {
            // A feed that began anew is another one.
            observed.iter().any(|of| of.view.channel == *channel && of.view.since_ms == *since_ms)
        });
        // Before its first programme a feed is neither well nor ill; without a viewer it is none of anybody's business.
        let watched = |of: &&Observed| !matches!(of.view.state, FeedState::Starting | FeedState::Idle);
        for of in observed.iter().filter(watched) {
            let channel = of.view.channel;
            let begin = || (of.view.since_ms, Monitor::new(channel, of.frame_rate));
            let (_, monitor) = known.entry(channel).or_insert_with(begin);
            for change in monitor.take(sample(of, settings, now_ms), settings.rules) {
                tell(channel, change);
            }
        }
    }

    /// Returns how every channel on air does.
    pub fn all(&self) -> Vec<ChannelHealth> {
        let rules = self.rules();
        self.lock().values().map(|(_, monitor)| health(monitor, rules)).collect()
    }

    /// Returns how a channel does, if it is on air and watched.
    pub fn find(&self, channel: ChannelId) -> Option<ChannelHealth> {
        let rules = self.rules();
        self.lock().get(&channel).map(|(_, monitor)| health(monitor, rules))
    }

    fn rules(&self) -> Rules {
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locked for moments only.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ChannelId, (i64, Monitor)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn health(monitor: &Monitor, rules: Rules) -> ChannelHealth {
    ChannelHealth { metrics: monitor.metrics(rules), predictions: monitor.predictions() }
}

fn sample(of: &Observed, settings: &Settings, now_ms: i64) -> Sample {
    let view = &of.view;
    let run = view.runs.iter().find(|run| run.kind == RunKind::OnAir);
    let limit = Some(settings.memory_limit_bytes).filter(|bytes| *bytes > 0);
    Sample {
        at_ms: now_ms,
        run: run.and_then(|run| Some((run.run, run.progress?))),
        on_air: view.state == FeedState::OnAir,
        lead_ms: view.lead_ms,
        lead_wanted_ms: of.lead_wanted_ms,
        memory: view.vitals.map(|vitals| vitals.rss_bytes).zip(limit),
        failures: view.failures,
        restarts: view.restarts,
    }
}

fn tell(channel: ChannelId, change: Change) {
    match change {
        Change::Status { from, to } if to > from => {
            tracing::warn!(channel.id = %channel, ?from, ?to, "a channel does worse");
        }
        Change::Status { from, to } => tracing::info!(channel.id = %channel, ?from, ?to, "a channel does better"),
        Change::Predicted(told) => tracing::warn!(
            channel.id = %channel,
            failure = ?told.failure,
            probability = (told.probability * 100.0).round() / 100.0,
            horizon_s = told.horizon_s,
            time_to_failure_s = told.time_to_failure_s,
            evidence = told.evidence,
            "a failure is to be expected"
        ),
    }
}

#[cfg(test)]
mod tests {
    use exstreamtv_healing::monitor::HealthStatus;

    use super::*;
    use crate::feed::view::FeedView;

    const SETTINGS: Settings =
        Settings { enabled: true, rules: Rules { healthy: 0.8, confident: 0.75 }, memory_limit_bytes: 0 };

    fn observed(state: FeedState, since_ms: i64) -> Observed {
        let view = FeedView { state, lead_ms: 3_000, ..FeedView::starting(ChannelId(7), since_ms) };
        Observed { view, frame_rate: 25.0, lead_wanted_ms: 3_000 }
    }

    #[test]
    fn a_channel_is_judged_from_its_first_programme_until_it_goes_off_air() {
        let monitors = Monitors::default();
        monitors.look(&[observed(FeedState::Starting, 1)], &SETTINGS, 0);
        assert_eq!(monitors.find(ChannelId(7)), None);
        monitors.look(&[observed(FeedState::OnAir, 1)], &SETTINGS, 1_000);
        assert_eq!(monitors.all()[0].metrics.status, HealthStatus::Healthy);
        for second in 2..6 {
            monitors.look(&[observed(FeedState::Slate, 1)], &SETTINGS, second * 1_000);
        }
        assert_eq!(monitors.find(ChannelId(7)).map(|health| health.metrics.status), Some(HealthStatus::Failed));
        // Another feed of the same channel has no past.
        monitors.look(&[observed(FeedState::OnAir, 9)], &SETTINGS, 7_000);
        assert_eq!(monitors.find(ChannelId(7)).map(|health| health.metrics.status), Some(HealthStatus::Healthy));
        monitors.look(&[], &SETTINGS, 8_000);
        assert!(monitors.all().is_empty());
    }
}
