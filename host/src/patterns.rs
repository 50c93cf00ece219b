//! Patterns of trouble as they come and go: the known ones, and what was learnt.
//!
//! Does: show everything that is said to `exstreamtv_healing::patterns` and to the learner, and tell of what begins and ends.
//! Does not: act.
//! Invariant: whoever looks for patterns is a listener like any other: when too much is said he misses some of it and nobody waits.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use exstreamtv_healing::{
    LogEvent,
    learning::Memory,
    patterns::{Detector, PatternAnalysis, Turn},
};
use exstreamtv_model::{ChannelId, ChannelIncident};
use exstreamtv_store::Store;
use tokio::{
    sync::{
        broadcast::{self, error::RecvError},
        watch,
    },
    time::{Interval, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use crate::{clock::Clock, lifecycle::Lifecycle, logs::Collector};

pub mod learning;

use learning::{Learning, Rules};

/// How often time takes effect, at least and at most.
const TICKS: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(5)];
/// Events that are looked at before an incident that came meanwhile.
const MOST_BEFORE: usize = 4_096;
/// What this file says is said about what others said, and is no sign of its own.
const OWN: &str = "patterns";

/// The patterns that are there. Cheap to clone.
#[derive(Clone)]
pub struct Patterns {
    detector: Arc<Mutex<Detector>>,
    learning: Learning,
}

/// What is looked at.
pub struct Sources {
    /// What is said.
    pub logs: Collector,
    /// What goes wrong.
    pub incidents: broadcast::Receiver<ChannelIncident>,
    /// Which channels are on air.
    pub on_air: Box<dyn Fn() -> BTreeSet<ChannelId> + Send + Sync>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Where what is learnt is kept.
    pub store: Store,
}

impl Patterns {
    /// Starts to look, going on with what was learnt.
    pub fn start(sources: Sources, memory: Memory, rules: watch::Receiver<Rules>, life: &Lifecycle) -> Self {
        let (logs, store, news) = (sources.logs.clone(), sources.store.clone(), sources.logs.news());
        let learning = Learning::new(memory, *rules.borrow(), logs, store);
        let patterns = Self { detector: Arc::default(), learning };
        life.spawn(patterns.clone().look(news, sources, rules, life.stopping()));
        // Whoever listens does not wait for the database.
        life.spawn(patterns.learning.clone().keep(life.stopping()));
        patterns
    }

    async fn look(
        self,
        mut news: broadcast::Receiver<Arc<LogEvent>>,
        mut sources: Sources,
        mut rules: watch::Receiver<Rules>,
        stopping: CancellationToken,
    ) {
        let mut tick = interval(tick_of(*rules.borrow()));
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                Ok(()) = rules.changed() => {
                    let rules = *rules.borrow_and_update();
                    self.set_rules(rules);
                    tick = interval(tick_of(rules));
                }
                event = news.recv() => match event {
                    Ok(event) => self.take(&event),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
                Ok(incident) = sources.incidents.recv() => {
                    // What was said before it counts as said before it.
                    let before = std::iter::from_fn(|| news.try_recv().ok());
                    before.take(MOST_BEFORE).for_each(|event| self.take(&event));
                    self.incident(&incident);
                }
                _ = tick.tick() => self.pass_time(&sources),
            }
        }
    }

    fn set_rules(&self, rules: Rules) {
        let before = self.learning.rules();
        if before.enabled != rules.enabled {
            // What was seen before means nothing after a pause.
            *self.lock() = Detector::default();
        }
        self.learning.set_rules(rules);
    }

    fn take(&self, event: &LogEvent) {
        let own = event.component.as_deref().is_some_and(|of| of.split("::").next() == Some(OWN));
        if self.learning.rules().enabled && !own {
            let turns = self.lock().take(event);
            turns.into_iter().for_each(tell);
            self.learning.take(event);
        }
    }

    fn incident(&self, incident: &ChannelIncident) {
        if self.learning.rules().enabled {
            self.learning.incident(incident);
        }
    }

    fn pass_time(&self, sources: &Sources) {
        let now = sources.clock.now();
        let turns = self.lock().pass_time(now);
        turns.into_iter().for_each(tell);
        if self.learning.rules().enabled {
            self.learning.pass_time(now, &(sources.on_air)());
        }
    }

    /// Returns one that nobody shows anything.
    #[cfg(test)]
    pub(crate) fn of_tests(logs: Collector, store: Store) -> Self {
        let window = chrono::TimeDelta::seconds(120);
        let rules = Rules { enabled: true, learns: true, window, tell_from: 0.75 };
        Self { detector: Arc::default(), learning: Learning::new(Memory::default(), rules, logs, store) }
    }

    /// Returns the patterns that are there, the most serious first.
    pub fn active(&self) -> Vec<PatternAnalysis> {
        self.lock().active()
    }

    /// Returns what is learnt.
    pub fn learning(&self) -> &Learning {
        &self.learning
    }

    /// Locked for moments only.
    fn lock(&self) -> MutexGuard<'_, Detector> {
        self.detector.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Quiet stretches are taken one at each tick, so there are several in a window.
fn tick_of(rules: Rules) -> Duration {
    let [least, most] = TICKS;
    (rules.window / 4).to_std().unwrap_or(most).clamp(least, most)
}

/// Ticks a whole period from now on.
fn interval(period: Duration) -> Interval {
    let mut interval = tokio::time::interval_at(tokio::time::Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

fn tell(turn: Turn) {
    match turn {
        Turn::Begins(found) => {
            let root = found.suspects.first().map(|suspect| suspect.resource.to_string()).unwrap_or_default();
            tracing::warn!(
                pattern = ?found.pattern,
                risk = ?found.risk,
                confidence = found.confidence,
                signs = found.signs,
                root,
                advice = found.advice,
                "a known pattern of trouble begins"
            );
        }
        Turn::Ends(pattern) => tracing::info!(?pattern, "a known pattern of trouble is over"),
    }
}

#[cfg(test)]
mod tests;
