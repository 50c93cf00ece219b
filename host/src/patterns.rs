//! The known patterns of trouble, as they come and go.
//!
//! Does: show everything that is said to `exstreamtv_healing::patterns`, and tell of what begins and ends.
//! Does not: act.
//! Invariant: whoever looks for patterns is a listener like any other: when too much is said he misses some of it and nobody waits.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use exstreamtv_healing::patterns::{Detector, PatternAnalysis, Turn};
use tokio::sync::{broadcast::error::RecvError, watch};

use crate::{clock::Clock, lifecycle::Lifecycle, logs::Collector};

/// How often time takes effect.
const TICK: Duration = Duration::from_secs(5);

/// The patterns that are there. Cheap to clone.
#[derive(Clone, Default)]
pub struct Patterns {
    detector: Arc<Mutex<Detector>>,
}

impl Patterns {
    /// Starts to look, while `enabled`.
    pub fn start(
        logs: &Collector,
        clock: Arc<dyn Clock>,
        mut enabled: watch::Receiver<bool>,
        life: &Lifecycle,
    ) -> Self {
        let (patterns, mut news, stopping) = (Self::default(), logs.news(), life.stopping());
        let looking = patterns.clone();
        life.spawn(async move {
            loop {
                let turns = tokio::select! {
                    () = stopping.cancelled() => return,
                    Ok(()) = enabled.changed() => {
                        // What was seen before means nothing after a pause.
                        *looking.lock() = Detector::default();
                        Vec::new()
                    }
                    event = news.recv() => match event {
                        Ok(event) if *enabled.borrow() => looking.lock().take(&event),
                        Ok(_) | Err(RecvError::Lagged(_)) => Vec::new(),
                        Err(RecvError::Closed) => return,
                    },
                    () = tokio::time::sleep(TICK) => looking.lock().pass_time(clock.now()),
                };
                turns.into_iter().for_each(tell);
            }
        });
        patterns
    }

    /// Returns the patterns that are there, the most serious first.
    pub fn active(&self) -> Vec<PatternAnalysis> {
        self.lock().active()
    }

    /// Locked for moments only.
    fn lock(&self) -> MutexGuard<'_, Detector> {
        self.detector.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
mod tests {
    use chrono::TimeDelta;
    use exstreamtv_healing::{Draft, Limits, LogLevel, LogSource, patterns::Pattern};

    use super::*;
    use crate::{
        clock::SystemClock,
        logs::{Intake, Settings},
    };

    #[tokio::test]
    async fn what_is_said_is_looked_at_while_that_is_wanted() {
        let life = Lifecycle::default();
        let limits = Limits { events: 100, bytes: 1 << 20, age: TimeDelta::minutes(5) };
        let (_kept, settings) = watch::channel(Settings { limits, realtime: false });
        let logs = Collector::start(Arc::new(Intake::default()), Arc::new(SystemClock), settings, &life);
        let (enabled, wanted) = watch::channel(true);
        let patterns = Patterns::start(&logs, Arc::new(SystemClock), wanted, &life);
        let text = "the token has expired";
        logs.intake().say(Draft::new(SystemClock.now(), LogSource::Plex, LogLevel::Error, text));
        while patterns.active().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(patterns.active()[0].pattern, Pattern::UrlExpiration);
        enabled.send_replace(false);
        while !patterns.active().is_empty() {
            tokio::task::yield_now().await;
        }
    }
}
