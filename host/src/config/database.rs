//! `[database]`: where the database lies, how many connections it has and how it is looked after.

use std::{path::PathBuf, time::Duration};

use exstreamtv_core::sizing::PoolSizing;
use exstreamtv_store::PoolSettings;
use serde::{Deserialize, Serialize};

use super::{ValueError, within};

/// The database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// The database file; a relative path is below the data folder.
    pub path: PathBuf,
    /// Connections that read where there are no channels, and the least there are.
    pub base_pool_size: u32,
    /// The most connections that read.
    pub max_pool_size: u32,
    /// Connections that each channel adds.
    pub connections_per_channel: f64,
    /// Milliseconds after which whoever waits for a connection gives up.
    pub acquire_timeout_ms: u64,
    /// Milliseconds of waiting from which on the pool counts as exhausted.
    pub exhausted_after_ms: u64,
    /// Seconds after which a connection that nobody needs is closed.
    pub idle_connection_s: u64,
    /// Seconds between looks at the database's health.
    pub health_interval_s: u64,
}

impl Default for Database {
    fn default() -> Self {
        let (sizing, pool) = (PoolSizing::default(), PoolSettings::default());
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            path: "exstreamtv.db".into(),
            base_pool_size: sizing.base,
            max_pool_size: sizing.most,
            connections_per_channel: sizing.per_channel,
            acquire_timeout_ms: millis(pool.acquire_timeout),
            exhausted_after_ms: millis(pool.exhausted_after),
            idle_connection_s: pool.idle_timeout.as_secs(),
            health_interval_s: 30,
        }
    }
}

impl Database {
    /// Returns how many connections read.
    pub fn sizing(&self) -> PoolSizing {
        PoolSizing { base: self.base_pool_size, most: self.max_pool_size, per_channel: self.connections_per_channel }
    }

    /// Returns how connections are waited for.
    pub fn pool(&self) -> PoolSettings {
        PoolSettings {
            acquire_timeout: Duration::from_millis(self.acquire_timeout_ms),
            exhausted_after: Duration::from_millis(self.exhausted_after_ms),
            idle_timeout: Duration::from_secs(self.idle_connection_s),
        }
    }

    pub(super) fn check(&self) -> Result<(), ValueError> {
        within("[database] base_pool_size", self.base_pool_size.into(), 1, 1_000)?;
        within("[database] max_pool_size", self.max_pool_size.into(), 1, 1_000)?;
        if !(0.0..=100.0).contains(&self.connections_per_channel) {
            return Err(ValueError::Number {
                key: "[database] connections_per_channel",
                value: self.connections_per_channel,
                min: 0.0,
                max: 100.0,
            });
        }
        within("[database] acquire_timeout_ms", self.acquire_timeout_ms, 10, 600_000)?;
        within("[database] exhausted_after_ms", self.exhausted_after_ms, 1, 600_000)?;
        within("[database] idle_connection_s", self.idle_connection_s, 1, 86_400)?;
        within("[database] health_interval_s", self.health_interval_s, 1, 86_400)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_constant_of_the_formula_can_be_set() {
        let section: Database =
            toml::from_str("base_pool_size = 3\nmax_pool_size = 8\nconnections_per_channel = 0.5").unwrap();
        section.check().unwrap();
        assert_eq!([0, 4, 100].map(|channels| section.sizing().optimal(channels)), [3, 5, 8]);
    }

    #[test]
    fn numbers_that_make_no_sense_are_named() {
        for (text, key) in [
            ("base_pool_size = 0", "base_pool_size = 0"),
            ("max_pool_size = 0", "max_pool_size = 0"),
            ("connections_per_channel = -1.0", "connections_per_channel = -1"),
            ("connections_per_channel = nan", "connections_per_channel = NaN"),
            ("acquire_timeout_ms = 1", "acquire_timeout_ms = 1"),
            ("exhausted_after_ms = 0", "exhausted_after_ms = 0"),
            ("idle_connection_s = 0", "idle_connection_s = 0"),
            ("health_interval_s = 0", "health_interval_s = 0"),
        ] {
            let section: Database = toml::from_str(text).unwrap();
            let error = section.check().unwrap_err().to_string();
            assert!(error.contains(&format!("[database] {key}")), "{error}");
        }
    }
}
