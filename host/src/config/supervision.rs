//! `[supervision]`: how many channels may be on air, when what failed is started again, and what is kept about failures.

use exstreamtv_core::supervision::{BreakerRules, BudgetRules, Rules};
use serde::{Deserialize, Serialize};

use super::{ValueError, within};

/// How many channels may be on air, when what failed is started again, and what is kept about failures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Supervision {
    /// The most channels on air at once; 0 lets the machine decide by what channels cost it.
    pub max_channels_on_air: u32,
    /// What a viewer gets whose channel finds no room.
    pub when_full: WhenFull,
    /// The most dossiers of failures that are kept; 0 keeps none.
    pub dossiers_kept: usize,
    /// The most that all of them take.
    pub dossiers_bytes: u64,
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

/// What a viewer gets whose channel finds no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// The slate, and the programme as soon as there is room.
    Slate,
    /// An answer that says when to come back (503 with Retry-After).
    Refuse,
}

impl Default for Supervision {
    fn default() -> Self {
        Self {
            max_channels_on_air: 0,
            when_full: WhenFull::Slate,
            dossiers_kept: 50,
            dossiers_bytes: 100_000_000,
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

#[cfg(test)]
mod tests {
    use exstreamtv_core::{
        Means, RestartBudget,
        supervision::{Permit, Supervision as Supervised},
    };
    use exstreamtv_model::{Cause, PlayoutEntryId};

    use super::*;

    const ITEM: PlayoutEntryId = PlayoutEntryId(1);

    /// Returns when an item may be started again that was shown and has failed `failures` times, a second apart, restarted each time.
    fn next_start_ms(section: &Supervision, failures: i64) -> i64 {
        let mut supervised = Supervised::new(section.rules());
        let mut budget = RestartBudget::new(section.budget());
        supervised.shown(ITEM, 0);
        for n in 1..=failures {
            supervised.failed(ITEM, Cause::FfmpegCrashed, n * 1_000);
            if n < failures {
                supervised.started(ITEM, exstreamtv_core::Rung::SameCommand, n * 1_000, &mut budget);
            }
        }
        match supervised.permit(ITEM, Means::default(), failures * 1_000, &budget) {
            Permit::Start(_) => failures * 1_000,
            Permit::Wait { until_ms } => until_ms,
            Permit::Never => i64::MAX,
        }
    }

    #[test]
    fn each_key_has_its_effect() {
        let defaults = Supervision::default();
        assert_eq!((next_start_ms(&defaults, 1), next_start_ms(&defaults, 2)), (1_000, 31_000));
        let patient = Supervision { restart_pause_s: 60, ..Supervision::default() };
        assert_eq!(next_start_ms(&patient, 2), 61_000);
        let frugal = Supervision { max_restarts_per_minute: 1, restart_pause_s: 0, ..Supervision::default() };
        assert_eq!(next_start_ms(&frugal, 2), 61_000);
        let touchy = Supervision { breaker_failures: 2, ..Supervision::default() };
        assert_eq!(next_start_ms(&touchy, 2), 122_000);
        let brief = Supervision { breaker_failures: 2, breaker_open_s: 40, ..Supervision::default() };
        assert_eq!(next_start_ms(&brief, 2), 42_000);
        let forgetful = Supervision { breaker_failures: 2, breaker_window_s: 1, ..Supervision::default() };
        assert_eq!(next_start_ms(&forgetful, 2), 31_000);
    }

    #[test]
    fn nonsense_is_refused_by_its_key() {
        let never = Supervision { max_restarts_per_minute: 0, ..Supervision::default() };
        assert!(never.check().is_err_and(|error| error.to_string().contains("max_restarts_per_minute = 0")));
    }
}
