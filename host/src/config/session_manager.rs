//! `[session_manager]`: how many may watch, and when who does nothing is over.

use serde::{Deserialize, Serialize};

use super::{ValueError, within};

/// How many may watch, and when who does nothing is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionManager {
    /// Sessions on one channel at a time.
    pub max_sessions_per_channel: u32,
    /// Sessions at a time on all channels.
    pub max_sessions: u32,
    /// Seconds without a byte taken or a request made after which a session is over; players that follow a playlist are over sooner.
    pub idle_timeout_seconds: u64,
    /// Seconds between clean-ups: sessions that are over leave the list, and totals are written to the database.
    pub cleanup_interval_seconds: u64,
}

impl Default for SessionManager {
    fn default() -> Self {
        Self {
            max_sessions_per_channel: 50,
            max_sessions: 1000,
            idle_timeout_seconds: 300,
            cleanup_interval_seconds: 60,
        }
    }
}

impl SessionManager {
    /// Checks every value.
    ///
    /// # Errors
    /// Names the first that cannot be used.
    pub(super) fn check(&self) -> Result<(), ValueError> {
        within("[session_manager] max_sessions_per_channel", self.max_sessions_per_channel.into(), 1, 100_000)?;
        within("[session_manager] max_sessions", self.max_sessions.into(), 1, 100_000)?;
        within("[session_manager] idle_timeout_seconds", self.idle_timeout_seconds, 1, 86_400)?;
        within("[session_manager] cleanup_interval_seconds", self.cleanup_interval_seconds, 1, 86_400)
    }
}
