//! What the healer may not do: rates, containment, and what is in force.
//!
//! Does: hold the settings and what weighs on the system, count what was done in a stretch of time, and say why nothing may be done now.
//! Does not: forget a hold by itself; each ends when what it names ends.
//! Invariant: every hold ends by itself: a window passes, a pressure falls, an action is over.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use exstreamtv_model::ChannelId;
use serde::{Deserialize, Serialize};

use super::risk::RiskLevel;

/// How long an hour's limit looks back.
pub const HOUR_MS: i64 = 3_600_000;
/// How long restarts are looked back at.
pub const MINUTE_MS: i64 = 60_000;
/// More restarts than this a minute, everywhere together, and nothing is done automatically.
pub const STORM_RESTARTS: u32 = 2;
/// From this share of connections in use on, nothing is done automatically but to give more.
pub const POOL_PRESSURE: f64 = 0.9;
/// The most times an hour that main and slate take each other's place for one cause.
pub const SWAPS_PER_HOUR: usize = 6;
/// So many failures on one issue …
pub const FAILURES: u32 = 3;
/// … and it is left alone for this long.
pub const COOL_DOWN_MS: i64 = 15 * 60_000;
/// How long a question waits for a person.
pub const APPROVAL_MS: i64 = 24 * HOUR_MS;

/// The healer's settings: `[ai_auto_heal]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = HealingSettings))]
pub struct Settings {
    /// Whether anything is looked at at all.
    pub enabled: bool,
    /// Whether anything is done without being asked; else everything waits for a person.
    pub auto_resolve_enabled: bool,
    /// The most fixes an hour, approved ones apart.
    pub max_auto_fixes_per_hour: u32,
    /// What is riskier than this waits for a person.
    pub require_approval_above_risk: RiskLevel,
    /// Whether the slate covers the picture while something is done to it.
    pub use_error_screen_fallback: bool,
    /// Whether a picture that is still there stays until its successor is.
    pub hot_swap_enabled: bool,
    /// Whether what came of a deed changes what is believed of it.
    pub learning_enabled: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            auto_resolve_enabled: true,
            max_auto_fixes_per_hour: 50,
            require_approval_above_risk: RiskLevel::Medium,
            use_error_screen_fallback: true,
            hot_swap_enabled: true,
            learning_enabled: true,
        }
    }
}

/// What weighs on the system at this moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pressure {
    /// Restarts by everybody but the healer, all channels together, in the last minute.
    pub restarts: u32,
    /// Those of each channel.
    pub own_restarts: BTreeMap<ChannelId, u32>,
    /// The share of the database's connections that is in use, 0 to 1.
    pub pool: f64,
    /// Channels whose breaker is open.
    pub open_breakers: BTreeSet<ChannelId>,
}

impl Pressure {
    /// Returns how many restarts count against a deed on a channel. What one channel alone restarts is no storm, however often: its own breaker is
    /// there for that; so of its own no more count than a storm needs to be short of one.
    pub(super) fn restarts_against(&self, channel: Option<ChannelId>) -> u32 {
        let own = channel.and_then(|channel| self.own_restarts.get(&channel)).copied().unwrap_or(0).min(self.restarts);
        self.restarts - own + own.min(STORM_RESTARTS - 1)
    }
}

/// Why nothing is done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Too much is started again already.
    RestartStorm,
    /// The database is at its limits.
    PoolPressure,
    /// The channel's breaker is open.
    BreakerOpen,
    /// So many fixes were made in the last hour.
    HourSpent,
    /// Something is being done on this channel.
    ChannelBusy,
    /// Something of high risk is being done.
    HighRiskBusy,
    /// Main and slate took each other's place too often.
    SwapsSpent,
    /// It failed so often that it is left alone for a while.
    CoolingDown,
    /// A person is asked.
    AwaitsApproval,
}

/// What was done in the last stretch of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    times_ms: VecDeque<i64>,
}

impl Window {
    /// Returns a window of what was done before.
    pub fn of(times_ms: impl IntoIterator<Item = i64>) -> Self {
        let mut times: Vec<_> = times_ms.into_iter().collect();
        times.sort_unstable();
        Self { times_ms: times.into() }
    }

    /// Adds something that is done now, and forgets what is older than an hour.
    pub fn add(&mut self, now_ms: i64) {
        while self.times_ms.front().is_some_and(|at_ms| now_ms - at_ms >= HOUR_MS) {
            self.times_ms.pop_front();
        }
        self.times_ms.push_back(now_ms);
    }

    /// Returns how often it was done within `span_ms`; at most an hour.
    pub fn count(&self, now_ms: i64, span_ms: i64) -> usize {
        self.times_ms.iter().rev().take_while(|at_ms| now_ms - **at_ms < span_ms).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_counts_what_is_young_and_ends() {
        let mut window = Window::of([30, 10]);
        window.add(40);
        assert_eq!((window.count(40, 11), window.count(40, 100)), (2, 3));
        assert_eq!(window.count(40 + HOUR_MS, HOUR_MS), 0);
        window.add(40 + HOUR_MS);
        assert_eq!(window.times_ms.len(), 1);
    }
}
