//! `[supervision]`: when what failed is started again.

use exstreamtv_core::supervision::{BreakerRules, BudgetRules, Rules};
use serde::{Deserialize, Serialize};

use super::{ValueError, within};

/// When what failed is started again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Supervision {
    /// Restarts of all channels together in a minute.
    pub max_restarts_per_minute: u32,
    /// Seconds between two restarts of one channel, once it has shown a programme.
    pub restart_pause_s: u32,
    /// This many failures of a channel …
    pub breaker_failures: u32,
    /// … within this time stop its restarts …
    pub breaker_window_s: u32,
    /// … for this long; then one attempt decides.
    pub breaker_open_s: u32,
}

impl Default for Supervision {
    fn default() -> Self {
        Self {
            max_restarts_per_minute: 10,
            restart_pause_s: 30,
            breaker_failures: 5,
            breaker_window_s: 300,
            breaker_open_s: 120,
        }
    }
}

impl Supervision {
    /// Checks what serde alone cannot check.
    ///
    /// # Errors
    /// Names the first key whose value cannot be used.
    pub fn check(&self) -> Result<(), ValueError> {
        within("[supervision] max_restarts_per_minute", self.max_restarts_per_minute.into(), 1, 1_000)?;
        within("[supervision] restart_pause_s", self.restart_pause_s.into(), 0, 3_600)?;
        within("[supervision] breaker_failures", self.breaker_failures.into(), 1, 1_000)?;
        within("[supervision] breaker_window_s", self.breaker_window_s.into(), 1, 86_400)?;
        within("[supervision] breaker_open_s", self.breaker_open_s.into(), 1, 86_400)
    }

    /// Returns the rules of one channel.
    pub fn rules(&self) -> Rules {
        let ms = |seconds: u32| i64::from(seconds) * 1_000;
        let breaker = BreakerRules {
            failures: usize::try_from(self.breaker_failures).unwrap_or(usize::MAX),
            window_ms: ms(self.breaker_window_s),
            open_ms: ms(self.breaker_open_s),
            ..BreakerRules::default()
        };
        Rules { restart_pause_ms: ms(self.restart_pause_s), breaker, ..Rules::default() }
    }

    /// Returns what all channels share.
    pub fn budget(&self) -> BudgetRules {
        let restarts = usize::try_from(self.max_restarts_per_minute).unwrap_or(usize::MAX);
        BudgetRules { restarts, ..BudgetRules::default() }
    }
}
