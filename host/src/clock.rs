//! Wall time, read once per event and passed down.
//!
//! Invariant: the only place in the host that asks the system what time it is.

use chrono::{DateTime, Utc};

/// Something that knows the time.
pub trait Clock: Send + Sync {
    /// Returns the wall time.
    fn now(&self) -> DateTime<Utc>;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is given")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
